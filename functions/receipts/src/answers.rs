//! People who wrote: how long free texts reach them, and the answer to what they
//! asked for. An answer is written down as a single message is, and `send`
//! decides on it like on any other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use platform::campaigns::{Content, NewCampaign, WordsPlace};
use platform::fault::{Fault, chain};
use platform::queue::{AsksV1, SendTask, WroteV1};
use policy::answer::{Answer, AnswerKind, WINDOW};
use policy::ids::TenantId;
use policy::person::ServiceWindow;
use policy::purpose::Scope;
use policy::tenant::Settings;
use policy::token::ContactToken;

use crate::{Deps, words};

/// What the people of one batch wrote, and the queue messages it came in.
#[derive(Debug, Default)]
pub(crate) struct Written {
    messages: Vec<(TenantId, String, WroteV1, String)>,
}

impl Written {
    /// Looks at one message of a person to the business number `number`.
    pub(crate) fn see(&mut self, tenant: TenantId, number: &str, wrote: WroteV1, message_id: &str) {
        let entry = (tenant, number.to_owned(), wrote, message_id.to_owned());
        self.messages.push(entry);
    }

    /// Notes the windows and asks for the answers; how many were asked for, and
    /// the queue messages in which something failed.
    pub(crate) async fn write(self, deps: &Deps) -> (u64, BTreeSet<String>) {
        let mut failed = BTreeSet::new();
        let mut asked = 0;
        let mut people = People::default();
        let mut latest: BTreeMap<(TenantId, ContactToken), Window> = BTreeMap::new();
        let mut questions = Vec::new();
        for (tenant, number, wrote, message_id) in self.messages {
            match people.of(tenant, &wrote, deps).await {
                Ok(tokens) => {
                    for token in tokens {
                        let window = latest.entry((tenant, token)).or_default();
                        window.see(&number, wrote.at, &message_id);
                        if let Some(asks) = &wrote.asks {
                            let (number, asks) = (number.clone(), asks.clone());
                            let question = Question {
                                tenant,
                                token,
                                number,
                                at: wrote.at,
                                asks,
                                object: wrote.object.clone(),
                            };
                            questions.push((question, message_id.clone()));
                        }
                    }
                }
                Err(fault) => {
                    tracing::warn!(error = chain(&fault), "what people wrote comes again");
                    failed.insert(message_id);
                }
            }
        }
        // An answer finds its window open.
        for ((tenant, token), window) in latest {
            let noted = deps
                .contacts
                .note_service_window(tenant, token, &window.open)
                .await;
            if let Err(fault) = noted {
                tracing::warn!(error = chain(&fault), "windows come again");
                failed.extend(window.messages);
            }
        }
        for (question, message_id) in questions {
            match question.answer(deps).await {
                Ok(new) => asked += u64::from(new),
                Err(fault) => {
                    tracing::warn!(error = chain(&fault), "answers come again");
                    failed.insert(message_id);
                }
            }
        }
        (asked, failed)
    }
}

/// The window that the latest message of a person opens.
#[derive(Debug)]
struct Window {
    open: ServiceWindow,
    messages: BTreeSet<String>,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            open: ServiceWindow {
                sender: String::new(),
                ends: Timestamp::MIN,
            },
            messages: BTreeSet::new(),
        }
    }
}

impl Window {
    fn see(&mut self, number: &str, at: Timestamp, message_id: &str) {
        let ends = window_end(at);
        if ends > self.open.ends {
            self.open = ServiceWindow {
                sender: number.to_owned(),
                ends,
            };
        }
        self.messages.insert(message_id.to_owned());
    }
}

fn window_end(at: Timestamp) -> Timestamp {
    at.saturating_add(WINDOW).unwrap_or(Timestamp::MAX)
}

/// Who is who, read once for a batch.
#[derive(Debug, Default)]
struct People {
    linked: BTreeMap<(TenantId, ContactToken), BTreeSet<ContactToken>>,
}

impl People {
    /// The persons who wrote: one, or all whom another identity stands for.
    async fn of(
        &mut self,
        tenant: TenantId,
        wrote: &WroteV1,
        deps: &Deps,
    ) -> Result<BTreeSet<ContactToken>, Fault> {
        let who = wrote.who.0;
        if !wrote.alias {
            return Ok(BTreeSet::from([who]));
        }
        if let Some(known) = self.linked.get(&(tenant, who)) {
            return Ok(known.clone());
        }
        let linked = deps.contacts.linked(tenant, &[who]).await?;
        let tokens = linked.into_values().flatten().collect::<BTreeSet<_>>();
        self.linked.insert((tenant, who), tokens.clone());
        Ok(tokens)
    }
}

/// Something that a person asked for.
#[derive(Debug)]
struct Question {
    tenant: TenantId,
    token: ContactToken,
    number: String,
    at: Timestamp,
    asks: AsksV1,
    object: Option<String>,
}

impl Question {
    /// Writes the answer down and queues it; whether there is one. The same
    /// question has the same answer, so a repetition changes nothing.
    async fn answer(self, deps: &Deps) -> Result<bool, Fault> {
        let Some(answer) = self.worth(deps).await? else {
            return Ok(false);
        };
        // Of whoever is on no list, the number is found there.
        if let Some(object) = self.object.clone() {
            let place = WordsPlace {
                at: self.at,
                object,
            };
            words::keep(self.tenant, self.token, &place, deps).await?;
        }
        let id = answer.id(self.tenant, self.token);
        let plan = NewCampaign {
            name: answer.code().to_owned(),
            sender: self.number,
            purpose: answer.purpose(),
            content: Content::Answer(answer),
            not_after: Some(window_end(self.at)),
        };
        let now = deps.clock.now();
        deps.campaigns
            .create_single(self.tenant, id, &plan, self.token, now)
            .await?;
        let task = SendTask::RangeV1 {
            tenant: self.tenant,
            campaign: id,
            from: 0,
            to: 1,
        };
        deps.triggered.send(&task).await?;
        Ok(true)
    }

    /// The answer that the tenant's settings and the person's stops leave.
    async fn worth(&self, deps: &Deps) -> Result<Option<Answer>, Fault> {
        if deps.clock.now() >= window_end(self.at) {
            return Ok(None);
        }
        let settings = deps.campaigns.settings(self.tenant).await?;
        let Settings {
            confirms_optouts,
            answers_help_itself,
            ..
        } = settings;
        match &self.asks {
            AsksV1::Help { event } => Ok((!answers_help_itself).then(|| Answer {
                kind: AnswerKind::Help,
                cause: event.to_string(),
            })),
            AsksV1::Stop { scopes } if confirms_optouts => {
                let scopes: Vec<Scope> = scopes
                    .iter()
                    .filter_map(|scope| Scope::parse(scope).ok())
                    .collect();
                let person = deps.contacts.person(self.tenant, self.token).await?;
                Ok(Answer::confirmation(&person, &scopes))
            }
            AsksV1::Stop { .. } => Ok(None),
        }
    }
}
