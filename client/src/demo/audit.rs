//! The end of the tour: the command log, read by the auditor through the edge, and verified.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use interlock_broker::journal::{read, verify};
use interlock_protocols::conduit::JournalQuery;
use interlock_protocols::record::{CommandResult, Denial, Event, Intent, Record};
use jiff::tz::TimeZone;
use tokio::time::{sleep, timeout};

use super::actor::Actor;
use super::cast::Person;
use super::page::Page;
use super::stage::Stage;
use super::surprise::Step;
use crate::failure::{Failure, Kind};
use crate::gateway::Shown;
use crate::journal::{Join, Line};
use crate::screen::Row as _;

/// Records that nobody waits for are on disk a moment later.
const SETTLES_WITHIN: Duration = Duration::from_secs(20);
const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// The records that the gateway named when it refused.
pub(super) struct Recorded {
    pub(super) by_policy: Option<u64>,
    pub(super) by_limit: Option<u64>,
    /// victor's windows.
    pub(super) windows: [u64; 2],
}

/// What the auditor was given.
pub(super) struct Logged {
    records: usize,
    /// The number of olga's write.
    write: u64,
}

/// Shows the log as the auditor gets it.
pub(super) async fn log(
    step: Step,
    stage: &Stage,
    olga: Actor,
    recorded: &Recorded,
    page: &mut Page,
) -> Result<Logged, Failure> {
    page.title("11. The command log, as the auditor reads it")?;
    page.words("Who may read the log is decided by the same rules. olga asks for it first:")?;
    match olga.gateway().read_journal(JournalQuery::default()).await {
        Err(refused) if refused.kind() == Kind::Denied => page.refused(&[
            ("REFUSED", refused.what().to_owned()),
            ("next", refused.next().to_owned()),
        ])?,
        Err(other) => return Err(step.surprise("olga is denied the log", &other)),
        Ok(_) => return Err(step.surprise("olga is denied the log", &"she was given it")),
    }
    olga.leave().await;
    let people = ["person/olga", "vendor/acme/victor"];
    settled(step, stage, &people).await?;
    let entered = Actor::enter(stage, Person::Aida).await;
    let aida = step.works("aida's session opens", entered)?;
    let records = step.works("aida is given the log", all(&aida, &people).await)?;
    aida.leave().await;
    page.words(
        "aida is an auditor, so she is given it, through the gateway. (When sessions began and \
         ended, and how machines were, is left out here.)",
    )?;
    page.table(&HEADER, rows(&records))?;
    let records: Vec<Record> = records.into_iter().filter_map(told).collect();
    let write = check(step, &records, recorded)?;
    page.passed(
        "all that happened is there, with who, what, by which rule, and with what result: \
         the writes with their outcomes, every denial, who let victor in and who ended it, and the \
         reads, which are counted.",
    )?;
    Ok(Logged {
        records: records.len(),
        write,
    })
}

fn ended(record: &Record) -> Option<&str> {
    match &record.event {
        Event::SessionEnded(ended) => Some(&ended.subject),
        _ => None,
    }
}

/// Waits until the log tells the end of these people's sessions. This looks at the files, since
/// reading the log through the edge is an act that would be in it.
async fn settled(step: Step, stage: &Stage, people: &[&str]) -> Result<(), Failure> {
    let all_ended = async {
        loop {
            let seen: HashSet<String> = read(stage.journal())
                .into_iter()
                .flatten()
                .map_while(Result::ok)
                .filter_map(|record| ended(&record).map(str::to_owned))
                .collect();
            if people
                .iter()
                .all(|person| seen.iter().any(|subject| subject.ends_with(person)))
            {
                return;
            }
            sleep(LOOKS_EVERY).await;
        }
    };
    let settled = timeout(SETTLES_WITHIN, all_ended).await;
    let what = format!(
        "the log tells the end of the sessions of {}",
        people.join(", ")
    );
    settled.map_err(|_| step.surprise(&what, &"it does not"))
}

