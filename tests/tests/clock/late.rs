//! Invitations end by the time that is counted, and renewals by it need a person.

use std::process::Command;

use interlock_broker::join::JoinLine;
use interlock_tests::harness::{Bench, Ended, Gateway, binary};

use crate::{HOUR_MS, bench, shift};

fn invite(gateway: &Gateway, name: &str, valid: &str) -> String {
    let made = gateway.client("person/adam", &["invite", "person", name, "--valid", valid]);
    assert_eq!(made.code, 0, "{made}");
    let mut words = made.stdout.split_whitespace();
    let line = words.find(|word| word.starts_with("interlock-join:"));
    let mut line = JoinLine::parse(line.expect("a join line")).unwrap();
    let at = gateway.identity();
    (line.host, line.port) = (at.ip().to_string(), at.port());
    line.to_string()
}

fn client(gateway: &Gateway, name: &str, args: &[&str]) -> Ended {
    let mut command = Command::new(binary("client"));
    command
        .arg("--profile")
        .arg(gateway.beside(name))
        .args(args);
    Ended::of(name, &mut command)
}

fn passes(bench: &Bench, hours: i64) {
    shift(&bench.gateway, hours * HOUR_MS, hours * HOUR_MS);
}

#[test]
fn an_invitation_is_used_in_its_time_or_not_at_all() {
    let bench = bench();
    let gateway = &bench.gateway;
    let late = invite(gateway, "ida", "1h");
    // It keeps the door open, so that the other is refused and does not find it closed.
    let in_time = invite(gateway, "otto", "24h");
    passes(&bench, 2);
    let refused = client(gateway, "ida", &["enroll", &late]);
    assert_eq!(refused.code, 4, "{refused}");
    assert!(
        refused.stderr.contains("the invitation's time is over"),
        "{refused}"
    );
    let enrolled = client(gateway, "otto", &["enroll", &in_time]);
    assert_eq!(enrolled.code, 0, "{enrolled}");
}

#[test]
fn nobody_renews_for_longer_than_twelve_hours_without_being_there() {
    let bench = bench();
    let gateway = &bench.gateway;
    let line = invite(gateway, "ida", "1h");
    let enrolled = client(gateway, "ida", &["enroll", &line]);
    assert_eq!(enrolled.code, 0, "{enrolled}");
    passes(&bench, 11);
    // The certificate ended three hours ago; the keys still ask for another.
    let renewed = client(gateway, "ida", &["login"]);
    assert_eq!(renewed.code, 0, "{renewed}");
    passes(&bench, 13);
    let refused = client(gateway, "ida", &["login"]);
    assert_eq!(refused.code, 4, "{refused}");
    assert!(refused.stderr.contains("12 hours"), "{refused}");
}
