//! What a window opens, and that it widens neither rules nor limits.

use interlock_broker::mediation::Reason;
use interlock_protocols::grant::Point;
use interlock_protocols::modbus::value::{DataType, WordOrder};

use super::{
    HOUR, Hall, READ, VICTOR, ask, at, block, code, denials, done, holding, intents, ramp, span,
    speed, words, write,
};
use crate::world::{World, noon, offers};

#[tokio::test]
async fn a_vendor_sees_a_device_while_their_window_is_open_and_not_before_or_after() {
    let hall = Hall::new();
    let victor = hall.victor();
    let mut draft = hall.draft(&victor);
    draft.spans = vec![span(at(HOUR / 4), HOUR / 6)];
    let connect = |now| victor.converse("press-4", true, now).is_ok();
    assert!(!connect(at(HOUR / 4)), "nobody asked for it");
    let window = hall.requested(&draft);
    assert!(!connect(at(HOUR / 4)), "nobody approved it");
    hall.approved(window, &draft, 1);
    let (opens, over) = (at(HOUR / 4), at(HOUR / 4 + HOUR / 6));
    assert!(!connect(noon()), "it has not begun");
    assert_eq!(offers(&victor), []);
    assert!(connect(opens));
    assert!(victor.converse("pump-2", true, opens).is_err());
    let seen = victor.visible_devices(opens);
    assert_eq!(seen.len(), 1);
    let offer = victor.offer(&seen[0], opens).unwrap();
    let may = |name: &str| {
        let point = offer.points.iter().find(|point| point.name == name);
        point.map(|point| (point.may_read, point.may_write))
    };
    assert_eq!(may("speed_setpoint"), Some((true, true)));
    assert_eq!(may("ramp"), Some((false, false)));
    let mut talk = victor.converse("press-4", true, opens).unwrap();
    done(&mut talk, 1, &write(1_000), opens).await;
    assert!(!connect(over));
    assert_eq!(
        code(ask(&mut talk, 2, &write(1_000), over).await),
        "window-over"
    );
    assert_eq!(code(ask(&mut talk, 3, &READ, over).await), "window-over");
    assert_eq!(
        code(ask(&mut talk, 4, &write(1_000), noon()).await),
        "window-not-yet"
    );
    let used: Vec<_> = intents(&hall).iter().map(|intent| intent.window).collect();
    assert_eq!(used, [Some(window)]);
}

#[tokio::test]
async fn it_opens_its_points_functions_and_values_and_nothing_beside() {
    let hall = Hall::new();
    let victor = hall.victor();
    let mut draft = hall.draft(&victor);
    draft.points = vec![speed(), ramp()];
    let window = hall.window(&draft);
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let open: [&[u8]; 9] = [
        &write(7_000),
        &write(1_000),
        &[6, 0, 101, 0, 50],
        &block(7_000, 50),
        &READ,
        &[3, 0, 100, 0, 2],
        // Reads both, writes both.
        &[23, 0, 100, 0, 2, 0, 100, 0, 2, 4, 4, 0, 0, 5],
        // Clears the speed and sets one bit of it: 102.4 rpm.
        &[22, 0, 100, 0, 0, 4, 0],
        // Whatever the ramp is, it is 48 or 49 behind this.
        &[22, 0, 101, 0, 1, 0, 48],
    ];
    for (transaction, pdu) in (1..).zip(open) {
        let asked = ask(&mut talk, transaction, pdu, noon()).await;
        assert!(asked.is_ok(), "{pdu:02x?}: {asked:?}");
    }
    drop(talk);
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let shut: [&[u8]; 13] = [
        &write(7_001),
        &[6, 0, 101, 0, 51],
        &[6, 0, 101, 0, 4],
        // One of two values, one of two points, one of three addresses.
        &block(7_000, 51),
        &block(7_001, 50),
        &[16, 0, 101, 0, 2, 4, 0, 9, 0, 9],
        &[3, 0, 100, 0, 3],
        &[4, 0, 0, 0, 1],
        &[3, 0, 120, 0, 2],
        &[5, 0, 0, 0xff, 0],
        // Reads beside it, though what it writes is in it; and the other way round.
        &[23, 0, 120, 0, 2, 0, 100, 0, 1, 2, 4, 0],
        &[23, 0, 100, 0, 1, 0, 100, 0, 1, 2, 0xff, 0],
        // The bits that stay could be any.
        &[22, 0, 100, 0xff, 0xff, 0, 15],
    ];
    for (transaction, pdu) in (1..).zip(shut) {
        let asked = ask(&mut talk, transaction, pdu, noon()).await;
        assert_eq!(code(asked), "outside-window", "{pdu:02x?}");
    }
    let said = words(ask(&mut talk, 30, &write(7_001), noon()).await);
    let range = "the value of speed_setpoint is outside its range, 0 to 700 rpm";
    let next = format!("`interlock window show {window}` says how far it goes");
    assert!(said.contains(range) && said.contains(&next), "{said}");
    let said = words(ask(&mut talk, 31, &[5, 0, 0, 0xff, 0], noon()).await);
    assert!(said.contains("coil 0 (00001) of unit 255"), "{said}");
    let recorded = denials(&hall);
    assert!(recorded.iter().all(|it| it.exception == Some(1)));
    assert!(recorded.iter().any(|it| it.detail.contains(range)));
}

