//! What opens it: the switch and a seal of the root for this gateway, once.

use std::process::Command;

use interlock::failure::Failure;
use interlock::gateway::Gateway;
use interlock::profile::Profile;
use interlock_protocols::conduit::Ask;
use interlock_protocols::record::Event;
use interlock_tests::harness::{ADAM, Ended, VICTOR, Works, binary};

use crate::{
    WHY, assert_opens, assert_passes, assert_refused, assert_refused_as, openings, sealed,
    sealed_by, speed, tool, turn, turn_on, with_switch,
};

#[test]
fn without_a_key_switch_the_product_opens_nothing_and_says_so() {
    let works = Works::start();
    assert_refused_as(&works, &sealed(&works, "sealed"), "no key switch");
    assert!(works.written().is_empty());
}

#[test]
fn while_the_switch_is_off_or_cannot_be_read_nothing_opens() {
    let mut works = with_switch();
    let sealed = sealed(&works, "sealed");
    assert_refused_as(&works, &sealed, "key switch");
    turn(&works, "cut");
    works
        .gateway
        .edge()
        .complaint("a switch that cannot be read", |line| {
            line.contains("counts as off").then_some(())
        });
    assert_refused_as(&works, &sealed, "key switch");
    // What was refused was not used.
    turn_on(&mut works);
    assert_opens(&works, &sealed);
}

#[test]
fn it_passes_without_a_rule_as_far_as_it_says_and_no_further() {
    let mut works = with_switch();
    let before = works.gateway.client("vendor/acme/victor", &["devices"]);
    assert!(!before.stdout.contains("press-4"), "{before}");
    turn_on(&mut works);
    assert_opens(&works, &sealed(&works, "sealed"));
    // What is offered is what was sealed.
    let offered = works.gateway.client(VICTOR, &["devices", "press-4"]);
    assert_eq!(offered.code, 0, "{offered}");
    let writable = offered.stdout.lines().filter(|line| line.contains("write"));
    let writable: Vec<&str> = writable.collect();
    assert!(
        writable.iter().all(|line| line.contains("speed_setpoint")) && writable.len() == 1,
        "{offered}"
    );
    let victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(5_000));
    assert_eq!(modbus.ask(1, &[3, 0, 100, 0, 1]), [3, 2, 0x13, 0x88]);
    for outside in [
        // Beyond what was sealed, and beyond the plant's own limits.
        speed(7_010),
        speed(13_000),
        // The ramp, and another function.
        vec![6, 0, 101, 0, 10],
        vec![16, 0, 100, 0, 1, 2, 0x13, 0x88],
    ] {
        assert_refused(&works, &mut modbus, &outside);
    }
    assert_passes(&works, &mut modbus, &speed(6_000));
    assert_passes(&works, &mut modbus, &speed(7_000));
    // As many as were sealed.
    assert_refused(&works, &mut modbus, &speed(5_000));
    let [(record, opened)] = openings(&works).try_into().unwrap();
    assert_eq!(
        (&opened.reason[..], &opened.points[..]),
        (WHY, &["speed_setpoint".to_owned()][..])
    );
    assert!(record > 0);
    // Freezing holds for it as for all else.
    let frozen = ["freeze", "device", "press-4", "--reason", "stop"];
    let frozen = works.gateway.client(ADAM, &frozen);
    assert_eq!(frozen.code, 0, "{frozen}");
    assert_refused(&works, &mut modbus, &speed(5_000));
}

#[test]
fn it_opens_once_also_after_a_restart() {
    let mut works = with_switch();
    let sealed = sealed(&works, "sealed");
    turn_on(&mut works);
    assert_opens(&works, &sealed);
    assert_refused_as(&works, &sealed, "opened before");
    works.restart_with(|works| turn(works, "off"));
    turn_on(&mut works);
    assert_refused_as(&works, &sealed, "opened before");
    assert_eq!(openings(&works).len(), 1);
}

/// Asks the gateway itself: our own program says of many that they are no grant.
fn ask(works: &Works, grant: Vec<u8>) -> Result<String, Failure> {
    let profile = Profile::open(&works.gateway.issue(VICTOR)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let mut gateway = Gateway::connect(&profile).await?;
        let reason = WHY.to_owned();
        let answer = gateway.ask_for_word(Ask::BreakGlass { grant, reason });
        let answer = answer.await;
        gateway.goodbye().await;
        answer
    })
}

#[test]
fn what_is_for_another_gateway_or_altered_or_sealed_by_another_opens_nothing() {
    let mut works = with_switch();
    turn_on(&mut works);
    let other = sealed_by(
        &works,
        &works.root().join("site-root.key"),
        "gateway-2",
        "other",
    );
    assert_refused_as(&works, &other, "gateway-2");
    let good = sealed(&works, "sealed");
    let bytes = std::fs::read(&good).unwrap();
    for at in [bytes.len() / 4, bytes.len() / 2, bytes.len() - 1] {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let refused = ask(&works, altered).unwrap_err().to_string();
        assert!(refused.contains("not believed"), "byte {at}: {refused}");
    }
    assert!(openings(&works).is_empty());
    // A root of somebody's own, of the same name.
    let elsewhere = works.gateway.beside("forger");
    let mut command = Command::new(binary("client"));
    command.args(["root", "init", elsewhere.to_str().unwrap()]);
    let made = Ended::of("init", command.args(["--site", "waterworks"]));
    assert_eq!(made.code, 0, "{made}");
    let key = elsewhere.join("site-root.key");
    let forged = sealed_by(&works, &key, "gateway-1", "forged");
    assert_refused_as(&works, &forged, "not believed");
    assert_opens(&works, &good);
}

#[test]
fn what_was_sealed_for_the_plant_of_before_opens_nothing() {
    let mut works = with_switch();
    let before = sealed(&works, "before");
    works.restart_with(|works| {
        works.gateway.append("plant.toml", "\n# edited\n");
        works.sign_plant();
    });
    turn_on(&mut works);
    assert_refused_as(&works, &before, "plant is another one");
    assert_opens(&works, &sealed(&works, "after"));
}

#[test]
fn with_a_dead_journal_nothing_opens_and_the_answer_is_the_local_panel() {
    let mut works = with_switch();
    let sealed = sealed(&works, "sealed");
    turn_on(&mut works);
    std::fs::write(works.gateway.beside("fails"), "").unwrap();
    assert_refused_as(&works, &sealed, "cannot be recorded");
    assert_refused_as(&works, &sealed, "use the local panel");
    let tried = ["write", "press-4", "speed_setpoint=500"];
    let tried = works.gateway.client(VICTOR, &tried);
    assert_ne!(tried.code, 0, "{tried}");
    assert!(works.written().is_empty());
    // The disk comes back, and nothing has opened behind anybody's back.
    std::fs::remove_file(works.gateway.beside("fails")).unwrap();
    works.gateway.record("a journal that is back", |record| {
        matches!(record.event, Event::JournalRecovered(_)).then_some(())
    });
    let tried = ["write", "press-4", "speed_setpoint=500"];
    let tried = works.gateway.client(VICTOR, &tried);
    assert_ne!(tried.code, 0, "{tried}");
    assert!(openings(&works).is_empty());
}
