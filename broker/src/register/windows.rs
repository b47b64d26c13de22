//! Maintenance windows: who asked, who approved, and what was used. Whether a window opens anything
//! is not for the register to say: the signatures under its grant do.

use std::collections::BTreeMap;

use interlock_protocols::grant::Grant;
use interlock_protocols::record::{
    BreakGlassOpened, CommandResult, Event, KeptApproval, KeptBreakGlass, KeptWindow, KeptWrites,
    RegisterEntry, WindowRequested,
};

use crate::limits::WINDOWS_KEPT_MAX;
use crate::proof::sha256;

/// A place that no span has.
const NO_SPAN: u32 = u32::MAX;

/// See the module.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Windows {
    by_number: BTreeMap<u64, KeptWindow>,
    /// By SHA-256 of a grant, the first window that has it: none has another's.
    by_grant: BTreeMap<[u8; 32], u64>,
    glass: BTreeMap<u64, KeptBreakGlass>,
    /// By intent: the window, and the span that it is counted in.
    open: BTreeMap<u64, (u64, u32)>,
}

impl Windows {
    /// Takes up one record.
    pub(super) fn apply(&mut self, sequence: u64, time_ms: i64, event: &Event) {
        match event {
            Event::WindowRequested(requested) => self.ask(sequence, time_ms, requested),
            Event::WindowApproved(approved) => {
                if let Some(window) = self.by_number.get_mut(&approved.window) {
                    // One word of each approver: a later one stands for it.
                    window
                        .approvals
                        .retain(|before| before.approved.by != approved.by);
                    window.approvals.push(KeptApproval {
                        number: sequence,
                        time_ms,
                        approved: approved.clone(),
                    });
                }
            }
            Event::WindowRefused(refused) => {
                if let Some(window) = self.by_number.get_mut(&refused.window) {
                    window.refused.get_or_insert_with(|| refused.clone());
                }
            }
            Event::WindowEnded(ended) => {
                if let Some(window) = self.by_number.get_mut(&ended.window) {
                    window.ended.get_or_insert_with(|| ended.clone());
                }
            }
            Event::Intent(intent) => {
                if let Some(window) = intent.window {
                    self.count(sequence, time_ms, window);
                }
            }
            Event::Outcome(outcome) => {
                let withheld = matches!(outcome.result, CommandResult::Withheld { .. });
                self.settle(outcome.intent, withheld);
            }
            Event::BreakGlassOpened(opened) => self.break_glass(sequence, time_ms, opened),
            Event::BreakGlassEnded(ended) => {
                if let Some(glass) = self.glass.get_mut(&ended.opened) {
                    glass.ended = true;
                }
            }
            _ => {}
        }
    }

    fn ask(&mut self, sequence: u64, time_ms: i64, requested: &WindowRequested) {
        self.make_room();
        if self.by_number.contains_key(&sequence) {
            return;
        }
        self.enter(KeptWindow {
            number: sequence,
            time_ms,
            requested: requested.clone(),
            approvals: Vec::new(),
            refused: None,
            ended: None,
            writes: Vec::new(),
            open: Vec::new(),
        });
    }

    fn enter(&mut self, window: KeptWindow) {
        let first = self.by_grant.entry(sha256(&window.requested.grant));
        let first = first.or_insert(window.number);
        *first = window.number.min(*first);
        self.by_number.insert(window.number, window);
    }

    /// The oldest that is decided goes first. The journal has it still.
    fn make_room(&mut self) {
        while self.by_number.len() >= WINDOWS_KEPT_MAX {
            let decided = |window: &&KeptWindow| window.refused.is_some() || window.ended.is_some();
            let oldest = self.by_number.values().find(decided);
            let Some(number) = oldest.map(|window| window.number) else {
                return;
            };
            self.forget(number);
        }
    }

    fn forget(&mut self, number: u64) {
        let Some(window) = self.by_number.remove(&number) else {
            return;
        };
        let grant = window.requested.grant;
        if self.first_of(&grant) == Some(number) {
            let mut later = self.by_number.values();
            match later.find(|window| window.requested.grant == grant) {
                Some(later) => self.by_grant.insert(sha256(&grant), later.number),
                None => self.by_grant.remove(&sha256(&grant)),
            };
        }
    }

    /// The first window that has this grant.
    pub fn first_of(&self, grant: &[u8]) -> Option<u64> {
        self.by_grant.get(&sha256(grant)).copied()
    }

    fn break_glass(&mut self, sequence: u64, time_ms: i64, opened: &BreakGlassOpened) {
        if let Ok(grant) = Grant::read(&opened.grant) {
            let glass = KeptBreakGlass {
                number: sequence,
                time_ms,
                id: *grant.id,
                ended: false,
                writes: 0,
                open: Vec::new(),
            };
            self.glass.entry(sequence).or_insert(glass);
        }
    }

