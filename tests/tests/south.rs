//! What a device or its network can do wrong while a command is out: whatever it is, the client
//! gets the truth (0B, or the device's own exception), the journal has one outcome, nothing is
//! delivered to another request (I6), nothing with effect is sent twice (I5), and the commands
//! after it work.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use interlock_protocols::record::Event;
use interlock_tests::harness::{Connected, End, Fate, Modbus, PATIENCE, Plc, Rig, SILENCE, adu};
use interlock_tests::plc::log;

/// The device's patience is short, so that a test is; a machine under load is slower than the
/// simulated PLC, so not shorter.
const LINK: &str = "timeout_ms = 600\nbackoff_min_ms = 50\nbackoff_max_ms = 200";

/// The PLC has not answered, or not to this request.
const TARGET_FAILED: u8 = 0x0B;

fn single(address: u8, value: u16) -> Vec<u8> {
    let [high, low] = value.to_be_bytes();
    vec![6, 0, address, high, low]
}

fn multiple(address: u8, value: u16) -> Vec<u8> {
    let [high, low] = value.to_be_bytes();
    vec![16, 0, address, 0, 2, 4, 0, 1, high, low]
}

/// Its answer is its own echo, and fits no other write of these.
fn mask(address: u8, value: u16) -> Vec<u8> {
    let [high, low] = value.to_be_bytes();
    vec![22, 0, address, 0, 0, high, low]
}

/// Reads two registers from 100 and writes the one at `address`.
fn both(address: u8, value: u16) -> Vec<u8> {
    let [high, low] = value.to_be_bytes();
    vec![23, 0, 100, 0, 2, 0, address, 0, 1, 2, high, low]
}

fn read(address: u8, count: u8) -> Vec<u8> {
    vec![3, 0, address, 0, count]
}

fn exception(pdu: &[u8], code: u8) -> Vec<u8> {
    vec![pdu[0] | 0x80, code]
}

/// The commands with effect that a PLC saw, unit ids aside.
fn writes(plc: &Plc) -> Vec<Vec<u8>> {
    let seen = plc.seen();
    seen.assert_nothing_malformed();
    let writes = seen.commands_of(&[5, 6, 15, 16, 22, 23]);
    writes.into_iter().map(|(_, pdu)| pdu).collect()
}

fn pdus(ends: &[(Vec<u8>, End)]) -> Vec<Vec<u8>> {
    ends.iter().map(|(pdu, _)| pdu.clone()).collect()
}

/// Reads until the device answers again; until then it must be unreachable or silent.
fn until_it_answers(tool: &mut Modbus) {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = tool.ask(1, &read(115, 1));
        if answer == [3, 2, 0, 0] {
            return;
        }
        assert!(
            answer == [0x83, 0x0A] || answer == [0x83, TARGET_FAILED],
            "{answer:02x?}"
        );
        assert!(Instant::now() < end, "the device did not come back");
        sleep(Duration::from_millis(20));
    }
}

fn failed_reads(rig: &Rig, device: &str) -> u64 {
    let records = rig.gateway.records().into_iter();
    records
        .filter_map(|record| match record.event {
            Event::ReadSummary(summary) if summary.device == device => Some(summary.failed),
            _ => None,
        })
        .sum()
}

/// Every kind of write, and a read, under one fault of the answer; each must end as 0B, and the
/// next command on the same connection must be answered with its own data.
fn meet(fault: &str, plc: &mut Plc, tool: &mut Modbus) -> Vec<(Vec<u8>, End)> {
    let mut ends = Vec::new();
    let kinds = [single(101, 7), multiple(102, 8), both(104, 9)];
    for (value, request) in (1..).zip(kinds) {
        plc.order(fault);
        let answer = tool.ask(1, &request);
        assert_eq!(answer, exception(&request, TARGET_FAILED), "{fault}");
        ends.push((request, End::Unknown));

        let next = single(100, value);
        assert_eq!(tool.ask(1, &next), next, "the command after {fault}");
        assert_eq!(tool.read_holding(1, 100, 1), [value], "after {fault}");
        ends.push((next, End::Answered));
    }
    plc.order(fault);
    assert_eq!(
        tool.ask(1, &read(100, 2)),
        [0x83, TARGET_FAILED],
        "a read under {fault}"
    );
    let found = tool.read_holding(1, 100, 5);
    assert_eq!(found, [3, 7, 1, 8, 9], "what was not believed was done");
    ends
}

