//! What somebody wants to do, as policy names it.

use interlock_protocols::modbus::FunctionCode;
use std::fmt;

/// An act that policy decides.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// A Modbus function; for diagnostics, the sub-functions that change nothing.
    Function(FunctionCode),
    /// The sub-functions of diagnostics that change something in the device.
    ControlDiagnostics,
    /// To see a device and open a conversation with it.
    Connect,
    /// To put another policy in force.
    ActivatePolicy,
    /// To read the journal.
    ReadJournal,
    /// To see how the gateway is doing.
    ReadStatus,
    /// To accept that the journal is behind what others know of it.
    AcceptJournal,
    /// To let somebody enrol, and to withdraw that.
    Invite,
    /// To confirm the key of a machine that waits to be enrolled.
    ConfirmEnrolment,
    /// To see who is enrolled.
    ReadIdentities,
    /// To see which sessions are open, and what was taken away from whom.
    ReadSessions,
    /// To take everything away from somebody.
    Revoke,
    /// To let nothing with effect pass to devices.
    Freeze,
    /// To let nothing at all pass to devices.
    Isolate,
    /// To leave a session nothing but reading.
    Downgrade,
    /// To give back what was taken away.
    Reinstate,
    /// To ask for a maintenance window on a device.
    RequestWindow,
    /// To approve or refuse a window that somebody asked for.
    ApproveWindow,
    /// To see windows, and what was asked of whom.
    ReadWindows,
    /// To see what is done to a device, as it is done.
    Watch,
    /// To be the one whose watching a window waits for, and to say yes to what is held.
    Supervise,
}

impl Action {
    /// The acts that are no Modbus function.
    const OTHERS: [Action; 20] = [
        Action::ControlDiagnostics,
        Action::Connect,
        Action::ActivatePolicy,
        Action::ReadJournal,
        Action::ReadStatus,
        Action::AcceptJournal,
        Action::Invite,
        Action::ConfirmEnrolment,
        Action::ReadIdentities,
        Action::ReadSessions,
        Action::Revoke,
        Action::Freeze,
        Action::Isolate,
        Action::Downgrade,
        Action::Reinstate,
        Action::RequestWindow,
        Action::ApproveWindow,
        Action::ReadWindows,
        Action::Watch,
        Action::Supervise,
    ];

    /// The acts that are no Modbus function, under their names.
    pub(super) fn others() -> [(&'static str, Action); 20] {
        Action::OTHERS.map(|action| (action.name(), action))
    }

    /// Every act there is.
    pub fn all() -> impl Iterator<Item = Action> {
        FunctionCode::ALL
            .into_iter()
            .map(Action::Function)
            .chain(Action::OTHERS)
    }

    /// The act that a request is. `has_effect` matters for diagnostics alone: some of its
    /// sub-functions restart or silence a device, and nobody may do that because he may look.
    pub const fn of(function: FunctionCode, has_effect: bool) -> Action {
        match function {
            FunctionCode::Diagnostics if has_effect => Action::ControlDiagnostics,
            _ => Action::Function(function),
        }
    }

    /// The name in policy, logs and screens.
    pub const fn name(self) -> &'static str {
        match self {
            Action::Function(function) => function.name(),
            Action::ControlDiagnostics => "control-diagnostics",
            Action::Connect => "connect",
            Action::ActivatePolicy => "activate-policy",
            Action::ReadJournal => "read-journal",
            Action::ReadStatus => "read-status",
            Action::AcceptJournal => "accept-journal",
            Action::Invite => "invite",
            Action::ConfirmEnrolment => "confirm-enrolment",
            Action::ReadIdentities => "read-identities",
            Action::ReadSessions => "read-sessions",
            Action::Revoke => "revoke",
            Action::Freeze => "freeze",
            Action::Isolate => "isolate",
            Action::Downgrade => "downgrade",
            Action::Reinstate => "reinstate",
            Action::RequestWindow => "request-window",
            Action::ApproveWindow => "approve-window",
            Action::ReadWindows => "read-windows",
            Action::Watch => "watch",
            Action::Supervise => "supervise",
        }
    }

    /// The reverse of [`Action::name`].
    pub fn from_name(name: &str) -> Option<Action> {
        Action::all().find(|action| action.name() == name)
    }

