//! What is told of a window that is over: from a gateway, and from a folder with proofs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use interlock_broker::clock::{Mono, Now};
use interlock_broker::journal::tree::{JournalKey, Notary, TileFolder, VerifierKey, verify_proof};
use interlock_broker::journal::{Directory, Journal, Options};
use interlock_broker::root::ApproverKey;
use interlock_protocols::conduit::{JournalQuery, Message as _, Opened, Opening, Told};
use interlock_protocols::grant::Grant;
use interlock_protocols::record::{
    CommandResult, Denial, Event, Intent, Measure, Outcome, PointValue, ReadSummary, Record,
    Restricted, Scope, WindowEnd, WindowEnded, WindowRequested,
};
use jiff::tz::TimeZone;
use tokio::join;

use super::*;
use crate::window::history::{of_edge, of_folder, words};
use crate::window::story::Story;

const OTHER: &str = "spiffe://waterworks/vendor/acme/eve";

/// One key for all of them: grants are to be the same each time.
pub(crate) fn key() -> &'static ApproverKey {
    static KEY: OnceLock<ApproverKey> = OnceLock::new();
    KEY.get_or_init(|| ApproverKey::generate("ann").unwrap())
}

fn grant() -> Vec<u8> {
    let draft = Draft {
        approvers: vec![key().public()],
        ..draft()
    };
    draft.encode().unwrap()
}

pub(crate) fn requested(extends: Option<u64>) -> Event {
    Event::WindowRequested(WindowRequested {
        session: 4,
        by: BOB.into(),
        grant: grant(),
        points: vec!["speed_setpoint".into(), "ramp".into()],
        reason: "WO-1234".into(),
        waits_until_ms: START_MS,
        extends,
        policies: Vec::new(),
    })
}

pub(crate) fn approved(window: u64, forged: bool) -> Event {
    let bytes = grant();
    let mut signature = key().sign(Grant::read_unsigned(&bytes).unwrap().body);
    signature[0] ^= u8::from(forged);
    let KeptApproval { approved, .. } = approval("go ahead");
    Event::WindowApproved(WindowApproved {
        window,
        key: key().public(),
        signature,
        ..approved
    })
}

pub(crate) fn intent(subject: &str, value: f64, window: Option<u64>) -> Event {
    Event::Intent(Intent {
        session: 4,
        subject: subject.into(),
        transaction: 1,
        device: "press-4".into(),
        unit: 1,
        pdu: vec![6, 0, 100, 0x10, 0x68],
        points: vec![PointValue {
            name: "speed_setpoint".into(),
            value: Some(value),
            unit: "rpm".into(),
            before: Some(400.0),
            before_age_ms: None,
        }],
        policies: vec!["vendors.cedar/in-window".into()],
        policy: [7; 32],
        window,
    })
}

pub(crate) fn outcome(intent: u64, result: CommandResult) -> Event {
    Event::Outcome(Outcome {
        intent,
        result,
        latency_us: 1_500,
    })
}

pub(crate) fn denial(subject: &str) -> Event {
    Event::Denial(Denial {
        session: 4,
        subject: subject.into(),
        transaction: 9,
        device: "press-4".into(),
        unit: 1,
        pdu: vec![6, 0, 101, 0, 200],
        points: Vec::new(),
        reason: "outside-window".into(),
        detail: "200 rpm/s is above 100 rpm/s".into(),
        policies: Vec::new(),
        exception: Some(1),
    })
}

pub(crate) fn reads(subject: &str) -> Event {
    Event::ReadSummary(ReadSummary {
        session: 4,
        subject: subject.into(),
        device: "press-4".into(),
        unit: 1,
        function: 3,
        table: Some(4),
        first: 100,
        last: 101,
        count: 120,
        failed: 0,
        first_ms: START_MS + 1_000,
        last_ms: START_MS + 60_000,
    })
}

