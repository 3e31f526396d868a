use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::ids::OwnerNonce;
use crate::purpose::Purpose;

fn number(digits: &str) -> PhoneNumber {
    PhoneNumber::parse_wa_id(digits).unwrap()
}

fn moment(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + minutes * 60).unwrap()
}

fn sighting(digits: &str, minutes: i64) -> Sighting {
    Sighting {
        id: MessageId::new(format!("wamid.{digits}.{minutes}")),
        recipient: number(digits),
        first_at: moment(minutes),
        statuses: BTreeSet::from([Status::Sent]),
    }
}

fn claim(campaign: CampaignId, minutes: i64, attempt: u16) -> Claim {
    Claim {
        campaign,
        block: 3,
        index: 7,
        attempt,
        owner: OwnerNonce::from_uuid(Uuid::from_u128(9)),
        at: moment(minutes),
        purpose: Purpose::marketing(),
        is_marketing: true,
        counted: None,
    }
}

const PLACE: Place = Place { block: 3, index: 7 };

fn campaign(n: u128) -> CampaignId {
    CampaignId::from_uuid(Uuid::from_u128(n))
}

fn doubt_among(claims: Vec<Claim>) -> Option<Doubt> {
    let person = Person {
        claims,
        ..Person::default()
    };
    Doubt::of(&person, campaign(1), PLACE, number("6281234567890"))
}

#[test]
fn an_id_spells_out_its_recipient() {
    // In Meta's documentation of statuses and of the history.
    for (id, digits) in [
        (
            "wamid.HBgLMTY0NzM3Nzc3NzUVAgARGBI5QTNEQTA2RjdGMEY4RTRGAA==",
            "16473777775",
        ),
        (
            "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJDQjZCMzlEQUE4OTJBMTE4RTUA",
            "16503879439",
        ),
    ] {
        assert_eq!(recipient(id), Some(number(digits)), "{id}");
    }
    for id in [
        "",
        "wamid.",
        "wamid.HBg",
        "wamid.IN00ff",
        "wamid.!!!!",
        // Another mark; a length beyond the end; letters.
        "wamid.HRgLMTY0NzM3Nzc3NzU=",
        "wamid.HBj/MTY0Nw==",
        "wamid.HBgMMTY0NzM3Nzc3Nzd4",
        "HBgLMTY0NzM3Nzc3NzUVAgARGBI5QTNEQTA2RjdGMEY4RTRGAA==",
    ] {
        let found = recipient(id);
        assert!(found.is_none(), "{id}");
    }
}

#[test]
fn a_doubt_is_the_last_claim_for_its_place() {
    let own = campaign(1);
    let day = 24 * 60;
    assert_eq!(doubt_among(vec![]), None);
    assert_eq!(doubt_among(vec![claim(campaign(2), 0, 1)]), None);
    let doubt = doubt_among(vec![claim(own, 0, 1), claim(own, day + 2, 2)]).unwrap();
    assert_eq!(doubt.claimed_at, moment(day + 2));
    // Others soon after do harm, and others of the day before: they may be held.
    assert!(doubt_among(vec![claim(own, 0, 1), claim(campaign(2), 22, 1)]).is_some());
    assert_eq!(
        doubt_among(vec![claim(own, 0, 1), claim(campaign(2), 21, 1)]),
        None
    );
    assert_eq!(
        doubt_among(vec![claim(own, 0, 1), claim(campaign(2), -21, 1)]),
        None
    );
    for earlier in [5, day] {
        let claims = vec![claim(campaign(2), -earlier, 1), claim(own, 0, 1)];
        assert_eq!(doubt_among(claims), None);
    }
    assert_eq!(doubt_among(vec![claim(own, 0, 1), claim(own, 5, 2)]), None);
}

#[test]
fn only_the_one_message_of_those_minutes_proves() {
    let doubt = doubt_among(vec![claim(campaign(1), 0, 1)]).unwrap();
    let doubts = [doubt];
    let proves = |history: &[Sighting]| !proved(&doubts, history).is_empty();
    assert!(!proves(&[]));
    for (minutes, expected) in [(-2, false), (-1, true), (0, true), (20, true), (21, false)] {
        assert_eq!(
            proves(&[sighting("6281234567890", minutes)]),
            expected,
            "{minutes}"
        );
    }
    assert!(!proves(&[sighting("6281234567891", 0)]), "somebody else");
    let two = [sighting("6281234567890", 0), sighting("6281234567890", 9)];
    assert!(!proves(&two), "either could be it");
    let moved_on = Sighting {
        statuses: BTreeSet::from([Status::Sent, Status::Delivered]),
        ..sighting("6281234567890", 0)
    };
    let twice = [sighting("6281234567890", 0), moved_on.clone()];
    assert_eq!(
        proved(&doubts, &twice)[0].1,
        &moved_on,
        "the same, told twice"
    );
    let far = [sighting("6281234567890", 0), sighting("6281234567890", 90)];
    assert!(proves(&far));
}

proptest! {
    #[test]
    fn any_number_comes_back(digits in "[1-9][0-9]{6,14}", tail in prop::collection::vec(any::<u8>(), 0..24), padded: bool) {
        let mut record = vec![0x1c, 0x18, u8::try_from(digits.len()).unwrap()];
        record.extend(digits.bytes());
        record.extend(tail);
        let text = if padded { STANDARD.encode(record) } else { STANDARD_NO_PAD.encode(record) };
        prop_assert_eq!(recipient(&format!("wamid.{text}")), Some(number(&digits)));
    }

    #[test]
    fn any_text_is_read_or_not(text in ".{0,60}") {
        let _ = recipient(&text);
        let _ = recipient(&format!("wamid.{text}"));
    }

    /// Of messages that really left, each proves no doubt but its own, whatever
    /// else the history holds of this service's.
    #[test]
    fn no_message_proves_the_doubt_about_another(
        sent in prop::collection::vec((0..4_u8, 0..3_000_i64, 0..=1440_i64, any::<bool>(), any::<bool>()), 1..12),
    ) {
        let people = ["6281234567890", "6281234567891", "6281234567892", "6281234567893"];
        let mut history = Vec::new();
        let mut doubts = Vec::new();
        for (n, &(who, minutes, late, left, is_doubt)) in (0_u8..).zip(&sent) {
            let person = Person {
                claims: sent
                    .iter()
                    .zip(0_u128..)
                    .filter(|(other, _)| other.0 == who)
                    .map(|(other, m)| Claim { block: 0, index: u8::try_from(m).unwrap(), ..claim(campaign(m), other.1, 1) })
                    .collect(),
                ..Person::default()
            };
            let digits = people[usize::from(who)];
            if left {
                history.push(Sighting {
                    id: MessageId::new(format!("wamid.{n}")),
                    ..sighting(digits, minutes + late)
                });
            }
            if is_doubt {
                let place = Place { block: 0, index: n };
                doubts.extend(Doubt::of(&person, campaign(n.into()), place, number(digits)));
            }
        }
        for (doubt, _) in proved(&doubts, &history) {
            prop_assert!(sent[usize::from(doubt.place.index)].3, "{doubt:?} never left");
        }
    }
}
