//! The memory of a simulated PLC: the registers and bits it has, and nothing in between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use interlock_protocols::modbus::Table;

/// What a PLC holds. Bits are words of 0 or 1.
#[derive(Debug, Default)]
pub(super) struct Memory {
    words: BTreeMap<(u8, u16), u16>,
    /// Commands that asked for a change, whatever became of them.
    writes: usize,
    /// Says yes to every write and does nothing: a fault for tests, and met in real plants.
    deaf: bool,
}

/// The memory, as the PLC's own program, its Modbus server and the tour see it.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared(Arc<Mutex<Memory>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Makes the PLC confirm writes and ignore them.
    #[cfg(test)]
    pub(super) fn turn_deaf(&mut self) {
        self.deaf = true;
    }

    /// How many commands have asked for a change.
    pub(super) fn writes(&self) -> usize {
        self.writes
    }

    /// One word or bit; `None` where the PLC has none.
    pub(super) fn word(&self, table: Table, address: u16) -> Option<u16> {
        self.words.get(&(table.modicon_digit(), address)).copied()
    }

    /// As the PLC's own program sets it: makes the place if there is none.
    pub(super) fn put(&mut self, table: Table, address: u16, word: u16) {
        self.words.insert((table.modicon_digit(), address), word);
    }

    /// A float in two registers, low word first.
    pub(super) fn put_float(&mut self, table: Table, address: u16, value: f32) {
        let [a, b, c, d] = value.to_be_bytes();
        self.put(table, address, u16::from_be_bytes([c, d]));
        self.put(table, address.saturating_add(1), u16::from_be_bytes([a, b]));
    }

    /// The float that [`Memory::put_float`] puts.
    pub(super) fn float(&self, table: Table, address: u16) -> Option<f32> {
        let [c, d] = self.word(table, address)?.to_be_bytes();
        let [a, b] = self.word(table, address.checked_add(1)?)?.to_be_bytes();
        Some(f32::from_be_bytes([a, b, c, d]))
    }

    /// Words side by side; `None` where one of them is missing.
    pub(super) fn read(&self, table: Table, first: u16, count: u16) -> Option<Vec<u16>> {
        (0..count)
            .map(|offset| self.word(table, first.checked_add(offset)?))
            .collect()
    }

    /// What a Modbus command writes; `None`, and no change, where a place is missing.
    pub(super) fn write(&mut self, table: Table, first: u16, words: &[u16]) -> Option<()> {
        self.writes += 1;
        let count = u16::try_from(words.len()).ok()?;
        self.read(table, first, count)?;
        if !self.deaf {
            for (address, word) in (first..).zip(words) {
                self.put(table, address, *word);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLDING: Table = Table::HoldingRegisters;

    #[test]
    fn a_float_lies_low_word_first() {
        let mut memory = Memory::default();
        memory.put_float(HOLDING, 4, 123_456.0);
        assert_eq!(memory.read(HOLDING, 4, 2), Some(vec![0x2000, 0x47F1]));
        assert_eq!(memory.float(HOLDING, 4), Some(123_456.0));
        assert_eq!(memory.float(HOLDING, 5), None);
    }

    #[test]
    fn a_write_past_what_there_is_changes_nothing() {
        let mut memory = Memory::default();
        memory.put(HOLDING, 0, 1);
        assert_eq!(memory.write(HOLDING, 0, &[2, 3]), None);
        assert_eq!(memory.word(HOLDING, 0), Some(1));
        assert_eq!(memory.write(HOLDING, 0, &[2]), Some(()));
        assert_eq!(memory.word(HOLDING, 0), Some(2));
        assert_eq!(memory.writes(), 2);
    }

    #[test]
    fn a_deaf_plc_confirms_and_keeps_its_value() {
        let mut memory = Memory::default();
        memory.put(HOLDING, 0, 1);
        memory.turn_deaf();
        assert_eq!(memory.write(HOLDING, 0, &[2]), Some(()));
        assert_eq!(memory.word(HOLDING, 0), Some(1));
    }
}
