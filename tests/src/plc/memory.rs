//! The four tables and the files of the PLC. Every address exists, so that an address error is
//! always the sender's.

use std::collections::BTreeMap;

/// A table of single bits or of registers, by the name that orders use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Table {
    /// Coils: 0xxxx.
    Coils,
    /// Discrete inputs: 1xxxx.
    Discrete,
    /// Input registers: 3xxxx.
    Input,
    /// Holding registers: 4xxxx.
    Holding,
}

impl Table {
    /// `coils`, `discrete`, `input` or `holding`.
    pub fn from_name(name: &str) -> Option<Table> {
        match name {
            "coils" => Some(Table::Coils),
            "discrete" => Some(Table::Discrete),
            "input" => Some(Table::Input),
            "holding" => Some(Table::Holding),
            _ => None,
        }
    }
}

/// All that the PLC remembers. A bit is a cell that holds 0 or 1.
pub struct Memory {
    coils: Vec<u16>,
    discrete: Vec<u16>,
    input: Vec<u16>,
    holding: Vec<u16>,
    /// (file, record) to value; what was never written reads 0.
    files: BTreeMap<(u16, u16), u16>,
}

const CELLS: usize = 65_536;

impl Default for Memory {
    fn default() -> Memory {
        Memory {
            coils: vec![0; CELLS],
            discrete: vec![0; CELLS],
            input: vec![0; CELLS],
            holding: vec![0; CELLS],
            files: BTreeMap::new(),
        }
    }
}

impl Memory {
    fn cells(&mut self, table: Table) -> &mut Vec<u16> {
        match table {
            Table::Coils => &mut self.coils,
            Table::Discrete => &mut self.discrete,
            Table::Input => &mut self.input,
            Table::Holding => &mut self.holding,
        }
    }

    /// The cells of a range; `None` if it runs over the end of the table.
    pub fn read(&mut self, table: Table, first: u16, count: usize) -> Option<&[u16]> {
        let first = usize::from(first);
        self.cells(table).get(first..first + count)
    }

    /// Sets a range; `None`, and nothing set, if it runs over the end of the table.
    pub fn write(&mut self, table: Table, first: u16, values: &[u16]) -> Option<()> {
        let first = usize::from(first);
        let cells = self.cells(table).get_mut(first..first + values.len())?;
        cells.copy_from_slice(values);
        Some(())
    }

    /// One record of a file.
    pub fn record(&self, file: u16, record: u16) -> u16 {
        self.files.get(&(file, record)).copied().unwrap_or(0)
    }

    /// Sets one record of a file.
    pub fn write_record(&mut self, file: u16, record: u16, value: u16) {
        self.files.insert((file, record), value);
    }
}
