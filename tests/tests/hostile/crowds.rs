//! Very many of something. Whoever was there first is served on, and what it costs is bounded.

use std::net::UdpSocket;
use std::thread::sleep;
use std::time::{Duration, Instant};

use interlock_protocols::record::Event;
use interlock_tests::harness::{Bench, Connected, Fate, Modbus, PATIENCE, adu};

use crate::{exchange, hex};

/// A tool that the client serves: it may still be busy turning away others.
fn served(connected: &Connected) -> Modbus {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut tool = connected.modbus("press-4");
        match exchange(&mut tool, 1, 1, &hex("03 0064 0001")) {
            Fate::Answer(_) => return tool,
            fate => assert!(Instant::now() < end, "no tool is served any more: {fate:?}"),
        }
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_crowd_at_the_local_address_costs_nobody_his_connection() {
    let mut bench = Bench::start();
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut first = connected.modbus("press-4");
    assert_eq!(first.read_holding(1, 100, 1), [0]);
    let mut crowd: Vec<Modbus> = (0..300).map(|_| connected.modbus("press-4")).collect();
    assert_eq!(first.write_holding(1, 100, 9000), hex("06 0064 2328"));
    let turned_away = crowd
        .iter_mut()
        .filter_map(|tool| match exchange(tool, 5, 1, &hex("03 0064 0001")) {
            Fate::Closed => Some(()),
            Fate::Answer(_) => None,
            Fate::Silence => panic!("neither served nor turned away"),
        })
        .count();
    assert_eq!(
        turned_away,
        300 - 7,
        "one client serves eight tools at a time"
    );
    drop(crowd);
    served(&connected);
    assert_eq!(first.read_holding(1, 100, 1), [9000]);
    assert_eq!(connected.end(), 0);
    bench.settle();
    assert_eq!(
        bench.press.seen().connects(),
        1,
        "the PLC knows one client, whatever comes"
    );
}

#[test]
fn garbage_at_the_quic_port_disturbs_no_session() {
    let mut bench = Bench::start();
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut random = fastrand::Rng::with_seed(20);
    for round in 0..3_000 {
        let mut datagram: Vec<u8> = (0..random.usize(1..1_400)).map(|_| random.u8(..)).collect();
        // Every third looks like the beginning of a connection, of the right size and version.
        if round % 3 == 0 {
            datagram.resize(1_200, 0);
            datagram[..6].copy_from_slice(&[0xC3, 0, 0, 0, 1, 8]);
        }
        stranger
            .send_to(&datagram, bench.gateway.address())
            .unwrap();
        if round % 300 == 0 {
            assert_eq!(tool.read_holding(1, 100, 1), [0]);
        }
    }
    let read = bench
        .gateway
        .client("person/olga", &["read", "press-4", "speed"]);
    assert_eq!(read.code, 0, "{read}");
    assert_eq!(connected.end(), 0);
    let records = bench.settle();
    let opened = records
        .events
        .iter()
        .filter(|event| matches!(event, Event::SessionOpened(_)));
    assert_eq!(opened.count(), 2, "garbage opens no session");
}

#[test]
fn a_coil_toggled_without_end_is_recorded_each_time() {
    let mut bench = Bench::start();
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    let toggles: Vec<_> = (0..100)
        .map(|round| {
            if round % 2 == 0 {
                hex("05 0000 FF00")
            } else {
                hex("05 0000 0000")
            }
        })
        .collect();
    for pdu in &toggles {
        assert_eq!(tool.ask(1, pdu), *pdu);
    }
    assert_eq!(connected.end(), 0);
    let records = bench.settle();
    let recorded: Vec<_> = records
        .commands
        .iter()
        .map(|(intent, _)| intent.pdu.clone())
        .collect();
    assert_eq!(recorded, toggles);
    let arrived: Vec<_> = bench
        .press
        .seen()
        .commands()
        .into_iter()
        .map(|(_, pdu)| pdu)
        .collect();
    assert_eq!(arrived, toggles);
}

#[test]
fn a_flood_of_what_is_denied_is_counted_and_costs_the_journal_little() {
    let mut bench = Bench::start();
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    for round in 0..1_000 {
        let got = exchange(&mut tool, round, 1, &hex("05 0001 0000"));
        assert_eq!(got, Fate::Answer(adu(round, 1, &hex("85 01"))));
    }
    assert_eq!(connected.end(), 0);
    let records = bench.settle();
    assert_eq!(bench.press.seen().commands(), []);
    assert_eq!(records.denials.len(), 10, "recorded in full");
    assert_eq!(
        records.denied("state-not-allowed"),
        1_000,
        "recorded or counted"
    );
}
