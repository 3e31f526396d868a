//! Objects in S3, and the uploads that strangers to the role may make.

mod notice;

use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

pub use self::notice::{Created, Notice};
use crate::fault::Fault;

/// One of the service's buckets.
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

    /// The whole object, if it is there. S3 answers whoever may not list a bucket
    /// that access is denied where there is nothing ("GetObject", permissions),
    /// so that answer counts as absence.
    pub async fn get_if_there(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.get_unless(key, &["AccessDenied", "NoSuchKey"]).await
    }

    /// The whole object, if it is there, for a role that may list the bucket: what
    /// it may not read, or cannot decrypt, is a fault and no absence.
    pub async fn get_if_listed(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.get_unless(key, &["NoSuchKey"]).await
    }

    /// The whole object; nothing where S3 answers with one of the codes `absent`.
    async fn get_unless(&self, key: &str, absent: &[&str]) -> Result<Option<Vec<u8>>, Fault> {
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let code = error.as_service_error().and_then(|error| error.code());
                return match code {
                    Some(code) if absent.contains(&code) => Ok(None),
                    _ => Err(Fault::sdk("read an object")(error)),
                };
            }
        };
        let mut body = ObjectBody(answer.body);
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
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

    /// The value of one tag of one version of an object.
    pub async fn tag(
        &self,
        key: &str,
        version: &ObjectVersion,
        name: &str,
    ) -> Result<Option<String>, Fault> {
        let answer = self
            .client
            .get_object_tagging()
            .bucket(&self.bucket)
            .key(key)
            .set_version_id(version.id.clone())
            .send()
            .await
            .map_err(Fault::sdk("read the tags of an object"))?;
        let tags = answer.tag_set.into_iter();
        let mut named = tags.filter(|tag| tag.key == name);
        Ok(named.next().map(|tag| tag.value))
    }

    /// Removes what lies under `key`; nothing happens if there is nothing.
    pub async fn delete(&self, key: &str) -> Result<(), Fault> {
        self.client
            .delete_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(Fault::sdk("delete an object"))?;
        Ok(())
    }

    /// What lies under `key` now; `None` if nothing does. To a role that may not
    /// list the bucket, S3 answers "forbidden" of what is not there.
    pub async fn find(&self, key: &str) -> Result<Option<ObjectHead>, Fault> {
        let head = self.client.head_object().bucket(&self.bucket).key(key);
        match head.send().await {
            Ok(answer) => Ok(Some(ObjectHead::of(answer))),
            Err(error) => match error.raw_response().map(|raw| raw.status().as_u16()) {
                Some(403 | 404) => Ok(None),
                _ => Err(Fault::sdk("look at an object")(error)),
            },
        }
    }

    /// What lies under `key` now, without its bytes.
    pub async fn head(&self, key: &str) -> Result<ObjectHead, Fault> {
        let answer = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(Fault::sdk("look at an object"))?;
        Ok(ObjectHead::of(answer))
    }

    /// At most `length` bytes of one version of an object, from byte `offset` on;
    /// there must be one at least. Fails lastingly if that version is there no
    /// more.
    ///
    /// Whoever works long on what was read asks for a piece at a time: an answer
    /// that nobody takes for a while is cut off.
    pub async fn get_range(
        &self,
        key: &str,
        version: &ObjectVersion,
        offset: u64,
        length: u64,
    ) -> Result<Vec<u8>, Fault> {
        let last = offset.saturating_add(length).saturating_sub(1);
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .range(format!("bytes={offset}-{last}"))
            .set_version_id(version.id.clone());
        let answer = request.send().await.map_err(Fault::sdk("read an object"))?;
        if version.e_tag.is_some() && answer.e_tag != version.e_tag {
            return Err(Fault::lasting("read an object", "it is another one now"));
        }
        // Once in memory, not once more in pieces.
        let expected = answer.content_length.unwrap_or(0);
        let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
        let mut body = answer.body;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| Fault::passing("read an object", error))?;
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Begins to store an object of unknown length under `key`; it is there
    /// once it is [finished](ObjectWriter::finish), and not before.
    pub fn writer(&self, key: String, content_type: &'static str) -> ObjectWriter<'_> {
        ObjectWriter {
            objects: self,
            key,
            content_type,
            buffer: Vec::new(),
            upload: None,
        }
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

/// One version of an object.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ObjectVersion {
    /// Its id, where the bucket keeps versions.
    pub id: Option<String>,
    /// Its mark.
    pub e_tag: Option<String>,
}

/// What is known of an object without reading it.
#[derive(Clone, Debug)]
pub struct ObjectHead {
    /// Which version it is.
    pub version: ObjectVersion,
    /// Its size.
    pub bytes: u64,
}

impl ObjectHead {
    fn of(answer: HeadObjectOutput) -> Self {
        Self {
            version: ObjectVersion {
                id: answer.version_id,
                e_tag: answer.e_tag,
            },
            bytes: u64::try_from(answer.content_length.unwrap_or(0)).unwrap_or(0),
        }
    }
}

/// An object that is written piece by piece, in parts of a multipart upload:
/// one part at a time is in memory. One that is never finished is nothing, and
/// the bucket's rule removes its parts.
#[derive(Debug)]
pub struct ObjectWriter<'o> {
    objects: &'o Objects,
    key: String,
    content_type: &'static str,
    buffer: Vec<u8>,
    upload: Option<Upload>,
}

