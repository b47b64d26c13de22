//! A PKCS#11 token in software: SoftHSM2, with a folder of a test's own for what it keeps.

use std::path::{Path, PathBuf};
use std::process::Command;

use interlock_tests::harness::{Ended, Site, peer};

/// Where Debian has the module.
pub(crate) const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// The label of the token.
pub(crate) const LABEL: &str = "plant keys";
/// Its PIN.
pub(crate) const PIN: &str = "271828";

/// One token.
pub(crate) struct SoftToken {
    folder: Site,
}

impl SoftToken {
    /// A new one, without any key.
    pub(crate) fn new() -> SoftToken {
        let folder = Site::new();
        std::fs::create_dir(folder.join("tokens")).unwrap();
        let kept = folder.join("tokens");
        folder.write(
            "softhsm2.conf",
            &format!(
                "directories.tokendir = {}\nlog.level = ERROR\n",
                kept.display()
            ),
        );
        let token = SoftToken { folder };
        let mut command = token.run(peer("softhsm2-util"));
        command.args(["--init-token", "--free", "--label", LABEL, "--pin", PIN]);
        let made = Ended::of("softhsm2-util", command.args(["--so-pin", "314159"]));
        assert_eq!(made.code, 0, "{made}");
        token
    }

    /// The variable by which the module finds it.
    pub(crate) fn variable(&self) -> (&'static str, String) {
        let file = self.folder.join("softhsm2.conf");
        ("SOFTHSM2_CONF", file.display().to_string())
    }

    /// A command that finds it.
    pub(crate) fn run(&self, mut command: Command) -> Command {
        let (name, value) = self.variable();
        command.env(name, value);
        command
    }

    /// `pkcs11-tool`, logged in.
    pub(crate) fn tool(&self, args: &[&str]) -> Ended {
        let mut command = self.run(peer("pkcs11-tool"));
        command.args(["--module", MODULE, "--token-label", LABEL, "--login"]);
        Ended::of("pkcs11-tool", command.args(["--pin", PIN]).args(args))
    }

    /// Takes the token away, as if it were pulled out.
    pub(crate) fn pull(&self) -> PathBuf {
        let (kept, away) = (self.folder.join("tokens"), self.folder.join("away"));
        std::fs::rename(&kept, &away).unwrap();
        std::fs::create_dir(&kept).unwrap();
        away
    }

    /// A file with a PIN, which nobody else may read.
    pub(crate) fn pin_file(&self, pin: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;

        let file = self.folder.write("pin", &format!("{pin}\n"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        file
    }

    /// A path beside it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
