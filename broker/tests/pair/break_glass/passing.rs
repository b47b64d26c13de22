//! What passes by break-glass: what it says, and nothing that does not hold for everybody.

use super::*;
use interlock_broker::mediation::Wire;
use interlock_protocols::record::{CommandResult, Measure, Scope};

#[tokio::test]
async fn it_passes_without_a_rule_as_far_as_it_says() {
    let case = Case::new();
    let victor = case.victor();
    assert!(
        victor.converse("press-4", true, noon()).is_err(),
        "no rule lets victor"
    );
    assert!(victor.visible_devices(noon()).is_empty());
    let broken = broken(&victor, &case.sealed(), noon()).await.unwrap();
    let seen = victor.visible_devices(noon());
    assert_eq!(seen.len(), 1, "the press alone");
    let offer = victor.offer(&seen[0], noon()).unwrap();
    let writable = offer.points.iter().filter(|point| point.may_write);
    assert_eq!(
        writable.map(|point| &point.name[..]).collect::<Vec<_>>(),
        ["speed_setpoint"]
    );
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    done(&mut talk, 1, 7_000, noon()).await;
    assert!(ask(&mut talk, 2, &[3, 0, 100, 0, 1], noon()).await.is_ok());
    // Out of its scope: another value, another point, another function, another device.
    assert_eq!(
        code(ask(&mut talk, 3, &write(7_001), noon()).await),
        "outside-window"
    );
    assert_eq!(
        code(ask(&mut talk, 4, &[6, 0, 101, 0, 10], noon()).await),
        "outside-window"
    );
    assert_eq!(
        code(ask(&mut talk, 5, &[3, 0, 100, 0, 2], noon()).await),
        "outside-window"
    );
    let many = [16, 0, 100, 0, 1, 2, 0, 1];
    let refused = words(ask(&mut talk, 6, &many, noon()).await);
    assert_eq!(
        refused,
        "break-glass does not go as far: speed_setpoint is not for write-multiple-registers; use the local panel; it does not run through this gateway"
    );
    assert!(victor.converse("pump-2", true, noon()).is_err());
    // For whoever brought it alone, and on the machine from which they did.
    let wanda = case.world.session("vendor/other/wanda");
    assert!(wanda.converse("press-4", true, noon()).is_err());
    let elsewhere = case
        .world
        .session_on(VICTOR, &crate::enrolment::key(), noon());
    assert!(elsewhere.converse("press-4", true, noon()).is_err());
    // A later session of theirs on the same machine goes on.
    assert!(case.victor().converse("press-4", true, noon()).is_ok());
    let records = case.records();
    let intent = records.iter().find_map(|record| match &record.event {
        Event::Intent(intent) => Some(intent),
        _ => None,
    });
    let intent = intent.unwrap();
    assert_eq!(intent.policies, ["break-glass"]);
    assert_eq!(intent.window, Some(broken.record));
}

#[tokio::test]
async fn it_lets_as_many_pass_as_it_says_and_counts_what_was_withheld_back() {
    let case = Case::new();
    let victor = case.victor();
    broken(&victor, &case.sealed(), noon()).await.unwrap();
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    done(&mut talk, 1, 1_001, noon()).await;
    drop(ask(&mut talk, 2, &write(1_002), noon()).await.unwrap());
    done(&mut talk, 3, 1_003, noon()).await;
    let third = ask(&mut talk, 4, &write(1_004), noon()).await.unwrap();
    let refused = ask(&mut talk, 5, &write(1_005), noon()).await;
    let told = words(refused);
    assert!(
        told.starts_with("the 3 commands with effect of break-glass were used"),
        "{told}"
    );
    // Reading is free.
    assert!(ask(&mut talk, 6, &[3, 0, 100, 0, 1], noon()).await.is_ok());
    let _unknown = sent(third, noon());
    case.turn(false, noon());
    let ended = ended(&case.records());
    assert_eq!(ended[0].writes, 3);
}

#[tokio::test]
async fn i2_and_limits_and_structure_hold_as_ever() {
    let case = Case::new();
    let victor = case.victor();
    // Sealed as wide as the plant allows, which is 1200 rpm.
    broken(&victor, &case.sealed_with(|it| it.limits = &[]), noon())
        .await
        .unwrap();
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let outside = ask(&mut talk, 1, &write(12_001), noon()).await;
    assert!(outside.is_err());
    let mut reading = victor.converse("press-4", false, noon()).unwrap();
    assert_eq!(
        code(ask(&mut reading, 1, &write(1_001), noon()).await),
        "not-armed"
    );
    let short = ask(&mut talk, 2, &[6, 0, 100], noon()).await.unwrap_err();
    assert!(matches!(short.wire(), Wire::Exception(code) if code.code() == 3));
    let doubted = ask(&mut talk, 3, &write(1_001), noon().in_doubt()).await;
    assert_eq!(code(doubted), "clock-doubted");
    case.world.memory.fail_after(0);
    let refused = ask(&mut talk, 4, &write(1_001), noon()).await.unwrap_err();
    assert_eq!(refused.reason().code(), "journal-failed");
    assert!(matches!(refused.wire(), Wire::Exception(code) if code.code() == 4));
    // Reading goes on.
    assert!(ask(&mut talk, 5, &[3, 0, 100, 0, 1], noon()).await.is_ok());
}

#[tokio::test]
async fn a_limit_set_holds_for_its_group() {
    let case = Case::new();
    let victor = case.victor();
    // As wide as the plant allows; vendors are narrowed to 100 to 800 rpm.
    let wide = case.sealed_with(|it| it.limits = &[]);
    broken(&victor, &wide, noon()).await.unwrap();
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    for (transaction, raw) in [(1, 999), (2, 8_001)] {
        let refused = ask(&mut talk, transaction, &write(raw), noon()).await;
        assert!(words(refused).contains("100 to 800 rpm"));
    }
    assert!(ask(&mut talk, 3, &write(8_000), noon()).await.is_ok());
}

#[tokio::test]
async fn what_was_taken_away_stays_away() {
    let case = Case::new();
    let (victor, adam) = (case.victor(), case.world.session("person/adam"));
    broken(&victor, &case.sealed(), noon()).await.unwrap();
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let permit = ask(&mut talk, 1, &write(1_001), noon()).await.unwrap();
    let freeze = Scope::Device("press-4".into());
    let mut taken = adam
        .restrict(Measure::Freeze, freeze, "smoke", noon())
        .unwrap();
    taken.recorded().await;
    let _acknowledged = taken.acknowledge();
    assert_eq!(withheld(permit, noon()), "frozen");
    assert_eq!(
        code(ask(&mut talk, 2, &write(1_001), noon()).await),
        "frozen"
    );
    assert!(ended(&case.records()).is_empty(), "a freeze can be lifted");
    let outcomes = case.world.outcomes();
    assert!(matches!(&outcomes[0].1, CommandResult::Withheld { reason } if reason == "frozen"));
}