#[derive(Debug)]
struct Upload {
    id: String,
    parts: Vec<CompletedPart>,
}

/// Bytes of a part. S3 takes 5 MiB to 5 GiB, and 10,000 parts.
const PART_BYTES: usize = 8 << 20;

impl ObjectWriter<'_> {
    /// Adds `bytes` at the end.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while self.buffer.len() + bytes.len() > PART_BYTES {
            let (now, later) = bytes.split_at(PART_BYTES - self.buffer.len());
            self.buffer.extend_from_slice(now);
            self.upload_part().await?;
            bytes = later;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Stores the object.
    pub async fn finish(mut self) -> Result<(), Fault> {
        if self.upload.is_none() {
            return self
                .objects
                .put(&self.key, self.buffer, self.content_type)
                .await;
        }
        self.upload_part().await?;
        let parts = self.upload.take().map(|upload| (upload.id, upload.parts));
        let (id, parts) = parts.expect("the upload has begun");
        let whole = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        let client = &self.objects.client;
        client
            .complete_multipart_upload()
            .bucket(&self.objects.bucket)
            .key(&self.key)
            .upload_id(id)
            .multipart_upload(whole)
            .send()
            .await
            .map_err(Fault::sdk("complete an object"))?;
        Ok(())
    }

    /// Uploads what is in the buffer as the next part.
    async fn upload_part(&mut self) -> Result<(), Fault> {
        let client = &self.objects.client;
        if self.upload.is_none() {
            let begun = client
                .create_multipart_upload()
                .bucket(&self.objects.bucket)
                .key(&self.key)
                .content_type(self.content_type)
                .send()
                .await
                .map_err(Fault::sdk("begin an object"))?;
            self.upload = Some(Upload {
                id: begun.upload_id.unwrap_or_default(),
                parts: Vec::new(),
            });
        }
        let upload = self.upload.as_mut().expect("the upload has begun");
        let number = i32::try_from(upload.parts.len() + 1)
            .map_err(|_| Fault::lasting("store a part of an object", "there are too many"))?;
        let answer = client
            .upload_part()
            .bucket(&self.objects.bucket)
            .key(&self.key)
            .upload_id(&upload.id)
            .part_number(number)
            .body(ByteStream::from(std::mem::take(&mut self.buffer)))
            .send()
            .await
            .map_err(Fault::sdk("store a part of an object"))?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(answer.e_tag)
            .build();
        upload.parts.push(part);
        Ok(())
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
