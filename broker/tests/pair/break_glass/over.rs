//! How break-glass is over: the switch, its time, a revocation, a restart; whatever comes first.

use super::*;
use interlock_broker::clock::Mono;
use interlock_protocols::record::{CommandResult, Measure, Scope};

#[tokio::test]
async fn i7_nothing_is_sent_once_the_switch_is_released() {
    let case = Case::new();
    let (victor, olga) = (case.victor(), case.world.session("person/olga"));
    let record = broken(&victor, &case.sealed(), noon())
        .await
        .unwrap()
        .record;
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let under_way = sent(
        ask(&mut talk, 1, &write(1_001), noon()).await.unwrap(),
        noon(),
    );
    let waiting = ask(&mut talk, 2, &write(1_002), noon()).await.unwrap();
    let _told = (victor.announcements(), olga.announcements());
    case.turn(false, noon());
    assert_eq!(withheld(waiting, noon()), "break-glass-over");
    assert_eq!(
        code(ask(&mut talk, 3, &write(1_003), noon()).await),
        "no-rule-permits"
    );
    // What was sent is answered: nothing is cut between its INTENT and its result.
    under_way.answer(&write(1_001), noon()).unwrap();
    for session in [&victor, &olga] {
        let told = session.announcements();
        let text = format!(
            "break-glass at press-4 is over: the key switch was released (record {record})"
        );
        assert_eq!(told, [text]);
    }
    // Turned again, it is over still.
    case.turn(true, noon());
    assert!(ask(&mut talk, 4, &write(1_004), noon()).await.is_err());
    assert!(victor.converse("press-4", true, noon()).is_err());
    let records = case.records();
    let [ended] = &ended(&records)[..] else {
        panic!("one end");
    };
    assert_eq!((ended.opened, ended.writes), (record, 1));
    let outcomes = case.world.outcomes();
    assert!(matches!(outcomes[0].1, CommandResult::Withheld { .. }));
    assert!(matches!(outcomes[1].1, CommandResult::Answered { .. }));
}

#[tokio::test]
async fn its_time_is_the_monotonic_clocks() {
    let case = Case::new();
    let victor = case.victor();
    let open = Duration::from_secs(600);
    let sealed = case.sealed_with(|it| it.open_s = 600);
    broken(&victor, &sealed, noon()).await.unwrap();
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let mono = |after: Duration| {
        // The wall clock stands still, or somebody set it back.
        Now::new(
            noon().wall_ms(),
            Mono::at(Duration::from_secs(60)).after(after),
        )
    };
    let last = mono(open - Duration::from_millis(1));
    case.turn(true, last);
    assert!(ask(&mut talk, 1, &write(1_001), last).await.is_ok());
    let over = mono(open);
    let waiting = ask(&mut talk, 2, &write(1_002), last).await.unwrap();
    // Nobody has looked yet, and it is over all the same.
    let late = words(ask(&mut talk, 4, &write(1_004), over).await);
    assert!(
        late.starts_with("break-glass is over: its time is up"),
        "{late}"
    );
    case.turn(true, over);
    assert_eq!(withheld(waiting, over), "break-glass-over");
    assert!(ask(&mut talk, 3, &write(1_003), over).await.is_err());
    assert_eq!(ended(&case.records())[0].reason, "its time is up");
}

#[tokio::test]
async fn a_switch_that_nobody_reads_any_more_is_off() {
    let case = Case::new();
    let victor = case.victor();
    broken(&victor, &case.sealed(), noon()).await.unwrap();
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let second = at(Duration::from_secs(1));
    assert!(ask(&mut talk, 1, &write(1_001), second).await.is_ok());
    let late = at(Duration::from_millis(1_001));
    let told = words(ask(&mut talk, 2, &write(1_002), late).await);
    assert!(
        told.starts_with("break-glass is over: the key switch could not be read"),
        "{told}"
    );
    // The reading hung; the second's look ends it for good.
    case.world.broker.attend_break_glass(late);
    case.turn(true, late);
    assert!(ask(&mut talk, 3, &write(1_003), late).await.is_err());
    assert_eq!(
        ended(&case.records())[0].reason,
        "the key switch could not be read"
    );
}

#[tokio::test]
async fn i7_revoking_whoever_opened_it_or_it_itself_ends_it() {
    for of_itself in [false, true] {
        let case = Case::new();
        let (victor, adam) = (case.victor(), case.world.session("person/adam"));
        let record = broken(&victor, &case.sealed(), noon())
            .await
            .unwrap()
            .record;
        let mut talk = victor.converse("press-4", true, noon()).unwrap();
        let afloat = sent(
            ask(&mut talk, 1, &write(1_001), noon()).await.unwrap(),
            noon(),
        );
        let waiting = ask(&mut talk, 2, &write(1_002), noon()).await.unwrap();
        let scope = if of_itself {
            Scope::Window(record.to_string())
        } else {
            Scope::Subject(format!("spiffe://waterworks/{VICTOR}"))
        };
        let mut taken = adam.restrict(Measure::Revoke, scope, "x", noon()).unwrap();
        taken.recorded().await;
        let acknowledged = taken.acknowledge();
        assert_eq!(acknowledged.sessions, [victor.id()]);
        assert_eq!(acknowledged.open.len(), 1);
        let code = if of_itself {
            "break-glass-over"
        } else {
            "revoked"
        };
        assert_eq!(withheld(waiting, noon()), code);
        afloat.answer(&write(1_001), noon()).unwrap();
        case.world.broker.attend_break_glass(noon());
        assert!(ask(&mut talk, 3, &write(1_003), noon()).await.is_err());
        let ended = ended(&case.records());
        assert_eq!(
            (&ended[0].reason[..], ended[0].writes),
            ("it was revoked", 1)
        );
    }
}

#[tokio::test]
async fn a_restart_ends_it_and_says_how_much_passed() {
    let case = Case::new();
    let victor = case.victor();
    let record = broken(&victor, &case.sealed(), noon())
        .await
        .unwrap()
        .record;
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    done(&mut talk, 1, 1_001, noon()).await;
    drop(ask(&mut talk, 2, &write(1_002), noon()).await.unwrap());
    drop((talk, victor));
    let case = case.restarted();
    let victor = case.victor();
    assert!(victor.converse("press-4", true, noon()).is_err());
    assert!(victor.announcements().is_empty());
    // Once, however often it is looked at.
    case.world.broker.attend_break_glass(noon());
    let ended = ended(&case.records());
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (ended[0].opened, &ended[0].reason[..], ended[0].writes),
        (record, "the gateway was restarted", 1)
    );
}

#[tokio::test]
async fn an_end_that_cannot_be_recorded_holds_and_is_recorded_later() {
    let case = Case::new();
    let victor = case.victor();
    broken(&victor, &case.sealed(), noon()).await.unwrap();
    let _opened = victor.announcements();
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let waiting = ask(&mut talk, 1, &write(1_001), noon()).await.unwrap();
    case.world.memory.fail_after(0);
    let refused = ask(&mut talk, 2, &write(1_002), noon()).await.unwrap_err();
    assert_eq!(refused.reason().code(), "journal-failed");
    case.turn(false, noon());
    assert_eq!(withheld(waiting, noon()), "break-glass-over");
    case.healed().await;
    case.world.broker.attend_break_glass(noon());
    case.world.broker.attend_break_glass(noon());
    let told = victor.announcements();
    assert_eq!(told.len(), 1, "{told:?}");
    let ended = ended(&case.records());
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].writes, 0);
}
