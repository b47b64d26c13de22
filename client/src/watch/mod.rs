//! `interlock watch`: what a session does, or what is done at a device, as it is done.

mod answers;
#[cfg(unix)]
pub(crate) mod played;
mod questions;
mod row;
mod show;
#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;

use clap::Args;
use interlock_broker::clock::Clock;
use interlock_protocols::conduit::{Seen, SeenHold, ToWatcher, Watched};
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot};

use self::answers::Line;
use self::questions::{Questions, Typed};
use self::row::WatchRow;
use crate::Setting;
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::gateway::watching::Watching;
use crate::screen::{self, Format};

/// Watch what a session does, or what is done at a device, as it is done.
///
/// A line a command: when, who, where, what in the names of points, whether it passed, and how long
/// the device took. Where policy lets you, you supervise what you watch: windows that need somebody
/// of another organisation pass commands while you do, and ask you about writes that wait for a
/// yes. What your screen takes counts as seen: where a command cannot be shown for three seconds, theirs
/// are held. Where the output goes to a program, see to it that somebody looks. -o json gives a JSON
/// object a line. Ctrl-C ends it.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Number of a session (`interlock sessions`), or name of a device
    #[arg(value_name = "SESSION|DEVICE")]
    what: String,
}

pub(crate) async fn run(asked: &Watch, setting: &Setting) -> Result<(), Failure> {
    if setting.format == Format::Csv {
        return Err(Failure::new(
            Kind::Usage,
            "what is watched has no columns in common",
            "use -o jsonl, a JSON object a line",
        ));
    }
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let interrupted = crate::interrupted();
    let ended = match gateway.watch(watched(&asked.what)).await {
        Ok(watching) => {
            introduce(&asked.what, watching.supervises());
            let lines = answers::typed();
            let screen = Screen::of(setting.format);
            let mut desk = Desk::new(watching, screen, std::io::stdin().is_terminal());
            desk.attend(&mut gateway, lines, interrupted).await
        }
        Err(failure) => Err(failure),
    };
    gateway.goodbye().await;
    ended
}

/// What is all digits is the number of a session.
fn watched(text: &str) -> Watched {
    match text.parse() {
        Ok(session) => Watched::Session(session),
        Err(_) => Watched::Device(text.to_owned()),
    }
}

fn introduce(what: &str, supervises: bool) {
    let (word, text) = introduction(what, supervises);
    screen::say_loud(word, &text);
}

fn introduction(what: &str, supervises: bool) -> (&'static str, String) {
    match supervises {
        true => (
            "SUPERVISING",
            format!(
                "{what}: people of other organisations work there because you watch. Keep it in sight; Ctrl-C ends it, and holds them"
            ),
        ),
        false => (
            "watching only",
            format!("{what}: you do not supervise, and nothing waits for you. Ctrl-C ends it"),
        ),
    }
}

/// What became of a hold.
fn settled(hold: u64, what: &str) -> String {
    format!("-- hold {hold}: {}", screen::one_line(what))
}

/// Where it is shown.
#[derive(Clone, Debug)]
struct Screen {
    json: bool,
    zone: TimeZone,
}

impl Screen {
    fn of(format: Format) -> Screen {
        Screen {
            json: format != Format::Table,
            zone: TimeZone::system(),
        }
    }

    /// Shows data; false where whoever reads has enough.
    fn put(&self, text: &str) -> Result<bool, Failure> {
        screen::offer(text)
    }
}

/// One watch, and what is asked in it.
struct Desk {
    watching: Watching,
    screen: Screen,
    questions: Questions,
    clock: Clock,
    terminal: bool,
    /// Nobody can answer here: the input has ended.
    mute: bool,
}

/// What comes next.
enum Turn {
    Told(Option<ToWatcher>),
    Typed(Option<Line>),
    Interrupted,
}

/// What there is to do after something was shown.
#[derive(PartialEq, Eq)]
enum Next {
    Watch,
    /// Whoever reads has enough.
    Enough,
}

impl Desk {
    fn new(watching: Watching, screen: Screen, terminal: bool) -> Desk {
        Desk {
            watching,
            screen,
            questions: Questions::default(),
            clock: Clock::start(),
            terminal,
            mute: false,
        }
    }

