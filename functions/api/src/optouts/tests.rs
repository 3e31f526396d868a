use policy::token::TokenKey;
use uuid::Uuid;

use super::*;

const NOW: &str = "2026-11-24T02:00:00Z";

fn read(body: serde_json::Value) -> Result<WantedOptOut, Vec<(String, &'static str)>> {
    let request: NewOptOut = serde_json::from_value(body).unwrap();
    let now = NOW.parse().unwrap();
    WantedOptOut::read(&request, Region::INDONESIA, now).map_err(|problem| problem.codes())
}

fn id_of(wanted: &WantedOptOut) -> EventId {
    let tenant = TenantId::from_uuid(Uuid::from_u128(1));
    let key = TokenKey::new(&[7; 32]).unwrap();
    event_id(tenant, key.contact(tenant, &wanted.phone), wanted)
}

#[test]
fn a_local_number_and_each_scope_are_read() {
    for (text, code) in [
        ("marketing", "marketing"),
        ("everything", "*"),
        ("marketing.promo", "marketing.promo"),
    ] {
        let wanted = read(serde_json::json!({"phone": "0812-3456-7890", "scope": text})).unwrap();
        assert_eq!(wanted.phone.expose(), "+6281234567890");
        assert_eq!(wanted.scope.code(), code);
        assert_eq!(wanted.at.to_string(), NOW);
    }
    let wrong = read(serde_json::json!({
        "phone": "hello", "scope": "*", "at": "soon", "event_id": "",
    }));
    let codes = [
        ("/phone", "phone_not_digits"),
        ("/scope", "unreadable"),
        ("/at", "unreadable"),
        ("/event_id", "out_of_range"),
    ];
    let codes: Vec<_> = codes.map(|(at, code)| (at.to_owned(), code)).to_vec();
    assert_eq!(wrong.unwrap_err(), codes);
}

#[test]
fn a_moment_ahead_of_our_clock_counts_as_now() {
    let body = |at| serde_json::json!({"phone": "+6281234567890", "scope": "marketing", "at": at});
    let ahead = read(body("2031-01-01T00:00:00Z")).unwrap();
    assert_eq!(ahead.at.to_string(), NOW);
    let before = read(body("2026-11-20T09:00:00+07:00")).unwrap();
    assert_eq!(before.at.to_string(), "2026-11-20T02:00:00Z");
}

#[test]
fn one_opt_out_is_one_event_however_it_is_spelled() {
    let body = |phone, at| serde_json::json!({"phone": phone, "scope": "marketing", "at": at});
    let first = read(body("+62 812 3456 7890", "2026-11-20T09:00:00+07:00")).unwrap();
    let again = read(body("081234567890", "2026-11-20T02:00:00Z")).unwrap();
    assert_eq!(id_of(&first), id_of(&again));
    let later = read(body("081234567890", "2026-11-20T02:00:01Z")).unwrap();
    assert_ne!(id_of(&first), id_of(&later));

    let named = |name, at| {
        read(serde_json::json!({
            "phone": "081234567890", "scope": "marketing", "at": at, "event_id": name,
        }))
        .unwrap()
    };
    let a = named("crm-17", "2026-11-20T02:00:00Z");
    assert_eq!(id_of(&a), id_of(&named("crm-17", "2026-11-21T02:00:00Z")));
    assert_ne!(id_of(&a), id_of(&named("crm-18", "2026-11-20T02:00:00Z")));
    assert_ne!(id_of(&a), id_of(&first));
}
