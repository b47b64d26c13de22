//! A client and a PLC that talk through the broker without a socket: the walk of a command, and
//! each invariant attacked once. The plant and the policy are the sample site's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod acceptance;
mod aftermath;
mod approvals;
mod arrival;
mod before;
mod break_glass;
mod doubt;
mod enrolment;
mod invariants;
mod records;
mod restraints;
mod statements;
mod times;

mod windows;
mod world;
