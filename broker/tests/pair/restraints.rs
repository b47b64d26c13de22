//! I7 attacked: what is taken away, is; at once, whatever the disk does, and until somebody else
//! gives it back.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use interlock_broker::clock::{Mono, Now};
use interlock_broker::mediation::{
    Handed, Lost, NotReinstated, NotRestricted, Permit, Reason, Redeemed, Session, Taken, Wire,
};
use interlock_protocols::conduit::Acknowledged;
use interlock_protocols::record::{CommandResult, Event, Measure, Restricted, Scope};

use crate::world::{READ_SPEED, WRITE_SPEED, World, ask, noon, outcomes, permit};

fn subject(who: &str) -> Scope {
    Scope::Subject(format!("spiffe://waterworks/{who}"))
}

fn press() -> Scope {
    Scope::Device("press-4".into())
}

fn take(by: &Session, measure: Measure, scope: Scope) -> Taken {
    by.restrict(measure, scope, "laptop lost", noon()).unwrap()
}

async fn taken(by: &Session, measure: Measure, scope: Scope) -> Acknowledged {
    let mut taken = take(by, measure, scope);
    taken.recorded().await;
    taken.acknowledge()
}

#[track_caller]
fn sent(permit: Permit) {
    let redeemed = permit.redeem(noon(), |_, _| Ok(Handed::Whole));
    assert!(matches!(redeemed, Redeemed::Sent(_)), "{redeemed:?}");
}

/// The code under which it was withheld; no byte may be handed to the socket.
#[track_caller]
fn withheld(permit: Permit) -> &'static str {
    match permit.redeem(noon(), |_, _| panic!("a byte was handed to the socket")) {
        Redeemed::Withheld(refusal) => refusal.reason().code(),
        other => panic!("it was not withheld: {other:?}"),
    }
}

/// A failing disk is found failing by the next write.
async fn until_it_fails(world: &World, session: &Session) {
    let mut talk = session.converse("pump-2", true, noon()).unwrap();
    world.memory.fail_after(0);
    let refused = ask(&mut talk, 1, &[0x06, 0, 0, 0, 0]).await;
    assert!(refused.is_err());
    while world.memory.failed() == 0 {
        tokio::task::yield_now().await;
    }
}

fn restrictions(world: &World) -> Vec<Restricted> {
    let restricted = |event: Event| match event {
        Event::Restricted(restricted) => Some(restricted),
        _ => None,
    };
    let records = world.records().into_iter();
    records
        .filter_map(|record| restricted(record.event))
        .collect()
}

#[tokio::test]
async fn i7_what_waits_in_a_queue_is_never_sent_once_the_subject_is_revoked() {
    let world = World::new();
    let (adam, olga) = (world.session("person/adam"), world.session("person/olga"));
    let mut talk = olga.converse("press-4", true, noon()).unwrap();
    let (write, read) = (
        permit(&mut talk, 1, &WRITE_SPEED).await,
        permit(&mut talk, 2, &READ_SPEED).await,
    );
    let full = permit(&mut talk, 3, &WRITE_SPEED).await;
    let full = full.redeem(noon(), |_, _| Err(std::io::ErrorKind::WouldBlock.into()));
    let Redeemed::WouldBlock(full) = full else {
        panic!("a socket that takes nothing");
    };
    let acknowledged = taken(&adam, Measure::Revoke, subject("person/olga")).await;
    assert!(acknowledged.durable);
    assert_eq!(acknowledged.sessions, [olga.id()]);
    assert_eq!(acknowledged.open, []);
    for permit in [write, read, full] {
        assert_eq!(withheld(permit), "revoked");
    }
    let refusal = ask(&mut talk, 4, &READ_SPEED).await.unwrap_err();
    assert!(matches!(
        refusal.reason(),
        Reason::Standing(Lost::Revoked(_))
    ));
    assert!(matches!(refusal.wire(), Wire::Exception(code) if code.code() == 1));
    assert!(
        refusal.reason().what().ends_with("laptop lost"),
        "the reason is said"
    );
    assert!(*olga.over().borrow());
}

