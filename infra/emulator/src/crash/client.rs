//! The AWS SDK's HTTP client, with every request counted as an effect.

use std::future::pending;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::{CrashPlan, Process};

#[derive(Debug)]
pub(super) struct CrashingClient {
    inner: SharedHttpClient,
    plan: CrashPlan,
}

impl CrashingClient {
    pub(super) fn new(plan: CrashPlan) -> Self {
        let inner = aws_smithy_http_client::Builder::new().build_http();
        Self { inner, plan }
    }
}

impl HttpClient for CrashingClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(CrashingConnector {
            inner: self.inner.http_connector(settings, components),
            plan: self.plan.clone(),
        })
    }
}

#[derive(Debug)]
struct CrashingConnector {
    inner: SharedHttpConnector,
    plan: CrashPlan,
}

impl HttpConnector for CrashingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // The SDK calls from within the function's own task.
        let Some(process) = Process::current() else {
            return self.inner.call(request);
        };
        if process.is_dead() {
            return HttpConnectorFuture::new(pending());
        }
        let name = name(&request);
        let plan = self.plan.clone();
        let response = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let response = response.await;
            if plan.strikes(&process, &name) {
                pending::<()>().await;
            }
            response
        })
    }
}

/// `dynamodb.UpdateItem` from `X-Amz-Target: DynamoDB_20120810.UpdateItem`;
/// `s3.PUT` for what has no target.
fn name(request: &HttpRequest) -> String {
    match request
        .headers()
        .get("x-amz-target")
        .and_then(|target| target.split_once('.'))
    {
        Some((service, operation)) => {
            let service = service.split('_').next().unwrap_or(service).to_lowercase();
            let service = service.strip_prefix("amazon").unwrap_or(&service);
            format!("{service}.{operation}")
        }
        None => format!("s3.{}", request.method()),
    }
}