/// The whole log. What the files show may be a flush away from the disk, and the gateway tells of
/// nothing sooner: so it is asked until the end of these people's sessions is told.
async fn all(aida: &Actor, people: &[&str]) -> Result<Vec<Shown>, Failure> {
    let asked = async {
        loop {
            let told = once(aida).await?;
            let ended = |person: &&str| {
                told.iter().any(|shown| match shown {
                    Shown::Match(record) => {
                        ended(record).is_some_and(|subject| subject.ends_with(*person))
                    }
                    _ => false,
                })
            };
            if people.iter().all(ended) {
                return Ok(told);
            }
            sleep(LOOKS_EVERY).await;
        }
    };
    match timeout(SETTLES_WITHIN, asked).await {
        Ok(told) => told,
        Err(_) => once(aida).await,
    }
}

async fn once(aida: &Actor) -> Result<Vec<Shown>, Failure> {
    let mut stream = aida.gateway().read_journal(JournalQuery::default()).await?;
    let mut records = Vec::new();
    while let Some(shown) = stream.next().await? {
        records.push(shown);
    }
    Ok(records)
}

const VICTOR: &str = "/vendor/acme/victor";

const HEADER: [&str; 4] = ["NO", "TIME", "WHO", "WHAT, BY WHICH RULE, WITH WHAT RESULT"];

/// The lines of `journal show`; the day is today, and thousandths tell nobody anything here.
/// The record, unless it only says again who opened a session.
fn told(shown: Shown) -> Option<Record> {
    match shown {
        Shown::Match(record) | Shown::Outcome(record) => Some(record),
        Shown::Session(_) => None,
    }
}

fn rows(records: &[Shown]) -> Vec<Vec<String>> {
    let mut join = Join::new(TimeZone::system());
    let mut lines: Vec<Line> = records
        .iter()
        .filter(|shown| is_deed(shown))
        .flat_map(|shown| join.take(shown.clone()))
        .collect();
    lines.extend(join.rest());
    lines.retain(|line| !line.is_housekeeping());
    lines.iter().filter_map(row).collect()
}

/// Whether it is more than that somebody came or went.
fn is_deed(shown: &Shown) -> bool {
    let (Shown::Match(record) | Shown::Outcome(record) | Shown::Session(record)) = shown;
    !matches!(
        record.event,
        Event::SessionOpened(_)
            | Event::SessionEnded(_)
            | Event::PostureChanged(_)
            | Event::EpochStarted(_)
    )
}

fn row(line: &Line) -> Option<Vec<String>> {
    let [number, time, who, what]: [String; 4] = line.cells().try_into().ok()?;
    let time = time.split('.').next().unwrap_or_default().to_owned();
    let who = who.lines().next().unwrap_or_default().to_owned();
    Some(vec![number, time, who, what])
}

/// The log must hold what the tour saw happen; gives the number of olga's write.
fn check(step: Step, records: &[Record], recorded: &Recorded) -> Result<u64, Failure> {
    let intents: Vec<(u64, &Intent)> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Intent(intent) => Some((record.sequence, intent)),
            _ => None,
        })
        .collect();
    let [first, second] = recorded.windows.map(Some);
    let expected = [
        ("/person/olga", "speed_setpoint", 900.0, None),
        (VICTOR, "speed_setpoint", 700.0, first),
        (VICTOR, "pressure_setpoint", 7.0, second),
        (VICTOR, "speed_setpoint", 710.0, first),
    ];
    let is = |intent: &Intent, (who, point, value, window): (&str, &str, f64, Option<u64>)| {
        let wrote = intent.points.first();
        intent.subject.ends_with(who)
            && intent.window == window
            && wrote.is_some_and(|wrote| wrote.name == point && wrote.value == Some(value))
    };
    let all = intents
        .iter()
        .zip(expected)
        .all(|((_, intent), it)| is(intent, it));
    step.expect(
        all && intents.len() == expected.len(),
        "four commands with effect are in the log, three of them victor's and in his windows",
        &format!("{intents:?}"),
    )?;
    let Some((sequence, intent)) = intents.first() else {
        return Err(step.surprise("olga's write is in the log", &"it is not"));
    };
    step.expect(
        intent.policies == ["staff.cedar/operators-write"],
        "olga's is there by staff.cedar/operators-write",
        &format!("{:?}", intent.policies),
    )?;
    let answered = records.iter().any(|record| match &record.event {
        Event::Outcome(outcome) => {
            outcome.intent == *sequence && matches!(outcome.result, CommandResult::Answered { .. })
        }
        _ => false,
    });
    step.expect(
        answered,
        "its outcome is that the PLC answered",
        &"there is none",
    )?;
    let summed = records
        .iter()
        .any(|record| matches!(&record.event, Event::ReadSummary(reads) if reads.count > 0));
    step.expect(summed, "olga's reads are counted", &"no read is in the log")?;
    let olga = "/person/olga";
    denial(step, records, "step 3", |sequence, denial| {
        Some(sequence) == recorded.by_policy && denial.reason == "rule-forbids"
    })?;
    denial(step, records, "step 4", |sequence, denial| {
        Some(sequence) == recorded.by_limit && denial.reason == "value-outside-limits"
    })?;
    denial(step, records, "step 5", |_, denial| {
        denial.device == "press-4" && denial.subject.ends_with("/vendor/acme/victor")
    })?;
    for reason in ["outside-window", "window-revoked"] {
        denial(step, records, reason, |_, denial| {
            denial.reason == reason && denial.subject.ends_with(VICTOR)
        })?;
    }
    denial(step, records, "olga's asking for the log", |_, denial| {
        denial.device.is_empty() && denial.subject.ends_with(olga)
    })?;
    Ok(*sequence)
}

