//! AWS End User Messaging Social: the same messages, limits and faults behind the
//! calls of Amazon (AWS, API reference of social-messaging, 2024-01-01).
//!
//! Which of WhatsApp's refusals Amazon passes on at once, and as what, it does not
//! document. Here a throttle is `ThrottledRequestException`, what is wrong with the
//! account or the number has a name of its own, and everything else that is
//! refused for good is `InvalidParametersException`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ArrivedAt, Shared, check_version, messages};
use crate::clock::later;
use crate::config::LinkedAccount;
use crate::refusal::Refusal;
use crate::world::{Incoming, Route, World};

type Params = HashMap<String, String>;

/// The calls that are understood.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/whatsapp/send", post(send))
        .route("/v1/whatsapp/media", post(upload))
        .route("/v1/whatsapp/waba/details", get(account))
        .route("/v1/whatsapp/template/list", get(list))
        .route("/v1/whatsapp/template", get(template))
}

/// A refusal by the name of its exception.
struct Exception(&'static str);

impl Exception {
    const INVALID: Self = Self("InvalidParametersException");
    const NOT_FOUND: Self = Self("ResourceNotFoundException");

    fn answer(&self) -> Response {
        let status = match self.0 {
            "AccessDeniedByMetaException" | "MissingAuthenticationToken" => StatusCode::FORBIDDEN,
            "DependencyException" => StatusCode::BAD_GATEWAY,
            "ResourceNotFoundException" => StatusCode::NOT_FOUND,
            "ThrottledRequestException" => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut answer = (status, Json(json!({"message": "refused"}))).into_response();
        let kind = HeaderValue::from_static(self.0);
        answer.headers_mut().insert("x-amzn-errortype", kind);
        answer
    }
}

impl From<&Refusal> for Exception {
    fn from(refusal: &Refusal) -> Self {
        Self(match refusal.code {
            4 | 80_007 | 130_429 | 131_056 => "ThrottledRequestException",
            33 | 133_010 => "ResourceNotFoundException",
            0 | 3 | 10 | 190 | 200 | 368 | 131_031 | 131_042 => "AccessDeniedByMetaException",
            1 | 2 | 131_000 | 131_016 | 131_057 | 133_004 => "DependencyException",
            _ => "InvalidParametersException",
        })
    }
}

/// Whether a request is signed for this service. The signature itself is not
/// checked: what a role may do is judged before the wire.
fn authorise(headers: &HeaderMap) -> Result<(), Exception> {
    let header = headers.get(header::AUTHORIZATION);
    let header = header.and_then(|header| header.to_str().ok());
    let is_signed = header.is_some_and(|header| {
        header.starts_with("AWS4-HMAC-SHA256 ") && header.contains("/social-messaging/aws4_request")
    });
    let missing = Exception("MissingAuthenticationToken");
    is_signed.then_some(()).ok_or(missing)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendCall {
    origination_phone_number_id: String,
    message: String,
    meta_api_version: String,
}

async fn send(
    State(shared): State<Arc<Shared>>,
    Extension(ArrivedAt(arrived_at)): Extension<ArrivedAt>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = authorise(&headers).and_then(|()| {
        let call: SendCall = serde_json::from_slice(&body).map_err(|_| Exception::INVALID)?;
        let message = BASE64_STANDARD.decode(&call.message);
        let message = message.map_err(|_| Exception::INVALID)?;
        check_version(&call.meta_api_version).map_err(|_| Exception::INVALID)?;
        let world = shared.world();
        let number = number_of(&world, &call.origination_phone_number_id)?;
        Ok((number.to_owned(), message))
    });
    let (number, message) = match call {
        Ok(call) => call,
        Err(exception) => return exception.answer(),
    };
    let incoming = Incoming {
        arrived_at,
        phone_number_id: &number,
        route: Route::Amazon,
        request: messages::parse(&message),
    };
    let mut verdict = shared.world().receive(incoming);
    shared.wake.notify_one();
    if !verdict.wait.is_zero() {
        let until = later(shared.clock.now(), verdict.wait);
        shared.clock.sleep_until(until).await;
    }
    if verdict.reset || verdict.body.is_empty() {
        return messages::answer(verdict);
    }
    let said: Value = serde_json::from_slice(&verdict.body).unwrap_or_default();
    if let Some(code) = said["error"]["code"].as_u64() {
        let code = u32::try_from(code).unwrap_or_default();
        return Exception::from(&Refusal::new(code, "")).answer();
    }
    let id = said["messages"][0]["id"].as_str().unwrap_or_default();
    verdict.body = json!({"messageId": id}).to_string().into_bytes();
    messages::answer(verdict)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UploadCall {
    origination_phone_number_id: String,
    source_s3_presigned_url: Source,
}

#[derive(Deserialize)]
struct Source {
    url: String,
    headers: HashMap<String, String>,
}

async fn upload(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let kept = async {
        authorise(&headers)?;
        let call: UploadCall = serde_json::from_slice(&body).map_err(|_| Exception::INVALID)?;
        let number = {
            let world = shared.world();
            number_of(&world, &call.origination_phone_number_id)?.to_owned()
        };
        let source = call.source_s3_presigned_url;
        let kind = source.headers.get("Content-Type");
        let kind = kind.ok_or(Exception::INVALID)?.clone();
        let fetched = reqwest::Client::builder().no_proxy().build();
        let fetched = fetched.map_err(|_| Exception::INVALID)?.get(source.url);
        let fetched = fetched
            .send()
            .await
            .and_then(reqwest::Response::error_for_status);
        let bytes = fetched.map_err(|_| Exception::INVALID)?.bytes().await;
        let bytes = bytes.map_err(|_| Exception::INVALID)?;
        let at = shared.clock.now();
        let kept = shared.world().media.upload(&number, &kind, bytes.len(), at);
        kept.map_err(|refusal| Exception::from(&refusal))
    };
    match kept.await {
        Ok(id) => Json(json!({"mediaId": id})).into_response(),
        Err(exception) => exception.answer(),
    }
}

async fn account(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> Response {
    asked(&shared, &headers, &params, |world, account| {
        let numbers = account
            .phone_number_ids
            .iter()
            .filter_map(|(meta, amazon)| {
                let number = world.numbers.get(meta)?;
                Some(json!({
                    "arn": format!("arn:aws:social-messaging:::{amazon}"),
                    "phoneNumber": number.config.display_phone_number,
                    "phoneNumberId": amazon,
                    "metaPhoneNumberId": meta,
                    "displayPhoneNumberName": "Business",
                    "displayPhoneNumber": number.config.display_phone_number,
                    "qualityRating": number.quality,
                }))
            });
        let destinations = account.event_destination.iter();
        let destinations = destinations.map(|arn| json!({"eventDestinationArn": arn}));
        Ok(json!({"account": {
            "arn": format!("arn:aws:social-messaging:::{}", account.id),
            "id": account.id,
            "wabaId": account.waba_id,
            "registrationStatus": "COMPLETE",
            "linkDate": 1_700_000_000,
            "wabaName": "Business",
            "eventDestinations": destinations.collect::<Vec<_>>(),
            "phoneNumbers": numbers.collect::<Vec<_>>(),
        }}))
    })
}

async fn list(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> Response {
    asked(&shared, &headers, &params, |world, account| {
        let number = |name: &str, default: usize| {
            let given = params.get(name);
            given.map_or(Ok(default), |text| text.parse::<usize>())
        };
        let (Ok(from), Ok(most)) = (number("nextToken", 0), number("maxResults", 25)) else {
            return Err(Exception::INVALID);
        };
        if !(1..=100).contains(&most) {
            return Err(Exception::INVALID);
        }
        let templates = world.templates.of(&account.waba_id);
        let page = templates.iter().skip(from).take(most).map(|template| {
            json!({
                "templateName": template.name,
                "metaTemplateId": template.id,
                "templateStatus": template.status,
                "templateLanguage": template.language,
                "templateCategory": template.category,
            })
        });
        let mut answer = json!({"templates": page.collect::<Vec<_>>()});
        if from.saturating_add(most) < templates.len() {
            answer["nextToken"] = (from + most).to_string().into();
        }
        Ok(answer)
    })
}

async fn template(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> Response {
    asked(&shared, &headers, &params, |world, account| {
        let id = params.get("metaTemplateId").ok_or(Exception::INVALID)?;
        let mut templates = world.templates.of(&account.waba_id).iter();
        let found = templates.find(|template| template.id == *id);
        let found = found.ok_or(Exception::NOT_FOUND)?;
        Ok(json!({"template": found.listed.to_string()}))
    })
}

/// Answers a question about a linked account.
fn asked(
    shared: &Shared,
    headers: &HeaderMap,
    params: &Params,
    look: impl FnOnce(&World, &LinkedAccount) -> Result<Value, Exception>,
) -> Response {
    let found = authorise(headers).and_then(|()| {
        let mut world = shared.world();
        let id = params.get("id").ok_or(Exception::INVALID)?;
        let mut accounts = world.linked.iter();
        let account = accounts.find(|account| account.id == *id).cloned();
        let account = account.ok_or(Exception::NOT_FOUND)?;
        let at = shared.clock.now();
        world
            .admit_management_call(&account.waba_id, at)
            .map_err(|refusal| Exception::from(&refusal))?;
        look(&world, &account)
    });
    match found {
        Ok(value) => Json(value).into_response(),
        Err(exception) => exception.answer(),
    }
}

/// What WhatsApp calls the number that Amazon calls `id`.
fn number_of<'a>(world: &'a World, id: &str) -> Result<&'a str, Exception> {
    let numbers = world
        .linked
        .iter()
        .flat_map(|account| &account.phone_number_ids);
    let mut found = numbers.filter(|(_, amazon)| *amazon == id);
    let (meta, _) = found.next().ok_or(Exception::NOT_FOUND)?;
    Ok(meta)
}
