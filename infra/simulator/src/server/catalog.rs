//! What the API tells about numbers, templates and past messages.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{Shared, check_version, refusal_answer};
use crate::refusal::Refusal;
use crate::world::{Message, NumberState, World};

const PAGE: usize = 25;
const LARGEST_PAGE: usize = 250;

/// Parameters of a query by name.
type Params = HashMap<String, String>;

/// `GET /{version}/{id}`: a number or a template.
pub(super) async fn object(
    State(shared): State<Arc<Shared>>,
    Path((version, id)): Path<(String, String)>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Response {
    answer(&shared, &version, &headers, |world| {
        let at = shared.clock.now();
        if let Some(template) = world.templates.by_id(&id) {
            return Ok(choose(&template.listed, params.get("fields")));
        }
        let waba_id = world.number(&id)?.config.waba_id.clone();
        world.admit_management_call(&waba_id, at)?;
        let about = about_number(world.number(&id)?);
        let fields = params.get("fields").map_or(NUMBER_FIELDS, String::as_str);
        Ok(choose(&about, Some(&fields.to_owned())))
    })
}

/// `GET /{version}/{business account}/message_templates`.
pub(super) async fn templates(
    State(shared): State<Arc<Shared>>,
    Path((version, waba_id)): Path<(String, String)>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Response {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let path = format!("http://{host}/{version}/{waba_id}/message_templates");
    answer(&shared, &version, &headers, |world| {
        let known = world.numbers.values().any(|n| n.config.waba_id == waba_id);
        if !known && world.templates.of(&waba_id).is_empty() {
            return Err(Refusal::new(33, "the business account does not exist"));
        }
        world.admit_management_call(&waba_id, shared.clock.now())?;
        list_templates(world, &waba_id, &path, &params)
    })
}

/// `GET /{version}/{phone number id}/message_history`: the messages that the
/// number sent, the newest first, or the one with `message_id`.
pub(super) async fn history(
    State(shared): State<Arc<Shared>>,
    Path((version, id)): Path<(String, String)>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Response {
    answer(&shared, &version, &headers, |world| {
        let waba = world.number(&id)?.config.waba_id.clone();
        world.admit_management_call(&waba, shared.clock.now())?;
        world.advance(shared.clock.now());
        let number = |name: &str, otherwise: usize| match params.get(name) {
            Some(text) => text
                .parse()
                .map_err(|_| Refusal::new(100, format!("{name} is not what a page before gave"))),
            None => Ok(otherwise),
        };
        let (from, limit) = (number("after", 0)?, number("limit", 25)?.clamp(1, 100));
        let all = world.sent_by(&id, params.get("message_id").map(String::as_str));
        let page = all.iter().skip(from).take(limit);
        let data: Vec<Value> = page.map(|(wamid, message)| entry(wamid, message)).collect();
        let end = from + data.len();
        let mut paging = json!({"cursors": {"before": from.to_string(), "after": end.to_string()}});
        if end < all.len() {
            paging["next"] = format!("https://graph.invalid/{version}/{id}/message_history").into();
        }
        Ok(json!({"data": data, "paging": paging}))
    })
}

/// A message as the history shows it: WhatsApp knows four words for how it fared.
fn entry(wamid: &str, message: &Message) -> Value {
    let told = message
        .history
        .iter()
        .filter(|(status, _)| *status != "accepted");
    let events: Vec<Value> = told
        .map(|(status, at)| {
            json!({
                "delivery_status": status.to_ascii_uppercase(),
                "timestamp": at.as_second(),
            })
        })
        .collect();
    json!({"message_id": wamid, "events": {"data": events}})
}

fn answer(
    shared: &Shared,
    version: &str,
    headers: &HeaderMap,
    look: impl FnOnce(&mut World) -> Result<Value, Refusal>,
) -> Response {
    let found = check_version(version)
        .and_then(|()| shared.authorise(headers))
        .and_then(|()| look(&mut shared.world()));
    match found {
        Ok(value) => axum::Json(value).into_response(),
        Err(refusal) => refusal_answer(&refusal),
    }
}

fn list_templates(
    world: &World,
    waba_id: &str,
    path: &str,
    params: &Params,
) -> Result<Value, Refusal> {
    let same = |name: &str, value: &str| {
        params
            .get(name)
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    // A name is looked for anywhere in the name, the rest must be equal.
    let name = params.get("name").map_or("", String::as_str);
    let matching: Vec<&Value> = world
        .templates
        .of(waba_id)
        .iter()
        .filter(|t| t.name.contains(name))
        .filter(|t| same("language", &t.language) && same("status", &t.status))
        .filter(|t| same("category", &t.category))
        .map(|t| &t.listed)
        .collect();

    let limit = match params.get("limit") {
        None => PAGE,
        Some(limit) => limit
            .parse::<usize>()
            .ok()
            .filter(|limit| *limit > 0)
            .ok_or_else(|| Refusal::new(100, "limit is not a positive number"))?
            .min(LARGEST_PAGE),
    };
    let start = match params.get("after") {
        None => 0,
        Some(cursor) => from_cursor(cursor)?,
    };
    let end = matching.len().min(start.saturating_add(limit));
    let page = matching.get(start..end).unwrap_or_default();
    let data = page.iter().map(|t| choose(t, params.get("fields")));
    let mut listing = json!({"data": data.collect::<Vec<_>>()});
    if !page.is_empty() {
        listing["paging"] = json!({
            "cursors": {"before": to_cursor(start), "after": to_cursor(end)},
        });
        if end < matching.len() {
            listing["paging"]["next"] = next_page(path, params, end, limit).into();
        }
    }
    Ok(listing)
}

/// The address of the next page: the same question, from a later place.
fn next_page(path: &str, params: &Params, start: usize, limit: usize) -> String {
    let kept = params
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "after" | "before" | "limit"));
    let query = kept.fold(
        format!("limit={limit}&after={}", to_cursor(start)),
        |query, (name, value)| format!("{query}&{name}={value}"),
    );
    format!("{path}?{query}")
}

fn to_cursor(place: usize) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(place.to_string())
}

fn from_cursor(cursor: &str) -> Result<usize, Refusal> {
    BASE64_URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok())
        .ok_or_else(|| Refusal::new(100, "after is not a cursor"))
}

