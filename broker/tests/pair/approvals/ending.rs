//! How windows end, and what a restart knows of them.

use super::*;
use interlock_protocols::record::WindowEnd;

fn ends(hall: &Hall) -> Vec<(u64, WindowEnd)> {
    let end = |event| match event {
        Event::WindowEnded(ended) => Some((ended.window, ended.end)),
        _ => None,
    };
    let records = hall.world.records().into_iter();
    records.filter_map(|record| end(record.event)).collect()
}

#[tokio::test]
async fn what_nobody_approved_in_time_lapses_once_and_is_told_of() {
    let hall = Hall::new();
    let victor = hall.session(VICTOR);
    let row = victor.request_window(&request(), noon()).await.unwrap();
    let broker = &hall.world.broker;
    for minutes in [0, 19] {
        broker.attend_windows(at(minutes * MINUTE));
        assert_eq!(
            hall.state(row.window, at(minutes * MINUTE)),
            WindowState::Pending
        );
    }
    // It lapses by the clock, and not by the record.
    let late = at(20 * MINUTE);
    let approved = hall.approve(EMIL, &row, late).await.unwrap_err();
    assert!(
        matches!(approved, NotDone::Stands(_, WindowState::Lapsed)),
        "{approved}"
    );
    broker.attend_windows(late);
    broker.attend_windows(at(21 * MINUTE));
    let steps = victor.steps();
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert!(steps[0].text.contains("not approved in time"));
    // It can be read still.
    assert_eq!(
        victor.window(row.window, late).unwrap().state,
        WindowState::Lapsed
    );
    assert_eq!(ends(&hall), [(row.window, WindowEnd::Lapsed)]);
}

#[tokio::test]
async fn what_was_approved_is_told_of_at_its_beginning_and_its_end() {
    let hall = Hall::new();
    let victor = hall.session(VICTOR);
    let row = victor.request_window(&request(), noon()).await.unwrap();
    hall.approve(EMIL, &row, noon()).await.unwrap();
    let broker = &hall.world.broker;
    broker.attend_windows(noon());
    let _said = victor.steps();
    let said = |minutes| {
        broker.attend_windows(at(minutes * MINUTE));
        let steps = victor.steps().into_iter();
        steps.map(|step| step.text).collect::<Vec<String>>()
    };
    let number = row.window;
    assert_eq!(said(9), [""; 0]);
    assert_eq!(said(10), [format!("window {number} is open now")]);
    assert_eq!(said(30), [""; 0]);
    assert_eq!(said(40), [format!("window {number} is over")]);
    assert_eq!(said(41), [""; 0]);
    assert_eq!(ends(&hall), [(number, WindowEnd::Over)]);
}

#[tokio::test]
async fn a_clock_in_doubt_ends_nothing_for_good() {
    let hall = Hall::new();
    let row = hall.asked().await;
    let broker = &hall.world.broker;
    broker.attend_windows(noon());
    broker.attend_windows(at(25 * MINUTE).in_doubt());
    let ended = |hall: &Hall| {
        let register = hall.world.broker.register();
        register
            .windows
            .numbered(row.window)
            .unwrap()
            .ended
            .is_some()
    };
    assert!(!ended(&hall));
    broker.attend_windows(at(25 * MINUTE));
    assert!(ended(&hall));
}

#[tokio::test]
async fn whoever_asked_takes_it_back_at_once_and_nobody_else_does() {
    let hall = Hall::new();
    let row = hall.asked().await;
    hall.approve(EMIL, &row, noon()).await.unwrap();
    let emil = hall.session(EMIL);
    let theirs = emil.withdraw_window(row.window, noon()).await;
    assert!(matches!(theirs, Err(NotDone::NotOwn(_))));
    let victor = hall.session(VICTOR);
    victor.withdraw_window(row.window, noon()).await.unwrap();
    assert!(hall.world.broker.valid_window(row.window, noon()).is_err());
    let again = victor
        .withdraw_window(row.window, noon())
        .await
        .unwrap_err();
    assert!(
        matches!(again, NotDone::Stands(_, WindowState::Withdrawn)),
        "{again}"
    );
    let hall = hall.restarted();
    assert_eq!(hall.state(row.window, noon()), WindowState::Withdrawn);
}