/// A window (3), its use, and what is none of it: `None` where the record is not the window's.
fn events() -> Vec<(bool, Event)> {
    let answered = || CommandResult::Answered { pdu: vec![6] };
    let withheld = || CommandResult::Withheld {
        reason: "revoked".into(),
    };
    let ended = |window, end| {
        Event::WindowEnded(WindowEnded {
            window,
            end,
            session: None,
            by: String::new(),
        })
    };
    vec![
        (false, intent(OTHER, 1.0, None)),
        (false, requested(None)),
        (true, requested(None)),
        (true, approved(3, false)),
        (false, approved(2, false)),
        (true, intent(BOB, 420.0, Some(3))),
        (false, intent(BOB, 430.0, Some(2))),
        (false, outcome(7, answered())),
        (true, outcome(6, answered())),
        (true, intent(BOB, 500.0, Some(3))),
        (true, outcome(10, withheld())),
        (true, denial(BOB)),
        (false, denial(OTHER)),
        (true, reads(BOB)),
        (false, reads(OTHER)),
        (true, requested(Some(3))),
        (true, restricted("3")),
        (false, restricted("13")),
        (true, ended(3, WindowEnd::Over)),
        (false, ended(2, WindowEnd::Over)),
    ]
}

fn restricted(window: &str) -> Event {
    Event::Restricted(Restricted {
        session: Some(9),
        by: ANN.into(),
        measure: Measure::Revoke,
        scope: Scope::Window(window.into()),
        reason: "the press jams".into(),
        sessions: vec![4],
        open: Vec::new(),
    })
}

fn records() -> Vec<Record> {
    let numbered = (1..).zip(events());
    let record = |(sequence, (_, event))| Record {
        sequence,
        time_ms: START_MS + 60_000,
        event,
    };
    numbered.map(record).collect()
}

fn of_it() -> BTreeSet<u64> {
    let numbered = (1..).zip(events());
    numbered
        .filter(|(_, (is, _))| *is)
        .map(|(sequence, _)| sequence)
        .collect()
}

const WORDS: &str = "\
window 3: vendor/acme/bob at press-4
  asked for   on 2026-11-22 13:31: \"WO-1234\"
  points      speed_setpoint, ramp
  functions   write-register; at most 20 writes
  open        Sun 2026-11-22 13:30 +00:00 to 15:30 +00:00
  approved    by person/ann on 2026-11-22 13:31 (signature good): \"go ahead\"
  commands    1 done, 0 refused by the device, 1 withheld, 0 of unknown outcome, 0 open
  besides     120 reads, 1 denied
  ended       revoked by person/ann";

fn told(story: &Story) -> String {
    words(story, &TimeZone::UTC).join("\n")
}

#[tokio::test]
async fn a_gateway_is_asked_for_the_request_and_for_what_came_of_it() {
    let scripted = Scripted::new();
    let (gateway, side) = connected(&scripted).await;
    let play = async {
        let mut all = records();
        let first = all.remove(2);
        let (opening, mut send, _recv) = side.open(&Opened::Journal).await;
        let wanted = JournalQuery {
            from: 3,
            limit: Some(1),
            ..JournalQuery::default()
        };
        assert_eq!(opening, Opening::ReadJournal(wanted));
        let tell = |told: Told| told.to_frame().unwrap();
        send.write_all(&tell(Told::Match(first.encode())))
            .await
            .unwrap();
        send.finish().unwrap();
        let (opening, mut send, _recv) = side.open(&Opened::Journal).await;
        let Opening::ReadJournal(query) = opening else {
            panic!("{opening:?}");
        };
        assert_eq!(
            (query.from, query.follow, query.newest_first),
            (3, false, false)
        );
        assert!(query.until_ms > Some(START_MS + 7_200_000));
        // As a gateway tells it: what belongs to a command comes before it.
        for record in records().split_off(2) {
            let outcome = records().into_iter().find(|it| {
                matches!(&it.event, Event::Outcome(outcome) if outcome.intent == record.sequence)
            });
            if let Some(outcome) = outcome {
                send.write_all(&tell(Told::Outcome(outcome.encode())))
                    .await
                    .unwrap();
            }
            if !matches!(record.event, Event::Outcome(_)) {
                send.write_all(&tell(Told::Match(record.encode())))
                    .await
                    .unwrap();
            }
        }
        send.finish().unwrap();
    };
    let (all, ()) = join!(of_edge(3, &gateway), play);
    let all = all.unwrap();
    assert_eq!(told(&all.story), WORDS);
    assert_eq!(all.story.records, of_it());
    let lines = screen::render(screen::Format::Jsonl, &all.lines, None).unwrap();
    // A command and its outcome are one line.
    assert_eq!(lines.lines().count(), of_it().len() - 2, "{lines}");
    assert!(lines.contains("WITHHELD, never sent: revoked"), "{lines}");
    assert!(!lines.contains("acme/eve"), "{lines}");
}

