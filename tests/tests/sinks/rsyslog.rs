//! The journal in syslog: every record at least once, in order within a connection, whatever
//! becomes of the collector.

use crate::log::Log;
use crate::pki::Pki;
use crate::rsyslogd::Rsyslogd;
use crate::stands;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use interlock_broker::clock::Clock;
use interlock_edge::config::{SinkConfig, SinkKind, SinkTls};
use interlock_edge::sink::{self, Cursors, MemoryCursors, Running, Source};
use interlock_protocols::record::{
    CommandResult, Denial, Event, Intent, Outcome, Record, SessionEnded, SessionOpened,
};
use interlock_tests::harness::PATIENCE;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SINK: &str = "siem";

/// How often a collector's file is looked at while something in it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

fn start(
    kind: SinkKind,
    at: &Rsyslogd,
    tls: SinkTls,
    log: &Log,
    cursors: &Arc<MemoryCursors>,
) -> Running {
    let config = SinkConfig {
        name: SINK.to_owned(),
        kind,
        address: at.address().to_string(),
        tls,
        required: true,
    };
    let devices = [("press-4".to_owned(), "192.0.2.14:502".to_owned())];
    let source = Source {
        site: "site".to_owned(),
        gateway: "gateway".to_owned(),
        devices: devices.into(),
        journal: log.journal.clone(),
        cursors: Arc::clone(cursors) as Arc<dyn Cursors>,
        clock: Clock::start(),
    };
    sink::start(&config, &source)
}

/// A collector that runs, a journal, and where the sink has come to.
fn scene(dir: &Path, driver: &'static str) -> (Rsyslogd, Log, Arc<MemoryCursors>) {
    let collector = Rsyslogd::new(&dir.join("collector"), driver);
    let log = Log::open(&dir.join("journal"));
    (collector, log, Arc::default())
}

async fn acknowledged(running: &Running, through: u64) {
    stands(&mut running.standing(), "all is acknowledged", |standing| {
        standing.acknowledged >= through
    })
    .await;
}

