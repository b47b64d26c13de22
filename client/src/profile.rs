//! The profile: a folder with the gateway's address, the authority that the gateway's own
//! certificate must come from, the person's certificate with its key, and the keys of the machine
//! and of its owner, or where those are.

mod new;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use interlock_broker::document::{self, Section};
use interlock_broker::subject::SubjectId;

pub use self::new::NewProfile;
pub(crate) use self::new::{make_folder, replace};
use crate::failure::{Failure, Kind};
use crate::keys::{self, FileKey, Place};

pub(crate) const FILE: &str = "profile.toml";
/// The certificate, and the key that it is for: both are replaced at once.
const CREDENTIAL: &str = "client.pem";
const GATEWAY_CA: &str = "gateway-ca.pem";
const DEVICE: &str = "device";
const AUTHENTICATOR: &str = "authenticator";

/// Where to connect, and as whom. `Debug` shows no key: it is read only when it is used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    folder: PathBuf,
    gateway: String,
    server_name: String,
    subject: Option<String>,
    identity_port: Option<u16>,
    device: Place,
    authenticator: Place,
    posture: PostureTold,
}

/// What the gateway is told of the machine's health.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct PostureTold {
    statement: Option<PathBuf>,
    agent: Option<String>,
}

impl Profile {
    /// Reads the profile in this folder. The key of the session is looked at as well: one that
    /// others can read is not used.
    pub fn open(folder: &Path) -> Result<Profile, Failure> {
        let file = folder.join(FILE);
        let text = fs::read_to_string(&file).map_err(|error| absent(folder, &file, &error))?;
        let profile =
            document::read(&file, &text, |root| read(folder, root)).map_err(|findings| {
                let all: Vec<String> = findings.iter().map(ToString::to_string).collect();
                Failure::new(
                    Kind::Configuration,
                    all.join("\n"),
                    "correct the profile, or ask the administrator for an invitation",
                )
            })?;
        keys::private(&profile.credential_file())?;
        Ok(profile)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Host and port of the gateway.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// The name that the gateway's certificate must carry.
    pub fn server_name(&self) -> &str {
        &self.server_name
    }

    /// Whose it is: a whole SPIFFE id.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// UDP port, on the gateway's host, where certificates are renewed.
    pub fn identity_port(&self) -> Option<u16> {
        self.identity_port
    }

    /// Where the key of the machine is.
    pub fn device(&self) -> &Place {
        &self.device
    }

    /// Where the key of the person or program is.
    pub fn authenticator(&self) -> &Place {
        &self.authenticator
    }

    /// Takes the PINs of tokens from this file.
    pub(crate) fn give_pin(&mut self, file: &Path) {
        self.device.give_pin(file);
        self.authenticator.give_pin(file);
    }

    /// The file with what a management server says of this machine's health.
    pub fn posture_statement(&self) -> Option<&Path> {
        self.posture.statement.as_deref()
    }

    /// The name of the protection agent that has to run on this machine.
    pub fn posture_agent(&self) -> Option<&str> {
        self.posture.agent.as_deref()
    }

    /// The person's certificate with the chain behind it, and the key that it is for.
    pub fn credential_file(&self) -> PathBuf {
        self.folder.join(CREDENTIAL)
    }

    /// The key that the certificate is for.
    pub fn session_key(&self) -> Result<FileKey, Failure> {
        FileKey::open(&self.credential_file())
    }

    /// The only authority whose word on the gateway counts.
    pub fn gateway_ca_file(&self) -> PathBuf {
        self.folder.join(GATEWAY_CA)
    }
}

fn read(folder: &Path, root: &mut Section<'_>) -> Option<Profile> {
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
    let subject = root.optional("subject").text_as(|subject| {
        let subject = SubjectId::parse(subject);
        subject
            .map(|subject| subject.as_str().to_owned())
            .map_err(|error| (error.to_string(), "write a whole SPIFFE id".to_owned()))
    });
    let identity_port = root.optional("identity_port").integer(1..=u16::MAX);
    let mut key = |name: &'static str| {
        if root.has(name) {
            let read = |section: &mut Section<'_>| Place::read(folder, section);
            root.optional(name).table(read)
        } else {
            Some(Place::usual(folder, name))
        }
    };
    let (device, authenticator) = (key(DEVICE), key(AUTHENTICATOR));
    let posture = if root.has("posture") {
        root.optional("posture").table(|section| {
            let statement = section.optional("statement").text();
            let agent = section.optional("agent").text();
            Some(PostureTold {
                statement: statement.map(|file| folder.join(file)),
                agent,
            })
        })
    } else {
        Some(PostureTold::default())
    };
    Some(Profile {
        folder: folder.to_owned(),
        gateway: gateway?,
        server_name: server_name?,
        subject,
        identity_port,
        device: device?,
        authenticator: authenticator?,
        posture: posture?,
    })
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
            "ask the administrator of the gateway for an invitation, with which `interlock enroll` makes one; if you have one, name its folder with --profile",
        )
    } else {
        Failure::new(
            Kind::Configuration,
            format!("{} cannot be read: {error}", file.display()),
            "check whose file it is",
        )
    }
}

pub(crate) fn unreadable(file: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Kind::Configuration,
        format!("{} cannot be used: {error}", file.display()),
        "ask the administrator of the gateway for an invitation, and enrol this machine again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        let key = folder.path().join(CREDENTIAL);
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
        let usual = |name: &str| Place::File(folder.path().join(name));
        assert_eq!(profile.device(), &usual("device.key"));
        assert_eq!(profile.authenticator(), &usual("authenticator.key"));
    }

    #[test]
    fn keys_and_a_statement_of_health_may_be_elsewhere() {
        let text = format!(
            "{GOOD}subject = \"spiffe://waterworks/person/olga\"\nidentity_port = 4803\n\
             [device]\nkey = \"/keys/machine.pem\"\n[authenticator]\nkey = \"me.key\"\n\
             [posture]\nstatement = \"health.cbor\"\nagent = \"falcon-sensor\"\n"
        );
        let folder = folder(&text);
        let profile = Profile::open(folder.path()).unwrap();
        let machine = Place::File("/keys/machine.pem".into());
        assert_eq!(profile.device(), &machine);
        let me = Place::File(folder.path().join("me.key"));
        assert_eq!(profile.authenticator(), &me);
        let health = folder.path().join("health.cbor");
        assert_eq!(profile.posture_statement(), Some(&*health));
        assert_eq!(profile.posture_agent(), Some("falcon-sensor"));
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let folder = folder(
            "gatway = \"127.0.0.1:4802\"\nserver_name = \"no name\"\nsubject = \"olga\"\n\
             identity_port = 70000\n[device]\nkeys = 1\n",
        );
        let failure = Profile::open(folder.path()).unwrap_err();
        assert_eq!(failure.kind(), Kind::Configuration);
        for part in ["gatway", "gateway", "no name", "olga", "70000", "keys"] {
            assert!(failure.what().contains(part), "{failure}");
        }
    }

    #[test]
    fn no_folder_says_where_profiles_come_from() {
        let folder = tempfile::tempdir().unwrap();
        let failure = Profile::open(&folder.path().join("none")).unwrap_err();
        assert_eq!(failure.kind(), Kind::Configuration);
        assert!(failure.next().contains("interlock enroll"), "{failure}");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_chmod_to_do() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = folder(GOOD);
        let key = folder.path().join(CREDENTIAL);
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
