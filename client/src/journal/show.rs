//! `interlock journal show`: from the edge, or from a folder; once, or as records are written.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use interlock_broker::clock::Clock;
use interlock_protocols::conduit::{Decided, JournalQuery};
use jiff::tz::TimeZone;
use tokio::sync::oneshot;

use super::filter::{function, narrows};
use super::folder::{Folder, sifted};
use super::join::Join;
use super::line::Line;
use super::print::{Out, Printer};
use super::unreadable;
use crate::failure::{Failure, Kind};
use crate::gateway::{Gateway, JournalStream, Shown};
use crate::limits::{BACKLOG_LIMIT, FOLLOW_EVERY, TABLE_LIMIT};
use crate::moment::{self, Bound};
use crate::screen::{self, Format};
use crate::{Setting, interrupted};

/// Show who did what, when, on which device, under which rule, with what result
///
/// Newest first; a table shows the newest 50 unless --limit says otherwise. Without DIR the edge is
/// asked, and whether you may read its log is decided by policy and recorded. With DIR a journal's
/// folder is read, also while the edge writes to it.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Show {
    /// Folder of the journal
    #[arg(value_name = "DIR")]
    pub(super) folder: Option<PathBuf>,
    /// Only this subject: person/NAME, or the whole id
    #[arg(long)]
    pub(super) subject: Option<String>,
    /// Only this device
    #[arg(long)]
    pub(super) device: Option<String>,
    /// Only commands that touch this named point
    #[arg(long)]
    pub(super) point: Option<String>,
    /// Only this Modbus function: its number, or a name such as write-single-register
    #[arg(long)]
    pub(super) function: Option<String>,
    /// Only what was allowed, or denied
    #[arg(long)]
    pub(super) decision: Option<Verdict>,
    /// Not before: 2026-11-22T14:30:00Z; 2026-11-22 14:30, 2026-11-22 or 14:30 in local time; or how
    /// long ago: 90m, 2h, 3d
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<String>,
    /// Before this time, written as for --since
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<String>,
    /// Only this session
    #[arg(long, value_name = "NUMBER")]
    pub(super) session: Option<u64>,
    /// Only from this record on
    #[arg(long, value_name = "SEQUENCE", default_value_t = 1)]
    pub(super) from: u64,
    /// At most so many; with --follow, so many of those before
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,
    /// Oldest first
    #[arg(long)]
    pub(super) oldest_first: bool,
    /// Go on as records are written, until Ctrl-C
    #[arg(short, long)]
    pub(super) follow: bool,
    /// In a table too: checkpoints, and how far sinks are
    #[arg(long)]
    pub(super) all: bool,
}

/// What was decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Verdict {
    /// Allowed.
    Allow,
    /// Denied.
    Deny,
}

impl Show {
    pub(super) async fn run(&self, setting: &Setting) -> Result<(), Failure> {
        let now_ms = Clock::start().now().wall_ms();
        let mut listing = self.listing(setting.format, now_ms, Box::new(screen::offer))?;
        let shown = match &self.folder {
            None => listing.of_edge(setting, self.follow).await,
            Some(folder) if self.follow => listing.follow_folder(folder, interrupted).await,
            Some(folder) => listing.of_folder(folder),
        };
        if shown.is_err() && listing.printer.has_nothing() {
            // An empty table before a refusal would read as an empty log.
            return shown;
        }
        if listing.end()? {
            let which = if listing.oldest_first {
                "newer"
            } else {
                "older"
            };
            screen::say(&format!(
                "there are {which} records that match; --limit NUMBER shows more of them"
            ));
        }
        shown
    }

    pub(super) fn listing(
        &self,
        format: Format,
        now_ms: i64,
        out: Out,
    ) -> Result<Listing, Failure> {
        let zone = TimeZone::system();
        let query = self.query(now_ms, &zone)?;
        let limit = self.limit_in(format);
        Ok(Listing {
            printer: Printer::new(format, self.follow, self.all, limit, out)?,
            join: Join::new(zone),
            oldest_first: self.oldest_first || self.follow,
            limit,
            query,
        })
    }

