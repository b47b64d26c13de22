//! What a person reads, and what a command line means.

use clap::Parser as _;
use interlock_protocols::conduit::{Acknowledged, OpenWrite, RestrictionRow};

use super::*;
use crate::screen::{Format, render};

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    Revoke(Revoke),
    Freeze(Freeze),
    Downgrade(Downgrade),
}

fn parsed(line: &str) -> Result<Act, clap::Error> {
    let words = ["interlock"].into_iter().chain(line.split(' '));
    Line::try_parse_from(words).map(|line| line.act)
}

fn acknowledged(durable: bool, open: Vec<OpenWrite>) -> Answer {
    Answer::Restricted(Acknowledged {
        restriction: Some(881),
        durable,
        sessions: vec![1_042],
        open,
    })
}

fn on_its_way() -> OpenWrite {
    OpenWrite {
        intent: 880,
        session: 1_042,
        device: "press-4".into(),
        what: "write speed_setpoint = 900 rpm, holding 100 (40101)".into(),
    }
}

#[test]
fn the_acknowledgement_says_what_ended_and_what_may_still_happen() {
    let scope = Scope::Subject("spiffe://waterworks/person/olga".into());
    let parts = vec![
        acknowledged(true, Vec::new()),
        acknowledged(true, vec![on_its_way()]),
    ];
    let whole = Acknowledgement::of(Measure::Revoke, &scope, parts).unwrap();
    let golden = "\
Subject person/olga revoked: restriction 881
ended sessions: 1042, 1042
ON THEIR WAY before it held, outcome open (read the values back):
  record 880, session 1042: press-4: write speed_setpoint = 900 rpm, holding 100 (40101)
";
    assert_eq!(whole.words(), golden);
    let json = render(Format::Jsonl, &[whole], None).unwrap();
    assert!(json.starts_with("{\"restriction\":881,\"measure\":\"revoke\",\"scope\":\"subject person/olga\",\"durable\":true"), "{json}");
}

/// Whoever used a window stays connected, and may hold another one.
#[test]
fn a_window_that_is_revoked_ends_no_session() {
    let scope = Scope::Window("42".into());
    let parts = vec![acknowledged(true, Vec::new())];
    let whole = Acknowledgement::of(Measure::Revoke, &scope, parts).unwrap();
    let golden = "\
Window 42 revoked: restriction 881
sessions that used it: 1042
no command with effect was on its way
";
    assert_eq!(whole.words(), golden);
}

#[test]
fn what_is_not_durable_says_so_in_capitals() {
    let parts = vec![acknowledged(false, Vec::new())];
    let whole = Acknowledgement::of(Measure::Freeze, &Scope::Site, parts).unwrap();
    assert!(!whole.is_durable());
    let golden = "\
The site frozen: restriction 881
NOT DURABLE: it holds, and is not on the gateway's disk
sessions that lost it: 1042
no command with effect was on its way
";
    assert_eq!(whole.words(), golden);
    assert!(Acknowledgement::of(Measure::Freeze, &Scope::Site, Vec::new()).is_err());
}

#[test]
fn the_list_of_restrictions_says_who_took_what_from_whom() {
    let row = RestrictionRow {
        restriction: 881,
        measure: Measure::Revoke,
        scope: Scope::Machine([0xab; 32]),
        machine: "olga-laptop".into(),
        by: "spiffe://waterworks/person/adam".into(),
        reason: "stolen".into(),
        since_ms: 1_700_000_000_000,
    };
    let unrecorded = RestrictionRow {
        restriction: 0,
        scope: Scope::AllVendors,
        machine: String::new(),
        ..row.clone()
    };
    let zone = TimeZone::UTC;
    let rows = [row, unrecorded].map(|row| RestrictionLine::of(row, &zone));
    let golden = "\
NUMBER       WHAT    FROM                                    BY           SINCE             REASON
881          revoke  machine abababababababab (olga-laptop)  person/adam  2023-11-14 22:13  stolen
NOT DURABLE  revoke  all vendors                             person/adam  2023-11-14 22:13  stolen
";
    assert_eq!(render(Format::Table, &rows, None).unwrap(), golden);
}

#[test]
fn a_command_line_means_one_scope_and_nothing_wider() {
    let revoke = |line: &str| match parsed(line) {
        Ok(Act::Revoke(asked)) => asked.wanted(),
        other => panic!("{line}: {other:?}"),
    };
    let scope = |line| match revoke(line) {
        Ok(Wanted::Scope(scope)) => scope,
        _ => panic!("{line}"),
    };
    assert_eq!(
        scope("revoke subject person/olga --reason r"),
        Scope::Subject("person/olga".into())
    );
    assert_eq!(scope("revoke session 7 --reason r"), Scope::Session(7));
    assert_eq!(scope("revoke --all-vendors --reason r"), Scope::AllVendors);
    assert!(revoke("revoke session seven --reason r").is_err());
    assert!(
        matches!(revoke("revoke device lab --reason r"), Ok(Wanted::Machine(name)) if name == "lab")
    );
    for faulty in [
        "revoke --reason r",
        "revoke subject --reason r",
        "revoke subject person/olga",
        "revoke --all-vendors subject person/olga --reason r",
        "freeze device --reason r",
        "freeze site",
        "downgrade session olga --reason r",
    ] {
        assert!(parsed(faulty).is_err(), "{faulty}");
    }
    let freeze = |line| match parsed(line) {
        Ok(Act::Freeze(asked)) => asked.place.scope(),
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(freeze("freeze site --reason r"), Ok(Scope::Site));
    assert!(freeze("freeze site press-4 --reason r").is_err());
    assert!(matches!(
        parsed("downgrade session 7 --reason r"),
        Ok(Act::Downgrade(Downgrade { number: 7, .. }))
    ));
}
