//! S3: s3s-fs over a temporary folder, which also tells queues of new objects.
//!
//! Signatures are checked against the [account's](crate::account) key, for
//! presigned requests too, by the machine's wall clock.

mod notify;
mod store;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use platform::clock::SharedClock;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::account::{ACCESS_KEY, SECRET_KEY};
use crate::sqs::Sqs;

pub use notify::Subscription;

use notify::Notifier;
use store::Store;

/// All buckets, which vanish with it.
pub struct S3 {
    folder: TempDir,
    service: S3Service,
}

/// Why the folder of the objects could not be used.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// The operating system refused.
    #[error("folder for objects")]
    Folder(#[from] io::Error),
    /// The store could not be opened.
    #[error("store for objects")]
    Open,
}

impl S3 {
    /// Opens a store that sends its events to `sqs`, as `subscriptions` say.
    pub fn new(
        clock: SharedClock,
        sqs: Sqs,
        subscriptions: Vec<Subscription>,
    ) -> Result<Self, S3Error> {
        let folder = TempDir::new()?;
        let files = FileSystem::new(folder.path()).map_err(|_| S3Error::Open)?;
        let notifier = Notifier::new(clock, sqs, subscriptions);
        let mut builder = S3ServiceBuilder::new(Store::new(files, notifier));
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        Ok(Self {
            folder,
            service: builder.build(),
        })
    }

    /// Creates a bucket.
    pub fn create(&self, bucket: &str) -> Result<(), S3Error> {
        Ok(std::fs::create_dir(self.folder.path().join(bucket))?)
    }

    /// The keys of a bucket's objects, in order: for tests that look without asking.
    pub fn keys(&self, bucket: &str) -> Result<Vec<String>, S3Error> {
        let root = self.folder.path().join(bucket);
        let (mut keys, mut folders) = (Vec::new(), vec![root.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let path = entry?.path();
                // The store's own notes lie beside the objects, as hidden files.
                let is_note = path
                    .file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with('.'));
                if path.is_dir() {
                    folders.push(path);
                } else if !is_note && let Ok(key) = path.strip_prefix(&root) {
                    keys.push(key.to_string_lossy().into_owned());
                }
            }
        }
        keys.sort();
        Ok(keys)
    }

    /// Answers the AWS SDK on `listener`, for ever.
    pub fn serve(&self, listener: TcpListener) -> impl Future<Output = ()> + Send + use<> {
        let router = Router::new()
            .fallback(answer)
            .with_state(self.service.clone());
        async {
            // Serving ends only with the task that serves.
            drop(axum::serve(listener, router).await);
        }
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3").finish_non_exhaustive()
    }
}

async fn answer(State(service): State<S3Service>, request: Request) -> Response {
    match service.call(request.map(s3s::Body::http_body_unsync)).await {
        Ok(response) => response.map(axum::body::Body::new),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
