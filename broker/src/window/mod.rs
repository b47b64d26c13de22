//! Maintenance windows: asked for, approved by others, ended, and what makes one count.
//!
//! What a window opens is said by its grant alone, and whether the grant counts by the signatures
//! under it: see [`Valid`]. The register only remembers.

mod act;
mod ask;
mod attend;
mod eligible;
mod range;
mod refused;
mod resolve;
mod rows;
mod steps;
#[cfg(test)]
mod tests;
mod valid;

pub use act::{Approval, Approved};
pub(crate) use attend::Attended;
pub use eligible::Ineligible;
pub use range::NoRange;
pub use refused::NotDone;
pub(crate) use resolve::Wanted;
pub use resolve::Wrong;
pub(crate) use steps::Steps;
pub use valid::{Invalid, Reliance, Valid};
