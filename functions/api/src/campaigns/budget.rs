//! What a campaign may cost.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use platform::campaigns::CampaignBudget;
use policy::budget::{Budget, amount, parse_amount};
use policy::forecast::Prices;
use policy::ids::CampaignId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields, Id};

/// A campaign's budget.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBudget)]
pub(crate) struct BudgetRequest {
    /// The most that it may cost, such as `25.50`.
    #[schema(required = true, nullable = false)]
    amount: Option<String>,
    /// The currency of WhatsApp's prices: `USD`.
    #[schema(required = true, nullable = false)]
    currency: Option<String>,
    /// What to count for a message to a country whose price is not known.
    /// Without it the campaign pauses before such a message.
    unknown_price: Option<String>,
}

/// A campaign's money: what it may cost, and what is spent or about to be. A
/// block's price is reserved before its first message leaves, and what was not
/// sent goes back.
#[derive(Serialize, ToSchema)]
#[schema(as = Budget)]
pub(crate) struct BudgetView {
    amount: String,
    reserved: String,
    currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    unknown_price: Option<String>,
}

impl BudgetRequest {
    /// The budget, or what is wrong with it; `pointer` is where it stands.
    pub(crate) fn read(&self, pointer: &str, fields: &mut Fields) -> Option<Budget> {
        let detail = "expected an amount such as 25.50";
        let mut money = |name: &str, text: Option<&str>| {
            let amount = text.and_then(parse_amount);
            if amount.is_none() {
                fields.refuse(format!("{pointer}/{name}"), "unreadable", detail);
            }
            amount
        };
        let cap = money("amount", self.amount.as_deref());
        let unknown = self.unknown_price.as_deref();
        let unknown_price = unknown.map(|text| money("unknown_price", Some(text)));
        let currency = Prices::embedded().currency();
        if self.currency.as_deref() != Some(currency) {
            let detail = format!("expected {currency}, the currency of the prices");
            fields.refuse(format!("{pointer}/currency"), "unreadable", detail);
            return None;
        }
        let unknown_price = match unknown_price {
            Some(price) => Some(price?),
            None => None,
        };
        Some(Budget {
            cap: cap?,
            unknown_price,
        })
    }
}

impl From<CampaignBudget> for BudgetView {
    fn from(known: CampaignBudget) -> Self {
        Self {
            amount: amount(known.budget.cap),
            reserved: amount(known.reserved),
            currency: Prices::embedded().currency().to_owned(),
            unknown_price: known.budget.unknown_price.map(amount),
        }
    }
}

/// Set or change what a campaign may cost. One that was paused for its budget
/// goes on when it is resumed.
#[utoipa::path(
    put,
    path = "/v1/campaigns/{campaign_id}/budget",
    operation_id = "set_budget",
    tag = "campaigns",
    params(("campaign_id" = String, Path)),
    request_body = BudgetRequest,
    responses(
        (status = 200, description = "Set", body = BudgetView),
        (status = 404, description = "No such campaign", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The campaign has ended, or began without a budget", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn set(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<CampaignId>,
    Body(request): Body<BudgetRequest>,
) -> Result<Json<BudgetView>, Problem> {
    let campaign = super::find(&deps, tenant, id).await?;
    let mut fields = Fields::default();
    let budget = request.read("", &mut fields);
    let budget = fields.finish_with(budget)?;
    if campaign.state.is_final() {
        return Err(Problem::conflict("the campaign has ended"));
    }
    let known = deps.campaigns.budget(tenant, id).await?;
    if known.is_none() && campaign.blocks_planned > 0 {
        // What went out before was not counted.
        return Err(Problem::conflict(
            "the campaign began without a budget; cancel it and write a new one",
        ));
    }
    deps.campaigns.put_budget(tenant, id, &budget).await?;
    let known = deps.campaigns.budget(tenant, id).await?;
    let known = known.ok_or_else(|| Problem::not_found("there is no budget"))?;
    Ok(Json(known.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: serde_json::Value) -> Result<Budget, Vec<(String, &'static str)>> {
        let request: BudgetRequest = serde_json::from_value(body).unwrap();
        let mut fields = Fields::default();
        let budget = request.read("/budget", &mut fields);
        fields
            .finish_with(budget)
            .map_err(|problem| problem.codes())
    }

    #[test]
    fn a_budget_is_an_amount_of_the_prices_currency() {
        let budget = read(json!({"amount": "25.50", "currency": "USD", "unknown_price": "0.2"}));
        let expected = Budget {
            cap: 25_500_000,
            unknown_price: Some(200_000),
        };
        assert_eq!(budget, Ok(expected));
        let at = |name: &str| (format!("/budget/{name}"), "unreadable");
        assert_eq!(
            read(json!({"amount": "-1", "currency": "IDR", "unknown_price": "?"})),
            Err(vec![at("amount"), at("unknown_price"), at("currency")])
        );
        assert_eq!(read(json!({"currency": "USD"})), Err(vec![at("amount")]));
    }
}
