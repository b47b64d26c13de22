//! How it is over, and who is told.

use interlock_tests::harness::{OLGA, PRESS};

use crate::{
    WHY, assert_opens, assert_passes, assert_refused, ended, openings, sealed, speed, tool, turn,
    turn_on, with_switch,
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