#[tokio::test]
async fn a_restart_knows_all_of_it_again() {
    for kept in [false, true] {
        let hall = Hall::new();
        let mut pump = request();
        pump.device = "pump-2".into();
        pump.points = vec!["flow_setpoint".into()];
        let victor = hall.session(VICTOR);
        let approved = hall.asked().await;
        hall.approve(EMIL, &approved, noon()).await.unwrap();
        let half = victor.request_window(&pump, noon()).await.unwrap();
        hall.approve(EMIL, &half, noon()).await.unwrap();
        let refused = hall.asked().await;
        let emil = hall.session(EMIL);
        emil.refuse_window(refused.window, "no", noon())
            .await
            .unwrap();
        let before = victor.windows(false, noon()).unwrap();
        drop((victor, emil));
        if kept {
            assert!(hall.world.broker.keep_register(noon()).await.unwrap());
        }
        let hall = hall.restarted();
        let victor = hall.session(VICTOR);
        assert_eq!(victor.windows(false, noon()).unwrap(), before);
        assert!(
            hall.world
                .broker
                .valid_window(approved.window, noon())
                .is_ok()
        );
        hall.approve(EVA, &half, noon()).await.unwrap();
        assert!(hall.world.broker.valid_window(half.window, noon()).is_ok());
        assert!(
            hall.world
                .broker
                .valid_window(refused.window, noon())
                .is_err()
        );
    }
}

#[tokio::test]
async fn a_plant_that_was_changed_since_ends_what_was_approved_and_what_waits() {
    let hall = Hall::new();
    let (approved, waits) = (hall.asked().await, hall.asked().await);
    hall.approve(EMIL, &approved, noon()).await.unwrap();
    let mut changed = hall.plant.clone();
    changed.extend(b"# changed\n");
    let hall = hall.restarted_with(&changed);
    for row in [&approved, &waits] {
        assert_eq!(hall.state(row.window, noon()), WindowState::Outdated);
        assert!(hall.world.broker.valid_window(row.window, noon()).is_err());
        let signed = hall.approve(EVA, row, noon()).await.unwrap_err();
        assert!(
            matches!(signed, NotDone::Stands(_, WindowState::Outdated)),
            "{signed}"
        );
    }
}

#[tokio::test]
async fn a_weekly_window_is_open_in_each_of_its_times() {
    let hall = Hall::new();
    let mut weekly = request();
    weekly.spans = (0..3)
        .map(|week| span(week * 7 * DAY + HOUR, HOUR))
        .collect();
    let victor = hall.session(VICTOR);
    let row = victor.request_window(&weekly, noon()).await.unwrap();
    hall.approve(EMIL, &row, noon()).await.unwrap();
    for (later, state) in [
        (HOUR, WindowState::Open),
        (2 * HOUR, WindowState::Approved),
        (7 * DAY + HOUR, WindowState::Open),
        (14 * DAY + HOUR, WindowState::Open),
        (14 * DAY + 2 * HOUR, WindowState::Over),
    ] {
        assert_eq!(hall.state(row.window, at(later)), state, "{later:?}");
    }
}

#[tokio::test]
async fn whoever_holds_a_window_is_told_that_it_was_revoked_and_why() {
    let hall = Hall::new();
    let victor = hall.session(VICTOR);
    let row = victor.request_window(&request(), noon()).await.unwrap();
    hall.approve(EMIL, &row, noon()).await.unwrap();
    let broker = &hall.world.broker;
    broker.attend_windows(noon());
    let _said = victor.steps();
    let adam = hall.session("person/adam");
    let scope = Scope::Window(row.window.to_string());
    let taken = adam.restrict(Measure::Revoke, scope, "smoke in hall 2", noon());
    let _acknowledged = taken.unwrap().acknowledge();
    broker.attend_windows(noon());
    let number = row.window;
    let steps = victor.steps();
    assert_eq!(
        steps[0].text,
        format!("window {number} was revoked: smoke in hall 2")
    );
    assert_eq!(hall.state(number, noon()), WindowState::Revoked);
    let seen = victor.window(number, noon()).unwrap();
    assert!(seen.restriction.is_some());
    // It is forgotten like others once its time is over.
    broker.attend_windows(at(40 * MINUTE));
    assert_eq!(hall.state(number, at(40 * MINUTE)), WindowState::Revoked);
    assert_eq!(ends(&hall), [(number, WindowEnd::Over)]);
}

#[tokio::test]
async fn who_is_told_too_much_keeps_what_was_said_last() {
    let hall = Hall::of(&[(EMIL, None, long_ago()), (EVA, None, long_ago())]);
    let emil = hall.session(EMIL);
    for _ in 0..40 {
        let victor = hall.session_at_machine_of(VICTOR, VICTOR);
        let row = victor.request_window(&request(), noon()).await.unwrap();
        victor.withdraw_window(row.window, noon()).await.unwrap();
    }
    let steps = emil.steps();
    assert_eq!(steps.len(), 32);
    assert!(steps.last().unwrap().text.contains("taken back"));
}
