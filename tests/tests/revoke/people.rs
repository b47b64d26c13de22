//! People, machines and sessions: ended with the reason said, and kept out.

use interlock_protocols::record::{Event, Measure};
use interlock_tests::harness::{Fate, PATIENCE, SILENCE, adu};

use crate::{Yard, number};

const WRITE: [u8; 5] = [6, 0, 100, 0, 7];

#[test]
fn who_is_revoked_is_told_why_and_does_not_come_back_until_somebody_else_lets_them() {
    let mut yard = Yard::started("");
    let gateway = &yard.gateway;
    let mut emil = gateway.connect("person/emil", &["rig-1"]);
    let mut tool = emil.modbus("rig-1");
    assert_eq!(tool.ask(1, &WRITE), WRITE);
    let sessions = gateway.client("person/adam", &["-o", "jsonl", "sessions"]);
    let listed: Vec<serde_json::Value> = sessions
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let row = listed
        .iter()
        .find(|row| row["subject"] == "spiffe://waterworks/person/emil");
    let row = row.unwrap_or_else(|| panic!("{sessions}"));
    assert_eq!(row["devices"][0], "rig-1");
    assert_eq!(
        row["last"],
        "rig-1: write word_100 = 7, holding 100 (40101)"
    );

    let revoke = [
        "revoke",
        "subject",
        "person/emil",
        "--reason",
        "laptop lost",
    ];
    let revoked = gateway.client("person/adam", &[&["-o", "jsonl"][..], &revoke].concat());
    assert_eq!(revoked.code, 0, "{revoked}");
    let restriction = number(&revoked.stdout);
    emil.process().complaint("why it ended", |line| {
        (line.contains("laptop lost") && line.contains(&restriction.to_string())).then_some(())
    });
    // Whatever the tool gets to hear, it is no answer of the PLC.
    tool.send(&adu(9, 1, &WRITE));
    let fate = tool.next(PATIENCE);
    assert!(
        matches!(&fate, Fate::Closed | Fate::Silence)
            || matches!(&fate, Fate::Answer(answer) if answer[7] >= 0x80),
        "{fate:?}"
    );
    let again = gateway.client("person/emil", &["devices"]);
    assert_eq!(again.code, 4, "{again}");
    assert!(again.stderr.contains("laptop lost"), "{again}");
    assert!(
        again.stderr.contains(&format!("restriction {restriction}")),
        "{again}"
    );

    // A restart forgets nothing.
    drop((tool, emil));
    assert_eq!(yard.gateway.stop(), 0);
    yard.gateway.start();
    let gateway = &yard.gateway;
    assert_eq!(gateway.client("person/emil", &["devices"]).code, 4);
    let restrictions = gateway.client("person/ada", &["restrictions"]);
    assert!(
        restrictions.stdout.contains("subject person/emil"),
        "{restrictions}"
    );

    let text = restriction.to_string();
    let own = gateway.client("person/adam", &["reinstate", &text, "--reason", "found"]);
    assert_eq!(own.code, 3, "{own}");
    assert!(own.stderr.contains("second person"), "{own}");
    let lifted = gateway.client("person/ada", &["reinstate", &text, "--reason", "found"]);
    assert_eq!(lifted.code, 0, "{lifted}");
    assert_eq!(gateway.client("person/emil", &["devices"]).code, 0);

    assert_eq!(yard.gateway.stop(), 0);
    yard.gateway.assert_journal_is_whole();
    let records = yard.gateway.records();
    let ended = records.iter().any(|record| {
        matches!(&record.event, Event::SessionEnded(ended) if ended.reason.contains("laptop lost"))
    });
    assert!(ended, "the reason is in the record of the session's end");
    let refused = records.iter().filter(|record| {
        matches!(&record.event, Event::Denial(denial) if denial.reason == "revoked" && denial.detail.starts_with("connect from"))
    });
    assert_eq!(refused.count(), 2, "who came back is on record each time");
    assert_eq!(yard.plc.seen().commands_of(&[6]).len(), 1);
}

