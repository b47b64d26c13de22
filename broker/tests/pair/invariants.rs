//! I2 to I8, each attacked.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use interlock_broker::clock::Now;
use interlock_broker::mediation::{
    Authorized, Awaiting, Handed, Lost, Permit, Reason, Redeemed, Refusal, Wire,
};
use interlock_protocols::modbus::{ExceptionCode, Pdu, UnitId};
use interlock_protocols::record::CommandResult;

use crate::world::{READ_SPEED, WRITE_SPEED, World, adu, ask, intents, noon, outcomes, permit};

fn send(permit: Permit, now: Now) -> (Awaiting, UnitId, Pdu) {
    let mut seen = None;
    let redeemed = permit.redeem(now, |unit, pdu| {
        seen = Some((unit, pdu.clone()));
        Ok(Handed::Whole)
    });
    let Redeemed::Sent(awaiting) = redeemed else {
        panic!("it was not sent: {redeemed:?}");
    };
    let (unit, pdu) = seen.unwrap();
    (awaiting, unit, pdu)
}

fn withheld(permit: Permit, now: Now) -> Refusal {
    match permit.redeem(now, |_, _| panic!("a byte was handed to the socket")) {
        Redeemed::Withheld(refusal) => refusal,
        other => panic!("it was not withheld: {other:?}"),
    }
}

fn exception(refusal: &Refusal) -> u8 {
    match refusal.wire() {
        Wire::Exception(code) => code.code(),
        Wire::Close => 0,
    }
}

#[tokio::test]
async fn a_write_is_answered_and_recorded() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let (awaiting, unit, pdu) = send(permit(&mut talk, 7, &WRITE_SPEED).await, noon());
    assert_eq!(
        unit,
        UnitId::new(255),
        "the unit of the device, not the client's"
    );
    assert_eq!(pdu.as_bytes(), WRITE_SPEED);
    let answer = awaiting.answer(&WRITE_SPEED, noon()).unwrap();
    assert_eq!(answer.pdu().as_bytes(), WRITE_SPEED);
    let records = world.records();
    let intent = intents(&records);
    assert_eq!(intent.len(), 1);
    let answered = CommandResult::Answered {
        pdu: WRITE_SPEED.to_vec(),
    };
    assert_eq!(outcomes(&records), [(intent[0], answered)]);
}

#[tokio::test]
async fn i2_no_permit_while_the_intent_is_not_durable() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    world.memory.hold_sync();
    {
        let mut asking = pin!(talk.authorize(adu(1, 1, &WRITE_SPEED), noon()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(asking.as_mut().poll(&mut context).is_pending());
        assert!(
            world.memory.wait_until_held(),
            "the journal reached the flush"
        );
        assert!(
            asking.as_mut().poll(&mut context).is_pending(),
            "a permit came before the flush returned"
        );
        world.memory.release_sync();
        assert!(matches!(asking.await, Ok(Authorized::Permit(_))));
    }
    // A read waits for no disk: it is there at the first poll, flush or no flush.
    world.memory.hold_sync();
    {
        let mut reading = pin!(talk.authorize(adu(2, 1, &READ_SPEED), noon()));
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(Authorized::Permit(_))) = reading.as_mut().poll(&mut context) else {
            panic!("a read waited");
        };
    }
    world.memory.release_sync();
}

#[tokio::test]
async fn i3_a_hidden_second_request_gets_no_permit() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let mut smuggled = READ_SPEED.to_vec();
    smuggled.extend_from_slice(&[0x00, 0x02, 0x00, 0x00, 0x00, 0x06, 0x01]);
    smuggled.extend_from_slice(&WRITE_SPEED);
    let refusal = ask(&mut talk, 1, &smuggled).await.unwrap_err();
    assert_eq!(exception(&refusal), 3);
}

