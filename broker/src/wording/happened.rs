//! What happened to identities, sessions and the clock, as a sentence without a full stop.

use interlock_protocols::record::{Event, Measure, PostureChanged, Restricted, Scope};

use crate::subject::path;

/// The sentence; nothing for events that have words of their own elsewhere.
pub fn happened(event: &Event) -> Option<String> {
    Some(match event {
        Event::Invited(it) => {
            let groups = match it.groups.as_slice() {
                [] => String::new(),
                groups => format!(" into [{}]", groups.join(", ")),
            };
            format!("{} invited {}{groups}", path(&it.by), path(&it.subject))
        }
        Event::InvitationClosed(it) => {
            format!("invitation {} was closed: {}", it.invitation, it.reason)
        }
        Event::EnrolmentAsked(it) => format!(
            "{} waits to be confirmed on {} with the device key {}",
            path(&it.subject),
            it.machine,
            fingerprint(&it.device_key)
        ),
        Event::Enrolled(it) => format!(
            "{} enrolled on {} with the device key {} ({}){}",
            path(&it.enrolment.subject),
            it.enrolment.machine,
            fingerprint(&it.enrolment.device_key),
            it.enrolment.device_protection.name(),
            it.confirmed_by
                .as_ref()
                .map_or_else(String::new, |by| { format!(", confirmed by {}", path(by)) })
        ),
        Event::CertificateIssued(it) => format!(
            "certificate {} was issued to {} ({})",
            fingerprint(&it.certificate),
            path(&it.subject),
            it.auth.name()
        ),
        Event::Restricted(it) => restricted(it),
        Event::Reinstated(it) => format!(
            "{} lifted restriction {}: {}",
            path(&it.by),
            it.restriction,
            it.reason
        ),
        Event::PostureChanged(it) => posture(it),
        Event::Asserted(it) => format!("{} showed that they are there", path(&it.subject)),
        Event::ClockDoubted(it) => format!(
            "the system clock is not believed: it is {} s away from what was counted",
            (it.system_ms - it.counted_ms) / 1_000
        ),
        Event::ClockAccepted(it) => {
            format!("{} accepted the system clock: {}", it.by, it.reason)
        }
        Event::RegisterKept(it) => format!(
            "the register of identities was kept, part {} of {}",
            it.part + 1,
            it.parts
        ),
        Event::TrustTakenUp(it) => format!("{} took effect (number {})", it.what, it.serial),
        Event::WindowRequested(it) => format!("{} asks for a window: {}", path(&it.by), it.reason),
        Event::WindowApproved(it) => format!("{} approved window {}", path(&it.by), it.window),
        Event::WindowRefused(it) => {
            format!(
                "{} refused window {}: {}",
                path(&it.by),
                it.window,
                it.comment
            )
        }
        Event::WindowEnded(it) => format!("window {} is {}", it.window, it.end.name()),
        Event::WatchOpened(it) => {
            let what = match it.watched {
                Some(session) => format!("session {session}"),
                None => format!("device {}", it.device),
            };
            format!("{} watches {what}", path(&it.subject))
        }
        Event::WatchEnded(it) => {
            format!("{} watches no longer: {}", path(&it.subject), it.reason)
        }
        Event::HoldAnswered(it) => format!(
            "{} said {} to a command of session {} at {}",
            path(&it.by),
            if it.yes { "yes" } else { "no" },
            it.held,
            it.device
        ),
        Event::WriterTaken(it) => {
            let from = match it.from {
                Some(session) => format!(
                    ", taken from {} in session {session}",
                    path(&it.from_subject)
                ),
                None => String::new(),
            };
            format!("{} alone writes to {}{from}", path(&it.subject), it.device)
        }
        Event::BreakGlassOpened(it) => format!("{} broke the glass: {}", path(&it.by), it.reason),
        Event::BreakGlassEnded(it) => format!(
            "break-glass is over: {}; it let {} commands with effect pass",
            it.reason, it.writes
        ),
        _ => return None,
    })
}

/// A scope as commands name it.
pub fn scope(scope: &Scope) -> String {
    match scope {
        Scope::Subject(subject) => format!("subject {}", path(subject)),
        Scope::Machine(key) => format!("machine {}", fingerprint(key)),
        Scope::Session(session) => format!("session {session}"),
        Scope::Window(window) => format!("window {window}"),
        Scope::AllVendors => "all vendors".to_owned(),
        Scope::Device(device) => format!("device {device}"),
        Scope::Zone(zone) => format!("zone {zone}"),
        Scope::Site => "the site".to_owned(),
    }
}

fn restricted(it: &Restricted) -> String {
    let done = match it.measure {
        Measure::Revoke => "revoked",
        Measure::Freeze => "froze",
        Measure::Isolate => "isolated",
        Measure::Downgrade => "downgraded",
    };
    let by = path(&it.by);
    format!("{by} {done} {}: {}", scope(&it.scope), it.reason)
}

fn posture(it: &PostureChanged) -> String {
    match (&it.source, &it.posture) {
        (Some(source), Some(posture)) => format!(
            "the machine of {} was looked at by {} ({})",
            path(&it.subject),
            match source.name() {
                "self" => "itself".to_owned(),
                _ => it.signer.clone(),
            },
            posture.os_version
        ),
        _ => format!(
            "nothing recent is known of the machine of {}",
            path(&it.subject)
        ),
    }
}

/// The first 16 hex digits: enough to tell keys apart on a screen.
fn fingerprint(hash: &[u8; 32]) -> String {
    hash.iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
