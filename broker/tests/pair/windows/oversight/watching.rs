//! What whoever watches is told, and who may.

use interlock_broker::mediation::Handed;
use interlock_protocols::conduit::{Seen, Watched};
use interlock_protocols::record::{Event, Measure, Scope};

use super::super::{READ, sent};
use super::{Hall, WANDA, open_hall, windowed};
use super::{
    VICTOR, ask, commands, converse, done, events, ms, noon, press, s, see, watches, write,
};

#[tokio::test]
async fn each_command_is_told_in_names_and_units_with_what_came_of_it() {
    let hall = Hall::new();
    let (olga, emil) = (
        hall.world.session("person/olga"),
        hall.world.session("person/emil"),
    );
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&olga).await;
    let permit = ask(&mut talk, 1, &write(8_500), noon()).await.unwrap();
    assert_eq!(commands(see(&watch, noon())), [], "it is told with its end");
    sent(permit, noon()).answer(&write(8_500), ms(3)).unwrap();
    let read = sent(ask(&mut talk, 2, &READ, noon()).await.unwrap(), noon());
    read.answer(&[3, 2, 0x21, 0x34], ms(12)).unwrap();
    ask(&mut talk, 3, &write(20_000), noon()).await.unwrap_err();
    let late = ask(&mut talk, 4, &write(1), noon()).await.unwrap();
    drop(late.redeem(s(60), |_, _| Ok(Handed::Whole)));
    drop(sent(
        ask(&mut talk, 5, &write(2), noon()).await.unwrap(),
        noon(),
    ));
    let told = commands(see(&watch, noon()));
    let lines: Vec<_> = told
        .iter()
        .map(|it| (&*it.asked, &*it.decision, &*it.result, it.latency_us))
        .collect();
    assert_eq!(
        lines,
        [
            (
                "write speed_setpoint = 850 rpm",
                "allowed",
                "done",
                Some(3_000)
            ),
            (
                "read speed_setpoint",
                "allowed",
                "speed_setpoint = 850 rpm",
                Some(12_000)
            ),
            (
                "write speed_setpoint = 2000 rpm",
                "value-outside-limits",
                "`speed_setpoint`, holding 100 (40101): 2000 rpm was asked, allowed is 0 to 1200 rpm",
                None
            ),
            (
                "write speed_setpoint = 0.1 rpm",
                "deadline-passed",
                "not sent: deadline-passed",
                None
            ),
            (
                "write speed_setpoint = 0.2 rpm",
                "allowed",
                "given up: nobody waited for an answer",
                None
            ),
        ]
    );
    for it in &told {
        assert_eq!((it.session, &*it.device), (olga.id(), "press-4"));
        assert_eq!(it.subject, "spiffe://waterworks/person/olga");
        assert_eq!(it.time_ms, noon().wall_ms());
    }
    assert!(told[0].record.is_some() && told[1].record.is_none());
    assert_eq!(told[0].rules, ["staff.cedar/operators-write"]);
}

#[tokio::test]
async fn a_session_is_watched_wherever_it_goes_and_nobody_else_with_it() {
    let hall = Hall::new();
    let (olga, emil) = (
        hall.world.session("person/olga"),
        hall.world.session("person/emil"),
    );
    let other = hall.world.session("person/olga");
    let watch = watches(&emil, Watched::Session(olga.id()), noon());
    for session in [&olga, &other] {
        let mut talk = converse(session).await;
        done(&mut talk, 1, &write(100), noon()).await;
    }
    let mut pump = olga.converse("pump-2", true, noon()).unwrap();
    ask(&mut pump, 1, &READ, noon()).await.unwrap_err();
    let told = commands(see(&watch, noon()));
    let told: Vec<_> = told.iter().map(|it| (it.session, &*it.device)).collect();
    assert_eq!(told, [(olga.id(), "press-4"), (olga.id(), "pump-2")]);
}

#[test]
fn nobody_watches_whom_rules_do_not_let_and_the_try_is_recorded() {
    let hall = Hall::new();
    let (victor, olga) = (hall.victor(), hall.world.session("person/olga"));
    let refused = |who: &interlock_broker::mediation::Session, what| {
        who.watch(what, noon()).err().unwrap().reason().code()
    };
    assert_eq!(refused(&victor, press()), "not-yours");
    assert_eq!(refused(&victor, Watched::Session(olga.id())), "not-yours");
    assert_eq!(
        refused(&olga, Watched::Device("press-9".into())),
        "not-yours"
    );
    assert_eq!(refused(&olga, Watched::Session(9_999)), "watched-over");
    let denials = events(&hall, |event| match event {
        Event::Denial(denial) => Some(denial.detail),
        _ => None,
    });
    assert_eq!(denials.len(), 4);
    assert!(denials[0].starts_with("watch: "), "{denials:?}");
}

