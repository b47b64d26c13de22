//! A window as the journal tells of it, and which records belong to it.

use interlock_broker::root::is_signed_by_approver;
use interlock_protocols::conduit::WindowRow;
use interlock_protocols::grant::{Grant, Kind, Span};
use interlock_protocols::record::{Event, KeptApproval, Record, WindowApproved};

/// What was asked for, or opened by break-glass.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Granted {
    pub(crate) number: u64,
    /// Who held it.
    pub(crate) by: String,
    pub(crate) asked_ms: i64,
    /// Names of its points, in the order of the grant.
    pub(crate) points: Vec<String>,
    /// What for, in their words.
    pub(crate) reason: String,
    pub(crate) extends: Option<u64>,
    /// Until when it could be approved.
    waits_until_ms: i64,
    bytes: Vec<u8>,
}

impl Granted {
    /// Of the record that a window begins with; `None` for any other.
    pub(crate) fn of(record: &Record) -> Option<Granted> {
        match &record.event {
            Event::WindowRequested(it) => Some(Granted {
                number: record.sequence,
                by: it.by.clone(),
                asked_ms: record.time_ms,
                points: it.points.clone(),
                reason: it.reason.clone(),
                extends: it.extends,
                waits_until_ms: it.waits_until_ms,
                bytes: it.grant.clone(),
            }),
            Event::BreakGlassOpened(it) => Some(Granted {
                number: record.sequence,
                by: it.by.clone(),
                asked_ms: record.time_ms,
                points: it.points.clone(),
                reason: it.reason.clone(),
                extends: None,
                waits_until_ms: record.time_ms,
                bytes: it.grant.clone(),
            }),
            _ => None,
        }
    }

    /// The same, as a gateway lists it.
    pub(crate) fn of_row(row: &WindowRow) -> Granted {
        Granted {
            number: row.window,
            by: row.by.clone(),
            asked_ms: row.asked_ms,
            points: row.points.clone(),
            reason: row.reason.clone(),
            extends: row.extends,
            waits_until_ms: row.waits_until_ms,
            bytes: row.grant.clone(),
        }
    }

    /// Its grant; `None` where the record of it cannot be read.
    pub(crate) fn grant(&self) -> Option<Grant<'_>> {
        Grant::read(&self.bytes).ok()
    }

    /// The device; empty where the grant cannot be read.
    pub(crate) fn device(&self) -> &str {
        self.grant().map_or("", |grant| grant.device)
    }

    /// The last moment at which anything of it can have happened.
    pub(crate) fn settled_ms(&self) -> i64 {
        let ends_ms = self.spans_ms().map(|(_, end)| end).max();
        ends_ms.unwrap_or(self.asked_ms).max(self.waits_until_ms)
    }

    /// When it could be used, from and until. Break-glass holds from its opening on.
    pub(crate) fn spans_ms(&self) -> impl Iterator<Item = (i64, i64)> {
        let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let grant = self.grant();
        let glass = grant
            .filter(|grant| grant.kind == Kind::BreakGlass)
            .map(|grant| {
                let open_ms = i64::from(grant.open_s).saturating_mul(1_000);
                (self.asked_ms, self.asked_ms.saturating_add(open_ms))
            });
        let spans: Vec<Span> = match (grant, glass) {
            (Some(grant), None) => grant.spans().collect(),
            _ => Vec::new(),
        };
        let spans = spans
            .into_iter()
            .map(move |span| (ms(span.start_ms), ms(span.end_ms())));
        spans.chain(glass)
    }

    /// Whether somebody's act at a device, which says nothing of a window itself, was done while
    /// this one was open to them.
    pub(crate) fn is_open_to(
        &self,
        subject: &str,
        device: &str,
        first_ms: i64,
        last_ms: i64,
    ) -> bool {
        self.by == subject
            && self.device() == device
            && self
                .spans_ms()
                .any(|(start, end)| start <= last_ms && first_ms < end)
    }

    /// Whether an approval is what it says: by a key of the grant, over this very grant.
    pub(crate) fn is_signed(&self, approved: &WindowApproved) -> bool {
        self.grant().is_some_and(|grant| {
            grant.approvers().contains(&approved.key)
                && is_signed_by_approver(&approved.key, grant.body, &approved.signature)
        })
    }

    /// Whether enough different people signed it.
    pub(crate) fn is_approved<'a>(
        &self,
        approvals: impl Iterator<Item = &'a KeptApproval>,
    ) -> bool {
        let Some(grant) = self.grant() else {
            return false;
        };
        let signed = approvals.filter(|approval| self.is_signed(&approval.approved));
        let mut by: Vec<&str> = signed
            .map(|approval| approval.approved.by.as_str())
            .collect();
        by.sort_unstable();
        by.dedup();
        by.len() >= usize::from(grant.quorum)
    }
}

/// What a record says of somebody's act at a device: who, where, and between which times.
pub(crate) fn act(record: &Record) -> Option<(&str, &str, i64, i64)> {
    match &record.event {
        Event::Denial(it) => Some((&it.subject, &it.device, record.time_ms, record.time_ms)),
        Event::DenialSummary(it) => Some((&it.subject, &it.device, it.first_ms, it.last_ms)),
        Event::ReadSummary(it) => Some((&it.subject, &it.device, it.first_ms, it.last_ms)),
        Event::WriterTaken(it) => Some((&it.subject, &it.device, record.time_ms, record.time_ms)),
        _ => None,
    }
}
