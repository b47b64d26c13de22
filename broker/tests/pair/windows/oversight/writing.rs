//! The one writer of a device.

use interlock_broker::mediation::{Oversight, Reason, Session, Writer};
use interlock_protocols::grant::{Functions, Point};
use interlock_protocols::modbus::FunctionCode;
use interlock_protocols::record::{Event, Measure, Scope};

use super::super::{HOUR, READ, span, speed};
use super::{Hall, ask, busy, converse, done, events, noon, s, windowed, write};

fn taken(by: &Session, now: interlock_broker::clock::Now) -> Result<Option<Writer>, &'static str> {
    let taken = by.take_writer("press-4", now);
    taken.map(|it| it.from).map_err(|why| why.reason().code())
}

/// The speed, for reading.
fn reads() -> Point {
    Point {
        functions: Functions::NONE.with(FunctionCode::ReadHoldingRegisters),
        raw_max: 0,
        ..speed()
    }
}

#[tokio::test]
async fn one_session_writes_and_all_may_read() {
    let hall = Hall::new();
    let (olga, emil) = (
        hall.world.session("person/olga"),
        hall.world.session("person/emil"),
    );
    let (mut hers, mut his) = (converse(&olga).await, converse(&emil).await);
    assert_eq!(taken(&olga, noon()), Ok(None));
    let refusal = ask(&mut his, 1, &write(1_000), s(10)).await.unwrap_err();
    let writer = Writer {
        session: olga.id(),
        subject: olga.subject().clone(),
    };
    assert_eq!(
        refusal.reason(),
        &Reason::Oversight(Oversight::WriterTaken(writer))
    );
    assert_eq!(busy(Err(refusal)), "writer-taken");
    drop(ask(&mut his, 2, &READ, s(10)).await.unwrap());
    assert_eq!(taken(&emil, s(10)), Err("writer-taken"), "their like");
    done(&mut hers, 1, &write(1_000), s(29)).await;
    assert_eq!(
        busy(ask(&mut his, 3, &write(1_000), s(58)).await),
        "writer-taken"
    );
    done(&mut his, 4, &write(1_000), s(59)).await;
    assert_eq!(taken(&olga, s(60)), Ok(None));
    assert!(olga.return_writer("press-4", s(60)).unwrap());
    assert!(!olga.return_writer("press-4", s(60)).unwrap());
    done(&mut his, 5, &write(1_000), s(61)).await;
}

#[tokio::test]
async fn the_plants_people_go_before_vendors_and_it_is_recorded() {
    let hall = Hall::new();
    let (victor, olga) = (hall.victor(), hall.world.session("person/olga"));
    windowed(&hall, &victor, false, false);
    let (mut theirs, mut hers) = (converse(&victor).await, converse(&olga).await);
    assert_eq!(taken(&victor, noon()), Ok(None));
    assert_eq!(
        busy(ask(&mut hers, 1, &write(1_000), s(1)).await),
        "writer-taken"
    );
    let from = taken(&olga, s(1)).unwrap().unwrap();
    assert_eq!(from.session, victor.id());
    done(&mut hers, 2, &write(1_000), s(2)).await;
    assert_eq!(
        busy(ask(&mut theirs, 1, &write(1_000), s(2)).await),
        "writer-taken"
    );
    assert_eq!(taken(&victor, s(2)), Err("writer-taken"));
    let records = events(&hall, |event| match event {
        Event::WriterTaken(it) => Some((it.session, it.from, it.from_subject)),
        _ => None,
    });
    let subject = victor.subject().to_string();
    assert_eq!(
        records,
        [
            (victor.id(), None, String::new()),
            (olga.id(), Some(victor.id()), subject)
        ]
    );
}

