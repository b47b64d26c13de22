//! The simulated PLC itself: what it answers, how it misbehaves and what it remembers. Other
//! tests are judged by its log, so it is judged first, by bytes written out by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use interlock_tests::harness::{Fate, Modbus, PATIENCE, Plc, SILENCE, Seen, Site, adu};
use interlock_tests::plc::log::{Event, bytes};
use std::time::{Duration, Instant};

fn started(orders: &[&str]) -> (Site, Plc) {
    let site = Site::new();
    let plc = Plc::start(&site.join("plc.log"), orders);
    (site, plc)
}

fn hex(text: &str) -> Vec<u8> {
    bytes(&text.replace(' ', "")).expect("hexadecimal")
}

/// Requests and answers from the examples of the MODBUS Application Protocol V1.1b3, chapter 6,
/// in the memory that they presume.
#[test]
fn it_answers_as_the_specification_shows() {
    let (_site, mut plc) = started(&[
        "set holding 107 555 0 100",
        "set input 8 10",
        "set coils 19 1 0 1 1 0 0 1 1 1 1 0 1 0 1 1 0 1 0 1",
        "set holding 4 18",
        "set holding 1246 2 440 4740",
        "set holding 3 254 2765 1 3 13 255",
    ]);
    let mut client = Modbus::connect(plc.address());
    let examples = [
        ("03 006B 0003", "03 06 022B 0000 0064"),
        ("04 0008 0001", "04 02 000A"),
        ("01 0013 0013", "01 03 CD 6B 05"),
        ("02 0000 0009", "02 02 00 00"),
        ("05 00AC FF00", "05 00AC FF00"),
        ("06 0001 0003", "06 0001 0003"),
        ("08 0000 A537", "08 0000 A537"),
        ("0F 0013 000A 02 CD01", "0F 0013 000A"),
        ("10 0001 0002 04 000A 0102", "10 0001 0002"),
        (
            "17 0003 0006 000E 0003 06 00FF 00FF 00FF",
            "17 0C 00FE 0ACD 0001 0003 000D 00FF",
        ),
        ("18 04DE", "18 0006 0002 01B8 1284"),
        (
            "15 0D 06 0004 0007 0003 06AF 04BE 100D",
            "15 0D 06 0004 0007 0003 06AF 04BE 100D",
        ),
        ("14 07 06 0004 0007 0002", "14 06 05 06 06AF 04BE"),
        ("07", "07 55"),
    ];
    for (request, answer) in examples {
        assert_eq!(client.ask(1, &hex(request)), hex(answer), "{request}");
    }
    plc.order("set holding 4 18");
    assert_eq!(
        client.ask(1, &hex("16 0004 00F2 0025")),
        hex("16 0004 00F2 0025")
    );
    assert_eq!(plc.holding(4), 0x17);
    assert_eq!(plc.read("coils", 0x13, 10), [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]);
    assert_eq!(plc.read("holding", 0xE, 3), [255, 255, 255]);
    plc.seen().assert_nothing_malformed();
}

#[test]
fn what_is_no_request_is_refused_and_logged_as_malformed() {
    let (_site, plc) = started(&[]);
    let mut client = Modbus::connect(plc.address());
    let refused = [
        ("03 0000 0000", 3),
        ("03 0000 007E", 3),
        ("03 FFFF 0002", 2),
        ("03 0000 0001 00", 3),
        ("03 0000 0001 0006 0000 0001", 3),
        ("05 0000 0001", 3),
        ("0F 0000 07D0 01 FF", 3),
        ("0F 0000 0003 01 0F", 3),
        ("10 0000 8001 02 0000", 3),
        ("10 0000 0001 02 0000 00", 3),
        ("16 0000 0000", 3),
        ("17 0000 0001 0000 0002 02 0000", 3),
        ("08 0001 1234", 3),
        ("08 0015 0000", 1),
        ("14 07 05 0001 0000 0001", 3),
        ("15 09 06 0000 0000 0001 0000", 2),
        ("2B 0D 00", 1),
        ("5A 00", 1),
        ("00", 1),
    ];
    for (request, code) in refused {
        let request = hex(request);
        assert_eq!(
            client.ask(1, &request),
            [request[0] | 0x80, code],
            "{request:02x?}"
        );
    }
    let seen = plc.seen();
    assert_eq!(seen.requests().len(), 0);
    let malformed = seen
        .entries
        .iter()
        .filter(|entry| matches!(entry.event, Event::Malformed(..)));
    assert_eq!(malformed.count(), refused.len());

    for header in [
        "0001 0001 0006 01 03 0000 0001",
        "0001 0000 0001 01",
        "0001 0000 FFFF",
    ] {
        let mut client = Modbus::connect(plc.address());
        client.send(&hex(header));
        assert_eq!(client.next(PATIENCE), Fate::Closed, "{header}");
    }
    // The check that other tests rely on must be able to fail.
    assert!(std::panic::catch_unwind(|| plc.seen().assert_nothing_malformed()).is_err());
}

