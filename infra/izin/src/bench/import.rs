//! A long file through the real import, in a process of its own.
//!
//! AWS is emulated in this process. A second process of the same program is
//! the importer, so that its peak memory is its own: it runs the function as
//! Lambda would, one invocation of five minutes after the other, through a
//! client that counts every request and unit. The file goes in three times:
//! everybody new, nobody changed, every twentieth changed.

mod own_speed;
mod worker;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use emulator::aws::Aws;
use emulator::template::Template;
use jiff::Timestamp;
use platform::aws::Clients;
use platform::campaigns::{Campaigns, Import, ImportCounts, ImportState};
use platform::clock::SharedClock;
use platform::objects::Objects;
use policy::ids::{ImportId, ListId, TenantId};
use serde::Serialize;
use uuid::Uuid;

use self::own_speed::OwnSpeed;
use self::worker::{Job, Work};
use super::{Output, PROFILE};
use crate::house::TEMPLATE;
use crate::people;

/// What to import.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// How many rows the file has.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    rows: u32,
    /// What chance follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    output: Output,
    /// The job that this process does for another one.
    #[arg(long, hide = true, value_name = "FILE")]
    worker: Option<PathBuf>,
}

/// Limits that the figures must keep.
const RSS_MIB_MAX: f64 = 256.0;
const NEW_WRU_MAX: f64 = 1.02;
const UNCHANGED_WRU_MAX: f64 = 0.02;
const CHANGED_WRU_MAX: f64 = 0.08;
const OWN_ROWS_PER_SECOND_MIN: f64 = 300_000.0;

/// All that was measured.
#[derive(Debug, Serialize)]
struct Figures {
    rows: u32,
    seed: u64,
    profile: &'static str,
    file_bytes: usize,
    /// Everybody is new.
    new: Pass,
    /// The same file again: nobody changed.
    unchanged: Pass,
    /// Every twentieth row changed.
    five_percent_changed: Pass,
    /// The largest of the three.
    peak_rss_mib: f64,
    own_speed: OwnSpeed,
    /// Whether every limit was kept; the code's own speed counts in a release
    /// build only.
    ok: bool,
}

/// One run over the file.
#[derive(Debug, Serialize)]
struct Pass {
    seconds: f64,
    rows_per_second: f64,
    invocations: u32,
    peak_rss_mib: f64,
    /// Write units of both tables for each row that the pass is about: a new
    /// person, or an accepted one.
    write_units_per_row: f64,
    read_units_per_row: f64,
    requests_per_1000_rows: f64,
    counts: ImportCounts,
    work: Work,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    if let Some(job) = args.worker {
        return worker::run(&job).await.map(|()| true);
    }
    let file = people::csv(args.rows as usize, args.seed);
    let edited = edit(&file);
    let stage = Stage::build().await?;
    let new = stage.pass(1, &file, args.rows).await?;
    let unchanged = stage.pass(2, &file, args.rows).await?;
    let changed = stage.pass(3, &edited, args.rows).await?;
    let own_speed = own_speed::measure(&file)?;

    let peak_rss_mib = [&new, &unchanged, &changed]
        .map(|pass| pass.peak_rss_mib)
        .into_iter()
        .fold(0.0, f64::max);
    let ok = peak_rss_mib <= RSS_MIB_MAX
        && new.write_units_per_row <= NEW_WRU_MAX
        && unchanged.write_units_per_row <= UNCHANGED_WRU_MAX
        && changed.write_units_per_row <= CHANGED_WRU_MAX
        && (cfg!(debug_assertions) || own_speed.rows_per_second >= OWN_ROWS_PER_SECOND_MIN);
    let figures = Figures {
        rows: args.rows,
        seed: args.seed,
        profile: PROFILE,
        file_bytes: file.len(),
        new,
        unchanged,
        five_percent_changed: changed,
        peak_rss_mib,
        own_speed,
        ok,
    };
    args.output.publish(&figures, &table(&figures))?;
    Ok(ok)
}

/// Every twentieth person gets another name.
fn edit(file: &str) -> String {
    let mut edited = String::with_capacity(file.len() + file.len() / 100);
    for (at, line) in file.lines().enumerate() {
        if at > 0 && at % 20 == 0 {
            edited.push_str("H. ");
        }
        edited.push_str(line);
        edited.push('\n');
    }
    edited
}

/// The emulated AWS, with one list.
struct Stage {
    aws: Aws,
    campaigns: Campaigns,
    objects: Objects,
    folder: PathBuf,
}

const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(1));
const LIST: ListId = ListId::from_uuid(Uuid::from_u128(2));

/// Rows are judged as of this moment, whenever the measurement runs.
const REGISTERED: &str = "2026-11-24T03:00:00Z";

