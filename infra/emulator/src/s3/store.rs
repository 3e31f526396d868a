//! The operations on objects: those of s3s-fs, plus tags and notifications.

use std::collections::BTreeMap;
use std::sync::Mutex;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;

use super::notify::{Created, Notifier};

#[derive(Debug)]
pub(super) struct Store {
    files: FileSystem,
    notifier: Notifier,
    tags: Mutex<BTreeMap<(String, String), TagSet>>,
}

impl Store {
    pub(super) fn new(files: FileSystem, notifier: Notifier) -> Self {
        Self {
            files,
            notifier,
            tags: Mutex::default(),
        }
    }

    /// Tells of a new object, which also loses the tags of the one before it.
    async fn created(&self, event: &str, bucket: String, key: String) -> S3Result<()> {
        let name = (bucket.clone(), key.clone());
        self.tags
            .lock()
            .expect("no holder of the tags panics")
            .remove(&name);
        let input = HeadObjectInput {
            bucket: bucket.clone(),
            key: key.clone(),
            ..HeadObjectInput::default()
        };
        let head = self.files.head_object(request(input)).await?.output;
        let object = Created {
            bucket,
            key,
            size: head
                .content_length
                .unwrap_or_default()
                .try_into()
                .unwrap_or_default(),
            e_tag: head
                .e_tag
                .map(|tag| tag.value().to_owned())
                .unwrap_or_default(),
        };
        self.notifier.tell(event, &object);
        Ok(())
    }

    async fn exists(&self, bucket: &str, key: &str) -> S3Result<()> {
        let input = HeadObjectInput {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            ..HeadObjectInput::default()
        };
        self.files.head_object(request(input)).await.map(drop)
    }
}

/// A request of our own, with nothing but its input.
fn request<T>(input: T) -> S3Request<T> {
    S3Request {
        input,
        method: http::Method::HEAD,
        uri: http::Uri::default(),
        headers: http::HeaderMap::new(),
        extensions: http::Extensions::new(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

/// Implements [`S3`] for [`Store`]: the listed operations are those of the
/// files, the others are written out.
macro_rules! store {
    (
        files { $($operation:ident($input:ident) -> $output:ident;)* }
        own { $($own:tt)* }
    ) => {
        #[async_trait::async_trait]
        impl S3 for Store {
            $(
                async fn $operation(
                    &self,
                    request: S3Request<$input>,
                ) -> S3Result<S3Response<$output>> {
                    self.files.$operation(request).await
                }
            )*
            $($own)*
        }
    };
}

store! {
    files {
        abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
        create_bucket(CreateBucketInput) -> CreateBucketOutput;
        create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
        delete_bucket(DeleteBucketInput) -> DeleteBucketOutput;
        delete_object(DeleteObjectInput) -> DeleteObjectOutput;
        delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput;
        get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
        get_object(GetObjectInput) -> GetObjectOutput;
        head_bucket(HeadBucketInput) -> HeadBucketOutput;
        head_object(HeadObjectInput) -> HeadObjectOutput;
        list_buckets(ListBucketsInput) -> ListBucketsOutput;
        list_objects(ListObjectsInput) -> ListObjectsOutput;
        list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
        list_parts(ListPartsInput) -> ListPartsOutput;
        upload_part(UploadPartInput) -> UploadPartOutput;
        upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
    }
    own {
        async fn put_object(
            &self,
            request: S3Request<PutObjectInput>,
        ) -> S3Result<S3Response<PutObjectOutput>> {
            let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
            // A form upload arrives here too, as a POST.
            let event = match request.method {
                http::Method::POST => "ObjectCreated:Post",
                _ => "ObjectCreated:Put",
            };
            let response = self.files.put_object(request).await?;
            self.created(event, bucket, key).await?;
            Ok(response)
        }

        async fn copy_object(
            &self,
            request: S3Request<CopyObjectInput>,
        ) -> S3Result<S3Response<CopyObjectOutput>> {
            let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
            let response = self.files.copy_object(request).await?;
            self.created("ObjectCreated:Copy", bucket, key).await?;
            Ok(response)
        }

        async fn complete_multipart_upload(
            &self,
            request: S3Request<CompleteMultipartUploadInput>,
        ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
            let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
            let response = self.files.complete_multipart_upload(request).await?;
            self.created("ObjectCreated:CompleteMultipartUpload", bucket, key).await?;
            Ok(response)
        }

        async fn put_object_tagging(
            &self,
            request: S3Request<PutObjectTaggingInput>,
        ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
            let input = request.input;
            self.exists(&input.bucket, &input.key).await?;
            if input.tagging.tag_set.len() > 10 {
                return Err(s3_error!(InvalidTag, "Object tags cannot be greater than 10"));
            }
            let mut tags = self.tags.lock().expect("no holder of the tags panics");
            tags.insert((input.bucket, input.key), input.tagging.tag_set);
            Ok(S3Response::new(PutObjectTaggingOutput::default()))
        }

        async fn get_object_tagging(
            &self,
            request: S3Request<GetObjectTaggingInput>,
        ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
            let input = request.input;
            self.exists(&input.bucket, &input.key).await?;
            let tags = self.tags.lock().expect("no holder of the tags panics");
            let tag_set = tags.get(&(input.bucket, input.key)).cloned();
            Ok(S3Response::new(GetObjectTaggingOutput {
                tag_set: tag_set.unwrap_or_default(),
                version_id: None,
            }))
        }

        async fn delete_object_tagging(
            &self,
            request: S3Request<DeleteObjectTaggingInput>,
        ) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
            let input = request.input;
            let mut tags = self.tags.lock().expect("no holder of the tags panics");
            tags.remove(&(input.bucket, input.key));
            Ok(S3Response::new(DeleteObjectTaggingOutput::default()))
        }
    }
}
