//! What is kept under a key.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::{Broken, Place, bits};
use crate::limits::VIEW_VALUE_MAX_BYTES;

/// Earliest and latest time of the records of a block, in ms.
pub(super) type Bounds = (i64, i64);

/// A value in the form in which it is worked on.
pub(super) trait Value: Default {
    fn encode(&self) -> Vec<u8>;
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// Sequences of one chunk.
pub(super) type Bitmap = RoaringBitmap;

impl Value for Bitmap {
    fn encode(&self) -> Vec<u8> {
        let mut compact = self.clone();
        compact.optimize();
        let mut bytes = Vec::with_capacity(compact.serialized_size());
        // Writing to a Vec never fails; a value cut short would fail its tally.
        let _ = compact.serialize_into(&mut bytes);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Bitmap> {
        RoaringBitmap::deserialize_from(bytes).ok()
    }
}

/// Of each block of a chunk.
pub(super) type Times = BTreeMap<u8, Bounds>;

impl Value for Times {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len() * 17);
        for (block, (earliest, latest)) in self {
            bytes.push(*block);
            bytes.extend_from_slice(&earliest.to_be_bytes());
            bytes.extend_from_slice(&latest.to_be_bytes());
        }
        bytes
    }

    fn decode(mut bytes: &[u8]) -> Option<Times> {
        let mut times = Times::new();
        while !bytes.is_empty() {
            let [block] = bits::bytes(&mut bytes)?;
            let earliest = i64::from_be_bytes(bits::bytes(&mut bytes)?);
            let latest = i64::from_be_bytes(bits::bytes(&mut bytes)?);
            times.insert(block, (earliest, latest));
        }
        Some(times)
    }
}

/// Of the records of a block.
pub(super) type Places = BTreeMap<u8, Place>;

impl Value for Places {
    /// Each as its distance from the one before. Distances wrap, so that no order is relied on.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len() * 4);
        let (mut segment, mut byte) = (0_u64, 0_u64);
        for (record, place) in self {
            bytes.push(*record);
            let further = place.0.wrapping_sub(segment);
            bits::put(&mut bytes, further);
            let base = if further == 0 { byte } else { 0 };
            bits::put(&mut bytes, place.1.wrapping_sub(base));
            (segment, byte) = *place;
        }
        bytes
    }

    fn decode(mut bytes: &[u8]) -> Option<Places> {
        let mut places = Places::new();
        let (mut segment, mut byte) = (0_u64, 0_u64);
        while !bytes.is_empty() {
            let [record] = bits::bytes(&mut bytes)?;
            let further = bits::take(&mut bytes)?;
            let base = if further == 0 { byte } else { 0 };
            segment = segment.wrapping_add(further);
            byte = base.wrapping_add(bits::take(&mut bytes)?);
            places.insert(record, (segment, byte));
        }
        Some(places)
    }
}

/// Of the intents of a block: the sequence of each one's outcome.
#[derive(Clone, Default, Debug)]
pub(super) struct Outcomes(pub(super) BTreeMap<u8, u64>);

impl Value for Outcomes {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (intent, outcome) in &self.0 {
            bytes.push(*intent);
            bits::put(&mut bytes, *outcome);
        }
        bytes
    }

    fn decode(mut bytes: &[u8]) -> Option<Outcomes> {
        let mut outcomes = Outcomes::default();
        while !bytes.is_empty() {
            let [intent] = bits::bytes(&mut bytes)?;
            outcomes.0.insert(intent, bits::take(&mut bytes)?);
        }
        Some(outcomes)
    }
}

/// A sequence.
impl Value for u64 {
    fn encode(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<u64> {
        Some(u64::from_be_bytes(bytes.try_into().ok()?))
    }
}

/// Any of them.
#[derive(Clone, Debug)]
pub(super) enum Any {
    Bitmap(Bitmap),
    Times(Times),
    Places(Places),
    Outcomes(Outcomes),
    Number(u64),
    /// Removed.
    Gone,
}

impl Any {
    pub(super) fn encode(&self) -> Result<Option<Vec<u8>>, Broken> {
        let bytes = match self {
            Any::Bitmap(it) => it.encode(),
            Any::Times(it) => it.encode(),
            Any::Places(it) => it.encode(),
            Any::Outcomes(it) => it.encode(),
            Any::Number(it) => it.encode(),
            Any::Gone => return Ok(None),
        };
        if bytes.len() > VIEW_VALUE_MAX_BYTES {
            let why = format!("a value of {} bytes came about", bytes.len());
            return Err(Broken::Damaged(why));
        }
        Ok(Some(bytes))
    }
}

/// Ties each kind of value to its place in [`Any`].
pub(super) trait Kept: Value + Clone {
    fn wrap(self) -> Any;
    fn of(any: &Any) -> Option<&Self>;
    fn of_mut(any: &mut Any) -> Option<&mut Self>;
}

macro_rules! kept {
    ($($name:ident: $kind:ty),*) => {$(
        impl Kept for $kind {
            fn wrap(self) -> Any {
                Any::$name(self)
            }

            fn of(any: &Any) -> Option<&$kind> {
                match any {
                    Any::$name(it) => Some(it),
                    _ => None,
                }
            }

            fn of_mut(any: &mut Any) -> Option<&mut $kind> {
                match any {
                    Any::$name(it) => Some(it),
                    _ => None,
                }
            }
        }
    )*};
}

kept!(Bitmap: Bitmap, Times: Times, Places: Places, Outcomes: Outcomes, Number: u64);