#[test]
fn an_answer_to_something_else_is_dropped_and_the_command_ends_as_0b() {
    let faults = [
        "wrong-transaction",
        "wrong-unit",
        "wrong-function",
        "wrong-count",
        "wrong-echo",
    ];
    let mut rig = Rig::of(faults.len(), LINK);
    let connected = rig.connect();
    let expected: Vec<_> = scope(|scope| {
        let mut running = Vec::new();
        for ((number, fault), plc) in (1..).zip(faults).zip(&mut rig.plcs) {
            let mut tool = connected.modbus(&format!("rig-{number}"));
            running.push(scope.spawn(move || meet(fault, plc, &mut tool)));
        }
        let ended = running.into_iter().map(|thread| thread.join().unwrap());
        ended.collect()
    });
    assert_eq!(connected.end(), 0);
    rig.gateway.stop();
    rig.gateway.assert_journal_is_whole();
    for ((number, expected), plc) in (1..).zip(expected).zip(&rig.plcs) {
        let device = format!("rig-{number}");
        assert_eq!(rig.ends(&device), expected, "{}", faults[number - 1]);
        assert_eq!(writes(plc), pdus(&expected), "each once, in order");
        assert_eq!(plc.seen().connects(), 1, "none of them costs a connection");
        assert_eq!(failed_reads(&rig, &device), 1);
    }
}

struct World {
    rig: Rig,
    connected: Connected,
    tool: Modbus,
    expected: Vec<(Vec<u8>, End)>,
}

impl World {
    fn start() -> World {
        let rig = Rig::start(LINK);
        let connected = rig.connect();
        let tool = connected.modbus("rig-1");
        World {
            rig,
            connected,
            tool,
            expected: Vec::new(),
        }
    }

    /// A write, what the client is to get for it, and what the journal is to hold.
    fn write(&mut self, request: Vec<u8>, answer: Vec<u8>, end: End) {
        assert_eq!(self.tool.ask(1, &request), answer, "{:?}", self.expected);
        self.expected.push((request, end));
    }

    fn works(&mut self, request: Vec<u8>) {
        self.write(request.clone(), request, End::Answered);
    }

    fn fails(&mut self, request: Vec<u8>) {
        let answer = exception(&request, TARGET_FAILED);
        self.write(request, answer, End::Unknown);
    }

    /// Reply, PLC and journal agree.
    fn finish(mut self) {
        assert_eq!(self.connected.end(), 0);
        assert_eq!(self.rig.stop("rig-1"), self.expected);
        assert_eq!(writes(self.rig.plc()), pdus(&self.expected));
    }
}

#[test]
fn a_late_answer_is_nobodys() {
    let mut world = World::start();
    let plc = world.rig.plc();
    // The answer to the first read is made at once and sent after the second read was sent. It
    // fits the second in everything but its transaction id.
    plc.order("set holding 100 1");
    plc.order("late 900");
    assert_eq!(world.tool.ask(1, &read(100, 1)), [0x83, TARGET_FAILED]);
    let plc = world.rig.plc();
    plc.order("set holding 100 2");
    plc.order("late 400");
    assert_eq!(world.tool.ask(1, &read(100, 1)), [3, 2, 0, 2]);
    let first = sent(world.rig.plc()).into_iter().next();
    let first = first.expect("an answer was sent");
    assert_eq!(&first[7..], [3, 2, 0, 1], "the old answer came first");

    // The same write twice: the late echo of the first must not pass for that of the second,
    // which the device never answers.
    world.rig.plc().order("late 900");
    world.fails(single(100, 5));
    world.rig.plc().order("silent");
    world.fails(single(100, 5));
    world.works(single(100, 6));
    assert_eq!(world.tool.next(SILENCE), Fate::Silence);
    world.finish();
}

fn sent(plc: &Plc) -> Vec<Vec<u8>> {
    let entries = plc.seen().entries.into_iter();
    let sent = entries.filter_map(|entry| match entry.event {
        log::Event::Sent(bytes) => Some(bytes),
        _ => None,
    });
    sent.collect()
}

