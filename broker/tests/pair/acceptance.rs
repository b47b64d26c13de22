//! An administrator accepts a journal that is behind: decided, durable, and only then released.

use std::cell::Cell;
use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use interlock_broker::mediation::NotAccepted;
use interlock_protocols::record::{Ahead, Event};

use crate::world::{World, noon};

fn ahead() -> Vec<Ahead> {
    vec![Ahead {
        what: "witness".into(),
        through: 100,
    }]
}

#[tokio::test]
async fn it_is_recorded_with_all_that_was_ahead() {
    let world = World::new();
    let adam = world.session("person/adam");
    let released = Cell::new(false);
    let release = || released.set(true);
    let accepted = adam.accept_journal(" restored \n", ahead(), || true, release, noon());
    let sequence = accepted.await.unwrap();
    assert!(released.get());
    drop(adam);
    let records = world.records();
    let record = records.iter().find(|record| record.sequence == sequence);
    let Event::JournalAccepted(accepted) = &record.unwrap().event else {
        panic!("another record");
    };
    assert_eq!(accepted.subject, "spiffe://waterworks/person/adam");
    assert_eq!(accepted.reason, "restored");
    assert_eq!(accepted.ahead, ahead());
    assert_ne!(accepted.lineage, [0; 8]);
}

#[tokio::test]
async fn nothing_is_released_before_the_record_is_durable() {
    let world = World::new();
    let adam = world.session("person/adam");
    world.memory.hold_sync();
    let released = Cell::new(false);
    let release = || released.set(true);
    {
        let mut accepting = pin!(adam.accept_journal("r", ahead(), || true, release, noon()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(
            accepting.as_mut().poll(&mut context),
            Poll::Pending
        ));
        assert!(!released.get());
        world.memory.release_sync();
        accepting.await.unwrap();
    }
    assert!(released.get());
}

#[tokio::test]
async fn whoever_may_not_is_denied_and_does_not_learn_whether_there_is_anything() {
    let world = World::new();
    let olga = world.session("person/olga");
    let asked = Cell::new(false);
    let held = || {
        asked.set(true);
        true
    };
    let released = || panic!("released by somebody who may not");
    let denied = olga.accept_journal("r", ahead(), held, released, noon());
    assert!(matches!(denied.await, Err(NotAccepted::Refused(_))));
    assert!(!asked.get());
    drop(olga);
    let records = world.records();
    let denials = records.iter().filter(|record| {
        matches!(&record.event, Event::Denial(denial) if denial.detail.contains("accept-journal"))
    });
    assert_eq!(denials.count(), 1);
    let is_acceptance = |event: &Event| matches!(event, Event::JournalAccepted(_));
    assert!(!records.iter().any(|record| is_acceptance(&record.event)));
}

#[tokio::test]
async fn with_nothing_held_or_no_reason_or_no_disk_it_is_refused_in_words() {
    let world = World::new();
    let adam = world.session("person/adam");
    let never = || panic!("released");
    let nothing = adam.accept_journal("r", Vec::new(), || false, never, noon());
    let nothing = nothing.await.unwrap_err();
    assert!(matches!(nothing, NotAccepted::NothingHeld), "{nothing}");
    for reason in ["", " \n ", &"x".repeat(1_025)] {
        let none = adam.accept_journal(reason, ahead(), || true, never, noon());
        assert!(
            matches!(none.await, Err(NotAccepted::NoReason)),
            "{reason:?}"
        );
    }
    world.broker.journal().close();
    let closed = adam.accept_journal("r", ahead(), || true, never, noon());
    assert!(matches!(closed.await, Err(NotAccepted::Journal(_))));
}

#[test]
fn who_may_see_the_status_is_decided() {
    let world = World::new();
    assert!(world.session("person/adam").read_status(noon()).is_ok());
    assert!(world.session("person/olga").read_status(noon()).is_err());
}