/// I4: whichever await or hand a command is dropped at, exactly one outcome stands.
#[tokio::test]
async fn i4_one_outcome_wherever_it_is_dropped() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    // At the await of the INTENT.
    world.memory.hold_sync();
    {
        let mut asking = Box::pin(talk.authorize(adu(1, 1, &WRITE_SPEED), noon()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(asking.as_mut().poll(&mut context).is_pending());
        assert!(world.memory.wait_until_held());
        drop(asking);
    }
    world.memory.release_sync();
    // In the queue; at the socket; before the answer; given up; torn.
    drop(permit(&mut talk, 2, &WRITE_SPEED).await);
    let refused = permit(&mut talk, 3, &WRITE_SPEED).await;
    let refused = refused.redeem(noon(), |_, _| Err(io::ErrorKind::ConnectionReset.into()));
    assert!(matches!(refused, Redeemed::Withheld(_)));
    drop(send(permit(&mut talk, 4, &WRITE_SPEED).await, noon()));
    let (awaiting, ..) = send(permit(&mut talk, 5, &WRITE_SPEED).await, noon());
    let refusal = awaiting.silent("no answer within 1000 ms", noon());
    assert_eq!(exception(&refusal), 0x0b);
    let torn = permit(&mut talk, 6, &WRITE_SPEED).await;
    let Redeemed::Torn(awaiting) = torn.redeem(noon(), |_, _| Ok(Handed::Part)) else {
        panic!("a part is not the whole");
    };
    drop(awaiting);
    // A socket that takes nothing changes nothing: the permit goes on.
    let waiting = permit(&mut talk, 7, &WRITE_SPEED).await;
    let Redeemed::WouldBlock(waiting) =
        waiting.redeem(noon(), |_, _| Err(io::ErrorKind::WouldBlock.into()))
    else {
        panic!("it should wait");
    };
    let (awaiting, ..) = send(waiting, noon());
    let answer = awaiting.answer(&[0x86, 0x02], noon()).unwrap();
    assert_eq!(answer.exception(), Some(ExceptionCode::IllegalDataAddress));

    let records = world.records();
    let by_intent = outcomes(&records);
    let kinds: Vec<&str> = by_intent
        .iter()
        .map(|(_, result)| match result {
            CommandResult::Answered { .. } => "answered",
            CommandResult::Exception { .. } => "exception",
            CommandResult::Withheld { .. } => "withheld",
            CommandResult::Unknown { .. } => "unknown",
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "withheld",
            "withheld",
            "withheld",
            "unknown",
            "unknown",
            "unknown",
            "exception"
        ]
    );
    let mut settled: Vec<u64> = by_intent.iter().map(|(intent, _)| *intent).collect();
    settled.sort_unstable();
    assert_eq!(
        settled,
        intents(&records),
        "one outcome each, no more, no fewer"
    );
}

#[tokio::test]
async fn i5_a_repeat_is_not_executed_twice_and_an_id_is_not_used_twice() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let first = permit(&mut talk, 9, &WRITE_SPEED).await;
    for _ in 0..3 {
        assert!(matches!(
            ask(&mut talk, 9, &WRITE_SPEED).await,
            Ok(Authorized::Repeat)
        ));
    }
    let refusal = ask(&mut talk, 9, &READ_SPEED).await.unwrap_err();
    assert_eq!(refusal.wire(), Wire::Close);
    assert_eq!(refusal.reason(), &Reason::TransactionReused);
    let (awaiting, ..) = send(first, noon());
    awaiting.answer(&WRITE_SPEED, noon()).unwrap();
    assert_eq!(
        talk.settled(adu(9, 1, &[]).transaction).unwrap().as_bytes(),
        WRITE_SPEED
    );
    assert_eq!(intents(&world.records()).len(), 1);
}

#[tokio::test]
async fn i6_a_reply_to_something_else_is_no_answer() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let (mut awaiting, ..) = send(permit(&mut talk, 1, &READ_SPEED).await, noon());
    let wrong: [&[u8]; 6] = [
        &[],
        &[0x04, 4, 0, 1, 0, 2],
        &[0x03, 2, 0, 1],
        &[0x03, 4, 0, 1, 0],
        &[0x03, 4, 0, 1, 0, 2, 0],
        &[0x84, 2],
    ];
    for reply in wrong {
        awaiting = awaiting
            .answer(reply, noon())
            .expect_err("a reply that does not answer the request was taken");
    }
    let answer = awaiting.answer(&[0x03, 4, 0, 1, 0, 2], noon()).unwrap();
    assert_eq!(answer.pdu().as_bytes(), [0x03, 4, 0, 1, 0, 2]);
    // An echo of another value is no confirmation of this write.
    let (awaiting, ..) = send(permit(&mut talk, 2, &WRITE_SPEED).await, noon());
    let mut other = WRITE_SPEED;
    other[4] ^= 1;
    assert!(awaiting.answer(&other, noon()).is_err());
}

#[tokio::test]
async fn i7_no_byte_after_the_end_of_the_standing() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let queued = permit(&mut talk, 1, &WRITE_SPEED).await;
    session.end_standing(Lost::Stopping);
    let refusal = withheld(queued, noon());
    assert_eq!(refusal.reason(), &Reason::Standing(Lost::Stopping));
    let refusal = ask(&mut talk, 2, &READ_SPEED).await.unwrap_err();
    assert_eq!(refusal.reason(), &Reason::Standing(Lost::Stopping));
    let withheld = CommandResult::Withheld {
        reason: "stopping".to_owned(),
    };
    assert_eq!(world.outcomes()[0].1, withheld);
}

#[tokio::test]
async fn a_command_is_not_sent_late_or_after_its_certificate() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let late = permit(&mut talk, 1, &WRITE_SPEED).await;
    let refusal = withheld(late, noon().after(Duration::from_secs(60)));
    assert_eq!(refusal.reason(), &Reason::DeadlinePassed);
    assert_eq!(exception(&refusal), 6);
    // The wall clock passes the certificate's end while the monotonic one barely moves.
    let queued = permit(&mut talk, 2, &WRITE_SPEED).await;
    let expired = Now::new(noon().wall_ms() + 3_600_000, noon().mono());
    let refusal = withheld(queued, expired);
    assert_eq!(refusal.reason(), &Reason::Standing(Lost::Expired));
    let refusal = ask(&mut talk, 3, &READ_SPEED).await.unwrap_err();
    assert_eq!(
        refusal.reason(),
        &Reason::Standing(Lost::Expired),
        "an expired session stays expired, whatever the clock says next"
    );
}

#[tokio::test]
async fn i8_what_cannot_be_recorded_is_denied_and_reads_go_on() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    drop(permit(&mut talk, 1, &WRITE_SPEED).await);
    world.memory.fail_after(0);
    for transaction in 2..5 {
        let refusal = ask(&mut talk, transaction, &WRITE_SPEED).await.unwrap_err();
        assert!(matches!(refusal.reason(), Reason::JournalFailed(_)));
        assert_eq!(exception(&refusal), 4);
    }
    let (awaiting, ..) = send(permit(&mut talk, 5, &READ_SPEED).await, noon());
    assert!(awaiting.answer(&[0x03, 4, 0, 1, 0, 2], noon()).is_ok());
}
