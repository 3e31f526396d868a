//! The first way that comes to mind: for each message one queue message, one
//! read of the contact, one token, one row by WhatsApp's id, one counter; for
//! each status the row again and a counter.
//!
//! The tokens of a second are counted in an item of that second, as tutorials
//! have it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use platform::clock::Clock as _;

use super::Setting;
use super::baseline::{self, Design, Desk, Ground, MessageStatus, TABLE};
use super::count::Run;

pub(super) async fn run(setting: Setting) -> anyhow::Result<Run> {
    baseline::run(Naive, setting).await
}

struct Naive;

impl Design for Naive {
    /// As long as nobody turns partial answers on.
    const PARTIAL: bool = false;

    fn workers(&self, mps: u32) -> u32 {
        mps.div_ceil(2)
    }

    async fn plan(&self, desk: &Desk, person: u32) -> anyhow::Result<()> {
        desk.queue(person).await
    }

    async fn work(&self, ground: &Ground, person: u32) -> anyhow::Result<()> {
        let dynamodb = &ground.desk.dynamodb;
        dynamodb
            .get_item()
            .table_name(TABLE)
            .key("pk", text(format!("CONTACT#{person}")))
            .key("sk", text("CONTACT"))
            .send()
            .await?;
        while !token(dynamodb, ground.clock.now(), ground.mps).await? {
            ground
                .clock
                .sleep_until(next_second(ground.clock.now()))
                .await;
        }
        let wamid = ground.send(person).await?;
        dynamodb
            .put_item()
            .table_name(TABLE)
            .item("pk", text(format!("MESSAGE#{wamid}")))
            .item("sk", text("MESSAGE"))
            .item("person", number(person))
            .item("status", text("accepted"))
            .send()
            .await?;
        count(dynamodb, "accepted").await
    }

    async fn status(&self, desk: &Desk, status: &MessageStatus) -> anyhow::Result<()> {
        desk.dynamodb
            .update_item()
            .table_name(TABLE)
            .key("pk", text(format!("MESSAGE#{}", status.wamid)))
            .key("sk", text("MESSAGE"))
            .update_expression("SET #status = :status")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(&status.status))
            .send()
            .await?;
        count(&desk.dynamodb, &status.status).await
    }
}

/// Takes a token of the present second; false if none is left.
async fn token(dynamodb: &Client, now: Timestamp, mps: u32) -> anyhow::Result<bool> {
    let taken = dynamodb
        .update_item()
        .table_name(TABLE)
        .key("pk", text(format!("RATE#{}", now.as_second())))
        .key("sk", text("RATE"))
        .update_expression("ADD used :one")
        .condition_expression("attribute_not_exists(used) OR used < :limit")
        .expression_attribute_values(":limit", number(mps))
        .expression_attribute_values(":one", number(1))
        .send()
        .await;
    match taken {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
        {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

fn next_second(now: Timestamp) -> Timestamp {
    let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
    second + SignedDuration::from_secs(1)
}

async fn count(dynamodb: &Client, what: &str) -> anyhow::Result<()> {
    dynamodb
        .update_item()
        .table_name(TABLE)
        .key("pk", text("COUNTERS"))
        .key("sk", text(what))
        .update_expression("ADD messages :one")
        .expression_attribute_values(":one", number(1))
        .send()
        .await?;
    Ok(())
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: u32) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
