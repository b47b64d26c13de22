//! Random lives of a journal against a model of what it may hold.

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
        1 => (0_u64..12).prop_map(Step::Fail),
        2 => (any::<u64>(), proptest::option::of(0_u64..6))
            .prop_map(|(bits, calls)| Step::PowerCut(bits, calls)),
    ]
}

struct Life {
    memory: Memory,
    journal: Option<Journal>,
    pending: Vec<Pending>,
    /// Every event handed over, by sequence; those of outcomes of orphans are put in on opening.
    handed: Vec<Event>,
    /// Durable for sure: this many of them, at least.
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
            handed: Vec::new(),
            acknowledged: 0,
            open: Vec::new(),
            count: 0,
        }
    }

    fn event(&mut self, bytes: usize) -> Event {
        self.count += 1;
        note(&format!("event {}", self.count), bytes)
    }

    fn hand(&mut self, event: Event, waited: bool) {
        let Some(journal) = &self.journal else { return };
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
        if let Ok(sequence) = sequence {
            self.handed.push(event);
            assert_eq!(sequence, self.handed.len() as u64);
        }
    }

    fn wait(&mut self) {
        for pending in self.pending.drain(..) {
            let sequence = pending.sequence();
            if wait(pending).is_ok() {
                self.acknowledged = self.acknowledged.max(sequence);
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
                let before = self.handed.len();
                self.hand(intent(), true);
                if self.handed.len() > before {
                    self.open.push(self.handed.len() as u64);
                }
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
                    self.acknowledged = self.handed.len() as u64;
                }
                self.memory.heal();
                self.reopen();
            }
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
        let events: Vec<Event> = all.into_iter().map(|record| record.event).collect();
        let same = events
            .iter()
            .zip(&self.handed)
            .take_while(|(there, handed)| there == handed)
            .count();
        assert!(
            same as u64 >= self.acknowledged,
            "{same} of {} acknowledged",
            self.acknowledged
        );
        for event in &events[same..] {
            assert!(
                matches!(event, Event::Outcome(outcome)
                    if matches!(outcome.result, CommandResult::Unknown { .. })),
                "{event:?} was never handed over there"
            );
        }
        let verification = verify_storage(self.memory.storage()).unwrap();
        assert!(verification.is_sound(), "{verification:?}");
        assert!(verification.open_intents.is_empty());
        self.acknowledged = events.len() as u64;
        self.handed = events;
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
