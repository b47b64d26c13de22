//! One device and many who want it, through real sockets: who waits for whom, what a full queue
//! and a dead device answer, and how gently the edge treats a device that does not answer.
//! Counted in turns and connections wherever that can be, not in time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use interlock_tests::harness::{End, Fate, Modbus, PATIENCE, Plc, Rig, Seen, adu, free_address};
use interlock_tests::plc::log::Event;

const BUSY: u8 = 6;
const PATH_UNAVAILABLE: u8 = 0x0A;
const TARGET_FAILED: u8 = 0x0B;

fn read(address: u8) -> Vec<u8> {
    vec![3, 0, address, 0, 1]
}

fn write(address: u8, value: u8) -> Vec<u8> {
    vec![6, 0, address, 0, value]
}

/// Requests under the transaction ids from `first` on, as one segment.
fn segment(first: u16, pdus: &[Vec<u8>]) -> Vec<u8> {
    let adus = (first..)
        .zip(pdus)
        .map(|(transaction, pdu)| adu(transaction, 1, pdu));
    adus.collect::<Vec<_>>().concat()
}

/// The next answers: transaction id, and the exception code or 0.
fn answers(tool: &mut Modbus, count: usize) -> Vec<(u16, u8)> {
    let one = |_| match tool.next(PATIENCE) {
        Fate::Answer(answer) => {
            let transaction = u16::from_be_bytes([answer[0], answer[1]]);
            let refused = answer[7] >= 0x80;
            (transaction, if refused { answer[8] } else { 0 })
        }
        other => panic!("no answer: {other:?}"),
    };
    (0..count).map(one).collect()
}

fn request(event: &Event) -> Option<Vec<u8>> {
    match event {
        Event::Request(adu) => Some(adu[7..].to_vec()),
        _ => None,
    }
}

fn disconnect(event: &Event) -> Option<()> {
    matches!(event, Event::Disconnect(_)).then_some(())
}

/// Ends the floods, also when the test fails: the scope waits for them.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Keeps as much outstanding as a conversation may have, until told to stop. Counts its answers
/// and how often it was told to be patient.
fn flood(mut tool: Modbus, over: &AtomicBool) -> (usize, usize) {
    let (mut answered, mut busy) = (0, 0);
    let mut transaction = 0;
    tool.send(&segment(0, &vec![read(100); 16]));
    while !over.load(Ordering::Relaxed) {
        match answers(&mut tool, 1)[0] {
            (_, 0) => answered += 1,
            (_, code) => {
                assert_eq!(code, BUSY);
                busy += 1;
                // Even a flood comes over a network; without this the test's own threads would
                // take both cores from the edge.
                sleep(Duration::from_millis(5));
            }
        }
        transaction += 1;
        tool.send(&segment(100 + transaction % 1000, &[read(100)]));
    }
    (answered, busy)
}

#[test]
fn who_floods_waits_behind_himself() {
    let mut rig = Rig::start("queue = 32\ntimeout_ms = 5000");
    rig.plc().order("delay 15 always");
    let flooding = rig.connect();
    let patient = rig.gateway.connect("person/olga", &[]);
    let mut tool = patient.modbus("rig-1");
    let over = AtomicBool::new(false);
    let floods = scope(|scope| {
        let ends = Over(&over);
        let flood = |_| {
            let tool = flooding.modbus("rig-1");
            scope.spawn(|| flood(tool, &over))
        };
        let floods: Vec<_> = (0..6).map(flood).collect();
        // The flood is on when it has its share of the queue and is being turned away.
        for _ in 0..20 {
            rig.plc().next_event("a request of the flood", request);
        }
        for _ in 0..30 {
            assert_eq!(tool.ask(1, &read(101)), [3, 2, 0, 0], "never turned away");
        }
        drop(ends);
        let counted = floods.into_iter().map(|flood| flood.join().unwrap());
        counted.collect::<Vec<_>>()
    });
    // Among themselves they race for the room of their one session; which of them wins is luck.
    assert!(
        floods.iter().any(|(answered, _)| *answered > 0),
        "{floods:?}"
    );
    let turned_away: usize = floods.iter().map(|(_, busy)| busy).sum();
    assert!(turned_away > 100, "it was a flood: {floods:?}");

    // What the PLC was asked between two requests of the patient one: one that was out when it
    // was queued and one in turn, and a few more where the machine is slow to carry an answer.
    // In the order of arrival it would be the whole share of the flood each time: sixteen.
    let commands = rig.seen().commands();
    let turns: Vec<usize> = commands
        .split(|(_, pdu)| *pdu == read(101))
        .map(<[_]>::len)
        .collect();
    let between = &turns[1..turns.len() - 1];
    assert_eq!(between.len(), 29);
    let (most, all) = (between.iter().max().unwrap(), between.iter().sum::<usize>());
    assert!(*most <= 10, "turns between: {between:?}");
    assert!(all <= 29 * 4, "turns between: {between:?}");
    assert!(all >= 29, "nobody else had a turn: {between:?}");
}