/// Waits until the present run of the collector has written a record.
async fn arrives(collector: &Rsyslogd, sequence: u64) {
    let end = Instant::now() + PATIENCE;
    loop {
        let latest = collector.latest();
        if latest.iter().any(|message| message.sequence >= sequence) {
            return;
        }
        assert!(
            Instant::now() < end,
            "{sequence} does not come, only {}",
            latest.len()
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until records lie in the socket of a frozen collector.
async fn unread(collector: &Rsyslogd) {
    let end = Instant::now() + PATIENCE;
    while !collector.has_unread() {
        assert!(Instant::now() < end, "nothing is sent to it");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Asserts that the collector has each of these records whole, and had them in order.
fn assert_holds(collector: &Rsyslogd, log: &Log, through: u64) {
    let held = collector.held();
    for line in log.lines(through) {
        let message = held.get(&line.sequence);
        let message = message.unwrap_or_else(|| panic!("{} is missing", line.sequence));
        let raw = BASE64
            .decode(message.json["raw_data"].as_str().unwrap())
            .unwrap();
        assert_eq!(raw, line.bytes, "{} is another record", line.sequence);
    }
    for run in collector.runs() {
        // A step back is a new connection. Nothing is ever left out.
        for pair in run.windows(2) {
            let (before, after) = (pair[0].sequence, pair[1].sequence);
            assert!(after <= before + 1, "{after} came behind {before}");
        }
    }
}

#[ignore = "needs rsyslogd"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_restarted_in_mid_stream_misses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut collector, log, cursors) = scene(dir.path(), "ossl");
    collector.start();
    let running = start(
        SinkKind::SyslogOcsf,
        &collector,
        collector.pki().sink(),
        &log,
        &cursors,
    );
    let standing = running.standing();
    let mut through = 0;
    for round in 0..6 {
        // Half of what is written is there, the other half is on its way.
        let before = through;
        through = log.write(3_000, "in mid-stream").await;
        arrives(&collector, before + 1_500).await;
        let settled = if round % 2 == 0 {
            // It goes with records in its socket, of which its system has said that it has them.
            collector.freeze();
            through = log.write(20, "unread").await;
            unread(&collector).await;
            // Long enough for a sink to be wrong: several looks, a fifth of the settling.
            let wrong = acknowledged(&running, through);
            let _ = tokio::time::timeout(Duration::from_secs(1), wrong).await;
            let settled = standing.borrow().acknowledged;
            collector.kill();
            settled
        } else {
            let settled = standing.borrow().acknowledged;
            collector.stop();
            settled
        };
        // What counted as acknowledged is there, whatever comes next.
        assert_holds(&collector, &log, settled);
        collector.start();
        if round % 2 == 1 {
            acknowledged(&running, before + 1).await;
        }
    }
    acknowledged(&running, through).await;
    running.stop().await;
    assert_holds(&collector, &log, through);
    let sent: usize = collector.runs().iter().map(Vec::len).sum();
    assert!(
        sent > collector.held().len(),
        "no restart was in mid-stream"
    );
    assert!(cursors.load(SINK) >= Some(through));
}

#[ignore = "needs rsyslogd"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_starts_anew_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (mut collector, log, cursors) = scene(dir.path(), "gtls");
    collector.start();
    let tls = || collector.pki().sink();
    let first = log.write(200, "before").await;
    let running = start(SinkKind::SyslogOcsf, &collector, tls(), &log, &cursors);
    acknowledged(&running, first).await;
    running.stop().await;
    let last = log.write(200, "after").await;
    let running = start(SinkKind::SyslogOcsf, &collector, tls(), &log, &cursors);
    acknowledged(&running, last).await;
    running.stop().await;
    assert_holds(&collector, &log, last);
    let sequences: Vec<u64> = collector
        .latest()
        .iter()
        .map(|message| message.sequence)
        .collect();
    assert_eq!(
        sequences,
        (1..=last).collect::<Vec<_>>(),
        "nothing settled comes twice"
    );
}

#[ignore = "needs rsyslogd"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_and_the_worst_text_arrives_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (mut collector, log, cursors) = scene(dir.path(), "ossl");
    collector.start();
    let mut texts: Vec<String> = [
        "\u{1b}[2J\u{9b}31m \" \\ ] \n\r\0 \u{7f}",
        "17 <13>1 - forged",
        "Zo\u{eb} \u{202e} \u{1f525}",
    ]
    .map(str::to_owned)
    .into();
    texts.push("\0".repeat(60 * 1024));
    texts.push("\u{10ffff}".repeat(15 * 1024));
    for reason in &texts {
        let event = Event::SessionEnded(SessionEnded {
            session: 1,
            subject: "spiffe://site/person/zo\u{eb}".to_owned(),
            reason: reason.clone(),
        });
        log.journal.commit(2, event).unwrap().await.unwrap();
    }
    let through = u64::try_from(texts.len()).unwrap();
    let running = start(
        SinkKind::SyslogOcsf,
        &collector,
        collector.pki().sink(),
        &log,
        &cursors,
    );
    acknowledged(&running, through).await;
    running.stop().await;
    assert_holds(&collector, &log, through);
    for (message, text) in collector.latest().iter().zip(&texts).take(3) {
        assert_eq!(message.json["status_detail"], **text);
        assert!(
            message
                .header
                .starts_with("<110>1 1970-01-01T00:00:00.002Z gateway interlock - session-ended ")
        );
    }
}

#[ignore = "needs rsyslogd"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_come_as_lines_of_modbus_detailed() {
    let dir = tempfile::tempdir().unwrap();
    let (mut collector, log, cursors) = scene(dir.path(), "ossl");
    collector.start();
    let mut through = 0;
    for event in conversation() {
        let pending = log.journal.commit(2, event).unwrap();
        through = pending.sequence();
        pending.await.unwrap();
    }
    let running = start(
        SinkKind::SyslogZeek,
        &collector,
        collector.pki().sink(),
        &log,
        &cursors,
    );
    acknowledged(&running, through).await;
    running.stop().await;
    let lines = collector.latest();
    let sequences: Vec<u64> = lines.iter().map(|line| line.sequence).collect();
    assert_eq!(
        sequences,
        [2, 3, 4],
        "three commands, and no line of the rest"
    );
    for (line, (func, decision)) in lines.iter().zip([
        ("WRITE_SINGLE_REGISTER", "allow"),
        ("WRITE_SINGLE_REGISTER", "allow"),
        ("WRITE_SINGLE_COIL", "deny"),
    ]) {
        assert_eq!(line.json["func"], func);
        assert_eq!(line.json["interlock_decision"], decision);
        assert_eq!(line.json["id.orig_h"], "198.51.100.7");
        assert_eq!(line.json["id.resp_h"], "192.0.2.14");
    }
    assert_eq!(lines[1].json["response_values"], json!([250]));
}

/// A session with a command that is carried out and one that is denied.
fn conversation() -> Vec<Event> {
    let subject = || "spiffe://site/person/emil".to_owned();
    vec![
        Event::SessionOpened(SessionOpened {
            session: 9,
            subject: subject(),
            groups: vec![],
            peer: "198.51.100.7:40000".to_owned(),
            certificate: [0; 32],
            certificate_ends_ms: 0,
            device_key: None,
            device_protection: None,
            auth: None,
            auth_ms: None,
            authority: None,
        }),
        Event::Intent(Intent {
            session: 9,
            subject: subject(),
            transaction: 1,
            device: "press-4".to_owned(),
            unit: 1,
            pdu: vec![6, 0, 100, 0, 250],
            points: vec![],
            policies: vec![],
            policy: [0; 32],
            window: None,
        }),
        Event::Outcome(Outcome {
            intent: 2,
            result: CommandResult::Answered {
                pdu: vec![6, 0, 100, 0, 250],
            },
            latency_us: 900,
        }),
        Event::Denial(Denial {
            session: 9,
            subject: subject(),
            transaction: 2,
            device: "press-4".to_owned(),
            unit: 1,
            pdu: vec![5, 0, 1, 0xFF, 0],
            points: vec![],
            reason: "forbidden".to_owned(),
            detail: "a rule forbids it".to_owned(),
            policies: vec![],
            exception: Some(1),
        }),
        Event::SessionEnded(SessionEnded {
            session: 9,
            subject: subject(),
            reason: "done".to_owned(),
        }),
    ]
}

#[ignore = "needs rsyslogd"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_who_the_other_expects_gets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut collector, log, cursors) = scene(dir.path(), "ossl");
    collector.start();
    log.write(10, "secret").await;
    let strangers = Pki::new(&dir.path().join("strangers"));
    let good = collector.pki().sink();
    let cases = [
        // A collector of another name, one of another authority, and one that does not know us.
        SinkTls {
            server_name: "elsewhere".to_owned(),
            ..good.clone()
        },
        SinkTls {
            ca: strangers.file("ca.pem"),
            ..good.clone()
        },
        SinkTls {
            certificate: strangers.file("client.pem"),
            key: strangers.file("client.key"),
            ..good.clone()
        },
    ];
    for tls in cases {
        let running = start(SinkKind::SyslogOcsf, &collector, tls, &log, &cursors);
        let standing = stands(&mut running.standing(), "an error", |standing| {
            standing.error.is_some()
        })
        .await;
        assert_eq!(standing.acknowledged, 0);
        running.stop().await;
        assert_eq!(collector.latest(), []);
    }
    // Tried last, so that it is known to listen.
    let running = start(SinkKind::SyslogOcsf, &collector, good, &log, &cursors);
    acknowledged(&running, 10).await;
    running.stop().await;
    for line in log.lines(10) {
        Record::decode(&line.bytes).unwrap();
    }
    assert_holds(&collector, &log, 10);
}
