//! What the witness cosigned last, in a file beside the journal.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use interlock_broker::witness::{CosignerKey, SignedCheckpoint};

use crate::limits::WITNESS_ANSWER_MAX_BYTES;

pub(super) const FILE: &str = "cosigned";

/// Reads it; gives the time of its cosignature as well. One of another witness is none.
pub(super) fn read(dir: &Path, key: &CosignerKey) -> io::Result<Option<(SignedCheckpoint, u64)>> {
    let file = match File::open(dir.join(FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    let most = u64::try_from(2 * WITNESS_ANSWER_MAX_BYTES).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut bytes)?;
    let checkpoint = SignedCheckpoint::parse(&bytes).map_err(io::Error::other)?;
    let time_s = checkpoint.cosigned_s(key);
    Ok(time_s.map(|time_s| (checkpoint, time_s)))
}

/// Replaces it, so that at every moment there is one that is whole.
pub(super) fn write(dir: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = dir.join(format!("{FILE}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, dir.join(FILE))?;
    File::open(dir)?.sync_all()
}