    /// Counts an intent against a window, in the span that its time lies in. Each intent counts
    /// once, however often it is told.
    pub(crate) fn count(&mut self, intent: u64, time_ms: i64, window: u64) {
        if let Some(glass) = self.glass.get_mut(&window) {
            if !glass.open.contains(&intent) {
                glass.open.push(intent);
                glass.writes = glass.writes.saturating_add(1);
                self.open.insert(intent, (window, 0));
            }
            return;
        }
        let Some(kept) = self.by_number.get_mut(&window) else {
            return;
        };
        let grant = Grant::read_unsigned(&kept.requested.grant);
        let span = grant.ok().and_then(|grant| grant.span_at(time_ms));
        let Some(span) = span.and_then(|(span, _)| u32::try_from(span).ok()) else {
            return;
        };
        if kept.open.contains(&intent) {
            return;
        }
        kept.open.push(intent);
        match kept.writes.iter_mut().find(|writes| writes.span == span) {
            Some(writes) => writes.writes = writes.writes.saturating_add(1),
            None => kept.writes.push(KeptWrites { span, writes: 1 }),
        }
        self.open.insert(intent, (window, span));
    }

    /// An intent has its outcome; one that was withheld is given back.
    pub(crate) fn settle(&mut self, intent: u64, withheld: bool) {
        let Some((window, span)) = self.open.remove(&intent) else {
            return;
        };
        if let Some(glass) = self.glass.get_mut(&window) {
            glass.open.retain(|open| *open != intent);
            glass.writes = glass.writes.saturating_sub(u32::from(withheld));
            return;
        }
        let Some(kept) = self.by_number.get_mut(&window) else {
            return;
        };
        kept.open.retain(|open| *open != intent);
        if withheld && let Some(writes) = kept.writes.iter_mut().find(|one| one.span == span) {
            writes.writes = writes.writes.saturating_sub(1);
        }
    }

    /// Whether this intent is counted and its outcome awaited.
    pub(crate) fn awaits(&self, intent: u64) -> bool {
        self.open.contains_key(&intent)
    }

    /// The window of this number.
    pub fn numbered(&self, number: u64) -> Option<&KeptWindow> {
        self.by_number.get(&number)
    }

    /// All of them, by their numbers.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &KeptWindow> + Clone {
        self.by_number.values()
    }

    /// How many commands with effect count in a span of a window.
    pub fn used(&self, window: u64, span: usize) -> u32 {
        let writes = self.by_number.get(&window).map(|window| &window.writes);
        let mut writes = writes.into_iter().flatten();
        let of_span = writes.find(|writes| usize::try_from(writes.span) == Ok(span));
        of_span.map_or(0, |writes| writes.writes)
    }

    /// Its record was refused after all: the grant was not opened.
    pub(crate) fn unbreak(&mut self, number: u64) {
        self.glass.remove(&number);
    }

    /// A break-glass grant that was opened, by the record of that.
    pub fn glass(&self, number: u64) -> Option<&KeptBreakGlass> {
        self.glass.get(&number)
    }

    /// Whether a break-glass grant of this id was opened already.
    pub fn was_broken(&self, id: &[u8; 16]) -> bool {
        self.glass.values().any(|glass| glass.id == *id)
    }

    /// Break-glass grants whose end has no record: after a start, those that the gateway's stop
    /// has ended.
    pub fn unended_glass(&self) -> Vec<u64> {
        let unended = self.glass.values().filter(|glass| !glass.ended);
        unended.map(|glass| glass.number).collect()
    }

    /// Takes up one window that was kept.
    pub(super) fn take(&mut self, window: KeptWindow) {
        let grant = Grant::read_unsigned(&window.requested.grant).ok();
        // What was kept does not say in which span an open intent counts. Where that could be one of
        // several, it is given back to none: spans may lie seconds apart.
        let span = match window.writes.as_slice() {
            [only] => only.span,
            _ => NO_SPAN,
        };
        for intent in window.open.iter().filter(|_| grant.is_some()) {
            self.open.insert(*intent, (window.number, span));
        }
        self.enter(window);
    }

    /// Takes up one break-glass grant that was kept.
    pub(super) fn take_glass(&mut self, glass: KeptBreakGlass) {
        for intent in &glass.open {
            self.open.insert(*intent, (glass.number, 0));
        }
        self.glass.insert(glass.number, glass);
    }

    /// All of it, entry by entry.
    pub(super) fn entries(&self) -> impl Iterator<Item = RegisterEntry> {
        let windows = self.by_number.values().cloned().map(RegisterEntry::Window);
        let glass = self.glass.values().cloned().map(RegisterEntry::BreakGlass);
        windows.chain(glass)
    }
}
