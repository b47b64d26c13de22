//! Each write under a window with hold waits for a yes that is its own.

use std::future::Future as _;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use interlock_broker::mediation::Watch;
use interlock_protocols::conduit::{Seen, Watched};
use interlock_protocols::record::{Event, HoldAnswered, Measure, Scope};

use super::super::{READ, code, denials, intents, ramp, span, speed};
use super::{
    Hall, VERA, ask, busy, converse, done, events, held, ms, noon, open_hall, press, s, see,
    watches, windowed, write,
};
use crate::world::World;

async fn say(watch: &Watch, hold: u64, yes: bool) -> Vec<Seen> {
    watch.answer(hold, yes, noon()).await.unwrap();
    see(watch, noon())
}

fn answers(hall: &Hall) -> Vec<HoldAnswered> {
    events(hall, |event| match event {
        Event::HoldAnswered(it) => Some(it),
        _ => None,
    })
}

#[tokio::test]
async fn a_write_waits_for_a_yes_that_serves_once() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    let window = windowed(&hall, &victor, false, true);
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    drop(ask(&mut talk, 1, &READ, noon()).await.unwrap());
    see(&watch, noon());
    let refusal = ask(&mut talk, 2, &write(6_000), noon()).await.unwrap_err();
    assert!(
        refusal.next().contains("the same command again"),
        "{}",
        refusal.next()
    );
    assert_eq!(busy(Err(refusal)), "held");
    let shown = held(see(&watch, noon()));
    assert_eq!(shown.len(), 1);
    assert_eq!((shown[0].hold, shown[0].window), (1, window));
    assert_eq!(busy(ask(&mut talk, 3, &write(6_000), noon()).await), "held");
    assert_eq!(held(see(&watch, noon()))[0].asked_times, 2);
    let told = say(&watch, 1, true).await;
    assert!(
        matches!(&told[..], [Seen::Settled { hold: 1, what }] if what.starts_with("yes, by person/emil")),
        "{told:?}"
    );
    done(&mut talk, 4, &write(6_000), noon()).await;
    assert_eq!(
        busy(ask(&mut talk, 5, &write(6_000), noon()).await),
        "held",
        "once"
    );
    let answer = &answers(&hall)[0];
    assert_eq!(
        (answer.held, answer.window, answer.asked, answer.yes),
        (victor.id(), window, 2, true)
    );
    assert_eq!(answer.by, "spiffe://waterworks/person/emil");
    assert_eq!(answer.pdu, write(6_000));
    assert_eq!(answer.points[0].value, Some(600.0));
    assert_eq!(intents(&hall).len(), 1);
    // Whoever reads of it later reads names and values.
    let denied = &denials(&hall)[0];
    assert_eq!(denied.reason, "held");
    assert_eq!(denied.points[0].value, Some(600.0));
}

#[tokio::test]
async fn a_question_shows_the_value_before_the_value_asked_and_the_limits() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    windowed(&hall, &victor, false, true);
    let mut talk = converse(&victor).await;
    let read = super::super::sent(ask(&mut talk, 1, &READ, noon()).await.unwrap(), noon());
    read.answer(&[3, 2, 0x17, 0x70], noon()).unwrap();
    assert_eq!(busy(ask(&mut talk, 2, &write(6_500), s(4)).await), "held");
    // Whoever comes later sees it as well.
    let watch = emil.watch(press(), s(5)).unwrap();
    let shown = held(see(&watch, s(5)));
    assert_eq!(shown.len(), 1);
    let hold = &shown[0];
    assert_eq!(
        (&*hold.asked, &*hold.device),
        ("write speed_setpoint = 650 rpm", "press-4")
    );
    assert_eq!(hold.until_ms, s(64).wall_ms());
    let point = &hold.points[0];
    assert_eq!(
        (
            &*point.name,
            &*point.value,
            &*point.before,
            point.before_age_ms,
            &*point.limits
        ),
        (
            "speed_setpoint",
            "650 rpm",
            "600 rpm",
            Some(5_000),
            "0 to 700 rpm"
        )
    );
}

