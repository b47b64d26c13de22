//! The witness: somebody on another machine who remembers the last checkpoint of each gateway, and
//! cosigns a newer one only with a proof that it holds all that the last one held (C2SP
//! `tlog-witness` and `tlog-cosignature`). A journal that was rolled back, forked or cut then finds
//! nobody who cosigns it.
//!
//! All of it is pure. Who serves it keeps what was seen on a disk, and what is signed is handed out
//! by [`Cosigned::stored`] alone, once it has been kept.

mod checkpoint;
mod judge;
mod key;
mod request;
mod small_log;
#[cfg(test)]
mod tests;

pub use checkpoint::{NotACheckpoint, Seen, SignedCheckpoint, is_consistent};
pub use judge::{Cosigned, Refused, Verdict, Witness};
pub use key::{CosignerKey, LogKey, NotAKey, WitnessKey};
pub use request::{AddCheckpoint, Malformed, to_body};
pub use small_log::SmallLog;
