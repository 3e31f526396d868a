//! The life of one import: judge, weigh, hand over, write; each step from where
//! the last invocation left it.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::SignedDuration;
use platform::campaigns::{
    Campaigns, Import, ImportMode, ImportState, ImportStep, Page, Weighed, WeighedReason,
};
use platform::fault::Fault;
use platform::invocation::Invocation;
use platform::metrics::Metrics;
use platform::objects::ObjectVersion;
use platform::queue::{ImportTask, ReceiptTask};
use policy::ids::{ImportId, TenantId};
use policy::import::FileRefusal;
use policy::provenance::{Assessment, ListVerdict};
use policy::token::ContactToken;

use crate::judge::{Judge, Piece};
use crate::staged::{Staged, Standing};
use crate::terms::terms;
use crate::{Deps, report, write};

/// Time that a piece and the handing over may take; less is left to nothing new.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// Opted-out people in one object, and so in one message: few enough for
/// whoever suppresses them to be done within its time.
const OPT_OUTS_EACH: usize = 200;

/// Messages between two checkpoints of the handing over.
const HAND_OVERS: u32 = 100;

/// Bytes of a file that are read at a time.
const READ_BYTES: u64 = 4 << 20;

/// People whose stops are read in one call.
const READ_EACH: usize = 100;

/// Calls under way at once.
pub(crate) const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).expect("sixteen is not zero");

/// How an invocation's work on an import ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    /// There is nothing left to do.
    Finished,
    /// Time is short: the rest was handed to the next invocation.
    Continued,
}

/// One import in the hands of one invocation.
pub(crate) struct Life<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) id: ImportId,
    pub(crate) import: Import,
    pub(crate) deps: &'a Deps,
    invocation: Invocation,
}

/// Takes an import as far as time allows.
pub(crate) async fn live(
    tenant: TenantId,
    id: ImportId,
    invocation: Invocation,
    deps: &Deps,
) -> Result<Ended, Fault> {
    let Some(import) = deps.campaigns.import(tenant, id).await? else {
        tracing::warn!(import = %id, "there is no such import");
        return Ok(Ended::Finished);
    };
    let now = deps.clock.now().as_millisecond();
    let deadline = invocation.deadline.as_millisecond();
    match import.state {
        ImportState::Completed | ImportState::Held | ImportState::Refused => {
            return Ok(Ended::Finished);
        }
        ImportState::Awaiting | ImportState::Running => (),
    }
    if now < import.taken_until_ms && import.taken_until_ms != deadline {
        return Err(Fault::passing(
            "take an import",
            "another invocation is at work on it",
        ));
    }
    let mut life = Life {
        tenant,
        id,
        import,
        deps,
        invocation,
    };
    life.go_on().await
}

