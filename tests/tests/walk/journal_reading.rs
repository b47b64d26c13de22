//! The log as people and programs read it: filtered, from the edge and from its folder, with the
//! value before, and live.

use std::process::Command;

use interlock_protocols::record::Event;
use interlock_tests::harness::{Bench, Ended, Process, binary};
use rustix::process::Signal;
use serde_json::Value;

/// Reads and writes the setpoint as olga, and asks for what is not allowed.
fn a_day(bench: &mut Bench) {
    bench.press.order("set holding 100 8000");
    let olga = |args: &[&str], code: i32| {
        let ended = bench.gateway.client("person/olga", args);
        assert_eq!(ended.code, code, "{ended}");
    };
    olga(&["write", "press-4", "speed_setpoint=850"], 0);
    olga(&["read", "press-4", "speed_setpoint"], 0);
    olga(&["write", "press-4", "speed_setpoint=900"], 0);
    olga(&["write", "press-4", "speed_setpoint=1300"], 3);
    olga(&["write", "pump-2", "flow_setpoint=20"], 0);
    let last = |event: &Event| matches!(event, Event::SessionEnded(_));
    let mut ended = 0;
    bench.gateway.record("end of five sessions", |record| {
        ended += u32::from(last(&record.event));
        let done = ended == 5;
        ended = if done { 0 } else { ended };
        done.then_some(())
    });
}

fn objects(ended: &Ended) -> Vec<Value> {
    assert_eq!(ended.code, 0, "{ended}");
    let lines = ended.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What an object says was written, and with what decision.
fn told(object: &Value) -> (&str, f64, &str) {
    (
        object["points"][0]["name"].as_str().unwrap(),
        object["points"][0]["value"].as_f64().unwrap(),
        object["decision"].as_str().unwrap(),
    )
}

#[test]
fn the_log_is_filtered_by_edge_and_folder_alike() {
    let mut bench = Bench::start();
    a_day(&mut bench);
    let folder = bench.gateway.site().join("journal");
    let folder = folder.to_str().unwrap();
    let asked = |filter: &[&str]| {
        let show = ["-o", "jsonl", "journal", "show", "--oldest-first"];
        let edge = [&show[..], filter].concat();
        let local = [&show[..], &[folder], filter].concat();
        let edge = objects(&bench.gateway.client("person/aida", &edge));
        let mut local = objects(&bench.gateway.client("person/olga", &local));
        let mut sorted = edge.clone();
        for objects in [&mut sorted, &mut local] {
            objects.sort_by_key(|object| object["sequence"].as_u64());
        }
        assert_eq!(sorted, local, "{filter:?}");
        local
    };
    let writes = asked(&[
        "--point",
        "speed_setpoint",
        "--function",
        "write-single-register",
    ]);
    assert_eq!(
        writes.iter().map(told).collect::<Vec<_>>(),
        [
            ("speed_setpoint", 850.0, "allow"),
            ("speed_setpoint", 900.0, "allow"),
            ("speed_setpoint", 1300.0, "deny"),
        ]
    );
    // Whoever writes first knows nothing of what was before.
    assert_eq!(writes[0]["points"][0]["before"], Value::Null);
    assert_eq!(writes[1]["points"][0]["before"], 850.0);
    assert!(writes[1]["points"][0]["before_age_ms"].is_u64());
    assert_eq!(writes[1]["outcome"], "answered");
    assert!(
        writes[1]["peer"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:")
    );
    assert_eq!(writes[1]["certificate"].as_str().unwrap().len(), 64);

    let denied = asked(&["--decision", "deny", "--device", "press-4"]);
    assert_eq!(denied.len(), 1);
    assert_eq!(denied[0]["reason"], "value-outside-limits");
    let session = denied[0]["session"].as_u64().unwrap().to_string();
    let kinds = |objects: &[Value]| -> Vec<String> {
        let kind = objects.iter().map(|object| object["kind"].as_str());
        kind.map(|kind| kind.unwrap().to_owned()).collect()
    };
    assert_eq!(
        kinds(&asked(&["--session", &session])),
        [
            "session-opened",
            "posture-changed",
            "denial",
            "session-ended"
        ]
    );
    assert_eq!(asked(&["--device", "pump-2", "--since", "1h"]).len(), 1);
    assert_eq!(asked(&["--device", "pump-2", "--until", "1h"]).len(), 0);
    bench.settle();
}

#[test]
fn a_folder_is_read_newest_first_and_more_is_told() {
    let mut bench = Bench::start();
    a_day(&mut bench);
    let folder = bench.gateway.site().join("journal");
    let folder = folder.to_str().unwrap();
    let show = |args: &[&str]| {
        let args = [&["journal", "show", folder], args].concat();
        bench.gateway.client("person/olga", &args)
    };
    let newest = show(&[
        "-o",
        "jsonl",
        "--decision",
        "allow",
        "--function",
        "6",
        "--limit",
        "1",
    ]);
    let objects = objects(&newest);
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0]["device"], "pump-2");
    assert!(newest.stderr.contains("older records"), "{newest}");
    let table = show(&["--device", "press-4"]);
    assert_eq!(table.code, 0, "{table}");
    assert!(table.stdout.contains("(was 850 rpm, "), "{table}");
    let csv = show(&["-o", "csv", "--device", "press-4", "--oldest-first"]);
    assert!(csv.stdout.starts_with("sequence,time,kind,"), "{csv}");
    let wrong = show(&["--since", "soon"]);
    assert_eq!(wrong.code, 2, "{wrong}");
    let wrong = show(&["--function", "write-sinle-register"]);
    assert!(wrong.stderr.contains("write-single-register"), "{wrong}");
    bench.settle();
}

