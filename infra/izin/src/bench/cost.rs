//! Cost.
use super::Output;

/// What is counted.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    let _ = args.output;
    anyhow::bail!("not yet")
}
