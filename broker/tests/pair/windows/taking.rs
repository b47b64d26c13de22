//! I7 attacked, for windows: once it is acknowledged that one was taken away, nothing of it is sent;
//! and neither time nor the last write ever cuts a command off.

use std::time::Duration;

use interlock_broker::mediation::{NotReinstated, NotRestricted, Reason, Session, Shut};
use interlock_protocols::conduit::Acknowledged;
use interlock_protocols::record::{Event, Measure, Scope, WindowEnd, WindowEnded};

use super::{Hall, READ, ask, at, code, done, ramp, sent, span, withheld, write};
use crate::world::{World, noon};

async fn taken(by: &Session, scope: Scope) -> Acknowledged {
    let mut taken = by
        .restrict(Measure::Revoke, scope, "wrong pump", noon())
        .unwrap();
    taken.recorded().await;
    taken.acknowledge()
}

fn window(number: u64) -> Scope {
    Scope::Window(number.to_string())
}

fn ended(hall: &Hall, number: u64, end: WindowEnd) {
    let ended = Event::WindowEnded(WindowEnded {
        window: number,
        end,
        session: None,
        by: String::new(),
    });
    hall.world.broker.tell_register(ended, noon()).unwrap();
}

#[track_caller]
fn shut(reason: &Reason) -> &Shut {
    match reason {
        Reason::Window(window) => &window.why,
        other => panic!("another reason: {other:?}"),
    }
}

#[tokio::test]
async fn i7_nothing_of_a_window_is_sent_once_its_revocation_is_acknowledged() {
    let hall = Hall::new();
    let (adam, victor) = (hall.world.session("person/adam"), hall.victor());
    let idle = hall.victor();
    let mut other = hall.draft(&victor);
    other.points = vec![ramp()];
    let (number, other) = (hall.window(&hall.draft(&victor)), hall.window(&other));
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let open = sent(
        ask(&mut talk, 1, &write(1_001), noon()).await.unwrap(),
        noon(),
    );
    let beside = sent(
        ask(&mut talk, 2, &[6, 0, 101, 0, 9], noon()).await.unwrap(),
        noon(),
    );
    let waits = ask(&mut talk, 3, &write(1_002), noon()).await.unwrap();
    let reads = ask(&mut talk, 4, &READ, noon()).await.unwrap();
    let under_other = ask(&mut talk, 5, &[6, 0, 101, 0, 8], noon()).await.unwrap();
    let acknowledged = taken(&adam, window(number)).await;
    assert!(acknowledged.durable);
    assert_eq!(acknowledged.sessions, [victor.id()], "not {}", idle.id());
    let listed: Vec<_> = acknowledged
        .open
        .iter()
        .map(|it| (it.session, &*it.what))
        .collect();
    assert_eq!(
        listed,
        [(
            victor.id(),
            "write speed_setpoint = 100.1 rpm, holding 100 (40101)"
        )]
    );
    for permit in [waits, reads] {
        let reason = withheld(permit, noon());
        assert_eq!(reason.code(), "window-revoked");
        assert!(reason.what().ends_with("wrong pump"), "{}", reason.what());
    }
    let next = ask(&mut talk, 6, &write(1_003), noon()).await;
    assert_eq!(code(next), "window-revoked");
    // The session stands, and what it has by another window.
    assert!(!*victor.over().borrow());
    drop(sent(under_other, noon()));
    done(&mut talk, 7, &[6, 0, 101, 0, 7], noon()).await;
    assert_ne!(number, other);
    drop((open, beside));
}

#[tokio::test]
async fn i7_revoking_an_approver_shuts_what_they_approved_unless_somebody_else_did() {
    let hall = Hall::new();
    let (adam, victor) = (hall.world.session("person/adam"), hall.victor());
    let _arno = hall.world.session("person/arno");
    let (mut one, mut both) = (hall.draft(&victor), hall.draft(&victor));
    (one.max_writes, both.points) = (5, vec![ramp()]);
    let number = hall.window(&one);
    let second = hall.requested(&both);
    hall.approved(second, &both, 2);
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let open = sent(
        ask(&mut talk, 1, &write(1_001), noon()).await.unwrap(),
        noon(),
    );
    let waits = ask(&mut talk, 2, &write(1_002), noon()).await.unwrap();
    let by_both = ask(&mut talk, 3, &[6, 0, 101, 0, 9], noon()).await.unwrap();
    let arno = Scope::Subject("spiffe://waterworks/person/arno".to_owned());
    let acknowledged = taken(&adam, arno).await;
    assert!(acknowledged.sessions.contains(&victor.id()));
    assert_eq!(acknowledged.open.len(), 1);
    assert_eq!(shut(&withheld(waits, noon())), &Shut::Short);
    drop(sent(by_both, noon()));
    assert_eq!(
        code(ask(&mut talk, 4, &write(1_002), noon()).await),
        "window-short"
    );
    hall.approved(number, &one, 2);
    done(&mut talk, 5, &write(1_003), noon()).await;
    drop(open);
}

