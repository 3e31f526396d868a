//! What was filled in on a form: the reply of a flow (Meta, "Flows").

use std::borrow::Cow;

use serde_json::Value;

use super::lenient::{as_word, member};

/// Marks of the form, not of the person.
const TOKEN: &str = "flow_token";

/// How deep answers lie at the most: a list within a field.
const DEPTH: u8 = 2;

/// The answers of a form. The names of its fields are its author's words, and
/// count where the answer is a mere yes: `{"unsubscribe": true}`.
pub(super) fn answers(reply: &Value) -> Vec<String> {
    let mut answers = Vec::new();
    let fields = match member(reply, "response_json") {
        // It is JSON within a text.
        Some(Value::String(text)) => serde_json::from_str(text).map_or(Cow::default(), Cow::Owned),
        Some(fields) => Cow::Borrowed(fields),
        None => return answers,
    };
    for (name, value) in fields.as_object().into_iter().flatten() {
        if name != TOKEN {
            collect(name, value, DEPTH, &mut answers);
        }
    }
    answers
}

fn collect(name: &str, value: &Value, depth: u8, answers: &mut Vec<String>) {
    match value {
        Value::Bool(true) => answers.push(words(name)),
        Value::Array(items) if depth > 0 => {
            for item in items {
                collect(name, item, depth - 1, answers);
            }
        }
        _ => answers.extend(as_word(value).map(|answer| {
            if is_yes(&answer) {
                words(name)
            } else {
                words(&answer)
            }
        })),
    }
}

fn is_yes(answer: &str) -> bool {
    ["1", "on", "true", "y", "ya", "yes"]
        .iter()
        .any(|yes| answer.eq_ignore_ascii_case(yes))
}

/// The words of a name or a choice: `0_Berhenti_langganan` begins with the place
/// of the choice.
fn words(text: &str) -> String {
    let choice = text
        .split_once('_')
        .filter(|(place, _)| !place.is_empty() && place.bytes().all(|b| b.is_ascii_digit()))
        .map_or(text, |(_, choice)| choice);
    choice.replace('_', " ").trim().to_owned()
}