#[test]
fn an_answer_that_comes_twice_answers_once() {
    let mut world = World::start();
    let plc = world.rig.plc();
    plc.order("set holding 100 1");
    plc.order("double");
    assert_eq!(world.tool.ask(1, &read(100, 1)), [3, 2, 0, 1]);
    world.rig.plc().order("set holding 100 2");
    assert_eq!(world.tool.ask(1, &read(100, 1)), [3, 2, 0, 2]);

    world.rig.plc().order("double");
    world.works(single(100, 5));
    // The second echo of the first lies there, and this one is never answered.
    world.rig.plc().order("silent");
    world.fails(single(100, 5));
    world.works(mask(101, 6));
    assert_eq!(world.tool.next(SILENCE), Fate::Silence);
    world.finish();
}

#[test]
fn an_answer_without_end_costs_the_device_its_connection_and_no_more() {
    let mut world = World::start();
    world.rig.plc().order("endless");
    world.fails(single(100, 5));
    until_it_answers(&mut world.tool);
    world.works(single(100, 6));
    assert_eq!(world.rig.seen().connects(), 2);
    world.finish();
}

#[test]
fn a_connection_that_ends_before_or_inside_the_answer_leaves_the_outcome_unknown() {
    for fault in ["close", "half"] {
        let mut world = World::start();
        for round in 1..=3_usize {
            world.rig.plc().order(fault);
            world.fails(single(100, 5));
            until_it_answers(&mut world.tool);
            assert_eq!(world.rig.seen().connects(), 1 + round, "{fault}");
        }
        world.works(single(100, 6));
        world.finish();
    }
}

#[test]
fn silence_is_an_unknown_outcome_and_is_not_asked_again() {
    let mut world = World::start();
    for kind in [single(100, 1), multiple(101, 2), both(103, 3)] {
        world.rig.plc().order("silent");
        world.fails(kind);
        world.works(single(105, 4));
    }
    assert_eq!(world.rig.seen().connects(), 1);
    world.finish();
}

#[test]
fn the_devices_own_exceptions_pass_as_they_are_unknown_ones_too() {
    let mut world = World::start();
    for code in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x7F, 0x80, 0xFF, 0] {
        world.rig.plc().order(&format!("exception {code} 2"));
        let request = single(100, 5);
        let answer = exception(&request, code);
        world.write(request, answer, End::Exception(code));
        assert_eq!(world.tool.ask(1, &read(100, 1)), [0x83, code]);
    }
    assert_eq!(world.rig.plc().holding(100), 0, "nothing was done");
    world.works(single(100, 6));
    assert_eq!(world.rig.seen().connects(), 1);
    world.finish();
}

#[test]
fn what_a_tool_repeats_while_it_waits_is_done_once_and_answered_once() {
    let mut world = World::start();
    world.rig.plc().order("delay 400");
    let request = single(100, 5);
    let asked = adu(900, 1, &request);
    world.tool.send(&asked);
    let received = |event: &log::Event| matches!(event, log::Event::Request(_)).then_some(());
    world.rig.plc().next_event("the write", received);
    world.tool.send(&[&asked[..], &asked, &asked].concat());
    assert_eq!(world.tool.next(PATIENCE), Fate::Answer(asked));
    assert_eq!(world.tool.next(SILENCE), Fate::Silence);
    world.expected.push((request, End::Answered));
    world.works(single(100, 6));
    world.finish();
}

#[test]
fn a_write_whose_tool_is_gone_still_has_its_outcome() {
    let mut world = World::start();
    for (fault, end) in [("delay 300", End::Answered), ("silent", End::Unknown)] {
        world.rig.plc().order(fault);
        let mut tool = world.connected.modbus("rig-1");
        tool.send(&adu(1, 1, &single(100, 5)));
        let received = |event: &log::Event| matches!(event, log::Event::Request(_)).then_some(());
        world.rig.plc().next_event("the write", received);
        drop(tool);
        world.expected.push((single(100, 5), end));
    }
    world.works(single(100, 6));
    world.finish();
}