#[tokio::test]
async fn it_opens_no_function_that_it_does_not_name() {
    let hall = Hall::new();
    let victor = hall.victor();
    let mut draft = hall.draft(&victor);
    let six = interlock_protocols::modbus::FunctionCode::WriteSingleRegister;
    draft.points = vec![Point {
        functions: interlock_protocols::grant::Functions::NONE.with(six),
        ..speed()
    }];
    hall.window(&draft);
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    assert!(ask(&mut talk, 1, &write(1_001), noon()).await.is_ok());
    let sixteen = [16, 0, 100, 0, 1, 2, 4, 0];
    for (transaction, pdu) in (2..).zip([&sixteen[..], &READ, &[22, 0, 100, 0, 0, 4, 0]]) {
        let asked = ask(&mut talk, transaction, pdu, noon()).await;
        assert_eq!(code(asked), "outside-window", "{pdu:02x?}");
    }
}

#[tokio::test]
async fn limits_hold_in_a_window_as_they_do_everywhere() {
    let hall = Hall::new();
    let victor = hall.victor();
    let mut draft = hall.draft(&victor);
    // 2,000 rpm, where the plant knows 1,200 and lets people of other firms have 800.
    draft.points = vec![holding(100, 20_000)];
    hall.window(&draft);
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    assert!(ask(&mut talk, 1, &write(8_000), noon()).await.is_ok());
    let refusal = ask(&mut talk, 2, &write(8_001), noon()).await.unwrap_err();
    assert!(matches!(refusal.reason(), Reason::Limit(_)), "{refusal:?}");
}

#[tokio::test]
async fn a_rule_that_forbids_does_so_in_a_window() {
    let hall = Hall::new();
    let victor = hall.victor();
    let mut draft = hall.draft(&victor);
    let pressure = Point {
        data_type: Some(DataType::F32),
        order: WordOrder::Cdab,
        raw_max: 10_f32.to_bits(),
        ..holding(110, 0)
    };
    draft.points = vec![pressure];
    hall.window(&draft);
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    // 2.0 bar: in the window, in the limits, and for engineers alone unless somebody watches.
    let two = [16, 0, 110, 0, 2, 4, 0, 0, 0x40, 0];
    let refusal = ask(&mut talk, 1, &two, noon()).await.unwrap_err();
    assert_eq!(refusal.reason(), &Reason::Forbidden);
    assert_eq!(
        refusal.policies(),
        ["guards.cedar/pressure-is-for-engineers"]
    );
    // Beyond the window as well, what forbids it is the rule.
    let twelve = [16, 0, 110, 0, 2, 4, 0, 0, 0x41, 0x40];
    let refusal = ask(&mut talk, 2, &twelve, noon()).await.unwrap_err();
    assert_eq!(refusal.reason(), &Reason::Forbidden);
}