#[test]
fn a_watch_has_a_record_at_its_begin_and_its_end_and_says_whether_it_supervises() {
    let hall = open_hall();
    let (victor, wanda) = (hall.victor(), hall.world.session(WANDA));
    let olga = hall.world.session("person/olga");
    let at_device = wanda.watch(press(), noon()).unwrap();
    let of_victor = wanda.watch(Watched::Session(victor.id()), noon()).unwrap();
    let of_own = olga.watch(Watched::Session(olga.id()), noon()).unwrap();
    assert!(at_device.supervises() && of_victor.supervises());
    assert!(!of_own.supervises(), "nobody supervises their own people");
    at_device.end("whoever watched is done", s(1));
    at_device.end("again", s(1));
    drop((at_device, of_victor, of_own));
    let records = events(&hall, |event| match event {
        Event::WatchOpened(it) => {
            Some((it.subject, it.watched, it.device, it.supervises.to_string()))
        }
        Event::WatchEnded(it) => Some((it.subject, None, String::new(), it.reason)),
        _ => None,
    });
    let wanda = format!("spiffe://waterworks/{WANDA}");
    assert_eq!(records.len(), 6);
    assert_eq!(
        records[0],
        (wanda.clone(), None, "press-4".into(), "true".into())
    );
    assert_eq!(records[1].1, Some(victor.id()));
    assert_eq!(records[2].3, "false");
    assert_eq!(records[3].3, "whoever watched is done");
    assert_eq!(records[4].3, "the stream was lost");
}

#[tokio::test]
async fn it_is_decided_again_while_it_goes_on() {
    let hall = Hall::new();
    let (adam, olga) = (
        hall.world.session("person/adam"),
        hall.world.session("person/olga"),
    );
    let emil = hall.world.session("person/emil");
    let of_device = watches(&emil, press(), noon());
    let of_session = watches(&emil, Watched::Session(olga.id()), noon());
    of_device.tick(s(1)).unwrap();
    of_session.tick(s(1)).unwrap();
    assert_eq!(see(&of_device, s(1)), [Seen::Quiet]);
    olga.end("the client is done", s(1));
    let over = of_session.tick(s(2)).unwrap_err();
    assert_eq!(over.reason().code(), "watched-over");
    of_session.part(&over, s(2));
    assert!(matches!(
        see(&of_session, s(2)).as_slice(),
        [Seen::Quiet, Seen::Ended { .. }]
    ));
    let mut taken = adam
        .restrict(
            Measure::Revoke,
            Scope::Session(emil.id()),
            "gone home",
            s(2),
        )
        .unwrap();
    taken.recorded().await;
    assert!(taken.acknowledge().durable);
    assert_eq!(of_device.tick(s(3)).unwrap_err().reason().code(), "revoked");
}

#[test]
fn who_says_to_have_seen_what_they_were_never_told_watches_no_longer() {
    let hall = Hall::new();
    let emil = hall.world.session("person/emil");
    let watch = emil.watch(press(), noon()).unwrap();
    let first = watch.ready().unwrap();
    assert_eq!(first.number, 1);
    let refusal = watch.saw(2, noon()).unwrap_err();
    assert_eq!(refusal.reason().code(), "watch-broken");
    watch.saw(1, noon()).unwrap();
}

#[test]
fn one_subject_does_not_take_all_places() {
    let hall = Hall::new();
    let emil = hall.world.session("person/emil");
    let mut open: Vec<_> = (0..8)
        .map(|_| emil.watch(press(), noon()).unwrap())
        .collect();
    let more = emil.watch(press(), noon()).err().unwrap();
    assert_eq!(more.reason().code(), "watches-full");
    let olga = hall.world.session("person/olga");
    drop(olga.watch(press(), noon()).unwrap());
    open.pop();
    emil.watch(press(), noon()).unwrap();
}

#[tokio::test]
async fn one_who_does_not_read_is_told_what_they_missed_and_costs_little() {
    let hall = Hall::new();
    let (olga, emil) = (
        hall.world.session("person/olga"),
        hall.world.session("person/emil"),
    );
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&olga).await;
    for transaction in 0..300 {
        ask(&mut talk, transaction, &write(20_000), noon())
            .await
            .unwrap_err();
    }
    let told = see(&watch, noon());
    let missed: u64 = told
        .iter()
        .map(|seen| match seen {
            Seen::Missed { commands } => *commands,
            _ => 0,
        })
        .sum();
    assert_eq!((told.len(), missed), (256, 45));
}

/// A window that is neither supervised nor held, and a watch that is there all the same.
#[tokio::test]
async fn watching_takes_nothing_from_whoever_needs_no_supervisor() {
    let hall = Hall::new();
    let victor = hall.victor();
    let window = windowed(&hall, &victor, false, false);
    let emil = hall.world.session("person/emil");
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    for transaction in 0..9 {
        done(&mut talk, transaction, &write(1_000 + transaction), s(20)).await;
    }
    let told = commands(see(&watch, s(20)));
    assert_eq!(told.len(), 9);
    assert!(told.iter().all(|it| it.window == Some(window)));
    assert_eq!(victor.subject().path(), VICTOR);
}
