//! The profile: a folder with the gateway's address, the person's certificate and key, and the
//! authority that the gateway's own certificate must come from.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use interlock_broker::document;

use crate::failure::{Failure, Kind};

const FILE: &str = "profile.toml";
const CERTIFICATE: &str = "client.pem";
const KEY: &str = "client.key";
const GATEWAY_CA: &str = "gateway-ca.pem";

/// Where to connect, and as whom. `Debug` shows no key: it is read only when it is used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    folder: PathBuf,
    gateway: String,
    server_name: String,
}

impl Profile {
    /// Reads the profile in this folder. The key is looked at as well: one that others can read
    /// is not used.
    pub fn open(folder: &Path) -> Result<Profile, Failure> {
        let file = folder.join(FILE);
        let text = fs::read_to_string(&file).map_err(|error| absent(folder, &file, &error))?;
        let (gateway, server_name) = document::read(&file, &text, |root| {
            let gateway = root.required("gateway").host_and_port();
            let server_name = root.required("server_name").text_as(|name| {
                rustls::pki_types::ServerName::try_from(name.to_owned())
                    .map(|_| name.to_owned())
                    .map_err(|_| {
                        (
                            format!("`{name}` is no name that a certificate can carry"),
                            "write the gateway's name as its certificate has it: \"gateway.SITE\""
                                .to_owned(),
                        )
                    })
            });
            Some((gateway?, server_name?))
        })
        .map_err(|findings| {
            let all: Vec<String> = findings.iter().map(ToString::to_string).collect();
            Failure::new(
                Kind::Configuration,
                all.join("\n"),
                "correct the profile, or ask the administrator for a new one",
            )
        })?;
        let profile = Profile {
            folder: folder.to_owned(),
            gateway,
            server_name,
        };
        private(&profile.key_file())?;
        Ok(profile)
    }

    /// Host and port of the gateway.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// The name that the gateway's certificate must carry.
    pub fn server_name(&self) -> &str {
        &self.server_name
    }

    /// The person's certificate, with the chain behind it.
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.join(CERTIFICATE)
    }

    /// The person's private key.
    pub fn key_file(&self) -> PathBuf {
        self.folder.join(KEY)
    }

    /// The only authority whose word on the gateway counts.
    pub fn gateway_ca_file(&self) -> PathBuf {
        self.folder.join(GATEWAY_CA)
    }
}

/// The folder to use where `--profile` does not say: `$INTERLOCK_PROFILE`, else `interlock` in
/// the person's configuration folder.
pub(crate) fn default_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.as_os_str().is_empty());
    set("INTERLOCK_PROFILE")
        .or_else(|| set("XDG_CONFIG_HOME").map(|config| config.join("interlock")))
        .or_else(|| set("HOME").map(|home| home.join(".config").join("interlock")))
        .or_else(|| set("APPDATA").map(|config| config.join("interlock")))
}

fn absent(folder: &Path, file: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        Failure::new(
            Kind::Configuration,
            format!("there is no profile in {}", folder.display()),
            "ask the administrator of the gateway for one (`interlock-edge issue` makes it), and name its folder with --profile",
        )
    } else {
        Failure::new(
            Kind::Configuration,
            format!("{} cannot be read: {error}", file.display()),
            "check whose file it is",
        )
    }
}

/// Whoever can read the key is its owner to the gateway.
#[cfg(unix)]
fn private(key: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;

    let known = fs::metadata(key).map_err(|error| unreadable(key, &error))?;
    let others = known.permissions().mode() & 0o077;
    if others == 0 {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Configuration,
        format!("others on this machine can use the key {}", key.display()),
        format!(
            "chmod 600 {}, and if somebody may have read it already, ask for a new certificate",
            key.display()
        ),
    ))
}

/// Elsewhere the folder's own access list has to keep the key; this program does not check it.
#[cfg(not(unix))]
fn private(key: &Path) -> Result<(), Failure> {
    fs::metadata(key)
        .map(|_| ())
        .map_err(|error| unreadable(key, &error))
}

pub(crate) fn unreadable(file: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Kind::Configuration,
        format!("{} cannot be used: {error}", file.display()),
        "ask the administrator of the gateway for a new profile",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        let key = folder.path().join(KEY);
        fs::write(&key, "key").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        }
        folder
    }

    const GOOD: &str = "gateway = \"127.0.0.1:4802\"\nserver_name = \"gateway.waterworks\"\n";

    #[test]
    fn a_profile_names_gateway_and_server() {
        let folder = folder(GOOD);
        let profile = Profile::open(folder.path()).unwrap();
        assert_eq!(profile.gateway(), "127.0.0.1:4802");
        assert_eq!(profile.server_name(), "gateway.waterworks");
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let folder = folder("gatway = \"127.0.0.1:4802\"\nserver_name = \"no name\"\n");
        let failure = Profile::open(folder.path()).unwrap_err();
        assert_eq!(failure.kind(), Kind::Configuration);
        for part in ["gatway", "gateway", "no name"] {
            assert!(failure.what().contains(part), "{failure}");
        }
    }

    #[test]
    fn no_folder_says_where_profiles_come_from() {
        let folder = tempfile::tempdir().unwrap();
        let failure = Profile::open(&folder.path().join("none")).unwrap_err();
        assert_eq!(failure.kind(), Kind::Configuration);
        assert!(failure.next().contains("interlock-edge issue"), "{failure}");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_chmod_to_do() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = folder(GOOD);
        let key = folder.path().join(KEY);
        for mode in [0o640, 0o604, 0o660, 0o620] {
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
            let failure = Profile::open(folder.path()).unwrap_err();
            assert_eq!(failure.kind(), Kind::Configuration);
            assert!(failure.next().starts_with("chmod 600 "), "{failure}");
        }
        fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(Profile::open(folder.path()).is_ok());
    }

    #[test]
    fn the_folder_is_looked_for_in_this_order() {
        let with = |names: &'static [&'static str]| {
            default_folder(move |name| {
                names
                    .contains(&name)
                    .then(|| PathBuf::from(format!("/{name}")))
            })
        };
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(
            with(&["INTERLOCK_PROFILE", "XDG_CONFIG_HOME", "HOME"]),
            path("/INTERLOCK_PROFILE")
        );
        assert_eq!(
            with(&["XDG_CONFIG_HOME", "HOME"]),
            path("/XDG_CONFIG_HOME/interlock")
        );
        assert_eq!(with(&["HOME"]), path("/HOME/.config/interlock"));
        assert_eq!(with(&[]), None);
        assert_eq!(default_folder(|_| Some(PathBuf::new())), None);
    }
}
