//! What comes before the end of a window, and lasts until it.

use std::time::Duration;

use interlock_broker::enrolment::Terms;
use interlock_protocols::record::{Event, Measure, Scope, WindowEnd, WindowEnded};

use super::{HOUR, Hall, VICTOR, ask, at, code, ramp, span, write};
use crate::enrolment::{Keys, Office, issued};
use crate::world::noon;

#[tokio::test]
async fn its_holder_is_warned_15_5_and_1_minutes_before_each_end() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    let mut draft = hall.draft(&victor);
    // A certificate and an idle session end first; nothing of those is looked at here.
    let (long, short) = (span(noon(), HOUR / 3), span(at(HOUR / 2), HOUR / 15));
    draft.spans = vec![long, short];
    let number = hall.window(&draft);
    let mut told = Vec::new();
    for second in 0..2_100 {
        let now = at(Duration::from_secs(second));
        if let Some(warning) = victor.warning(now)
            && warning.text.contains("window")
        {
            told.push((second / 60, warning));
        }
        if let Some(warning) = emil.warning(now) {
            assert!(!warning.text.contains("window"), "{warning:?}");
        }
    }
    let when: Vec<u64> = told.iter().map(|(minute, _)| *minute).collect();
    // 20 minutes, and 4 that begin at 30.
    assert_eq!(when, [5, 15, 19, 33]);
    let (_, first) = &told[0];
    assert_eq!(
        first.text,
        format!(
            "window {number} for press-4 ends in 15 minutes: finish what you are at, or ask for more with `interlock window extend {number}`"
        )
    );
    assert_eq!(first.ends_ms, noon().after(HOUR / 3).wall_ms());
}

#[tokio::test]
async fn nobody_is_warned_of_what_was_taken_away_already() {
    let hall = Hall::new();
    let (adam, victor) = (hall.world.session("person/adam"), hall.victor());
    let mut draft = hall.draft(&victor);
    draft.spans = vec![span(noon(), HOUR / 3)];
    let number = hall.window(&draft);
    let scope = Scope::Window(number.to_string());
    drop(
        adam.restrict(Measure::Revoke, scope, "wrong pump", noon())
            .unwrap(),
    );
    for minute in 0..20 {
        let warning = victor.warning(at(Duration::from_secs(minute * 60)));
        assert!(warning.is_none_or(|it| !it.text.contains("window")));
    }
}

#[tokio::test]
async fn what_was_over_before_a_restart_is_told_of_as_over() {
    let hall = Hall::new();
    let victor = hall.victor();
    let mut other = hall.draft(&victor);
    other.points = vec![ramp()];
    hall.window(&other);
    let number = hall.window(&hall.draft(&victor));
    let over = Event::WindowEnded(WindowEnded {
        window: number,
        end: WindowEnd::Over,
        session: None,
        by: String::new(),
    });
    hall.world.broker.tell_register(over, noon()).unwrap();
    drop(victor);
    let hall = hall.restarted();
    let victor = hall.victor();
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let asked = ask(&mut talk, 1, &write(1_001), noon()).await;
    assert_eq!(code(asked), "window-over");
}

#[tokio::test]
async fn a_vendors_certificate_lasts_until_the_end_of_an_open_window_and_twelve_hours_at_most() {
    let hall = Hall::new();
    let mut keys = Keys::in_a_token();
    let mut draft = hall.draft(&hall.victor());
    draft.holder_key = keys.device_key();
    draft.spans = vec![span(at(HOUR), HOUR * 2), span(at(HOUR * 5), HOUR * 24)];
    let number = hall.window(&draft);
    let office = Office::over(hall.world, Terms::default());
    let adam = office.world.session("person/adam");
    let (invited, token) = office.invite(VICTOR, &[], noon()).await;
    office.enrol(&keys, token, noon()).await.unwrap();
    let key = keys.device_key();
    let confirmed = office.registrar.confirm(&adam, invited, &key, noon());
    confirmed.await.unwrap();
    issued(office.enrol(&keys, token, noon()).await);
    let mut lasts = async |hour: u32, present: bool| {
        let now = at(HOUR * hour);
        let request = keys.renewed().renewal(VICTOR, None, present);
        let issued = office.login(&request, now).await.unwrap();
        (issued.ends_ms - now.wall_ms()) / 60_000
    };
    assert_eq!(lasts(0, false).await, 60, "it has not begun");
    assert_eq!(lasts(1, false).await, 120);
    assert_eq!(lasts(2, false).await, 60);
    assert_eq!(
        lasts(4, false).await,
        60,
        "it is not open between its spans"
    );
    assert_eq!(
        lasts(5, false).await,
        7 * 60,
        "twelve hours after a presence"
    );
    assert_eq!(lasts(6, true).await, 12 * 60);
    let adam = office.world.session("person/adam");
    let scope = Scope::Window(number.to_string());
    drop(
        adam.restrict(Measure::Revoke, scope, "wrong pump", noon())
            .unwrap(),
    );
    assert_eq!(lasts(7, true).await, 60, "it was taken away");
}
