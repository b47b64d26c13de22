//! A proof about one record: a file in C2SP's tlog-proof form that another machine can check with
//! the gateway's public key and nothing else.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use interlock_protocols::record::{Enclosed, Event, Record, kind};
use tlog_tiles::check_record;

use super::super::follow::Follower;
use super::super::reader::ReadError;
use super::super::storage::Storage;
use super::epoch;
use super::hash::{Hash, tile_bytes};
use super::history;
use super::key::VerifierKey;
use super::notary::CHECKPOINT;
use super::note::{Checkpoint, SignedCheckpoint};
use super::proving::prove_inclusion;
use super::tiles::TileStore;
use crate::limits::{CHECKPOINT_BEHIND_MAX_RECORDS, PROOF_MAX_BYTES, TREE_BATCH_RECORDS};
use crate::witness::{self, CosignerKey};

/// Why a proof cannot be made, or proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file cannot be read.
    #[error("the tree of the journal cannot be read: {0}")]
    Store(#[from] io::Error),
    /// There is no checkpoint.
    #[error("there is no checkpoint {0}; name a folder that the edge has signed")]
    NoCheckpoint(String),
    /// The record stands behind the checkpoint.
    #[error(
        "record {sequence} stands behind the checkpoint, which covers {size}; wait for the next, within a minute"
    )]
    NotYet {
        /// The record.
        sequence: u64,
        /// Records under the checkpoint.
        size: u64,
    },
    /// The record was removed, or never was.
    #[error("record {0} is not in the journal")]
    NoRecord(u64),
    /// The tiles do not give the root that was signed.
    #[error("the tiles do not match the checkpoint ({0}); `interlock journal verify` says where")]
    Tiles(String),
    /// A text that is no proof.
    #[error("this is no proof: {0}")]
    Malformed(String),
    /// A proof that proves nothing.
    #[error("the proof does not hold: {0}")]
    Fails(String),
}

impl ProofError {
    pub(super) fn malformed(what: impl ToString) -> ProofError {
        ProofError::Malformed(what.to_string())
    }

    fn fails(what: impl ToString) -> ProofError {
        ProofError::Fails(what.to_string())
    }
}

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Makes the proof that record `sequence` is in the log, under `note`: the last checkpoint, or one
/// with signatures of witnesses.
pub fn prove(
    storage: &dyn Storage,
    tiles: &dyn TileStore,
    sequence: u64,
    note: &SignedCheckpoint,
) -> Result<String, ProofError> {
    let size = note.checkpoint().size;
    if sequence > size {
        return Err(ProofError::NotYet { sequence, size });
    }
    let index = sequence
        .checked_sub(1)
        .ok_or(ProofError::NoRecord(sequence))?;
    let lines = Follower::of(storage.reader(), sequence)?.read(sequence, 1)?;
    let line = lines
        .first()
        .filter(|line| line.sequence == sequence)
        .ok_or(ProofError::NoRecord(sequence))?;
    let hashes = inclusion(tiles, note.checkpoint(), index, &line.bytes)?;
    let mut enclosed = Enclosed {
        record: line.bytes.clone(),
        ..Enclosed::default()
    };
    if let Some(started) = history::epoch_of(storage, size)? {
        enclosed.epoch_index = started.sequence.saturating_sub(1);
        let path = inclusion(
            tiles,
            note.checkpoint(),
            enclosed.epoch_index,
            &started.bytes,
        )?;
        enclosed.epoch_hashes = tile_bytes(&path);
        enclosed.epoch_record = started.bytes;
    }
    let extra = BASE64_STANDARD.encode(enclosed.encode());
    let path: String = hashes.iter().map(|hash| format!("{hash}\n")).collect();
    Ok(format!(
        "{HEADER}\nextra {extra}\nindex {index}\n{path}\n{}",
        note.text()
    ))
}

