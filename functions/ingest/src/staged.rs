//! A piece of a judged file as it waits in the bucket: its people, and the
//! little that judging needs to go on after it.
//!
//! Judging and writing are two walks, because nothing may be written before
//! the whole list was weighed. Pieces carry the people from the one to the
//! other, so that the file is read and judged once.

use std::collections::{BTreeMap, BTreeSet};

use platform::campaigns::ImportCounts;
use platform::fault::Fault;
use policy::consent::{Basis, Consent, Notice};
use policy::import::{Candidate, Checkpoint, ConsentClaim};
use policy::phone::PhoneNumber;
use policy::purpose::Purpose;
use policy::subscription::Subscription;
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};

/// The people of a piece.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Staged {
    /// Accepted people who did not come before in the file.
    pub(crate) people: Vec<StagedPerson>,
    /// People whom a row reports as opted out, each at their first such row.
    pub(crate) said_no: Vec<[u8; ContactToken::LEN]>,
}

/// One accepted person.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct StagedPerson {
    token: [u8; ContactToken::LEN],
    row: u64,
    /// Whether the person had said stop when the piece was judged.
    pub(crate) stopped: bool,
    phone: String,
    name: Option<String>,
    language: Option<String>,
    zone: Option<String>,
    external_id: Option<String>,
    attributes: BTreeMap<String, String>,
    claim: Option<StagedClaim>,
}

#[derive(Clone, Deserialize, Serialize)]
struct StagedClaim {
    at_ms: i64,
    purposes: Vec<String>,
    basis: String,
    method: String,
    notice: Option<(String, Option<String>)>,
    evidence: Option<String>,
    expires_ms: Option<i64>,
}

/// Names the shape, never the person.
impl std::fmt::Debug for StagedPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StagedPerson")
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

/// Where judging stands after a piece.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Standing {
    /// Where reading goes on.
    pub(crate) reader: Option<Checkpoint>,
    /// SHA-256 over the bytes before, halfway, in hexadecimal.
    pub(crate) hash: String,
    pub(crate) counts: ImportCounts,
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Rows whose number is none.
    pub(crate) not_in_plan: u64,
    /// People who had said stop and of whom neither file nor list knew.
    pub(crate) stopped_strangers: u64,
    /// Objects with opted-out people made so far.
    pub(crate) opt_outs: u32,
    /// Whether the piece has rejected rows.
    pub(crate) has_rejected: bool,
    /// The header line of the report.
    pub(crate) report_header: String,
}

impl Staged {
    /// The bytes of a piece's object.
    pub fn encode(&self) -> Result<Vec<u8>, Fault> {
        postcard::to_stdvec(self).map_err(|error| Fault::lasting("encode a piece", error))
    }

    /// The piece of an object's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        postcard::from_bytes(bytes).map_err(|error| Fault::lasting("decode a piece", error))
    }

    /// The people of the piece as they are to stand on a list; `import` names
    /// the evidence.
    pub fn into_people(
        self,
        import: &str,
    ) -> impl Iterator<Item = Result<(ContactToken, Subscription), Fault>> {
        self.people
            .into_iter()
            .map(move |person| person.into_subscription(import))
    }
}

impl StagedPerson {
    pub(crate) fn new(token: ContactToken, row: u64, candidate: Candidate) -> Self {
        Self {
            token: *token.as_bytes(),
            row,
            stopped: false,
            phone: candidate.phone.expose().to_owned(),
            name: candidate.name,
            language: candidate.language,
            zone: candidate.zone,
            external_id: candidate.external_id,
            attributes: candidate.attributes,
            claim: candidate.consent.map(StagedClaim::from),
        }
    }

    pub(crate) fn token(&self) -> ContactToken {
        ContactToken::from_bytes(self.token)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn phone(&self) -> Result<PhoneNumber, Fault> {
        PhoneNumber::parse_e164(&self.phone).map_err(damaged)
    }

    /// When the person said yes, where the row says so.
    pub(crate) fn consent_at(&self) -> Option<jiff::Timestamp> {
        let claim = self.claim.as_ref()?;
        jiff::Timestamp::from_millisecond(claim.at_ms).ok()
    }

    fn into_subscription(self, import: &str) -> Result<(ContactToken, Subscription), Fault> {
        let token = self.token();
        let phone = self.phone()?;
        let consent = match self.claim {
            Some(claim) => {
                let evidence = format!("{import}#{}", self.row);
                Consent::Granted(claim.into_claim()?.into_grant(&evidence))
            }
            None => Consent::NeverAsked,
        };
        let subscription = Subscription {
            phone,
            name: self.name,
            language: self.language,
            zone: self.zone,
            external_id: self.external_id,
            attributes: self.attributes,
            consent,
        };
        Ok((token, subscription))
    }
}

impl From<ConsentClaim> for StagedClaim {
    fn from(claim: ConsentClaim) -> Self {
        Self {
            at_ms: claim.at.as_millisecond(),
            purposes: claim.purposes.iter().map(ToString::to_string).collect(),
            basis: claim.basis.code().to_owned(),
            method: claim.method,
            notice: claim.notice.map(|notice| (notice.id, notice.sha256)),
            evidence: claim.evidence,
            expires_ms: claim.expires_at.map(jiff::Timestamp::as_millisecond),
        }
    }
}

impl StagedClaim {
    fn into_claim(self) -> Result<ConsentClaim, Fault> {
        let moment = |ms| jiff::Timestamp::from_millisecond(ms).map_err(damaged);
        let purposes: Result<BTreeSet<_>, _> = self
            .purposes
            .iter()
            .map(|purpose| Purpose::parse(purpose).map_err(damaged))
            .collect();
        Ok(ConsentClaim {
            at: moment(self.at_ms)?,
            purposes: purposes?,
            basis: Basis::from_code(&self.basis)
                .ok_or_else(|| damaged("the consent has no known basis"))?,
            method: self.method,
            notice: self.notice.map(|(id, sha256)| Notice { id, sha256 }),
            evidence: self.evidence,
            expires_at: self.expires_ms.map(moment).transpose()?,
        })
    }
}

fn damaged(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::lasting("read a staged person", source)
}
