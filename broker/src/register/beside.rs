//! The register in a file beside the journal, for the day on which that cannot be read: without
//! it, whoever was revoked would come in again on that day.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};

use super::Register;

/// Begins the file; the number is the version of what follows.
const MAGIC: &[u8; 8] = b"ILREG\0\0\x01";
const HASH_BYTES: usize = 32;

/// Replaces the file, so that at every moment there is one that is whole.
pub fn write_beside(path: &Path, register: &Register) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(folder)?;
    let mut bytes = register.through().to_be_bytes().to_vec();
    for part in register.to_parts() {
        let length = u32::try_from(part.len()).map_err(io::Error::other)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&part);
    }
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(MAGIC)?;
    file.write_all(digest(&SHA256, &bytes).as_ref())?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

/// Reads it; nothing if there is no file.
pub fn read_beside(path: &Path) -> io::Result<Option<Register>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "it is not what was written");
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(broken)?;
    let (hash, rest) = rest
        .split_first_chunk::<HASH_BYTES>()
        .filter(|(hash, rest)| digest(&SHA256, rest).as_ref() == *hash)
        .ok_or_else(broken)?;
    debug_assert_eq!(hash.len(), HASH_BYTES);
    let (through, mut rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
    let mut parts = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(io::Error::other)?;
        let (part, behind) = behind.split_at_checked(length).ok_or_else(broken)?;
        parts.push(part);
        rest = behind;
    }
    let register = Register::of_parts(u64::from_be_bytes(*through), parts);
    register.map(Some).map_err(io::Error::other)
}
