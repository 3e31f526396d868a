//! A campaign's lifecycle: what an operator may do when.

mod gate;
mod hold;
mod links;
mod media;
mod template;

use std::fmt;

use jiff::Timestamp;

pub use self::gate::{Gate, Tranche};
pub use self::hold::{HoldReason, ResumeScope};
pub use self::links::links_hold;
pub use self::media::media_hold;
pub use self::template::{suits, template_hold};
use crate::answer::Answer;
use crate::ids::CampaignId;
use crate::purpose::Purpose;

/// Where a campaign stands.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum CampaignState {
    /// Written down, not yet looked at.
    Draft,
    /// `consent` is reading the list.
    Validating,
    /// Every person was judged and the audience is frozen.
    Validated,
    /// A person agreed to send exactly this.
    Approved,
    /// Approved, and started by the timer at a moment that stands.
    Scheduled,
    /// `fanout` is cutting the audience into blocks.
    Planning,
    /// Blocks are released and sent.
    Running,
    /// An operator or a circuit breaker holds it.
    Paused,
    /// Every block is done.
    Completed,
    /// An operator ended it; what was not sent never will be.
    Cancelled,
}

impl CampaignState {
    const ALL: [Self; 10] = [
        Self::Draft,
        Self::Validating,
        Self::Validated,
        Self::Approved,
        Self::Scheduled,
        Self::Planning,
        Self::Running,
        Self::Paused,
        Self::Completed,
        Self::Cancelled,
    ];

    /// A stable code for storage and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Validating => "validating",
            Self::Validated => "validated",
            Self::Approved => "approved",
            Self::Scheduled => "scheduled",
            Self::Planning => "planning",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state a stored code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Whether nothing will ever change again.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }

    /// The state after `step`, or why the step is not possible.
    ///
    /// Law: no step leads out of a final state, and nothing runs that was not
    /// approved.
    pub const fn apply(self, step: CampaignStep) -> Result<Self, IllegalStep> {
        use CampaignStep as T;

        let next = match (self, step) {
            (Self::Draft | Self::Validated, T::Validate) => Self::Validating,
            (Self::Validating, T::Freeze) => Self::Validated,
            (Self::Validated, T::Approve) => Self::Approved,
            // Set anew, a schedule replaces the one before.
            (Self::Approved | Self::Scheduled, T::Schedule) => Self::Scheduled,
            (Self::Scheduled, T::Unschedule) => Self::Approved,
            (Self::Approved | Self::Scheduled, T::Start) => Self::Planning,
            (Self::Planning, T::Release) => Self::Running,
            (Self::Planning | Self::Running, T::Pause) => Self::Paused,
            (Self::Paused, T::Resume) => Self::Planning,
            (Self::Running, T::Complete) => Self::Completed,
            (
                Self::Draft
                | Self::Validating
                | Self::Validated
                | Self::Approved
                | Self::Scheduled
                | Self::Planning
                | Self::Running
                | Self::Paused,
                T::Cancel,
            ) => Self::Cancelled,
            (from, step) => return Err(IllegalStep { from, step }),
        };
        Ok(next)
    }
}

impl fmt::Display for CampaignState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Something that moves a campaign on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CampaignStep {
    /// An operator agrees to the frozen audience and content.
    Approve,
    /// An operator ends it.
    Cancel,
    /// The last block is done.
    Complete,
    /// The audience is complete.
    Freeze,
    /// An operator or a breaker holds it.
    Pause,
    /// All blocks are planned.
    Release,
    /// An operator lets it go on; planning is repeated, which changes nothing
    /// where it was complete.
    Resume,
    /// An operator names the moment at which it starts.
    Schedule,
    /// An operator or the schedule starts it.
    Start,
    /// An operator takes the schedule back.
    Unschedule,
    /// An operator asks for every person to be judged.
    Validate,
}

impl CampaignStep {
    /// The operator's word for it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Cancel => "cancel",
            Self::Complete => "complete",
            Self::Freeze => "freeze",
            Self::Pause => "pause",
            Self::Release => "release",
            Self::Resume => "resume",
            Self::Schedule => "schedule",
            Self::Start => "start",
            Self::Unschedule => "unschedule",
            Self::Validate => "validate",
        }
    }
}

/// A step that the lifecycle does not have.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("cannot {} a campaign that is {from}", .step.code())]
pub struct IllegalStep {
    /// Where the campaign stands.
    pub from: CampaignState,
    /// What was asked.
    pub step: CampaignStep,
}

/// What a decision needs to know of a campaign.
#[derive(Clone, Debug)]
pub struct CampaignFacts {
    /// Which one.
    pub id: CampaignId,
    /// Where it stands.
    pub state: CampaignState,
    /// What its message is for.
    pub purpose: Purpose,
    /// After this moment the message has no use and is not sent.
    pub not_after: Option<Timestamp>,
    /// From which business number, by WhatsApp's id of it.
    pub sender: String,
    /// What it answers, if the person's own message asked for it.
    pub answer: Option<Answer>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_straight_path() {
        use CampaignStep as T;

        let mut state = CampaignState::Draft;
        for step in [
            T::Validate,
            T::Freeze,
            T::Approve,
            T::Schedule,
            T::Unschedule,
            T::Schedule,
            T::Start,
            T::Release,
            T::Pause,
            T::Resume,
            T::Release,
            T::Complete,
        ] {
            state = state.apply(step).unwrap();
        }
        assert_eq!(state, CampaignState::Completed);
    }

    #[test]
    fn nothing_runs_unapproved_and_nothing_leaves_the_end() {
        use CampaignStep as T;

        let steps = [
            T::Approve,
            T::Cancel,
            T::Complete,
            T::Freeze,
            T::Pause,
            T::Release,
            T::Resume,
            T::Schedule,
            T::Start,
            T::Unschedule,
            T::Validate,
        ];
        for state in CampaignState::ALL {
            for step in steps {
                let next = state.apply(step);
                if state.is_final() {
                    assert_eq!(next, Err(IllegalStep { from: state, step }));
                }
                if next == Ok(CampaignState::Planning) {
                    assert!(matches!(
                        state,
                        CampaignState::Approved | CampaignState::Scheduled | CampaignState::Paused
                    ));
                }
            }
            assert_eq!(CampaignState::from_code(state.code()), Some(state));
        }
        let error = CampaignState::Draft.apply(T::Start).unwrap_err();
        assert_eq!(error.to_string(), "cannot start a campaign that is draft");
    }
}
