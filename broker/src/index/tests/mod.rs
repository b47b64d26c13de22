//! The index against a plain scan, over records of all sorts.

mod asking;
mod building;
mod properties;

use std::cell::Cell;
use std::collections::BTreeMap;

use interlock_protocols::conduit::{Decided, JournalQuery};
use interlock_protocols::record::{
    CommandResult, Denial, DenialSummary, EdgeStarted, Event, Intent, Outcome, PointValue,
    ReadSummary, Record, RecordsRemoved, SessionEnded, SessionOpened, SinkProgress,
};

use super::*;
use crate::journal::Line;

/// A shelf in memory, which counts what is read from it.
#[derive(Default)]
struct Board {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    reads: Cell<usize>,
}

impl Shelf for Board {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
        self.reads.set(self.reads.get() + 1);
        Ok(self.entries.get(key).cloned())
    }

    fn keys(&self, prefix: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Broken> {
        let keys = self.entries.range(prefix.to_vec()..).map(|(key, _)| key);
        let keys = keys.take_while(|key| key.starts_with(prefix)).take(most);
        Ok(keys.cloned().collect())
    }

    fn each(&self, take: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Broken> {
        for (key, value) in &self.entries {
            take(key, value);
        }
        Ok(())
    }
}

impl Board {
    fn write(&mut self, index: &mut Index) {
        for (key, value) in index.changes(self).unwrap() {
            match value {
                Some(value) => self.entries.insert(key, value),
                None => self.entries.remove(&key),
            };
        }
        assert!(index.is_clean());
    }

    fn load(&self) -> Result<Index, Broken> {
        Index::load(self, &mut |_, _| {})
    }
}

fn line(record: &Record) -> Line {
    let sequence = record.sequence;
    Line {
        sequence,
        kind: record.event.kind(),
        time_ms: record.time_ms,
        place: place(sequence),
        bytes: record.encode(),
    }
}

/// Where a test's record stands.
fn place(sequence: u64) -> Place {
    (sequence / 100 + 1, 512 + sequence % 100 * 300)
}

fn record(sequence: u64, time_ms: i64, event: Event) -> Record {
    Record {
        sequence,
        time_ms,
        event,
    }
}

fn point(name: &str) -> PointValue {
    PointValue {
        name: name.into(),
        value: Some(1.0),
        unit: "rpm".into(),
        before: None,
        before_age_ms: None,
    }
}

fn intent(session: u64, who: &str, device: &str, function: u8, points: &[&str]) -> Event {
    Event::Intent(Intent {
        session,
        subject: format!("spiffe://site/{who}"),
        transaction: 1,
        device: device.into(),
        unit: 1,
        pdu: vec![function, 0, 1, 0, 2],
        points: points.iter().map(|name| point(name)).collect(),
        policies: Vec::new(),
        policy: [0; 32],
        window: None,
    })
}

fn denial(session: u64, who: &str, device: &str, function: u8, points: &[&str]) -> Event {
    Event::Denial(Denial {
        session,
        subject: format!("spiffe://site/{who}"),
        transaction: 1,
        device: device.into(),
        unit: 1,
        pdu: vec![function, 0, 1, 0, 2],
        points: points.iter().map(|name| point(name)).collect(),
        reason: "policy".into(),
        detail: String::new(),
        policies: Vec::new(),
        exception: Some(1),
    })
}

fn outcome(intent: u64) -> Event {
    Event::Outcome(Outcome {
        intent,
        result: CommandResult::Exception { code: 4 },
        latency_us: 1,
    })
}

fn opened(session: u64, who: &str) -> Event {
    Event::SessionOpened(SessionOpened {
        session,
        subject: format!("spiffe://site/{who}"),
        groups: Vec::new(),
        peer: "192.0.2.7:5000".into(),
        certificate: [0; 32],
        certificate_ends_ms: 0,
        device_key: None,
        device_protection: None,
        auth: None,
        auth_ms: None,
        authority: None,
    })
}

fn ended(session: u64, who: &str) -> Event {
    Event::SessionEnded(SessionEnded {
        session,
        subject: format!("spiffe://site/{who}"),
        reason: "left".into(),
    })
}

fn started() -> Event {
    Event::EdgeStarted(EdgeStarted {
        gateway: "gw".into(),
        version: "1".into(),
    })
}

fn removed(first: u64, last: u64) -> Event {
    Event::RecordsRemoved(RecordsRemoved {
        first,
        last,
        why: "retention".into(),
    })
}

/// All that a search finds, judged as its asker must.
fn answers(index: &Index, board: &Board, query: &JournalQuery, records: &[Record]) -> Vec<Found> {
    let mut search = Search::new(query.clone(), u64::MAX);
    let mut found = Vec::new();
    while !search.is_over() {
        found.extend(index.search(board, &mut search, 7).unwrap());
    }
    let first = records.first().map_or(1, |record| record.sequence);
    found.retain(|found| {
        let at = usize::try_from(found.sequence - first).unwrap();
        matches(&records[at], query)
    });
    found
}

fn sequences(found: &[Found]) -> Vec<u64> {
    found.iter().map(|found| found.sequence).collect()
}