#[tokio::test]
async fn an_altered_repeat_does_not_pass_with_the_yes_of_another() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    windowed(&hall, &victor, false, true);
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    assert_eq!(busy(ask(&mut talk, 1, &write(6_000), noon()).await), "held");
    say(&watch, 1, true).await;
    assert_eq!(
        busy(ask(&mut talk, 2, &write(6_001), noon()).await),
        "held-behind"
    );
    let as_block = [&[16, 0, 100, 0, 1, 2][..], &6_000_u16.to_be_bytes()].concat();
    assert_eq!(
        busy(ask(&mut talk, 3, &as_block, noon()).await),
        "held-behind"
    );
    done(&mut talk, 4, &write(6_000), noon()).await;
    assert_eq!(intents(&hall)[0].pdu, write(6_000));
}

#[tokio::test]
async fn a_yes_is_for_its_session_alone() {
    let hall = Hall::new();
    let (victor, twin) = (hall.victor(), hall.victor());
    let emil = hall.world.session("person/emil");
    windowed(&hall, &victor, false, true);
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    assert_eq!(busy(ask(&mut talk, 1, &write(6_000), noon()).await), "held");
    say(&watch, 1, true).await;
    let mut theirs = converse(&twin).await;
    assert_eq!(
        busy(ask(&mut theirs, 1, &write(6_000), noon()).await),
        "held-behind"
    );
    victor.end("the client is done", noon());
    drop(talk);
    let asked = ask(&mut theirs, 2, &write(6_000), noon()).await;
    assert_eq!(busy(asked), "held", "it went with its session");
    assert_eq!(intents(&hall).len(), 0);
}

#[tokio::test]
async fn a_yes_is_on_the_disk_before_it_serves() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    windowed(&hall, &victor, false, true);
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    assert_eq!(busy(ask(&mut talk, 1, &write(6_000), noon()).await), "held");
    hall.world.memory.hold_sync();
    {
        let mut answering = pin!(watch.answer(1, true, noon()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(answering.as_mut().poll(&mut context).is_pending());
        assert!(hall.world.memory.wait_until_held());
        assert_eq!(busy(ask(&mut talk, 2, &write(6_000), noon()).await), "held");
        // Whoever waited gives up: it was none.
    }
    assert_eq!(busy(ask(&mut talk, 3, &write(6_000), noon()).await), "held");
    hall.world.memory.release_sync();
    assert_eq!(busy(ask(&mut talk, 4, &write(6_000), noon()).await), "held");
    say(&watch, 1, true).await;
    done(&mut talk, 5, &write(6_000), noon()).await;
}

#[tokio::test]
async fn a_yes_that_cannot_be_recorded_does_not_count_and_they_are_told() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    windowed(&hall, &victor, false, true);
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    assert_eq!(busy(ask(&mut talk, 1, &write(6_000), noon()).await), "held");
    see(&watch, noon());
    hall.world.memory.fail_after(0);
    let told = say(&watch, 1, true).await;
    assert!(
        matches!(&told[..], [Seen::Unheard { hold: 1, .. }]),
        "{told:?}"
    );
    assert_eq!(busy(ask(&mut talk, 2, &write(6_000), noon()).await), "held");
}

#[tokio::test]
async fn what_is_taken_between_the_yes_and_its_use_denies() {
    for (measure, scope, reason) in [
        (Measure::Revoke, "window", "window-revoked"),
        (Measure::Freeze, "device", "frozen"),
        (Measure::Downgrade, "session", "downgraded"),
    ] {
        let hall = Hall::new();
        let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
        let adam = hall.world.session("person/adam");
        let window = windowed(&hall, &victor, false, true);
        let watch = watches(&emil, press(), noon());
        let mut talk = converse(&victor).await;
        assert_eq!(busy(ask(&mut talk, 1, &write(6_000), noon()).await), "held");
        say(&watch, 1, true).await;
        let scope = match scope {
            "window" => Scope::Window(window.to_string()),
            "device" => Scope::Device("press-4".to_owned()),
            _ => Scope::Session(victor.id()),
        };
        drop(adam.restrict(measure, scope, "wrong pump", noon()).unwrap());
        assert_eq!(code(ask(&mut talk, 2, &write(6_000), noon()).await), reason);
        assert_eq!(intents(&hall).len(), 0);
    }
}

