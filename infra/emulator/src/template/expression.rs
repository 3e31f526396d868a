//! Values that are known only once the resources exist: references to them,
//! and texts made of such references.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

/// A property value: text, or how to make it from the resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// `!Join [separator, [parts]]`.
    Join(String, Vec<Self>),
    /// `!Ref X` or `!GetAtt X.Attribute`.
    Reference(Reference),
    /// `!Sub`, cut into texts and references.
    Sub(Vec<Self>),
    /// A plain value, as text.
    Text(String),
}

/// The thing a value refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Logical id, or a pseudo parameter such as `AWS::Region`.
    pub name: String,
    /// The attribute of `!GetAtt`; none for `!Ref`.
    pub attribute: Option<String>,
}

impl Expression {
    /// The text, with every reference looked up by `resolve`.
    ///
    /// Fails with the first reference that `resolve` does not know.
    pub fn resolve(
        &self,
        resolve: &dyn Fn(&Reference) -> Option<String>,
    ) -> Result<String, Reference> {
        let concat = |parts: &[Self], separator: &str| {
            let parts: Result<Vec<_>, _> = parts.iter().map(|part| part.resolve(resolve)).collect();
            Ok(parts?.join(separator))
        };
        match self {
            Self::Join(separator, parts) => concat(parts, separator),
            Self::Reference(reference) => resolve(reference).ok_or_else(|| reference.clone()),
            Self::Sub(parts) => concat(parts, ""),
            Self::Text(text) => Ok(text.clone()),
        }
    }

    /// Everything this value refers to.
    pub fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Join(_, parts) | Self::Sub(parts) => {
                parts.iter().flat_map(Self::references).collect()
            }
            Self::Reference(reference) => vec![reference],
            Self::Text(_) => Vec::new(),
        }
    }

    /// The literal parts of this value, references left out.
    pub fn literal(&self) -> String {
        match self {
            Self::Join(separator, parts) => {
                let parts: Vec<_> = parts.iter().map(Self::literal).collect();
                parts.join(separator)
            }
            Self::Reference(_) => String::new(),
            Self::Sub(parts) => parts.iter().map(Self::literal).collect(),
            Self::Text(text) => text.clone(),
        }
    }

    /// The logical id of the one resource this value names, if it names one.
    pub fn resource(&self) -> Option<&str> {
        match self.references()[..] {
            [reference] => Some(&reference.name),
            _ => None,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.attribute {
            Some(attribute) => write!(f, ".{attribute}"),
            None => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        read(&value).map_err(D::Error::custom)
    }
}

fn read(value: &Value) -> Result<Expression, String> {
    match value {
        Value::String(text) => Ok(Expression::Text(text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok(Expression::Text(value.to_string())),
        Value::Object(object) => match object.iter().next() {
            Some((function, argument)) if object.len() == 1 => call(function, argument),
            _ => Err("expected a value or one intrinsic function".to_owned()),
        },
        Value::Array(_) | Value::Null => Err("expected a value".to_owned()),
    }
}

fn call(function: &str, argument: &Value) -> Result<Expression, String> {
    match (function, argument) {
        ("Ref", Value::String(name)) => Ok(Expression::Reference(reference(name, None))),
        ("Fn::GetAtt", Value::Array(parts)) => match &parts[..] {
            [Value::String(name), Value::String(attribute)] => {
                Ok(Expression::Reference(reference(name, Some(attribute))))
            }
            _ => Err("Fn::GetAtt takes a resource and an attribute".to_owned()),
        },
        ("Fn::Sub", Value::String(text)) => sub(text, &|_| None),
        ("Fn::Sub", Value::Array(parts)) => match &parts[..] {
            [Value::String(text), Value::Object(variables)] => {
                sub(text, &|name| variables.get(name).map(read))
            }
            _ => Err("Fn::Sub takes a text and variables".to_owned()),
        },
        ("Fn::Join", Value::Array(parts)) => match &parts[..] {
            [Value::String(separator), Value::Array(items)] => {
                let items: Result<Vec<_>, _> = items.iter().map(read).collect();
                Ok(Expression::Join(separator.clone(), items?))
            }
            _ => Err("Fn::Join takes a separator and a list".to_owned()),
        },
        _ => Err(format!("{function} is not supported here")),
    }
}

fn reference(name: &str, attribute: Option<&str>) -> Reference {
    Reference {
        name: name.to_owned(),
        attribute: attribute.map(str::to_owned),
    }
}

/// Cuts `a${B.Arn}c` into its parts; `${!literal}` stays `${literal}`.
fn sub(
    text: &str,
    variables: &dyn Fn(&str) -> Option<Result<Expression, String>>,
) -> Result<Expression, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, tail) = after
            .split_once('}')
            .ok_or_else(|| "Fn::Sub has an open ${".to_owned())?;
        parts.push(Expression::Text(before.to_owned()));
        parts.push(match name.strip_prefix('!') {
            Some(literal) => Expression::Text(format!("${{{literal}}}")),
            None => match (variables(name), name.split_once('.')) {
                (Some(value), _) => value?,
                (None, Some((resource, attribute))) => {
                    Expression::Reference(reference(resource, Some(attribute)))
                }
                (None, None) => Expression::Reference(reference(name, None)),
            },
        });
        rest = tail;
    }
    parts.push(Expression::Text(rest.to_owned()));
    parts.retain(|part| *part != Expression::Text(String::new()));
    Ok(Expression::Sub(parts))
}
