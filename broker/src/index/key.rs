//! Keys. Those of one chunk stand together, so that what is written often is near each other,
//! and what was removed from the journal goes in one sweep.

use super::term::Term;

/// Sequences that share one bitmap of each term: what one container of a bitmap holds.
pub(super) const CHUNK: u64 = 65_536;
/// Records that share one entry of places, outcomes and time bounds.
pub(super) const BLOCK: u64 = 256;

pub(crate) const META: &[u8] = b"m";
pub(crate) const TIP: &[u8] = b"k";

pub(super) const POSTINGS: u8 = b'p';
const TIMES: u8 = b't';
const PLACES: u8 = b'b';
const OUTCOMES: u8 = b'o';
const SESSION: u8 = b's';
pub(super) const LIVE: u8 = b'l';

/// The chunk that a sequence is in, and its place there.
pub(super) fn chunk_of(sequence: u64) -> (u64, u32) {
    let low = u32::try_from(sequence % CHUNK).unwrap_or_default();
    (sequence / CHUNK, low)
}

/// The block that a sequence is in, and its place there.
pub(super) fn block_of(sequence: u64) -> (u64, u8) {
    let low = u8::try_from(sequence % BLOCK).unwrap_or_default();
    (sequence / BLOCK, low)
}

pub(super) fn posting(chunk: u64, term: &Term) -> Vec<u8> {
    let mut key = postings(chunk);
    key.push(term.field as u8);
    key.extend_from_slice(&term.value);
    key
}

/// What all postings of a chunk begin with.
pub(super) fn postings(chunk: u64) -> Vec<u8> {
    numbered(POSTINGS, chunk)
}

pub(super) fn times(chunk: u64) -> Vec<u8> {
    numbered(TIMES, chunk)
}

pub(super) fn places(block: u64) -> Vec<u8> {
    numbered(PLACES, block)
}

pub(super) fn outcomes(block: u64) -> Vec<u8> {
    numbered(OUTCOMES, block)
}

pub(super) fn session(id: u64) -> Vec<u8> {
    numbered(SESSION, id)
}

/// What the keys of all sessions begin with.
pub(super) const SESSIONS: &[u8] = &[SESSION];

pub(super) fn live(id: u64) -> Vec<u8> {
    numbered(LIVE, id)
}

/// The number in a key that is a letter and a number.
pub(super) fn number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(1..)?.try_into().ok()?))
}

fn numbered(kind: u8, number: u64) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(&number.to_be_bytes());
    key
}
