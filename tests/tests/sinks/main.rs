//! Store and forward against servers that nobody here wrote, while those are killed and the
//! network is cut. They are installed by `tests/peers/install`, so a plain `cargo test` leaves
//! these tests out and says so; `.ci/run` runs them.
//!
//! The long form, with the 100,000 records that the product promises:
//!
//! ```text
//! INTERLOCK_SINK_RECORDS=100000 cargo test -p interlock-tests --test sinks -- --ignored
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod behind;
mod jetstream;
mod log;
mod nats;
mod pki;
mod rsyslog;
mod rsyslogd;
mod wan;

/// Records that a long drain takes.
fn records() -> u64 {
    let asked = std::env::var("INTERLOCK_SINK_RECORDS").ok();
    asked.map_or(20_000, |asked| {
        asked.parse().expect("INTERLOCK_SINK_RECORDS is a number")
    })
}

/// Waits until the standing of a sink is as wanted.
async fn stands(
    standing: &mut tokio::sync::watch::Receiver<interlock_edge::sink::SinkStanding>,
    what: &str,
    wanted: impl Fn(&interlock_edge::sink::SinkStanding) -> bool,
) -> interlock_edge::sink::SinkStanding {
    // A drain of many records on a machine that also compiles.
    let patience = 8 * interlock_tests::harness::PATIENCE;
    let waited = tokio::time::timeout(patience, standing.wait_for(|standing| wanted(standing)));
    if let Ok(found) = waited.await {
        return found.expect("the sink runs").clone();
    }
    panic!(
        "not within {patience:?}: {what}; it stands {:?}",
        *standing.borrow()
    )
}
