//! What Meta posts: statuses, stops and replies of made-up people, signed.

use hmac::{Hmac, KeyInit as _, Mac as _};
use policy::block::{Callback, Place};
use policy::ids::CampaignId;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// People of one block.
pub const BLOCK: u32 = 100;

/// The number's id.
pub const NUMBER: &str = "106540352242922";

/// The account's id.
pub const WABA: &str = "102290129340398";

/// Seconds since 1970 at which everything begins.
const BEGIN: i64 = 1_764_000_000;

/// One message of the campaign, by its place in the whole.
#[derive(Clone, Copy, Debug)]
pub struct Sent(pub u32);

impl Sent {
    /// Its block.
    pub fn block(self) -> u32 {
        self.0 / BLOCK
    }

    /// Its place in the block.
    pub fn index(self) -> u8 {
        u8::try_from(self.0 % BLOCK).expect("a block has at most 100 people")
    }

    /// The number of whoever gets it, as WhatsApp writes it.
    pub fn wa_id(self) -> String {
        format!("62812{:08}", 10_000_000 + self.0)
    }

    /// The business-scoped id of whoever gets it.
    pub fn user_id(self) -> String {
        format!("ID.1349120865{:08}", self.0)
    }
}

/// A status as Meta words it, price and all.
pub fn status(campaign: CampaignId, sent: Sent, word: &str) -> Value {
    let (block, index) = (sent.block(), sent.index());
    let place = Place { block, index };
    let attempt = 1;
    json!({
        "id": format!("wamid.HBgNNjI4MTIwMDAwMDAwFQIAERgS{:08X}", sent.0),
        "status": word,
        "timestamp": (BEGIN + i64::from(sent.0)).to_string(),
        "recipient_id": sent.wa_id(),
        "biz_opaque_callback_data": Callback { campaign, place, attempt }.to_string(),
        "conversation": {"id": "6ceb9d929c9bdc4f90e967a32f8639b4", "origin": {"type": "marketing"}},
        "pricing": {"billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing"},
    })
}

/// What a person writes.
pub fn text(sent: Sent, words: &str) -> Value {
    json!({
        "from": sent.wa_id(),
        "id": format!("wamid.REPLY{:08X}", sent.0),
        "timestamp": (BEGIN + i64::from(sent.0)).to_string(),
        "type": "text",
        "text": {"body": words},
    })
}

/// A body with these statuses and messages.
pub fn body(statuses: &[Value], messages: &[Value]) -> Vec<u8> {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "622155500100", "phone_number_id": NUMBER},
    });
    if !statuses.is_empty() {
        value["statuses"] = statuses.into();
    }
    if !messages.is_empty() {
        value["messages"] = messages.into();
    }
    let change = json!({"field": "messages", "value": value});
    let entry = json!({"id": WABA, "changes": [change]});
    json!({"object": "whatsapp_business_account", "entry": [entry]})
        .to_string()
        .into_bytes()
}

/// The header that Meta puts on a body.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

/// The three statuses of `messages` messages in the order in which they come
/// about at `per_second`: sent at once, delivered within seconds, read within
/// a minute.
pub fn in_time(
    campaign: CampaignId,
    messages: u32,
    per_second: f64,
    seed: u64,
) -> Vec<(f64, Value)> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut all = Vec::new();
    for sent in (0..messages).map(Sent) {
        let mut at = f64::from(sent.0) / per_second;
        for (word, least, most) in [
            ("sent", 0.1, 0.8),
            ("delivered", 0.3, 4.0),
            ("read", 2.0, 60.0),
        ] {
            at += rng.random_range(least..most);
            all.push((at, status(campaign, sent, word)));
        }
    }
    all.sort_by(|one, two| one.0.total_cmp(&two.0));
    all
}

/// Shuffles by seed.
pub fn shuffle<T>(list: &mut [T], seed: u64) {
    list.shuffle(&mut SmallRng::seed_from_u64(seed));
}