#[test]
fn a_folder_is_followed_until_ctrl_c_and_that_is_no_failure() {
    let mut bench = Bench::start();
    let write = |bench: &Bench, value: &str| {
        let args = ["write", "press-4", &format!("speed_setpoint={value}")];
        let written = bench.gateway.client("person/olga", &args);
        assert_eq!(written.code, 0, "{written}");
    };
    write(&bench, "850");
    let mut command = Command::new(binary("client"));
    command.args([
        "-o", "jsonl", "journal", "show", "-f", "--device", "press-4",
    ]);
    command.arg(bench.gateway.site().join("journal"));
    let mut follow = Process::start("follow", &mut command);
    let value = |line: &str| {
        let object: Value = serde_json::from_str(line).unwrap();
        object["points"][0]["value"].as_f64()
    };
    let seen = follow.next_line("write of before", value);
    assert_eq!(seen, 850.0);
    write(&bench, "900");
    let seen = follow.next_line("write that came", value);
    assert_eq!(seen, 900.0);
    follow.signal(Signal::INT);
    let status = follow.exit("Ctrl-C");
    assert_eq!(status.code(), Some(0), "{}", follow.output());
    bench.settle();
}

/// Following may go on for days: who may read no longer is told no more.
#[test]
fn a_policy_that_takes_the_journal_away_ends_who_follows_it() {
    const NO_MORE: &str = r#"
@id("no-journal-for-aida")
forbid (
    principal == Interlock::Person::"aida",
    action == Interlock::Action::"read-journal",
    resource
);
"#;
    let mut bench = Bench::start();
    let mut command = Command::new(binary("client"));
    command
        .arg("--profile")
        .arg(bench.gateway.issue("person/aida"));
    command.args(["-o", "jsonl", "journal", "show", "-f"]);
    let mut follow = Process::start("follow", &mut command);
    follow.next_line("a record", |line| line.contains("sequence").then_some(()));
    bench.gateway.append("policy/aida.cedar", NO_MORE);
    bench.gateway.edit(
        "policy/tests/staff.toml",
        "act = \"read-journal\"\nexpect = \"allow\"\nrule = \"staff.cedar/auditors-read-journal\"",
        "act = \"read-journal\"\nexpect = \"deny\"\nrule = \"aida.cedar/no-journal-for-aida\"",
    );
    let activated = bench
        .gateway
        .client("person/paula", &["policy", "activate"]);
    assert_eq!(activated.code, 0, "{activated}");
    let status = follow.exit("the journal was taken away");
    assert_ne!(status.code(), Some(0), "{}", follow.output());
    let records = bench.settle();
    let denied = records.denials.last().unwrap();
    assert_eq!(denied.policies, ["aida.cedar/no-journal-for-aida"]);
}
