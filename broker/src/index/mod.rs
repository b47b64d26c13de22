//! The search index over the journal, pure: what is kept of each record, and how a question is
//! answered from it. Where it is kept is somebody else's concern ([`Shelf`]).
//!
//! Sequences are cut into chunks of 65,536, and what a record can be found by (a term) has a
//! bitmap in each chunk. Answers are the intersection of bitmaps, and still every record found is
//! decoded and judged by [`matches()`]: the index may save work, but never decides.
//!
//! An outcome is no answer of its own. It says nothing of who and where; it is found with its
//! intent, and told with it.

mod bits;
mod draft;
mod key;
mod meta;
mod query;
mod search;
mod term;
#[cfg(test)]
mod tests;
mod value;

pub use draft::Index;
pub use meta::Tip;
pub use query::{matches, words};
pub use search::{Found, Search};
pub use term::{Facts, facts};

use aws_lc_rs::digest::{Context, SHA256};

/// Where a record stands: its segment, and the byte in it where its frame begins.
pub type Place = (u64, u64);

/// Why an index cannot be used. It holds nothing that the journal does not hold too, so the
/// answer is always the same: throw it away and build it again.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Broken {
    /// Built by another version of this program.
    #[error("the view of the journal has schema {found}, and this program uses {wanted}")]
    Schema {
        /// What it has.
        found: u64,
        /// What this program reads and writes.
        wanted: u64,
    },
    /// It does not hold what was put in.
    #[error("the view of the journal is damaged: {0}")]
    Damaged(String),
    /// The disk, or the library that keeps it there.
    #[error("the view of the journal cannot be read or written: {0}; see to the disk's space")]
    Storage(String),
    /// Another process has it. Nothing is wrong with it, and it must not be thrown away.
    #[error("the view of the journal is in use by another process; stop that one first")]
    InUse,
}

impl Broken {
    pub(crate) fn damaged(what: impl Into<String>) -> Broken {
        Broken::Damaged(what.into())
    }
}

/// Where an index is kept: keys and values in the order of keys.
pub trait Shelf {
    /// The value under `key`.
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Broken>;

    /// The first keys that begin with `prefix`, at most `most`.
    fn keys(&self, prefix: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Broken>;

    /// Hands over every key and its value.
    fn each(&self, take: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Broken>;
}

/// One key and what it is to hold; `None` removes it.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// The leaf hash of a record, by RFC 6962: what a journal is known by.
pub fn leaf_hash(record: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(record);
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