    /// What is asked for, but for order and limit.
    pub(super) fn query(&self, now_ms: i64, zone: &TimeZone) -> Result<JournalQuery, Failure> {
        let time = |text: &Option<String>, bound| {
            let text = text.as_deref();
            text.map(|text| {
                moment::parse(text, bound, now_ms, zone).ok_or_else(|| {
                    let what = format!("`{text}` is no time");
                    Failure::new(Kind::Usage, what, moment::FORMS)
                })
            })
            .transpose()
        };
        Ok(JournalQuery {
            from: self.from.max(1),
            subject: self.subject.clone(),
            device: self.device.clone(),
            point: self.point.clone(),
            function: self.function.as_deref().map(function).transpose()?,
            decision: self.decision.map(|verdict| match verdict {
                Verdict::Allow => Decided::Allow,
                Verdict::Deny => Decided::Deny,
            }),
            session: self.session,
            since_ms: time(&self.since, Bound::Since)?,
            until_ms: time(&self.until, Bound::Until)?,
            ..JournalQuery::default()
        })
    }

    /// How many lines: of those before, where it goes on; else all that there are, but for people,
    /// who have a screen.
    fn limit_in(&self, format: Format) -> Option<u64> {
        // Whoever says from where on wants all from there.
        let begins = self.since.is_some() || self.from > 1;
        self.limit.or(match format {
            _ if self.follow && begins => None,
            _ if self.follow => Some(BACKLOG_LIMIT),
            Format::Table => Some(TABLE_LIMIT),
            Format::Json | Format::Jsonl | Format::Csv => None,
        })
    }
}

/// One listing under way.
pub(super) struct Listing {
    printer: Printer,
    join: Join,
    query: JournalQuery,
    oldest_first: bool,
    limit: Option<u64>,
}

impl Listing {
    pub(super) fn of_folder(&mut self, path: &Path) -> Result<(), Failure> {
        let folder = Folder::new(path, &self.query);
        let (join, printer) = (&mut self.join, &mut self.printer);
        let mut take = |lines| {
            printer.take(lines)?;
            Ok(printer.wants())
        };
        let extent = folder.survey(join)?;
        if self.oldest_first {
            let shown = folder.oldest_first(self.query.from, join, &mut take);
            take(join.rest())?;
            return shown.map(drop);
        }
        folder.newest_first(&extent, join, &mut take)?;
        // What is behind it nobody can read; it must not pass for the end.
        extent
            .damage
            .map_or(Ok(()), |error| Err(unreadable(path, &error)))
    }

    pub(super) async fn follow_folder(
        &mut self,
        path: &Path,
        interrupted: impl FnOnce() -> oneshot::Receiver<()>,
    ) -> Result<(), Failure> {
        let folder = Folder::new(path, &self.query);
        let (join, printer) = (&mut self.join, &mut self.printer);
        let extent = folder.survey(join)?;
        let mut next = self.query.from;
        if let Some(limit) = self.limit {
            let mut backlog = Vec::new();
            folder.newest_first(&extent, join, &mut |lines| {
                backlog.extend(lines);
                Ok(!full(&backlog, limit))
            })?;
            printer.take(latest(backlog, limit))?;
            printer.lift();
            next = next.max(extent.last.saturating_add(1));
        }
        let mut interrupted = interrupted();
        loop {
            next = folder.oldest_first(next, join, &mut |lines| {
                printer.take(lines)?;
                Ok(printer.wants())
            })?;
            if !printer.wants() {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(FOLLOW_EVERY) => {}
                _ = &mut interrupted => return printer.take(join.rest()),
            }
        }
    }

    async fn of_edge(&mut self, setting: &Setting, follow: bool) -> Result<(), Failure> {
        let mut gateway = Gateway::connect(&setting.profile()?).await?;
        let shown = if follow {
            self.follow_edge(&mut gateway, interrupted).await
        } else {
            self.once(&gateway).await
        };
        gateway.goodbye().await;
        shown
    }

