//! The roles of the template, enforced: a function may do what its role's
//! policies say, and nothing else.
//!
//! Statements about tables, queues, objects, secrets and messages by Amazon's
//! way are judged, with
//! `dynamodb:LeadingKeys` conditions, which bound a role to partitions, and
//! `dynamodb:Attributes`, which bound what it reads of an item. What
//! is not emulated (logs, keys) is not judged. Other conditions are refused
//! when the role is read, rather than passed over.

mod request;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use crate::aws::{Aws, AwsError};
use crate::client::{Layer, Operation, layered};
use crate::template::{Expression, Statement};

use request::Need;

/// A function's rights; cheap to clone, every clone records together.
#[derive(Clone, Debug)]
pub struct Access(Arc<Rights>);

/// Something that the role does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{action} on {resource}, partitions {partitions:?}")]
pub struct Denied {
    /// Such as `dynamodb:UpdateItem`.
    pub action: String,
    /// The ARN.
    pub resource: String,
    /// The partition keys asked for.
    pub partitions: Vec<String>,
}

#[derive(Debug)]
struct Rights {
    permissions: Vec<Permission>,
    /// The partition key's name, by table.
    partition_keys: BTreeMap<String, String>,
    denied: Mutex<Vec<Denied>>,
}

#[derive(Debug)]
struct Permission {
    allows: bool,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
enum Condition {
    /// `ForAllValues:StringLike` on `dynamodb:LeadingKeys`.
    PartitionsLike(Vec<String>),
    /// `ForAllValues:StringEquals` on `dynamodb:Attributes`.
    OnlyAttributes(Vec<String>),
    /// `StringEquals` on `s3:ResourceAccount`, the account that everything here
    /// belongs to.
    OwnAccount,
    /// `StringEquals: SPECIFIC_ATTRIBUTES` on `dynamodb:Select`.
    SomeAttributes,
    /// `Null: false` on `dynamodb:LeadingKeys`.
    SomePartition,
}

impl Access {
    /// Reads the role of `function`.
    pub(crate) fn of(aws: &Aws, function: &str) -> Result<Self, AwsError> {
        let template = aws.template();
        let unknown = || AwsError::UnknownFunction(function.to_owned());
        let declared = template.functions.get(function).ok_or_else(unknown)?;
        let role = declared.role.as_ref().and_then(Expression::resource);
        let role = role.and_then(|role| template.roles.get(role));
        let statements = role
            .map(|role| role.statements.as_slice())
            .unwrap_or_default();
        let judged = statements.iter().filter(|statement| is_judged(statement));
        let permissions = judged.map(|statement| Permission::read(aws, function, statement));
        let tables = template.tables.iter();
        let partition_keys = tables.filter_map(|(id, table)| {
            let key = table.keys.first()?;
            Some((id.clone(), key.name.clone()))
        });
        Ok(Self(Arc::new(Rights {
            permissions: permissions.collect::<Result<_, _>>()?,
            partition_keys: partition_keys.collect(),
            denied: Mutex::default(),
        })))
    }

    /// `inner`, whose requests are refused where the role does not allow them.
    pub fn over(&self, inner: SharedHttpClient) -> SharedHttpClient {
        layered(self.clone(), inner)
    }

    /// Whether the role allows `action` on `resource`; a `*` in `resource` stands for
    /// every name.
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        let needs = [Need::new(action, resource.to_owned())];
        self.refuses(&needs).is_none()
    }

    /// What was refused so far.
    pub fn denied(&self) -> Vec<Denied> {
        self.0
            .denied
            .lock()
            .expect("no holder of the refusals panics")
            .clone()
    }

    /// The first of `needs` that the role does not allow.
    fn refuses<'a>(&self, needs: &'a [Need]) -> Option<&'a Need> {
        needs.iter().find(|need| {
            let matching = self
                .0
                .permissions
                .iter()
                .filter(|permission| permission.covers(need));
            let (mut allowed, mut denied) = (false, false);
            for permission in matching {
                allowed |= permission.allows;
                denied |= !permission.allows;
            }
            denied || !allowed
        })
    }
}

impl Layer for Access {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        let operation = Operation::of(&request);
        let needs = request::needs(&operation, &request, &self.0.partition_keys);
        let Some(need) = self.refuses(&needs) else {
            return next.call(request);
        };
        let denied = Denied {
            action: need.action.clone(),
            resource: need.resource.clone(),
            partitions: need.partitions.clone(),
        };
        let answer = refusal(operation.service, &denied);
        self.0
            .denied
            .lock()
            .expect("no holder of the refusals panics")
            .push(denied);
        HttpConnectorFuture::ready(Ok(answer))
    }
}