#[test]
fn a_full_queue_is_06_at_once_and_one_session_never_fills_it() {
    let mut rig = Rig::start("queue = 4");
    rig.plc().order("delay 700");
    let connected = rig.connect();
    let other = rig.gateway.connect("person/olga", &["rig-1"]);
    let (mut tool, mut second) = (connected.modbus("rig-1"), other.modbus("rig-1"));
    tool.send(&segment(0, &[write(100, 1)]));
    assert_eq!(rig.plc().next_event("the first", request), write(100, 1));

    // One is out. Half of the queue for each of the two; what is more comes back before the
    // device has answered anything.
    let writes: Vec<_> = (2..6).map(|value| write(100, value)).collect();
    tool.send(&segment(1, &writes));
    assert_eq!(answers(&mut tool, 2), [(3, BUSY), (4, BUSY)]);
    let writes: Vec<_> = (6..10).map(|value| write(101, value)).collect();
    second.send(&segment(1, &writes));
    assert_eq!(answers(&mut second, 2), [(3, BUSY), (4, BUSY)]);
    let sent = |event: &Event| matches!(event, Event::Sent(_));
    assert!(!rig.seen().entries.iter().any(|entry| sent(&entry.event)));

    assert_eq!(answers(&mut tool, 3), [(0, 0), (1, 0), (2, 0)]);
    assert_eq!(answers(&mut second, 2), [(1, 0), (2, 0)]);
    let full = || End::Withheld("queue-full".to_owned());
    let end = |(pdu, fits): (Vec<u8>, bool)| (pdu, if fits { End::Answered } else { full() });
    let of_one = (1..6).map(|value| (write(100, value), value <= 3));
    let of_other = (6..10).map(|value| (write(101, value), value <= 7));
    let expected: Vec<_> = of_one.chain(of_other).map(end).collect();
    assert_eq!(rig.stop("rig-1"), expected);
    // In turns, and what was withheld never arrived.
    let turns = [
        write(100, 1),
        write(100, 2),
        write(101, 6),
        write(100, 3),
        write(101, 7),
    ];
    let arrived: Vec<_> = rig
        .seen()
        .commands()
        .into_iter()
        .map(|(_, pdu)| pdu)
        .collect();
    assert_eq!(arrived, turns);
}

#[test]
fn where_nobody_listens_the_answer_is_0a_and_nothing_waits() {
    // Had anything waited for the next attempt, it would not have been answered here at all.
    let link = "backoff_min_ms = 60000\nbackoff_max_ms = 60000";
    let mut gateway = Rig::gateway(&[free_address()], link);
    gateway.start();
    gateway.edge().complaint("that the device is down", |line| {
        (line.contains("the device is down") && line.contains("rig-1")).then_some(())
    });
    let connected = gateway.connect("person/emil", &["rig-1"]);
    let mut tool = connected.modbus("rig-1");
    for value in 0..20 {
        assert_eq!(tool.ask(1, &read(100)), [0x83, PATH_UNAVAILABLE]);
        assert_eq!(tool.ask(1, &write(100, value)), [0x86, PATH_UNAVAILABLE]);
    }
    assert_eq!(gateway.stop(), 0);
    gateway.assert_journal_is_whole();
    let expected: Vec<_> = (0..20)
        .map(|value| (write(100, value), End::Withheld("link-down".to_owned())))
        .collect();
    assert_eq!(Rig::ends_at(&gateway, "rig-1"), expected);
}