    pub(super) async fn once(&mut self, gateway: &Gateway) -> Result<(), Failure> {
        let newest_first = !self.oldest_first;
        self.join.wait(self.oldest_first);
        let mut records = self.ask(gateway, newest_first).await?;
        while let Some(shown) = records.next().await? {
            self.show(shown)?;
            if !self.printer.wants() {
                return Ok(());
            }
        }
        self.printer.take(self.join.rest())
    }

    /// The latest of what there is, then all that comes.
    pub(super) async fn follow_edge(
        &mut self,
        gateway: &mut Gateway,
        interrupted: impl FnOnce() -> oneshot::Receiver<()>,
    ) -> Result<(), Failure> {
        if let Some(limit) = self.limit {
            self.join.wait(false);
            let mut records = self.ask(gateway, true).await?;
            let mut backlog = Vec::new();
            while !full(&backlog, limit)
                && let Some(shown) = records.next().await?
            {
                backlog.extend(self.sift(shown));
            }
            let last = backlog.iter().map(|line| line.sequence).max();
            self.query.from = last.map_or(self.query.from, |last| last.saturating_add(1));
            self.printer.take(latest(backlog, limit))?;
            self.printer.lift();
            self.join.wait(true);
        }
        self.query.follow = true;
        self.limit = None;
        let mut records = self.ask(gateway, false).await?;
        let ended = self.live(gateway, &mut records, interrupted()).await;
        self.printer.take(self.join.rest())?;
        ended
    }

    async fn live(
        &mut self,
        gateway: &mut Gateway,
        records: &mut JournalStream,
        mut interrupted: oneshot::Receiver<()>,
    ) -> Result<(), Failure> {
        while self.printer.wants() {
            let shown = tokio::select! {
                biased;
                shown = records.next() => shown?,
                _ = &mut interrupted => return Ok(()),
                // What the gateway tells of itself is shown on its way; that the session is over
                // shows at the journal's own stream too.
                step = gateway.next_step() => {
                    step?;
                    continue;
                }
            };
            let Some(shown) = shown else {
                return Err(Failure::new(
                    Kind::Unreachable,
                    "the gateway sends no more of its journal",
                    "it may be stopping; follow it again later",
                ));
            };
            self.show(shown)?;
        }
        Ok(())
    }

    /// Asks for one record more than there is to be shown, to know whether there is one.
    async fn ask(&self, gateway: &Gateway, newest_first: bool) -> Result<JournalStream, Failure> {
        // Housekeeping is not shown, yet would be counted.
        let counts = narrows(&self.query) || self.printer.shows_all();
        let limit = self.limit.filter(|_| counts);
        gateway
            .read_journal(JournalQuery {
                newest_first,
                limit: limit.map(|limit| limit.saturating_add(1)),
                ..self.query.clone()
            })
            .await
    }

    fn show(&mut self, shown: Shown) -> Result<(), Failure> {
        let lines = self.sift(shown);
        self.printer.take(lines)
    }

    fn sift(&mut self, shown: Shown) -> Vec<Line> {
        let shown = match shown {
            Shown::Match(record) => sifted(record, &self.query),
            belonging => Some(belonging),
        };
        shown.map_or_else(Vec::new, |shown| self.join.take(shown))
    }

    /// Whether there is more than was asked for.
    pub(super) fn end(&mut self) -> Result<bool, Failure> {
        self.printer.end()
    }
}

/// Whether so many lines of a table are there.
fn full(backlog: &[Line], limit: u64) -> bool {
    u64::try_from(backlog.len()).unwrap_or(u64::MAX) >= limit
}

/// The first of what came newest first, as it was written.
fn latest(mut lines: Vec<Line>, limit: u64) -> Vec<Line> {
    lines.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    lines.sort_by_key(|line| line.sequence);
    lines
}
