//! How long somebody who revokes waits for the acknowledgement: a session of an administrator, the
//! edge as a process of its own on loopback, the journal on the disk of the target directory, the
//! links idle. Fails where the 99th of 100 takes 10 ms or more.
#![allow(missing_docs, reason = "a bench has no users but its reader")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints what it found"
)]

use std::time::{Duration, Instant};

use interlock::gateway::Gateway;
use interlock::profile::Profile;
use interlock_protocols::conduit::{Answer, Ask};
use interlock_protocols::record::{Measure, Scope};
use interlock_tests::harness::Bench;

const REVOCATIONS: usize = 1_000;
const MOST: Duration = Duration::from_millis(10);

async fn revoke(gateway: &mut Gateway) -> Duration {
    let ask = Ask::Restrict {
        measure: Measure::Revoke,
        scope: Scope::Subject("person/olga".into()),
        reason: "measured".into(),
    };
    let begun = Instant::now();
    let parts = gateway
        .ask_for_parts(ask)
        .await
        .unwrap_or_else(|why| panic!("{why}"));
    let taken = begun.elapsed();
    let durable = |part: &Answer| matches!(part, Answer::Restricted(part) if part.durable);
    assert!(parts.iter().all(durable));
    taken
}

fn main() {
    let bench = Bench::start();
    let profile = Profile::open(&bench.gateway.issue("person/adam")).expect("a profile");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut times = runtime.block_on(async {
        let mut gateway = Gateway::connect(&profile).await.expect("a session");
        let mut times = Vec::with_capacity(REVOCATIONS);
        for _ in 0..REVOCATIONS {
            times.push(revoke(&mut gateway).await);
        }
        gateway.goodbye().await;
        times
    });
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len() - 1));
    let [p50, p99, most] = [50, 99, 100].map(|percent| at(percent).copied().unwrap_or_default());
    println!("revoke sent to acknowledgement, {REVOCATIONS} times, links idle:");
    println!("  p50 {p50:?}  p99 {p99:?}  most {most:?}");
    assert!(p99 < MOST, "p99 is {p99:?}, and may be {MOST:?}");
}