#[tokio::test]
async fn i7_permits_that_outlive_their_session_are_met_as_well() {
    let world = World::new();
    let (adam, olga) = (world.session("person/adam"), world.session("person/olga"));
    let mut talk = olga.converse("press-4", true, noon()).unwrap();
    let queued = permit(&mut talk, 1, &WRITE_SPEED).await;
    drop(talk);
    drop(olga);
    let acknowledged = taken(&adam, Measure::Revoke, subject("person/olga")).await;
    assert_eq!(withheld(queued), "revoked");
    assert_eq!(acknowledged.open, []);
}

#[tokio::test]
async fn i7_the_acknowledgement_lists_what_was_sent_and_is_open() {
    let world = World::new();
    let (adam, olga) = (world.session("person/adam"), world.session("person/olga"));
    let mut talk = olga.converse("press-4", true, noon()).unwrap();
    let answered = permit(&mut talk, 1, &WRITE_SPEED).await;
    let Redeemed::Sent(answered) = answered.redeem(noon(), |_, _| Ok(Handed::Whole)) else {
        panic!("it was not sent");
    };
    answered.answer(&WRITE_SPEED, noon()).unwrap();
    let Redeemed::Sent(_open) = permit(&mut talk, 2, &WRITE_SPEED)
        .await
        .redeem(noon(), |_, _| Ok(Handed::Whole))
    else {
        panic!("it was not sent");
    };
    let Redeemed::Torn(_torn) = permit(&mut talk, 3, &WRITE_SPEED)
        .await
        .redeem(noon(), |_, _| Ok(Handed::Part))
    else {
        panic!("a part is not the whole");
    };
    // A read that is on its way is none: it changes nothing.
    sent(permit(&mut talk, 4, &READ_SPEED).await);
    for scope in [subject("person/olga"), Scope::Session(olga.id())] {
        let acknowledged = taken(&adam, Measure::Revoke, scope).await;
        assert_eq!(acknowledged.open.len(), 2);
        let first = &acknowledged.open[0];
        assert_eq!(
            (first.session, first.device.as_str()),
            (olga.id(), "press-4")
        );
        assert!(
            first.what.starts_with("write speed_setpoint"),
            "{}",
            first.what
        );
    }
    let acknowledged = taken(&adam, Measure::Freeze, press()).await;
    assert_eq!(acknowledged.open.len(), 2, "whoever sent it");
    let elsewhere = taken(&adam, Measure::Freeze, Scope::Device("pump-2".into())).await;
    assert_eq!(elsewhere.open, []);
    let recorded = restrictions(&world);
    assert_eq!(recorded[0].open.len(), 2, "and so does the record");
    assert_eq!(recorded[0].sessions, [olga.id()]);
}

#[tokio::test]
async fn a_frozen_device_is_read_and_not_written_by_anybody() {
    let world = World::new();
    let (adam, olga) = (world.session("person/adam"), world.session("person/olga"));
    let mut talk = olga.converse("press-4", true, noon()).unwrap();
    let (write, read) = (
        permit(&mut talk, 1, &WRITE_SPEED).await,
        permit(&mut talk, 2, &READ_SPEED).await,
    );
    let zone = world.broker.plant().device("press-4").unwrap().zone();
    let acknowledged = taken(&adam, Measure::Freeze, Scope::Zone(zone.to_owned())).await;
    assert_eq!(acknowledged.sessions, [olga.id()], "who talks to it");
    assert_eq!(withheld(write), "frozen");
    sent(read);
    let refusal = ask(&mut talk, 3, &WRITE_SPEED).await.unwrap_err();
    assert_eq!(refusal.reason().code(), "frozen");
    assert!(
        refusal.record().is_some(),
        "it is a denial, and recorded as one"
    );
    assert!(matches!(refusal.wire(), Wire::Exception(code) if code.code() == 1));
    sent(permit(&mut talk, 4, &READ_SPEED).await);
    assert_eq!(olga.lost(), None, "the session stands");
}