/// Moments of the connections a PLC saw, in milliseconds from the first on.
fn connects_ms(plc: &Plc) -> Vec<u64> {
    let entries = plc.seen().entries;
    let connects = entries
        .iter()
        .filter(|entry| matches!(entry.event, Event::Connect | Event::Refused));
    let times: Vec<u128> = connects.map(|entry| entry.time_us).collect();
    let since = |time: &u128| u64::try_from((time - times[0]) / 1000).unwrap();
    times.iter().map(since).collect()
}

#[test]
fn a_device_that_takes_connections_and_drops_them_is_left_alone_between() {
    let mut rig = Rig::start("backoff_min_ms = 200\nbackoff_max_ms = 800");
    let connected = rig.connect();
    let mut tool = connected.modbus("rig-1");
    assert_eq!(tool.ask(1, &read(100)), [3, 2, 0, 0]);
    // It is well so far. Now it drops the one it has and every further one.
    rig.plc().order("accept 0");
    rig.plc().order("close");
    assert_eq!(tool.ask(1, &read(100)), [0x83, TARGET_FAILED]);
    let end = Instant::now() + Duration::from_secs(4);
    let (mut asked, mut unavailable) = (0, 0);
    while Instant::now() < end {
        let answer = tool.ask(1, &write(100, 1));
        assert!(
            answer == [0x86, PATH_UNAVAILABLE] || answer == [0x86, TARGET_FAILED],
            "{answer:02x?}"
        );
        asked += 1;
        unavailable += usize::from(answer[1] == PATH_UNAVAILABLE);
        sleep(Duration::from_millis(5));
    }
    // Each wait is between half and all of 200, 400, 800, 800 ms. Each attempt is one, however
    // much is asked meanwhile: without waits there would be one for every command.
    let connects = connects_ms(&rig.plcs[0]);
    let waits: Vec<u64> = connects
        .windows(2)
        .skip(1)
        .map(|pair| pair[1] - pair[0])
        .collect();
    for (wait, least) in waits.iter().zip([200, 400, 400, 400, 400, 400, 400, 400]) {
        assert!(*wait >= least - 10, "{connects:?}");
    }
    assert!((4..=11).contains(&connects.len()), "{connects:?}");
    assert!(asked > 100, "{asked}");
    assert!(
        unavailable + connects.len() >= asked,
        "{unavailable} of {asked}, {connects:?}"
    );

    rig.plc().order("accept 9");
    let back = |event: &Event| matches!(event, Event::Connect).then_some(());
    rig.plc().next_event("a connection that holds", back);
    let end = Instant::now() + PATIENCE;
    while tool.ask(1, &write(100, 2)) != write(100, 2) {
        assert!(Instant::now() < end, "the device did not come back");
        sleep(Duration::from_millis(20));
    }
    let ends = rig.stop("rig-1");
    let answered = ends.iter().filter(|(_, end)| *end == End::Answered).count();
    assert_eq!((answered, rig.plc().holding(100)), (1, 2));
}

