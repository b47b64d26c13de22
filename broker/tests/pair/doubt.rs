//! The gateway's clock is in doubt: nothing with effect passes, reading goes on, and only an
//! acceptance that is on the disk ends it.

use std::cell::Cell;
use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use interlock_broker::activation::may_activate;
use interlock_broker::clock::{Doubt, Floor, Mono, Now, Reading, Shown, Timekeeper};
use interlock_broker::journal::Health;
use interlock_broker::mediation::{Authorized, Handed, Reason, Redeemed, Wire};
use interlock_broker::timekeeping::{self, NotAccepted};
use interlock_protocols::record::{CommandResult, Event};

use crate::world::{
    NOON_MS, READ_SPEED, WRITE_SPEED, World, adu, ask, intents, noon, outcomes, permit,
};

const HOUR_MS: i64 = 3_600_000;

/// A clock that was set back by an hour.
fn set_back() -> Shown {
    let reading = |system_ms| Reading {
        system_ms,
        mono: Mono::at(Duration::from_secs(60)),
    };
    let mut keeper = Timekeeper::start(reading(NOON_MS), Floor::default());
    let shown = keeper.shows(reading(NOON_MS - HOUR_MS));
    assert_eq!(shown.doubt, Some(Doubt::Jumped));
    shown
}

#[tokio::test]
async fn in_doubt_writes_are_denied_with_a_record_and_reads_pass() {
    let world = World::new();
    let session = world.session("person/olga");
    let doubted = set_back().counted;
    let mut talk = session.converse("press-4", true, doubted).unwrap();
    let refusal = talk
        .authorize(adu(1, 1, &WRITE_SPEED), doubted)
        .await
        .unwrap_err();
    assert_eq!(refusal.reason(), &Reason::ClockDoubted);
    assert!(matches!(refusal.wire(), Wire::Exception(code) if code.code() == 4));
    assert!(
        refusal
            .reason()
            .next()
            .contains("interlock-edge clock accept")
    );
    assert!(refusal.record().is_some());
    let read = talk.authorize(adu(2, 1, &READ_SPEED), doubted).await;
    assert!(matches!(read, Ok(Authorized::Permit(_))));
    // Once it is believed again, the same session goes on.
    drop(permit(&mut talk, 3, &WRITE_SPEED).await);
    drop((read, talk, session));
    assert_eq!(intents(&world.records()).len(), 1);
}

#[tokio::test]
async fn a_write_that_waits_while_the_clock_jumps_is_withheld_and_a_read_is_not() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let (write, read) = (
        permit(&mut talk, 1, &WRITE_SPEED).await,
        permit(&mut talk, 2, &READ_SPEED).await,
    );
    let doubted = set_back().counted;
    let sent = Cell::new(0);
    let send = |_, _: &_| {
        sent.set(sent.get() + 1);
        Ok(Handed::Whole)
    };
    let Redeemed::Withheld(refusal) = write.redeem(doubted, send) else {
        panic!("it was sent");
    };
    assert_eq!(refusal.reason(), &Reason::ClockDoubted);
    assert_eq!(sent.get(), 0);
    assert!(matches!(read.redeem(doubted, send), Redeemed::Sent(_)));
    drop((talk, session));
    let [(_, CommandResult::Withheld { reason })] = &outcomes(&world.records())[..] else {
        panic!("no outcome, or another");
    };
    assert_eq!(reason, "clock-doubted");
}

#[tokio::test]
async fn in_doubt_nothing_is_granted_and_everything_is_shown() {
    let world = World::new();
    let paula = world.session("person/paula");
    let doubted = set_back().counted;
    assert!(may_activate(&paula, doubted).is_err());
    assert!(paula.read_status(doubted).is_ok());
    assert!(may_activate(&paula, noon()).is_ok());
    drop(paula);
    let denied = |event: &Event| matches!(event, Event::Denial(denial) if denial.reason == "clock-doubted" && denial.detail.contains("activate-policy"));
    assert!(world.records().iter().any(|record| denied(&record.event)));
}

