use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use interlock_protocols::conduit::{JournalStatus, SinkStatus, WitnessStatus};

fn status() -> Status {
    Status {
        version: "0.1.0".into(),
        started_ms: 1_700_000_000_500,
        now_ms: 1_700_000_100_000,
        sessions: 2,
        journal: JournalStatus {
            first_sequence: 11,
            next_sequence: 1_001,
            used_bytes: 67_108_864,
            budget_bytes: 4_294_967_296,
            bytes_per_day: Some(86_400_000),
            days_left: Some(0.5),
            checkpoint_size: 990,
            checkpoint_ms: Some(1_700_000_090_000),
            epoch: 4,
            view_size: 1_000,
            ..JournalStatus::default()
        },
        sinks: vec![
            SinkStatus {
                name: "siem".into(),
                kind: "syslog-ocsf".into(),
                required: true,
                acknowledged: 900,
                lag_records: 100,
                acknowledged_ms: None,
                error: Some("refused".into()),
                error_ms: Some(1),
                missed_records: 7,
            },
            SinkStatus {
                name: "a\"b\\c\nd".into(),
                kind: "nats".into(),
                required: false,
                acknowledged: 1_000,
                lag_records: 0,
                acknowledged_ms: Some(1_700_000_000_000),
                error: None,
                error_ms: None,
                missed_records: 0,
            },
        ],
        witness: Some(WitnessStatus {
            url: "http://w".into(),
            cosigned_size: 980,
            cosigned_ms: Some(1_700_000_080_000),
            exposed_records: 20,
            error: None,
            error_ms: None,
        }),
        clock_doubt: None,
        plant_serial: None,
        approvers_serial: None,
        trust: Vec::new(),
    }
}

#[test]
fn the_text_is_this() {
    assert_eq!(render(&status()), include_str!("golden.txt"));
}

#[test]
fn every_line_is_of_the_format() {
    for line in render(&status()).lines() {
        if line.starts_with("# HELP interlock_") || line.starts_with("# TYPE interlock_") {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("interlock_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn trouble_is_a_number_that_an_alert_can_ask_for() {
    let mut status = status();
    status.journal.failure = Some("no space".into());
    status.journal.held = Some("cut".into());
    let text = render(&status);
    assert!(text.contains("\ninterlock_journal_recording 0\n"), "{text}");
    assert!(text.contains("\ninterlock_journal_held 1\n"), "{text}");
}

async fn said(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn only_reading_metrics_is_served() {
    let ask: Ask = Arc::new(status);
    let metrics = start("127.0.0.1:0".parse().unwrap(), ask).await.unwrap();
    let at = metrics.address();
    let good = said(at, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(good.starts_with("HTTP/1.1 200 OK\r\n"), "{good}");
    assert!(good.contains("text/plain; version=0.0.4"), "{good}");
    assert!(good.ends_with(&render(&status())), "{good}");
    let post = said(
        at,
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    assert!(post.starts_with("HTTP/1.1 405 "), "{post}");
    let other = said(at, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(other.starts_with("HTTP/1.1 404 "), "{other}");
    let endless = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let endless = said(at, &endless).await;
    assert!(endless.starts_with("HTTP/1.1 431 "), "{endless}");
}

#[tokio::test]
async fn one_who_holds_all_places_and_goes_leaves_them_free() {
    let metrics = start("127.0.0.1:0".parse().unwrap(), Arc::new(status))
        .await
        .unwrap();
    let at = metrics.address();
    let mut idle = Vec::new();
    for _ in 0..METRICS_READERS_MAX + 4 {
        idle.push(TcpStream::connect(at).await.unwrap());
    }
    drop(idle);
    let good = said(at, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(good.starts_with("HTTP/1.1 200 OK\r\n"), "{good}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_what_to_do() {
    let metrics = start("127.0.0.1:0".parse().unwrap(), Arc::new(status))
        .await
        .unwrap();
    let Err(error) = start(metrics.address(), Arc::new(status)).await else {
        panic!("one port served twice");
    };
    let error = error.to_string();
    assert!(error.contains("edge.toml"), "{error}");
}