#[test]
fn after_three_silences_whatever_waits_is_0a_and_the_device_is_left_alone() {
    let mut rig = Rig::start("timeout_ms = 300\nbackoff_min_ms = 1500\nbackoff_max_ms = 1500");
    let connected = rig.connect();
    let mut tool = connected.modbus("rig-1");
    rig.plc().order("silent always");
    let writes: Vec<_> = (1..=6).map(|value| write(100, value)).collect();
    tool.send(&segment(1, &writes));
    let expected = [
        (1, TARGET_FAILED),
        (2, TARGET_FAILED),
        (3, TARGET_FAILED),
        (4, PATH_UNAVAILABLE),
        (5, PATH_UNAVAILABLE),
        (6, PATH_UNAVAILABLE),
    ];
    assert_eq!(answers(&mut tool, 6), expected);
    rig.plc()
        .next_event("the end of the connection", disconnect);
    assert_eq!(tool.ask(1, &write(100, 7)), [0x86, PATH_UNAVAILABLE]);
    assert_eq!(rig.seen().commands().len(), 3);

    rig.plc().order("normal");
    let back = |event: &Event| matches!(event, Event::Connect).then_some(());
    rig.plc().next_event("the next attempt", back);
    let end = Instant::now() + PATIENCE;
    while tool.ask(1, &read(100)) != [3, 2, 0, 3] {
        assert!(Instant::now() < end, "the device did not come back");
        sleep(Duration::from_millis(20));
    }
    let connects = connects_ms(&rig.plcs[0]);
    assert_eq!(connects.len(), 2, "{connects:?}");
    assert!(connects[1] >= 3 * 300 + 750 - 10, "{connects:?}");
    let down = || End::Withheld("link-down".to_owned());
    let end = |value| if value <= 3 { End::Unknown } else { down() };
    let expected: Vec<_> = (1..=7)
        .map(|value| (write(100, value), end(value)))
        .collect();
    assert_eq!(rig.stop("rig-1"), expected);
}

/// The connections over which a PLC was asked anything.
fn used(seen: &Seen) -> BTreeSet<u64> {
    let asked = seen
        .entries
        .iter()
        .filter(|entry| request(&entry.event).is_some());
    asked.map(|entry| entry.connection).collect()
}

/// Waits until the connection that was used last is closed.
fn until_closed(rig: &Rig) {
    let end = Instant::now() + PATIENCE;
    loop {
        let seen = rig.seen();
        let last = used(&seen).last().copied();
        let mut ends = seen
            .entries
            .iter()
            .filter(|entry| disconnect(&entry.event).is_some());
        if ends.any(|entry| Some(entry.connection) == last) {
            return;
        }
        assert!(Instant::now() < end, "it was not closed when idle");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_idle_connection_is_closed_and_the_next_command_opens_it_again() {
    let mut rig = Rig::start("idle_close_ms = 250");
    rig.plc().order("accept 1");
    let connected = rig.connect();
    let mut tool = connected.modbus("rig-1");
    for round in 1..=3 {
        assert_eq!(tool.ask(1, &write(100, round)), write(100, round));
        assert_eq!(used(&rig.seen()).len(), usize::from(round));
        until_closed(&rig);
    }
    let expected = (1..=3).map(|round| (write(100, round), End::Answered));
    assert_eq!(rig.stop("rig-1"), expected.collect::<Vec<_>>());
}

#[test]
fn a_single_slot_serves_every_session_and_is_left_to_the_panel_when_idle() {
    let mut rig = Rig::start("idle_close_ms = 1000\nbackoff_min_ms = 50\nbackoff_max_ms = 100");
    rig.plc().order("accept 1");
    let sessions = [
        rig.connect(),
        rig.gateway.connect("person/olga", &["rig-1"]),
    ];
    scope(|scope| {
        for (number, session) in (0..).zip(&sessions) {
            for slot in 0..3 {
                let mut tool = session.modbus("rig-1");
                let address = 100 + 3 * number + slot;
                scope.spawn(move || {
                    for value in 0..20 {
                        assert_eq!(tool.ask(1, &write(address, value)), write(address, value));
                    }
                });
            }
        }
    });
    let seen = rig.seen();
    assert_eq!(seen.commands().len(), 120);
    assert_eq!(
        used(&seen).len(),
        1,
        "six tools of two people over one connection"
    );
    until_closed(&rig);

    // The panel has the slot now, and the edge says so instead of waiting.
    let mut panel = Modbus::connect(rig.plc().address());
    assert_eq!(panel.read_holding(1, 100, 1), [19]);
    let mut tool = sessions[0].modbus("rig-1");
    let answer = tool.ask(1, &read(100));
    assert!(
        answer == [0x83, PATH_UNAVAILABLE] || answer == [0x83, TARGET_FAILED],
        "{answer:02x?}"
    );
    drop(panel);
    let end = Instant::now() + PATIENCE;
    while tool.ask(1, &read(100)) != [3, 2, 0, 19] {
        assert!(Instant::now() < end, "the device did not come back");
        sleep(Duration::from_millis(20));
    }
}
