//! Who may speak for the clock, and to whom.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use interlock_tests::harness::{Gateway, free_address};

use crate::{bench, clock, doubts};

#[test]
fn without_a_doubt_there_is_nothing_to_accept_and_without_a_reason_no_acceptance() {
    let mut bench = bench();
    let shown = clock(&bench.gateway, "show", &[]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.stdout.contains("the clock is believed"), "{shown}");
    let refused = clock(&bench.gateway, "accept", &["--reason", "to be sure"]);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("not in doubt"), "{refused}");
    let usage = clock(&bench.gateway, "accept", &[]);
    assert_eq!(usage.code, 2, "{usage}");
    bench.settle();
    assert_eq!(doubts(&bench.gateway.records()), []);
}

#[test]
fn an_edge_that_does_not_run_is_said_not_to() {
    let mut gateway = Gateway::new(free_address(), free_address());
    let none = clock(&gateway, "show", &[]);
    assert_eq!(none.code, 1, "{none}");
    assert!(none.stderr.contains("no edge runs"), "{none}");
    // One that was killed left its socket behind.
    gateway.start();
    gateway.kill();
    assert!(gateway.site().join("state/local.sock").exists());
    let none = clock(&gateway, "accept", &["--reason", "r"]);
    assert!(none.stderr.contains("no edge runs"), "{none}");
    gateway.start();
    let shown = clock(&gateway, "show", &[]);
    assert_eq!(shown.code, 0, "{shown}");
}

#[test]
fn the_socket_is_the_owners_alone_and_outlives_whoever_abuses_it() {
    let bench = bench();
    let socket = bench.gateway.site().join("state/local.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 8], &[0, 0, 16, 0]] {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // Closed without a word; a reset says the same.
        let _closed = stream.read_to_end(&mut answer);
        assert!(answer.is_empty(), "{answer:?}");
    }
    let shown = clock(&bench.gateway, "show", &[]);
    assert_eq!(shown.code, 0, "{shown}");
}
