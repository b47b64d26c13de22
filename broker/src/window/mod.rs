//! Maintenance windows: asked for, approved by others, ended, and what makes one count.
//!
//! What a window opens is said by its grant alone, and whether the grant counts by the signatures
//! under it: see [`Valid`]. The register only remembers.

mod valid;

pub use valid::{Invalid, Reliance, Valid};
