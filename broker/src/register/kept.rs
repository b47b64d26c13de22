//! The whole register in records, so that those it was made from may be removed.

use interlock_protocols::record::{Event, Malformed, RegisterEntry, RegisterKept};

use super::Register;
use crate::limits::REGISTER_PART_BYTES;

impl Register {
    /// Records of all that it knows.
    pub fn to_records(&self) -> Vec<Event> {
        let parts = self.to_parts();
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let part = |(part, entries)| {
            Event::RegisterKept(RegisterKept {
                part,
                parts: count,
                through: self.through,
                entries,
            })
        };
        (0..).zip(parts).map(part).collect()
    }

    /// All that it knows, in parts that fit a record each.
    pub(super) fn to_parts(&self) -> Vec<Vec<u8>> {
        let identities = self.identities.entries();
        let entries = identities
            .chain(self.restraints.entries())
            .chain(self.trust.entries())
            .chain(self.windows.entries());
        RegisterEntry::parts(entries, REGISTER_PART_BYTES)
    }

    /// The register of these parts.
    pub(super) fn of_parts<'p>(
        through: u64,
        parts: impl IntoIterator<Item = &'p [u8]>,
    ) -> Result<Register, Malformed> {
        let mut register = Register {
            through,
            ..Register::default()
        };
        for part in parts {
            for entry in RegisterEntry::read(part)? {
                match entry {
                    RegisterEntry::Restriction(restriction) => {
                        register.restraints.take(restriction);
                    }
                    RegisterEntry::Taken(taken) => register.trust.take(&taken),
                    RegisterEntry::Window(window) => register.windows.take(window),
                    RegisterEntry::BreakGlass(glass) => register.windows.take_glass(glass),
                    other => register.identities.take(other),
                }
            }
        }
        Ok(register)
    }
}

/// Parts as they are read, until one register is whole.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Parts {
    through: u64,
    count: u32,
    /// Sequence of the first part.
    first: u64,
    parts: Vec<Vec<u8>>,
}

impl Parts {
    /// Takes one part. Gives the register with the sequence of its first part once all parts came
    /// in order; what came of another one that was never ended is thrown away.
    pub fn take(
        &mut self,
        sequence: u64,
        kept: RegisterKept,
    ) -> Result<Option<(u64, Register)>, Malformed> {
        if kept.part == 0 {
            *self = Parts {
                through: kept.through,
                count: kept.parts,
                first: sequence,
                parts: Vec::new(),
            };
        }
        let fits = (kept.through, kept.parts) == (self.through, self.count)
            && usize::try_from(kept.part) == Ok(self.parts.len());
        if !fits {
            *self = Parts::default();
            return Ok(None);
        }
        self.parts.push(kept.entries);
        if u32::try_from(self.parts.len()) != Ok(self.count) {
            return Ok(None);
        }
        let whole = std::mem::take(self);
        let parts = whole.parts.iter().map(Vec::as_slice);
        Ok(Some((
            whole.first,
            Register::of_parts(whole.through, parts)?,
        )))
    }
}