impl Permission {
    fn read(aws: &Aws, function: &str, statement: &Statement) -> Result<Self, AwsError> {
        let texts = |expressions: &[Expression]| {
            let texts = expressions.iter().map(|expression| {
                aws.text(expression)
                    .map_err(|reference| AwsError::UnknownReference {
                        function: function.to_owned(),
                        variable: "Role".to_owned(),
                        reference: reference.to_string(),
                    })
            });
            texts.collect::<Result<Vec<_>, _>>()
        };
        let conditions = statement.condition.as_ref().and_then(Value::as_object);
        let conditions = conditions
            .into_iter()
            .flatten()
            .flat_map(|(operator, keys)| {
                let keys = keys.as_object().into_iter().flatten();
                keys.map(move |(key, value)| (operator.as_str(), key.as_str(), value))
            });
        let conditions = conditions.map(|(operator, key, value)| {
            Condition::read(operator, key, value).ok_or_else(|| AwsError::UnknownCondition {
                function: function.to_owned(),
                condition: format!("{operator} {key}"),
            })
        });
        Ok(Self {
            allows: statement.effect == "Allow",
            actions: texts(&statement.actions)?,
            resources: texts(&statement.resources)?,
            conditions: conditions.collect::<Result<_, _>>()?,
        })
    }

    fn covers(&self, need: &Need) -> bool {
        self.actions
            .iter()
            .any(|action| matches(action, &need.action))
            && self
                .resources
                .iter()
                .any(|resource| matches(resource, &need.resource))
            && self
                .conditions
                .iter()
                .all(|condition| condition.holds(need))
    }
}

impl Condition {
    fn read(operator: &str, key: &str, value: &Value) -> Option<Self> {
        match (operator, key) {
            ("Null", "dynamodb:LeadingKeys") if value.as_str() == Some("false") => {
                Some(Self::SomePartition)
            }
            ("ForAllValues:StringLike", "dynamodb:LeadingKeys") => {
                Some(Self::PartitionsLike(texts(value)?))
            }
            ("ForAllValues:StringEquals", "dynamodb:Attributes") => {
                Some(Self::OnlyAttributes(texts(value)?))
            }
            ("StringEquals", "s3:ResourceAccount")
                if value.get("Ref").and_then(Value::as_str) == Some("AWS::AccountId") =>
            {
                Some(Self::OwnAccount)
            }
            ("StringEquals", "dynamodb:Select")
                if value.as_str() == Some("SPECIFIC_ATTRIBUTES") =>
            {
                Some(Self::SomeAttributes)
            }
            _ => None,
        }
    }

    fn holds(&self, need: &Need) -> bool {
        match self {
            Self::PartitionsLike(patterns) => need
                .partitions
                .iter()
                .all(|partition| patterns.iter().any(|pattern| matches(pattern, partition))),
            Self::OnlyAttributes(names) => need.attributes.iter().all(|name| names.contains(name)),
            Self::OwnAccount => true,
            Self::SomeAttributes => !need.attributes.is_empty(),
            Self::SomePartition => !need.partitions.is_empty(),
        }
    }
}

/// One text or several.
fn texts(value: &Value) -> Option<Vec<String>> {
    let texts = match value {
        Value::Array(texts) => texts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let texts = texts.iter().map(|text| text.as_str().map(str::to_owned));
    texts.collect()
}

/// Whether a statement is about a service that is emulated.
fn is_judged(statement: &Statement) -> bool {
    statement.actions.iter().any(|action| {
        let action = action.literal();
        let service = action.split(':').next().unwrap_or_default();
        matches!(
            service,
            "*" | "dynamodb" | "s3" | "secretsmanager" | "social-messaging" | "sqs"
        )
    })
}

/// IAM's patterns: `*` for any text, `?` for any one character.
fn matches(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return text.is_empty();
    };
    let rest = &pattern[first.len_utf8()..];
    let mut characters = text.chars();
    match (first, characters.next()) {
        ('*', Some(_)) => matches(rest, text) || matches(pattern, characters.as_str()),
        ('*', None) => matches(rest, text),
        ('?', Some(_)) => matches(rest, characters.as_str()),
        (first, Some(character)) => first == character && matches(rest, characters.as_str()),
        (_, None) => false,
    }
}

/// The answer that the service would give.
fn refusal(service: &str, denied: &Denied) -> HttpResponse {
    let (status, body) = match service {
        "s3" => {
            let body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
            (403, body.to_owned())
        }
        "social-messaging" => (403, json!({"message": "access denied"}).to_string()),
        _ => {
            let message = format!("not authorized to perform {}", denied.action);
            let kind = "com.amazon.coral.service#AccessDeniedException";
            (400, json!({"__type": kind, "message": message}).to_string())
        }
    };
    let status = status.try_into().expect("these are statuses");
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    if service == "social-messaging" {
        let headers = response.headers_mut();
        headers.insert("x-amzn-errortype", "AccessDeniedException");
    }
    response
}
