//! A person's own page: looking changes nothing, a tap stops, a forged link
//! opens nothing.

use axum::body::Bytes;
use http::{Request, Response, StatusCode};
use izin::house::Seeds;
use jiff::SignedDuration;
use policy::ids::ListId;
use policy::phone::PhoneNumber;
use policy::preference::{LinkKey, PreferenceLink};
use serde_json::json;

use crate::world::{World, wa_id};

pub(crate) const LIST: &str = "nama,no hp,bahasa,tanggal persetujuan,cara persetujuan\n\
                    Wulandari,081211110001,id,2026-01-05 10:00,formulir toko\n\
                    Bambang,081211110002,en,2026-01-06 10:00,web form\n";
pub(crate) const WULANDARI: &str = "+6281211110001";
pub(crate) const BAMBANG: &str = "+6281211110002";

/// The link to a person's page, as a message would carry it.
pub(crate) fn link(world: &World, list: &str, phone: &str) -> String {
    let phone = PhoneNumber::parse_e164(phone).unwrap();
    let tenant = world.house.seeds.tenant;
    let key = LinkKey::new(world.house.seeds.link_key.as_bytes()).unwrap();
    key.sign(&PreferenceLink {
        tenant,
        list: list.parse::<ListId>().unwrap(),
        token: world.house.seeds.tokens().contact(tenant, &phone),
        expires_at: world.now() + PreferenceLink::GOOD_FOR,
    })
}

pub(crate) async fn ask(world: &World, method: &str, path: &str, form: &str) -> Response<Bytes> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "api.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form.to_owned()))
        .unwrap();
    world.house.wiring.request(request).await
}

pub(crate) fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

#[tokio::test]
async fn a_tap_stops_a_campaign_in_mid_run_for_that_person() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(LIST).await;
    let campaign = world.approved_campaign(&list).await;
    let page = format!("/p/{}", link(&world, &list, WULANDARI));

    let shown = ask(&world, "GET", &page, "").await;
    assert_eq!(shown.status(), StatusCode::OK);
    let html = text(&shown);
    for expected in [
        "<html lang=\"id\">",
        "Toko Melati",
        "Promosi dan penawaran",
        "5 Januari 2026",
        "formulir toko",
    ] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
    for private in ["Wulandari", "8121111", "<script", "http://", "https://"] {
        assert!(!html.contains(private), "{private}: {html}");
    }
    let policy = shown.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    assert_eq!(shown.headers()["cache-control"], "no-store");
    assert_eq!(shown.headers()["referrer-policy"], "no-referrer");

    world.start(campaign).await;
    let acted = ask(&world, "POST", &page, "do=stop%3Amarketing").await;
    assert_eq!(acted.status(), StatusCode::SEE_OTHER);
    let back = acted.headers()["location"].to_str().unwrap().to_owned();
    let done = ask(&world, "GET", &back, "").await;
    assert!(text(&done).contains("Sudah berhenti."), "{}", text(&done));

    let view = world.finish(campaign).await;
    assert_eq!(view["totals"]["accepted"], 1, "{view}");
    assert_eq!(view["totals"]["excluded"], 1, "{view}");
}

/// Adds a template whose only way to stop is the person's own page.
fn page_template(world: &World) {
    let mut template = Seeds::template();
    template["id"] = json!("1304694804498708");
    template["name"] = json!("promo_halaman");
    template["components"][1]["text"] = json!("Toko Melati. Berhenti kapan saja lewat tombol");
    template["components"][2]["buttons"] = json!([{
        "type": "URL",
        "text": "Atur atau berhenti",
        "url": "https://pesan.toko-melati.co.id/p/{{1}}",
        "example": ["https://pesan.toko-melati.co.id/p/contoh"],
    }]);
    let simulator = &world.house.simulator;
    simulator.put_template(Seeds::WABA, template).unwrap();
}

/// Where the buttons of the messages lead that reached a person.
fn addresses(world: &World, phone: &str) -> Vec<String> {
    let log = world.house.simulator.person_log(&wa_id(phone));
    let requests = log.map(|log| log.requests).unwrap_or_default();
    let taken = requests.into_iter().filter(|request| request.accepted);
    taken.flat_map(|request| request.addresses).collect()
}

#[tokio::test]
async fn the_link_in_a_message_opens_the_page_of_whoever_got_it_and_stops_them() {
    let mut world = World::quiet().await;
    page_template(&world);
    let (list, _) = world.import(LIST).await;
    let other = json!({
        "template": {"name": "promo_halaman", "language": Seeds::LANGUAGE},
        "mapping": {"body.nama": "column:name", "button.0": "link:preferences"},
    });
    let first = world.approved_as(&list, other.clone()).await;
    world.start(first).await;
    let view = world.finish(first).await;
    assert_eq!(view["totals"]["accepted"], 2, "{view}");

    let hers = addresses(&world, WULANDARI);
    let his = addresses(&world, BAMBANG);
    assert_eq!((hers.len(), his.len()), (1, 1));
    assert_ne!(hers, his, "everybody has a page of their own");
    let path = hers[0]
        .strip_prefix("https://pesan.toko-melati.co.id")
        .unwrap();
    let shown = ask(&world, "GET", path, "").await;
    assert_eq!(shown.status(), StatusCode::OK);
    assert!(text(&shown).contains("5 Januari 2026"), "{}", text(&shown));

    // The next campaign runs when she says stop.
    let second = world.approved_as(&list, other).await;
    world.start(second).await;
    let acted = ask(&world, "POST", path, "do=stop%3Amarketing").await;
    assert_eq!(acted.status(), StatusCode::SEE_OTHER);
    let view = world.finish(second).await;
    assert_eq!(view["totals"]["accepted"], 1, "{view}");
    assert_eq!(view["totals"]["excluded"], 1, "{view}");
    assert_eq!(addresses(&world, WULANDARI), hers);
    assert_eq!(addresses(&world, BAMBANG).len(), 2);
}

