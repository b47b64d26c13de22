//! Random lives of a journal against a model of what it may hold.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    Commit(usize),
    Intent,
    /// The outcome of the oldest open intent.
    Outcome,
    /// All that was committed is waited for.
    Wait,
    Close,
    /// The disk works again, from now on.
    Heal,
    /// The disk fails after so many calls, from now on.
    Fail(u64),
    /// Of what was not flushed, sectors stay by the bits of this number; then the next opening
    /// may itself be cut short after so many calls.
    PowerCut(u64, Option<u64>),
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop_oneof![0_usize..600, 20_000_usize..60_000];
    prop_oneof![
        4 => bytes.clone().prop_map(Step::Append),
        4 => bytes.prop_map(Step::Commit),
        2 => Just(Step::Intent),
        2 => Just(Step::Outcome),
        3 => Just(Step::Wait),
        1 => Just(Step::Close),
        1 => Just(Step::Heal),
        1 => (0_u64..12).prop_map(Step::Fail),
        2 => (any::<u64>(), proptest::option::of(0_u64..6))
            .prop_map(|(bits, calls)| Step::PowerCut(bits, calls)),
    ]
}

struct Life {
    memory: Memory,
    journal: Option<Journal>,
    pending: Vec<Pending>,
    /// Every event handed over, by sequence; what the journal adds is put in on opening.
    handed: BTreeMap<u64, Event>,
    /// Those whose wait ended with an error.
    refused: BTreeSet<u64>,
    /// Durable for sure: all through this one.
    acknowledged: u64,
    open: Vec<u64>,
    count: u32,
}

impl Life {
    fn begin() -> Life {
        let memory = Memory::new();
        let (journal, _) = open(&memory);
        Life {
            memory,
            journal: Some(journal),
            pending: Vec::new(),
            handed: BTreeMap::new(),
            refused: BTreeSet::new(),
            acknowledged: 0,
            open: Vec::new(),
            count: 0,
        }
    }

    fn event(&mut self, bytes: usize) -> Event {
        self.count += 1;
        note(&format!("event {}", self.count), bytes)
    }

    fn hand(&mut self, event: Event, waited: bool) -> Option<u64> {
        let journal = self.journal.as_ref()?;
        let sequence = if waited {
            let pending = journal.commit(1, event.clone());
            pending.map(|pending| {
                let sequence = pending.sequence();
                self.pending.push(pending);
                sequence
            })
        } else {
            journal.append(1, event.clone())
        };
        let sequence = sequence.ok()?;
        assert!(self.handed.insert(sequence, event).is_none());
        Some(sequence)
    }

    fn wait(&mut self) {
        for pending in self.pending.drain(..) {
            let sequence = pending.sequence();
            if wait(pending).is_ok() {
                self.acknowledged = self.acknowledged.max(sequence);
            } else {
                self.refused.insert(sequence);
            }
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Append(bytes) => {
                let event = self.event(bytes);
                self.hand(event, false);
            }
            Step::Commit(bytes) => {
                let event = self.event(bytes);
                self.hand(event, true);
            }
            Step::Intent => {
                let intent = self.hand(intent(), true);
                self.open.extend(intent);
            }
            Step::Outcome => {
                if !self.open.is_empty() {
                    let intent = self.open.remove(0);
                    self.hand(outcome(intent), false);
                }
            }
            Step::Wait => self.wait(),
            Step::Close => {
                let journal = self.journal.take().unwrap();
                journal.close();
                if journal.health() == Health::Good {
                    let last = self.handed.keys().last().copied();
                    self.acknowledged = self.acknowledged.max(last.unwrap_or_default());
                }
                self.memory.heal();
                self.reopen();
            }
            Step::Heal => self.memory.heal(),
            Step::Fail(calls) => self.memory.fail_after(calls),
            Step::PowerCut(bits, calls) => {
                self.cut(bits);
                if let Some(calls) = calls {
                    self.memory.fail_after(calls);
                    drop(Journal::open(self.memory.storage(), SMALL, 1));
                    self.cut(bits.rotate_left(17));
                }
                self.reopen();
            }
        }
    }

    fn cut(&mut self, bits: u64) {
        self.memory
            .power_cut_keeping(|number, sector| bits >> ((number * 7 + sector) % 64) & 1 == 1);
        // What was answered before the cut counts, and nothing is answered after it.
        self.wait();
        self.journal = None;
    }

    /// Opens and compares. What is there is what was handed over, in order, from the first on,
    /// and no less than was acknowledged; then outcomes of orphans and nothing else.
    fn reopen(&mut self) {
        self.wait();
        let (journal, recovered) = open(&self.memory);
        let all = records(&self.memory);
        assert_eq!(sequences(&all), (1..=all.len() as u64).collect::<Vec<_>>());
        assert_eq!(recovered.next_sequence, all.len() as u64 + 1);
        assert!(
            all.len() as u64 >= self.acknowledged,
            "{} records, {} acknowledged",
            all.len(),
            self.acknowledged
        );
        for record in &all {
            let sequence = record.sequence;
            let own = matches!(&record.event, Event::JournalRecovered(_))
                || matches!(&record.event, Event::Outcome(outcome)
                    if matches!(outcome.result, CommandResult::Unknown { .. }));
            match self.handed.get(&sequence) {
                Some(event) if *event == record.event => {}
                // What was refused, or what a power cut took, may have left its place.
                Some(_) if sequence > self.acknowledged || self.refused.contains(&sequence) => {
                    assert!(own, "{record:?} stands in the place of another");
                }
                Some(event) => panic!("{record:?} stands in the place of {event:?}"),
                None => assert!(own, "{record:?} was never handed over"),
            }
        }
        let verification = verify_storage(self.memory.storage()).unwrap();
        assert!(verification.is_sound(), "{verification:?}");
        assert!(verification.open_intents.is_empty());
        self.acknowledged = all.len() as u64;
        self.handed = all.into_iter().map(|r| (r.sequence, r.event)).collect();
        self.refused.clear();
        self.open.clear();
        self.journal = Some(journal);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_is_there_in_order_and_once(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let mut life = Life::begin();
        for step in steps {
            life.apply(step);
        }
        life.apply(Step::PowerCut(0, None));
    }
}
