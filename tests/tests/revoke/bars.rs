//! Devices: frozen ones are read, isolated ones are left alone and have no connection.

use interlock_tests::plc::log::Event;

use crate::{Yard, number};

const WRITE: [u8; 5] = [6, 0, 100, 0, 7];

fn disconnect(event: &Event) -> Option<()> {
    matches!(event, Event::Disconnect(_)).then_some(())
}

#[test]
fn a_frozen_zone_is_read_and_not_written_and_stays_so_over_a_restart() {
    let mut yard = Yard::started("");
    yard.plc.order("set holding 100 41");
    let frozen = yard.gateway.client(
        "person/adam",
        &["freeze", "zone", "dewatering", "--reason", "crane at work"],
    );
    assert_eq!(frozen.code, 0, "{frozen}");
    assert!(
        frozen.stdout.starts_with("Zone dewatering frozen"),
        "{frozen}"
    );
    for _ in 0..2 {
        let emil = yard.gateway.connect("person/emil", &["rig-1"]);
        let mut tool = emil.modbus("rig-1");
        assert_eq!(tool.ask(1, &WRITE), [0x86, 1]);
        assert_eq!(tool.read_holding(1, 100, 1), [41]);
        drop((tool, emil));
        assert_eq!(yard.gateway.stop(), 0);
        yard.gateway.start();
    }
    assert_eq!(yard.plc.seen().commands_of(&[6]), []);
}

#[test]
fn an_isolated_device_has_no_connection_until_it_is_given_back() {
    let mut yard = Yard::started("");
    let gateway = &yard.gateway;
    let emil = gateway.connect("person/emil", &["rig-1"]);
    let mut tool = emil.modbus("rig-1");
    assert_eq!(tool.ask(1, &WRITE), WRITE);
    let isolate = ["isolate", "device", "rig-1", "--reason", "smoke"];
    let isolated = gateway.client("person/adam", &[&["-o", "jsonl"][..], &isolate].concat());
    assert_eq!(isolated.code, 0, "{isolated}");
    yard.plc.next_event("the end of the connection", disconnect);
    let connects = yard.plc.seen().connects();
    assert_eq!(tool.ask(1, &[3, 0, 100, 0, 1]), [0x83, 1]);
    assert_eq!(tool.ask(1, &WRITE), [0x86, 1]);
    drop((tool, emil));

    // Over a restart as well: not even a connection is tried.
    assert_eq!(yard.gateway.stop(), 0);
    yard.gateway.start();
    let gateway = &yard.gateway;
    let emil = gateway.connect("person/emil", &["rig-1"]);
    let mut tool = emil.modbus("rig-1");
    assert_eq!(tool.ask(1, &[3, 0, 100, 0, 1]), [0x83, 1]);
    assert_eq!(yard.plc.seen().connects(), connects, "nobody knocked");

    let restriction = number(&isolated.stdout).to_string();
    let lift = ["reinstate", &restriction, "--reason", "it was steam"];
    let lifted = gateway.client("person/ada", &lift);
    assert_eq!(lifted.code, 0, "{lifted}");
    assert_eq!(tool.ask(1, &[3, 0, 100, 0, 1]), [3, 2, 0, 7]);
    assert_eq!(yard.plc.seen().connects(), connects + 1);
}

#[test]
fn isolating_ends_a_command_that_waits_for_its_answer() {
    // Longer than anybody here waits, so that it is not the silence that ends it.
    let mut yard = Yard::started("timeout_ms = 60000");
    yard.plc.order("silent always");
    let gateway = &yard.gateway;
    let emil = gateway.connect("person/emil", &["rig-1"]);
    let mut tool = emil.modbus("rig-1");
    tool.send(&interlock_tests::harness::adu(1, 1, &WRITE));
    yard.plc.next_event("the write", |event| {
        matches!(event, Event::Request(_)).then_some(())
    });
    let isolated = gateway.client("person/adam", &["isolate", "site", "--reason", "smoke"]);
    assert_eq!(isolated.code, 0, "{isolated}");
    assert!(isolated.stdout.contains("ON THEIR WAY"), "{isolated}");
    assert!(isolated.stdout.contains("write word_100 = 7"), "{isolated}");
    let answer = tool.next(interlock_tests::harness::PATIENCE);
    let interlock_tests::harness::Fate::Answer(answer) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(answer[7..], [0x86, 0x0b]);
    yard.plc.next_event("the end of the connection", disconnect);
}
