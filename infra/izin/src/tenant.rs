//! Who may use a deployed service: tenants, their numbers and their API keys.
//!
//! No route of the API registers anybody, since strangers can call it. These
//! commands write the items themselves and need rights on `CampaignsTable`:
//! `dynamodb:GetItem`, `PutItem`, `UpdateItem` and `DeleteItem`. Credentials and
//! region come from the environment as for the AWS command line
//! (`AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL`, …).

mod registry;

use std::process::ExitCode;

use anyhow::Context as _;
use platform::aws::Clients;
use platform::campaigns::{AdvertisesBy, Campaigns, Linked};
use platform::clock::SharedClock;
use platform::ids::Ids;
use policy::ids::{KeyId, TenantId};
use policy::phone::Region;
use serde_json::Value;

use crate::complain;

pub use self::registry::{NewNumber, NewTenant, Refused, Registry};

/// What to register.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The table's name: the stack's output `CampaignsTableName`.
    #[arg(long, value_name = "NAME", global = true, required = false)]
    table: Option<String>,
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    /// A company that sends; prints its id.
    New {
        /// The name that people said yes to, as consents and messages show it.
        #[arg(long, value_name = "NAME")]
        business: String,
        /// ISO 3166-1 code of the region whose local number forms its files use.
        #[arg(long, value_name = "CODE", default_value = "ID", value_parser = region)]
        region: String,
    },
    /// A business phone number of a tenant, with its account and portfolio; done
    /// again, it changes what is said of the number.
    Number {
        /// WhatsApp's id of the number, as the Graph API names it.
        phone_number_id: String,
        #[arg(long, value_name = "ID")]
        tenant: TenantId,
        /// The WhatsApp Business Account that the number belongs to.
        #[arg(long, value_name = "ID")]
        account: String,
        /// The business portfolio, whose numbers share the messaging limit.
        #[arg(long, value_name = "ID")]
        portfolio: String,
        /// Messages per second that it may use of the number's throughput, both
        /// directions; unless given, as WhatsApp says. 20 for a number that is
        /// used in the WhatsApp Business app too.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit_per_second: Option<u32>,
        /// How many of these are kept for what people write; unless given, a
        /// fortieth.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
        inbound_per_second: Option<u32>,
        /// Sends marketing templates by `/marketing_messages`.
        #[arg(long)]
        marketing_messages: bool,
        /// Amazon's name of the number, `phone-number-id-…`: it sends by AWS End
        /// User Messaging Social then.
        #[arg(long, value_name = "ID", requires = "linked_account")]
        linked_number: Option<String>,
        /// Amazon's name of its account, `waba-…`.
        #[arg(long, value_name = "ID", requires = "linked_number")]
        linked_account: Option<String>,
        /// The portfolio's messaging limit, such as `TIER_2K`, which Amazon cannot
        /// be asked; unless given, the first tier.
        #[arg(long, value_name = "TIER", requires = "linked_number")]
        tier: Option<String>,
    },
    /// An API key of a tenant. The secret half is printed now and never again.
    Key {
        #[arg(long, value_name = "ID")]
        tenant: TenantId,
    },
    /// Takes an API key away; requests with it are refused from then on.
    Revoke {
        /// The public half: what stands before the full stop.
        key: KeyId,
    },
}

/// Registers, and prints what came of it as JSON; exit code 2 if it is refused.
pub fn main(args: Args) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(args)),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(answer) => {
            say(&answer);
            ExitCode::SUCCESS
        }
        Err(error) => complain(&format!("{error:#}")),
    }
}

#[expect(clippy::print_stdout, reason = "the ids are what the command is for")]
fn say(answer: &Value) {
    println!("{answer:#}");
}

async fn run(args: Args) -> anyhow::Result<Value> {
    let table = args
        .table
        .context("give --table: the stack's output `CampaignsTableName`")?;
    let clients = Clients::from_environment().await;
    let clock = SharedClock::system();
    let campaigns = Campaigns::new(clients.dynamodb, table, clock.clone());
    let registry = Registry::new(campaigns, clock, Ids::random());
    let answer = match args.what {
        What::New { business, region } => {
            serde_json::to_value(registry.tenant(&business, region).await?)
        }
        What::Number {
            phone_number_id,
            tenant,
            account,
            portfolio,
            limit_per_second,
            inbound_per_second,
            marketing_messages,
            linked_number,
            linked_account,
            tier,
        } => {
            let number = NewNumber {
                phone_number_id,
                tenant,
                account,
                portfolio,
                limit_per_second,
                inbound_per_second,
                advertises_by: if marketing_messages {
                    AdvertisesBy::MarketingMessages
                } else {
                    AdvertisesBy::Messages
                },
                linked: linked_number
                    .zip(linked_account)
                    .map(|(phone_number_id, waba_id)| Linked {
                        phone_number_id,
                        waba_id,
                    }),
                tier,
            };
            registry.number(&number).await?;
            serde_json::to_value(number)
        }
        What::Key { tenant } => serde_json::to_value(registry.key(tenant).await?),
        What::Revoke { key } => {
            registry.revoke(key).await?;
            Ok(serde_json::json!({"revoked": key}))
        }
    };
    answer.context("cannot show what was done")
}

/// A region's code that the numbering plans know.
fn region(code: &str) -> Result<String, String> {
    let code = code.to_ascii_uppercase();
    match code.parse::<Region>() {
        Ok(_) => Ok(code),
        Err(_) => Err("give a code of ISO 3166-1 such as ID".to_owned()),
    }
}
