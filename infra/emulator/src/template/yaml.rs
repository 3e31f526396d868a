//! YAML with CloudFormation's short tags, as the JSON that CloudFormation
//! itself would read: `!Ref X` becomes `{"Ref": "X"}`, `!GetAtt Q.Arn` becomes
//! `{"Fn::GetAtt": ["Q", "Arn"]}`, and so on.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};
use serde_saphyr::Tagged;

/// Parses `text`; the error names line and column.
pub(super) fn parse(text: &str) -> Result<Value, serde_saphyr::Error> {
    Ok(serde_saphyr::from_str::<Node>(text)?.0)
}

/// One YAML node in CloudFormation's long form.
struct Node(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Untagged(value), tag) = Tagged::<Untagged>::deserialize(deserializer)?;
        Ok(Self(match tag.as_deref().and_then(function) {
            Some(function) => long_form(&function, value),
            None => value,
        }))
    }
}

/// The intrinsic function that a short tag stands for; none for YAML's own tags.
fn function(tag: &str) -> Option<String> {
    let name = tag.strip_prefix('!')?;
    Some(match name {
        "Ref" | "Condition" => name.to_owned(),
        _ => format!("Fn::{name}"),
    })
}

fn long_form(function: &str, argument: Value) -> Value {
    let argument = match (function, argument.as_str()) {
        ("Fn::GetAtt", Some(dotted)) => match dotted.split_once('.') {
            Some((resource, attribute)) => json!([resource, attribute]),
            None => argument,
        },
        _ => argument,
    };
    Value::Object(Map::from_iter([(function.to_owned(), argument)]))
}

/// A node whose own tag has been taken off; those below still carry theirs.
struct Untagged(Value);

impl<'de> Deserialize<'de> for Untagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UntaggedVisitor;

        impl<'de> Visitor<'de> for UntaggedVisitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a YAML value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_none<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
                inner.deserialize_any(self)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(Node(item)) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Value::Array(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut object = Map::new();
                while let Some((key, Node(value))) = map.next_entry::<String, Node>()? {
                    object.insert(key, value);
                }
                Ok(Value::Object(object))
            }
        }

        deserializer.deserialize_any(UntaggedVisitor).map(Self)
    }
}
