//! What WhatsApp says of a tenant's numbers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use platform::campaigns::NumberHealth;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::Problem;

/// The numbers that campaigns were validated for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Numbers {
    numbers: Vec<NumberView>,
}

/// A number as WhatsApp last described it.
#[derive(Serialize, ToSchema)]
#[schema(as = Number)]
struct NumberView {
    /// WhatsApp's id of it.
    phone_number_id: String,
    /// The level of its throughput, such as `STANDARD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    throughput: Option<String>,
    /// How many messages a second go out at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    messages_per_second: Option<f64>,
    /// Its quality: `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    quality: Option<String>,
    /// How many people its portfolio may reach in a day, such as `TIER_2K`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tier: Option<String>,
    /// Whether it may send: `AVAILABLE`, `LIMITED`, `BLOCKED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    can_send: Option<String>,
    /// Its state, such as `CONNECTED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<String>,
    /// Of a number that sends by Amazon's way: whether what people answer to it
    /// reaches this service. Without that it does not send.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    is_heard: Option<bool>,
    /// When WhatsApp was asked.
    #[schema(value_type = String, format = DateTime)]
    read_at: Timestamp,
}

/// What WhatsApp says of the numbers that campaigns were validated for, read every
/// few minutes while one of them is under way.
#[utoipa::path(
    get,
    path = "/v1/numbers",
    operation_id = "list_numbers",
    tag = "numbers",
    responses((status = 200, description = "The numbers", body = Numbers)),
)]
pub(crate) async fn list(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
) -> Result<Json<Numbers>, Problem> {
    let mut numbers = Vec::new();
    for (phone_number_id, health) in deps.campaigns.numbers_health(tenant).await? {
        let number = deps.campaigns.number(&phone_number_id).await?;
        let pace = number.map(|number| number.pace(Some(&health)));
        let NumberHealth {
            throughput,
            quality,
            tier,
            can_send,
            status,
            is_heard,
            unheard_since: _,
            read_at,
            has_news: _,
        } = health;
        numbers.push(NumberView {
            phone_number_id,
            throughput,
            messages_per_second: pace.map(|pace| pace.milli_rate() as f64 / 1_000.0),
            quality,
            tier,
            can_send,
            status,
            is_heard,
            read_at,
        });
    }
    Ok(Json(Numbers { numbers }))
}
