//! `interlock root seal`: grants for emergencies, made offline, and what one says.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use interlock_broker::clock::Clock;
use interlock_broker::plant::Plant;
use interlock_broker::root::{NotSealed, RootKey, RootSecret, Sealing};
use interlock_protocols::grant::{self, Grant, Span};
use interlock_protocols::modbus::{DataType, FunctionCode};
use jiff::tz::TimeZone;

use super::{Said, bytes, faulty, misset, text, unwritten};
use crate::failure::Failure;
use crate::window::{functions, limits, times};
use crate::{keys, screen};

/// Most commands with effect, unless said otherwise: a long night at a panel.
const MOST: u32 = 1_000;

/// Seal a grant for an emergency: it opens once, with a key switch, on one gateway
///
/// Whoever has the file, a session on that gateway, and the key in the switch beside it, may do what
/// it says without a rule being asked. Keep it in an envelope, away from the gateway, and seal
/// another one when the plant is signed anew: it counts for just this plant.toml.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Seal {
    /// The gateway that may open it, by its name in edge.toml
    #[arg(long)]
    gateway: String,
    /// The device
    #[arg(long)]
    device: String,
    /// Its points, with commas between
    #[arg(long, value_delimiter = ',', required = true)]
    points: Vec<String>,
    /// What to do to them: write-register, write-registers, write-coil, write-coils, mask-register, or
    /// whole names; the points can be read in any case
    #[arg(long, value_delimiter = ',')]
    functions: Vec<String>,
    /// Narrower limits for a point, in its unit: speed_setpoint=0..800; may be repeated
    #[arg(long = "limit", value_name = "POINT=LEAST..GREATEST")]
    limits: Vec<String>,
    /// Most commands that write
    #[arg(long, value_name = "N")]
    max_writes: Option<u32>,
    /// For how long it holds once it was opened: 2h, 90m
    #[arg(long, value_name = "LENGTH", value_parser = times::seconds)]
    open_for: u32,
    /// From when on it may be opened: 2026-11-22, 2026-11-22 14:30, or now
    #[arg(long, value_name = "TIME")]
    valid_from: String,
    /// Until when it may be opened
    #[arg(long, value_name = "TIME")]
    valid_until: String,
    /// The time zone of these times: Europe/Berlin [default: this machine's own]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// The plant, as it was signed
    #[arg(long, value_name = "FILE")]
    plant: PathBuf,
    /// The secret key that `interlock root init` made
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where to write it; nothing is overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Example:
  interlock root seal --gateway gate-1 --device press-4 --points speed_setpoint,run \\
    --functions write-register,write-coil --limit speed_setpoint=0..300 --open-for 2h \\
    --valid-from 2026-12-01 --valid-until 2027-06-01 --plant plant.toml --key site-root.key \\
    --out press-4.sealed";

