//! Members of JSON objects, taken for what they mean.

use jiff::Timestamp;
use serde_json::Value;

/// A member that is there and not null.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|member| !member.is_null())
}

/// A short text such as an id: a text without the blanks around it, or a
/// number in digits. An empty text counts as absent.
pub(super) fn word(value: &Value, name: &str) -> Option<String> {
    member(value, name).and_then(as_word)
}

/// The same of a value itself.
pub(super) fn as_word(value: &Value) -> Option<String> {
    said(value)
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

/// A [`word`] in lower case, for Meta's own vocabulary.
pub(super) fn term(value: &Value, name: &str) -> Option<String> {
    word(value, name).map(|word| word.to_lowercase())
}

/// A text as the person wrote it.
pub(super) fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(match number.as_f64() {
            // 6.28e12 is a number that something has rewritten.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        }),
        _ => None,
    }
}

/// A whole number, also one written as a text.
pub(super) fn whole(value: &Value, name: &str) -> Option<i64> {
    word(value, name)?.parse().ok()
}

/// A moment: seconds or milliseconds since 1970, or RFC 3339.
pub(super) fn moment(value: &Value, name: &str) -> Option<Timestamp> {
    let text = word(value, name)?;
    match text.parse::<i64>() {
        Ok(..=0) => None,
        Ok(seconds @ 1..100_000_000_000) => Timestamp::from_second(seconds).ok(),
        Ok(millis) => Timestamp::from_millisecond(millis).ok(),
        Err(_) => text.parse().ok(),
    }
}

/// The elements of a list; a lone element counts as a list of itself.
pub(super) fn elements(value: Value) -> Vec<Value> {
    match value {
        Value::Array(elements) => elements,
        Value::Null => Vec::new(),
        other => vec![other],
    }
}

/// Takes the elements of a member out of an object.
pub(super) fn take(value: &mut Value, name: &str) -> Vec<Value> {
    let member = value.as_object_mut().and_then(|object| object.remove(name));
    elements(member.unwrap_or(Value::Null))
}

/// Meta's error codes under `errors` or `error`.
pub(super) fn error_codes(value: &Value) -> Vec<u32> {
    let errors = member(value, "errors").or_else(|| member(value, "error"));
    let errors = match errors {
        Some(Value::Array(errors)) => errors.as_slice(),
        Some(error) => std::slice::from_ref(error),
        None => &[],
    };
    errors
        .iter()
        .filter_map(|error| u32::try_from(whole(error, "code")?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_texts_stand_for_each_other() {
        let value = json!({"a": 628, "b": " 628 ", "c": "", "d": null, "e": 6.281234567890e12, "f": [], "g": 0.5});
        let word = |name| word(&value, name);
        assert_eq!(word("a").as_deref(), Some("628"));
        assert_eq!(word("b").as_deref(), Some("628"));
        assert_eq!(word("c"), None);
        assert_eq!(word("d"), None);
        assert_eq!(word("e").as_deref(), Some("6281234567890"));
        assert_eq!(word("f"), None);
        assert_eq!(word("g").as_deref(), Some("0.5"));
        assert_eq!(whole(&value, "b"), Some(628));
    }

    #[test]
    fn a_moment_has_several_spellings() {
        let expected = "2024-11-15T21:22:01Z".parse().ok();
        for value in [
            json!(1731705721),
            json!("1731705721"),
            json!(1731705721000_i64),
            json!("2024-11-15T21:22:01Z"),
        ] {
            assert_eq!(moment(&json!({"at": value}), "at"), expected);
        }
        for value in [
            json!(0),
            json!(-5),
            json!("soon"),
            json!(i64::MAX),
            json!({}),
        ] {
            assert_eq!(moment(&json!({"at": value}), "at"), None);
        }
    }

    #[test]
    fn codes_come_from_lists_and_lone_errors() {
        assert_eq!(
            error_codes(&json!({"errors": [{"code": "131050"}, 7, {"code": -1}]})),
            [131050]
        );
        assert_eq!(error_codes(&json!({"errors": {"code": 131050}})), [131050]);
        assert_eq!(error_codes(&json!({"error": {"code": 4}})), [4]);
        assert!(error_codes(&json!({})).is_empty());
    }
}
