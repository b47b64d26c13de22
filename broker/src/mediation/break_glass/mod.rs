//! Break-glass: what a sealed grant of the site root opens, once, while a key switch beside the
//! gateway is on.
//!
//! It stands in for rules, and for nothing else: who asks must stand, nothing may bar the device, an
//! INTENT is durable before anything is sent (I2), and limits hold. It is opened only behind its own
//! record, everybody is told, and it is over with its time, with the switch, with a revocation, or
//! with this process: whatever comes first.

mod announcing;
mod attending;
mod opening;
mod refused;
mod shard;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};

pub(super) use announcing::Announced;
pub use opening::{Breaking, Broken};
pub use refused::NotBroken;
pub(super) use shard::Shard;

use self::announcing::Announcer;
use super::broker::Broker;
use super::roll::Whose;
use super::window::Shut;
use crate::clock::{Mono, Now};
use crate::limits::KEY_SWITCH_SILENT_MAX;

/// What stands for the rules under which a command passes.
pub(super) const RULE: &str = "break-glass";

/// Broken glass of one gateway, and its key switch. Where the register is needed as well, its lock
/// comes first.
#[derive(Debug)]
pub(super) struct Glass {
    state: RwLock<State>,
    /// Whether there is a key switch at all.
    fitted: AtomicBool,
    announcer: Announcer,
    /// Held by whoever records what is over: each end has one record.
    attending: Mutex<()>,
    /// The last record of before this process.
    before: u64,
}

#[derive(Default, Debug)]
struct State {
    /// When the switch was last read as on; `None` since it was read as anything else.
    on: Option<Mono>,
    /// Those that are open, or are over and have no record of that yet.
    shards: Vec<Arc<Shard>>,
    /// Records of openings that may not be on the disk yet.
    opening: BTreeSet<u64>,
}

impl State {
    /// A switch that nobody has read for a while is off: whatever reads it may be broken.
    fn is_on(&self, now: Now) -> bool {
        let fresh = |on: Mono| now.mono().since(on) <= KEY_SWITCH_SILENT_MAX;
        self.on.is_some_and(fresh)
    }

    /// Whether one is open at this moment.
    fn stands(&self, shard: &Shard, now: Now) -> Result<(), Shut> {
        shard.stands(now)?;
        if self.is_on(now) {
            Ok(())
        } else {
            Err(Shut::Glass(SILENT.to_owned()))
        }
    }
}

const SILENT: &str = "the key switch could not be read";
const RELEASED: &str = "the key switch was released";
const TIME: &str = "its time is up";

/// One that somebody has open for a device, as a command finds it.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) shard: Arc<Shard>,
    pub(super) stands: Result<(), Shut>,
    /// So many commands with effect passed.
    pub(super) used: u32,
    /// So much of its time is left.
    pub(super) left_s: u32,
}

impl Glass {
    /// None is open. Records up to this one are of before.
    pub(super) fn whole(before: u64) -> Glass {
        Glass {
            state: RwLock::default(),
            fitted: AtomicBool::new(false),
            announcer: Announcer::default(),
            attending: Mutex::new(()),
            before,
        }
    }

    /// What a session that opens now is to be told, from here on.
    pub(super) fn announced(&self) -> Announced {
        let open = match self.state.read() {
            Ok(state) => state.shards.iter().map(|shard| shard.opened()).collect(),
            Err(_) => Vec::new(),
        };
        self.announcer.listen(open)
    }
}

impl Broker {
    /// There is a key switch, which [`Broker::key_switch`] will tell of.
    pub fn fit_key_switch(&self) {
        self.glass.fitted.store(true, Ordering::Release);
    }

    /// The key switch was read: some ten times a second, whether or not it changed. When this returns
    /// after it was read as off, nothing that waits for break-glass is handed to a socket any more.
    pub fn key_switch(&self, is_on: bool, now: Now) {
        let released = {
            // Nobody opens on a poisoned lock.
            let Ok(mut state) = self.glass.state.write() else {
                return;
            };
            state.on = is_on.then(|| now.mono());
            !is_on && !state.shards.is_empty()
        };
        if released {
            self.bar_glass(|_| Some(RELEASED));
        }
        self.attend_break_glass(now);
    }

    /// Whether somebody opened one of these, for one of these devices.
    pub(super) fn has_opened(&self, whose: &Whose, numbers: &[u64], devices: &[String]) -> bool {
        let Ok(state) = self.glass.state.read() else {
            return false;
        };
        state.shards.iter().any(|shard| {
            let at = devices.iter().any(|device| shard.is_for(whose, device));
            at && numbers.contains(&shard.number())
        })
    }

    /// What somebody has open for a device.
    pub(super) fn broken(&self, whose: &Whose, device: &str, now: Now) -> Vec<Held> {
        let mut held: Vec<Held> = {
            let Ok(state) = self.glass.state.read() else {
                return Vec::new();
            };
            let theirs = state.shards.iter();
            let theirs = theirs.filter(|shard| shard.is_for(whose, device));
            let held = |shard: &Arc<Shard>| Held {
                stands: state.stands(shard, now),
                used: u32::MAX,
                left_s: shard.left_s(now),
                shard: Arc::clone(shard),
            };
            theirs.map(held).collect()
        };
        // Behind the other lock, and not under it: the register's always comes first.
        if !held.is_empty() {
            let register = self.register();
            for held in &mut held {
                let glass = register.windows.glass(held.shard.number());
                held.used = glass.map_or(u32::MAX, |glass| glass.writes);
            }
        }
        held
    }
}