/// What a number tells when it is not asked for anything in particular.
const NUMBER_FIELDS: &str = "verified_name,display_phone_number,quality_rating";

fn about_number(number: &NumberState) -> Value {
    let config = &number.config;
    let level = match config.throughput_per_second {
        // WhatsApp knows no level between; measurements do.
        81.. => "HIGH",
        _ => "STANDARD",
    };
    let entity = |kind: &str, id: &str| json!({"entity_type": kind, "id": id, "can_send_message": number.health});
    json!({
        "id": config.phone_number_id,
        "display_phone_number": config.display_phone_number,
        "verified_name": "Simulated business",
        "quality_rating": number.quality,
        "throughput": {"level": level},
        "whatsapp_business_manager_messaging_limit": config.tier.name(),
        "status": "CONNECTED",
        "name_status": "APPROVED",
        "health_status": {
            "can_send_message": number.health,
            "entities": [
                entity("PHONE_NUMBER", &config.phone_number_id),
                entity("WABA", &config.waba_id),
                entity("BUSINESS", &config.portfolio_id),
            ],
        },
    })
}

/// The fields asked for, and always the id.
fn choose(object: &Value, fields: Option<&String>) -> Value {
    let Some(fields) = fields else {
        return object.clone();
    };
    let wanted = fields.split(',').map(str::trim).chain(["id"]);
    let chosen: Map<String, Value> = wanted
        .filter_map(|field| Some((field.to_owned(), object.get(field)?.clone())))
        .collect();
    chosen.into()
}
