//! The gateway's own keys, in `keys/` of the site directory. No person's key is ever here.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use interlock_broker::authority::{Authority, AuthorityError, Credential};
use interlock_broker::clock::Now;
use interlock_broker::finding::Finding;

/// The directory inside the site directory.
pub const DIR: &str = "keys";

/// The three credentials of a gateway.
pub struct Keys {
    /// Signs client certificates.
    pub issuer: Credential,
    /// Signed the gateway's certificate; clients trust it for that alone.
    pub gateway_authority: Credential,
    /// What the listener shows.
    pub server: Credential,
}

const ISSUER: &str = "issuer";
const GATEWAY_AUTHORITY: &str = "gateway-ca";
const SERVER: &str = "server";

impl Keys {
    /// Makes all three.
    pub fn create(site: &str, server_name: &str, now: Now) -> Result<Keys, AuthorityError> {
        let issuer = Authority::create(&format!("identity issuer of {site}"), now)?;
        let gateway_authority = Authority::create(&format!("gateway authority of {site}"), now)?;
        let server = Authority::open(&gateway_authority)?.issue_gateway(server_name, now)?;
        Ok(Keys {
            issuer,
            gateway_authority,
            server,
        })
    }

    /// Writes them into a new directory that only its owner may enter.
    pub fn write(&self, site_dir: &Path) -> io::Result<()> {
        let dir = site_dir.join(DIR);
        fs::DirBuilder::new().mode(0o700).create(&dir)?;
        for (name, credential) in [
            (ISSUER, &self.issuer),
            (GATEWAY_AUTHORITY, &self.gateway_authority),
            (SERVER, &self.server),
        ] {
            write_credential(&dir, name, credential)?;
        }
        Ok(())
    }

    /// Reads them, and reports every one that cannot be used.
    pub fn load(site_dir: &Path) -> Result<Keys, Vec<Finding>> {
        let dir = site_dir.join(DIR);
        let mut findings = Vec::new();
        let issuer = load_credential(&dir, ISSUER, &mut findings);
        let gateway_authority = load_credential(&dir, GATEWAY_AUTHORITY, &mut findings);
        let server = load_credential(&dir, SERVER, &mut findings);
        match (issuer, gateway_authority, server) {
            (Some(issuer), Some(gateway_authority), Some(server)) if findings.is_empty() => {
                Ok(Keys {
                    issuer,
                    gateway_authority,
                    server,
                })
            }
            _ => Err(findings),
        }
    }
}

/// Writes `NAME.pem` and, readable by its owner alone, `NAME.key`. Overwrites nothing.
pub fn write_credential(dir: &Path, name: &str, credential: &Credential) -> io::Result<()> {
    let (certificate, key) = paths(dir, name);
    write_new(&certificate, &credential.certificate, 0o644)?;
    write_new(&key, &credential.key, 0o600)
}

/// Writes a file that must not exist yet.
pub fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn paths(dir: &Path, name: &str) -> (PathBuf, PathBuf) {
    (
        dir.join(format!("{name}.pem")),
        dir.join(format!("{name}.key")),
    )
}

fn load_credential(dir: &Path, name: &str, findings: &mut Vec<Finding>) -> Option<Credential> {
    let (certificate_path, key_path) = paths(dir, name);
    let mut read = |path: &Path| match fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) => {
            findings.push(Finding::of_file(
                path,
                format!("it cannot be read: {error}"),
                "`interlock-edge init` makes the gateway's keys; restore them from your backup, \
                 or make a new site directory",
            ));
            None
        }
    };
    let certificate = read(&certificate_path);
    let key = read(&key_path);
    if let Ok(metadata) = fs::metadata(&key_path)
        && metadata.mode() & 0o077 != 0
    {
        findings.push(Finding::of_file(
            &key_path,
            "others than its owner may read this key",
            format!("chmod 600 {}", key_path.display()),
        ));
    }
    let credential = Credential {
        certificate: certificate?,
        key: key?,
    };
    if let Err(error) = credential.check() {
        findings.push(Finding::of_file(
            &certificate_path,
            format!("it cannot be used with its key: {error}"),
            "restore both files from one backup",
        ));
        return None;
    }
    Some(credential)
}