#[tokio::test]
async fn an_isolated_device_is_not_even_read_and_its_link_hears_of_it() {
    let world = World::new();
    let (adam, emil) = (world.session("person/adam"), world.session("person/emil"));
    let mut talk = emil.converse("press-4", true, noon()).unwrap();
    let read = permit(&mut talk, 1, &READ_SPEED).await;
    let isolation = world.broker.isolation("press-4").unwrap();
    let acknowledged = taken(&adam, Measure::Isolate, Scope::Site).await;
    assert!(isolation.borrow().is_some());
    assert_eq!(withheld(read), "isolated");
    for pdu in [&READ_SPEED, &WRITE_SPEED] {
        let refusal = ask(&mut talk, 2, pdu).await.unwrap_err();
        assert_eq!(refusal.reason().code(), "isolated");
    }
    let number = acknowledged.restriction.unwrap();
    emil.reinstate(number, "looked at", noon()).await.unwrap();
    assert!(isolation.borrow().is_none());
    sent(permit(&mut talk, 3, &READ_SPEED).await);
}

#[tokio::test]
async fn a_downgraded_session_reads_and_does_nothing_else() {
    let (one, two) = (r#"["person/emil"]"#, r#"["person/emil", "person/edda"]"#);
    let world = World::with_policy(&[("groups.toml", one, two)]);
    let (adam, emil) = (world.session("person/adam"), world.session("person/emil"));
    let mut talk = emil.converse("press-4", true, noon()).unwrap();
    let write = permit(&mut talk, 1, &WRITE_SPEED).await;
    let acknowledged = taken(&adam, Measure::Downgrade, Scope::Session(emil.id())).await;
    assert_eq!(acknowledged.sessions, [emil.id()]);
    assert_eq!(withheld(write), "downgraded");
    let refusal = ask(&mut talk, 2, &WRITE_SPEED).await.unwrap_err();
    assert_eq!(refusal.reason().code(), "downgraded");
    sent(permit(&mut talk, 3, &READ_SPEED).await);
    let denied = emil.restrict(Measure::Freeze, press(), "r", noon());
    let Err(NotRestricted::Refused(refusal)) = denied else {
        panic!("a downgraded session administers");
    };
    assert_eq!(refusal.reason().code(), "downgraded");
    let rows = emil.sessions(noon()).unwrap();
    assert!(
        rows.iter()
            .any(|row| row.session == emil.id() && row.read_only)
    );
    // Given back, it writes again.
    let number = acknowledged.restriction.unwrap();
    let edda = world.session("person/edda");
    edda.reinstate(number, "r", noon()).await.unwrap();
    sent(permit(&mut talk, 4, &WRITE_SPEED).await);
}

#[tokio::test]
async fn who_is_revoked_does_not_come_back_and_is_told_why() {
    let world = World::new();
    let adam = world.session("person/adam");
    let scopes = [
        (subject("person/olga"), "person/olga"),
        (Scope::AllVendors, "vendor/acme/victor"),
    ];
    for (scope, who) in scopes {
        let number = taken(&adam, Measure::Revoke, scope)
            .await
            .restriction
            .unwrap();
        let refusal = world.try_session(who, noon()).err().unwrap();
        assert_eq!(refusal.reason().code(), "revoked");
        let what = refusal.reason().what();
        assert!(what.contains(&format!("restriction {number}")), "{what}");
        assert!(what.contains("laptop lost"), "{what}");
        assert!(refusal.record().is_some());
    }
    assert!(world.try_session("person/aida", noon()).is_ok());
    // Neither does a restart let them in.
    drop(adam);
    let world = world.restarted();
    assert!(world.try_session("person/olga", noon()).is_err());
    assert!(world.try_session("vendor/acme/victor", noon()).is_err());
}

#[tokio::test]
async fn a_revoked_machine_is_revoked_for_everybody_who_uses_it() {
    let world = World::new();
    let (adam, olga) = (world.session("person/adam"), world.session("person/olga"));
    let machine = *olga.device_key().unwrap();
    let acknowledged = taken(&adam, Measure::Revoke, Scope::Machine(machine)).await;
    // All of this world sit at one machine, the administrator too.
    assert_eq!(acknowledged.sessions, [adam.id(), olga.id()]);
    assert!(world.try_session("person/emil", noon()).is_err());
}

#[tokio::test]
async fn a_restart_keeps_the_site_frozen_and_forgets_sessions() {
    let world = World::new();
    let (adam, olga) = (world.session("person/adam"), world.session("person/olga"));
    taken(&adam, Measure::Freeze, Scope::Site).await;
    taken(&adam, Measure::Downgrade, Scope::Session(olga.id())).await;
    drop((adam, olga));
    let world = world.restarted();
    let olga = world.session("person/olga");
    let mut talk = olga.converse("press-4", true, noon()).unwrap();
    let refusal = ask(&mut talk, 1, &WRITE_SPEED).await.unwrap_err();
    assert_eq!(refusal.reason().code(), "frozen");
    let left = world.session("person/adam").restrictions(noon()).unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].scope, Scope::Site);
}

