//! The fixtures, damaged: bytes flipped, cut out and doubled; members taken
//! out, exchanged, wrapped and replaced. `PROPTEST_CASES` sets how often.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::fixtures;
use crate::updates::describe;

/// One change to a text.
#[derive(Clone, Debug)]
enum Damage {
    Cut(Index),
    Double(Index, usize),
    Flip(Index, u8),
    Remove(Index, usize),
}

/// One change to a JSON value.
#[derive(Clone, Debug)]
enum Change {
    Become(Value),
    Drop,
    Exchange(Index),
    Twice,
    Wrap,
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        at().prop_map(Damage::Cut),
        (at(), 1_usize..200).prop_map(|(at, n)| Damage::Double(at, n)),
        (at(), any::<u8>()).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        (at(), 1_usize..40).prop_map(|(at, n)| Damage::Remove(at, n)),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let odd = prop::sample::select(vec![
        json!(null),
        json!(""),
        json!(0),
        json!(-1.5e300),
        json!(true),
        json!([]),
        json!({}),
        json!([[]]),
        json!("STOP"),
        json!("ID.9"),
        json!(6281234567890_u64),
        json!(i64::MIN),
        json!("\u{202e}\u{0}"),
    ]);
    prop_oneof![
        odd.prop_map(Change::Become),
        Just(Change::Drop),
        any::<Index>().prop_map(Change::Exchange),
        Just(Change::Twice),
        Just(Change::Wrap),
    ]
}

fn spoil(mut bytes: Vec<u8>, damage: &Damage) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    let length = bytes.len();
    let piece = |at: &Index, n: usize| {
        let from = at.index(length);
        from..(from + n).min(length)
    };
    match damage {
        Damage::Cut(at) => bytes.truncate(at.index(length)),
        Damage::Double(at, n) => bytes.extend_from_within(piece(at, *n)),
        Damage::Flip(at, bits) => bytes[at.index(length)] ^= bits,
        Damage::Remove(at, n) => drop(bytes.drain(piece(at, *n))),
    }
    bytes
}

/// Where every value of a body lies.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Array(list) => {
            for (at, element) in list.iter().enumerate() {
                places(element, &format!("{path}/{at}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(member, &format!("{path}/{name}"), found);
            }
        }
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => (),
    }
}

fn alter(body: &mut Value, at: &Index, change: &Change) {
    let mut found = Vec::new();
    places(body, "", &mut found);
    let place = &found[at.index(found.len())];
    let other = match change {
        Change::Exchange(with) => body.pointer(&found[with.index(found.len())]).cloned(),
        Change::Become(_) | Change::Drop | Change::Twice | Change::Wrap => None,
    };
    let target = body.pointer_mut(place).expect("it was found there");
    let old = target.take();
    *target = match change {
        Change::Become(value) => value.clone(),
        Change::Drop => Value::Null,
        Change::Exchange(_) => other.unwrap_or(Value::Null),
        Change::Twice => json!([old.clone(), old]),
        Change::Wrap => json!([old]),
    };
}

/// What holds of every description, whatever the body.
fn is_sound(body: &[u8]) -> Result<(), TestCaseError> {
    let told = describe(body);
    let Some(updates) = told["updates"].as_array() else {
        prop_assert!(told["reason"].is_string());
        return Ok(());
    };
    for update in updates {
        for name in ["kind", "wamid", "person", "status", "ignored"] {
            prop_assert!(update.get(name).is_some(), "{name} in {update}");
        }
        let stops = update["optout"] == true;
        prop_assert_eq!(stops, update.get("scopes").is_some());
        let asked = ["optout", "resume", "help"].map(|name| update[name] == true);
        prop_assert!(asked.into_iter().filter(|asked| *asked).count() <= 1);
        // What is to be done for a person names the person, or says it cannot.
        let named = update["person"].as_object();
        let named = named.is_some_and(|flags| flags.values().any(|flag| flag == true));
        prop_assert!(!stops || named || update["ignored"] == "no_person");
    }
    Ok(())
}

proptest! {
    #[test]
    fn damaged_bytes_are_read_soundly(
        which: Index,
        damage in prop::collection::vec(damage(), 1..6),
    ) {
        let body = which.get(fixtures()).1.clone();
        is_sound(&damage.iter().fold(body, spoil))?;
    }

    #[test]
    fn altered_bodies_are_read_soundly(
        which: Index,
        changes in prop::collection::vec((any::<Index>(), change()), 1..6),
    ) {
        let bodies: Vec<Value> = fixtures()
            .iter()
            .filter_map(|(_, bytes)| serde_json::from_slice(bytes).ok())
            .collect();
        let mut body = which.get(&bodies).clone();
        for (at, change) in &changes {
            alter(&mut body, at, change);
        }
        is_sound(body.to_string().as_bytes())?;
    }
}
