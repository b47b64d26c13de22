//! Windows in lists, and where each stands.

use interlock_protocols::conduit::{WindowRow, WindowState};
use interlock_protocols::grant::Grant;
use interlock_protocols::record::{KeptWindow, WindowEnd};

use super::refused::NotDone;
use super::valid::{Invalid, Reliance};
use crate::clock::Now;
use crate::limits::WINDOWS_LISTED_MAX;
use crate::mediation::Session;
use crate::policy::Action;
use crate::register::Register;

/// Whether it was approved by as many as it takes, whatever became of their right since.
pub(super) fn was_approved(window: &KeptWindow, grant: &Grant<'_>) -> bool {
    // The register keeps one approval of each.
    window.approvals.len() >= usize::from(grant.quorum)
}

/// Where a window stands. `reliance` is `None` where no root is pinned.
pub(super) fn state_of(
    reliance: Option<&Reliance>,
    register: &Register,
    window: &KeptWindow,
    now: Now,
) -> WindowState {
    let judged = reliance.ok_or(Invalid::NoRoot);
    let judged = judged.and_then(|reliance| reliance.judge(register, window));
    let Ok(grant) = Grant::read_unsigned(&window.requested.grant) else {
        return WindowState::Short;
    };
    let now_ms = now.wall_ms();
    let (_, end_ms) = grant.reach_ms();
    let is_over = u64::try_from(now_ms).is_ok_and(|now_ms| now_ms >= end_ms);
    let approved = was_approved(window, &grant);
    match judged {
        Err(Invalid::Revoked(_)) => WindowState::Revoked,
        Err(Invalid::Refused) => WindowState::Refused,
        Err(Invalid::Ended(WindowEnd::Withdrawn)) => WindowState::Withdrawn,
        Err(Invalid::Ended(WindowEnd::Lapsed)) => WindowState::Lapsed,
        Err(Invalid::Ended(WindowEnd::Over)) => WindowState::Over,
        _ if is_over && approved => WindowState::Over,
        _ if !approved && (is_over || now_ms >= window.requested.waits_until_ms) => {
            WindowState::Lapsed
        }
        Err(Invalid::Outdated) => WindowState::Outdated,
        Err(_) if approved => WindowState::Short,
        Err(_) => WindowState::Pending,
        Ok(_) => match grant.span_at(now_ms) {
            None => WindowState::Approved,
            Some((span, _)) => {
                let used = register.windows.used(window.number, span);
                // One for reading alone has no writes to use.
                if grant.max_writes > 0 && used >= grant.max_writes {
                    WindowState::Exhausted
                } else {
                    WindowState::Open
                }
            }
        },
    }
}

/// A window as it is shown.
pub(super) fn row(
    reliance: Option<&Reliance>,
    register: &Register,
    window: &KeptWindow,
    now: Now,
) -> WindowRow {
    let requested = &window.requested;
    let revoked = register.restraints.window_revoked(window.number);
    let refusal = window.refused.as_ref().map(|it| it.comment.clone());
    WindowRow {
        window: window.number,
        state: state_of(reliance, register, window, now),
        by: requested.by.clone(),
        asked_ms: window.time_ms,
        waits_until_ms: requested.waits_until_ms,
        grant: requested.grant.clone(),
        points: requested.points.clone(),
        reason: requested.reason.clone(),
        extends: requested.extends,
        approvals: window.approvals.clone(),
        refusal: refusal.unwrap_or_default(),
        used: used(register, window, now),
        restriction: revoked.and_then(|restraint| restraint.number()),
    }
}

/// Of the span that is now, or of the last that was.
fn used(register: &Register, window: &KeptWindow, now: Now) -> u32 {
    let Ok(grant) = Grant::read_unsigned(&window.requested.grant) else {
        return 0;
    };
    let now_ms = u64::try_from(now.wall_ms()).unwrap_or(0);
    let begun = grant.spans().filter(|span| span.start_ms <= now_ms).count();
    let last = begun.checked_sub(1);
    last.map_or(0, |span| register.windows.used(window.number, span))
}

impl Session {
    /// The windows that concern this session's subject, latest last; or all, where policy lets them.
    pub fn windows(&self, pending: bool, now: Now) -> Result<Vec<WindowRow>, NotDone> {
        self.stands(now)?;
        let broker = self.broker();
        let all = self.could(Action::ReadWindows, now);
        let register = broker.register();
        let reliance = broker.reliance();
        let shown_as = |window| row(reliance, &register, window, now);
        let windows = register.windows.iter().rev();
        let shown = windows
            .filter(|window| all || self.is_concerned(window))
            .map(shown_as);
        let shown = shown.filter(|row| !pending || awaits_approvers(row.state));
        let mut rows: Vec<WindowRow> = shown.take(WINDOWS_LISTED_MAX).collect();
        rows.reverse();
        Ok(rows)
    }

    /// One window. Of one that there is not, and of one that does not concern them, everybody learns
    /// the same.
    pub fn window(&self, number: u64, now: Now) -> Result<WindowRow, NotDone> {
        self.stands(now)?;
        let broker = self.broker();
        let all = self.could(Action::ReadWindows, now);
        let register = broker.register();
        let window = register.windows.numbered(number);
        let window = window.filter(|window| all || self.is_concerned(window));
        let window = window.ok_or(NotDone::NoWindow(number))?;
        Ok(row(broker.reliance(), &register, window, now))
    }

    /// Whether they asked for a window, or may sign it.
    fn is_concerned(&self, window: &KeptWindow) -> bool {
        let (requested, who) = (&window.requested, self.subject().as_str());
        let signs = || {
            let reliance = self.broker().reliance()?;
            let grant = Grant::read_unsigned(&requested.grant).ok()?;
            Some(reliance.named_in(&grant).contains(&who))
        };
        requested.by == who || signs().unwrap_or(false)
    }
}

/// Whether it may still come to something.
pub(super) const fn is_live(state: WindowState) -> bool {
    use WindowState as S;
    match state {
        S::Pending | S::Approved | S::Open | S::Exhausted | S::Short | S::Outdated => true,
        S::Refused | S::Lapsed | S::Withdrawn | S::Revoked | S::Over => false,
    }
}

const fn awaits_approvers(state: WindowState) -> bool {
    matches!(state, WindowState::Pending | WindowState::Short)
}
