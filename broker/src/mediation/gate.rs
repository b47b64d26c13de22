//! What may pass to a device at this very moment, whoever asks (I7).

use std::sync::{Arc, RwLock};

use interlock_protocols::record::Measure;
use tokio::sync::watch;

use super::refusal::Reason;
use super::standing::{Lost, Standing};
use super::window::Pane;
use crate::journal::Journal;
use crate::plant::{Device, Plant};
use crate::register::{Restraint, Restraints};

/// What isolates a device, as it changes.
pub type Isolation = watch::Receiver<Option<Arc<Restraint>>>;

/// The gate before one device; barring it takes the write lock, see [`Passage`].
#[derive(Debug)]
pub(super) struct Gate {
    device: Arc<Device>,
    bar: RwLock<Bar>,
    isolated: watch::Sender<Option<Arc<Restraint>>>,
    durable: watch::Receiver<u64>,
}

#[derive(Default, Debug)]
struct Bar {
    restraint: Option<Arc<Restraint>>,
    /// The record of a restriction that was acknowledged as not durable: nothing with effect
    /// passes until it is on the disk.
    owed: u64,
}

impl Gate {
    fn new(device: &Arc<Device>, journal: &Journal) -> Arc<Gate> {
        Arc::new(Gate {
            device: Arc::clone(device),
            bar: RwLock::default(),
            isolated: watch::Sender::new(None),
            durable: journal.durable(),
        })
    }

    /// Lets pass what the register says, from now on.
    fn follow(&self, restraints: &Restraints) {
        let restraint = restraints.barred(self.device.name(), self.device.zone());
        if let Ok(mut bar) = self.bar.write() {
            bar.restraint = restraint.cloned();
        }
        // A poisoned lock bars everything.
        let isolated = restraint.filter(|it| it.measure() == Measure::Isolate);
        self.isolated.send_if_modified(|before| {
            let changed = before.as_ref() != isolated;
            *before = isolated.cloned();
            changed
        });
    }

    fn judge(&self, bar: &Bar, effect: bool) -> Result<(), Reason> {
        match &bar.restraint {
            Some(restraint) if restraint.measure() == Measure::Isolate => {
                return Err(Reason::Isolated(Arc::clone(restraint)));
            }
            Some(restraint) if effect => return Err(Reason::Frozen(Arc::clone(restraint))),
            _ => {}
        }
        if effect && bar.owed > *self.durable.borrow() {
            return Err(Reason::JournalFailed(OWED.to_owned()));
        }
        Ok(())
    }

    /// Whether a command passes, at this moment: an early word, and no permission to send.
    pub(super) fn passes(&self, effect: bool) -> Result<(), Reason> {
        match self.bar.read() {
            Ok(bar) => self.judge(&bar, effect),
            Err(_) => Err(Reason::Standing(Lost::Broken)),
        }
    }

    /// Runs `send` while nobody can bar the device.
    fn hold<R>(&self, effect: bool, send: impl FnOnce() -> R) -> Result<R, Reason> {
        let Ok(bar) = self.bar.read() else {
            return Err(Reason::Standing(Lost::Broken));
        };
        self.judge(&bar, effect)?;
        Ok(send())
    }
}

/// The way of one session to one device, through a window where it takes one: who asks, what is
/// asked and what they ask it by must all be free to.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    pub(super) standing: Standing,
    pub(super) gate: Arc<Gate>,
    pub(super) window: Option<Arc<Pane>>,
}

impl Passage {
    /// Runs `send` under all read locks: while it runs nobody can take anything away from the
    /// session, bar the device, or take the window away (I7).
    pub(super) fn hold<R>(&self, effect: bool, send: impl FnOnce() -> R) -> Result<R, Reason> {
        let send = || match &self.window {
            Some(window) => window.hold(send),
            None => Ok(send()),
        };
        self.standing
            .hold(effect, || self.gate.hold(effect, send).flatten())
            .flatten()
    }
}

const OWED: &str = "what was taken away from somebody is not on the disk yet";

/// The gates of all devices.
#[derive(Debug)]
pub(super) struct Gates(Vec<Arc<Gate>>);

impl Gates {
    pub(super) fn of(plant: &Plant, journal: &Journal) -> Gates {
        let gate = |device| Gate::new(device, journal);
        Gates(plant.devices().iter().map(gate).collect())
    }

    pub(super) fn before(&self, device: &str) -> Option<&Arc<Gate>> {
        self.0.iter().find(|gate| gate.device.name() == device)
    }

    /// See [`Gate::follow`].
    pub(super) fn follow(&self, restraints: &Restraints) {
        self.0.iter().for_each(|gate| gate.follow(restraints));
    }

    /// Nothing with effect passes until the record of this sequence is on the disk, and whatever
    /// was owed before.
    pub(super) fn owe(&self, sequence: u64) {
        self.set_owed(|before| before.max(sequence));
    }

    /// All that is owed has records now, and this is the last of them.
    pub(super) fn owe_no_more_than(&self, sequence: u64) {
        self.set_owed(|_| sequence);
    }

    fn set_owed(&self, owed: impl Fn(u64) -> u64) {
        for gate in &self.0 {
            if let Ok(mut bar) = gate.bar.write() {
                bar.owed = owed(bar.owed);
            }
        }
    }

    pub(super) fn isolation(&self, device: &str) -> Option<Isolation> {
        Some(self.before(device)?.isolated.subscribe())
    }
}
