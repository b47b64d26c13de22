//! Runs the system as processes on ephemeral ports and waits for what they do, never for time to
//! pass: every wait names what it waits for, has an end, and shows what was seen instead.

mod bench;
mod client;
mod gateway;
mod modbus;
mod pass;
mod peers;
mod plc;
mod process;
mod relay;
mod rig;
mod site;
mod works;

pub use bench::{Bench, Records, has_effect};
pub use client::{Connected, Ended};
pub use gateway::{Gateway, own_address};
pub use modbus::{Fate, Modbus, adu};
pub use pass::Pass;
pub use peers::{free_address, peer};
pub use plc::{Plc, Seen};
pub use process::{Process, binary};
pub use relay::Relay;
pub use rig::{End, Rig};
pub use site::Site;
pub use works::{
    ADAM, AIDA, ARNO, BEA, HANA, NILS, OLGA, OTTO, PRESS, RITA, VERA, VICTOR, VITO, Works,
    days_ago, hours_ago, moment, number,
};

use std::time::Duration;

/// How long a process gets for what it does at once on an idle machine. Two cores that also
/// compile are slow; a failing test may be slow as well, a passing one never waits for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long a test listens to be sure that nothing comes. Long enough for a loopback answer that
/// should not have been sent, short enough to be paid in every such test.
pub const SILENCE: Duration = Duration::from_millis(300);