#[tokio::test]
async fn a_clock_is_accepted_once_that_is_on_the_disk() {
    let world = World::new();
    let (shown, journal) = (set_back(), world.broker.journal());
    timekeeping::doubt(journal, &shown).await.unwrap();
    world.memory.hold_sync();
    let released = Cell::new(false);
    let sequence = {
        let release = || released.set(true);
        let accepting = timekeeping::accept(journal, &shown, "root (uid 0)", " ntp ", release);
        let mut accepting = pin!(accepting);
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(
            accepting.as_mut().poll(&mut context),
            Poll::Pending
        ));
        assert!(!released.get());
        world.memory.release_sync();
        accepting.await.unwrap()
    };
    assert!(released.get());
    let records = world.records();
    let record = records.iter().find(|record| record.sequence == sequence);
    let record = record.unwrap();
    assert_eq!(record.time_ms, NOON_MS - HOUR_MS, "the floor from here on");
    let Event::ClockAccepted(accepted) = &record.event else {
        panic!("another record");
    };
    assert_eq!(accepted.by, "root (uid 0)");
    assert_eq!(accepted.reason, "ntp");
    assert_eq!(accepted.counted_ms, NOON_MS);
}

#[tokio::test]
async fn nothing_is_accepted_without_a_doubt_a_reason_a_set_clock_and_a_disk() {
    let world = World::new();
    let journal = world.broker.journal();
    let good = set_back();
    let never = || panic!("released");
    let believed = Shown {
        doubt: None,
        ..good
    };
    let unset = Shown {
        system_ms: 0,
        ..good
    };
    let long = "r".repeat(1025);
    let nothing = timekeeping::accept(journal, &believed, "root", "r", never).await;
    assert!(matches!(nothing, Err(NotAccepted::NotInDoubt)));
    for reason in ["", " \n", &long] {
        let none = timekeeping::accept(journal, &good, "root", reason, never).await;
        assert!(matches!(none, Err(NotAccepted::NoReason)));
    }
    let unset = timekeeping::accept(journal, &unset, "root", "r", never).await;
    assert!(matches!(unset, Err(NotAccepted::Unset)));
    world.memory.fail_after(0);
    let failed = timekeeping::accept(journal, &good, "root", "r", never).await;
    assert!(matches!(failed, Err(NotAccepted::Journal(_))));
}

#[tokio::test]
async fn an_unaccepted_doubt_is_found_again_at_the_next_start() {
    use interlock_broker::journal::{Journal, Options};
    let world = World::new();
    let reopen = || {
        let options = Options {
            segment_bytes: crate::world::SEGMENT_BYTES,
            ..Options::default()
        };
        Journal::open(world.memory.storage(), options, NOON_MS - 9 * HOUR_MS).unwrap()
    };
    let shown = set_back();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let write = ask(&mut talk, 1, &WRITE_SPEED).await.unwrap();
    timekeeping::doubt(world.broker.journal(), &shown)
        .await
        .unwrap();
    drop((write, talk, session));
    world.broker.journal().close();
    let (journal, recovered) = reopen();
    assert!(recovered.clock_doubted);
    assert_eq!(recovered.last_time_ms, Some(NOON_MS));
    timekeeping::accept(&journal, &shown, "root", "r", || {})
        .await
        .unwrap();
    journal.close();
    let (journal, recovered) = reopen();
    assert!(!recovered.clock_doubted);
    assert_eq!(recovered.last_time_ms, Some(NOON_MS - HOUR_MS));
    journal.close();
}

#[tokio::test]
async fn what_the_journal_notes_of_itself_follows_a_clock_that_was_accepted_back() {
    let world = World::new();
    let (shown, journal) = (set_back(), world.broker.journal().clone());
    let session = world.session("person/olga");
    let accepted = timekeeping::accept(&journal, &shown, "root", "r", || {});
    let accepted = accepted.await.unwrap();
    let after = Now::new(shown.system_ms + 1_000, noon().mono());
    let mut talk = session.converse("press-4", true, after).unwrap();
    world.memory.fail_after(0);
    let write = talk.authorize(adu(1, 1, &WRITE_SPEED), after).await;
    assert!(write.is_err());
    while world.memory.failed() == 0 {
        tokio::task::yield_now().await;
    }
    world.memory.heal();
    while journal.health() != Health::Good {
        tokio::task::yield_now().await;
    }
    session.end("gone", after);
    drop((talk, session));
    let records = world.records();
    let mut later = records.iter().filter(|record| record.sequence > accepted);
    assert!(later.clone().count() > 1, "{records:?}");
    assert!(later.all(|record| record.time_ms < NOON_MS), "{records:?}");
}
