//! No number, name or text leaves the contacts: not in a queue, not in the
//! table of operations, not in an object that is not the upload itself.

use crate::second_door::{DOOR, Trouble};
use crate::stop::{TWELVE, csv};
use crate::world::{Setting, World, wa_id};

/// Whether `text` holds what may not leave: any of the numbers, or the name.
pub(crate) fn tells(text: &str) -> bool {
    TWELVE
        .iter()
        .any(|phone| text.contains(phone.trim_start_matches("+62")))
        || text.contains("Wulandari")
}

#[tokio::test]
async fn queues_carry_ids_only() {
    looks_into_queues(false).await;
}

/// The topic tells what people wrote, and its function fails meanwhile: what failed
/// lies in a bucket, and the queue has its name.
#[tokio::test]
async fn queues_carry_ids_only_by_way_of_amazon_too() {
    looks_into_queues(true).await;
}

async fn looks_into_queues(by_amazon: bool) {
    let trouble = Trouble::default();
    let mut world = World::with(Setting {
        by_amazon,
        network: trouble.network(),
        ..Setting::default()
    })
    .await;
    let (mut failed, mut named) = (0, 0);
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    let mut looked_at = 0;
    for round in 0..400 {
        if round == 3 {
            trouble.begin("dynamodb");
            world
                .house
                .simulator
                .person_says(&wa_id(TWELVE[0]), "Wulandari bilang STOP");
            world
                .house
                .simulator
                .person_says(&wa_id(TWELVE[1]), "Wulandari mau tanya harga");
        }
        for queue in world.house.aws.sqs.names() {
            for (_, body) in world.house.aws.sqs.peek(&queue).unwrap() {
                looked_at += 1;
                named += usize::from(queue == "SocialQueue");
                assert!(!tells(&body), "{queue} carries personal data");
            }
            if !queue.contains("DeadLetter") {
                world.house.wiring.step(&queue).await.unwrap();
            }
        }
        if by_amazon {
            while world.house.wiring.hear(DOOR).await.unwrap().messages > 0 {}
            failed = failed.max(world.unheard().len());
        }
        if round == 300 {
            trouble.end();
        }
        world.house.simulator.deliver_due().await;
        world.to_next_event(std::time::Duration::from_secs(1));
    }
    assert!(looked_at > 10, "only {looked_at} messages were looked at");
    assert_eq!((failed > 1, named > 1), (by_amazon, by_amazon));
    world.finish(id).await;
    let items = world.house.aws.dynamodb.items("CampaignsTable").unwrap();
    let items = format!("{items:?}");
    assert!(items.contains("BLOCK") || items.len() > 1_000);
    assert!(
        !tells(&items),
        "the table of operations holds personal data"
    );
}
