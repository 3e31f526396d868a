//! API Gateway's HTTP API: routes, and requests and answers in payload format
//! 2.0.

use std::collections::BTreeMap;

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::account::ACCOUNT;

/// A route of the template.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) function: String,
    method: String,
    path: String,
}

/// A route that fits a request, with the variable parts of its path.
#[derive(Debug)]
pub(super) struct Matched<'a> {
    pub(super) route: &'a Route,
    parameters: BTreeMap<String, String>,
}

impl Route {
    pub(super) fn new(function: String, method: &str, path: &str) -> Self {
        Self {
            function,
            method: method.to_owned(),
            path: path.to_owned(),
        }
    }

    /// The best of `routes` for a request: whole paths before `{proxy+}`
    /// before `$default`, and a named method before `ANY`.
    pub(super) fn find<'a>(
        routes: &'a [Self],
        method: &http::Method,
        path: &str,
    ) -> Option<Matched<'a>> {
        let fits = |route: &&Self| route.method == "ANY" || route.method == method.as_str();
        let matched = routes.iter().filter(fits).filter_map(|route| {
            let parameters = route.parameters(path)?;
            Some(Matched { route, parameters })
        });
        matched.max_by_key(|matched| {
            let route = matched.route;
            let specific = match route.path.as_str() {
                "$default" => 0,
                greedy if greedy.ends_with("+}") => 1,
                _ => 2,
            };
            (specific, route.path.len(), route.method != "ANY")
        })
    }

    fn key(&self) -> String {
        match self.path.as_str() {
            "$default" => self.path.clone(),
            path => format!("{} {path}", self.method),
        }
    }

    /// The variable parts of `path`, if this route fits it.
    fn parameters(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        if self.path == "$default" {
            return Some(parameters);
        }
        let mut rest = path.trim_start_matches('/');
        let mut pattern = self.path.trim_start_matches('/').split('/').peekable();
        while let Some(segment) = pattern.next() {
            let variable = segment
                .strip_prefix('{')
                .and_then(|name| name.strip_suffix('}'));
            if let Some(name) = variable.and_then(|name| name.strip_suffix('+')) {
                parameters.insert(name.to_owned(), decode(rest));
                return (!rest.is_empty()).then_some(parameters);
            }
            let (here, below) = match rest.split_once('/') {
                Some((here, below)) => (here, Some(below)),
                None => (rest, None),
            };
            match variable {
                Some(name) if !here.is_empty() => {
                    parameters.insert(name.to_owned(), decode(here));
                }
                None if here == segment => (),
                _ => return None,
            }
            match (below, pattern.peek()) {
                (Some(below), Some(_)) => rest = below,
                (None, None) => return Some(parameters),
                _ => return None,
            }
        }
        None
    }
}

/// The event for `request`.
pub(super) fn event(
    request: &Request<Bytes>,
    matched: &Matched<'_>,
    request_id: &str,
    now: Timestamp,
) -> Value {
    let uri = request.uri();
    let (mut headers, mut cookies) = (BTreeMap::<String, String>::new(), Vec::new());
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if name == header::COOKIE {
            cookies.extend(value.split("; ").map(str::to_owned));
            continue;
        }
        let joined = headers.entry(name.as_str().to_owned());
        joined
            .and_modify(|before| *before = format!("{before},{value}"))
            .or_insert(value);
    }
    let host = headers.get("host").cloned().unwrap_or_default();
    let agent = headers.get("user-agent").cloned().unwrap_or_default();
    let route_key = matched.route.key();
    let query = uri.query().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": uri.path(),
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "izin",
            "domainName": host,
            "domainPrefix": "izin",
            "http": {
                "method": request.method().as_str(),
                "path": uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": agent,
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S %z").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
    });
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !query.is_empty() {
        event["queryStringParameters"] = json!(query_parameters(query));
    }
    if !matched.parameters.is_empty() {
        event["pathParameters"] = json!(matched.parameters);
    }
    let body = request.body();
    let text = if is_text(request) {
        std::str::from_utf8(body).ok()
    } else {
        None
    };
    event["isBase64Encoded"] = (!body.is_empty() && text.is_none()).into();
    if !body.is_empty() {
        event["body"] = match text {
            Some(text) => text.into(),
            None => BASE64.encode(body).into(),
        };
    }
    event
}

/// Whether the gateway passes the body as it is: `text/*`, JSON, JavaScript and
/// XML; all else comes in base64.
fn is_text(request: &Request<Bytes>) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    kind.starts_with("text/")
        || matches!(
            kind.as_str(),
            "application/javascript" | "application/json" | "application/xml"
        )
}

/// Parameters by name; those that repeat are joined by commas.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::<String, String>::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(&value.replace('+', " "));
        let joined = parameters.entry(decode(&name.replace('+', " ")));
        joined
            .and_modify(|before| *before = format!("{before},{value}"))
            .or_insert(value);
    }
    parameters
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The answer of a function as an HTTP response; none if it is not one.
pub(super) fn response(answer: &Value) -> Option<Response<Bytes>> {
    let Some(status) = answer.get("statusCode") else {
        // Anything without a status is a body by itself.
        let mut response = Response::new(Bytes::from(answer.to_string()));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        return Some(response);
    };
    let body = match (&answer["body"], answer["isBase64Encoded"].as_bool()) {
        (Value::String(body), Some(true)) => Bytes::from(BASE64.decode(body).ok()?),
        (Value::String(body), _) => Bytes::from(body.clone()),
        (Value::Null, _) => Bytes::new(),
        _ => return None,
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status.as_u64()?.try_into().ok()?).ok()?;
    let headers = response.headers_mut();
    let none = Map::new();
    for (name, value) in answer["headers"].as_object().unwrap_or(&none) {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        headers.append(name.parse::<HeaderName>().ok()?, value.parse().ok()?);
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        headers.append(header::SET_COOKIE, cookie.as_str()?.parse().ok()?);
    }
    // The gateway says JSON if nobody says anything.
    let json = HeaderValue::from_static("application/json");
    headers.entry(header::CONTENT_TYPE).or_insert(json);
    Some(response)
}

/// An answer of the gateway's own.
pub(super) fn message(status: StatusCode, message: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(json!({ "message": message }).to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
