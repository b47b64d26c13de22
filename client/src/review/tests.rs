//! What an owner is given to sign off.

use interlock_protocols::conduit::{
    CallEnd, IdentityStanding, Message as _, Opened, Opening, ToClient, Told, WindowState,
};
use interlock_protocols::identity::KeyProtection;
use interlock_protocols::record::{CommandResult, Event, Record};
use tokio::join;

use super::*;
use crate::gateway::scripted::Scripted;
use crate::screen::{Format, Row as _, render};
use crate::window::tests::past::{approved, denial, intent, outcome, reads, requested};
use crate::window::tests::{ANN, BOB, START_MS, answer, asked, connected, press, row};

const PERIOD: Period = Period {
    since_ms: START_MS - 86_400_000,
    until_ms: START_MS + 86_400_000,
};

fn identity(never: &[&str]) -> IdentityRow {
    IdentityRow {
        subject: BOB.into(),
        owner: ANN.into(),
        groups: Vec::new(),
        machine: "laptop-7".into(),
        device_key: [0xB0; 32],
        device_protection: KeyProtection::Software,
        authenticator_protection: KeyProtection::Software,
        enrolled_ms: 0,
        ends_ms: None,
        used_ms: None,
        standing: IdentityStanding::Active,
        unused: false,
        may: vec!["read press-4".into(), "=cmd()".into()],
        never_used: never.iter().map(|text| (*text).to_owned()).collect(),
    }
}

/// A window (1) and its use, one that nobody approved (2), one of before (900), and none.
fn events() -> Vec<Event> {
    let answered = || CommandResult::Answered { pdu: vec![6] };
    let mut second = requested(None);
    if let Event::WindowRequested(it) = &mut second {
        it.reason = "+49 123\n=1+1".into();
    }
    vec![
        requested(None),
        second,
        approved(1, false),
        intent(BOB, 420.0, Some(1)),
        outcome(4, answered()),
        intent(BOB, 500.0, Some(1)),
        outcome(6, CommandResult::Exception { code: 2 }),
        intent(BOB, 700.0, Some(1)),
        outcome(
            8,
            CommandResult::Withheld {
                reason: "revoked".into(),
            },
        ),
        denial(BOB),
        reads(BOB),
        intent(BOB, 440.0, Some(1)),
        intent(ANN, 300.0, None),
        outcome(13, answered()),
        denial(ANN),
        intent(BOB, 1.0, Some(900)),
        outcome(
            16,
            CommandResult::Unknown {
                why: "restarted".into(),
            },
        ),
    ]
}

fn records() -> Vec<Record> {
    let numbered = (1..).zip(events());
    let record = |(sequence, event)| Record {
        sequence,
        time_ms: START_MS + 60_000,
        event,
    };
    numbered.map(record).collect()
}

fn reviewed(records: &[Record]) -> Vec<ReviewLine> {
    let mut tally = Tally::new(PERIOD);
    records.iter().for_each(|record| tally.take(record));
    let (offers, identities) = ([press()], [identity(&["=cmd()"])]);
    let facts = Facts {
        offers: &offers,
        identities: &identities,
    };
    row::lines(&tally.end(), &facts)
}

#[test]
fn what_was_allowed_stands_beside_what_was_used() {
    let lines = reviewed(&records());
    let text = render(Format::Table, &lines, Some(80)).unwrap();
    assert_eq!(text, include_str!("golden.txt"), "{text}");
}

/// A gateway tells an outcome before its command, a folder behind it: both mean the same.
#[test]
fn the_order_of_outcomes_changes_nothing() {
    let mut turned = records();
    turned.sort_by_key(|record| match &record.event {
        Event::Outcome(outcome) => (outcome.intent, 0),
        _ => (record.sequence, 1),
    });
    assert_eq!(reviewed(&turned), reviewed(&records()));
}

#[test]
fn a_spreadsheet_runs_nothing_and_has_room_for_the_owner() {
    let lines = reviewed(&records());
    let csv = render(Format::Csv, &lines, None).unwrap();
    let mut reader = csv::ReaderBuilder::new().from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    assert_eq!(
        header.iter().rev().take(3).collect::<Vec<_>>(),
        ["signed_on", "signed_by", "decision"]
    );
    let mut cells = 0;
    for read in reader.records() {
        let read = read.unwrap();
        assert_eq!(read.len(), ReviewLine::FIELDS.len());
        for cell in &read {
            let number = cell.parse::<f64>().is_ok();
            let formula = cell.trim_start().starts_with(['=', '+', '-', '@']);
            assert!(!formula || number, "{cell}");
            cells += 1;
        }
    }
    assert_eq!(cells, lines.len() * ReviewLine::FIELDS.len());
    assert!(
        csv.contains("'+49 123 =1+1") && csv.contains("'=cmd()"),
        "{csv}"
    );
}

#[test]
fn an_approval_without_a_good_signature_allows_nothing() {
    let mut all = records();
    all[2].event = approved(1, true);
    let lines = reviewed(&all);
    let json = render(Format::Json, &lines, None).unwrap();
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    let of = |window: u64| {
        let rows = read.as_array().unwrap();
        rows.iter()
            .find(|row| row["window"] == window)
            .unwrap()
            .clone()
    };
    assert_eq!(of(1)["writes_allowed"], 0);
    assert_eq!(of(1)["writes_used"], 3);
}

#[tokio::test]
async fn what_may_not_be_listed_is_left_out_and_said() {
    let scripted = Scripted::new();
    let (mut gateway, mut side) = connected(&scripted).await;
    let play = async {
        let (call, ask) = asked(&mut side).await;
        assert_eq!(ask, Ask::Windows { pending: false });
        answer(&mut side, call, vec![row(WindowState::Approved)]).await;
        let (call, ask) = asked(&mut side).await;
        assert_eq!(ask, Ask::Identities);
        let (end, text) = (CallEnd::Denied, "no rule permits it".to_owned());
        side.tell(&ToClient::Reply { call, end, text }).await;
        let (opening, mut send, _recv) = side.open(&Opened::Journal).await;
        let Opening::ReadJournal(query) = opening else {
            panic!("{opening:?}");
        };
        let wanted = (Some(PERIOD.since_ms), Some(PERIOD.until_ms), false);
        assert_eq!((query.since_ms, query.until_ms, query.follow), wanted);
        let told = Told::Match(records()[12].encode());
        send.write_all(&told.to_frame().unwrap()).await.unwrap();
        send.finish().unwrap();
    };
    let (looked, ()) = join!(look(&mut gateway, PERIOD), play);
    let (lines, left_out) = looked.unwrap();
    assert_eq!(left_out.len(), 1);
    assert!(left_out[0].contains("no rule permits it"), "{left_out:?}");
    let subjects = render(Format::Csv, &lines, None).unwrap();
    assert!(
        subjects.contains(ANN) && subjects.contains(BOB),
        "{subjects}"
    );
}

#[test]
fn a_time_is_one_that_ends_after_it_begins() {
    let review = |since: &str, until: Option<&str>| Review {
        since: since.into(),
        until: until.map(str::to_owned),
    };
    let period = |review: Review| review.period(START_MS, &TimeZone::UTC);
    let month = period(review("30d", None)).unwrap();
    assert_eq!(month.since_ms, START_MS - 30 * 86_400_000);
    assert_eq!(month.until_ms, START_MS);
    for wrong in [
        review("soon", None),
        review("1h", Some("2h")),
        review("2099-01-01", None),
    ] {
        assert_eq!(period(wrong).unwrap_err().kind(), Kind::Usage);
    }
}