#[tokio::test]
async fn with_a_failed_disk_it_holds_at_once_and_nothing_with_effect_passes_until_it_is_durable() {
    let world = World::new();
    let (adam, olga) = (world.session("person/adam"), world.session("person/olga"));
    let emil = world.session("person/emil");
    let mut talk = olga.converse("press-4", true, noon()).unwrap();
    let mut other = emil.converse("press-4", true, noon()).unwrap();
    let revoked = permit(&mut talk, 1, &WRITE_SPEED).await;
    let bystander = permit(&mut other, 1, &WRITE_SPEED).await;
    until_it_fails(&world, &emil).await;
    let acknowledged = taken(&adam, Measure::Revoke, subject("person/olga")).await;
    assert!(!acknowledged.durable);
    assert!(
        acknowledged.restriction.is_some(),
        "its record is kept in memory"
    );
    assert_eq!(withheld(revoked), "revoked");
    // Nor does what somebody else was permitted while the disk was well.
    assert_eq!(withheld(bystander), "journal-failed");
    sent(permit(&mut other, 2, &READ_SPEED).await);
    let refusal = ask(&mut other, 3, &WRITE_SPEED).await.unwrap_err();
    assert_eq!(refusal.reason().code(), "journal-failed");
    world.memory.heal();
    let mut durable = world.broker.journal().durable();
    let number = acknowledged.restriction.unwrap();
    durable.wait_for(|last| *last >= number).await.unwrap();
    while world.broker.journal().health() != interlock_broker::journal::Health::Good {
        tokio::task::yield_now().await;
    }
    sent(permit(&mut other, 4, &WRITE_SPEED).await);
    assert_eq!(restrictions(&world).len(), 1, "and it is in the log");
}

/// A disk that fails while the record is on its way must not put a note in its place: what holds
/// already would be forgotten by the next start.
#[tokio::test]
async fn a_disk_that_fails_meanwhile_does_not_lose_the_record() {
    let world = World::new();
    let adam = world.session("person/adam");
    world.memory.hold_sync();
    let mut before = take(&adam, Measure::Freeze, press());
    assert!(world.memory.wait_until_held());
    let mut taken = take(&adam, Measure::Revoke, subject("person/olga"));
    world.memory.fail_after(0);
    world.memory.release_sync();
    before.recorded().await;
    taken.recorded().await;
    let acknowledged = taken.acknowledge();
    assert!(!acknowledged.durable);
    world.memory.heal();
    let mut durable = world.broker.journal().durable();
    let number = acknowledged.restriction.unwrap();
    durable.wait_for(|last| *last >= number).await.unwrap();
    drop(adam);
    let world = world.restarted();
    assert!(world.try_session("person/olga", noon()).is_err());
}

#[tokio::test]
async fn a_disk_that_hangs_is_waited_for_no_longer_than_one_likes() {
    let world = World::new();
    let (adam, emil) = (world.session("person/adam"), world.session("person/emil"));
    let mut talk = emil.converse("press-4", true, noon()).unwrap();
    let bystander = permit(&mut talk, 1, &WRITE_SPEED).await;
    world.memory.hold_sync();
    let mut taken = take(&adam, Measure::Revoke, subject("person/olga"));
    {
        let mut recorded = pin!(taken.recorded());
        let mut context = Context::from_waker(Waker::noop());
        assert!(recorded.as_mut().poll(&mut context).is_pending());
    }
    let acknowledged = taken.acknowledge();
    assert!(!acknowledged.durable);
    assert_eq!(withheld(bystander), "journal-failed");
    assert!(world.try_session("person/olga", noon()).is_err());
    world.memory.release_sync();
    let mut durable = world.broker.journal().durable();
    let number = acknowledged.restriction.unwrap();
    durable.wait_for(|last| *last >= number).await.unwrap();
    sent(permit(&mut talk, 2, &WRITE_SPEED).await);
}

