//! Imports: killed anywhere, told twice, held and released, tried dry, repeated.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use emulator::client::plain;
use emulator::crash::CrashPlan;
use emulator::faults::{Faults, Odds};
use emulator::sqs::NewMessage;
use http::StatusCode;
use izin::people;
use jiff::SignedDuration;
use platform::aws::Clients;
use platform::campaigns::Campaigns;
use platform::config::Env;
use platform::invocation::Invocation;
use platform::objects::Objects;
use policy::ids::ImportId;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::world::{Setting, World};

/// What an import came to, down to the bytes.
#[derive(Debug, Eq, PartialEq)]
struct Outcome {
    state: String,
    people: Vec<String>,
    rejected: String,
    summary: String,
}

async fn new_list(world: &mut World) -> String {
    let list = world.post("/v1/lists", json!({"name": "Pelanggan"})).await;
    list["list_id"].as_str().unwrap().to_owned()
}

/// Registers an import and uploads its file; the import's id.
async fn upload(world: &mut World, list: &str, file: &[u8], more: Value) -> String {
    let mut body = json!({
        "list_id": list,
        "source": "own_store",
        "attested_by": "Kepala toko",
        "content_length": file.len(),
    });
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    let made = world.post("/v1/imports", body).await;
    let upload = &made["upload"];
    let mut put = reqwest::Client::new().put(upload["url"].as_str().unwrap());
    for (name, value) in upload["headers"].as_object().unwrap() {
        put = put.header(name, value.as_str().unwrap());
    }
    let answer = put.body(file.to_vec()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    made["import_id"].as_str().unwrap().to_owned()
}

/// Lives on until the import has ended, or waits for a person.
async fn settle(world: &mut World, id: &str) -> Value {
    for _ in 0..20 {
        world.deliver().await;
        let view = world.get(&format!("/v1/imports/{id}")).await;
        if view["state"] != "awaiting" && view["state"] != "running" {
            // Opt-outs that the file reports, and copies, go their own way.
            while let Some(due) = world.house.wiring.next_due().unwrap() {
                if due > world.now() {
                    world.to_next_event(Duration::from_secs(3_600));
                }
                world.deliver().await;
            }
            return view;
        }
        world.to_next_event(Duration::from_secs(3_600));
    }
    panic!("the import never ended");
}

async fn import(world: &mut World, list: &str, file: &[u8], more: Value) -> Value {
    let id = upload(world, list, file, more).await;
    settle(world, &id).await
}

async fn fetch(url: &Value) -> String {
    let answer = reqwest::get(url.as_str().unwrap()).await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.text().await.unwrap()
}

/// Everything in the table of people, in order.
fn people_table(world: &World) -> Vec<String> {
    let mut items = world.house.aws.dynamodb.items("ContactsTable").unwrap();
    for item in &mut items {
        // When a stop was written down depends on when the work was done.
        item.as_object_mut().unwrap().remove("recorded_at");
    }
    let mut items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.sort();
    items
}

/// Everybody's place on a list, in order.
fn listed(world: &World) -> Vec<String> {
    let mut items = people_table(world);
    items.retain(|item| item.contains("#L#"));
    items
}

fn subscriptions(world: &World) -> usize {
    listed(world).len()
}

async fn killed(crashes: CrashPlan, twice: bool) -> (Outcome, std::ops::Range<u64>) {
    let mut world = World::with(Setting {
        crashes: crashes.clone(),
        ..Setting::default()
    })
    .await;
    let list = new_list(&mut world).await;
    let file = people::csv(1_200, 11);
    let id = upload(&mut world, &list, file.as_bytes(), json!({})).await;
    if twice {
        let sqs = &world.house.aws.sqs;
        for (_, event) in sqs.peek("ImportQueue").unwrap() {
            sqs.send("ImportQueue", NewMessage::text(event)).unwrap();
        }
    }
    let from = crashes.effects().len() as u64;
    let view = settle(&mut world, &id).await;
    let to = crashes.effects().len() as u64;
    let outcome = Outcome {
        state: view["state"].as_str().unwrap().to_owned(),
        people: people_table(&world),
        rejected: fetch(&view["rejected_rows_url"]).await,
        summary: fetch(&view["summary_url"]).await,
    };
    (outcome, from..to)
}

#[tokio::test]
async fn killed_anywhere_and_told_twice_it_ends_the_same() {
    let (wanted, _) = killed(CrashPlan::never(), false).await;
    assert_eq!(wanted.state, "completed");
    assert!(wanted.people.len() > 1_000 && wanted.rejected.lines().count() > 40);

    let (twice, effects) = killed(CrashPlan::after(u64::MAX), true).await;
    assert!(twice == wanted, "told twice");
    let mut rng = SmallRng::seed_from_u64(20);
    for _ in 0..20 {
        let after = rng.random_range(effects.clone()) + 1;
        let crashes = CrashPlan::after(after);
        let (end, _) = killed(crashes.clone(), true).await;
        let effect = crashes.crashes().pop().expect("a crash");
        assert_eq!(end.state, wanted.state, "after {after}, {effect}");
        assert_eq!(end.summary, wanted.summary, "after {after}, {effect}");
        assert!(end.rejected == wanted.rejected, "after {after}, {effect}");
        let differs = |a: &Outcome, b: &Outcome| {
            let there: BTreeSet<_> = b.people.iter().cloned().collect();
            let mut differing = a.people.iter().filter(|item| !there.contains(*item));
            differing.next().cloned()
        };
        assert!(
            end.people == wanted.people,
            "after {after}, {effect}: {:?} instead of {:?}",
            differs(&end, &wanted),
            differs(&wanted, &end),
        );
    }
}

/// Forty numbers in a row: nobody collects such a list.
fn counted() -> String {
    let mut csv = String::from("nama,no hp,tanggal persetujuan\n");
    for n in 0..40 {
        let day = 1 + n % 28;
        writeln!(
            csv,
            "Nama {n},08121111{:04},2026-02-{day:02} 10:0{}",
            2_000 + n,
            n % 10
        )
        .unwrap();
    }
    csv
}

#[tokio::test]
async fn a_list_that_looks_made_up_waits_for_a_person_with_a_name() {
    let mut world = World::quiet().await;
    let list = new_list(&mut world).await;
    let view = import(&mut world, &list, counted().as_bytes(), json!({})).await;
    assert_eq!(view["state"], "held", "{view}");
    assert_eq!(view["provenance"]["verdict"], "review");
    let reasons = view["provenance"]["reasons"].to_string();
    assert!(reasons.contains("long_run"), "{reasons}");
    assert_eq!(view["counts"]["accepted"], 40);
    assert!(people_table(&world).is_empty(), "nothing is written");

    let path = format!(
        "/v1/imports/{}/release",
        view["import_id"].as_str().unwrap()
    );
    let (status, _) = world.request("POST", &path, json!({"note": "x"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "nobody's act");
    let act = json!({"released_by": "Ratna", "note": "our own test telephones"});
    let released = world.post(&path, act.clone()).await;
    assert_eq!(released["provenance"]["released"]["by"], "Ratna");
    let view = settle(&mut world, view["import_id"].as_str().unwrap()).await;
    assert_eq!(view["state"], "completed", "{view}");
    assert_eq!(
        (subscriptions(&world), &view["counts"]["new"]),
        (40, &40.into())
    );
    world.post(&path, act).await;
    let other = json!({"released_by": "Bayu", "note": "x"});
    let (status, _) = world.request("POST", &path, other).await;
    assert_eq!(status, StatusCode::CONFLICT, "there is nothing to release");
}

#[tokio::test]
async fn a_dry_run_counts_everything_and_writes_nothing() {
    let mut world = World::quiet().await;
    let list = new_list(&mut world).await;
    let file = people::csv(300, 4);
    let dry = import(&mut world, &list, file.as_bytes(), json!({"dry_run": true})).await;
    assert_eq!(dry["state"], "completed", "{dry}");
    assert!(people_table(&world).is_empty());
    let report = fetch(&dry["rejected_rows_url"]).await;
    let wet = import(&mut world, &list, file.as_bytes(), json!({})).await;
    assert_eq!(dry["counts"], wet["counts"]);
    assert_eq!(report, fetch(&wet["rejected_rows_url"]).await);
    assert_eq!(wet["counts"]["new"], wet["counts"]["accepted"]);
    assert_eq!(subscriptions(&world) as u64, wet["counts"]["new"]);
}

#[tokio::test]
async fn a_refresh_rewrites_only_what_changed() {
    let mut world = World::quiet().await;
    let list = new_list(&mut world).await;
    let file = people::csv(300, 4);
    let first = import(&mut world, &list, file.as_bytes(), json!({})).await;
    let before = listed(&world);

    let same = import(&mut world, &list, file.as_bytes(), json!({})).await;
    assert_eq!(
        same["counts"]["unchanged"], first["counts"]["accepted"],
        "{same}"
    );
    assert!(listed(&world) == before, "nobody is written again");

    let town = file.lines().nth(1).unwrap().split(',').nth(2).unwrap();
    let edited = file.replacen(&format!(",{town},"), ",Sabang,", 1);
    let view = import(&mut world, &list, edited.as_bytes(), json!({})).await;
    assert_eq!(view["counts"]["changed"], 1, "{view}");
    assert_eq!(view["counts"]["new"], 0);
    let after = listed(&world);
    let differing: Vec<_> = after.iter().filter(|item| !before.contains(item)).collect();
    assert_eq!(differing.len(), 1);
    assert!(differing[0].contains("Sabang"));
}

#[tokio::test]
async fn a_list_of_opt_outs_stops_everybody_on_it_and_lists_nobody() {
    let mut world = World::quiet().await;
    let list = new_list(&mut world).await;
    let stops =
        "nomor,catatan\n0812-1111-0001,rusak?\n081211110002,\n081211110001,\nbukan nomor,\n";
    let more = json!({"mode": "suppression_list"});
    let view = import(&mut world, &list, stops.as_bytes(), more).await;
    assert_eq!(view["state"], "completed", "{view}");
    let counts = &view["counts"];
    assert_eq!(
        (
            &counts["accepted"],
            &counts["duplicates"],
            &counts["rejected"]
        ),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!(subscriptions(&world), 0);

    let contacts = "nama,no hp,tanggal persetujuan\nSari,081211110001,2026-01-05\nBudi,081211110009,2026-01-05\n";
    let view = import(&mut world, &list, contacts.as_bytes(), json!({})).await;
    assert_eq!(view["counts"]["accepted"], 2);
    assert_eq!(
        view["counts"]["suppressed"], 1,
        "a file brings no stop back"
    );
}

#[tokio::test]
async fn rejected_rows_put_right_are_accepted() {
    let mut world = World::quiet().await;
    let list = new_list(&mut world).await;
    let file = "nama,no hp,tanggal persetujuan\n\
        =Sari,8.12E+11,2026-01-05\nBudi,081211110002,2026-13-45\nDewi,081211110003,2026-01-05\n";
    let view = import(&mut world, &list, file.as_bytes(), json!({})).await;
    assert_eq!(view["counts"]["rejected"], 2, "{view}");
    let report = fetch(&view["rejected_rows_url"]).await;
    assert!(
        report.contains("\"'=Sari\""),
        "no cell is a formula: {report}"
    );

    let again = import(&mut world, &list, report.as_bytes(), json!({})).await;
    assert_eq!(
        again["counts"]["rejected"], 2,
        "unchanged, it is judged the same"
    );
    assert_eq!(again["reasons"], view["reasons"]);

    let mended = report
        .replace("8.12E+11", "081211110001")
        .replace("2026-13-45", "2026-02-05");
    let view = import(&mut world, &list, mended.as_bytes(), json!({})).await;
    let counts = &view["counts"];
    assert_eq!(
        (&counts["rejected"], &counts["new"]),
        (&0.into(), &2.into()),
        "{view}"
    );
    assert!(
        people_table(&world)
            .iter()
            .any(|item| item.contains("\"=Sari\""))
    );
}

#[tokio::test]
async fn the_operator_may_say_what_columns_mean() {
    let mut world = World::quiet().await;
    let list = new_list(&mut world).await;
    let file = "A,B,C\nSari,081211110001,2026-01-05\nBudi,081211110002,\n";
    let refused = import(&mut world, &list, file.as_bytes(), json!({})).await;
    assert_eq!(refused["state"], "refused", "{refused}");
    let columns = json!({"a": "name", "B": "phone", "3": "consent_at"});
    let reading = json!({"reading": {"columns": columns, "consent_required": true}});
    let view = import(&mut world, &list, file.as_bytes(), reading).await;
    assert_eq!(view["counts"]["new"], 1, "{view}");
    assert_eq!(view["reasons"], json!({"consent_date_missing": 1}));
}

/// A packed file is read as what is in it.
#[tokio::test]
async fn a_gzip_file_is_imported_over_several_pieces() {
    use std::io::Write as _;

    let file = people::csv(350, 4);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(file.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let mut world = World::quiet().await;
    let plain_list = new_list(&mut world).await;
    let plain = import(&mut world, &plain_list, file.as_bytes(), json!({})).await;
    let list = new_list(&mut world).await;
    let view = import(&mut world, &list, &packed, json!({})).await;
    for count in [
        "rows",
        "accepted",
        "duplicates",
        "rejected",
        "without_consent",
    ] {
        assert_eq!(view["counts"][count], plain["counts"][count], "{count}");
    }
    assert_ne!(view["file"]["sha256"], plain["file"]["sha256"]);
}

/// The import function over `clients`, as one invocation of it.
async fn invoke(world: &World, clients: &Clients, task: Value, lasts: SignedDuration) -> usize {
    let mut variables = world.house.aws.environment("IngestFunction").unwrap();
    variables.insert("IZIN_IMPORT_PIECE_ROWS".to_owned(), "100".to_owned());
    let config = ingest::Config::from_env(&Env::given(variables)).unwrap();
    let deps = ingest::Deps::new(&config, clients, world.house.clock.clone());
    let event: SqsEvent = serde_json::from_value(json!({"Records": [{
        "messageId": "1", "receiptHandle": "1", "body": task.to_string(),
        "attributes": {}, "messageAttributes": {}, "md5OfBody": "",
        "eventSource": "aws:sqs", "eventSourceARN": "", "awsRegion": "",
    }]}))
    .unwrap();
    let deadline = world.now().saturating_add(lasts).unwrap();
    let answer = ingest::handle(event, Invocation { deadline }, &deps).await;
    answer.batch_item_failures.len()
}

fn task(world: &World, import: &str) -> Value {
    json!({"type": "ContinueV1", "tenant": world.house.seeds.tenant, "import": import})
}

#[tokio::test]
async fn short_of_time_it_hands_the_rest_to_the_next_invocation() {
    let mut world = World::quiet().await;
    let list = new_list(&mut world).await;
    let file = people::csv(950, 11);
    let id = upload(&mut world, &list, file.as_bytes(), json!({})).await;
    let mut pieces = 0;
    for _ in 0..3 {
        let clients = &world.house.clients;
        let failed = invoke(
            &world,
            clients,
            task(&world, &id),
            SignedDuration::from_secs(9),
        )
        .await;
        assert_eq!(failed, 0);
        let view = world.get(&format!("/v1/imports/{id}")).await;
        let judged = view["progress"]["pieces_judged"].as_u64().unwrap();
        assert_eq!(judged, pieces + 1, "one piece in each: {view}");
        assert_eq!(view["counts"]["rows"], 100 * judged);
        pieces = judged;
    }
    let waiting = world.house.aws.sqs.depth("ImportQueue").unwrap().total();
    assert_eq!(waiting, 4, "the bucket's event and three handings over");
    let view = settle(&mut world, &id).await;
    assert_eq!(view["state"], "completed", "{view}");
    assert_eq!(view["counts"]["rows"], 950);
    assert_eq!(view["counts"]["new"], view["counts"]["accepted"]);
    assert_eq!(subscriptions(&world) as u64, view["counts"]["new"]);
}

#[tokio::test]
async fn throttled_and_half_done_batches_lose_nobody() {
    let mut world = World::quiet().await;
    let list = new_list(&mut world).await;
    let file = people::csv(400, 4);
    let id = upload(&mut world, &list, file.as_bytes(), json!({})).await;
    let odds = Odds {
        lost: 0.05,
        partial: 0.5,
        throttled: 0.1,
        ..Odds::default()
    };
    let faults = Faults::seeded(3, odds);
    let http = faults.over(plain());
    let clients = Clients::new(&world.house.aws.sdk_config_over(http));
    for _ in 0..20 {
        let lasts = SignedDuration::from_secs(300);
        if invoke(&world, &clients, task(&world, &id), lasts).await == 0 {
            break;
        }
        world.clock.advance(SignedDuration::from_mins(6));
    }
    assert!(faults.made().len() > 20);
    let view = settle(&mut world, &id).await;
    assert_eq!(view["state"], "completed", "{view}");
    assert_eq!(view["counts"]["new"], view["counts"]["accepted"]);
    assert_eq!(subscriptions(&world) as u64, view["counts"]["new"]);
}

/// A report of many megabytes goes up in parts, and comes back whole.
#[tokio::test]
async fn a_long_report_is_stored_in_parts() {
    let world = World::quiet().await;
    let bucket = world.house.aws.environment("IngestFunction").unwrap();
    let bucket = bucket["IZIN_FILES_BUCKET"].clone();
    let objects = Objects::new(world.house.clients.s3.clone(), bucket);
    let key = Campaigns::import_report(
        world.house.seeds.tenant,
        ImportId::from_uuid(uuid::Uuid::from_u128(3)),
    );
    let mut rng = SmallRng::seed_from_u64(4);
    let mut wanted: Vec<u8> = Vec::new();
    let mut writer = objects.writer(key.clone(), "text/csv");
    while wanted.len() < 20 << 20 {
        let line = vec![rng.random(); rng.random_range(1..3_000_000)];
        writer.write(&line).await.unwrap();
        wanted.extend(line);
    }
    writer.finish().await.unwrap();
    assert!(objects.get(&key).await.unwrap() == wanted);

    let head = objects.head(&key).await.unwrap();
    assert_eq!(head.bytes, wanted.len() as u64);
    let range = objects.get_range(&key, &head.version, 9 << 20, 1 << 20);
    assert!(range.await.unwrap() == wanted[9 << 20..10 << 20]);
    objects
        .put(&key, b"another".to_vec(), "text/csv")
        .await
        .unwrap();
    let fault = objects
        .get_range(&key, &head.version, 0, 4)
        .await
        .unwrap_err();
    assert!(!fault.is_passing(), "the version that was read is gone");
}
