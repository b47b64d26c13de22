//! The same clients through the broker, unmodified, to our simulated PLC and to pymodbus' server.
//! Each run is looked at from three sides: what the client printed, what the device received, and
//! what the journal holds.

use interlock_protocols::record::Event;
use interlock_tests::harness::{
    Connected, End, Ended, Gateway, Modbus, Plc, Process, Rig, Site, adu, peer,
};
use interlock_tests::plc::log;
use std::net::SocketAddr;

use super::{INPUTS, operate};

/// One operation of a client through the broker.
struct Step {
    operation: &'static str,
    answer: &'static str,
    /// What the client sends, as the specification has it.
    pdu: &'static str,
    fate: Fate,
}

enum Fate {
    Read,
    Written,
    /// With the code that the journal holds.
    Denied(&'static str),
}

const fn step(
    operation: &'static str,
    answer: &'static str,
    pdu: &'static str,
    fate: Fate,
) -> Step {
    Step {
        operation,
        answer,
        pdu,
        fate,
    }
}

/// Through a connection that is armed: what an engineer may do, what is outside the limits or
/// has no name, and a unit that is not routed (by unit id, since each client has one for a run).
const ARMED: [Step; 14] = [
    step("write-register:100:1234", "ok", "06006404d2", Fate::Written),
    step("read-holding:99:3", "ok 0 1234 0", "0300630003", Fate::Read),
    step(
        "write-registers:100:1,2,3",
        "ok",
        "1000640003060001 00020003",
        Fate::Written,
    ),
    step("mask:101:0xF0:1", "ok", "16006500f00001", Fate::Written),
    step("read-holding:100:3", "ok 1 1 3", "0300640003", Fate::Read),
    step(
        "read-write:100:2:101:7,8",
        "ok 1 7",
        "1700640002 00650002 04 00070008",
        Fate::Written,
    ),
    step("write-coil:5:1", "ok", "050005ff00", Fate::Written),
    step(
        "write-coils:7:1,0,1",
        "ok",
        "0f00070003 01 05",
        Fate::Written,
    ),
    step(
        "read-coils:4:7",
        "ok 0 1 0 1 0 1 0",
        "0100040007",
        Fate::Read,
    ),
    step("read-input:2:2", "ok 2 3", "0400020002", Fate::Read),
    step("read-discrete:0:3", "ok 1 0 1", "0200000003", Fate::Read),
    step(
        "write-register:112:1001",
        "exception 1",
        "06007003e9",
        Fate::Denied("value-outside-limits"),
    ),
    step(
        "write-registers:111:1,1001",
        "exception 1",
        "10006f0002 04 000103e9",
        Fate::Denied("value-outside-limits"),
    ),
    step(
        "write-register:50:1",
        "exception 1",
        "0600320001",
        Fate::Denied("no-rule-permits"),
    ),
];

/// Through one that is not.
const UNARMED: [Step; 2] = [
    step(
        "write-register:100:9",
        "exception 1",
        "0600640009",
        Fate::Denied("not-armed"),
    ),
    step("read-holding:100:1", "ok 1", "0300640001", Fate::Read),
];

/// By somebody who may read alone.
const READER: [Step; 2] = [
    step("read-holding:101:2", "ok 7 8", "0300650002", Fate::Read),
    step(
        "write-coil:5:0",
        "exception 1",
        "0500050000",
        Fate::Denied("rule-forbids"),
    ),
];

/// With a unit id that is not routed.
const STRAY: [Step; 1] = [step(
    "read-holding:100:1",
    "exception 10",
    "0300640001",
    Fate::Denied("not-routed"),
)];

fn bytes(hex: &str) -> Vec<u8> {
    log::bytes(&hex.replace(' ', "")).expect("hexadecimal")
}

fn pdu(step: &Step) -> Vec<u8> {
    bytes(step.pdu)
}

/// All of the above by one client; gives the steps in order.
fn all_steps(name: &str, gateway: &Gateway) -> Vec<&'static Step> {
    let armed = gateway.connect("person/emil", &["rig-1"]);
    let unarmed = gateway.connect("person/emil", &[]);
    let reader = gateway.connect("workload/historian", &["rig-1"]);
    let runs: [(&Connected, u8, &'static [Step]); 4] = [
        (&armed, 1, &ARMED),
        (&unarmed, 1, &UNARMED),
        (&reader, 1, &READER),
        (&armed, 9, &STRAY),
    ];
    for (connected, unit, steps) in &runs {
        let operations: Vec<_> = steps.iter().map(|step| step.operation).collect();
        let expected: Vec<_> = steps.iter().map(|step| step.answer).collect();
        let printed = operate(name, connected.address("rig-1"), *unit, &operations);
        assert_eq!(printed, expected, "{name}: {operations:?}");
    }
    runs.iter().flat_map(|(_, _, steps)| *steps).collect()
}

/// The device got what passed, afresh under transaction ids of the edge and the unit of the
/// plant, and nothing else.
fn assert_arrived(name: &str, steps: &[&Step], arrived: &[Vec<u8>]) {
    let passed = steps
        .iter()
        .filter(|step| !matches!(step.fate, Fate::Denied(_)));
    let expected: Vec<Vec<u8>> = (1..)
        .zip(passed)
        .map(|(transaction, step)| adu(transaction, 255, &pdu(step)))
        .collect();
    assert_eq!(arrived, expected, "{name}: what the device received");
}

/// Each write has its INTENT and outcome, each refusal its reason.
fn assert_recorded(name: &str, steps: &[&Step], gateway: &mut Gateway) {
    assert_eq!(gateway.stop(), 0);
    gateway.assert_journal_is_whole();
    let written = steps
        .iter()
        .filter(|step| matches!(step.fate, Fate::Written));
    let written: Vec<_> = written.map(|step| (pdu(step), End::Answered)).collect();
    assert_eq!(Rig::ends_at(gateway, "rig-1"), written, "{name}");
    let denied = steps.iter().filter_map(|step| match step.fate {
        Fate::Denied(reason) => Some((pdu(step), reason.to_owned())),
        _ => None,
    });
    let denials = gateway
        .records()
        .into_iter()
        .filter_map(|record| match record.event {
            Event::Denial(denial) => Some((denial.pdu, denial.reason)),
            _ => None,
        });
    assert_eq!(
        denials.collect::<Vec<_>>(),
        denied.collect::<Vec<_>>(),
        "{name}"
    );
}

#[test]
#[ignore = "needs peers: tests/peers/install"]
fn clients_read_and_write_our_plc_through_the_broker_and_are_refused() {
    for name in ["libmodbus", "pymodbus-client"] {
        let folder = Site::new();
        let mut plc = Plc::start(&folder.join("plc.log"), &INPUTS);
        let mut gateway = Rig::gateway(&[plc.address()], "");
        gateway.start();
        let steps = all_steps(name, &gateway);
        assert_arrived(name, &steps, &plc.seen().requests());
        assert_recorded(name, &steps, &mut gateway);
        plc.seen().assert_nothing_malformed();
        assert_eq!(plc.read("holding", 100, 3), [1, 7, 8], "{name}");
        assert_eq!(plc.read("coils", 5, 5), [1, 0, 1, 0, 1], "{name}");
        assert_eq!(plc.read("holding", 111, 2), [0, 0], "{name}: refused");
        assert_eq!(plc.holding(50), 0, "{name}: refused");
    }
}

#[test]
#[ignore = "needs peers: tests/peers/install"]
fn clients_read_and_write_pymodbus_server_through_the_broker_and_are_refused() {
    for name in ["libmodbus", "pymodbus-client"] {
        let (server, at) = pymodbus_server();
        let mut gateway = Rig::gateway(&[at], "");
        gateway.start();
        let steps = all_steps(name, &gateway);
        assert_arrived(name, &steps, &received(&server));
        assert_recorded(name, &steps, &mut gateway);
        // Asked past the broker: what was written is there, and what was refused is not.
        let mut direct = Modbus::connect(at);
        assert_eq!(direct.read_holding(1, 100, 3), [1, 7, 8], "{name}");
        assert_eq!(direct.read_holding(1, 111, 2), [0, 0], "{name}");
        assert_eq!(direct.read_holding(1, 50, 1), [0], "{name}");
        assert_eq!(direct.ask(1, &[1, 0, 5, 0, 5]), [1, 1, 0b1_0101], "{name}");
    }
}

fn pymodbus_server() -> (Process, SocketAddr) {
    let mut server = Process::start("pymodbus-server", &mut peer("pymodbus-server"));
    let at = server.next_line("address it listens on", |line| {
        line.strip_prefix("listening ")?.parse().ok()
    });
    (server, at)
}

fn received(server: &Process) -> Vec<Vec<u8>> {
    let lines = server.stdout();
    let packets = lines
        .iter()
        .filter_map(|line| line.strip_prefix("received "));
    packets.map(bytes).collect()
}

/// Runs mbpoll once through the broker; it must end with the code and say the word.
fn mbpoll_says(at: SocketAddr, arguments: &[&str], code: i32, word: &str) {
    let mut command = peer("mbpoll");
    let port = at.port().to_string();
    command.args(["-m", "tcp", "-p", &port, "-0", "-1", "-o", "5"]);
    let ended = Ended::of("mbpoll", command.arg(at.ip().to_string()).args(arguments));
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.code == code && said.contains(word),
        "{arguments:?} should end with {code} and say {word:?}: {ended}"
    );
}

