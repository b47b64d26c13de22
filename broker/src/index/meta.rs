//! What an index says of itself.

use std::collections::BTreeMap;

use super::{Broken, bits, leaf_hash};

/// Goes up with every change of keys or values; another one is built again.
pub(super) const SCHEMA: u64 = 1;

/// How far the index goes, and what all of it must add up to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Meta {
    /// The last sequence that is in it.
    pub(super) applied: u64,
    /// The first sequence that is in it; those before it were removed.
    pub(super) first: u64,
    /// Sequence of the last acceptance of a journal that was behind; 0 if there was none.
    pub(super) accepted: u64,
    /// Entries, this one and the tip apart.
    pub(super) entries: u64,
    /// Sum of the checksums of those entries. Whatever is lost, stale or changed after a power
    /// cut, though every page of it be whole, shows here.
    pub(super) tally: u64,
}

impl Default for Meta {
    fn default() -> Meta {
        Meta {
            applied: 0,
            first: 1,
            accepted: 0,
            entries: 0,
            tally: 0,
        }
    }
}

impl Meta {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let fields = [
            SCHEMA,
            self.applied,
            self.first,
            self.accepted,
            self.entries,
            self.tally,
        ];
        for field in fields {
            bits::put(&mut bytes, field);
        }
        sealed(bytes)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Meta, Broken> {
        let broken = || Broken::damaged("what it says of itself is unreadable");
        let mut bytes = unsealed(bytes).ok_or_else(broken)?;
        let mut next = || bits::take(&mut bytes).ok_or_else(broken);
        let found = next()?;
        if found != SCHEMA {
            return Err(Broken::Schema {
                found,
                wanted: SCHEMA,
            });
        }
        Ok(Meta {
            applied: next()?,
            first: next()?,
            accepted: next()?,
            entries: next()?,
            tally: next()?,
        })
    }
}

/// The last record that was ever seen, which may be behind what is applied, and how far sinks
/// are. Written often, since it is small.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Tip {
    pub(super) through: u64,
    pub(super) leaf: [u8; 32],
    pub(super) cursors: BTreeMap<String, u64>,
}

impl Tip {
    /// The last sequence seen; 0 before the first.
    pub fn through(&self) -> u64 {
        self.through
    }

    /// The last sequence that this sink has acknowledged, as far as it was noted.
    pub fn cursor(&self, sink: &str) -> Option<u64> {
        self.cursors.get(sink).copied()
    }

    /// Whether the record of the last sequence seen is this one.
    pub fn knows(&self, record: &[u8]) -> bool {
        leaf_hash(record) == self.leaf
    }

    pub(super) fn saw(&mut self, sequence: u64, record: &[u8]) {
        self.through = sequence;
        self.leaf = leaf_hash(record);
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.leaf.to_vec();
        bits::put(&mut bytes, self.through);
        for (sink, through) in &self.cursors {
            bits::put(&mut bytes, sink.len() as u64);
            bytes.extend_from_slice(sink.as_bytes());
            bits::put(&mut bytes, *through);
        }
        sealed(bytes)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Tip, Broken> {
        let read = || -> Option<Tip> {
            let mut bytes = unsealed(bytes)?;
            let mut tip = Tip {
                leaf: bits::bytes(&mut bytes)?,
                through: bits::take(&mut bytes)?,
                cursors: BTreeMap::new(),
            };
            while !bytes.is_empty() {
                let length = usize::try_from(bits::take(&mut bytes)?).ok()?;
                let (sink, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                let sink = String::from_utf8(sink.to_vec()).ok()?;
                tip.cursors.insert(sink, bits::take(&mut bytes)?);
            }
            Some(tip)
        };
        read().ok_or_else(|| Broken::damaged("what it has seen last is unreadable"))
    }
}

/// The checksum of one entry, as it goes into the tally.
pub(super) fn weight(key: &[u8], value: &[u8]) -> u64 {
    u64::from(crc32c::crc32c_append(crc32c::crc32c(key), value))
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let seal = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&seal.to_be_bytes());
    bytes
}

fn unsealed(bytes: &[u8]) -> Option<&[u8]> {
    let (bytes, seal) = bytes.split_last_chunk()?;
    (crc32c::crc32c(bytes) == u32::from_be_bytes(*seal)).then_some(bytes)
}
