//! Nothing harmful goes out: a bad link stops the campaign, a bad value its
//! person, and what was not approved is not sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Redirect};
use http::StatusCode;
use izin::house::Seeds;
use platform::campaigns::SyncedTemplate;
use platform::expansion::Expander;
use platform::outside::Town;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stop::{TWELVE, csv};
use crate::web_risk::WebRisk;
use crate::world::{Setting, World};

/// The seeded template with another text.
fn template_saying(name: &str, body: &str) -> String {
    let mut template = Seeds::template();
    template["name"] = json!(name);
    template["components"][0]["text"] = json!(body);
    template.to_string()
}

impl World {
    /// As if the timer had just read this from WhatsApp.
    pub(crate) async fn reads_template(&self, name: &str, body: &str) {
        let template = SyncedTemplate {
            json: template_saying(name, body),
            synced_at: self.now(),
            has_news: false,
        };
        let campaigns = self.house.campaigns().unwrap();
        let tenant = self.house.seeds.tenant;
        campaigns
            .put_template(tenant, name, Seeds::LANGUAGE, &template)
            .await
            .unwrap();
    }

    /// A campaign of another template, validated; its id.
    pub(crate) async fn validated(&mut self, list: &str, template: &str, author: &str) -> String {
        let other = json!({
            "template": {"name": template, "language": Seeds::LANGUAGE},
            "author": author,
        });
        let id = self.draft_with(list, other).await;
        self.post(&format!("/v1/campaigns/{id}/validate"), json!({}))
            .await;
        self.deliver().await;
        id
    }

    pub(crate) async fn approves(&mut self, id: &str, body: Value) -> (StatusCode, Vec<String>) {
        let path = format!("/v1/campaigns/{id}/approve");
        let (status, answer) = self.request("POST", &path, body).await;
        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
        let codes = errors
            .iter()
            .map(|error| error["code"].as_str().unwrap().to_owned());
        (status, codes.collect())
    }
}

