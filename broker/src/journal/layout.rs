//! The bytes of a segment.
//!
//! One sector of head, then groups. A group begins on a sector boundary with a commit frame,
//! which states that all bytes before it are durable; records follow, then zeros up to the next
//! boundary. A frame is `kind | length | crc32c | sequence | payload`, numbers big-endian. The
//! kind comes first because it is never zero: one byte tells a frame from untouched space.
//!
//! The checksum is seeded with a random number of the segment. So neither old bytes of the disk
//! nor a frame that somebody wrote into a register value can pass for a frame of ours.

use interlock_protocols::limits::RECORD_MAX_BYTES;

use crate::limits::{JOURNAL_SECTOR_BYTES, TREE_MAX_RECORDS};

/// Bytes before the payload.
pub(super) const FRAME_HEAD_BYTES: usize = 17;
/// A whole commit frame.
pub(super) const COMMIT_BYTES: usize = FRAME_HEAD_BYTES + 16;

const MAGIC: &[u8; 16] = b"interlock jrnl 1";
const HEAD_PAYLOAD_BYTES: usize = 40;

/// What a frame holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Head = 1,
    Commit = 2,
    Record = 3,
}

#[derive(PartialEq, Eq, Debug)]
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    pub(super) sequence: u64,
    pub(super) payload: &'a [u8],
}

/// What stands at some place.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Found<'a> {
    /// Nothing was written here.
    Blank,
    Frame(Frame<'a>),
    Bad(&'static str),
}

/// The head of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub(super) number: u64,
    /// Size of the segment; a shorter file was cut.
    pub(super) bytes: u64,
    pub(super) salt: u64,
    /// Sequence of its first record.
    pub(super) first: u64,
    /// Durable end of the segment before: its number and the byte behind its last group.
    pub(super) before: (u64, u64),
}

/// The next sector boundary, or `offset` if it is one.
pub(super) fn align(offset: u64) -> u64 {
    offset.next_multiple_of(JOURNAL_SECTOR_BYTES)
}

/// Appends one frame.
pub(super) fn put(into: &mut Vec<u8>, salt: u64, kind: Kind, sequence: u64, payload: &[u8]) {
    // Callers bound a payload far below 4 GiB; a wrong length would fail its checksum.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    into.push(kind as u8);
    into.extend_from_slice(&length.to_be_bytes());
    into.extend_from_slice(&checksum(salt, kind as u8, length, sequence, payload).to_be_bytes());
    into.extend_from_slice(&sequence.to_be_bytes());
    into.extend_from_slice(payload);
}

/// Appends the commit frame that stands at `offset` of segment `number`.
pub(super) fn put_commit(into: &mut Vec<u8>, salt: u64, sequence: u64, durable: (u64, u64)) {
    put(into, salt, Kind::Commit, sequence, &pair(durable));
}

/// Appends zeros up to the next sector boundary.
pub(super) fn pad(into: &mut Vec<u8>) {
    let padded = usize::try_from(JOURNAL_SECTOR_BYTES)
        .map_or(into.len(), |sector| into.len().next_multiple_of(sector));
    into.resize(padded, 0);
}

/// How many bytes the frame that begins `bytes` has in all; `None` if they begin no frame.
pub(super) fn frame_bytes(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(field(bytes, 1)?);
    let length = usize::try_from(length).ok()?;
    (length <= RECORD_MAX_BYTES).then_some(length + FRAME_HEAD_BYTES)
}

/// Reads the frame that begins `bytes`.
pub(super) fn take(bytes: &[u8], salt: u64) -> Found<'_> {
    let kind = match bytes.first() {
        None | Some(0) => return Found::Blank,
        Some(1) => Kind::Head,
        Some(2) => Kind::Commit,
        Some(3) => Kind::Record,
        Some(_) => return Found::Bad("no frame begins here"),
    };
    let whole = || -> Option<(u32, u32, u64, &[u8])> {
        let payload = bytes.get(FRAME_HEAD_BYTES..frame_bytes(bytes)?)?;
        let length = u32::from_be_bytes(field(bytes, 1)?);
        let stated = u32::from_be_bytes(field(bytes, 5)?);
        let sequence = u64::from_be_bytes(field(bytes, 9)?);
        Some((length, stated, sequence, payload))
    };
    let Some((length, stated, sequence, payload)) = whole() else {
        return Found::Bad("the frame is cut short");
    };
    if checksum(salt, kind as u8, length, sequence, payload) != stated {
        return Found::Bad("the checksum does not match");
    }
    Found::Frame(Frame {
        kind,
        sequence,
        payload,
    })
}

/// Whether `frame` is the commit frame of this very place.
pub(super) fn is_commit_at(frame: &Frame<'_>, place: (u64, u64)) -> bool {
    frame.kind == Kind::Commit && frame.payload == pair(place)
}

/// The first sector of a segment.
pub(super) fn head_sector(head: &Head) -> Vec<u8> {
    let mut payload = Vec::with_capacity(HEAD_PAYLOAD_BYTES);
    for number in [head.number, head.bytes, head.salt] {
        payload.extend_from_slice(&number.to_be_bytes());
    }
    payload.extend_from_slice(&pair(head.before));
    let mut sector = MAGIC.to_vec();
    put(&mut sector, 0, Kind::Head, head.first, &payload);
    pad(&mut sector);
    sector
}

/// Reads the first sector of a segment; `None` if it is not one of this program's.
pub(super) fn read_head(sector: &[u8]) -> Option<Head> {
    let Found::Frame(frame) = take(sector.strip_prefix(MAGIC)?, 0) else {
        return None;
    };
    if frame.kind != Kind::Head || frame.payload.len() != HEAD_PAYLOAD_BYTES {
        return None;
    }
    let number = |at| Some(u64::from_be_bytes(field(frame.payload, at)?));
    let head = Head {
        number: number(0)?,
        bytes: number(8)?,
        salt: number(16)?,
        first: frame.sequence,
        before: (number(24)?, number(32)?),
    };
    // Far beyond any journal. Whoever reads one that somebody made up may count on from here.
    let counted = [head.number, head.first, head.bytes];
    (counted.iter().all(|most| *most <= TREE_MAX_RECORDS)).then_some(head)
}

fn checksum(salt: u64, kind: u8, length: u32, sequence: u64, payload: &[u8]) -> u32 {
    // In one piece: on short records the calls cost more than the bytes.
    let mut head = [0; 21];
    let (before, after) = head.split_at_mut(8);
    before.copy_from_slice(&salt.to_be_bytes());
    let rest = (u128::from(kind) << 96) | (u128::from(length) << 64) | u128::from(sequence);
    let [_, _, _, rest @ ..] = rest.to_be_bytes();
    after.copy_from_slice(&rest);
    crc32c::crc32c_append(crc32c::crc32c(&head), payload)
}

fn pair((first, second): (u64, u64)) -> [u8; 16] {
    ((u128::from(first) << 64) | u128::from(second)).to_be_bytes()
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
