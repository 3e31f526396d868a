//! Objects in S3, and the uploads that strangers to the role may make.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;

use crate::fault::Fault;

/// The service's one bucket.
#[derive(Clone, Debug)]
pub struct Objects {
    client: aws_sdk_s3::Client,
    bucket: String,
}

/// What an uploader must send, and where.
#[derive(Clone, Debug)]
pub struct PresignedUpload {
    /// The method; always `PUT`.
    pub method: String,
    /// The address, with its signature: a secret until it expires.
    pub url: String,
    /// Headers that the signature covers.
    pub headers: Vec<(String, String)>,
}

impl Objects {
    /// The bucket as `client` sees it.
    pub fn new(client: aws_sdk_s3::Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Stores `body` under `key`.
    pub async fn put(&self, key: &str, body: Vec<u8>, content_type: &str) -> Result<(), Fault> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(content_type)
            .body(ByteStream::from(body))
            .send()
            .await
            .map_err(Fault::sdk("store an object"))?;
        Ok(())
    }

    /// The whole object.
    pub async fn get(&self, key: &str) -> Result<Vec<u8>, Fault> {
        let mut body = self.get_from(key, 0).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// The object from byte `offset` on, as a stream.
    pub async fn get_from(&self, key: &str, offset: u64) -> Result<ObjectBody, Fault> {
        let mut request = self.client.get_object().bucket(&self.bucket).key(key);
        if offset > 0 {
            request = request.range(format!("bytes={offset}-"));
        }
        let answer = request.send().await.map_err(Fault::sdk("read an object"))?;
        Ok(ObjectBody(answer.body))
    }

    /// Lets the holder of the answer upload exactly `content_length` bytes of
    /// `content_type` to `key`, for `expires_in`.
    pub async fn presign_put(
        &self,
        key: &str,
        content_type: &str,
        content_length: i64,
        expires_in: Duration,
    ) -> Result<PresignedUpload, Fault> {
        let config = PresigningConfig::expires_in(expires_in)
            .map_err(|error| Fault::lasting("presign an upload", error))?;
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(content_type)
            .content_length(content_length)
            .presigned(config)
            .await
            .map_err(Fault::sdk("presign an upload"))?;
        Ok(PresignedUpload {
            method: request.method().to_owned(),
            url: request.uri().to_owned(),
            headers: request
                .headers()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        })
    }

    /// Lets the holder of the answer, an address with its signature, fetch
    /// `key` for `expires_in`.
    pub async fn presign_get(&self, key: &str, expires_in: Duration) -> Result<String, Fault> {
        let config = PresigningConfig::expires_in(expires_in)
            .map_err(|error| Fault::lasting("presign a download", error))?;
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .presigned(config)
            .await
            .map_err(Fault::sdk("presign a download"))?;
        Ok(request.uri().to_owned())
    }
}

/// An object's bytes as they come.
#[derive(Debug)]
pub struct ObjectBody(ByteStream);

impl ObjectBody {
    /// The next piece, `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        match self.0.next().await {
            None => Ok(None),
            Some(Ok(chunk)) => Ok(Some(chunk.to_vec())),
            Some(Err(error)) => Err(Fault::passing("read an object", error)),
        }
    }
}
