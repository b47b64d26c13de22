//! What was taken from a session goes on to hold when the session is over: in the queues it left,
//! in the journal, and against whoever it was taken from (I7).

use interlock_broker::mediation::{Handed, NotReinstated, Redeemed, Session};
use interlock_protocols::conduit::Acknowledged;
use interlock_protocols::record::{Event, Measure, Scope};

use crate::enrolment::{Keys, Office};
use crate::world::{WRITE_SPEED, World, noon, permit};

fn take(by: &Session, measure: Measure, scope: Scope) -> Acknowledged {
    let taken = by.restrict(measure, scope, "look at this", noon());
    taken.unwrap().acknowledge()
}

fn pump() -> Scope {
    Scope::Device("pump-2".into())
}

#[tokio::test]
async fn i7_what_a_downgraded_session_left_in_a_queue_stays_there() {
    let world = World::new();
    let (adam, emil) = (world.session("person/adam"), world.session("person/emil"));
    let mut talk = emil.converse("press-4", true, noon()).unwrap();
    let queued = permit(&mut talk, 1, &WRITE_SPEED).await;
    let _ = take(&adam, Measure::Downgrade, Scope::Session(emil.id()));
    drop(talk);
    emil.end("gone", noon());
    drop(emil);
    // Whatever is taken next has all standings looked at again.
    let _ = take(&adam, Measure::Freeze, pump());
    match queued.redeem(noon(), |_, _| panic!("a byte was handed to the socket")) {
        Redeemed::Withheld(refusal) => assert_eq!(refusal.reason().code(), "downgraded"),
        other => panic!("it was not withheld: {other:?}"),
    }
}

#[tokio::test]
async fn nobody_gives_back_to_themselves_by_another_session() {
    let world = World::new();
    let (adam, emil) = (world.session("person/adam"), world.session("person/emil"));
    let taken = take(&adam, Measure::Downgrade, Scope::Session(emil.id()));
    let again = world.session("person/emil");
    let own = again
        .reinstate(taken.restriction.unwrap(), "r", noon())
        .await;
    let Err(NotReinstated::Refused(refusal)) = own else {
        panic!("{own:?}");
    };
    assert_eq!(refusal.reason().code(), "own-case");
}

#[tokio::test]
async fn nor_to_another_machine_of_theirs() {
    let office = Office::new();
    let (lost, mut other) = (Keys::in_a_token(), Keys::in_a_token());
    office.enrolled(&lost, "person/emil").await;
    office.enrolled(&other, "person/emil").await;
    let present = other.renewed().renewal("person/emil", None, true);
    let issued = office.login(&present, noon()).await.unwrap();
    let emil = office.session(&other, &issued, noon()).unwrap();
    let adam = office.world.session("person/adam");
    let taken = take(&adam, Measure::Revoke, Scope::Machine(lost.device_key()));
    let own = emil.reinstate(taken.restriction.unwrap(), "r", noon());
    let Err(NotReinstated::Refused(refusal)) = own.await else {
        panic!("they gave their own machine back");
    };
    assert_eq!(refusal.reason().code(), "own-case");
}

#[tokio::test]
async fn a_session_that_ends_before_its_restriction_has_a_record_holds_up_nobody_for_good() {
    let world = World::new();
    let (adam, olga) = (world.session("person/adam"), world.session("person/olga"));
    let emil = world.session("person/emil");
    world.memory.hold_sync();
    let number = olga.id();
    let mut recorded = 0;
    // A disk that hangs: at some time the journal takes no more.
    loop {
        let taken = take(&adam, Measure::Downgrade, Scope::Session(number));
        match taken.restriction {
            Some(sequence) => recorded = sequence,
            None => break,
        }
    }
    olga.end("gone", noon());
    drop(olga);
    world.memory.release_sync();
    let mut durable = world.broker.journal().durable();
    durable.wait_for(|last| *last >= recorded).await.unwrap();
    world.broker.record_unrecorded(noon());
    let last = *world.broker.revised().borrow();
    durable.wait_for(|there| *there >= last).await.unwrap();
    let mut talk = emil.converse("press-4", true, noon()).unwrap();
    let write = permit(&mut talk, 1, &WRITE_SPEED).await;
    let redeemed = write.redeem(noon(), |_, _| Ok(Handed::Whole));
    assert!(matches!(redeemed, Redeemed::Sent(_)), "{redeemed:?}");
    drop(redeemed);
    assert!(adam.restrictions(noon()).unwrap().is_empty(), "it is over");
    let in_the_log = world
        .records()
        .into_iter()
        .any(|record| record.sequence > recorded && matches!(record.event, Event::Restricted(_)));
    assert!(in_the_log, "and yet it is in the log");
}
