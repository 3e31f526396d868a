//! Somebody says stop while a campaign runs and gets nothing more.

use emulator::wiring::Delivered;

use crate::world::{World, wa_id};

/// Twelve people: three blocks of four.
pub(crate) const TWELVE: [&str; 12] = [
    "+6281211110001",
    "+6281211110002",
    "+6281211110003",
    "+6281211110004",
    "+6281211110005",
    "+6281211110006",
    "+6281211110007",
    "+6281211110008",
    "+6281211110009",
    "+6281211110010",
    "+6281211110011",
    "+6281211110012",
];

pub(crate) fn csv(phones: &[&str]) -> String {
    let mut csv = "nama,no hp,tanggal persetujuan\n".to_owned();
    for phone in phones {
        csv.push_str(&format!("Sari,{phone},2026-01-05 10:00\n"));
    }
    csv
}

#[tokio::test]
async fn a_stop_before_the_own_message_is_heard() {
    for words in [
        "STOP",
        "berhenti",
        "tolong hapus nomor saya",
        "jgn kirim lagi ya kak",
    ] {
        let mut world = World::quiet().await;
        let (list, _) = world.import(&csv(&TWELVE)).await;
        let id = world.approved_campaign(&list).await;
        world.start(id).await;
        // Everything is planned and released; nobody was messaged yet.
        let planned = world.house.wiring.step("FanoutQueue").await.unwrap();
        assert_eq!(
            planned,
            Delivered {
                messages: 1,
                failed: 0
            }
        );
        let person = wa_id(TWELVE[7]);
        world.house.simulator.person_says(&person, words);
        world.house.simulator.deliver_due().await;
        let view = world.finish(id).await;
        let log = world.house.simulator.person_log(&person).unwrap();
        assert!(log.requests.is_empty(), "{words}");
        assert_eq!(view["totals"]["accepted"], 11, "{words}: {view}");
        assert_eq!(
            view["excluded_by_reason"]["suppressed"], 1,
            "{words}: {view}"
        );
        assert_eq!(view["conservation"]["holds"], true);
    }
}

#[tokio::test]
async fn small_talk_stops_nothing() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    world.house.wiring.step("FanoutQueue").await.unwrap();
    for words in [
        "see you this weekend",
        "jangan berhenti kirim promo ya",
        "ok kak",
    ] {
        world.house.simulator.person_says(&wa_id(TWELVE[3]), words);
    }
    let view = world.finish(id).await;
    assert_eq!(view["totals"]["accepted"], 12, "{view}");
}

#[tokio::test]
async fn the_operator_s_opt_out_counts_like_the_person_s() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    let body = serde_json::json!({"phone": TWELVE[0], "scope": "everything"});
    world.post("/v1/optouts", body).await;
    world.start(id).await;
    let view = world.finish(id).await;
    assert_eq!(view["totals"]["accepted"], 11, "{view}");
    assert_eq!(view["excluded_by_reason"]["suppressed"], 1, "{view}");
}

#[tokio::test]
async fn a_list_that_comes_again_lifts_no_stop() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    world.house.simulator.person_says(&wa_id(TWELVE[0]), "STOP");
    world.deliver().await;
    let (again, import) = world.import(&csv(&TWELVE)).await;
    assert_eq!(import["counts"]["suppressed"], 1, "{import}");
    for list in [list, again] {
        let id = world.approved_campaign(&list).await;
        let view = world.get(&format!("/v1/campaigns/{id}")).await;
        assert_eq!(view["excluded_by_reason"]["suppressed"], 1, "{view}");
    }
}
