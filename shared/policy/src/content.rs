//! What a message says: the template, where its variables come from, and what
//! each person will read.
//!
//! [`Template`] is an approved WhatsApp template in our own plain types,
//! [`Mapping`] says which column fills which variable, [`parameters()`] fills
//! them for one person, and [`check()`] looks at both before anybody is asked.

mod check;
mod mapping;
mod parameters;
mod stop_words;
mod template;

pub use check::{Finding, Severity, StopAffordance, check, stop_affordance};
pub use mapping::{Mapping, ParseMappingError, Source, Variable};
pub use parameters::{
    BODY_MAX, ButtonParameter, HeaderParameter, OPT_OUT_PAYLOAD, Parameters, Rendered,
    TextParameter, fits_parameter, parameters, render,
};
pub use template::{
    Button, ButtonKind, Category, Header, MediaKind, ParameterFormat, ParseTemplateError, Piece,
    Template, TemplateStatus, TemplateText,
};

#[cfg(test)]
mod tests;