#[tokio::test]
async fn i7_nothing_of_a_window_is_sent_once_it_was_taken_back() {
    let hall = Hall::new();
    let victor = hall.victor();
    let number = hall.window(&hall.draft(&victor));
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let waits = ask(&mut talk, 1, &write(1_001), noon()).await.unwrap();
    // Not even a disk that hangs lets it pass.
    hall.world.memory.hold_sync();
    ended(&hall, number, WindowEnd::Withdrawn);
    assert_eq!(shut(&withheld(waits, noon())), &Shut::Withdrawn);
    assert_eq!(
        code(ask(&mut talk, 2, &write(1_001), noon()).await),
        "window-withdrawn"
    );
    hall.world.memory.release_sync();
}

#[tokio::test]
async fn neither_time_nor_the_last_write_cuts_off_what_has_its_intent() {
    let hall = Hall::new();
    let victor = hall.victor();
    let mut draft = hall.draft(&victor);
    draft.max_writes = 2;
    draft.spans = vec![span(noon(), Duration::from_secs(1))];
    let number = hall.window(&draft);
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let first = ask(&mut talk, 1, &write(1_001), noon()).await.unwrap();
    let last = ask(&mut talk, 2, &write(1_002), noon()).await.unwrap();
    assert_eq!(
        code(ask(&mut talk, 3, &write(1_003), noon()).await),
        "window-exhausted"
    );
    let over = at(Duration::from_secs(1));
    let awaiting = sent(first, over);
    ended(&hall, number, WindowEnd::Over);
    awaiting.answer(&write(1_001), over).unwrap();
    drop(sent(last, over));
    assert_eq!(code(ask(&mut talk, 4, &READ, over).await), "window-over");
}

#[tokio::test]
async fn a_window_is_given_back_by_a_third_person_and_its_permits_serve_again() {
    let hall = Hall::over(World::with_policy(&[(
        "groups.toml",
        r#"engineers = ["person/emil"]"#,
        r#"engineers = ["person/emil", "person/ada"]"#,
    )]));
    let sessions = ["person/adam", "person/emil", "person/ada"];
    let [adam, emil, ada] = sessions.map(|who| hall.world.session(who));
    let number = hall.window(&hall.draft(&emil));
    let mut talk = emil.converse("press-4", true, noon()).unwrap();
    let waits = ask(&mut talk, 1, &write(1_001), noon()).await.unwrap();
    let restriction = taken(&adam, window(number)).await.restriction.unwrap();
    for own in [&adam, &emil] {
        let refused = own.reinstate(restriction, "looked at it", noon()).await;
        let Err(NotReinstated::Refused(refusal)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(refusal.reason(), &Reason::OwnCase, "{}", own.subject());
    }
    // An engineer needs no window for this: it passes, and under none.
    done(&mut talk, 2, &write(1_001), noon()).await;
    let used = |hall: &Hall| hall.world.broker.register().windows.used(number, 0);
    assert_eq!(used(&hall), 1);
    ada.reinstate(restriction, "looked at it", noon())
        .await
        .unwrap();
    drop(sent(waits, noon()));
    done(&mut talk, 3, &write(1_001), noon()).await;
    assert_eq!(used(&hall), 2);
}

#[tokio::test]
async fn a_revocation_survives_a_restart() {
    let hall = Hall::new();
    let (adam, victor) = (hall.world.session("person/adam"), hall.victor());
    let number = hall.window(&hall.draft(&victor));
    taken(&adam, window(number)).await;
    drop((adam, victor));
    let hall = hall.restarted();
    let victor = hall.victor();
    assert!(victor.converse("press-4", true, noon()).is_err());
}

#[tokio::test]
async fn what_is_no_window_or_over_is_refused_in_words() {
    let hall = Hall::new();
    let (adam, victor) = (hall.world.session("person/adam"), hall.victor());
    let number = hall.window(&hall.draft(&victor));
    let refused = |text: &str| {
        let scope = Scope::Window(text.to_owned());
        match adam.restrict(Measure::Revoke, scope, "wrong pump", noon()) {
            Err(NotRestricted::Unknown(why)) => why,
            _ => panic!("{text} was taken away"),
        }
    };
    assert!(refused("W-1").contains("is no number of a window"));
    assert!(refused("999").contains("no window 999 is known"));
    assert!(refused(&"9".repeat(10_000)).len() < 200);
    // It has one spelling in the register, whatever somebody writes.
    let odd = Scope::Window(format!("00{number}"));
    drop(
        adam.restrict(Measure::Revoke, odd, "wrong pump", noon())
            .unwrap(),
    );
    assert!(victor.converse("press-4", true, noon()).is_err());
    ended(&hall, number, WindowEnd::Over);
    assert!(refused(&number.to_string()).contains("is over already"));
}

/// Whoever revokes what is shut already asks the same question: what of it is still on its way.
#[tokio::test]
async fn each_revocation_of_a_window_lists_what_of_it_is_open() {
    let hall = Hall::new();
    let (adam, victor) = (hall.world.session("person/adam"), hall.victor());
    let number = hall.window(&hall.draft(&victor));
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let open = sent(
        ask(&mut talk, 1, &write(1_001), noon()).await.unwrap(),
        noon(),
    );
    for time in ["first", "second"] {
        let acknowledged = taken(&adam, window(number)).await;
        assert_eq!(acknowledged.open.len(), 1, "{time}");
        assert_eq!(acknowledged.sessions, [victor.id()], "{time}");
    }
    drop(open);
}