#[test]
fn requests_are_cut_from_the_stream_wherever_segments_end() {
    let (_site, mut plc) = started(&["set holding 0 7"]);
    let mut client = Modbus::connect(plc.address());
    let both = [
        adu(1, 1, &hex("03 0000 0001")),
        adu(2, 1, &hex("06 0001 0009")),
    ]
    .concat();
    // The second write ends inside the second request.
    client.send(&both[..15]);
    assert_eq!(
        client.next(PATIENCE),
        Fate::Answer(adu(1, 1, &hex("03 02 0007")))
    );
    assert_eq!(client.next(SILENCE), Fate::Silence);
    client.send(&both[15..]);
    assert_eq!(
        client.next(PATIENCE),
        Fate::Answer(adu(2, 1, &hex("06 0001 0009")))
    );
    assert_eq!(plc.holding(1), 9);
    assert_eq!(plc.seen().received(), both);
    plc.seen().assert_nothing_malformed();
}

/// Each fault: what a client sees, and whether the write behind it happened.
#[test]
fn it_misbehaves_as_it_is_told() {
    let (_site, mut plc) = started(&[]);
    let write = |value| adu(5, 1, &[6, 0, 0, 0, value]);
    let faults = [
        ("silent", Fate::Silence),
        (
            "wrong-transaction",
            Fate::Answer(adu(5 ^ 0x55, 1, &[6, 0, 0, 0, 2])),
        ),
        (
            "wrong-unit",
            Fate::Answer(adu(5, 1 ^ 0x55, &[6, 0, 0, 0, 3])),
        ),
        ("wrong-function", Fate::Answer(adu(5, 1, &[5, 0, 0, 0, 4]))),
        ("wrong-count", Fate::Answer(adu(5, 1, &[6, 0, 0, 0]))),
        ("wrong-echo", Fate::Answer(adu(5, 1, &[6, 0, 1, 0, 6]))),
        ("close", Fate::Closed),
        ("half", Fate::Closed),
    ];
    for (value, (fault, fate)) in (1..).zip(faults) {
        plc.order(fault);
        let mut client = Modbus::connect(plc.address());
        client.send(&write(value));
        let within = if fate == Fate::Silence {
            SILENCE
        } else {
            PATIENCE
        };
        assert_eq!(client.next(within), fate, "{fault}");
        assert_eq!(
            plc.holding(0),
            u16::from(value),
            "{fault}: the write happens all the same"
        );
    }
    plc.order("exception 6 2");
    let mut client = Modbus::connect(plc.address());
    assert_eq!(client.write_holding(1, 0, 99), [0x86, 6]);
    assert_eq!(client.write_holding(1, 0, 99), [0x86, 6]);
    assert_ne!(plc.holding(0), 99, "a refused write does not happen");
    plc.order("silent always");
    plc.order("normal");
    assert_eq!(client.write_holding(1, 0, 99), [6, 0, 0, 0, 99]);
}