impl Stage {
    async fn build() -> anyhow::Result<Self> {
        let template = Template::parse(TEMPLATE).context("cannot read template.yaml")?;
        let clock = SharedClock::system();
        let aws = Aws::start(&template, clock.clone()).await?;
        let clients = Clients::new(&aws.sdk_config());
        let mut variables = aws.environment("IngestFunction")?;
        let mut variable = |name: &str| {
            let value = variables.remove(name);
            value.with_context(|| format!("the template gives ingest no {name}"))
        };
        let folder = std::env::temp_dir().join(format!("izin-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).context("cannot make a folder")?;
        Ok(Self {
            campaigns: Campaigns::new(clients.dynamodb, variable("IZIN_CAMPAIGNS_TABLE")?, clock),
            objects: Objects::new(clients.s3, variable("IZIN_FILES_BUCKET")?),
            aws,
            folder,
        })
    }

    /// Uploads the file and lets another process import it.
    async fn pass(&self, number: u128, file: &str, rows: u32) -> anyhow::Result<Pass> {
        let id = ImportId::from_uuid(Uuid::from_u128(number));
        let object = Campaigns::import_object(TENANT, id);
        let registered: Timestamp = REGISTERED.parse()?;
        let import = Import::awaiting(
            LIST,
            object.clone(),
            "own_store".to_owned(),
            "bench".to_owned(),
            registered,
        );
        self.campaigns.create_import(TENANT, id, &import).await?;
        let bytes = file.as_bytes().to_vec();
        self.objects.put(&object, bytes, "text/csv").await?;

        let job = Job::new(&self.aws, TENANT, id)?;
        let work = self.employ(&job).await?;
        let import = self.campaigns.import(TENANT, id).await?;
        let import = import.context("the import is gone")?;
        if import.state != ImportState::Completed {
            bail!(
                "the import ended as {:?}: {:?}",
                import.state,
                import.weighed
            );
        }
        let counts = import.counts;
        ensure!(counts.rows == u64::from(rows), "rows were lost: {counts:?}");
        let about = match counts.new {
            0 => counts.accepted,
            new => new,
        };
        let rows = f64::from(rows);
        Ok(Pass {
            seconds: work.seconds,
            rows_per_second: rows / work.seconds,
            invocations: work.invocations,
            peak_rss_mib: work.peak_rss_mib,
            write_units_per_row: work.write_units.values().sum::<f64>() / about as f64,
            read_units_per_row: work.read_units.values().sum::<f64>() / rows,
            requests_per_1000_rows: work.requests.values().sum::<u64>() as f64 / rows * 1_000.0,
            counts,
            work,
        })
    }

    /// Runs this program again for `job`.
    async fn employ(&self, job: &Job) -> anyhow::Result<Work> {
        let path = self.folder.join("job.json");
        std::fs::write(&path, serde_json::to_vec(job)?).context("cannot write the job")?;
        let program = std::env::current_exe().context("cannot find this program")?;
        let work = tokio::task::spawn_blocking(move || employ(&program, &path)).await??;
        Ok(serde_json::from_slice(&work)?)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clear.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn employ(program: &Path, job: &Path) -> anyhow::Result<Vec<u8>> {
    let output = std::process::Command::new(program)
        .args(["bench", "import", "--worker"])
        .arg(job)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot start the importer")?;
    ensure!(output.status.success(), "the importer failed");
    Ok(output.stdout)
}

fn table(figures: &Figures) -> String {
    let Figures {
        rows,
        seed,
        profile,
        file_bytes,
        new,
        unchanged,
        five_percent_changed,
        peak_rss_mib,
        own_speed,
        ok,
    } = figures;
    let megabytes = *file_bytes as f64 / 1e6;
    let mut table = format!(
        "{rows} rows, {megabytes:.1} MB, seed {seed}, {profile} build\n\
         {:<24}{:>10}{:>10}{:>10}{:>10}\n",
        "", "rows/s", "WRU/row", "RRU/row", "req/1000"
    );
    let passes = [
        ("everybody new", new),
        ("nobody changed", unchanged),
        ("every 20th changed", five_percent_changed),
    ];
    for (name, pass) in passes {
        writeln!(
            table,
            "{name:<24}{:>10.0}{:>10.4}{:>10.3}{:>10.1}",
            pass.rows_per_second,
            pass.write_units_per_row,
            pass.read_units_per_row,
            pass.requests_per_1000_rows
        )
        .expect("a string grows");
    }
    writeln!(
        table,
        "peak memory of the importer {peak_rss_mib:.0} MiB\n\
         own code, no store {:.0} rows/s; csv alone {:.0} rows/s; ratio {:.1}\n\
         {}",
        own_speed.rows_per_second,
        own_speed.csv_rows_per_second,
        own_speed.ratio_to_csv,
        if *ok {
            "all limits kept"
        } else {
            "A LIMIT WAS BROKEN"
        }
    )
    .expect("a string grows");
    table
}
