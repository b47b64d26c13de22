//! `interlock window approve`: shown from the approver's own files, asked, and signed.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::Args;
use interlock_broker::clock::Clock;
use interlock_broker::plant::Bounds;
use interlock_broker::root::ApproverKey;
use interlock_broker::subject::path;
use interlock_protocols::conduit::{Ask, WindowRow, WindowState};
use jiff::tz::TimeZone;

use super::consent::{Consent, Consented, Desk};
use super::range::{Range, draw};
use super::{functions, one, times};
use crate::approver::{self, Trusted};
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::limits::{APPROVALS_SHOWN_MAX, SAID_MAX_CHARS, STATUS_COLUMNS};
use crate::profile::Profile;
use crate::screen::{self, one_line};
use crate::{Setting, fingerprint, moment};

/// Sign a window's grant, with your grant key
///
/// What you sign is shown from the grant itself and from the plant that your site root signed and
/// that you keep with `interlock approver trust`; what others say of it is shown apart. Where the
/// two differ nothing is signed.
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// Its number
    window: u64,
    /// In your words; whoever asked reads it
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    /// Your secret grant key [default: grant.key in the folder of the profile]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The time zone to show times in: Europe/Berlin [default: this machine's own]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Do not ask; for scripts whose owner has read it
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(asked: &Approve, setting: &Setting) -> Result<(), Failure> {
    let zone = times::zone(asked.zone.as_deref())?;
    let profile = setting.profile()?;
    // Without these nothing could be signed, whatever the gateway sends.
    let trusted = Trusted::open(profile.folder())?;
    let key = approver::key(asked.key.as_deref(), profile.folder())?;
    let mut gateway = Gateway::connect(&profile).await?;
    let approving = Approving {
        asked,
        profile: &profile,
        trusted: &trusted,
        key: &key,
        zone: &zone,
    };
    let width = screen::width().map_or(STATUS_COLUMNS, usize::from);
    let approved = approving.run(&mut gateway, width, ask).await;
    gateway.goodbye().await;
    screen::say(&screen::one_line(&approved?));
    Ok(())
}

/// All that one approval takes.
pub(super) struct Approving<'a> {
    pub(super) asked: &'a Approve,
    pub(super) profile: &'a Profile,
    pub(super) trusted: &'a Trusted,
    pub(super) key: &'a ApproverKey,
    pub(super) zone: &'a TimeZone,
}

impl Approving<'_> {
    /// Shows, asks, signs what was shown, and sends it; gives what the gateway says.
    pub(super) async fn run(
        &self,
        gateway: &mut Gateway,
        width: usize,
        ask: impl AsyncFnOnce() -> Result<bool, Failure>,
    ) -> Result<String, Failure> {
        let show = |lines: &[String]| screen::data(&(lines.join("\n") + "\n"));
        self.shown(gateway, width, show, ask).await
    }

    /// The same, shown on another page than stdout.
    pub(super) async fn shown(
        &self,
        gateway: &mut Gateway,
        width: usize,
        show: impl FnOnce(&[String]) -> Result<(), Failure>,
        ask: impl AsyncFnOnce() -> Result<bool, Failure>,
    ) -> Result<String, Failure> {
        let row = one(gateway, self.asked.window).await?;
        stands(&row)?;
        let public = self.key.public();
        let desk = Desk {
            trusted: self.trusted,
            key: &public,
            welcome: gateway.welcome(),
            window: self.asked.window,
            now_ms: Clock::start().now().wall_ms(),
        };
        let consent = Consent::read(&row, &desk).map_err(|wrong| differs(&row, &wrong))?;
        show(&words(&consent, &row, &desk, self.zone, width))?;
        if !self.asked.yes && !ask().await? {
            return Err(Failure::new(
                Kind::Failed,
                "nothing was signed",
                format!(
                    "`interlock window refuse {}` says so to whoever asked",
                    row.window
                ),
            ));
        }
        gateway.show_presence(self.profile).await?;
        let approve = Ask::ApproveWindow {
            window: row.window,
            key: public,
            // These very bytes were shown.
            signature: self.key.sign(consent.grant.body),
            comment: self.asked.comment.clone(),
        };
        gateway.ask_for_word(approve).await
    }
}

/// What was decided, or is over, is nobody's trick: there is only nothing to sign.
fn stands(row: &WindowRow) -> Result<(), Failure> {
    let next = match row.state {
        // A plant that changed is for the approver's own plant to say.
        WindowState::Pending | WindowState::Short | WindowState::Outdated => return Ok(()),
        WindowState::Approved | WindowState::Open | WindowState::Exhausted => "tells who did",
        _ => "tells of it; if the work goes on, it must be asked for again",
    };
    let what = match row.state {
        WindowState::Approved => "approved already".to_owned(),
        WindowState::Open | WindowState::Exhausted => {
            format!("approved already, and {}", row.state.name())
        }
        state => state.name().to_owned(),
    };
    Err(Failure::new(
        Kind::Failed,
        format!("window {} is {what}: there is nothing to sign", row.window),
        format!("`interlock window show {}` {next}", row.window),
    ))
}

fn differs(row: &WindowRow, wrong: &[String]) -> Failure {
    let lines: Vec<String> = wrong
        .iter()
        .map(|why| format!("\n  {}", one_line(why)))
        .collect();
    Failure::new(
        Kind::Denied,
        format!("window {} is not signed:{}", row.window, lines.concat()),
        "if nobody here changed anything, ask who did, and tell whoever keeps the gateway",
    )
}

