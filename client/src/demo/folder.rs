//! A temporary folder of the demo's own.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// A folder that only its owner may enter, removed with all in it when this is dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

/// Names that may be taken before something else must be wrong.
const TRIES: usize = 16;

impl Folder {
    /// Makes one where this machine keeps temporary files.
    pub(super) fn make() -> io::Result<Folder> {
        let place = std::env::temp_dir();
        let mut tries = 0;
        loop {
            tries += 1;
            // Short: it is part of what a person copies into another terminal.
            let name: String = (0..4).map(|_| fastrand::lowercase()).collect();
            let path = place.join(format!("interlock-demo-{name}"));
            // Making it fails where somebody else made it before us, so that keys never land in
            // a folder that others may enter.
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Folder(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => {}
                Err(error) => {
                    let what = format!("{}: {error}", path.display());
                    return Err(io::Error::new(error.kind(), what));
                }
            }
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "the demo's folder stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn it_is_private_and_goes_with_all_that_is_in_it() {
        let folder = Folder::make().unwrap();
        let path = folder.path().to_owned();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::create_dir(path.join("site")).unwrap();
        fs::write(path.join("site/key"), "key").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
