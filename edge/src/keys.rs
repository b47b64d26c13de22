//! The gateway's own keys, in `keys/` of the site directory. No person's key is ever here.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use interlock_broker::authority::{Authority, AuthorityError, Credential};
use interlock_broker::clock::Now;
use interlock_broker::finding::Finding;
use interlock_broker::journal::tree::{JournalKey, NotAKey, VerifierKey};

use crate::config::IssuerToken;
use crate::issuer::IssuerKey;

/// The directory inside the site directory.
pub const DIR: &str = "keys";

/// What a gateway has of its own: three credentials, and the key that signs its journal.
pub struct Keys {
    /// Signs client certificates.
    pub issuer: IssuerKey,
    /// Signed the gateway's certificate; clients trust it for that alone.
    pub gateway_authority: Credential,
    /// What the listener shows.
    pub server: Credential,
    /// Signs checkpoints of the journal. Its name is that of the log.
    pub journal: JournalKey,
}

/// Why keys cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A certificate could not be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The journal's key could not be made.
    #[error(transparent)]
    Journal(#[from] NotAKey),
}

const ISSUER: &str = "issuer";
const GATEWAY_AUTHORITY: &str = "gateway-ca";
const SERVER: &str = "server";
/// The journal's private key. Beside it stands its public half, for whoever is to verify.
const JOURNAL: &str = "journal.key";
const JOURNAL_PUBLIC: &str = "journal.vkey";

impl Keys {
    /// Makes all of them; `log` is the name of the journal as a log.
    pub fn create(site: &str, server_name: &str, log: &str, now: Now) -> Result<Keys, KeysError> {
        let issuer = Authority::create(&format!("identity issuer of {site}"), now)?;
        let gateway_authority = Authority::create(&format!("gateway authority of {site}"), now)?;
        let server = Authority::open(&gateway_authority)?.issue_gateway(server_name, now)?;
        Ok(Keys {
            issuer: IssuerKey::of_file(issuer),
            gateway_authority,
            server,
            journal: JournalKey::generate(log)?,
        })
    }

    /// Writes them into a new directory that only its owner may enter.
    pub fn write(&self, site_dir: &Path) -> io::Result<()> {
        let dir = site_dir.join(DIR);
        fs::DirBuilder::new().mode(0o700).create(&dir)?;
        let issuer = self.issuer.credential();
        let others = [
            (GATEWAY_AUTHORITY, &self.gateway_authority),
            (SERVER, &self.server),
        ];
        for (name, credential) in issuer
            .map(|issuer| (ISSUER, issuer))
            .into_iter()
            .chain(others)
        {
            write_credential(&dir, name, credential)?;
        }
        write_new(&dir.join(JOURNAL), &self.journal.to_secret_text(), 0o600)?;
        let public = format!("{}\n", self.journal.verifier());
        write_new(&dir.join(JOURNAL_PUBLIC), &public, 0o644)
    }

    /// Reads them, and reports every one that cannot be used. `token` is where the issuer's key is,
    /// if that is in a token.
    pub fn load(site_dir: &Path, token: Option<&IssuerToken>) -> Result<Keys, Vec<Finding>> {
        let dir = site_dir.join(DIR);
        let mut findings = Vec::new();
        let issuer = match token {
            Some(token) => load_issuer(&dir, token, &mut findings),
            None => load_credential(&dir, ISSUER, &mut findings).map(IssuerKey::of_file),
        };
        let gateway_authority = load_credential(&dir, GATEWAY_AUTHORITY, &mut findings);
        let server = load_credential(&dir, SERVER, &mut findings);
        let journal = load_journal(&dir, &mut findings);
        match (issuer, gateway_authority, server, journal) {
            (Some(issuer), Some(gateway_authority), Some(server), Some(journal))
                if findings.is_empty() =>
            {
                Ok(Keys {
                    issuer,
                    gateway_authority,
                    server,
                    journal,
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

fn read(path: &Path, findings: &mut Vec<Finding>) -> Option<String> {
    match fs::read_to_string(path) {
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
    }
}

/// A secret that others may read is none.
pub(crate) fn others_may_read(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0)
}

fn judge_mode(path: &Path, findings: &mut Vec<Finding>) {
    if others_may_read(path) {
        findings.push(Finding::of_file(
            path,
            "others than its owner may read this key",
            format!("chmod 600 {}", path.display()),
        ));
    }
}

fn load_journal(dir: &Path, findings: &mut Vec<Finding>) -> Option<JournalKey> {
    let path = dir.join(JOURNAL);
    let text = read(&path, findings)?;
    judge_mode(&path, findings);
    let key = JournalKey::parse(&text)
        .map_err(|error| {
            let next = "restore it from your backup; a new key begins a log that nobody knows yet";
            findings.push(Finding::of_file(&path, error.to_string(), next));
        })
        .ok()?;
    // The public half is what others are given: a wrong one would make every check fail.
    let path = dir.join(JOURNAL_PUBLIC);
    let public = read(&path, findings)?;
    if VerifierKey::parse(&public).as_ref() != Ok(key.verifier()) {
        findings.push(Finding::of_file(
            &path,
            format!("it is not the public half of {JOURNAL}"),
            format!("write this one line into it: {}", key.verifier()),
        ));
    }
    Some(key)
}

fn load_issuer(dir: &Path, token: &IssuerToken, findings: &mut Vec<Finding>) -> Option<IssuerKey> {
    let (path, _) = paths(dir, ISSUER);
    let certificate = read(&path, findings)?;
    IssuerKey::of_token(certificate, token.clone())
        .map_err(|error| {
            let what = format!("the issuer's key {}: {error}", token.key);
            findings.push(Finding::of_file(&path, what, error.next()));
        })
        .ok()
}

fn load_credential(dir: &Path, name: &str, findings: &mut Vec<Finding>) -> Option<Credential> {
    let (certificate_path, key_path) = paths(dir, name);
    let certificate = read(&certificate_path, findings);
    let key = read(&key_path, findings);
    judge_mode(&key_path, findings);
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
