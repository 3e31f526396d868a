//! What a refusal by Amazon's way means: it speaks in exceptions, where WhatsApp
//! has codes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    exception: String,
    stands_for: u32,
    #[serde(rename = "source")]
    _source: String,
}

static EXCEPTIONS: LazyLock<BTreeMap<String, u32>> = LazyLock::new(|| {
    let table: Table = serde_json::from_str(include_str!("../../data/social_exceptions.json"))
        .expect("the compiled-in exceptions are well-formed");
    let rows = table.rows.into_iter();
    rows.map(|row| (row.exception, row.stands_for)).collect()
});

/// WhatsApp's code that means what an exception of AWS End User Messaging Social
/// means (`data/social_exceptions.json`); `None` where it does not say whether
/// WhatsApp took the message.
pub fn code_of_exception(exception: &str) -> Option<u32> {
    EXCEPTIONS.get(exception).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{Class, classify, slows_number};

    #[test]
    fn what_stands_for_a_code_is_as_definite_as_the_code() {
        for (exception, code) in &*EXCEPTIONS {
            let class = classify(Some(*code), 0, false);
            assert!(class.is_definite(), "{exception} is {class:?}");
        }
        let throttled = code_of_exception("ThrottledRequestException").unwrap();
        assert!(slows_number(throttled));
        let refused = code_of_exception("ValidationException").unwrap();
        assert_eq!(classify(Some(refused), 400, false), Class::Request);
    }

    #[test]
    fn what_may_have_reached_whatsapp_stands_for_nothing() {
        for exception in ["DependencyException", "InternalServiceException", "New"] {
            assert_eq!(code_of_exception(exception), None, "{exception}");
        }
    }
}
