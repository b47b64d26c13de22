//! `interlock window list`, once or as windows go on.

use std::collections::BTreeMap;

use clap::Args;
use interlock_broker::clock::Clock;
use interlock_protocols::conduit::{Ask, WindowRow};
use jiff::tz::TimeZone;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use super::row::WindowShown;
use super::rows;
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::limits::WINDOWS_LOOK_EVERY;
use crate::screen::{self, Format, Row as _};
use crate::{Setting, interrupted};

/// List the windows that concern you; where policy lets you, all of them
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those that wait for approvers
    #[arg(long)]
    pending: bool,
    /// Go on, and show each window again when something happened to it, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

/// Widths of the columns but the last of a table that goes on.
const LIVE_WIDTHS: [u16; 4] = [6, 10, 18, 16];

pub(super) async fn run(asked: &List, setting: &Setting) -> Result<(), Failure> {
    if asked.watch && setting.format == Format::Json {
        return Err(Failure::new(
            Kind::Usage,
            "a list that goes on never ends, and a JSON array must",
            "use -o jsonl with --watch",
        ));
    }
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let pending = asked.pending;
    let mut listing = Listing::new(setting.format, asked.watch);
    let mut out = screen::offer;
    let listed = if asked.watch {
        listing
            .follow(&mut gateway, pending, interrupted(), &mut out)
            .await
    } else {
        listing.once(&mut gateway, pending, &mut out).await
    };
    gateway.goodbye().await;
    listed
}

/// Takes data; false where whoever reads has enough.
type Out<'o> = dyn FnMut(&str) -> Result<bool, Failure> + 'o;

/// What was shown already.
pub(super) struct Listing {
    clock: Clock,
    zone: TimeZone,
    format: Format,
    live: bool,
    begun: bool,
    shown: BTreeMap<u64, WindowRow>,
}

impl Listing {
    pub(super) fn new(format: Format, live: bool) -> Listing {
        Listing {
            clock: Clock::start(),
            zone: TimeZone::system(),
            format,
            live,
            begun: false,
            shown: BTreeMap::new(),
        }
    }

    pub(super) async fn once(
        &mut self,
        gateway: &mut Gateway,
        pending: bool,
        out: &mut Out<'_>,
    ) -> Result<(), Failure> {
        self.look(gateway, pending, out).await.map(drop)
    }

    /// Shows what there is, then what changes: at each step that is told, and now and then without.
    pub(super) async fn follow(
        &mut self,
        gateway: &mut Gateway,
        pending: bool,
        mut interrupted: oneshot::Receiver<()>,
        out: &mut Out<'_>,
    ) -> Result<(), Failure> {
        let mut tick = interval(WINDOWS_LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.look(gateway, pending, out).await? {
            tick.reset();
            tokio::select! {
                _ = &mut interrupted => return Ok(()),
                step = gateway.next_step() => drop(step?),
                _ = tick.tick() => {}
            }
        }
        Ok(())
    }

    /// Prints those that are other than they were shown; false where nobody reads any more.
    async fn look(
        &mut self,
        gateway: &mut Gateway,
        pending: bool,
        out: &mut Out<'_>,
    ) -> Result<bool, Failure> {
        let now = rows(gateway.ask_for_parts(Ask::Windows { pending }).await?);
        // One that left the list of those that wait was decided: what became of it is shown once.
        let mut changed = self.gone(gateway, &now).await?;
        let new = |row: &&WindowRow| self.shown.get(&row.window) != Some(*row);
        changed.extend(now.iter().filter(new).cloned());
        self.shown = now.into_iter().map(|row| (row.window, row)).collect();
        self.print(&changed, out)
    }

    async fn gone(
        &self,
        gateway: &mut Gateway,
        now: &[WindowRow],
    ) -> Result<Vec<WindowRow>, Failure> {
        let mut gone = Vec::new();
        for window in self.shown.keys() {
            if now.iter().all(|row| row.window != *window) {
                gone.push(super::one(gateway, *window).await?);
            }
        }
        Ok(gone)
    }

    fn print(&mut self, rows: &[WindowRow], out: &mut Out<'_>) -> Result<bool, Failure> {
        let now_ms = self.clock.now().wall_ms();
        let shown = rows
            .iter()
            .map(|row| WindowShown::of(row, now_ms, &self.zone));
        let shown: Vec<WindowShown> = shown.collect();
        let first = !std::mem::replace(&mut self.begun, true);
        if !first && shown.is_empty() {
            return Ok(true);
        }
        let text = match self.format {
            Format::Table if self.live => {
                let header = WindowShown::HEADER.iter().map(|name| (*name).to_owned());
                let header = first.then(|| row(&header.collect::<Vec<_>>()));
                let rows = shown.iter().map(|shown| row(&shown.cells()));
                header.into_iter().chain(rows).collect()
            }
            Format::Csv if !first => {
                let lines = shown.iter().map(|shown| screen::csv_line(shown.fields()));
                lines.collect::<Result<String, _>>()?
            }
            format => screen::render(format, &shown, screen::width())?,
        };
        out(&text)
    }
}

fn row(cells: &[String]) -> String {
    screen::row(cells, &LIVE_WIDTHS, screen::width())
}
