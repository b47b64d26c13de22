//! Why a command failed, whose fault that is, what to do next, and the exit code it ends with.

use std::fmt;
use std::io;

/// All is well.
pub const EXIT_OK: u8 = 0;
/// It was tried and did not work.
pub const EXIT_FAILURE: u8 = 1;
/// The command line cannot be understood.
pub const EXIT_USAGE: u8 = 2;
/// A rule or a limit of the plant refused it.
pub const EXIT_DENIED: u8 = 3;
/// The gateway does not know this certificate, or it has ended; or the gateway itself could not
/// show who it is.
pub const EXIT_NOT_AUTHENTICATED: u8 = 4;
/// The gateway, or the device behind it, cannot be reached.
pub const EXIT_UNREACHABLE: u8 = 6;
/// The profile, or a file it names, is missing or wrong; or a local address is taken.
pub const EXIT_CONFIGURATION: u8 = 7;

/// What `--help` says of the exit codes.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  tried, and it did not work (a device refused, a journal is damaged)
  2  the command line cannot be understood
  3  denied by a rule or a limit of the plant
  4  not authenticated: the certificate is unknown or has ended, or the gateway is not the one
     that the profile trusts
  6  the gateway or the device cannot be reached
  7  the profile or a file is missing or wrong, or a local address is taken

Data goes to stdout, words to stderr. RUST_LOG=interlock=debug shows more; NO_COLOR is respected.";

/// The kinds of failure, one for each exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Tried, and did not work.
    Failed,
    /// Not understood.
    Usage,
    /// Refused by a rule or a limit.
    Denied,
    /// One of the two sides could not show who it is.
    NotAuthenticated,
    /// Nobody there.
    Unreachable,
    /// The person's own files or machine.
    Configuration,
}

impl Kind {
    /// The exit code.
    pub const fn exit_code(self) -> u8 {
        match self {
            Kind::Failed => EXIT_FAILURE,
            Kind::Usage => EXIT_USAGE,
            Kind::Denied => EXIT_DENIED,
            Kind::NotAuthenticated => EXIT_NOT_AUTHENTICATED,
            Kind::Unreachable => EXIT_UNREACHABLE,
            Kind::Configuration => EXIT_CONFIGURATION,
        }
    }
}

/// A failure as a person is told it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    kind: Kind,
    what: String,
    next: String,
}

impl Failure {
    /// What happened, and what to do next (empty where nothing can be done).
    pub fn new(kind: Kind, what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure {
            kind,
            what: what.into(),
            next: next.into(),
        }
    }

    /// The kind, which is the exit code.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do next.
    pub fn next(&self) -> &str {
        &self.next
    }

    /// A failure to write the data that was asked for.
    pub(crate) fn of_stdout(error: &io::Error) -> Failure {
        Failure::new(
            Kind::Failed,
            format!("the output could not be written: {error}"),
            "",
        )
    }

    /// A fault of this program, or of the edge it talks to.
    pub(crate) fn of_program(what: impl fmt::Display) -> Failure {
        Failure::new(
            Kind::Failed,
            what.to_string(),
            "this is a fault of Interlock and not yours: please report it",
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.next.is_empty() {
            write!(f, "\n  next: {}", self.next)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scripts depend on these numbers: they are what the help says, and none is used twice.
    #[test]
    fn exit_codes_are_those_of_the_help() {
        let all = [
            (Kind::Failed, 1),
            (Kind::Usage, 2),
            (Kind::Denied, 3),
            (Kind::NotAuthenticated, 4),
            (Kind::Unreachable, 6),
            (Kind::Configuration, 7),
        ];
        for (kind, code) in all {
            assert_eq!(kind.exit_code(), code);
            let line = format!("\n  {code}  ");
            assert!(EXIT_CODES.contains(&line), "{code} is not in the help");
        }
    }

    #[test]
    fn a_failure_says_what_and_what_next() {
        let failure = Failure::new(Kind::Denied, "no", "ask");
        assert_eq!(failure.to_string(), "no\n  next: ask");
        assert_eq!(Failure::new(Kind::Denied, "no", "").to_string(), "no");
    }
}