fn denial(
    step: Step,
    records: &[Record],
    whose: &str,
    is_it: impl Fn(u64, &Denial) -> bool,
) -> Result<(), Failure> {
    let found = records.iter().any(|record| match &record.event {
        Event::Denial(denial) => is_it(record.sequence, denial),
        _ => false,
    });
    let what = format!("the denial of {whose} is in the log");
    step.expect(found, &what, &"it is not")
}

/// Verifies the log's files, and then a copy of them that was tampered with.
pub(super) async fn verified(
    step: Step,
    stage: &Stage,
    logged: &Logged,
    page: &mut Page,
) -> Result<(), Failure> {
    page.title("12. The log verified")?;
    settled(step, stage, &["person/aida"]).await?;
    let found = verify(stage.journal())
        .map_err(|error| step.surprise("the files of the log are read", &error))?;
    step.expect(
        found.is_sound() && found.open_intents.is_empty(),
        "the log is sound, and no command in it is open",
        &format!("{found:?}"),
    )?;
    step.expect(
        found.records >= u64::try_from(logged.records).unwrap_or(u64::MAX),
        &format!(
            "it holds the {} records that aida was given, or more",
            logged.records
        ),
        &found.records,
    )?;
    page.words(&format!(
        "{} records. SOUND: every record is whole and in its place, with no number missing, and \
         every command that was sent has exactly one outcome. The gateway signs checkpoints over \
         all of it; with one of them kept elsewhere (a witness, a SIEM) even a log that was \
         written anew is found out.",
        found.records
    ))?;
    let copy = stage.folder().join("tampered");
    let offset = tampered(stage.journal(), &copy)
        .map_err(|error| step.surprise("a copy of the log is changed", &error))?;
    let found = verify(&copy)
        .map_err(|error| step.surprise("the files of the changed copy are read", &error))?;
    let Some(damage) = found.damage else {
        return Err(step.surprise("the changed copy is found out", &"it passes as sound"));
    };
    step.expect(
        damage.sequence == logged.write,
        &format!("what was changed is found in record {}", logged.write),
        &damage,
    )?;
    page.gap()?;
    page.words(&format!(
        "Now a copy in which a single byte was changed, byte {offset}. NOT SOUND: record {}, \
         olga's write, is not what the gateway wrote.",
        damage.sequence
    ))?;
    page.gap()?;
    page.passed("the log is sound, and a copy that was tampered with is not.")
}

/// Copies the log, and changes the name of the point in the first record that has it.
fn tampered(journal: &Path, copy: &Path) -> std::io::Result<usize> {
    const NAME: &[u8] = b"speed_setpoint";
    fs::create_dir(copy)?;
    let mut changed = None;
    for entry in fs::read_dir(journal)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            // The tiles of the tree.
            continue;
        }
        let mut bytes = fs::read(entry.path())?;
        if changed.is_none()
            && let Some(at) = bytes.windows(NAME.len()).position(|part| part == NAME)
            && let Some(byte) = bytes.get_mut(at)
        {
            *byte = b'S';
            changed = Some(at);
        }
        fs::write(copy.join(entry.file_name()), bytes)?;
    }
    changed.ok_or_else(|| std::io::Error::other("no record of the write was found"))
}