#[tokio::test]
async fn the_limits_of_the_window_hold_behind_a_yes() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    let mut draft = hall.draft(&victor);
    (draft.hold, draft.max_writes) = (true, 1);
    draft.points = vec![speed(), ramp()];
    hall.window(&draft);
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    assert_eq!(
        code(ask(&mut talk, 1, &write(7_001), noon()).await),
        "outside-window"
    );
    assert_eq!(
        held(see(&watch, noon())),
        [],
        "nobody is asked about what is denied"
    );
    let ramp = [6, 0, 101, 0, 20];
    assert_eq!(busy(ask(&mut talk, 2, &write(6_000), noon()).await), "held");
    assert_eq!(busy(ask(&mut talk, 3, &ramp, noon()).await), "held");
    say(&watch, 1, true).await;
    say(&watch, 2, true).await;
    done(&mut talk, 4, &ramp, noon()).await;
    let exhausted = ask(&mut talk, 5, &write(6_000), noon()).await;
    assert_eq!(code(exhausted), "window-exhausted");
}

#[tokio::test]
async fn the_end_of_the_window_holds_behind_a_yes() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    let mut draft = hall.draft(&victor);
    draft.hold = true;
    draft.spans = vec![span(noon(), Duration::from_secs(30))];
    hall.window(&draft);
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    assert_eq!(busy(ask(&mut talk, 1, &write(6_000), noon()).await), "held");
    say(&watch, 1, true).await;
    let over = ask(&mut talk, 2, &write(6_000), s(30)).await;
    assert_eq!(code(over), "window-over");
}

#[tokio::test]
async fn a_no_is_a_no_and_has_its_record() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    windowed(&hall, &victor, false, true);
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    assert_eq!(busy(ask(&mut talk, 1, &write(6_000), noon()).await), "held");
    see(&watch, noon());
    let told = say(&watch, 1, false).await;
    assert!(
        matches!(&told[..], [Seen::Settled { hold: 1, what }] if what == "no, by person/emil"),
        "{told:?}"
    );
    assert_eq!(
        code(ask(&mut talk, 2, &write(6_000), noon()).await),
        "hold-refused"
    );
    assert_eq!(busy(ask(&mut talk, 3, &write(5_000), noon()).await), "held");
    let told = say(&watch, 1, true).await;
    assert!(
        told.iter()
            .any(|it| matches!(it, Seen::Unheard { hold: 1, .. })),
        "{told:?}"
    );
    assert_eq!(
        code(ask(&mut talk, 4, &write(6_000), noon()).await),
        "hold-refused"
    );
    assert!(!answers(&hall)[0].yes);
}

#[tokio::test]
async fn only_a_supervisor_who_keeps_up_answers() {
    let hall = open_hall();
    let (victor, vera) = (hall.victor(), hall.world.session(VERA));
    let emil = hall.world.session("person/emil");
    windowed(&hall, &victor, false, true);
    let same_firm = watches(&vera, press(), noon());
    let elsewhere = watches(&emil, Watched::Device("pump-2".into()), noon());
    let silent = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    assert_eq!(busy(ask(&mut talk, 1, &write(6_000), s(2)).await), "held");
    for (watch, now) in [(&same_firm, s(2)), (&elsewhere, s(2)), (&silent, ms(3_000))] {
        see(watch, noon());
        watch.answer(1, true, now).await.unwrap();
        let told = see(watch, now);
        assert!(
            matches!(told.last(), Some(Seen::Unheard { hold: 1, .. })),
            "{told:?}"
        );
        watch.answer(1, false, s(9)).await.unwrap();
    }
    assert_eq!(busy(ask(&mut talk, 2, &write(6_000), s(9)).await), "held");
    assert_eq!(answers(&hall), []);
}

