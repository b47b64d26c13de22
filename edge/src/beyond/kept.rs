//! What is beyond the journal, in a file beside it: whoever said so may be gone or changed at the
//! next start, and switching the edge off and on is no acceptance.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use interlock_protocols::record::Ahead;

/// Reads what an earlier run left open; nothing if it left no file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<Ahead>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let line = |line: &str| {
        let (through, what) = line.split_once(' ')?;
        let through = through.parse().ok()?;
        Some(Ahead {
            what: what.to_owned(),
            through,
        })
    };
    let lines: Option<Vec<Ahead>> = text.lines().map(line).collect();
    lines.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is not what was written"))
}

/// Replaces it, so that at every moment there is one that is whole; nothing open is no file.
pub(crate) fn write(path: &Path, open: &[Ahead]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if open.is_empty() {
        return match fs::remove_file(path) {
            Ok(()) => File::open(folder)?.sync_all(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
    }
    DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(folder)?;
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    for ahead in open {
        writeln!(file, "{} {}", ahead.through, ahead.what)?;
    }
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_open_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/beyond");
        assert_eq!(read(&path).unwrap(), []);
        write(&path, &[]).unwrap();
        let open = [("sink the siem", 7), ("witness", u64::MAX)].map(|(what, through)| Ahead {
            what: what.to_owned(),
            through,
        });
        write(&path, &open).unwrap();
        assert_eq!(read(&path).unwrap(), open);
        write(&path, &[]).unwrap();
        assert!(!path.exists());
        fs::write(&path, "seven witness\n").unwrap();
        assert!(read(&path).is_err());
    }
}
