//! The way of published samples for bulk messages: a row and a queue message
//! for each person, so many workers that they come to about the rate at the
//! usual time of an answer, and nothing else that limits it.

use aws_sdk_dynamodb::types::AttributeValue;

use super::Setting;
use super::baseline::{self, ANSWERS, Design, Desk, Ground, MessageStatus, TABLE};
use super::count::Run;

pub(super) async fn run(setting: Setting) -> anyhow::Result<Run> {
    baseline::run(Sample, setting).await
}

struct Sample;

impl Design for Sample {
    const PARTIAL: bool = true;

    /// As many as make the rate if every answer takes its usual time.
    fn workers(&self, mps: u32) -> u32 {
        let answer = (ANSWERS.from + ANSWERS.to) / 2;
        (answer * mps)
            .as_secs()
            .try_into()
            .unwrap_or(u32::MAX)
            .max(1)
    }

    async fn plan(&self, desk: &Desk, person: u32) -> anyhow::Result<()> {
        set_status(desk, person, "queued").await?;
        desk.queue(person).await
    }

    async fn work(&self, ground: &Ground, person: u32) -> anyhow::Result<()> {
        ground.send(person).await?;
        set_status(&ground.desk, person, "accepted").await
    }

    async fn status(&self, desk: &Desk, status: &MessageStatus) -> anyhow::Result<()> {
        set_status(desk, status.person, &status.status).await
    }
}

/// Writes the person's row.
async fn set_status(desk: &Desk, person: u32, status: &str) -> anyhow::Result<()> {
    desk.dynamodb
        .update_item()
        .table_name(TABLE)
        .key("pk", AttributeValue::S(format!("ROW#{person}")))
        .key("sk", AttributeValue::S("ROW".to_owned()))
        .update_expression("SET #status = :status")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":status", AttributeValue::S(status.to_owned()))
        .send()
        .await?;
    Ok(())
}
