//! Watching, supervision, holds and the one writer, attacked.

mod holding;
mod supervised;
mod watching;
mod writing;

use std::time::Duration;

use interlock_broker::clock::Now;
use interlock_broker::mediation::{Conversation, Permit, Refusal, Session, Watch, Wire};
use interlock_protocols::conduit::{Seen, SeenCommand, SeenHold, Watched};
use interlock_protocols::record::Event;

use super::{Hall, VICTOR, ask, at, done, write};
use crate::world::{World, noon};

/// Of another firm than victor's, and of the same one.
const WANDA: &str = "vendor/other/wanda";
const VERA: &str = "vendor/acme/vera";

fn s(seconds: u64) -> Now {
    at(Duration::from_secs(seconds))
}

fn ms(ms: u64) -> Now {
    at(Duration::from_millis(ms))
}

fn press() -> Watched {
    Watched::Device("press-4".to_owned())
}

/// A gateway where people of other firms may watch and supervise as well: that it is their own
/// people is then all that is against it.
fn open_hall() -> Hall {
    Hall::over(World::with_policy(&[
        (
            "windows.cedar",
            "    principal in Interlock::Group::\"operators\" ||\n    principal in Interlock::Group::\"engineers\"\n};\n\n// Everybody",
            "    principal in Interlock::Group::\"operators\" ||\n    principal in Interlock::Group::\"engineers\" ||\n    principal in Interlock::Group::\"vendors\"\n};\n\n// Everybody",
        ),
        (
            "groups.toml",
            "vendors = [\"vendor/acme/victor\"]",
            "vendors = [\"vendor/acme/victor\", \"vendor/acme/vera\", \"vendor/other/wanda\"]",
        ),
    ]))
}

/// A window of victor's over the speed, supervised and held as it is said.
fn windowed(hall: &Hall, victor: &Session, supervised: bool, hold: bool) -> u64 {
    let mut draft = hall.draft(victor);
    (draft.supervised, draft.hold) = (supervised, hold);
    hall.window(&draft)
}

/// Shows everything there is, and says so.
fn see(watch: &Watch, now: Now) -> Vec<Seen> {
    let mut seen = Vec::new();
    while let Some(message) = watch.ready() {
        watch.saw(message.number, now).unwrap();
        seen.push(message.seen);
    }
    seen
}

/// Somebody who watches, and has shown that they do.
fn watches(session: &Session, watched: Watched, now: Now) -> Watch {
    let watch = session.watch(watched, now).unwrap();
    see(&watch, now);
    watch
}

fn commands(seen: Vec<Seen>) -> Vec<SeenCommand> {
    let command = |seen| match seen {
        Seen::Command(command) => Some(command),
        _ => None,
    };
    seen.into_iter().filter_map(command).collect()
}

fn held(seen: Vec<Seen>) -> Vec<SeenHold> {
    let hold = |seen| match seen {
        Seen::Held(hold) => Some(hold),
        _ => None,
    };
    seen.into_iter().filter_map(hold).collect()
}

/// The code of a refusal that the wire shows as 06.
#[track_caller]
fn busy(asked: Result<Permit, Refusal>) -> &'static str {
    let refusal = asked.expect_err("it was permitted");
    assert!(
        matches!(refusal.wire(), Wire::Exception(code) if code.code() == 6),
        "{refusal:?}"
    );
    refusal.reason().code()
}

async fn converse(session: &Session) -> Conversation {
    session.converse("press-4", true, noon()).unwrap()
}

fn events<T>(hall: &Hall, pick: impl Fn(Event) -> Option<T>) -> Vec<T> {
    let records = hall.world.records().into_iter();
    records.filter_map(|record| pick(record.event)).collect()
}
