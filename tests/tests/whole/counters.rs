//! What a collector of metrics sees of a gateway, in health and out of it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use interlock_tests::harness::{Bench, PATIENCE, own_address};

use crate::{work, write};

/// One request as any collector makes it, and the whole answer.
fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The value of a metric, of which there must be one.
fn metric(page: &str, name: &str) -> f64 {
    let mut found = page.lines().filter_map(|line| line.strip_prefix(name));
    let value = found
        .next()
        .unwrap_or_else(|| panic!("no {name} in\n{page}"));
    assert_eq!(found.next(), None, "{name}");
    value.trim().parse().unwrap()
}

#[test]
fn lag_and_health_are_told_to_whoever_collects() {
    let address = own_address();
    let mut fails = std::path::PathBuf::new();
    let mut bench = Bench::start_with(|gateway| {
        fails = gateway.beside("fails");
        gateway.run_by("held_edge");
        gateway.set("HELD_FAILS", fails.to_str().unwrap());
        gateway.append(
            "edge.toml",
            &format!("\n[metrics]\nlisten = \"{address}\"\n"),
        );
        // Nobody is there.
        let nobody = own_address();
        gateway.append(
            "edge.toml",
            &format!(
                "\n[[sink]]\nname = \"siem\"\nkind = \"syslog-ocsf\"\naddress = \"{nobody}\"\n\
                 ca = \"keys/issuer.pem\"\ncertificate = \"keys/server.pem\"\nkey = \"keys/server.key\"\n"
            ),
        );
    });
    work(&bench.gateway, [800, 810]);
    let answer = ask(address, "GET /metrics");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(metric(&answer, "interlock_journal_recording "), 1.0);
    assert_eq!(metric(&answer, "interlock_journal_held "), 0.0);
    let written = metric(&answer, "interlock_journal_records_total ");
    let lag = metric(
        &answer,
        "interlock_sink_lag_records{sink=\"siem\",kind=\"syslog-ocsf\"} ",
    );
    assert_eq!(lag, written, "nothing of it was forwarded");
    assert!(ask(address, "GET /").starts_with("HTTP/1.1 404 "));
    assert!(ask(address, "POST /metrics").starts_with("HTTP/1.1 405 "));

    File::create(&fails).unwrap();
    assert_ne!(write(&bench.gateway, 820).code, 0);
    assert_eq!(
        metric(
            &ask(address, "GET /metrics"),
            "interlock_journal_recording "
        ),
        0.0
    );
    std::fs::remove_file(&fails).unwrap();
    let end = Instant::now() + PATIENCE;
    while metric(
        &ask(address, "GET /metrics"),
        "interlock_journal_recording ",
    ) < 1.0
    {
        assert!(Instant::now() < end, "not well again");
    }
    bench.settle();
}