#[tokio::test]
async fn a_tap_ends_what_the_person_stopped_and_a_later_stop_stands() {
    const OFFER: &str = "value=\"resume\"";

    let mut world = World::quiet().await;
    let (list, _) = world.import(LIST).await;
    let page = format!("/p/{}?lang=en", link(&world, &list, WULANDARI));
    let tenant = world.house.seeds.tenant;
    let key = world.house.seeds.tokens();
    let token = key.contact(tenant, &PhoneNumber::parse_e164(WULANDARI).unwrap());
    let contacts = world.house.contacts().unwrap();
    assert!(!text(&ask(&world, "GET", &page, "").await).contains(OFFER));

    ask(&world, "POST", &page, "do=stop%3A*").await;
    let stopped = ask(&world, "GET", &page, "").await;
    assert!(text(&stopped).contains(OFFER), "{}", text(&stopped));
    // Looking lifts nothing.
    ask(&world, "GET", &format!("{page}&done=resume&do=resume"), "").await;
    let person = contacts.person(tenant, token).await.unwrap();
    assert_eq!(person.suppressions.len(), 1);

    world.clock.advance(SignedDuration::from_secs(5));
    let acted = ask(&world, "POST", &page, "do=resume").await;
    assert_eq!(acted.status(), StatusCode::SEE_OTHER);
    let back = acted.headers()["location"].to_str().unwrap().to_owned();
    let done = ask(&world, "GET", &back, "").await;
    assert!(text(&done).contains("Allowed again."), "{}", text(&done));
    let first = world.approved_campaign(&list).await;
    world.start(first).await;
    let view = world.finish(first).await;
    assert_eq!(view["totals"]["accepted"], 2, "{view}");

    world.clock.advance(SignedDuration::from_secs(5));
    ask(&world, "POST", &page, "do=stop%3Amarketing").await;
    let person = contacts.person(tenant, token).await.unwrap();
    assert_eq!(person.suppressions.len(), 1);
    // The tenant was told of every act.
    let events = world.events(10).await;
    let told: Vec<_> = events
        .iter()
        .filter(|event| event["data"]["source"] == "page")
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    let wanted = ["contact.opted_out", "contact.resumed", "contact.opted_out"];
    assert_eq!(told, wanted, "{events:?}");
}

#[tokio::test]
async fn looking_stops_nobody_and_one_click_does() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(LIST).await;
    let link = link(&world, &list, WULANDARI);
    let tenant = world.house.seeds.tenant;
    let key = world.house.seeds.tokens();
    let token = key.contact(tenant, &PhoneNumber::parse_e164(WULANDARI).unwrap());
    let contacts = world.house.contacts().unwrap();
    for path in [
        format!("/p/{link}"),
        format!("/p/{link}?do=stop:*"),
        format!("/p/{link}?done=stop:*&lang=en"),
    ] {
        let shown = ask(&world, "GET", &path, "").await;
        assert_eq!(shown.status(), StatusCode::OK);
        assert!(!text(&shown).contains("Sudah berhenti"), "{path}");
    }
    let person = contacts.person(tenant, token).await.unwrap();
    assert!(person.suppressions.is_empty());

    let nothing = ask(&world, "POST", &format!("/p/{link}"), "do=everything").await;
    assert_eq!(nothing.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let one_click = "List-Unsubscribe=One-Click";
    let acted = ask(&world, "POST", &format!("/p/{link}"), one_click).await;
    assert_eq!(acted.status(), StatusCode::OK);
    let person = contacts.person(tenant, token).await.unwrap();
    assert_eq!(person.suppressions.len(), 1);
    assert_eq!(world.events(10).await.len(), 1, "the tenant was told");
}

#[tokio::test]
async fn forged_and_expired_links_open_nothing() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(LIST).await;
    let link = link(&world, &list, WULANDARI);
    let mut forged = link.clone();
    forged.replace_range(60..61, if &link[60..61] == "A" { "B" } else { "A" });
    for (path, form) in [
        (format!("/p/{forged}"), "do=stop%3A*"),
        ("/p/x".to_owned(), "do=stop%3A*"),
    ] {
        for method in ["GET", "POST"] {
            let answer = ask(&world, method, &path, form).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND);
            assert!(text(&answer).contains("STOP"), "how to stop all the same");
        }
    }
    let phone = json!({"phone": "0812-1111-0001"});
    let token = world.post("/v1/contacts/token", phone).await;
    let token = token["token"].as_str().unwrap().parse().unwrap();
    let contacts = world.house.contacts().unwrap();
    let person = contacts.person(world.house.seeds.tenant, token).await;
    assert!(person.unwrap().suppressions.is_empty());

    world.clock.advance(SignedDuration::from_hours(24 * 180));
    let late = ask(&world, "GET", &format!("/p/{link}"), "").await;
    assert_eq!(late.status(), StatusCode::GONE);
}
