//! Orders that a test gives the PLC, on its command line or its standard input:
//!
//! ```text
//! set TABLE ADDRESS VALUE...     holding, input, coils or discrete
//! get TABLE ADDRESS COUNT        answered by `ok get ... = VALUE...`
//! accept COUNT                   connections held at once; the next are closed as they come
//! FAULT [ARGUMENT] [COUNT|always]
//! normal                         forgets all faults
//! ```

use super::fault::Script;
use super::memory::{Memory, Table};
use std::sync::{Mutex, MutexGuard};

/// What orders change about how the PLC behaves.
pub struct Behaviour {
    /// Faults to come.
    pub script: Script,
    /// Connections held at once.
    pub accept: usize,
}

impl Default for Behaviour {
    fn default() -> Behaviour {
        Behaviour {
            script: Script::default(),
            accept: usize::MAX,
        }
    }
}

/// Locks what a panicking thread cannot have left half done: every order is checked before it
/// changes anything.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Carries out one order; what it gives is appended to its acknowledgement.
pub fn carry_out(
    memory: &Mutex<Memory>,
    behaviour: &Mutex<Behaviour>,
    line: &str,
) -> Result<String, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["set", table, address, ref values @ ..] if !values.is_empty() => {
            let values: Vec<u16> = values.iter().map(|v| number(v)).collect::<Result<_, _>>()?;
            let table = named(table)?;
            let written = lock(memory).write(table, number(address)?, &values);
            written
                .map(|()| String::new())
                .ok_or("past the end of the table".to_owned())
        }
        ["get", table, address, count] => {
            let (table, count) = (named(table)?, usize::from(number(count)?));
            let mut memory = lock(memory);
            let values = memory
                .read(table, number(address)?, count)
                .ok_or("past the end of the table")?;
            Ok(values
                .iter()
                .fold(" =".to_owned(), |line, value| format!("{line} {value}")))
        }
        ["accept", count] => {
            lock(behaviour).accept = usize::from(number(count)?);
            Ok(String::new())
        }
        ["normal"] => {
            lock(behaviour).script.clear();
            Ok(String::new())
        }
        _ => lock(behaviour).script.add(&words).map(|()| String::new()),
    }
}

fn number(word: &str) -> Result<u16, String> {
    word.parse().map_err(|_| format!("{word} is not 0..65535"))
}

fn named(table: &str) -> Result<Table, String> {
    Table::from_name(table).ok_or(format!("{table} is no table"))
}
