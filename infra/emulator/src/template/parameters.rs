//! What CloudFormation settles before it makes anything: parameters,
//! mappings and conditions.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Parameters with their values, and the conditions that follow from them.
#[derive(Debug)]
pub(super) struct Parameters<'a> {
    values: BTreeMap<String, Value>,
    conditions: &'a Map<String, Value>,
    mappings: &'a Value,
}

impl<'a> Parameters<'a> {
    /// Takes the defaults of `template`, overridden by `given`.
    pub(super) fn new(
        template: &'a Value,
        conditions: &'a Map<String, Value>,
        given: &BTreeMap<String, String>,
    ) -> Self {
        let mut values = BTreeMap::new();
        for (name, declared) in template["Parameters"].as_object().into_iter().flatten() {
            let text = match (given.get(name), &declared["Default"]) {
                (Some(given), _) => given.clone(),
                (None, Value::String(text)) => text.clone(),
                (None, Value::Null) => String::new(),
                (None, other) => other.to_string(),
            };
            let value = match (declared["Type"].as_str(), text.parse::<i64>()) {
                (Some("Number"), Ok(number)) => number.into(),
                (Some("CommaDelimitedList"), _) => {
                    let items = text
                        .split(',')
                        .map(str::trim)
                        .filter(|item| !item.is_empty());
                    items.collect()
                }
                _ => Value::String(text),
            };
            values.insert(name.clone(), value);
        }
        Self {
            values,
            conditions,
            mappings: &template["Mappings"],
        }
    }

    /// `value` with parameters, conditions and mappings put in; references to
    /// resources stay. `AWS::NoValue` takes its property away.
    pub(super) fn settle(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(items) => {
                Some(items.iter().filter_map(|item| self.settle(item)).collect())
            }
            Value::Object(object) => match single(object) {
                Some(("Ref", Value::String(name))) if name == "AWS::NoValue" => None,
                Some(("Ref", Value::String(name))) if self.values.contains_key(name) => {
                    self.values.get(name).cloned()
                }
                Some(("Fn::If", Value::Array(branches))) => {
                    let [Value::String(condition), then, otherwise] = &branches[..] else {
                        return Some(value.clone());
                    };
                    self.settle(if self.holds(condition) {
                        then
                    } else {
                        otherwise
                    })
                }
                Some(("Fn::FindInMap", Value::Array(path))) => {
                    let path = path.iter().filter_map(|step| self.settle(step));
                    let found = path.fold(self.mappings, |map, step| {
                        &map[step.as_str().unwrap_or_default()]
                    });
                    Some(found.clone())
                }
                Some(("Fn::Sub", text)) => Some(Value::Object(Map::from_iter([(
                    "Fn::Sub".to_owned(),
                    self.substitute(text),
                )]))),
                _ => Some(Value::Object(
                    object
                        .iter()
                        .filter_map(|(key, value)| Some((key.clone(), self.settle(value)?)))
                        .collect(),
                )),
            },
            Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => {
                Some(value.clone())
            }
        }
    }

    /// Whether the condition called `name` is true; an undeclared one is not.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.conditions
            .get(name)
            .is_some_and(|condition| self.truth(condition))
    }

    fn truth(&self, condition: &Value) -> bool {
        let Some((function, argument)) = condition.as_object().and_then(single) else {
            return false;
        };
        let items = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match (function, items) {
            ("Condition", _) => argument.as_str().is_some_and(|name| self.holds(name)),
            ("Fn::Equals", [left, right]) => text(self.settle(left)) == text(self.settle(right)),
            ("Fn::Not", [inner]) => !self.truth(inner),
            ("Fn::And", all) => all.iter().all(|inner| self.truth(inner)),
            ("Fn::Or", any) => any.iter().any(|inner| self.truth(inner)),
            _ => false,
        }
    }

    /// Puts parameters into the text of `Fn::Sub`.
    fn substitute(&self, argument: &Value) -> Value {
        match argument {
            Value::String(template) => {
                let mut settled = template.clone();
                for (name, value) in &self.values {
                    let value = text(Some(value.clone()));
                    settled = settled.replace(&format!("${{{name}}}"), &value);
                }
                Value::String(settled)
            }
            Value::Array(parts) => match &parts[..] {
                [template, variables] => Value::Array(vec![
                    self.substitute(template),
                    self.settle(variables).unwrap_or_default(),
                ]),
                _ => argument.clone(),
            },
            other => other.clone(),
        }
    }
}

fn single(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    match object.iter().next() {
        Some((key, value)) if object.len() == 1 => Some((key, value)),
        _ => None,
    }
}

fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
