//! What the PLC saw, one line each, written before the PLC acts on it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

/// Something that happened at the PLC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection was taken.
    Connect,
    /// A connection was closed again at once: more than the PLC holds.
    Refused,
    /// Bytes as one read of the socket gave them.
    Received(Vec<u8>),
    /// One whole and well-formed request with its header.
    Request(Vec<u8>),
    /// Something that a correct sender never sends, and why.
    Malformed(Vec<u8>, String),
    /// The misbehaviour that the next answer is put through.
    Fault(String),
    /// Bytes of an answer.
    Sent(Vec<u8>),
    /// The connection ended, and how.
    Disconnect(String),
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, in microseconds since 1970. All processes of a test share this clock.
    pub time_us: u128,
    /// Which connection, counted from 1 in each run of the PLC.
    pub connection: u64,
    /// What.
    pub event: Event,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, bytes, words): (_, &[u8], &str) = match &self.event {
            Event::Connect => ("connect", &[], ""),
            Event::Refused => ("refused", &[], ""),
            Event::Received(bytes) => ("received", bytes, ""),
            Event::Request(bytes) => ("request", bytes, ""),
            Event::Malformed(bytes, why) => ("malformed", bytes, why),
            Event::Fault(name) => ("fault", &[], name),
            Event::Sent(bytes) => ("sent", bytes, ""),
            Event::Disconnect(how) => ("disconnect", &[], how),
        };
        let hex = Hex(bytes);
        let (time_us, connection) = (self.time_us, self.connection);
        write!(f, "{time_us} {connection} {kind} [{hex}] {words}")
    }
}

impl Entry {
    /// Reads a line back; `None` for a line that is something else.
    pub fn parse(line: &str) -> Option<Entry> {
        let mut parts = line.splitn(5, ' ');
        let time_us = parts.next()?.parse().ok()?;
        let connection = parts.next()?.parse().ok()?;
        let kind = parts.next()?;
        let bytes = bytes(parts.next()?.strip_prefix('[')?.strip_suffix(']')?)?;
        let words = parts.next()?.to_owned();
        let event = match kind {
            "connect" => Event::Connect,
            "refused" => Event::Refused,
            "received" => Event::Received(bytes),
            "request" => Event::Request(bytes),
            "malformed" => Event::Malformed(bytes, words),
            "fault" => Event::Fault(words),
            "sent" => Event::Sent(bytes),
            "disconnect" => Event::Disconnect(words),
            _ => return None,
        };
        Some(Entry {
            time_us,
            connection,
            event,
        })
    }
}

/// Bytes in hexadecimal, two digits each.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The bytes that a hexadecimal text stands for; `None` if it is none.
pub fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|p| p.len() == 2)?, 16).ok()
        })
        .collect()
}

/// The open log. A line is one write, so that a reader never sees half of one, and a killed PLC
/// has lost none of what it acted on.
pub struct Log {
    file: Mutex<File>,
}

impl Log {
    /// Goes on where an earlier run of the PLC stopped.
    pub fn append(path: &Path) -> io::Result<Log> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Log {
            file: Mutex::new(file),
        })
    }

    /// Writes an entry to the file, then to standard output. A PLC that cannot write its log
    /// must not go on: a test would take silence for innocence.
    pub fn write(&self, connection: u64, event: Event) {
        let mut file = self.file.lock().expect("nobody panics while writing");
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let entry = Entry {
            time_us: now.expect("the clock is past 1970").as_micros(),
            connection,
            event,
        };
        let line = format!("{entry}\n");
        file.write_all(line.as_bytes())
            .expect("the log can be written");
        super::say(line.trim_end_matches('\n'));
    }
}

#[test]
fn an_entry_reads_back_as_it_was() {
    let events = [
        Event::Connect,
        Event::Refused,
        Event::Received(vec![0, 255, 16]),
        Event::Request(vec![1]),
        Event::Malformed(vec![], "length 1, not 2..254".to_owned()),
        Event::Fault("late 5".to_owned()),
        Event::Sent(vec![7; 300]),
        Event::Disconnect("closed by the other side".to_owned()),
    ];
    for event in events {
        let entry = Entry {
            time_us: 12,
            connection: 3,
            event,
        };
        assert_eq!(Entry::parse(&entry.to_string()), Some(entry));
    }
    assert_eq!(Entry::parse("listening 127.0.0.1:1"), None);
    assert_eq!(bytes("0"), None);
}
