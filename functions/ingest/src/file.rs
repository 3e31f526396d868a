//! One walk through a file as a stream: the same rows and the same verdicts in
//! every run.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use platform::campaigns::ImportCounts;
use platform::fault::Fault;
use platform::objects::Objects;
use policy::consent::Consent;
use policy::ids::{ImportId, TenantId};
use policy::import::{
    Candidate, FileRefusal, Limits, Reader, Report, RowOutcome, Rules, accept_row, opt_out,
};
use policy::phone::Region;
use policy::subscription::Subscription;
use policy::token::{ContactToken, TokenKey};

use crate::people::People;

/// How one file is walked.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) tenant: TenantId,
    pub(crate) import: ImportId,
    pub(crate) region: Region,
    pub(crate) now: Timestamp,
    pub(crate) key: TokenKey,
}

/// What the first walk found.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) counts: ImportCounts,
    pub(crate) reasons: BTreeMap<String, u64>,
    /// The rejected rows, ready to be mended and uploaded again.
    pub(crate) report: String,
    writer: Option<Report>,
}

/// A person of the file.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) token: ContactToken,
    pub(crate) subscription: Subscription,
}

/// Whom a file names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// People of its accepted rows.
    pub(crate) accepted: HashSet<ContactToken>,
    /// People of whom any row says that they opted out, be it accepted or not.
    pub(crate) said_no: BTreeSet<ContactToken>,
}

impl Walk {
    /// Judges every row and writes nothing. A file that cannot be read as
    /// contacts is refused as a whole.
    pub(crate) async fn judge(
        &self,
        objects: &Objects,
        object: &str,
    ) -> Result<Result<Judged, FileRefusal>, Fault> {
        let mut judged = Judged::default();
        let mut reader = Reader::new(Limits::UPLOAD, None);
        let mut seen = HashSet::new();
        let mut body = objects.get_from(object, 0).await?;
        loop {
            let piece = body.next().await?;
            let ended = piece.is_none();
            match piece {
                Some(piece) => reader.push(&piece),
                None => reader.finish(),
            }
            if let Err(refusal) = self.judge_rows(&mut reader, &mut seen, &mut judged) {
                return Ok(Err(refusal));
            }
            if ended {
                return Ok(Ok(judged));
            }
        }
    }

    /// The rows that the bytes so far complete.
    fn judge_rows(
        &self,
        reader: &mut Reader,
        seen: &mut HashSet<ContactToken>,
        judged: &mut Judged,
    ) -> Result<(), FileRefusal> {
        let rules = self.rules();
        while let Some(record) = reader.next_record()? {
            let report = judged
                .writer
                .get_or_insert_with(|| Report::new(record.layout()));
            if judged.report.is_empty() {
                judged.report = report.header().to_owned();
            }
            judged.counts.rows += 1;
            match accept_row(&record, &rules) {
                RowOutcome::Accepted(candidate) => {
                    if seen.insert(self.key.contact(self.tenant, &candidate.phone)) {
                        judged.counts.accepted += 1;
                        judged.counts.without_consent += u64::from(candidate.consent.is_none());
                    } else {
                        judged.counts.duplicates += 1;
                    }
                }
                RowOutcome::Rejected { reasons } => {
                    judged.counts.rejected += 1;
                    let first = reasons.first().map_or("unknown", |reason| reason.code());
                    *judged.reasons.entry(first.to_owned()).or_insert(0) += 1;
                    judged.report.push_str(&report.row(&record, &reasons));
                }
            }
        }
        Ok(())
    }

    /// Hands every person of a judged file to `people`, each once.
    pub(crate) async fn write(
        &self,
        objects: &Objects,
        object: &str,
        people: &mut People<'_>,
    ) -> Result<Named, Fault> {
        let mut reader = Reader::new(Limits::UPLOAD, None);
        let mut named = Named::default();
        let mut body = objects.get_from(object, 0).await?;
        loop {
            let piece = body.next().await?;
            let ended = piece.is_none();
            match piece {
                Some(piece) => reader.push(&piece),
                None => reader.finish(),
            }
            while let Some(entry) = self.next_entry(&mut reader, &mut named)? {
                people.add(entry).await?;
            }
            if ended {
                return Ok(named);
            }
        }
    }

    /// The next person who has not come before.
    fn next_entry(&self, reader: &mut Reader, named: &mut Named) -> Result<Option<Entry>, Fault> {
        let rules = self.rules();
        loop {
            let record = reader
                .next_record()
                .map_err(|_| Fault::lasting("read a judged file", "it has changed since"))?;
            let Some(record) = record else {
                return Ok(None);
            };
            let row = record.row();
            if let Some(phone) = opt_out(&record, &rules) {
                named.said_no.insert(self.key.contact(self.tenant, &phone));
            }
            if let RowOutcome::Accepted(candidate) = accept_row(&record, &rules) {
                let token = self.key.contact(self.tenant, &candidate.phone);
                if named.accepted.insert(token) {
                    return Ok(Some(self.entry(token, candidate, row)));
                }
            }
        }
    }

    fn entry(&self, token: ContactToken, candidate: Candidate, row: u64) -> Entry {
        let evidence = format!("{}#{row}", self.import);
        let consent = match candidate.consent {
            Some(claim) => Consent::Granted(claim.into_grant(&evidence)),
            None => Consent::NeverAsked,
        };
        Entry {
            token,
            subscription: Subscription {
                phone: candidate.phone,
                name: candidate.name,
                language: candidate.language,
                zone: candidate.zone,
                external_id: candidate.external_id,
                attributes: candidate.attributes,
                consent,
            },
        }
    }

    fn rules(&self) -> Rules {
        Rules {
            region: self.region,
            ..Rules::indonesian(self.now)
        }
    }
}