/// A journal's folder as an edge leaves it, signed; gives its public key.
fn signed(folder: &Path) -> VerifierKey {
    let key = JournalKey::generate("waterworks/gateway/gate-1").unwrap();
    let verifier = VerifierKey::parse(&key.verifier().to_string()).unwrap();
    let storage = Box::new(Directory::open(folder).unwrap());
    let (journal, _) = Journal::open(storage, Options::default(), START_MS).unwrap();
    for (_, event) in events() {
        journal.append(START_MS + 60_000, event).unwrap();
    }
    let tiles = Box::new(TileFolder::new(folder));
    let (mut notary, _) = Notary::open(&journal, tiles, key, &mut |_, _| {}).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for second in 0..4 {
        let pending = journal.commit(START_MS + 60_000, denial(OTHER)).unwrap();
        let through = pending.sequence();
        runtime.block_on(pending).unwrap();
        let elapsed = std::time::Duration::from_secs(61 * second);
        let now = Now::new(
            START_MS + 61_000 * i64::try_from(second).unwrap(),
            Mono::at(elapsed),
        );
        notary.advance(through, now).unwrap();
    }
    journal.close();
    verifier
}

#[test]
fn a_folder_tells_the_same_and_proves_each_record_to_a_stranger() {
    let place = tempfile::tempdir().unwrap();
    let (folder, out) = (place.path().join("journal"), place.path().join("proofs"));
    let key = signed(&folder);
    let all = of_folder(3, &folder).unwrap();
    assert_eq!(told(&all.story), WORDS);
    assert_eq!(all.story.records, of_it());
    crate::journal::prove_each(&folder, None, &all.story.records, &out).unwrap();
    let mut proven = BTreeSet::new();
    for file in std::fs::read_dir(&out).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let proof = verify_proof(&text, &key, &[]).unwrap();
        assert_eq!(
            proof.record,
            records()[usize::try_from(proof.record.sequence - 1).unwrap()]
        );
        proven.insert(proof.record.sequence);
        // What is altered proves nothing.
        let altered = text.replacen("extra ", "extra A", 1);
        assert!(verify_proof(&altered, &key, &[]).is_err());
    }
    assert_eq!(proven, of_it());
    for (window, words) in [
        (1, "no request of a window"),
        (900, "no request of a window"),
    ] {
        let failure = of_folder(window, &folder).err().unwrap();
        assert!(failure.what().contains(words), "{failure}");
    }
}

#[test]
fn an_approval_that_nobody_signed_is_told_as_what_it_is() {
    let mut all = records();
    all[3].event = approved(3, true);
    let granted = crate::window::granted::Granted::of(&all[2]).unwrap();
    let mut story = Story::of(granted);
    for record in &all[2..5] {
        story.take(record);
    }
    assert!(
        told(&story).contains("THE SIGNATURE IS NOT GOOD"),
        "{}",
        told(&story)
    );
    assert!(!story.granted.is_approved(story.approvals.iter()));
    story.approvals.clear();
    assert!(
        told(&story).contains("by 0 of 1: it opened nothing"),
        "{}",
        told(&story)
    );
}