#[tokio::test]
async fn it_is_worth_nothing_to_whom_no_rule_gives_anything_for_it() {
    let hall = Hall::new();
    let aida = hall.world.session("person/aida");
    hall.window(&hall.draft(&aida));
    assert!(aida.converse("press-4", true, noon()).is_err());
}

#[tokio::test]
async fn another_holder_machine_or_device_has_nothing_of_it() {
    let hall = Hall::new();
    let victor = hall.victor();
    let own = hall.draft(&victor);
    let wrong = |change: &dyn Fn(&mut interlock_protocols::grant::Draft)| {
        let mut draft = own.clone();
        change(&mut draft);
        let hall = Hall::new();
        let victor = hall.victor();
        if draft.holder_key == own.holder_key {
            draft.holder_key = *victor.device_key().unwrap();
        }
        draft.approvers = hall.draft(&victor).approvers;
        hall.window(&draft);
        victor.converse("press-4", true, noon()).is_ok()
    };
    assert!(wrong(&|_| {}), "nothing is wrong with it");
    assert!(!wrong(&|draft| draft.holder.push('s')));
    assert!(!wrong(&|draft| draft.holder_key = [9; 32]));
    assert!(!wrong(&|draft| draft.device = "pump-2".to_owned()));
    assert!(!wrong(&|draft| draft.gateway = "elsewhere".to_owned()));
    assert!(!wrong(&|draft| draft.plant = [9; 32]));
    assert!(!wrong(&|draft| draft.quorum = 2), "one of two signed");
}

/// An engineer of whom rules want no window holds one, which is but the record of a job.
#[tokio::test]
async fn what_rules_permit_without_a_window_passes_where_it_does_not_cover_or_is_used_up() {
    let hall = Hall::new();
    let emil = hall.world.session("person/emil");
    let mut draft = hall.draft(&emil);
    draft.max_writes = 1;
    let window = hall.window(&draft);
    let mut talk = emil.converse("press-4", true, noon()).unwrap();
    for (transaction, pdu) in (1..).zip([write(1_000), write(2_000), write(9_000)]) {
        done(&mut talk, transaction, &pdu, noon()).await;
    }
    let used: Vec<_> = intents(&hall).iter().map(|intent| intent.window).collect();
    assert_eq!(used, [Some(window), None, None]);
}

#[tokio::test]
async fn of_several_windows_the_one_that_covers_counts() {
    let hall = Hall::new();
    let victor = hall.victor();
    let (mut one, mut other) = (hall.draft(&victor), hall.draft(&victor));
    (one.max_writes, other.points) = (1, vec![ramp()]);
    let (one, other) = (hall.window(&one), hall.window(&other));
    let third = hall.window(&hall.draft(&victor));
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let asked = [
        write(1_001),
        vec![6, 0, 101, 0, 9],
        write(1_002),
        write(1_003),
    ];
    for (transaction, pdu) in (1..).zip(&asked) {
        done(&mut talk, transaction, pdu, noon()).await;
    }
    let used: Vec<_> = intents(&hall).iter().map(|it| it.window.unwrap()).collect();
    assert_eq!(used, [one, other, third, third]);
}

#[tokio::test]
async fn without_a_site_root_no_window_opens_anything() {
    let hall = Hall::new();
    let bare = World::new();
    let victor = bare.session(VICTOR);
    let mut draft = hall.draft(&hall.victor());
    draft.holder_key = *victor.device_key().unwrap();
    let asked = interlock_protocols::record::WindowRequested {
        session: 1,
        by: draft.holder.clone(),
        grant: draft.encode().unwrap(),
        points: vec!["speed_setpoint".to_owned()],
        reason: "WO-1".to_owned(),
        waits_until_ms: i64::MAX,
        extends: None,
        policies: Vec::new(),
    };
    let event = interlock_protocols::record::Event::WindowRequested(asked);
    bare.broker.tell_register(event, noon()).unwrap();
    assert!(victor.converse("press-4", true, noon()).is_err());
}
