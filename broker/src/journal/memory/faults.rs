//! Which calls of the disk in memory fail.

use std::io;

/// What the journal asks of a disk that can fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// Bytes of a segment are written.
    Write,
    /// What was written is flushed.
    Sync,
    /// A segment is made.
    Create,
    /// A segment is deleted.
    Remove,
    /// The free space is asked for.
    Free,
}

impl Call {
    /// Every one.
    pub const ALL: [Call; 5] = [
        Call::Write,
        Call::Sync,
        Call::Create,
        Call::Remove,
        Call::Free,
    ];
}

#[derive(Default)]
pub(super) struct Faults {
    /// Calls that still succeed, of this kind or of all.
    pub(super) left: Option<(Option<Call>, u64)>,
    pub(super) error: Option<io::ErrorKind>,
    pub(super) read_only: bool,
    /// So far, those that ask for the free space not counted.
    pub(super) calls: u64,
    /// Of those, how many failed; those that ask for the free space are counted here.
    pub(super) failed: u64,
}

impl Faults {
    pub(super) fn heal(&mut self) {
        self.left = None;
        self.error = None;
        self.read_only = false;
    }

    /// Counts a call and says whether it is one that fails.
    pub(super) fn call(&mut self, call: Call) -> io::Result<()> {
        self.calls += u64::from(call != Call::Free);
        let fails = match &mut self.left {
            Some((only, left)) if only.is_none_or(|only| only == call) => {
                let fails = *left == 0 && (only.is_some() || call != Call::Free);
                *left = left.saturating_sub(u64::from(call != Call::Free || only.is_some()));
                fails
            }
            _ => false,
        };
        let kind = match self.error {
            Some(kind) => kind,
            None => io::ErrorKind::Other,
        };
        let refused = self.read_only && call != Call::Free;
        if refused {
            self.failed += 1;
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        if fails {
            self.failed += 1;
            return Err(io::Error::new(kind, "the disk fails as it was told to"));
        }
        Ok(())
    }
}