fn inclusion(
    tiles: &dyn TileStore,
    checkpoint: &Checkpoint,
    index: u64,
    record: &[u8],
) -> Result<Vec<Hash>, ProofError> {
    let path = prove_inclusion(tiles, index, checkpoint.size);
    let path = path.map_err(|error| ProofError::Tiles(error.to_string()))?;
    let path: Vec<Hash> = path.into_iter().map(Hash::from).collect();
    // Nothing that was read is known to be what was signed: so the proof is checked here as its
    // reader will.
    included(checkpoint, index, record, &path, "the record")
        .map_err(|error| ProofError::Tiles(error.to_string()))?;
    Ok(path)
}

/// What a proof has shown.
#[derive(Clone, PartialEq, Debug)]
pub struct Proven {
    /// The record, as the gateway wrote it.
    pub record: Record,
    /// The checkpoint that covers it.
    pub checkpoint: Checkpoint,
    /// The epoch whose key signed as well; `None` where the record that names that key was
    /// removed, so that the gateway's own key is all there is.
    pub epoch: Option<u64>,
    /// Which witnesses have seen it, and when, in seconds since 1970.
    pub witnesses: Vec<(String, u64)>,
}

/// Checks a proof with the gateway's key, and with those of witnesses that all must have seen
/// its checkpoint.
pub fn verify_proof(
    text: &str,
    key: &VerifierKey,
    witnesses: &[CosignerKey],
) -> Result<Proven, ProofError> {
    let Parts {
        enclosed,
        index,
        path,
        note_text,
    } = parts(text)?;
    let note = SignedCheckpoint::parse(note_text).map_err(ProofError::malformed)?;
    let checkpoint = note.checkpoint();
    judge_note(&note, key)?;
    included(checkpoint, index, &enclosed.record, &path, "the record")?;
    let record = Record::decode(&enclosed.record).map_err(ProofError::fails)?;
    if record.sequence.checked_sub(1) != Some(index) {
        return Err(ProofError::fails("the record has another sequence"));
    }
    Ok(Proven {
        epoch: epoch(&note, key, &enclosed)?,
        witnesses: cosigned(note_text, witnesses)?,
        checkpoint: checkpoint.clone(),
        record,
    })
}

/// The gateway signed it, for the log that its key is named after.
pub(super) fn judge_note(note: &SignedCheckpoint, key: &VerifierKey) -> Result<(), ProofError> {
    let origin = &note.checkpoint().origin;
    if origin != key.name() {
        return Err(ProofError::fails(format!(
            "it is about the log `{origin}`, and the key is that of `{}`",
            key.name()
        )));
    }
    if !note.is_signed_by(key) {
        return Err(ProofError::fails(
            "the checkpoint is not signed by the gateway's key",
        ));
    }
    Ok(())
}

/// The key of the epoch signed too, and a record in the same log says that it was its key.
fn epoch(
    note: &SignedCheckpoint,
    key: &VerifierKey,
    enclosed: &Enclosed,
) -> Result<Option<u64>, ProofError> {
    if enclosed.epoch_record.is_empty() {
        return Ok(None);
    }
    let path = Hash::of_tile(&enclosed.epoch_hashes)
        .ok_or_else(|| ProofError::malformed("its second path has no whole hashes"))?;
    let what = "the record of the epoch";
    included(
        note.checkpoint(),
        enclosed.epoch_index,
        &enclosed.epoch_record,
        &path,
        what,
    )?;
    let record = Record::decode(&enclosed.epoch_record).map_err(ProofError::fails)?;
    let Event::EpochStarted(started) = record.event else {
        return Err(ProofError::fails("no record of an epoch is enclosed"));
    };
    if let Some(fault) = epoch::fault(&started, key.name(), Some(key), None) {
        return Err(ProofError::fails(fault));
    }
    let verifier = epoch::verifier(key.name(), started.epoch, started.key);
    if !note.is_signed_by(&verifier) {
        return Err(ProofError::fails(format!(
            "the checkpoint is not signed by the key of epoch {}",
            started.epoch
        )));
    }
    Ok(Some(started.epoch))
}