impl Life<'_> {
    async fn go_on(&mut self) -> Result<Ended, Fault> {
        if self.import.state == ImportState::Awaiting {
            self.take_the_file().await?;
        }
        loop {
            let ended = match self.import.step {
                ImportStep::Judge => self.judge().await?,
                ImportStep::Weigh => self.weigh().await?,
                ImportStep::OptOuts => self.hand_over().await?,
                ImportStep::Write => write::write(self).await?,
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    /// Settles on the version of the file that is there now: whatever is
    /// uploaded later under the same key is not this import's.
    async fn take_the_file(&mut self) -> Result<(), Fault> {
        let head = self.deps.objects.head(&self.import.object).await?;
        self.import.file.version = head.version.id;
        self.import.file.e_tag = head.version.e_tag;
        self.import.file.bytes = head.bytes;
        self.import.state = ImportState::Running;
        self.commit().await
    }

    /// Judges the file and stages its people piece by piece.
    async fn judge(&mut self) -> Result<Option<Ended>, Fault> {
        let mut judge = Judge::new(terms(self).await?);
        let mut offset = self.recall(&mut judge).await?;
        let file = self.import.file.clone();
        let version = ObjectVersion {
            id: file.version,
            e_tag: file.e_tag,
        };
        let object = self.import.object.clone();
        loop {
            loop {
                let piece = match judge.next_piece() {
                    Ok(Some(piece)) => piece,
                    Ok(None) => break,
                    Err(refusal) => return self.refuse_file(&refusal).await.map(Some),
                };
                let is_last = piece.is_last;
                self.stage(&mut judge, piece).await?;
                if is_last {
                    return Ok(None);
                }
                if self.is_late() {
                    return self.hand_on().await.map(Some);
                }
            }
            if offset >= file.bytes {
                judge.finish();
                continue;
            }
            let objects = &self.deps.objects;
            let bytes = objects
                .get_range(&object, &version, offset, READ_BYTES)
                .await?;
            if bytes.is_empty() {
                return Err(Fault::passing("read an upload", "nothing came"));
            }
            offset += bytes.len() as u64;
            judge.push(&bytes);
        }
    }

    /// Reads back what earlier invocations judged; where the file goes on.
    async fn recall(&self, judge: &mut Judge) -> Result<u64, Fault> {
        let staged = self.import.progress.staged;
        for piece in 0..staged {
            judge.recall(&self.staged(piece).await?)?;
        }
        match staged.checked_sub(1) {
            Some(last) => judge.resume(self.standing(last).await?),
            None => Ok(0),
        }
    }

    /// Stores a judged piece, then moves the checkpoint past it.
    async fn stage(&mut self, judge: &mut Judge, mut piece: Piece) -> Result<(), Fault> {
        let tokens: Vec<ContactToken> = piece
            .staged
            .people
            .iter()
            .map(|person| person.token())
            .collect();
        let stopped = self.stopped(&tokens).await?;
        let strangers = self.strangers(&stopped, &piece.staged).await?;
        judge.note_stopped(&mut piece, &stopped, strangers);

        let number = self.import.progress.staged;
        let first = self.import.progress.opt_outs;
        let mut opt_outs = first;
        let objects = &self.deps.objects;
        for tokens in piece.staged.said_no.chunks(OPT_OUTS_EACH) {
            let tokens: Vec<ContactToken> = tokens
                .iter()
                .copied()
                .map(ContactToken::from_bytes)
                .collect();
            let key = Campaigns::import_opt_outs(self.tenant, self.id, opt_outs);
            let body = Page::encode(&tokens);
            objects.put(&key, body, "application/octet-stream").await?;
            opt_outs += 1;
        }
        let standing = judge.standing(opt_outs, &piece);
        if standing.has_rejected {
            let body = std::mem::take(&mut piece.rejected).into_bytes();
            let key = self.piece_key(report::REJECTED, number);
            objects.put(&key, body, "text/csv").await?;
        }
        let body = piece.staged.encode()?;
        let key = self.piece_key("people", number);
        objects.put(&key, body, "application/octet-stream").await?;
        let body = serde_json::to_vec(&standing)
            .map_err(|error| Fault::lasting("encode a checkpoint", error))?;
        let key = self.piece_key("standing", number);
        objects.put(&key, body, "application/json").await?;

        self.import.counts = standing.counts;
        self.import.reasons = standing.reasons;
        self.import.progress.staged = number + 1;
        self.import.progress.opt_outs = opt_outs;
        // A packed file is read from its beginning again.
        self.import.progress.bytes = self.import.progress.bytes.max(judge.offset());
        let (encoding, delimiter) = judge.format();
        self.import.file.encoding = Some(encoding.to_owned());
        self.import.file.delimiter = Some(delimiter.to_owned());
        if piece.is_last {
            self.import.file.sha256 = Some(judge.sha256());
            self.import.weighed = Some(weighed(&judge.assess(), self.import.counts.accepted));
            self.import.step = ImportStep::Weigh;
        }
        self.commit().await
    }

    /// Those of `tokens` who have said stop; nobody of a list of opt-outs,
    /// which needs no count of them.
    async fn stopped(&self, tokens: &[ContactToken]) -> Result<Vec<ContactToken>, Fault> {
        let contacts = &self.deps.contacts;
        let reads: Vec<_> = tokens
            .chunks(READ_EACH)
            .map(|tokens| contacts.stopped(self.tenant, tokens).boxed())
            .collect();
        stream::iter(reads)
            .buffered(AT_ONCE.get())
            .try_concat()
            .await
    }

    /// How many of the people who had said stop nobody expects to be in the
    /// file: their own row does not say it, and they are not on the list. A list
    /// of one's own customers has few of these.
    async fn strangers(&self, stopped: &[ContactToken], piece: &Staged) -> Result<u64, Fault> {
        if stopped.is_empty() {
            return Ok(0);
        }
        let contacts = &self.deps.contacts;
        let known = contacts
            .subscriptions(self.tenant, self.import.list, stopped)
            .await?;
        let said_no: HashSet<_> = piece.said_no.iter().collect();
        let strange = |token: &&ContactToken| {
            !known.contains_key(*token) && !said_no.contains(token.as_bytes())
        };
        Ok(stopped.iter().filter(strange).count() as u64)
    }

    /// Makes one report of the rejected rows, then lets the list pass, waits
    /// for a person, or takes it not.
    async fn weigh(&mut self) -> Result<Option<Ended>, Fault> {
        report::store_rejected(self).await?;
        let verdict = match (&self.import.weighed, self.import.mode) {
            // Opt-outs are taken from anywhere.
            (None, _) | (_, ImportMode::SuppressionList) => "pass",
            (Some(weighed), ImportMode::Contacts) => weighed.verdict.as_str(),
        };
        self.import.state = match verdict {
            _ if self.import.dry_run => ImportState::Running,
            "review" => ImportState::Held,
            "refuse" => {
                self.import.refusal =
                    Some("the list is not what its declared source would give".to_owned());
                ImportState::Refused
            }
            _ => ImportState::Running,
        };
        self.import.step = ImportStep::OptOuts;
        if self.import.state == ImportState::Running {
            self.commit().await?;
            return Ok(None);
        }
        self.import.taken_until_ms = 0;
        self.advance().await?;
        tracing::warn!(import = %self.id, state = ?self.import.state, "list does not look as declared");
        Ok(Some(Ended::Finished))
    }

    /// Hands the opted-out people to the path that only adds suppressions,
    /// before anybody is written.
    async fn hand_over(&mut self) -> Result<Option<Ended>, Fault> {
        let (tenant, import) = (self.tenant, self.id);
        while !self.import.dry_run
            && self.import.progress.handed_over < self.import.progress.opt_outs
        {
            let from = self.import.progress.handed_over;
            let to = self.import.progress.opt_outs.min(from + HAND_OVERS);
            let tasks: Vec<ReceiptTask> = (from..to)
                .map(|piece| ReceiptTask::SuppressV1 {
                    tenant,
                    import,
                    object: Campaigns::import_opt_outs(tenant, import, piece),
                })
                .collect();
            self.deps.optouts.send_all(&tasks).await?;
            self.import.progress.handed_over = to;
            self.commit().await?;
            if self.is_late() {
                return self.hand_on().await.map(Some);
            }
        }
        self.import.step = ImportStep::Write;
        self.commit().await?;
        Ok(None)
    }

    /// Says that everything is done.
    pub(crate) async fn complete(&mut self) -> Result<Ended, Fault> {
        self.import.state = ImportState::Completed;
        self.import.taken_until_ms = 0;
        report::store_summary(self).await?;
        self.advance().await?;
        let counts = self.import.counts;
        let mut metrics = Metrics::of("ingest");
        metrics.count("ImportRows", counts.rows);
        metrics.count("ImportRejected", counts.rejected);
        metrics.emit(self.deps.clock.now(), self.deps.metrics);
        tracing::info!(import = %self.id, rows = counts.rows, accepted = counts.accepted, "import completed");
        Ok(Ended::Finished)
    }

    async fn refuse_file(&mut self, refusal: &FileRefusal) -> Result<Ended, Fault> {
        self.import.state = ImportState::Refused;
        self.import.refusal = Some(format!("{refusal}; {}", refusal.remedy()));
        self.import.taken_until_ms = 0;
        self.advance().await?;
        tracing::warn!(import = %self.id, "file refused");
        Ok(Ended::Finished)
    }

    /// Whether there is no time for another piece.
    pub(crate) fn is_late(&self) -> bool {
        self.invocation.ends_within(MARGIN, self.deps.clock.now())
    }

    /// Leaves the rest to a new invocation. If the message is never sent, the
    /// one at hand comes back and does the same.
    pub(crate) async fn hand_on(&mut self) -> Result<Ended, Fault> {
        self.import.taken_until_ms = 0;
        self.advance().await?;
        let task = ImportTask::ContinueV1 {
            tenant: self.tenant,
            import: self.id,
        };
        self.deps.imports.send(&task).await?;
        Ok(Ended::Continued)
    }

    /// Writes the checkpoint and keeps the import until the deadline.
    pub(crate) async fn commit(&mut self) -> Result<(), Fault> {
        self.import.taken_until_ms = self.invocation.deadline.as_millisecond();
        self.advance().await
    }

    async fn advance(&mut self) -> Result<(), Fault> {
        let campaigns = &self.deps.campaigns;
        if campaigns
            .advance_import(self.tenant, self.id, &mut self.import)
            .await?
        {
            return Ok(());
        }
        Err(Fault::passing(
            "advance an import",
            "another worker advanced it at the same time",
        ))
    }

    pub(crate) fn piece_key(&self, kind: &str, piece: u32) -> String {
        Campaigns::import_piece(self.tenant, self.id, kind, piece)
    }

    /// The people of a staged piece.
    pub(crate) async fn staged(&self, piece: u32) -> Result<Staged, Fault> {
        Staged::decode(
            &self
                .deps
                .objects
                .get(&self.piece_key("people", piece))
                .await?,
        )
    }

    /// How judging stood after a staged piece.
    pub(crate) async fn standing(&self, piece: u32) -> Result<Standing, Fault> {
        let key = self.piece_key("standing", piece);
        let bytes = self.deps.objects.get(&key).await?;
        serde_json::from_slice(&bytes).map_err(|error| Fault::lasting("decode a checkpoint", error))
    }
}

/// The look at a list as it is stored.
fn weighed(assessment: &Assessment, people: u64) -> Weighed {
    let verdict: ListVerdict = assessment.verdict_for(people);
    let reasons = assessment.reasons.iter().map(|reason| WeighedReason {
        code: reason.code.to_owned(),
        verdict: reason.verdict.code().to_owned(),
        weight: reason.weight,
        seen: reason.seen,
        fine: reason.fine,
    });
    Weighed {
        verdict: verdict.code().to_owned(),
        score: assessment.score,
        reasons: reasons.collect(),
    }
}