#[tokio::test]
async fn even_a_journal_that_takes_nothing_stops_nobody_from_stopping_somebody() {
    let world = World::new();
    let (adam, olga) = (world.session("person/adam"), world.session("person/olga"));
    let mut talk = olga.converse("press-4", true, noon()).unwrap();
    let queued = permit(&mut talk, 1, &READ_SPEED).await;
    world.broker.journal().close();
    let acknowledged = taken(&adam, Measure::Revoke, subject("person/olga")).await;
    assert_eq!(
        (acknowledged.restriction, acknowledged.durable),
        (None, false)
    );
    assert_eq!(withheld(queued), "revoked");
    assert!(world.try_session("person/olga", noon()).is_err());
    assert_eq!(adam.restrictions(noon()).unwrap().len(), 1);
}

#[tokio::test]
async fn giving_back_takes_a_second_person_who_is_there_and_not_in_the_scope() {
    // The sample policy wants somebody there as well; the gateway does whatever rules say.
    let world = World::with_policy(&[(
        "guards.cedar",
        "Interlock::Action::\"confirm-enrolment\",\n        Interlock::Action::\"reinstate\"",
        "Interlock::Action::\"confirm-enrolment\"",
    )]);
    let (adam, emil) = (world.session("person/adam"), world.session("person/emil"));
    let number = taken(&adam, Measure::Freeze, press())
        .await
        .restriction
        .unwrap();
    let code = |result: Result<u64, NotReinstated>| match result {
        Err(NotReinstated::Refused(refusal)) => refusal.reason().code(),
        other => panic!("{other:?}"),
    };
    assert_eq!(code(adam.reinstate(number, "r", noon()).await), "own-case");
    let late = Now::new(
        noon().wall_ms() + 301_000,
        Mono::at(Duration::from_secs(361)),
    );
    assert_eq!(code(emil.reinstate(number, "r", late).await), "not-present");
    let olga = world.session("person/olga");
    assert_eq!(
        code(olga.reinstate(number, "r", noon()).await),
        "no-rule-permits"
    );
    for reason in ["", " \n", &"x".repeat(1_025)] {
        let none = emil.reinstate(number, reason, noon()).await;
        assert!(matches!(none, Err(NotReinstated::NoReason)));
    }
    let other = emil.reinstate(number + 1, "r", noon()).await;
    assert!(matches!(other, Err(NotReinstated::Unknown(_))));
    // Who is in the scope, though it is somebody else's doing.
    let machine = *emil.device_key().unwrap();
    let all = taken(&adam, Measure::Downgrade, Scope::Session(emil.id())).await;
    let own = emil.reinstate(all.restriction.unwrap(), "r", noon()).await;
    assert!(matches!(own, Err(NotReinstated::Refused(_))));
    let second = world.session("person/emil");
    let machines = taken(&adam, Measure::Revoke, Scope::Machine(machine)).await;
    let own = second
        .reinstate(machines.restriction.unwrap(), "r", noon())
        .await;
    assert!(matches!(own, Err(NotReinstated::Refused(_))));
}

#[tokio::test]
async fn what_was_lifted_stays_lifted_and_is_recorded() {
    let world = World::new();
    let (adam, emil) = (world.session("person/adam"), world.session("person/emil"));
    let number = taken(&adam, Measure::Revoke, subject("person/olga"))
        .await
        .restriction
        .unwrap();
    let record = emil
        .reinstate(number, " found again ", noon())
        .await
        .unwrap();
    assert!(world.try_session("person/olga", noon()).is_ok());
    drop((adam, emil));
    let world = world.restarted();
    assert!(world.try_session("person/olga", noon()).is_ok());
    let records = world.records();
    let reinstated = records.iter().find(|found| found.sequence == record);
    let Event::Reinstated(reinstated) = &reinstated.unwrap().event else {
        panic!("another record");
    };
    assert_eq!(reinstated.by, "spiffe://waterworks/person/emil");
    assert_eq!(
        (reinstated.restriction, reinstated.reason.as_str()),
        (number, "found again")
    );
}