pub(super) fn run(asked: &Seal) -> Result<(), Failure> {
    let now = Clock::start().now();
    let zone = times::zone(asked.zone.as_deref())?;
    let from = times::moment(&asked.valid_from, now.wall_ms(), &zone)?;
    let until = times::moment(&asked.valid_until, now.wall_ms(), &zone)?;
    let seconds = (until - from) / 1_000;
    let (Ok(start_ms), Ok(length_s)) = (u64::try_from(from), u32::try_from(seconds)) else {
        return Err(misset(
            "the time in which it can be opened ends before it begins",
            "look at --valid-from and --valid-until",
        ));
    };
    let functions: Result<Vec<FunctionCode>, Failure> = asked
        .functions
        .iter()
        .map(|name| functions::named(name))
        .collect();
    let functions = functions?;
    let writes = functions.iter().any(|function| grant::writes(*function));
    let limits: Result<Vec<_>, Failure> = asked
        .limits
        .iter()
        .map(|text| limits::parse(text))
        .collect();
    keys::private(&asked.key)?;
    let secret = RootSecret::parse(&text(&asked.key)?).map_err(|error| {
        let what = format!("{}: {error}", asked.key.display());
        misset(what, "name the file that `interlock root init` made")
    })?;
    let bytes = bytes(&asked.plant)?;
    let plant = text(&asked.plant)?;
    let plant = Plant::parse(&asked.plant, &plant).map_err(|found| faulty(&found))?;
    let codes: Vec<u8> = functions.iter().map(|function| function.code()).collect();
    let sealing = Sealing {
        plant: (&plant, &bytes),
        gateway: &asked.gateway,
        device: &asked.device,
        points: &asked.points,
        functions: &codes,
        limits: &limits?,
        max_writes: asked.max_writes.unwrap_or(if writes { MOST } else { 0 }),
        open_s: asked.open_for,
        span: Span { start_ms, length_s },
    };
    let sealed = secret.seal(&sealing, now).map_err(|why| unsealed(&why))?;
    write(&asked.out, &sealed)?;
    for row in rows(&sealed, None).map_err(Failure::of_program)? {
        screen::say(&format!("{}: {}", row.what, row.says));
    }
    screen::say(&format!(
        "{} opens once; keep it away from the gateway, in an envelope that shows when it was opened",
        asked.out.display()
    ));
    Ok(())
}

fn unsealed(why: &NotSealed) -> Failure {
    misset(
        format!("nothing is sealed: {why}"),
        "correct it, then seal it again",
    )
}

/// Never over another one: that would be one less in an emergency.
fn write(path: &Path, sealed: &[u8]) -> Result<(), Failure> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        std::io::Write::write_all(&mut file, sealed)?;
        file.sync_all()
    });
    written.map_err(|error| unwritten(path, &error))
}

/// Whether a document is a grant, and none of the others.
pub(super) fn is_grant(bytes: &[u8]) -> bool {
    bytes.starts_with(grant::DOMAIN)
}

/// What a sealed grant says, from its own bytes.
pub(super) fn rows(bytes: &[u8], root: Option<&str>) -> Result<Vec<Said>, String> {
    if let Some(root) = root {
        let root = RootKey::parse(root).map_err(|error| error.to_string())?;
        root.sealed(bytes).map_err(|error| error.to_string())?;
    }
    let grant = Grant::read(bytes).map_err(|error| error.to_string())?;
    let kind = match grant.kind {
        grant::Kind::BreakGlass => "break-glass",
        grant::Kind::Window => "a maintenance window",
    };
    let said = |what, says| Said { what, says };
    let mut rows = vec![
        said("kind", kind.to_owned()),
        said("site", grant.site.to_owned()),
        said("gateway", grant.gateway.to_owned()),
        said("device", grant.device.to_owned()),
    ];
    for span in grant.spans() {
        rows.push(said("valid", times::span_words(&span, &TimeZone::UTC)));
    }
    if grant.kind == grant::Kind::BreakGlass {
        let open = i64::from(grant.open_s) * 1_000;
        rows.push(said("open for", crate::moment::rough(open)));
    }
    rows.push(said("writes", format!("{} at the most", grant.max_writes)));
    rows.extend(grant.points().map(|point| said("point", words(&point))));
    let plant = grant.plant.iter().map(|byte| format!("{byte:02x}"));
    rows.push(said("SHA-256 of plant.toml", plant.collect()));
    Ok(rows)
}

/// As the device knows it: names are the plant's.
fn words(point: &grant::Point) -> String {
    let at = point.first.in_table(point.table);
    let holds = point.data_type.map_or("bool", DataType::name);
    let functions: Vec<&str> = point.functions.iter().map(functions::short).collect();
    let words = format!(
        "unit {}, {at}, {holds}: {}",
        point.unit,
        functions.join(", ")
    );
    if !point.functions.iter().any(grant::writes) {
        return words;
    }
    let [least, greatest] = [point.raw_min, point.raw_max].map(|raw| point.number(raw));
    format!("{words}, raw {least} to {greatest}")
}
