//! All windows of a gateway, as commands find them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use interlock_protocols::record::{KeptWindow, WindowEnd};

use super::gate::Pane;
use super::shut::Shut;
use crate::limits::WINDOWS_PER_SUBJECT_MAX;
use crate::register::Register;

/// See the module. It follows the register under the register's write lock, and is asked by each
/// command: so it has an index by holder, and a command of somebody who holds none pays for one
/// look.
#[derive(Default, Debug)]
pub(in crate::mediation) struct Board(RwLock<Panes>);

#[derive(Default, Debug)]
struct Panes {
    by_number: BTreeMap<u64, Arc<Pane>>,
    /// By SPIFFE id, latest last.
    by_holder: HashMap<String, Vec<Arc<Pane>>>,
}

impl Board {
    /// Has every window do what the register says. When it returns, they do. Gives those that were
    /// open and are no longer.
    pub(in crate::mediation) fn follow(
        &self,
        register: &Register,
        judge: impl Fn(&KeptWindow) -> Result<(), Shut>,
    ) -> Vec<u64> {
        // Of a poisoned one nobody finds a window any more; who has one already must still lose it.
        let mut panes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut shut = panes.forget(register);
        for kept in register.windows.iter() {
            let Some(pane) = panes.entered(kept) else {
                continue;
            };
            if !is_over(kept) && pane.follow(judge(kept).err()) {
                shut.push(kept.number);
            }
        }
        panes.shorten(register);
        shut
    }

    /// The windows of a holder, latest last; of those that are decided the last ones.
    pub(in crate::mediation) fn of_holder(&self, holder: &str) -> Vec<Arc<Pane>> {
        let Ok(panes) = self.0.read() else {
            return Vec::new();
        };
        panes.by_holder.get(holder).cloned().unwrap_or_default()
    }
}

/// That its time is over is no bar: what was permitted in it goes on. See [`Pane`].
fn is_over(kept: &KeptWindow) -> bool {
    let ended = kept.ended.as_ref();
    ended.is_some_and(|ended| ended.end == WindowEnd::Over)
}

impl Panes {
    /// Shuts and drops those that the register no longer has.
    fn forget(&mut self, register: &Register) -> Vec<u64> {
        let gone = |number: &u64| register.windows.numbered(*number).is_none();
        let gone: Vec<u64> = self.by_number.keys().copied().filter(gone).collect();
        for number in &gone {
            if let Some(pane) = self.by_number.remove(number) {
                pane.follow(Some(Shut::Over));
                for held in self.by_holder.values_mut() {
                    held.retain(|other| !Arc::ptr_eq(other, &pane));
                }
            }
        }
        self.by_holder.retain(|_, held| !held.is_empty());
        gone
    }

    /// Each command of a holder looks at what they hold: those that are decided are but told of, and
    /// a few of them will do.
    fn shorten(&mut self, register: &Register) {
        let is_decided = |pane: &Arc<Pane>| {
            let kept = register.windows.numbered(pane.number());
            kept.is_none_or(|kept| kept.refused.is_some() || kept.ended.is_some())
        };
        for held in self.by_holder.values_mut() {
            let decided = held.iter().filter(|pane| is_decided(pane)).count();
            let mut surplus = decided.saturating_sub(WINDOWS_PER_SUBJECT_MAX);
            held.retain(|pane| {
                let goes = surplus > 0 && is_decided(pane);
                surplus -= usize::from(goes);
                !goes
            });
        }
    }

    /// The one of this number, made where there was none. One whose grant nobody can read opens
    /// nothing and is not there.
    fn entered(&mut self, kept: &KeptWindow) -> Option<&Arc<Pane>> {
        if !self.by_number.contains_key(&kept.number) {
            // What was over before this start is not followed any more.
            let why = if is_over(kept) {
                Shut::Over
            } else {
                Shut::Pending
            };
            let pane = Arc::new(Pane::of(kept, why).ok()?);
            let held = self.by_holder.entry(pane.grant().ok()?.holder.to_owned());
            held.or_default().push(Arc::clone(&pane));
            self.by_number.insert(kept.number, pane);
        }
        self.by_number.get(&kept.number)
    }
}