    /// The group of actions that the schema must put it in. The rules of a plant rest on what
    /// these groups mean, so a schema that says otherwise is refused.
    pub const fn group(self) -> Option<&'static str> {
        use FunctionCode as F;
        match self {
            Action::Function(
                F::ReadCoils
                | F::ReadDiscreteInputs
                | F::ReadHoldingRegisters
                | F::ReadInputRegisters
                | F::ReadFileRecord
                | F::ReadFifoQueue,
            ) => Some("read"),
            Action::Function(
                F::WriteSingleCoil
                | F::WriteSingleRegister
                | F::WriteMultipleCoils
                | F::WriteMultipleRegisters
                | F::WriteFileRecord
                | F::MaskWriteRegister
                // Were it in `read` as well, whoever may read could pass it on that alone.
                | F::ReadWriteMultipleRegisters,
            ) => Some("write"),
            Action::Function(
                F::ReadExceptionStatus
                | F::Diagnostics
                | F::CommEventCounter
                | F::CommEventLog
                | F::ReportServerId
                | F::ReadDeviceIdentification,
            ) => Some("diagnose"),
            Action::ControlDiagnostics => Some("program"),
            Action::ActivatePolicy
            | Action::ReadJournal
            | Action::ReadStatus
            | Action::AcceptJournal
            | Action::Invite
            | Action::ConfirmEnrolment
            | Action::ReadIdentities
            | Action::ReadSessions
            | Action::Revoke
            | Action::Freeze
            | Action::Isolate
            | Action::Downgrade
            | Action::Reinstate
            | Action::RequestWindow
            | Action::ApproveWindow
            | Action::ReadWindows
            | Action::Watch
            | Action::Supervise => Some("administer"),
            // Who may administer the broker needs no way to a controller.
            Action::Connect => None,
        }
    }

    /// Whether it is done to a device, and not to the site.
    pub const fn is_on_device(self) -> bool {
        matches!(
            self,
            Action::Function(_)
                | Action::ControlDiagnostics
                | Action::Connect
                | Action::RequestWindow
                | Action::ApproveWindow
                | Action::Watch
                | Action::Supervise
        )
    }

    /// Whether it waits for a clock that is believed, as commands with effect do. What only shows
    /// something, or takes something away, does not.
    pub const fn needs_time(self) -> bool {
        match self {
            Action::ActivatePolicy
            | Action::AcceptJournal
            | Action::Invite
            | Action::ConfirmEnrolment
            | Action::Reinstate
            | Action::RequestWindow
            | Action::ApproveWindow => true,
            // Commands are judged by whether they have an effect.
            Action::Function(_)
            | Action::ControlDiagnostics
            | Action::Connect
            | Action::ReadJournal
            | Action::ReadStatus
            | Action::ReadIdentities
            | Action::ReadSessions
            | Action::Revoke
            | Action::Freeze
            | Action::Isolate
            | Action::Downgrade
            | Action::ReadWindows
            | Action::Watch
            | Action::Supervise => false,
        }
    }

    /// Whether it is a Modbus command, and so has the facts of one.
    pub const fn is_command(self) -> bool {
        matches!(self, Action::Function(_) | Action::ControlDiagnostics)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back() {
        let all: Vec<Action> = Action::all().collect();
        assert_eq!(all.len(), 39);
        for action in all {
            assert_eq!(Action::from_name(action.name()), Some(action));
        }
        assert_eq!(Action::from_name("read"), None);
    }

    #[test]
    fn diagnostics_with_effect_is_another_action() {
        let diagnostics = FunctionCode::Diagnostics;
        assert_eq!(Action::of(diagnostics, false).group(), Some("diagnose"));
        assert_eq!(Action::of(diagnostics, true), Action::ControlDiagnostics);
        let write = FunctionCode::WriteSingleCoil;
        assert_eq!(Action::of(write, true), Action::Function(write));
    }

    #[test]
    fn functions_are_in_the_groups_that_the_standard_suggests() {
        let group = |code| Action::of(FunctionCode::from_code(code).unwrap(), false).group();
        for code in [1, 2, 3, 4, 20, 24] {
            assert_eq!(group(code), Some("read"), "{code}");
        }
        for code in [5, 6, 15, 16, 21, 22, 23] {
            assert_eq!(group(code), Some("write"), "{code}");
        }
        for code in [7, 8, 11, 12, 17, 43] {
            assert_eq!(group(code), Some("diagnose"), "{code}");
        }
    }
}
