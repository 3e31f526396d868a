//! The HTTP API as a server on a loopback port, and without one.

use std::io;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use http::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::gateway::{self, Route};
use super::{Deadline, InvocationError, Wiring};

/// The gateway's own bound: 10 MB.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// The HTTP API, listening until it is dropped.
#[derive(Debug)]
pub struct Front {
    /// Such as `http://127.0.0.1:40001`.
    pub url: String,
    _server: JoinSet<()>,
}

impl Wiring {
    /// Serves the template's HTTP API on `listener`.
    pub fn front(&self, listener: TcpListener) -> io::Result<Front> {
        self.serve(listener, Deadline::Enforced)
    }

    /// The same with no time limit on functions: for manual clocks, which jump
    /// when anybody waits for a limit.
    pub fn patient_front(&self, listener: TcpListener) -> io::Result<Front> {
        self.serve(listener, Deadline::Open)
    }

    fn serve(&self, listener: TcpListener, deadline: Deadline) -> io::Result<Front> {
        let url = format!("http://{}", listener.local_addr()?);
        let state = (self.clone(), deadline);
        let router = Router::new().fallback(answer).with_state(state);
        let mut server = JoinSet::new();
        server.spawn(async move {
            // Serving ends only with the task that serves.
            drop(axum::serve(listener, router).await);
        });
        Ok(Front {
            url,
            _server: server,
        })
    }

    /// Answers one request as the HTTP API would, on the caller's task.
    pub async fn request(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.respond(request, Deadline::Open).await
    }

    async fn respond(&self, request: Request<Bytes>, deadline: Deadline) -> Response<Bytes> {
        let matched = Route::find(&self.0.routes, request.method(), request.uri().path());
        let Some(matched) = matched else {
            return gateway::message(StatusCode::NOT_FOUND, "Not Found");
        };
        let event = gateway::event(&request, &matched, &self.0.ids.mint(), self.0.clock.now());
        let answer = self.invoke(&matched.route.function, event, deadline).await;
        let response = match answer {
            Ok(answer) => gateway::response(&answer),
            Err(InvocationError::TimedOut) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Some(gateway::message(status, "Service Unavailable"))
            }
            Err(_) => None,
        };
        response.unwrap_or_else(|| {
            gateway::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        })
    }
}

async fn answer(
    State((wiring, deadline)): State<(Wiring, Deadline)>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let response = match axum::body::to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => {
            let request = Request::from_parts(parts, body);
            wiring.respond(request, deadline).await
        }
        Err(_) => gateway::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
    };
    response.map(Body::from)
}
