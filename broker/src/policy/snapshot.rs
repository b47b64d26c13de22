//! Policies that were activated, kept so that a restart finds exactly what was in force,
//! whatever was edited since. One directory each, named by its digest.

use super::bundle::Bundle;
use crate::digits::hex;
use crate::finding::Finding;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

impl Bundle {
    /// Keeps the bundle below `snapshots` and returns its directory. When this returns it is on
    /// disk whole: the files are written beside, flushed, and only then given their name.
    pub fn store(&self, snapshots: &Path) -> io::Result<PathBuf> {
        let digest = self.digest();
        let kept = snapshots.join(hex(&digest));
        fs::create_dir_all(snapshots)?;
        let above = snapshots.parent().filter(|above| above.is_dir());
        above.map(sync_dir).transpose()?;
        if Bundle::load_snapshot(snapshots, &digest).is_ok() {
            // It may have been renamed just before a crash, its name not yet flushed.
            sync_dir(snapshots)?;
            return Ok(kept);
        }
        // What is there under this name is not what it says; it helps nobody.
        remove(&kept)?;
        let beside = snapshots.join(format!(".{}.{}", hex(&digest), std::process::id()));
        remove(&beside)?;
        self.write_below(&beside)?;
        fs::rename(&beside, &kept)?;
        sync_dir(snapshots)?;
        Ok(kept)
    }

    /// Loads the bundle that was kept under this digest, and checks that it still is that one.
    pub fn load_snapshot(snapshots: &Path, digest: &[u8; 32]) -> Result<Bundle, Vec<Finding>> {
        let dir = snapshots.join(hex(digest));
        let bundle = Bundle::load(&dir)?;
        let found = bundle.digest();
        if found == *digest {
            return Ok(bundle);
        }
        Err(vec![Finding::of_file(
            &dir,
            format!(
                "this is not the policy that was activated: its digest is {}",
                hex(&found)
            ),
            "somebody changed it after its activation; restore it, or activate a policy again",
        )])
    }

    fn write_below(&self, dir: &Path) -> io::Result<()> {
        let cases = dir.join("tests");
        fs::create_dir_all(&cases)?;
        for (name, text) in self.files() {
            let mut file = File::create(dir.join(name))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
        sync_dir(&cases)?;
        sync_dir(dir)
    }
}

fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
