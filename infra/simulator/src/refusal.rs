//! The API's error answers.

use serde::Serialize;

/// A refusal by code, as the API words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: u32,
    pub(crate) details: String,
}

impl Refusal {
    pub(crate) fn new(code: u32, details: impl Into<String>) -> Self {
        Self {
            code,
            details: details.into(),
        }
    }

    /// The status of the answer. Meta's own advice is not to rely on it.
    pub(crate) fn http_status(&self) -> u16 {
        row(self.code).1
    }

    /// The body of the answer. Never holds anything of the request but names
    /// of fields and templates.
    pub(crate) fn to_body(&self, trace: String) -> ErrorBody<'_> {
        let (_, _, title) = row(self.code);
        ErrorBody {
            error: ErrorObject {
                message: format!("(#{}) {title}", self.code),
                kind: "OAuthException",
                code: self.code,
                is_transient: matches!(self.code, 1 | 2 | 131_000 | 131_016).then_some(true),
                error_data: ErrorData {
                    messaging_product: "whatsapp",
                    details: &self.details,
                },
                fbtrace_id: trace,
            },
        }
    }
}

/// The title of a code, also for the errors of failed statuses.
pub(crate) fn title(code: u32) -> &'static str {
    row(code).2
}

#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody<'a> {
    error: ErrorObject<'a>,
}

#[derive(Debug, Serialize)]
struct ErrorObject<'a> {
    message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    code: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_transient: Option<bool>,
    error_data: ErrorData<'a>,
    fbtrace_id: String,
}

#[derive(Debug, Serialize)]
struct ErrorData<'a> {
    messaging_product: &'static str,
    details: &'a str,
}

fn row(code: u32) -> (u32, u16, &'static str) {
    CODES
        .iter()
        .find(|(known, _, _)| *known == code)
        .copied()
        .unwrap_or((code, 400, "Something went wrong"))
}

/// Code, HTTP status, title.
const CODES: &[(u32, u16, &str)] = &[
    (0, 401, "Authentication failed"),
    (1, 400, "Unknown API error"),
    (2, 503, "Service temporarily unavailable"),
    (3, 500, "Missing capability"),
    (4, 400, "Too many calls by this app"),
    (10, 403, "Permission denied"),
    (33, 400, "Object does not exist"),
    (100, 400, "Invalid parameter"),
    (190, 401, "Access token has expired or is invalid"),
    (200, 403, "No permission for this asset"),
    (368, 403, "Blocked for violating a policy"),
    (2_500, 400, "Unknown path"),
    (2_635, 400, "This version of the API is no longer served"),
    (80_007, 400, "Too many calls for this business account"),
    (130_429, 400, "Throughput limit reached"),
    (130_472, 400, "Recipient is part of an experiment"),
    (130_497, 403, "Business may not message this country"),
    (131_000, 500, "Something went wrong"),
    (131_005, 403, "Access denied"),
    (131_008, 400, "Required parameter is missing"),
    (131_009, 400, "Parameter value is not valid"),
    (131_016, 500, "Service unavailable"),
    (131_021, 400, "Recipient cannot be the sender"),
    (131_026, 400, "Message undeliverable"),
    (131_031, 403, "Account has been locked"),
    (131_042, 400, "Payment issue with the business"),
    (131_045, 500, "Number is not registered correctly"),
    (
        131_047,
        400,
        "Last message of the recipient is too long ago",
    ),
    (131_048, 400, "Spam limit reached"),
    (131_049, 400, "Not delivered, to keep engagement healthy"),
    (
        131_050,
        400,
        "Recipient stopped marketing from this business",
    ),
    (131_051, 400, "Message type is not supported"),
    (131_053, 400, "Media could not be uploaded"),
    (131_055, 400, "Method is not allowed"),
    (131_056, 400, "Too many messages to this recipient"),
    (131_057, 500, "Number is under maintenance"),
    (131_062, 400, "User id is not supported for this message"),
    (131_063, 400, "Marketing templates are disabled on this API"),
    (
        131_064,
        400,
        "Messaging limit reached, template is misclassified",
    ),
    (132_000, 400, "Number of template parameters does not match"),
    (132_001, 404, "Template does not exist in this language"),
    (
        132_005,
        400,
        "Template text is too long with its parameters",
    ),
    (132_007, 400, "Template violates a content policy"),
    (132_008, 400, "Template parameter value is not valid"),
    (132_012, 400, "Template parameter has the wrong format"),
    (132_015, 400, "Template is paused"),
    (132_016, 400, "Template is disabled"),
    (132_018, 400, "Template parameters are not valid"),
    (133_004, 503, "Server temporarily unavailable"),
    (133_010, 400, "Number is not registered"),
    (134_100, 400, "Only marketing messages are supported"),
    (135_000, 400, "Message could not be sent"),
];
