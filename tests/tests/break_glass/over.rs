//! How it is over, and who is told.

use interlock_tests::harness::{ADAM, OLGA, PRESS};

use crate::{
    WHY, assert_opens, assert_passes, assert_refused, ended, openings, sealed, sealed_for, speed,
    tool, turn, turn_on, with_switch,
};

#[test]
fn turning_the_key_back_refuses_the_next_command_and_everybody_is_told() {
    let mut works = with_switch();
    let mut olga = works.gateway.connect(OLGA, &[PRESS]);
    turn_on(&mut works);
    assert_opens(&works, &sealed(&works, "sealed"));
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    for told in [&mut olga, &mut victor] {
        told.process().complaint("that it is open", |line| {
            (line.contains("BREAK-GLASS") && line.contains(WHY)).then_some(())
        });
    }
    works
        .gateway
        .edge()
        .complaint("a log that it is open", |line| {
            (line.contains("ERROR") && line.contains("BREAK-GLASS is open")).then_some(())
        });
    assert_passes(&works, &mut modbus, &speed(5_000));
    turn(&works, "off");
    let [(record, _)] = openings(&works).try_into().unwrap();
    let end = ended(&works, record);
    assert_eq!(
        (end.reason.as_str(), end.writes),
        ("the key switch was released", 1)
    );
    assert_refused(&works, &mut modbus, &speed(5_010));
    for told in [&mut olga, &mut victor] {
        told.process().complaint("that it is over", |line| {
            (line.contains("is over") && line.contains("key switch")).then_some(())
        });
    }
    works
        .gateway
        .edge()
        .complaint("a log that it is over", |line| {
            (line.contains("ERROR") && line.contains("break-glass is over")).then_some(())
        });
    // Turned again it stays over.
    turn(&works, "on");
    assert_refused(&works, &mut modbus, &speed(5_010));
    drop((victor, olga, modbus));
    assert_eq!(works.gateway.stop(), 0);
    works.gateway.assert_journal_is_whole();
}

#[test]
fn a_switch_that_can_no_longer_be_read_ends_it() {
    let mut works = with_switch();
    turn_on(&mut works);
    assert_opens(&works, &sealed(&works, "sealed"));
    let victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(5_000));
    turn(&works, "cut");
    let [(record, _)] = openings(&works).try_into().unwrap();
    ended(&works, record);
    assert_refused(&works, &mut modbus, &speed(5_010));
}

#[test]
fn a_restart_ends_it_and_the_next_start_records_that() {
    let mut works = with_switch();
    turn_on(&mut works);
    assert_opens(&works, &sealed(&works, "sealed"));
    let [(record, _)] = openings(&works).try_into().unwrap();
    works.gateway.kill();
    // Whether or not there is a switch then.
    works.gateway.run_by("edge");
    works.gateway.start();
    let end = ended(&works, record);
    assert!(end.reason.contains("restarted"), "{end:?}");
    let seen = works.gateway.client("vendor/acme/victor", &["devices"]);
    assert!(!seen.stdout.contains(PRESS), "{seen}");
}

#[test]
fn its_time_is_up_whatever_the_switch_says() {
    let mut works = with_switch();
    let key = works.root().join("site-root.key");
    let sealed = sealed_for(&works, &key, "gateway-1", "sealed", "2s");
    turn_on(&mut works);
    assert_opens(&works, &sealed);
    let [(record, _)] = openings(&works).try_into().unwrap();
    assert_eq!(ended(&works, record).reason, "its time is up");
    let tried = ["write", PRESS, "speed_setpoint=500"];
    let tried = works.gateway.client("vendor/acme/victor", &tried);
    assert_ne!(tried.code, 0, "{tried}");
    assert!(works.written().is_empty());
}

#[test]
fn revoking_it_by_its_record_ends_it() {
    let mut works = with_switch();
    turn_on(&mut works);
    assert_opens(&works, &sealed(&works, "sealed"));
    let victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(5_000));
    let [(record, _)] = openings(&works).try_into().unwrap();
    let number = record.to_string();
    let revoked = ["revoke", "window", &number, "--reason", "enough"];
    let revoked = works.gateway.client(ADAM, &revoked);
    assert_eq!(revoked.code, 0, "{revoked}");
    assert_refused(&works, &mut modbus, &speed(5_010));
    assert_eq!(ended(&works, record).reason, "it was revoked");
}
