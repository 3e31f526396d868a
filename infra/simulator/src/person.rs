//! A simulated person: everything about them follows from seed and number.

use std::fmt;
use std::time::Duration;

use crate::behaviour::Behaviour;
use crate::seed::Seed;
use crate::wa_id::WaId;

/// Names a person in reports, without the number: a keyed hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct PersonRef(String);

impl PersonRef {
    pub(crate) fn new(seed: Seed, wa_id: &WaId) -> Self {
        Self(hex(&seed.digest("ref", wa_id.expose())[..8]))
    }
}

impl fmt::Display for PersonRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What never changes about a person.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) wa_id: WaId,
    pub(crate) name: &'static str,
    pub(crate) user_id: String,
    pub(crate) shows_user_id: bool,
    pub(crate) hides_number: bool,
    pub(crate) on_whatsapp: bool,
    pub(crate) phone_off: bool,
    pub(crate) saturated: bool,
    reads: bool,
}

impl Person {
    pub(crate) fn new(seed: Seed, behaviour: &Behaviour, wa_id: WaId) -> Self {
        let mut chance = seed.chance("person", wa_id.expose());
        let mut is = |share| chance.hits(share);
        let hides_number = is(behaviour.hides_number);
        let shows_user_id = is(behaviour.has_user_id) || hides_number;
        let (on_whatsapp, phone_off) = (is(behaviour.on_whatsapp), is(behaviour.phone_off));
        let (saturated, reads) = (is(behaviour.saturated), is(behaviour.reads));
        Self {
            name: chance.pick(NAMES),
            user_id: user_id(seed, &wa_id),
            shows_user_id,
            hides_number,
            on_whatsapp,
            phone_off,
            saturated,
            reads,
            wa_id,
        }
    }

    /// What this person does with the `nth` message they are sent.
    pub(crate) fn timeline(&self, seed: Seed, behaviour: &Behaviour, nth: u64) -> Timeline {
        let key = format!("{}.{nth}", self.wa_id.expose());
        let mut chance = seed.chance("message", &key);
        let sent_after = chance.delay(behaviour.sent_after);
        let delivered_after = chance.delay(behaviour.delivered_after);
        let read_after = chance.delay(behaviour.read_after);
        let skips_delivered = chance.hits(behaviour.read_without_delivered);
        let reacts_after = chance.delay(behaviour.reacts_after);

        let contradicted = chance.hits(behaviour.contradicted);
        let fate = chance.fraction();
        let failure = first_share(&behaviour.fails_later, fate);
        let reactions = [
            (Reaction::SaysStop, behaviour.says_stop),
            (Reaction::PressesStop, behaviour.presses_stop),
            (
                Reaction::SwitchesMarketingOff,
                behaviour.switches_marketing_off,
            ),
            (Reaction::Blocks, behaviour.blocks),
            (Reaction::Chats, behaviour.chats),
        ];
        Timeline {
            sent_after,
            delivered_after,
            read_after: self.reads.then_some(read_after),
            skips_delivered,
            contradicted,
            failure,
            reaction: first_share(&reactions, chance.fraction()),
            reacts_after,
        }
    }

    /// How this person says stop, the `nth` time.
    pub(crate) fn stop_words(&self, seed: Seed, nth: u64) -> &'static str {
        let key = format!("{}.{nth}", self.wa_id.expose());
        seed.chance("stop", &key).pick(STOP_WORDINGS)
    }

    /// Something this person sends that is no wish to stop. Two in three
    /// times it is a text.
    pub(crate) fn small_talk(&self, seed: Seed, nth: u64) -> SmallTalk {
        let key = format!("{}.{nth}", self.wa_id.expose());
        let mut chance = seed.chance("chat", &key);
        if chance.hits(2.0 / 3.0) {
            SmallTalk::Text(chance.pick(SMALL_TALK))
        } else {
            chance.pick(&[
                SmallTalk::Image("Yang ini ada?"),
                SmallTalk::Reaction("👍"),
                SmallTalk::Unsupported,
                SmallTalk::Voice,
            ])
        }
    }
}

