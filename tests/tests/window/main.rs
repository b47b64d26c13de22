//! Maintenance windows through real processes: who may open one, what passes under it, who watches,
//! how it ends, and what is left to read. What reached a device is judged by the log of the PLC, and
//! what was decided by the journal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod approving;
mod ended;
mod forged;
mod held;
mod life;
mod reviewed;
mod scope;
mod supervised;
mod times;
mod watcher;
mod writer;

use std::path::Path;

use interlock::failure::Failure;
use interlock::gateway::Gateway;
use interlock::profile::Profile;
use interlock_broker::root::ApproverKey;
use interlock_protocols::conduit::{Answer, Ask, WindowRow};
use interlock_protocols::grant::Grant;
use interlock_protocols::record::{Event, Record};
use interlock_tests::harness::{AIDA, Connected, Modbus, PRESS, Works};

/// Runs what a client of the conduit does that is not our program.
pub(crate) fn run<T>(doing: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(doing)
}

/// Asks the gateway itself: none of the checks of our own program are between.
pub(crate) fn ask(works: &Works, who: &str, ask: Ask) -> Result<String, Failure> {
    let profile = Profile::open(&works.gateway.issue(who)).unwrap();
    run(async {
        let mut gateway = Gateway::connect(&profile).await?;
        let answer = gateway.ask_for_word(ask).await;
        gateway.goodbye().await;
        answer
    })
}

/// A window as the gateway gives it to an auditor.
#[track_caller]
pub(crate) fn row(works: &Works, window: u64) -> WindowRow {
    let profile = Profile::open(&works.gateway.issue(AIDA)).unwrap();
    let parts = run(async {
        let mut gateway = Gateway::connect(&profile).await?;
        let parts = gateway.ask_for_parts(Ask::Window { window }).await;
        gateway.goodbye().await;
        parts
    });
    match parts
        .unwrap_or_else(|failure| panic!("{failure}"))
        .as_slice()
    {
        [Answer::Windows(rows)] if rows.len() == 1 => rows[0].clone(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn grant_key(file: &Path) -> ApproverKey {
    ApproverKey::parse(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// An approval of what the gateway says is to be signed, with the key in this file.
#[track_caller]
pub(crate) fn approval(works: &Works, window: u64, key: &Path) -> Ask {
    let (row, key) = (row(works, window), grant_key(key));
    let grant = Grant::read_unsigned(&row.grant).unwrap();
    Ask::ApproveWindow {
        window,
        key: key.public(),
        signature: key.sign(grant.body),
        comment: String::new(),
    }
}

/// Neither our program nor a client without its checks gets the window approved; the gateway's words
/// say why.
#[track_caller]
pub(crate) fn assert_not_approved_by(works: &Works, who: &str, window: u64, why: &str) {
    let before = approvals(works, window);
    let refused = works.approve(who, window);
    assert_ne!(refused.code, 0, "{refused}");
    let refused = ask(works, who, approval(works, window, &works.grant_key(who)));
    let refused = refused.expect_err("it was approved").to_string();
    assert!(refused.contains(why), "{why:?} is not said: {refused}");
    assert_eq!(approvals(works, window), before, "what is recorded");
}

/// Whether a device is offered to somebody who comes in now.
pub(crate) fn sees(works: &Works, who: &str, device: &str) -> bool {
    let devices = works.gateway.client(who, &["-o", "jsonl", "devices"]);
    devices.stdout.contains(&format!("\"{device}\""))
}

/// How many approvals of a window are recorded.
pub(crate) fn approvals(works: &Works, window: u64) -> usize {
    let of =
        |record: &Record| matches!(&record.event, Event::WindowApproved(it) if it.window == window);
    works
        .gateway
        .records()
        .iter()
        .filter(|record| of(record))
        .count()
}

/// The speed setpoint of the press, in tenths of a rpm, and what answers a write of it.
pub(crate) fn speed(tenths: u16) -> Vec<u8> {
    [&[6, 0, 100], &tenths.to_be_bytes()[..]].concat()
}

/// A tool of victor's that is connected to the press.
pub(crate) fn tool(victor: &Connected) -> Modbus {
    victor.modbus(PRESS)
}

/// A write passes: it is answered, and is the last that the PLC received.
#[track_caller]
pub(crate) fn assert_passes(works: &Works, tool: &mut Modbus, pdu: &[u8]) {
    assert_eq!(tool.ask(1, pdu), reply(pdu), "the answer to {pdu:02x?}");
    assert_eq!(works.written().last().map(Vec::as_slice), Some(pdu));
}

/// A write is answered with this exception, and the PLC received none.
#[track_caller]
pub(crate) fn assert_refused(works: &Works, tool: &mut Modbus, pdu: &[u8], code: u8) {
    let before = works.written();
    assert_eq!(
        tool.ask(1, pdu),
        [pdu[0] | 0x80, code],
        "the answer to {pdu:02x?}"
    );
    assert_eq!(works.written(), before, "what the PLC received");
}

/// What answers a write that was done: functions 15 and 16 tell how many, the others all.
fn reply(pdu: &[u8]) -> Vec<u8> {
    match pdu[0] {
        15 | 16 => pdu[..5].to_vec(),
        _ => pdu.to_vec(),
    }
}

/// Waits until the holder's program says all of this in one line.
#[track_caller]
pub(crate) fn told(connected: &mut Connected, words: &[&str]) {
    connected
        .process()
        .complaint(&format!("{words:?}"), |line| {
            words.iter().all(|word| line.contains(word)).then_some(())
        });
}
