//! The edge itself, with a sink that knows more of its journal than the journal does.

use std::time::Instant;

use interlock_protocols::record::Event;
use interlock_tests::harness::{Bench, Gateway, PATIENCE};
use serde_json::Value;

use crate::jetstream::Server;
use crate::log::copy_all;
use crate::pki::{Pki, SERVER};

const STREAM: &str = "interlock=waterworks=gateway-1";

/// A bench whose journal is forwarded to this server.
fn forwarded(server: &Server, pki: &Pki) -> Bench {
    Bench::start_with(|gateway| {
        let file = |name: &str| pki.file(name).display().to_string();
        let section = format!(
            "\n[[sink]]\nname = \"fleet\"\nkind = \"nats\"\naddress = \"{}\"\n\
             server_name = \"{SERVER}\"\nca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
            server.address(),
            file("ca.pem"),
            file("client.pem"),
            file("client.key"),
        );
        gateway.append("edge.toml", &section);
    })
}

fn write(gateway: &Gateway, value: u32) -> interlock_tests::harness::Ended {
    let point = format!("speed_setpoint={value}");
    gateway.client("person/olga", &["write", "press-4", &point])
}

#[track_caller]
fn work(gateway: &Gateway, values: &[u32]) {
    for value in values {
        let written = write(gateway, *value);
        assert_eq!(written.code, 0, "{written}");
    }
}

/// Asks for the status until it is as wanted. Each asking is a process and a session.
#[track_caller]
fn until(gateway: &Gateway, what: &str, wanted: impl Fn(i32, &Value) -> bool) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let asked = gateway.client("person/adam", &["-o", "jsonl", "status"]);
        // Whoever asks too often is turned away for a second.
        match serde_json::from_str(&asked.stdout) {
            Ok(tree) if wanted(asked.code, &tree) => return tree,
            _ => assert!(Instant::now() < end, "not {what}: {asked}"),
        }
    }
}

/// Waits until the sink has all that stands in the journal now.
fn drained(gateway: &Gateway) -> u64 {
    let through = gateway.records().last().unwrap().sequence;
    until(gateway, "forwarded", |_, tree| {
        tree["sinks"][0]["acknowledged"].as_u64().unwrap() >= through
    });
    through
}

#[ignore = "needs nats-server"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_journal_under_a_stream_that_has_more_is_held_until_that_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki::new(&dir.path().join("pki"));
    let server = Server::start(&dir.path().join("nats"), &pki);
    let mut bench = forwarded(&server, &pki);
    let site = bench.gateway.site();
    let (journal, copy) = (site.join("journal"), dir.path().join("copy"));
    work(&bench.gateway, &[800, 810]);
    drained(&bench.gateway);
    assert_eq!(bench.gateway.stop(), 0);
    copy_all(&journal, &copy);
    bench.gateway.start();
    work(&bench.gateway, &[820, 830, 840]);
    let known = drained(&bench.gateway);
    assert_eq!(bench.gateway.stop(), 0);
    let before = server.read(&pki, STREAM).await;

    // Nothing on the gateway is left to tell: only the stream knows.
    std::fs::remove_dir_all(&journal).unwrap();
    copy_all(&copy, &journal);
    std::fs::remove_dir_all(site.join("state/view")).unwrap();
    bench.gateway.start();
    let held = until(&bench.gateway, "held", |code, tree| {
        code == 1 && tree["journal"]["held"].is_string()
    });
    let why = "the sink fleet knows records up to ";
    let held = held["journal"]["held"].as_str().unwrap();
    assert!(held.contains(why), "{held}");
    let through: u64 = held
        .split(why)
        .nth(1)
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(through >= known, "{held}");
    let refused = write(&bench.gateway, 850);
    assert_ne!(refused.code, 0, "{refused}");
    assert!(refused.stderr.contains(why), "{refused}");
    let accept = ["journal", "accept", "--reason", "restored from a copy"];
    assert_eq!(bench.gateway.client("person/emil", &accept).code, 3);
    assert_eq!(server.read(&pki, STREAM).await, before, "nothing is sent");

    let accepted = bench.gateway.client("person/adam", &accept);
    assert_eq!(accepted.code, 0, "{accepted}");
    work(&bench.gateway, &[860]);
    drained(&bench.gateway);
    assert_eq!(bench.gateway.stop(), 0);
    bench.gateway.start();
    work(&bench.gateway, &[870]);
    drained(&bench.gateway);
    assert_eq!(bench.gateway.stop(), 0);
    bench.gateway.assert_journal_is_whole();

    // What it had stays, and what came after stands behind it, once.
    let after = server.read(&pki, STREAM).await;
    assert_eq!(after[..before.len()], before);
    let mut ids: Vec<&str> = after.iter().map(|message| message.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), after.len());
    let records = bench.gateway.records();
    let accepted = |event: &Event| matches!(event, Event::JournalAccepted(_));
    assert_eq!(records.iter().filter(|it| accepted(&it.event)).count(), 1);
    let sent = |encoded: Vec<u8>| after[before.len()..].iter().any(|it| it.payload == encoded);
    let acceptance = records.iter().position(|it| accepted(&it.event)).unwrap();
    assert!(sent(records[acceptance].encode()), "the sink is told of it");
    let intents = records[acceptance..]
        .iter()
        .filter(|it| matches!(it.event, Event::Intent(_)));
    let intents: Vec<_> = intents.collect();
    assert_eq!(intents.len(), 2);
    assert!(intents.iter().all(|intent| sent(intent.encode())));
}
