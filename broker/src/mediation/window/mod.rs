//! Maintenance windows where commands are decided, counted and sent.
//!
//! Whether a window opens anything is said by the signatures under its grant. Here it is found for a
//! command, told to policy, counted, and held open for as long as one non-blocking write takes (I7).
//! It is a fact that rules ask for and gives nothing by itself.

mod board;
mod counting;
mod gate;
mod holding;
mod ruling;
mod shut;
mod taking;
#[cfg(test)]
mod tests;
mod warning;

pub(super) use board::Board;
pub(super) use gate::Pane;
pub use holding::Holding;
pub(super) use holding::Under;
pub(super) use ruling::Windows;
pub use shut::{NotInForce, Shut};
pub(super) use warning::Told;
