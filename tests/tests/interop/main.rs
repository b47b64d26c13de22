//! Peers that nobody here wrote. They are installed by `tests/peers/install`, so a plain
//! `cargo test` leaves these tests out and says so; `.ci/run` runs them, and there a missing peer
//! fails.
//!
//! The first of them judge the simulated PLC: what it is told about the broker counts only if
//! other people's clients agree with it about Modbus.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod brokered;

use interlock_tests::harness::{Modbus, PATIENCE, Plc, Process, Site, peer};
use std::net::SocketAddr;
use std::process::Command;

/// Runs a client to its end and gives its lines.
fn run(name: &str, command: &mut Command) -> Vec<String> {
    let mut process = Process::start(name, command);
    process.close_stdin();
    process.exit_within(PATIENCE, "a client does what it was told and ends");
    process.stdout()
}

/// Runs operations through `libmodbus` or `pymodbus-client`; one line of output each.
fn operate(name: &str, at: SocketAddr, unit: u8, operations: &[&str]) -> Vec<String> {
    let mut command = peer(name);
    command.args([at.ip().to_string(), at.port().to_string(), unit.to_string()]);
    let lines = run(name, command.args(operations));
    assert_eq!(
        lines.len(),
        operations.len(),
        "{name}: {operations:?}: {lines:?}"
    );
    lines
}

/// Runs mbpoll once; holding registers, PDU addresses.
fn mbpoll(at: SocketAddr, arguments: &[&str]) -> Vec<String> {
    let mut command = peer("mbpoll");
    let port = at.port().to_string();
    command.args(["-m", "tcp", "-p", &port, "-0", "-1", "-o", "5", "-q"]);
    run("mbpoll", command.arg(at.ip().to_string()).args(arguments))
}

/// What both clients can do, and what they print about it.
const BOTH: [(&str, &str); 13] = [
    ("write-register:100:1234", "ok"),
    ("read-holding:99:3", "ok 0 1234 0"),
    ("write-registers:100:1,2,3", "ok"),
    ("mask:101:0xF0:1", "ok"),
    ("read-holding:100:3", "ok 1 1 3"),
    ("read-write:100:2:101:7,8", "ok 1 7"),
    ("write-coil:5:1", "ok"),
    ("write-coils:7:1,0,1", "ok"),
    ("read-coils:4:7", "ok 0 1 0 1 0 1 0"),
    ("read-input:2:2", "ok 2 3"),
    ("read-discrete:0:3", "ok 1 0 1"),
    ("write-register:0:65535", "ok"),
    ("read-holding:0:1", "ok 65535"),
];

fn operations() -> Vec<&'static str> {
    BOTH.iter().map(|(operation, _)| *operation).collect()
}

fn answers() -> Vec<&'static str> {
    BOTH.iter().map(|(_, answer)| *answer).collect()
}

const INPUTS: [&str; 2] = ["set input 0 0 1 2 3", "set discrete 0 1 0 1 0"];

#[test]
#[ignore = "needs peers: tests/peers/install"]
fn clients_agree_with_the_simulated_plc() {
    for name in ["libmodbus", "pymodbus-client"] {
        let site = Site::new();
        let mut plc = Plc::start(&site.join("plc.log"), &INPUTS);
        assert_eq!(
            operate(name, plc.address(), 1, &operations()),
            answers(),
            "{name}"
        );
        assert_eq!(plc.read("holding", 100, 3), [1, 7, 8], "{name}");
        plc.order("exception 1");
        plc.order("exception 4");
        let refused = operate(
            name,
            plc.address(),
            1,
            &["read-holding:0:1", "write-register:0:1"],
        );
        assert_eq!(refused, ["exception 1", "exception 4"], "{name}");
        plc.seen().assert_nothing_malformed();
    }
}

#[test]
#[ignore = "needs peers: tests/peers/install"]
fn the_rarer_functions_agree_with_pymodbus() {
    let site = Site::new();
    let plc = Plc::start(&site.join("plc.log"), &["set holding 50 2 440 4740"]);
    let asked = [
        "fifo:50",
        "identify:1:0",
        "read-file:4:7:2",
        "server-id",
        "restart",
    ];
    let answered = operate("pymodbus-client", plc.address(), 1, &asked);
    assert_eq!(answered[0], "ok 440 4740");
    assert_eq!(answered[1], "ok Interlock-tests simulated 1");
    assert_eq!(answered[2], "ok 0 0 0 0");
    assert!(answered[3].starts_with("ok 115 105 109"), "{}", answered[3]);
    assert_eq!(answered[4], "ok");
    plc.seen().assert_nothing_malformed();
}

#[test]
#[ignore = "needs peers: tests/peers/install"]
fn mbpoll_reads_and_writes_the_simulated_plc() {
    let site = Site::new();
    let mut plc = Plc::start(&site.join("plc.log"), &["set holding 100 42"]);
    let read = mbpoll(plc.address(), &["-t", "4", "-r", "100"]);
    assert!(read.iter().any(|line| line.ends_with("42")), "{read:?}");
    mbpoll(plc.address(), &["-t", "4", "-r", "100", "43"]);
    assert_eq!(plc.holding(100), 43);
    // 123456.0 in both word orders, as the specification of ours has them.
    mbpoll(
        plc.address(),
        &["-t", "4:float", "-r", "200", "-B", "123456.0"],
    );
    assert_eq!(plc.read("holding", 200, 2), [0x47F1, 0x2000]);
    mbpoll(plc.address(), &["-t", "4:float", "-r", "200", "123456.0"]);
    assert_eq!(plc.read("holding", 200, 2), [0x2000, 0x47F1]);
    plc.seen().assert_nothing_malformed();
}

#[test]
#[ignore = "needs peers: tests/peers/install"]
fn pymodbus_serves_libmodbus_and_us() {
    let mut server = Process::start("pymodbus-server", &mut peer("pymodbus-server"));
    let at: SocketAddr = server.next_line("address it listens on", |line| {
        line.strip_prefix("listening ")?.parse().ok()
    });
    assert_eq!(operate("libmodbus", at, 1, &operations()), answers());
    let mut client = Modbus::connect(at);
    assert_eq!(client.read_holding(1, 101, 2), [7, 8]);
    assert_eq!(client.ask(1, &[3, 0xFF, 0xFF, 0, 1]), [0x83, 2]);
    server.next_line("what we sent", |line| {
        line.contains("03ffff0001").then_some(())
    });
    server.close_stdin();
    assert!(server.exit("its standard input ended").success());
}
