//! What an answer of the witness means. Pure.

use interlock_broker::witness::{CosignerKey, SignedCheckpoint, is_consistent};

/// What the witness answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Reply {
    /// Lines that cosign.
    Cosigned(Vec<u8>),
    /// Its last checkpoint has this size.
    At(u64),
    /// The proof does not hold for it.
    Unproven,
    /// Something else, in words.
    Refused(String),
}

/// What follows from an answer.
#[derive(Debug)]
pub(super) enum Next {
    /// It is cosigned, at this time in seconds.
    Cosigned(SignedCheckpoint, u64),
    /// Submit again with a proof from this size.
    From(u64),
    /// The witness knows more records than there are.
    Ahead(u64),
    /// The witness knows other records than there are, up to this size.
    Forked(u64),
    /// Nothing was achieved.
    Failed(String),
}

/// What the answer means to whoever submitted `checkpoint` with a proof from `old`.
pub(super) fn next(
    checkpoint: &SignedCheckpoint,
    old: u64,
    reply: Reply,
    key: &CosignerKey,
) -> Next {
    match reply {
        Reply::Cosigned(lines) => match checkpoint.with_cosignature(&lines, key) {
            Ok(cosigned) => match cosigned.cosigned_s(key) {
                Some(time_s) => Next::Cosigned(cosigned, time_s),
                None => Next::Failed("its cosignature has no time".into()),
            },
            Err(error) => Next::Failed(format!(
                "its answer is no cosignature with the key in edge.toml: {error}"
            )),
        },
        Reply::At(size) if size > checkpoint.size() => Next::Ahead(size),
        Reply::At(size) if size != old => Next::From(size),
        // It is where we began, and still will not have what follows: the same size, another tree.
        Reply::At(size) if size == checkpoint.size() => Next::Forked(size),
        Reply::At(size) => Next::Failed(format!(
            "it says that it is at {size} records, from where the proof began"
        )),
        Reply::Unproven if old == 0 => {
            Next::Failed("it wants a proof where there is nothing to prove".into())
        }
        Reply::Unproven => Next::Forked(old),
        Reply::Refused(why) => Next::Failed(why),
    }
}

/// How a new checkpoint stands to the one that was cosigned last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Local {
    /// It holds all of it.
    Holds,
    /// It has fewer records.
    Cut,
    /// It has others.
    Changed,
}

/// Compares the two by the proof from the one to the other.
pub(super) fn local(
    cosigned: &SignedCheckpoint,
    new: &SignedCheckpoint,
    proof: &[[u8; 32]],
) -> Local {
    let (old_tree, new_tree) = ((cosigned.size(), cosigned.root()), (new.size(), new.root()));
    if cosigned.size() > new.size() {
        Local::Cut
    } else if cosigned.origin() == new.origin() && is_consistent(old_tree, new_tree, proof) {
        Local::Holds
    } else {
        Local::Changed
    }
}
