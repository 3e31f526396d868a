//! Whether a template still is what was approved.

use super::HoldReason;
use crate::content::{Category, Template, TemplateStatus};
use crate::purpose::Purpose;

/// Why a campaign may not be sent with its template as it now is; `None` if
/// it may. `approved` and `present` are fingerprints of what the template says.
///
/// Law: exactly what was approved is sent, or nothing.
pub fn template_hold(
    template: &Template,
    purpose: &Purpose,
    approved: &str,
    present: &str,
) -> Option<HoldReason> {
    if template.status != TemplateStatus::Approved {
        Some(HoldReason::TemplateUnusable)
    } else if !suits(template.category, purpose) {
        Some(HoldReason::TemplateRecategorised)
    } else if approved != present {
        Some(HoldReason::TemplateChanged)
    } else {
        None
    }
}

/// Whether WhatsApp's category goes with what a message is for: advertising is
/// marketing, and nothing else is.
pub fn suits(category: Category, purpose: &Purpose) -> bool {
    match category {
        Category::Marketing => purpose.is_marketing(),
        Category::Authentication | Category::Utility => !purpose.is_marketing(),
        Category::Service => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(status: &str, category: &str) -> Template {
        let row = serde_json::json!({
            "name": "t", "language": "id", "status": status, "category": category,
            "components": [{"type": "BODY", "text": "Halo"}],
        });
        Template::parse(&row.to_string()).unwrap()
    }

    #[test]
    fn what_was_approved_is_sent_or_nothing() {
        let marketing = Purpose::parse("marketing.promo").unwrap();
        let service = Purpose::parse("service").unwrap();
        for (status, category, purpose, present, hold) in [
            ("APPROVED", "MARKETING", &marketing, "a", None),
            (
                "APPROVED",
                "MARKETING",
                &marketing,
                "b",
                Some(HoldReason::TemplateChanged),
            ),
            (
                "APPROVED",
                "UTILITY",
                &marketing,
                "a",
                Some(HoldReason::TemplateRecategorised),
            ),
            (
                "APPROVED",
                "MARKETING",
                &service,
                "a",
                Some(HoldReason::TemplateRecategorised),
            ),
            ("APPROVED", "UTILITY", &service, "a", None),
            (
                "PAUSED",
                "MARKETING",
                &marketing,
                "a",
                Some(HoldReason::TemplateUnusable),
            ),
            (
                "DISABLED",
                "MARKETING",
                &marketing,
                "b",
                Some(HoldReason::TemplateUnusable),
            ),
        ] {
            let template = template(status, category);
            let held = template_hold(&template, purpose, "a", present);
            assert_eq!(held, hold, "{status} {category} {present}");
        }
    }
}
