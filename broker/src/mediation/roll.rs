//! Who is there: the standing of every session, from before it opens until its last permit is
//! gone, and the commands with effect that are on their way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use interlock_protocols::conduit::OpenWrite;
use interlock_protocols::modbus::{Pdu, UnitId};
use interlock_protocols::record::Scope;

use super::session::Inner;
use super::standing::{Held, Standing};
use crate::plant::Device;
use crate::register::takes_in;
use crate::subject::SubjectId;
use crate::wording;

/// Whose a session is.
#[derive(Debug)]
pub(super) struct Whose {
    pub(super) session: u64,
    pub(super) subject: SubjectId,
    /// `None` for a program that need not have one.
    pub(super) machine: Option<[u8; 32]>,
}

impl Whose {
    pub(super) fn is_in(&self, scope: &Scope) -> bool {
        takes_in(
            scope,
            &self.subject,
            self.machine.as_ref(),
            Some(self.session),
        )
    }
}

/// Whether a scope of devices takes in this one.
pub(super) fn reaches(scope: &Scope, device: &Device) -> bool {
    match scope {
        Scope::Device(name) => name == device.name(),
        Scope::Zone(zone) => zone == device.zone(),
        Scope::Site => true,
        _ => false,
    }
}

/// See the module. A session is entered before it is judged whether it may open, and a
/// restriction is known before the roll is walked: whichever comes first, one of the two finds the
/// other (I7).
#[derive(Default)]
pub(super) struct Roll(Mutex<BTreeMap<u64, Entry>>);

struct Entry {
    whose: Arc<Whose>,
    standing: Weak<Held>,
    session: Weak<Inner>,
}

/// One that is there.
pub(super) struct Present {
    pub(super) whose: Arc<Whose>,
    pub(super) standing: Standing,
    /// `None` while it is being opened, and once it has ended.
    pub(super) session: Option<Arc<Inner>>,
}

impl Present {
    /// Whether the session has opened and not ended.
    pub(super) fn is_open(&self) -> bool {
        let session = self.session.as_ref();
        session.is_some_and(|session| !session.activity.has_ended())
    }
}

impl Roll {
    /// Enters a session that is about to open.
    pub(super) fn enter(self: &Arc<Self>, whose: Arc<Whose>) -> Standing {
        let standing = Standing::on(self, whose.session);
        let entry = Entry {
            standing: standing.weak(),
            session: Weak::new(),
            whose,
        };
        self.entries().insert(entry.whose.session, entry);
        standing
    }

    /// It has opened.
    pub(super) fn opened(&self, session: &Arc<Inner>) {
        if let Some(entry) = self.entries().get_mut(&session.whose.session) {
            entry.session = Arc::downgrade(session);
        }
    }

    pub(super) fn leave(&self, session: u64) {
        self.entries().remove(&session);
    }

    /// Everybody who is there, in the order of their numbers. What is given may be the last of a
    /// session, and leaves the roll when it is dropped: so it is given away from under the lock.
    pub(super) fn present(&self) -> Vec<Present> {
        let entries = self.entries();
        let present = |entry: &Entry| {
            Some(Present {
                standing: Standing::of_weak(&entry.standing)?,
                session: entry.session.upgrade(),
                whose: Arc::clone(&entry.whose),
            })
        };
        entries.values().filter_map(present).collect()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<u64, Entry>> {
        // Nothing in here can be left half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command with effect.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) whose: Arc<Whose>,
    pub(super) device: Arc<Device>,
    /// As the client named it.
    pub(super) unit: UnitId,
    pub(super) pdu: Pdu,
    /// The window that it passes under.
    pub(super) window: Option<u64>,
}

impl Write {
    /// Whether a scope takes it in, or it passes under one of these windows.
    fn is_in(&self, scope: &Scope, windows: &[u64]) -> bool {
        self.whose.is_in(scope)
            || reaches(scope, &self.device)
            || self.window.is_some_and(|window| windows.contains(&window))
    }
}

/// Commands with effect that were sent and whose outcome is open, by their intents.
#[derive(Default, Debug)]
pub(super) struct Afloat(Mutex<BTreeMap<u64, Arc<Write>>>);

impl Afloat {
    /// It is being sent: called while its session and its device cannot be restricted.
    pub(super) fn sent(&self, intent: u64, write: &Arc<Write>) {
        self.writes().insert(intent, Arc::clone(write));
    }

    pub(super) fn settled(&self, intent: u64) {
        self.writes().remove(&intent);
    }

    /// Whether one was sent, and its outcome is open.
    pub(super) fn is_sent(&self, intent: u64) -> bool {
        self.writes().contains_key(&intent)
    }

    /// Those in a scope, of people or of devices, and those under windows.
    pub(super) fn within(&self, scope: &Scope, windows: &[u64]) -> Vec<OpenWrite> {
        let writes: Vec<(u64, Arc<Write>)> = {
            let writes = self.writes();
            let within = |write: &Write| write.is_in(scope, windows);
            let found = writes.iter().filter(|(_, write)| within(write));
            found
                .map(|(intent, write)| (*intent, Arc::clone(write)))
                .collect()
        };
        let open = |(intent, write): (u64, Arc<Write>)| OpenWrite {
            intent,
            session: write.whose.session,
            device: write.device.name().to_owned(),
            what: wording::asked(&write.device, write.unit, write.pdu.as_bytes()),
        };
        writes.into_iter().map(open).collect()
    }

    fn writes(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Write>>> {
        // Nothing in here can be left half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
