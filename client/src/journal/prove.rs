//! `interlock journal prove`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use interlock_broker::journal::tree::{
    ProofError, SignedCheckpoint, TileFolder, checkpoint_of, prove,
};
use interlock_broker::journal::{Directory, Storage};

use super::unreadable;
use super::verify;
use crate::failure::{Failure, Kind};
use crate::screen;

/// Write a proof that one record is in the gateway's log, for somebody who has no access to it
///
/// The proof holds the record, the path from it to the root that the gateway signed, and the signed
/// checkpoint; `interlock journal verify-proof` checks it with the gateway's public key alone.
#[derive(Debug, Args)]
pub(super) struct Prove {
    /// The record
    #[arg(value_name = "SEQUENCE")]
    sequence: u64,
    /// Folder of the journal
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Where to write it, by custom with the ending .tlog-proof; without it to the standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A checkpoint to prove under instead of the folder's own: one that witnesses have signed too
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

pub(super) fn run(asked: &Prove) -> Result<(), Failure> {
    let note = match &asked.checkpoint {
        Some(path) => verify::checkpoint(path)?,
        None => own(&asked.dir, None)?,
    };
    let (storage, tiles) = open(&asked.dir);
    let text = prove(storage.as_ref(), &tiles, asked.sequence, &note)
        .map_err(|error| failed(&asked.dir, &error))?;
    write(asked.out.as_deref(), &text)
}

/// Writes a proof for each of these records into a folder, all under one checkpoint; gives how many
/// records that covers.
pub(crate) fn prove_each(
    dir: &Path,
    checkpoint: Option<&Path>,
    sequences: &BTreeSet<u64>,
    out: &Path,
) -> Result<u64, Failure> {
    let note = match checkpoint {
        Some(path) => verify::checkpoint(path)?,
        None => own(dir, None)?,
    };
    std::fs::create_dir_all(out).map_err(|error| unwritten(out, &error))?;
    let (storage, tiles) = open(dir);
    for sequence in sequences {
        let text = prove(storage.as_ref(), &tiles, *sequence, &note)
            .map_err(|error| failed(dir, &error))?;
        write(
            Some(&out.join(format!("record-{sequence}.tlog-proof"))),
            &text,
        )?;
    }
    Ok(note.checkpoint().size)
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    let what = format!("{} cannot be written: {error}", path.display());
    Failure::new(Kind::Failed, what, "")
}

/// The folder's checkpoint of this size, or its last one.
pub(super) fn own(dir: &Path, size: Option<u64>) -> Result<SignedCheckpoint, Failure> {
    let (storage, tiles) = open(dir);
    checkpoint_of(storage.as_ref(), &tiles, size).map_err(|error| failed(dir, &error))
}

pub(super) fn open(dir: &Path) -> (Box<dyn Storage>, TileFolder) {
    let storage: Box<dyn Storage> = Box::new(Directory::read_only(dir));
    (storage, TileFolder::read_only(dir))
}

/// Writes to a file or, without one, prints.
pub(super) fn write(out: Option<&Path>, text: &str) -> Result<(), Failure> {
    let Some(path) = out else {
        return screen::data(text);
    };
    std::fs::write(path, text).map_err(|error| unwritten(path, &error))
}

/// Whose fault it is that there is no proof, or that one does not hold.
pub(super) fn failed(dir: &Path, error: &ProofError) -> Failure {
    match error {
        ProofError::Read(error) => unreadable(dir, error),
        ProofError::Store(_) => Failure::new(
            Kind::Configuration,
            error.to_string(),
            "name the journal's folder, and read it as a user who may",
        ),
        ProofError::Malformed(_) => Failure::new(
            Kind::Configuration,
            error.to_string(),
            "name a file that `interlock journal` has written",
        ),
        ProofError::NotYet { .. }
        | ProofError::NoRecord(_)
        | ProofError::NoCheckpoint(_)
        | ProofError::Tiles(_) => Failure::new(Kind::Failed, error.to_string(), ""),
        ProofError::Fails(_) => Failure::new(
            Kind::Failed,
            error.to_string(),
            "do not rely on it; ask where it came from",
        ),
    }
}
