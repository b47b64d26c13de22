//! A folder of a test's own.

use std::path::{Path, PathBuf};

/// A temporary folder: removed when the test passes, kept and named when it fails.
pub struct Site {
    folder: Option<tempfile::TempDir>,
}

impl Site {
    /// An empty folder.
    pub fn new() -> Site {
        let folder = tempfile::Builder::new()
            .prefix("interlock-")
            .tempdir()
            .expect("a temporary folder");
        Site {
            folder: Some(folder),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder
            .as_ref()
            .expect("kept until it is dropped")
            .path()
    }

    /// A path inside it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file, and the folders it stands in.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.join(name);
        let folder = path.parent().expect("a file stands in a folder");
        std::fs::create_dir_all(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
        std::fs::write(&path, text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        path
    }
}

impl Default for Site {
    fn default() -> Site {
        Site::new()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            eprintln!("the test's folder is kept: {}", folder.keep().display());
        }
    }
}
