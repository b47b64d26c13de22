//! `interlock watch` as a process: what it shows, and how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::process::Command;

use interlock_protocols::record::Event;
use interlock_tests::harness::{Bench, Process, binary};
use rustix::process::Signal;

fn watch(bench: &Bench, who: &str, args: &[&str]) -> Process {
    let profile = bench.gateway.issue(who);
    let mut command = Command::new(binary("client"));
    command.arg("--profile").arg(profile).args(args);
    Process::start("watch", &mut command)
}

#[test]
fn each_command_is_shown_as_it_is_done_and_ctrl_c_ends_it() {
    let mut bench = Bench::start();
    let mut watching = watch(&bench, "person/emil", &["watch", "press-4"]);
    watching.complaint("whether it supervises", |line| {
        line.contains("SUPERVISING").then_some(())
    });
    let wrote = bench
        .gateway
        .client("person/olga", &["write", "press-4", "speed_setpoint=850"]);
    assert_eq!(wrote.code, 0, "{wrote}");
    let refused = bench
        .gateway
        .client("person/olga", &["write", "press-4", "speed_setpoint=1500"]);
    assert_eq!(refused.code, 3, "{refused}");
    watching.next_line("the write", |line| {
        let all = [
            "person/olga  press-4  write speed_setpoint = 850 rpm  ok ",
            " ms",
        ];
        all.iter().all(|part| line.contains(part)).then_some(())
    });
    watching.next_line("the refusal", |line| {
        line.contains("write speed_setpoint = 1500 rpm  DENIED value-outside-limits")
            .then_some(())
    });
    watching.signal(Signal::INT);
    assert!(watching.exit("Ctrl-C").success());
    assert!(watching.output().contains("you supervise no longer"));
    let denied = bench
        .gateway
        .client("workload/historian", &["watch", "press-4"]);
    assert_eq!(denied.code, 3, "{denied}");
    assert_eq!(bench.gateway.stop(), 0);
    let records = bench.gateway.records();
    let opened = records
        .iter()
        .any(|record| matches!(&record.event, Event::WatchOpened(it) if it.supervises));
    let ended = records
        .iter()
        .any(|record| matches!(&record.event, Event::WatchEnded(_)));
    assert!(opened && ended);
}

#[test]
fn one_session_alone_writes_while_it_asks_to() {
    let bench = Bench::start();
    let sole = ["write", "--sole", "press-4", "speed_setpoint=850"];
    let wrote = bench.gateway.client("person/olga", &sole);
    assert_eq!(wrote.code, 0, "{wrote}");
    assert!(
        wrote.stderr.contains("you alone write to press-4"),
        "{wrote}"
    );
    // It ended with the session of that one command.
    let wrote = bench
        .gateway
        .client("person/emil", &["write", "press-4", "speed_setpoint=800"]);
    assert_eq!(wrote.code, 0, "{wrote}");
}
