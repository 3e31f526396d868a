//! Settings, read once at the cold start.
//!
//! A function's `Config` is a plain struct with one documented field for each
//! variable. A missing or unreadable variable fails the start and is named.

use std::collections::BTreeMap;
use std::str::FromStr;

/// The variables a function was given.
#[derive(Clone, Debug)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The variables of the process.
    pub fn process() -> Self {
        Self(std::env::vars().collect())
    }

    /// Given variables, for tests and the one-machine house.
    pub fn given(variables: BTreeMap<String, String>) -> Self {
        Self(variables)
    }

    /// A variable that must be there and not empty.
    pub fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.optional(name).ok_or(ConfigError::Missing { name })
    }

    /// A variable that may be absent; an empty one counts as absent.
    pub fn optional(&self, name: &'static str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// A variable that must be there and parse.
    pub fn parsed<T>(&self, name: &'static str) -> Result<T, ConfigError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        parse(name, &self.required(name)?)
    }

    /// A variable that may be absent, but must parse where it is there.
    pub fn parsed_or<T>(&self, name: &'static str, default: T) -> Result<T, ConfigError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        match self.optional(name) {
            Some(text) => parse(name, &text),
            None => Ok(default),
        }
    }
}

fn parse<T>(name: &'static str, text: &str) -> Result<T, ConfigError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|reason: T::Err| ConfigError::Unreadable {
            name,
            reason: reason.to_string(),
        })
}

/// A setting that stops the start. Names the variable, never its value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// The variable is not set.
    #[error("environment variable {name} is not set")]
    Missing {
        /// Which one.
        name: &'static str,
    },
    /// The variable's value cannot be used.
    #[error("environment variable {name} cannot be read: {reason}")]
    Unreadable {
        /// Which one.
        name: &'static str,
        /// What was expected.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_variable() {
        let env = Env::given(BTreeMap::from([
            ("IZIN_EMPTY".to_owned(), String::new()),
            ("IZIN_WORD".to_owned(), "many".to_owned()),
        ]));
        assert_eq!(
            env.required("IZIN_EMPTY").unwrap_err().to_string(),
            "environment variable IZIN_EMPTY is not set"
        );
        assert_eq!(
            env.parsed::<u32>("IZIN_WORD").unwrap_err().to_string(),
            "environment variable IZIN_WORD cannot be read: invalid digit found in string"
        );
        assert_eq!(env.parsed_or("IZIN_ABSENT", 7), Ok(7));
    }
}
