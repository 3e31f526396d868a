//! A stand-in for Google's Web Risk.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use serde_json::json;
use tokio::net::TcpListener;

use crate::world::{Setting, World};

const KEY: &str = "kunci-uji";

/// Web Risk as this machine plays it; every clone knows the same.
#[derive(Clone, Default)]
pub(crate) struct WebRisk(Arc<Mutex<BTreeSet<String>>>);

impl WebRisk {
    /// Lists every address from now on that has `part` in it.
    pub(crate) fn list(&self, part: &str) {
        self.0.lock().unwrap().insert(part.to_owned());
    }

    /// A house that asks it, with the key that it wants to see.
    pub(crate) async fn asked(&self) -> World {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = self.clone();
        let answer = async move |request: Request| told.answer(&request);
        #[expect(clippy::disallowed_methods, reason = "it serves while the story lasts")]
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let world = World::with(Setting {
            parameters: vec![("WebRisk", "on".to_owned())],
            variables: vec![("IZIN_WEB_RISK_URL", url)],
            ..Setting::default()
        })
        .await;
        let secrets = &world.house.aws.secrets;
        secrets.put("WebRiskKeySecret", KEY.to_owned());
        world
    }

    fn answer(&self, request: &Request) -> String {
        assert_eq!(request.headers()["x-goog-api-key"], KEY);
        let asked = request.uri().query().unwrap_or_default();
        let is_listed = self
            .0
            .lock()
            .unwrap()
            .iter()
            .any(|part| asked.contains(part));
        if is_listed {
            json!({"threat": {"threatTypes": ["MALWARE"], "expireTime": "2027-11-25T00:00:00Z"}})
                .to_string()
        } else {
            "{}".to_owned()
        }
    }
}