/// Asks the person at the terminal. The connection lives on meanwhile.
async fn ask() -> Result<bool, Failure> {
    // What went elsewhere is not what the person at the terminal has read.
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Failure::new(
            Kind::Usage,
            "there is no terminal to show it and to ask at",
            "read what is shown, then say --yes",
        ));
    }
    let answer = tokio::task::spawn_blocking(|| {
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "Sign this? [y/N] ");
        let _ = stderr.flush();
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    let line = answer.await.map_err(Failure::of_program)?;
    let line = line.map_err(|error| Failure::new(Kind::Failed, error.to_string(), ""))?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// What is to be signed, and apart from it what others say.
pub(super) fn words(
    consent: &Consent<'_>,
    row: &WindowRow,
    desk: &Desk<'_>,
    zone: &TimeZone,
    width: usize,
) -> Vec<String> {
    let grant = &consent.grant;
    let mut lines = vec!["You are asked to sign:".to_owned()];
    let mut say = |what: &str, says: String| {
        lines.push(format!("  {what:<12}{}", one_line(&says)));
    };
    say("who", path(grant.holder).to_owned());
    // A line of it for each half: people compare it, on screens of 80 columns.
    let machine = fingerprint::grouped(grant.holder_key);
    let (one, other) = machine.split_at(machine.len().div_ceil(2));
    say("on machine", one.to_owned());
    say("", other.to_owned());
    let description = match consent.device.description() {
        "" => String::new(),
        description => format!(" ({description})"),
    };
    say("device", format!("{}{description}", grant.device));
    say(
        "through",
        format!("the gateway {} of {}", grant.gateway, grant.site),
    );
    if !grant.guard.is_empty() {
        say("and", format!("the write guard {}", grant.guard));
    }
    for (at, span) in grant.spans().enumerate() {
        say(
            if at == 0 { "when" } else { "" },
            times::span_words(&span, zone),
        );
    }
    let each = if grant.spans().len() > 1 {
        ", each time"
    } else {
        ""
    };
    match consent.points.iter().any(|point| point.range.is_some()) {
        true => say("writes", format!("at most {}{each}", grant.max_writes)),
        false => say("writes", "none".to_owned()),
    }
    let watched = match (grant.supervised, grant.hold) {
        (true, true) => "by another organisation, which says yes to each write",
        (true, false) => "all of it by another organisation",
        (false, true) => "each write waits for the yes of another organisation",
        (false, false) => "by nobody",
    };
    say("watched", watched.to_owned());
    say(
        "needs",
        format!("{} of {} approvers", grant.quorum, grant.approvers().len()),
    );
    lines.push(String::new());
    let ranges: Vec<Range> = consent.points.iter().map(range).collect();
    lines.extend(draw(&ranges, width));
    lines.push(String::new());
    let columns = u16::try_from(width).ok();
    for told in consent.points.iter().map(told) {
        lines.push(wrapped(&told, columns));
    }
    lines.push(String::new());
    lines.push(format!(
        "All of this is from the grant itself and from your own plant (number {}).",
        desk.trusted.serial()
    ));
    // Where the screen ends they go on indented: none of it can be taken for a line of the grant.
    let others = said(row, zone);
    lines.extend(others.iter().map(|line| wrapped(line, columns)));
    lines
}

fn wrapped(line: &str, columns: Option<u16>) -> String {
    screen::wrapped(line, columns).trim_end().to_owned()
}

/// What is no part of the grant, each with who says it. A gateway may send more than it takes, and
/// none of that may push the grant off the screen.
fn said(row: &WindowRow, zone: &TimeZone) -> Vec<String> {
    let mut lines = vec!["Said by others, and not signed:".to_owned()];
    let mut say = |who: &str, says: String| {
        lines.push(format!("  {}: {}", one_line(who), one_line(&short(&says))));
    };
    say(path(&row.by), format!("\"{}\"", row.reason));
    let asked = moment::minute(row.asked_ms, zone);
    let extends = row
        .extends
        .map_or(String::new(), |window| format!(", extends window {window}"));
    let state = row.state.name();
    say(
        "the gateway",
        format!(
            "window {}, asked for on {asked}, {state}{extends}",
            row.window
        ),
    );
    for approval in row.approvals.iter().take(APPROVALS_SHOWN_MAX) {
        let by = path(&approval.approved.by);
        let comment = &approval.approved.comment;
        say(
            "the gateway",
            format!(
                "{by} approved on {}: \"{comment}\"",
                moment::minute(approval.time_ms, zone)
            ),
        );
    }
    let more = row.approvals.len().saturating_sub(APPROVALS_SHOWN_MAX);
    if more > 0 {
        say("the gateway", format!("{more} more approved it"));
    }
    lines
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SAID_MAX_CHARS) {
        Some((end, _)) => format!("{}... (cut off here)", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn range(point: &Consented) -> Range {
    let (own, bit) = match point.bounds {
        Bounds::Interval { min, max } => (min.zip(max), false),
        Bounds::States { .. } => (None, true),
    };
    Range {
        name: point.name.clone(),
        unit: point.unit.clone(),
        own,
        asked: point.range,
        now: None,
        bit,
    }
}

/// Where a point is, how it may be written, and what it is for.
fn told(point: &Consented) -> String {
    let names: Vec<&str> = point
        .writing
        .iter()
        .map(|code| functions::short(*code))
        .collect();
    let how = match names.as_slice() {
        [] => "reading alone".to_owned(),
        names => names.join(", "),
    };
    let what = match point.description.as_str() {
        "" => String::new(),
        description => format!(". {description}"),
    };
    one_line(&format!("{}: {}, {how}{what}", point.name, point.place))
}
