//! One sealed grant that was opened.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use interlock_protocols::grant::NotAGrant;
use interlock_protocols::record::BreakGlassOpened;

use super::TIME;
use crate::clock::{Mono, Now};
use crate::mediation::roll::Whose;
use crate::mediation::schedule::in_words;
use crate::mediation::window::{Pane, Shut};
use crate::root::Sealed;
use crate::subject::SubjectId;

/// See the module. It is made behind its record alone, for whoever brought the grant, on the machine
/// from which they did.
#[derive(Debug)]
pub(in crate::mediation) struct Shard {
    pane: Arc<Pane>,
    device: String,
    most: u32,
    subject: SubjectId,
    machine: [u8; 32],
    until: Mono,
    opened: String,
    /// Why it is over.
    over: OnceLock<String>,
}

impl Shard {
    /// `number` is the record of its opening, which began at `began`: its time counts from there.
    pub(super) fn of(
        number: u64,
        sealed: &Sealed,
        whose: &Whose,
        machine: [u8; 32],
        record: &BreakGlassOpened,
        began: Mono,
    ) -> Result<Shard, NotAGrant> {
        let grant = sealed.grant()?;
        let open = Duration::from_secs(grant.open_s.into());
        Ok(Shard {
            pane: Arc::new(Pane::of_glass(number, sealed, &record.points)?),
            device: grant.device.to_owned(),
            most: grant.max_writes,
            subject: whose.subject.clone(),
            machine,
            until: began.after(open),
            opened: format!(
                "BREAK-GLASS: {} may pass rules at {} for {}: {} (record {number})",
                whose.subject.path(),
                grant.device,
                in_words(open),
                record.reason
            ),
            over: OnceLock::new(),
        })
    }

    pub(in crate::mediation) fn number(&self) -> u64 {
        self.pane.number()
    }

    pub(in crate::mediation) fn pane(&self) -> &Arc<Pane> {
        &self.pane
    }

    /// Most commands with effect.
    pub(in crate::mediation) fn most(&self) -> u32 {
        self.most
    }

    pub(super) fn device(&self) -> &str {
        &self.device
    }

    pub(super) fn subject(&self) -> &SubjectId {
        &self.subject
    }

    pub(super) fn machine(&self) -> &[u8; 32] {
        &self.machine
    }

    /// That it is open, in words for everybody.
    pub(super) fn opened(&self) -> String {
        self.opened.clone()
    }

    /// Whether somebody may pass by it, at a device.
    pub(super) fn is_for(&self, whose: &Whose, device: &str) -> bool {
        self.device == device
            && self.subject == whose.subject
            && whose.machine.as_ref() == Some(&self.machine)
    }

    /// How much of its time is left, in seconds.
    pub(in crate::mediation) fn left_s(&self, now: Now) -> u32 {
        let left = self.until.since(now.mono()).as_secs();
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    pub(super) fn is_past(&self, now: Now) -> bool {
        now.mono() >= self.until
    }

    pub(super) fn stands(&self, now: Now) -> Result<(), Shut> {
        if let Some(why) = self.pane.barred() {
            return Err(why);
        }
        if self.is_past(now) {
            return Err(Shut::Glass(TIME.to_owned()));
        }
        Ok(())
    }

    /// Ends it; the first reason stays. When it returns, nothing under it is handed to a socket.
    pub(super) fn end(&self, why: &str) {
        let why = self.over.get_or_init(|| why.to_owned());
        self.pane.follow(Some(Shut::Glass(why.clone())));
    }

    /// Why it is over, if it is.
    pub(super) fn over(&self) -> Option<&str> {
        self.over.get().map(String::as_str)
    }
}
