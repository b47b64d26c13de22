//! Stopping somebody while the disk takes nothing.

use std::fs;

use interlock_protocols::record::Event;

use crate::{Yard, number};

const WRITE: [u8; 5] = [6, 0, 100, 0, 7];

#[test]
fn with_a_full_disk_it_holds_at_once_says_not_durable_and_no_effect_passes_until_it_is() {
    let mut yard = Yard::new("");
    yard.gateway.run_by("full_edge");
    let full = yard.gateway.beside("disk-full");
    yard.gateway
        .set("INTERLOCK_TEST_FULL", full.to_str().unwrap());
    yard.gateway.start();
    yard.plc.order("set holding 100 41");
    let gateway = &yard.gateway;
    let mut emil = gateway.connect("person/emil", &["rig-1"]);
    let ella = gateway.connect("person/ella", &["rig-1"]);
    let mut bystander = ella.modbus("rig-1");
    assert_eq!(bystander.ask(1, &WRITE), WRITE);
    fs::write(&full, "").unwrap();

    let revoke = [
        "revoke",
        "subject",
        "person/emil",
        "--reason",
        "laptop lost",
    ];
    let revoked = gateway.client("person/adam", &[&["-o", "jsonl"][..], &revoke].concat());
    assert_eq!(revoked.code, 1, "{revoked}");
    assert!(revoked.stdout.contains("\"durable\":false"), "{revoked}");
    assert!(revoked.stderr.contains("NOT DURABLE"), "{revoked}");
    emil.process().complaint("why it ended", |line| {
        line.contains("laptop lost").then_some(())
    });
    assert_eq!(gateway.client("person/emil", &["devices"]).code, 4);
    // The others read, and change nothing.
    assert_eq!(bystander.ask(1, &WRITE), [0x86, 4]);
    assert_eq!(bystander.read_holding(1, 100, 1), [7]);

    fs::remove_file(&full).unwrap();
    let restriction = number(&revoked.stdout);
    gateway.record("the restriction", |record| {
        let is_it = matches!(&record.event, Event::Restricted(_)) && record.sequence == restriction;
        is_it.then_some(())
    });
    let passes = |tool: &mut interlock_tests::harness::Modbus| tool.ask(1, &WRITE) == WRITE;
    let end = std::time::Instant::now() + interlock_tests::harness::PATIENCE;
    while !passes(&mut bystander) {
        assert!(
            std::time::Instant::now() < end,
            "commands with effect pass again"
        );
    }
    drop((bystander, ella, emil));
    assert_eq!(yard.gateway.stop(), 0);
    yard.gateway.start();
    let again = yard.gateway.client("person/emil", &["devices"]);
    assert!(
        again.code == 4 && again.stderr.contains("laptop lost"),
        "{again}"
    );
}