#[tokio::test]
async fn a_lift_that_cannot_be_recorded_lifts_nothing() {
    let world = World::new();
    let (adam, emil) = (world.session("person/adam"), world.session("person/emil"));
    let number = taken(&adam, Measure::Revoke, subject("person/olga"))
        .await
        .restriction
        .unwrap();
    world.memory.fail_after(0);
    let lifted = emil.reinstate(number, "r", noon()).await;
    assert!(
        matches!(lifted, Err(NotReinstated::Journal(_))),
        "{lifted:?}"
    );
    world.memory.heal();
    assert!(world.try_session("person/olga", noon()).is_err());
}

#[tokio::test]
async fn what_is_not_there_or_does_not_fit_is_refused_in_words() {
    let world = World::new();
    let (adam, olga) = (world.session("person/adam"), world.session("person/olga"));
    let why = |measure, scope| {
        let refused = adam.restrict(measure, scope, "r", noon());
        refused.err().unwrap().to_string()
    };
    let unknown = [
        (
            Measure::Revoke,
            subject("person/nobody"),
            "nobody is known as `person/nobody`",
        ),
        (
            Measure::Revoke,
            Scope::Subject("olga".into()),
            "is no subject id",
        ),
        (Measure::Revoke, Scope::Machine([9; 32]), "no machine 0909"),
        (
            Measure::Revoke,
            Scope::Session(9_999),
            "no session 9999 is open",
        ),
        (
            Measure::Revoke,
            Scope::Window("w-1".into()),
            "is no number of a window",
        ),
        (
            Measure::Freeze,
            Scope::Device("olgas-laptop".into()),
            "no device `olgas-laptop`",
        ),
        (
            Measure::Isolate,
            Scope::Zone("moon".into()),
            "no zone `moon`",
        ),
        (
            Measure::Freeze,
            subject("person/olga"),
            "`freeze` is not for",
        ),
        (Measure::Revoke, Scope::Site, "`revoke` is not for"),
        (
            Measure::Downgrade,
            Scope::AllVendors,
            "`downgrade` is not for",
        ),
    ];
    for (measure, scope, words) in unknown {
        let said = why(measure, scope.clone());
        assert!(said.contains(words), "{scope:?}: {said}");
    }
    for reason in ["", " ", &"x".repeat(1_025)] {
        let none = adam.restrict(Measure::Freeze, press(), reason, noon());
        assert!(matches!(none, Err(NotRestricted::NoReason)));
    }
    let denied = olga.restrict(Measure::Freeze, press(), "r", noon());
    assert!(matches!(denied, Err(NotRestricted::Refused(_))));
    assert!(olga.sessions(noon()).is_err() && olga.restrictions(noon()).is_err());
    assert_eq!(restrictions(&world), []);
}

#[tokio::test]
async fn the_list_of_sessions_says_who_from_where_and_what_last() {
    let world = World::new();
    let (adam, olga) = (world.session("person/adam"), world.session("person/olga"));
    let mut talk = olga.converse("press-4", true, noon()).unwrap();
    drop(permit(&mut talk, 1, &WRITE_SPEED).await);
    let rows = adam.sessions(noon()).unwrap();
    assert_eq!(rows.len(), 2);
    let row = &rows[1];
    assert_eq!(row.subject, "spiffe://waterworks/person/olga");
    assert_eq!(row.peer, "192.0.2.7:5000");
    assert_eq!(row.device_key, olga.device_key().copied());
    assert_eq!(row.devices, ["press-4"]);
    assert_eq!(row.since_ms, noon().wall_ms());
    assert_eq!(row.last_ms, Some(noon().wall_ms()));
    assert!(
        row.last.starts_with("press-4: write speed_setpoint"),
        "{}",
        row.last
    );
    drop(talk);
    assert_eq!(adam.sessions(noon()).unwrap()[1].devices, [""; 0]);
    olga.end("done", noon());
    assert_eq!(adam.sessions(noon()).unwrap().len(), 1);
}

#[tokio::test]
async fn each_withheld_command_has_its_outcome_with_the_reason() {
    let world = World::new();
    let (adam, olga) = (world.session("person/adam"), world.session("person/olga"));
    let mut talk = olga.converse("press-4", true, noon()).unwrap();
    let queued = permit(&mut talk, 1, &WRITE_SPEED).await;
    taken(&adam, Measure::Revoke, subject("person/olga")).await;
    withheld(queued);
    let why = CommandResult::Withheld {
        reason: "revoked".into(),
    };
    assert_eq!(outcomes(&world.records())[0].1, why);
}