#[test]
fn reads_come_back_short_or_miscounted() {
    let (_site, mut plc) = started(&["set holding 0 1 2", "wrong-count", "wrong-echo"]);
    let mut client = Modbus::connect(plc.address());
    client.send(&adu(1, 1, &hex("03 0000 0002")));
    assert_eq!(
        client.next(PATIENCE),
        Fate::Answer(adu(1, 1, &hex("03 02 0001")))
    );
    client.send(&adu(2, 1, &hex("03 0000 0002")));
    assert_eq!(
        client.next(PATIENCE),
        Fate::Answer(adu(2, 1, &hex("03 05 0001 0002")))
    );
    plc.order("wrong-count");
    client.send(&adu(3, 1, &hex("10 0000 0001 02 0005")));
    assert_eq!(
        client.next(PATIENCE),
        Fate::Answer(adu(3, 1, &hex("10 0000 0002")))
    );
}

#[test]
fn answers_come_late_or_slowly_or_twice_or_without_end() {
    let (_site, mut plc) = started(&["set holding 0 1 2"]);
    let read = |transaction, address| adu(transaction, 1, &[3, 0, address, 0, 1]);
    let answer = |transaction, value| Fate::Answer(adu(transaction, 1, &[3, 2, 0, value]));
    let mut client = Modbus::connect(plc.address());

    plc.order("late 800");
    client.send(&read(1, 0));
    client.send(&read(2, 1));
    assert_eq!(
        client.next(PATIENCE),
        answer(2, 2),
        "the later request is answered first"
    );
    assert_eq!(client.next(PATIENCE), answer(1, 1));

    plc.order("delay 100");
    let asked = Instant::now();
    client.send(&read(3, 0));
    client.send(&read(4, 1));
    assert_eq!(client.next(PATIENCE), answer(3, 1));
    assert!(asked.elapsed() >= Duration::from_millis(100));
    assert_eq!(client.next(PATIENCE), answer(4, 2));

    plc.order("double");
    client.send(&read(5, 0));
    assert_eq!(client.next(PATIENCE), answer(5, 1));
    assert_eq!(client.next(PATIENCE), answer(5, 1));

    plc.order("endless");
    client.send(&read(6, 0));
    assert_eq!(client.next(SILENCE), Fate::Silence, "no whole answer");
    assert_eq!(client.leftover()[..9], hex("0006 0000 00FE 01 03 02"));
    assert!(client.leftover().len() > 10, "it trickles");
}

#[test]
fn it_holds_only_so_many_connections() {
    let (_site, mut plc) = started(&["accept 1"]);
    let mut first = Modbus::connect(plc.address());
    assert_eq!(first.read_holding(1, 0, 1), [0]);
    let mut second = Modbus::connect(plc.address());
    assert_eq!(second.next(PATIENCE), Fate::Closed);
    drop(first);
    plc.next_event("the end of the first", |event| {
        matches!(event, Event::Disconnect(_)).then_some(())
    });
    let mut third = Modbus::connect(plc.address());
    assert_eq!(third.read_holding(1, 0, 1), [0]);
    assert_eq!(plc.seen().connects(), 3);
}

#[test]
fn its_log_outlives_it_and_goes_on() {
    let site = Site::new();
    let log = site.join("plc.log");
    let mut plc = Plc::start(&log, &[]);
    let address = plc.address();
    Modbus::connect(address).write_holding(1, 0, 1);
    plc.process().kill();
    assert_eq!(Seen::read(&log).commands(), [(1, vec![6, 0, 0, 0, 1])]);

    let mut plc = Plc::start_at(&log, &address.to_string(), &[]);
    assert_eq!(plc.address(), address);
    assert_eq!(plc.holding(0), 0, "a power cycle forgets");
    Modbus::connect(address).write_holding(2, 0, 2);
    let seen = Seen::read(&log);
    assert_eq!(
        seen.commands_of(&[6]),
        [(1, vec![6, 0, 0, 0, 1]), (2, vec![6, 0, 0, 0, 2])]
    );
    assert_eq!(seen.commands_of(&[3]), []);

    plc.process().close_stdin();
    assert!(plc.process().exit("its standard input ended").success());
}