#[test]
#[ignore = "needs peers: tests/peers/install"]
fn mbpoll_reads_and_writes_both_through_the_broker_and_is_refused() {
    let folder = Site::new();
    let mut plc = Plc::start(&folder.join("plc.log"), &[]);
    let (server, at) = pymodbus_server();
    let mut gateway = Rig::gateway(&[plc.address(), at], "");
    gateway.start();
    let armed = gateway.connect("person/emil", &["rig-1", "rig-2"]);
    let unarmed = gateway.connect("person/emil", &[]);
    let reader = gateway.connect("workload/historian", &["rig-1", "rig-2"]);
    let illegal = "Illegal function";
    for device in ["rig-1", "rig-2"] {
        let at = armed.address(device);
        mbpoll_says(
            at,
            &["-t", "4", "-r", "100", "43"],
            0,
            "Written 1 references",
        );
        mbpoll_says(at, &["-t", "4", "-r", "100"], 0, "43");
        mbpoll_says(
            at,
            &["-t", "4:float", "-B", "-r", "200", "123456.0"],
            0,
            "Written 1",
        );
        mbpoll_says(at, &["-t", "4:float", "-B", "-r", "200"], 0, "123456");
        mbpoll_says(at, &["-t", "0", "-r", "3", "1"], 0, "Written 1");
        mbpoll_says(at, &["-t", "4", "-r", "112", "1001"], 1, illegal);
        mbpoll_says(
            at,
            &["-t", "4", "-a", "9", "-r", "100"],
            1,
            "Gateway path unavailable",
        );
        mbpoll_says(
            unarmed.address(device),
            &["-t", "4", "-r", "100", "9"],
            1,
            illegal,
        );
        mbpoll_says(
            reader.address(device),
            &["-t", "0", "-r", "3", "0"],
            1,
            illegal,
        );
    }
    let passed = [
        "06 0064 002b",
        "03 0064 0001",
        "10 00c8 0002 04 47f1 2000",
        "03 00c8 0002",
        "05 0003 ff00",
    ];
    let expected: Vec<_> = (1..)
        .zip(passed)
        .map(|(transaction, pdu)| adu(transaction, 255, &bytes(pdu)))
        .collect();
    assert_eq!(plc.seen().requests(), expected);
    assert_eq!(received(&server), expected);
    assert_eq!(plc.holding(100), 43);
    assert_eq!(plc.read("coils", 3, 1), [1]);

    assert_eq!(gateway.stop(), 0);
    gateway.assert_journal_is_whole();
    let written = [0, 2, 4].map(|at| (bytes(passed[at]), End::Answered));
    let reasons = [
        "value-outside-limits",
        "not-routed",
        "not-armed",
        "rule-forbids",
    ];
    for device in ["rig-1", "rig-2"] {
        assert_eq!(Rig::ends_at(&gateway, device), written);
        let denied: Vec<String> = gateway
            .records()
            .into_iter()
            .filter_map(|record| match record.event {
                Event::Denial(denial) if denial.device == device => Some(denial.reason),
                _ => None,
            })
            .collect();
        assert_eq!(denied, reasons);
    }
}