#[test]
fn all_vendors_a_machine_and_a_session_are_revoked_by_what_one_sees_of_them() {
    let yard = Yard::started("");
    let gateway = &yard.gateway;
    let adam = |args: &[&str]| gateway.client("person/adam", args);
    let mut emil = gateway.connect("person/emil", &["rig-1"]);
    let mut ella = gateway.connect("person/ella", &["rig-1"]);
    let listed = adam(&["-o", "jsonl", "sessions"]).stdout;
    let row = |who: &str| -> serde_json::Value {
        let line = listed.lines().find(|line| line.contains(who)).unwrap();
        serde_json::from_str(line).unwrap()
    };
    let session = row("person/emil")["session"].to_string();
    let revoked = adam(&["revoke", "session", &session, "--reason", "who is this"]);
    assert_eq!(revoked.code, 0, "{revoked}");
    emil.process().complaint("why it ended", |line| {
        line.contains("who is this").then_some(())
    });
    // It was the session alone.
    assert_eq!(gateway.client("person/emil", &["devices"]).code, 0);

    let key = row("person/ella")["device_key"]
        .as_str()
        .unwrap()
        .to_owned();
    let revoked = adam(&["revoke", "device", &key[..12], "--reason", "stolen"]);
    assert_eq!(revoked.code, 0, "{revoked}");
    ella.process()
        .complaint("why it ended", |line| line.contains("stolen").then_some(()));
    let again = gateway.client("person/ella", &["devices"]);
    assert_eq!(again.code, 4, "{again}");

    let vendors = adam(&["revoke", "--all-vendors", "--reason", "incident 7"]);
    assert_eq!(vendors.code, 0, "{vendors}");
    let victor = gateway.client("vendor/acme/victor", &["devices"]);
    assert!(
        victor.code == 4 && victor.stderr.contains("incident 7"),
        "{victor}"
    );

    // What is not there, or is not theirs to do, is said.
    for (args, code, words) in [
        (
            &["revoke", "subject", "person/nobody"][..],
            1,
            "nobody is known",
        ),
        (&["revoke", "device", "press-4"], 1, "knows no machine"),
        (&["revoke", "window", "w"], 1, "no number of a window"),
        (&["revoke", "window", "999999"], 1, "no window 999999"),
        (&["freeze", "zone", "moon"], 1, "no zone `moon`"),
        (&["downgrade", "session", "999999"], 1, "no session 999999"),
    ] {
        let said = adam(&[args, &["--reason", "r"]].concat());
        assert_eq!(said.code, code, "{said}");
        assert!(said.stderr.contains(words), "{said}");
    }
    let olga = gateway.client("person/olga", &["freeze", "site", "--reason", "r"]);
    assert_eq!(olga.code, 3, "{olga}");
    let restricted = |measure| {
        let records = gateway.records();
        let of = |event: &Event| matches!(event, Event::Restricted(it) if it.measure == measure);
        records.iter().filter(|record| of(&record.event)).count()
    };
    assert_eq!(restricted(Measure::Revoke), 3);
    assert_eq!(restricted(Measure::Freeze), 0);
}

#[test]
fn a_downgraded_session_goes_on_reading() {
    let mut yard = Yard::started("");
    yard.plc.order("set holding 100 41");
    let gateway = &yard.gateway;
    let emil = gateway.connect("person/emil", &["rig-1"]);
    let mut tool = emil.modbus("rig-1");
    assert_eq!(tool.read_holding(1, 100, 1), [41]);
    let listed = gateway
        .client("person/adam", &["-o", "jsonl", "sessions"])
        .stdout;
    let line = listed
        .lines()
        .find(|line| line.contains("person/emil"))
        .unwrap();
    let row: serde_json::Value = serde_json::from_str(line).unwrap();
    let session = row["session"].to_string();
    let done = gateway.client(
        "person/adam",
        &["downgrade", "session", &session, "--reason", "odd values"],
    );
    assert_eq!(done.code, 0, "{done}");
    assert_eq!(tool.ask(1, &WRITE), [0x86, 1]);
    assert_eq!(tool.read_holding(1, 100, 1), [41]);
    assert!(tool.next(SILENCE) == Fate::Silence, "the connection stays");
}
