//! The table of contents: every route, and through it the OpenAPI document.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use platform::metrics::Metrics;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::Problem;
use crate::request::BODY_MAX;
use crate::{
    Deps, breakers, campaigns, contacts, copy, events, imports, lists, media, messages, numbers,
    optouts, requests, reviews, settings, webhooks,
};

/// The service's HTTP face.
pub fn router(deps: Deps) -> Router {
    let deps = Arc::new(deps);
    let (router, document) = routed();
    let document = document
        .to_json()
        .expect("a generated document is plain JSON");
    router
        .route(
            "/v1/openapi.json",
            get(async move || ([(CONTENT_TYPE, "application/json")], document)),
        )
        .route("/healthz", get(async || "ok\n"))
        .fallback(async || Problem::not_found("there is nothing under this path"))
        .method_not_allowed_fallback(async || Problem::method())
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(Arc::clone(&deps), measure))
        .with_state(deps)
}

/// Counts each request, and those that failed through no fault of the caller.
async fn measure(State(deps): State<Arc<Deps>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let mut metrics = Metrics::of("api");
    metrics.count("Requests", 1);
    metrics.count("ServerErrors", response.status().is_server_error().into());
    metrics.emit(deps.clock.now(), deps.metrics);
    response
}

/// The OpenAPI document of [`router`].
pub fn openapi() -> utoipa::openapi::OpenApi {
    routed().1
}

fn routed() -> (Router<Arc<Deps>>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(lists::create))
        .routes(routes!(imports::create))
        .routes(routes!(imports::view::show))
        .routes(routes!(imports::release::release))
        .routes(routes!(campaigns::draft::create, campaigns::view::list))
        .routes(routes!(campaigns::view::show))
        .routes(routes!(campaigns::lifecycle::validate))
        .routes(routes!(campaigns::approval::approve))
        .routes(routes!(campaigns::preflight::show))
        .routes(routes!(campaigns::lifecycle::start))
        .routes(routes!(campaigns::control::schedule))
        .routes(routes!(campaigns::lifecycle::unschedule))
        .routes(routes!(campaigns::lifecycle::pause))
        .routes(routes!(campaigns::control::resume))
        .routes(routes!(campaigns::lifecycle::cancel))
        .routes(routes!(campaigns::budget::set))
        .routes(routes!(campaigns::doubts::list, campaigns::doubts::settle))
        .routes(routes!(breakers::list))
        .routes(routes!(breakers::reset))
        .routes(routes!(breakers::stop_everything))
        .routes(routes!(breakers::lift))
        .routes(routes!(media::create))
        .routes(routes!(media::show, media::delete))
        .routes(routes!(messages::create))
        .routes(routes!(numbers::list))
        .routes(routes!(optouts::create))
        .routes(routes!(contacts::token))
        .routes(routes!(contacts::explain))
        .routes(routes!(copy::show))
        .routes(routes!(requests::erase))
        .routes(routes!(requests::list))
        .routes(routes!(requests::close))
        .routes(routes!(reviews::list))
        .routes(routes!(reviews::decide))
        .routes(routes!(events::list))
        .routes(routes!(events::show))
        .routes(routes!(events::text))
        .routes(routes!(webhooks::create, webhooks::list))
        .routes(routes!(webhooks::show, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::enable))
        .routes(routes!(settings::show, settings::replace))
        .split_for_parts()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Izin",
        version = "1",
        description = "WhatsApp messages to many people who said yes. Every answer that is not \
            the one hoped for is application/problem+json (RFC 9457). Besides what each operation \
            lists: 400 for a request that cannot be read, 401 without a valid API key, 413 and \
            415 for a body of another size or kind, 503 for a fault that passes."
    ),
    security(("api_key" = [])),
    tags(
        (name = "lists", description = "Lists that people said yes to."),
        (name = "imports", description = "Files of contacts, with where they come from."),
        (name = "campaigns", description = "One template to one audience: draft, validate, approve, start."),
        (name = "breakers", description = "What stops messages at once: the kill switch, and what WhatsApp stopped."),
        (name = "media", description = "Files that messages show: uploaded, checked, and only then usable."),
        (name = "messages", description = "One message to one person, ahead of every campaign."),
        (name = "numbers", description = "What WhatsApp says of the numbers that messages come from."),
        (name = "contacts", description = "Single people: opt-outs, explanations, and what they ask about their data."),
        (name = "events", description = "What happened: replies, opt-outs, campaigns, what WhatsApp says of templates, numbers and accounts."),
        (name = "settings", description = "What the tenant decides for itself."),
    ),
    modifiers(&ApiKeyScheme),
)]
struct Document;

struct ApiKeyScheme;

impl Modify for ApiKeyScheme {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("`<key id>.<secret>`"))
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("api_key", SecurityScheme::Http(scheme));
    }
}

#[cfg(test)]
mod tests;