#[tokio::test]
async fn a_hold_waits_a_minute_and_a_yes_serves_for_one() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    windowed(&hall, &victor, false, true);
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    assert_eq!(busy(ask(&mut talk, 1, &write(6_000), noon()).await), "held");
    watch.tick(s(59)).unwrap();
    see(&watch, s(59));
    watch.tick(s(60)).unwrap();
    let told = see(&watch, s(60));
    assert!(
        matches!(&told[..], [Seen::Settled { hold: 1, .. }, ..]),
        "{told:?}"
    );
    watch.answer(1, true, s(60)).await.unwrap();
    assert!(matches!(
        see(&watch, s(60)).last(),
        Some(Seen::Unheard { .. })
    ));
    assert_eq!(busy(ask(&mut talk, 2, &write(6_000), s(61)).await), "held");
    see(&watch, s(61));
    watch.answer(2, true, s(62)).await.unwrap();
    assert_eq!(
        busy(ask(&mut talk, 3, &write(6_000), s(122)).await),
        "held",
        "too late"
    );
    see(&watch, s(122));
    watch.answer(3, true, s(122)).await.unwrap();
    done(&mut talk, 4, &write(6_000), ms(181_999)).await;
}

/// The sample plant, where 100 rpm is what brings the screw to rest: vendors may write that too.
fn with_safe_value() -> Hall {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site/plant.toml");
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(text.matches("safe_value = 0 ").count(), 1);
    Hall::over(World::of(
        &text.replace("safe_value = 0 ", "safe_value = 100 "),
    ))
}

#[tokio::test]
async fn the_plants_people_bring_it_to_rest_without_a_yes_and_nobody_else_does() {
    let hall = with_safe_value();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    windowed(&hall, &victor, false, true);
    let his = windowed(&hall, &emil, false, true);
    let mut theirs = converse(&victor).await;
    assert_eq!(
        busy(ask(&mut theirs, 1, &write(1_000), noon()).await),
        "held"
    );
    victor.end("the client is done", noon());
    let mut talk = converse(&emil).await;
    assert_eq!(busy(ask(&mut talk, 1, &write(1_001), noon()).await), "held");
    done(&mut talk, 2, &write(1_000), noon()).await;
    let used: Vec<_> = intents(&hall).iter().map(|intent| intent.window).collect();
    assert_eq!(used, [Some(his)], "it counts as all others");
}

/// What somebody said who is revoked serves no longer, whether it was recorded before that or not:
/// it was perhaps why they were.
#[tokio::test]
async fn a_yes_goes_with_whoever_said_it() {
    let emil_is_revoked = |hall: &Hall| {
        let adam = hall.world.session("person/adam");
        let scope = Scope::Subject("spiffe://waterworks/person/emil".to_owned());
        drop(
            adam.restrict(Measure::Revoke, scope, "left", noon())
                .unwrap(),
        );
    };
    for recorded in [true, false] {
        let hall = Hall::new();
        let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
        let olga = hall.world.session("person/olga");
        windowed(&hall, &victor, false, true);
        let watch = watches(&emil, press(), noon());
        let other = watches(&olga, press(), noon());
        let mut talk = converse(&victor).await;
        assert_eq!(busy(ask(&mut talk, 1, &write(6_000), noon()).await), "held");
        if recorded {
            say(&watch, 1, true).await;
            emil_is_revoked(&hall);
        } else {
            hall.world.memory.hold_sync();
            let mut answering = pin!(watch.answer(1, true, noon()));
            let mut context = Context::from_waker(Waker::noop());
            assert!(answering.as_mut().poll(&mut context).is_pending());
            assert!(hall.world.memory.wait_until_held());
            emil_is_revoked(&hall);
            hall.world.memory.release_sync();
            answering.await.unwrap();
        }
        assert_eq!(busy(ask(&mut talk, 2, &write(6_000), noon()).await), "held");
        let asked = held(see(&other, noon())).pop().unwrap();
        say(&other, asked.hold, true).await;
        done(&mut talk, 3, &write(6_000), noon()).await;
        assert_eq!(intents(&hall).len(), 1);
    }
}
