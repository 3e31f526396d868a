//! CampaignsTable: operations. Who may send, what is planned, what became of it.

mod accounts;
mod audience;
mod block_items;
mod blocks;
mod breakers;
mod budgets;
mod controls;
mod directory;
mod ears;
mod endpoints;
mod events;
mod findings;
mod idempotency;
mod imports;
mod ledger;
mod media;
mod meta;
mod meta_item;
mod numbers;
mod preflight;
mod release;
mod requests;
mod reviews;
mod single;
mod survey;
mod templates;
mod terms;
mod waiting;
mod words;

use aws_sdk_dynamodb::Client;

pub use self::accounts::Account;
pub use self::audience::Page;
pub use self::blocks::Settlement;
pub use self::breakers::{BreakerState, Opening};
pub use self::budgets::{Begun, CampaignBudget};
pub use self::controls::{Approved, Controls, Scheduled};
pub use self::directory::{
    AdvertisesBy, ApiKey, Due, Linked, List, NotLinked, Number, Tenant, Transport,
};
pub use self::endpoints::Endpoint;
pub use self::events::{
    EVENTS_KEPT, EVENTS_SETTLE, EventCursor, EventsPage, ParseCursorError, RecordedEvent,
};
pub use self::findings::{Doubt, Finding};
pub use self::idempotency::Answer;
pub use self::imports::{
    Declared, Import, ImportCounts, ImportMode, ImportProgress, ImportState, ImportStep, Reading,
    Release, UploadedFile, Weighed, WeighedReason,
};
pub use self::ledger::BlockLedger;
pub use self::media::{FoundInFile, Media, MediaState, Upload};
pub use self::meta::{Campaign, Content, NewCampaign, TemplateRef, Templated};
pub use self::numbers::NumberHealth;
pub use self::preflight::Preflighted;
pub use self::release::ReleaseReport;
pub use self::requests::{Closed, Request};
pub use self::reviews::{Decision, Review, ReviewsPage};
pub use self::survey::{BlockCursor, Survey};
pub use self::templates::SyncedTemplate;
pub use self::waiting::WaitingStops;
pub use self::words::WordsPlace;
use crate::clock::SharedClock;
use crate::table::Table;

/// The table of operations.
#[derive(Clone, Debug)]
pub struct Campaigns {
    table: Table,
    clock: SharedClock,
}

impl Campaigns {
    /// The table `name` as `client` sees it.
    pub fn new(client: Client, name: String, clock: SharedClock) -> Self {
        Self {
            table: Table::new(client, name, clock.clone()),
            clock,
        }
    }
}

/// How long operations are kept: blocks, outcomes and statuses, in seconds.
const KEPT_SECONDS: i64 = 90 * 24 * 3600;