    async fn attend(
        &mut self,
        gateway: &mut Gateway,
        mut lines: mpsc::Receiver<Line>,
        mut interrupted: oneshot::Receiver<()>,
    ) -> Result<(), Failure> {
        loop {
            let turn = tokio::select! {
                biased;
                _ = &mut interrupted => Turn::Interrupted,
                told = self.watching.next() => Turn::Told(told?),
                line = lines.recv(), if !self.mute => Turn::Typed(line),
                // Warnings are shown as they come; refusals are of other streams.
                lost = async { loop { if let Err(lost) = gateway.next_notice().await { return lost } } } => {
                    return Err(lost);
                }
            };
            match turn {
                Turn::Told(Some(told)) => {
                    if self.told(told).await? == Next::Enough {
                        return Ok(());
                    }
                }
                Turn::Told(None) => {
                    return Err(Failure::new(
                        Kind::Unreachable,
                        "the gateway ended it: you watch no longer",
                        "watch again",
                    ));
                }
                Turn::Typed(Some(line)) => self.typed(&line).await?,
                Turn::Typed(None) => self.mute = true,
                Turn::Interrupted => {
                    screen::say(match self.watching.supervises() {
                        true => "ended; you supervise no longer",
                        false => "ended",
                    });
                    return Ok(());
                }
            }
        }
    }

    /// Shows it, and only then says that it was seen.
    async fn told(&mut self, told: ToWatcher) -> Result<Next, Failure> {
        let shown = match &told.seen {
            Seen::Quiet => true,
            seen if self.screen.json => self.screen.put(&screen::line(&WatchRow::of(seen))?)?,
            _ => true,
        };
        let shown = shown && self.show(told.seen)?;
        if !shown {
            return Ok(Next::Enough);
        }
        self.watching.shown(told.number).await?;
        Ok(Next::Watch)
    }

    fn show(&mut self, seen: Seen) -> Result<bool, Failure> {
        let width = screen::width();
        let text = match seen {
            Seen::Quiet => return Ok(true),
            Seen::Command(command) => show::command(&command, width, &self.screen.zone),
            Seen::Missed { commands } => {
                format!("          ... {commands} commands are not shown: too many at once\n")
            }
            Seen::Held(hold) => {
                return match self.questions.held(hold.clone()) {
                    true => self.ask(&hold),
                    false => Ok(true),
                };
            }
            Seen::Settled { hold, what } => {
                let next = self.questions.settled(hold).cloned();
                let text = settled(hold, &what);
                let shown = self.people(&screen::wrapped(&text, width))?;
                return match next {
                    Some(next) if shown => self.ask(&next),
                    _ => Ok(shown),
                };
            }
            Seen::Unheard { hold, what, next } => {
                let text =
                    format!("hold {hold}: your answer does not count: {what}\n  next: {next}");
                screen::say_loud("not heard", &text);
                return Ok(true);
            }
            Seen::Ended { what, next } => {
                return Err(Failure::new(
                    Kind::Denied,
                    format!("you watch no longer: {what}"),
                    next,
                ));
            }
        };
        self.people(&text)
    }

    /// A question is for whoever sits here, also where data goes to a program.
    fn ask(&mut self, hold: &SeenHold) -> Result<bool, Failure> {
        let behind = self.questions.behind();
        let text = show::question(hold, behind, screen::width(), &self.screen.zone);
        if self.mute {
            screen::say("the input has ended: nobody can answer here");
        }
        let shown = match self.screen.json {
            true => {
                screen::say(&text);
                true
            }
            false => self.screen.put(&text)?,
        };
        // Only now: a screen that was stopped has shown nothing meanwhile, whatever was typed.
        self.questions.shown(self.clock.now().mono());
        Ok(shown)
    }

    /// What people read; programs were told already.
    fn people(&self, text: &str) -> Result<bool, Failure> {
        match self.screen.json {
            true => Ok(true),
            false => self.screen.put(text),
        }
    }

    async fn typed(&mut self, line: &Line) -> Result<(), Failure> {
        let now = self.clock.now().mono();
        let text = match line {
            Line::Text(text) => text,
            Line::TooLong => {
                screen::say("that line is too long for an answer");
                return Ok(());
            }
        };
        match self.questions.typed(text, !self.terminal, now) {
            Typed::Answer { hold, yes } => self.watching.answer(hold, yes).await,
            Typed::Nothing(words) => {
                if !words.is_empty() {
                    screen::say(&words);
                }
                Ok(())
            }
        }
    }
}
