//! Nothing harmful goes out: a bad link stops the campaign, a bad value its
//! person, and what was not approved is not sent.

use http::StatusCode;
use izin::house::Seeds;
use platform::campaigns::SyncedTemplate;
use serde_json::{Value, json};

use crate::stop::{TWELVE, csv};
use crate::world::World;

/// The seeded template with another text.
fn template_saying(name: &str, body: &str) -> String {
    let mut template = Seeds::template();
    template["name"] = json!(name);
    template["components"][0]["text"] = json!(body);
    template.to_string()
}

impl World {
    /// As if the timer had just read this from WhatsApp.
    async fn reads_template(&self, name: &str, body: &str) {
        let template = SyncedTemplate {
            json: template_saying(name, body),
            synced_at: self.now(),
        };
        let campaigns = self.house.campaigns().unwrap();
        let tenant = self.house.seeds.tenant;
        campaigns
            .put_template(tenant, name, Seeds::LANGUAGE, &template)
            .await
            .unwrap();
    }

    /// A campaign of another template, validated; its id.
    async fn validated(&mut self, list: &str, template: &str, author: &str) -> String {
        let made = self
            .post(
                "/v1/campaigns",
                json!({
                    "name": "Promo",
                    "list_id": list,
                    "sender": Seeds::PHONE_NUMBER_ID,
                    "template": {"name": template, "language": Seeds::LANGUAGE},
                    "mapping": {"body.nama": "column:name"},
                    "purpose": "marketing.promo",
                    "author": author,
                }),
            )
            .await;
        let id = made["campaign_id"].as_str().unwrap().to_owned();
        self.post(&format!("/v1/campaigns/{id}/validate"), json!({}))
            .await;
        self.deliver().await;
        id
    }

    async fn approves(&mut self, id: &str, body: Value) -> (StatusCode, Vec<String>) {
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
    for code in ["lookalike_brand", "dangerous_download"] {
        assert!(codes.iter().any(|known| known == code), "{codes:?}");
    }
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