/// A message's way through one person's phone. Durations follow each other:
/// each counts from the end of the one before.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) sent_after: Duration,
    pub(crate) delivered_after: Duration,
    pub(crate) read_after: Option<Duration>,
    pub(crate) skips_delivered: bool,
    /// Fails after delivery, on another of the person's devices.
    pub(crate) contradicted: bool,
    pub(crate) failure: Option<u32>,
    pub(crate) reaction: Option<Reaction>,
    pub(crate) reacts_after: Duration,
}

/// What a person does with a message they have read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    Blocks,
    Chats,
    PressesStop,
    SaysStop,
    SwitchesMarketingOff,
}

/// A harmless answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SmallTalk {
    /// A picture with this caption.
    Image(&'static str),
    /// This emoji on the message.
    Reaction(&'static str),
    Text(&'static str),
    /// Something that the API does not pass on.
    Unsupported,
    Voice,
}

/// Whether simulated people use these words, in whatever case, to say stop.
pub(crate) fn is_stop_wording(text: &str) -> bool {
    let text = text.trim();
    STOP_WORDINGS
        .iter()
        .any(|wording| wording.eq_ignore_ascii_case(text))
}

/// The option whose share holds `fraction`, the shares laid end to end.
fn first_share<T: Copy>(options: &[(T, f64)], fraction: f64) -> Option<T> {
    let mut end = 0.0;
    options.iter().find_map(|(option, share)| {
        end += share;
        (fraction < end).then_some(*option)
    })
}

/// A business-scoped user id: country, dot, digits.
fn user_id(seed: Seed, wa_id: &WaId) -> String {
    let digest = seed.digest("user_id", wa_id.expose());
    let number = u64::from_be_bytes(digest[..8].try_into().expect("a digest has 32 bytes"));
    let country = COUNTRIES
        .iter()
        .find(|(prefix, _)| wa_id.expose().starts_with(prefix))
        .map_or("SG", |(_, country)| country);
    format!("{country}.{number:020}")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const COUNTRIES: &[(&str, &str)] = &[
    ("62", "ID"),
    ("60", "MY"),
    ("55", "BR"),
    ("52", "MX"),
    ("91", "IN"),
    ("49", "DE"),
    ("44", "GB"),
    ("1", "US"),
];

const NAMES: &[&str] = &[
    "Adi", "Agus", "Ayu", "Bayu", "Budi", "Citra", "Dewi", "Dian", "Eko", "Fitri", "Gita", "Hana",
    "Indra", "Intan", "Joko", "Kartika", "Lestari", "Made", "Maya", "Nur", "Putri", "Rani",
    "Rizky", "Sari", "Siti", "Taufik", "Tri", "Wahyu", "Wulan", "Yusuf",
];

/// How people ask to be left alone, politely and less so.
const STOP_WORDINGS: &[&str] = &[
    "STOP",
    "stop",
    "Stop.",
    "Stop promo",
    "STOP PROMOSI",
    "berhenti",
    "Berhenti",
    "BERHENTI LANGGANAN",
    "tolong berhenti",
    "Tolong jangan kirim lagi",
    "tolong jangan kirim pesan lagi ya",
    "jangan kirim pesan ke nomor ini lagi",
    "jangan hubungi saya lagi",
    "Mohon hapus nomor saya dari daftar",
    "hapus nomor saya",
    "saya tidak mau lagi terima promo",
    "gak mau terima pesan ini lagi",
    "tidak tertarik, jangan kirim lagi",
    "hentikan pesan ini",
    "unreg",
    "keluar dari daftar",
    "unsubscribe",
    "Unsubscribe me please",
    "please stop messaging me",
    "remove me from your list",
    "don't send me any more messages",
    "stop sending me this",
    "I no longer want these messages",
];

const SMALL_TALK: &[&str] = &[
    "Oke, terima kasih",
    "Terima kasih infonya",
    "Berapa harganya?",
    "Masih ada stok?",
    "Ongkir ke Bandung berapa?",
    "Siap, nanti saya mampir",
    "Buka sampai jam berapa?",
    "Promonya sampai kapan ya?",
    "Mantap",
    "👍",
    "Thanks!",
    "How much is it?",
    "Do you deliver to Bali?",
    "Is this still available?",
];