fn cosigned(note: &str, witnesses: &[CosignerKey]) -> Result<Vec<(String, u64)>, ProofError> {
    let note = witness::SignedCheckpoint::parse(note.as_bytes()).map_err(ProofError::malformed)?;
    let seen = |witness: &CosignerKey| match note.cosigned_s(witness) {
        Some(time_s) => Ok((witness.name().to_owned(), time_s)),
        None => Err(ProofError::fails(format!(
            "the witness `{}` has not signed the checkpoint",
            witness.name()
        ))),
    };
    witnesses.iter().map(seen).collect()
}

fn included(
    checkpoint: &Checkpoint,
    index: u64,
    record: &[u8],
    path: &[Hash],
    what: &str,
) -> Result<(), ProofError> {
    let path = path.iter().copied().map(crate_hash).collect();
    let leaf = crate_hash(Hash::leaf(record));
    check_record(
        &path,
        checkpoint.size,
        crate_hash(checkpoint.root),
        index,
        leaf,
    )
    .map_err(|_| ProofError::Fails(format!("{what} is not in the log that was signed")))
}

struct Parts<'a> {
    enclosed: Enclosed,
    index: u64,
    path: Vec<Hash>,
    note_text: &'a str,
}

fn parts(text: &str) -> Result<Parts<'_>, ProofError> {
    if text.len() > PROOF_MAX_BYTES {
        return Err(ProofError::malformed("it is too long"));
    }
    let Some((head, note_text)) = text.split_once("\n\n") else {
        return Err(ProofError::malformed("it has no checkpoint"));
    };
    let mut lines = head.lines();
    if lines.next() != Some(HEADER) {
        return Err(ProofError::malformed(format!(
            "it does not begin with {HEADER}"
        )));
    }
    let extra = lines.next().and_then(|line| line.strip_prefix("extra "));
    let extra = extra.and_then(|extra| BASE64_STANDARD.decode(extra).ok());
    let extra = extra.ok_or_else(|| ProofError::malformed("it encloses no record"))?;
    let enclosed = Enclosed::decode(&extra).map_err(ProofError::malformed)?;
    let index = lines.next().and_then(|line| line.strip_prefix("index "));
    let index = index.and_then(|index| index.parse().ok());
    let index = index.ok_or_else(|| ProofError::malformed("it has no index"))?;
    let path = lines.map(Hash::parse).collect::<Option<_>>();
    Ok(Parts {
        enclosed,
        index,
        path: path.ok_or_else(|| ProofError::malformed("a line of its path is no hash"))?,
        note_text,
    })
}

/// The checkpoint of `size` that is in the journal, or the last one.
pub fn checkpoint_of(
    storage: &dyn Storage,
    tiles: &dyn TileStore,
    size: Option<u64>,
) -> Result<SignedCheckpoint, ProofError> {
    if let Some(bytes) = tiles.read(CHECKPOINT)?
        && let Ok(note) = SignedCheckpoint::parse(&String::from_utf8_lossy(&bytes))
        && size.is_none_or(|size| note.checkpoint().size == size)
    {
        return Ok(note);
    }
    let Some(size) = size else {
        return Err(ProofError::NoCheckpoint("in this folder".into()));
    };
    let none = || ProofError::NoCheckpoint(format!("of {size} records in the journal"));
    let through = size.saturating_add(CHECKPOINT_BEHIND_MAX_RECORDS);
    let mut follower = Follower::of(storage.reader(), size.saturating_add(1))?;
    loop {
        let lines = follower.read(through, TREE_BATCH_RECORDS)?;
        if lines.is_empty() {
            return Err(none());
        }
        for line in lines.iter().filter(|line| line.kind == kind::CHECKPOINTED) {
            if let Ok(Record {
                event: Event::Checkpointed(checkpointed),
                ..
            }) = Record::decode(&line.bytes)
                && let Ok(note) = SignedCheckpoint::parse(&checkpointed.note)
                && note.checkpoint().size == size
            {
                return Ok(note);
            }
        }
    }
}

pub(super) fn crate_hash(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(*hash.bytes())
}