#[tokio::test]
async fn a_bad_link_in_the_template_stops_the_campaign_before_the_first_send() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let body = "Halo {{nama}}, cek hadiah di https://shopee-hadiah.top/undangan.apk";
    world.reads_template("hadiah", body).await;
    let id = world.validated(&list, "hadiah", "Sari").await;

    let preflight = world.get(&format!("/v1/campaigns/{id}/preflight")).await;
    assert_eq!(preflight["verdict"], "block", "{preflight}");
    let reasons: Vec<_> = preflight["blockers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|blocker| format!("{} {}", blocker["place"], blocker["reason"]))
        .collect();
    assert_eq!(
        reasons,
        [
            r#""body" "lookalike_brand""#,
            r#""body" "dangerous_download""#
        ]
    );
    assert_eq!(
        preflight["links"][0]["leads_to"],
        "https://shopee-hadiah.top/undangan.apk"
    );
    let (status, codes) = world.approves(&id, json!({"by": "Budi"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(codes, ["lookalike_brand", "dangerous_download"]);
    let start = format!("/v1/campaigns/{id}/start");
    let (status, _) = world.request("POST", &start, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(world.house.simulator.report().requests, 0);
}

#[tokio::test]
async fn a_bad_value_leaves_its_person_out_and_nobody_else() {
    let mut world = World::quiet().await;
    let mut people = csv(&TWELVE[..11]);
    people.push_str("Hadiah di dana-kaget.com,+6281211110012,2026-01-05 10:00\n");
    let (list, import) = world.import(&people).await;
    assert_eq!(import["counts"]["accepted"], 12, "{import}");
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    let view = world.finish(id).await;
    assert_eq!(view["totals"]["accepted"], 11, "{view}");
    assert_eq!(
        view["excluded_by_reason"],
        json!({"content_blocked": 1}),
        "{view}"
    );
    assert_eq!(view["conservation"]["holds"], true, "{view}");
    assert_eq!(world.house.simulator.report().requests, 11);
}

#[tokio::test]
async fn a_warning_needs_a_name_and_where_asked_a_second_one() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let body = "Halo {{nama}}, lihat http://toko.example/promo";
    world.reads_template("katalog", body).await;
    let id = world.validated(&list, "katalog", "Sari Dewi").await;
    let (status, codes) = world.approves(&id, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(codes, ["not_https"]);
    let two = json!({"two_person_approval": true});
    let (status, answer) = world.request("PUT", "/v1/settings", two).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let (status, _) = world.approves(&id, json!({"by": "sari dewi"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let (status, codes) = world.approves(&id, json!({"by": "Budi"})).await;
    assert_eq!(status, StatusCode::OK, "{codes:?}");
}

#[tokio::test]
async fn what_was_approved_is_sent_or_nothing_is() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    // Somebody edits the template at WhatsApp after the approval.
    let body = "Halo {{nama}}, ambil hadiahmu di https://lain.example";
    world.reads_template(Seeds::TEMPLATE, body).await;
    world.start(id).await;
    world.deliver().await;
    let view = world.get(&format!("/v1/campaigns/{id}")).await;
    assert_eq!(view["totals"]["pending"], 12, "{view}");
    assert_eq!(world.house.simulator.report().requests, 0);
}

/// Answers on loopback: `/aman` leads to a harmless page, `/hadiah` to a trap,
/// `/lewat` over a trap to the harmless page, `/dalam` into the network, and
/// everything else is a page. Counts who asks for these.
async fn town() -> (Town, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answer = async move |request: Request| {
        let to = match request.uri().path() {
            "/aman" => "http://toko.example/promo",
            "/hadiah" => "http://shopee-hadiah.top/undangan.apk",
            "/lewat" => "http://shopee-hadiah.top/lalu.apk",
            "/lalu.apk" => return Redirect::temporary("http://toko.example/promo").into_response(),
            "/dalam" => "http://kantor.internal-name.com/",
            _ => return StatusCode::OK.into_response(),
        };
        count.fetch_add(1, Ordering::Relaxed);
        Redirect::temporary(to).into_response()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    #[expect(clippy::disallowed_methods, reason = "it serves while the story lasts")]
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let names = vec!["bit.ly", "toko.example", "shopee-hadiah.top"];
    (Town { names, port }, asked)
}

#[tokio::test]
async fn a_short_link_is_followed_once_and_its_end_is_judged() {
    let (town, asked) = town().await;
    let mut world = World::with(Setting {
        expander: Some(Expander::within(town).unwrap()),
        ..Setting::default()
    })
    .await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let cases = [
        ("aman", "warn", "http://toko.example/promo", "not_https"),
        (
            "hadiah",
            "block",
            "http://shopee-hadiah.top/undangan.apk",
            "dangerous_download",
        ),
        (
            "lewat",
            "block",
            "http://toko.example/promo",
            "dangerous_download",
        ),
        ("dalam", "block", "", "ssrf_target"),
    ];
    for (round, (path, verdict, end, reason)) in cases.into_iter().enumerate() {
        let body = format!("Halo {{{{nama}}}}, lihat http://bit.ly/{path}");
        world.reads_template(path, &body).await;
        let id = world.validated(&list, path, "Sari").await;
        let preflight = world.get(&format!("/v1/campaigns/{id}/preflight")).await;
        assert_eq!(preflight["verdict"], verdict, "{path}: {preflight}");
        let link = &preflight["links"][0];
        assert_eq!(link["ends_at"].as_str().unwrap_or_default(), end, "{link}");
        let all = format!("{}{}", preflight["blockers"], preflight["warnings"]);
        assert!(all.contains(reason), "{path}: {preflight}");
        // Once for the campaign, however many people it has.
        assert_eq!(asked.load(Ordering::Relaxed), round + 1, "{path}");
    }
    assert_eq!(world.house.simulator.report().requests, 0);
}

#[tokio::test]
async fn who_is_asked_about_links_and_does_not_answer_allows_nothing() {
    // Web Risk is asked for, and its secret was never filled in.
    let mut world = World::with(Setting {
        parameters: vec![("WebRisk", "on".to_owned())],
        ..Setting::default()
    })
    .await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let body = "Halo {{nama}}, lihat https://melati.id/promo";
    world.reads_template("katalog", body).await;
    let id = world.validated(&list, "katalog", "Sari").await;
    let (status, codes) = world.approves(&id, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(codes, ["reputation_unavailable"]);

    let strict = json!({"unknown_links": "block"});
    let (status, answer) = world.request("PUT", "/v1/settings", strict).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let id = world.validated(&list, "katalog", "Sari").await;
    let (status, codes) = world.approves(&id, json!({"by": "Budi"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(codes, ["reputation_unavailable"]);
}

#[tokio::test]
async fn web_risk_is_asked_with_its_key_and_believed() {
    let web_risk = WebRisk::default();
    web_risk.list("jahat");
    let mut world = web_risk.asked().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    for (name, status) in [("baik", StatusCode::OK), ("jahat", StatusCode::CONFLICT)] {
        let body = format!("Halo {{{{nama}}}}, lihat https://{name}.melati.id/promo");
        world.reads_template(name, &body).await;
        let id = world.validated(&list, name, "Sari").await;
        let (answered, codes) = world.approves(&id, json!({})).await;
        assert_eq!(answered, status, "{name}: {codes:?}");
        if name == "jahat" {
            assert_eq!(codes, ["listed"]);
        }
    }
}

/// Texts that nobody had looked at when they were written, in the rounds in
/// which they were first measured ([ADR 53]).
///
/// [ADR 53]: ../../docs/adr/0053-how-link-verdicts-are-measured.md
const ROUNDS: [(&str, &str); 4] = [
    ("round_1", include_str!("../fixtures/links/round_1.tsv")),
    ("round_2", include_str!("../fixtures/links/round_2.tsv")),
    ("round_3", include_str!("../fixtures/links/round_3.tsv")),
    ("round_4", include_str!("../fixtures/links/round_4.tsv")),
];

#[test]
fn the_rounds_of_unseen_texts_are_judged_as_well_as_they_were() {
    for (round, texts) in ROUNDS {
        let judged = policy::links::evaluate(texts).unwrap();
        assert!(judged.n > 300, "{round}");
        let told = format!("{round}: {:?} {:?}", judged.block, judged.allow);
        assert!(judged.block.recall.unwrap() >= 0.97, "{told}");
        assert!(judged.allow.blocked.unwrap() <= 0.01, "{told}");
        assert!(judged.allow.warned.unwrap() <= 0.05, "{told}");
    }
}