#[tokio::test]
async fn only_who_may_write_there_keeps_others_from_it() {
    let hall = Hall::new();
    let (victor, aida) = (hall.victor(), hall.world.session("person/aida"));
    let historian = hall.world.session("workload/historian");
    assert_eq!(taken(&victor, noon()), Err("not-yours"), "without a window");
    assert_eq!(taken(&aida, noon()), Err("not-yours"));
    assert_eq!(
        taken(&historian, noon()),
        Err("no-rule-permits"),
        "they read"
    );
    let olga = hall.world.session("person/olga");
    let unknown = olga.take_writer("press-9", noon()).unwrap_err();
    assert_eq!(unknown.reason().code(), "not-yours");
    let mut draft = hall.draft(&victor);
    draft.max_writes = 3;
    let window = hall.requested(&draft);
    assert_eq!(
        taken(&victor, noon()),
        Err("not-yours"),
        "nobody approved it"
    );
    hall.approved(window, &draft, 1);
    assert_eq!(taken(&victor, noon()), Ok(None));
}

#[tokio::test]
async fn it_ends_with_its_session() {
    let hall = Hall::new();
    let (olga, emil) = (
        hall.world.session("person/olga"),
        hall.world.session("person/emil"),
    );
    let mut his = converse(&emil).await;
    taken(&olga, noon()).unwrap();
    assert_eq!(
        busy(ask(&mut his, 1, &write(1_000), s(1)).await),
        "writer-taken"
    );
    olga.end("the client is done", s(1));
    done(&mut his, 2, &write(1_000), s(1)).await;
}

#[tokio::test]
async fn the_plants_people_bring_it_to_rest_whoever_alone_writes() {
    let hall = Hall::new();
    let (olga, emil) = (
        hall.world.session("person/olga"),
        hall.world.session("person/emil"),
    );
    let mut hers = converse(&olga).await;
    taken(&emil, noon()).unwrap();
    assert_eq!(
        busy(ask(&mut hers, 1, &write(1), s(1)).await),
        "writer-taken"
    );
    done(&mut hers, 2, &write(0), s(1)).await;
}

#[tokio::test]
async fn a_window_that_opens_no_write_now_keeps_nobody_from_writing() {
    let hall = Hall::new();
    let (victor, adam) = (hall.victor(), hall.world.session("person/adam"));
    let tomorrow = s(86_400);
    let mut later = hall.draft(&victor);
    later.spans = vec![span(tomorrow, HOUR)];
    hall.window(&later);
    assert_eq!(taken(&victor, noon()), Err("not-yours"), "not yet");
    let mut elsewhere = hall.draft(&victor);
    elsewhere.holder_key = [7; 32];
    hall.window(&elsewhere);
    assert_eq!(taken(&victor, noon()), Err("not-yours"), "another machine");
    let mut reading = hall.draft(&victor);
    reading.max_writes = 0;
    reading.points = vec![reads()];
    hall.window(&reading);
    assert!(taken(&victor, noon()).is_err(), "for reading alone");
    let number = hall.window(&hall.draft(&victor));
    let scope = Scope::Window(number.to_string());
    drop(adam.restrict(Measure::Revoke, scope, "wrong pump", noon()));
    assert!(taken(&victor, noon()).is_err(), "revoked");
    hall.window(&hall.draft(&victor));
    assert_eq!(taken(&victor, noon()), Ok(None));
}

#[tokio::test]
async fn what_waits_for_a_yes_does_not_renew_the_token() {
    let hall = Hall::new();
    let (victor, olga) = (hall.victor(), hall.world.session("person/olga"));
    windowed(&hall, &victor, false, true);
    let (mut theirs, mut hers) = (converse(&victor).await, converse(&olga).await);
    assert_eq!(taken(&victor, noon()), Ok(None));
    assert_eq!(
        busy(ask(&mut theirs, 1, &write(1_000), s(29)).await),
        "held"
    );
    assert_eq!(
        busy(ask(&mut hers, 1, &write(1_000), s(29)).await),
        "writer-taken"
    );
    done(&mut hers, 2, &write(1_000), s(30)).await;
}
