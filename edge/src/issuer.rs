//! The identity issuer of a gateway: its certificate, and its key in a file or in a token.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use interlock_broker::authority::{Authority, AuthorityError, Credential};
use interlock_broker::clock::Now;
use interlock_broker::finding::Finding;
use interlock_broker::token::{self, Pin, Token, TokenFault, TokenKey};

use crate::config::{self, Config, IssuerToken};
use crate::keys::{self, write_new};
use crate::site::{self, Site};

const VARIABLE: &str = "INTERLOCK_PIN";
const CERTIFICATE: &str = "issuer.pem";
const KEY: &str = "issuer.key";
const PIN: &str = "issuer.pin";

/// What signs client certificates.
pub struct IssuerKey {
    certificate: String,
    kept: Kept,
}

enum Kept {
    File(Credential),
    Token(IssuerToken),
}

/// Why the issuer cannot sign.
#[derive(Debug, thiserror::Error)]
pub enum NoIssuer {
    /// The authority cannot be taken up.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The token does not open.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// The PIN cannot be read.
    #[error("the PIN in {0} cannot be read: {1}")]
    Pin(PathBuf, io::Error),
    /// Others may read it.
    #[error("others than its owner may read the PIN in {0}: chmod 600 it")]
    Open(PathBuf),
}

impl IssuerKey {
    /// One whose key is in a file.
    pub(crate) fn of_file(credential: Credential) -> IssuerKey {
        IssuerKey {
            certificate: credential.certificate.clone(),
            kept: Kept::File(credential),
        }
    }

    /// One whose key is in a token, which is opened once to see that it is the one.
    pub(crate) fn of_token(certificate: String, token: IssuerToken) -> Result<IssuerKey, NoIssuer> {
        let issuer = IssuerKey {
            certificate,
            kept: Kept::Token(token),
        };
        issuer.open().map(|_| issuer)
    }

    /// Its certificate in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The credential, where the key is in a file.
    pub(crate) fn credential(&self) -> Option<&Credential> {
        match &self.kept {
            Kept::File(credential) => Some(credential),
            Kept::Token(_) => None,
        }
    }

    /// Takes it up, ready to sign.
    pub fn open(&self) -> Result<Authority, NoIssuer> {
        match &self.kept {
            Kept::File(credential) => Ok(Authority::open(credential)?),
            Kept::Token(token) => {
                let pin = pin(&token.key, token.pin_file.as_deref())?;
                let opened = Token::open(&token.key, pin.as_ref())?;
                Ok(Authority::open_token(&self.certificate, opened)?)
            }
        }
    }
}

/// The PIN, where the token takes one from us. Nobody sits in front of a gateway: it is in a file,
/// or in the environment.
fn pin(key: &TokenKey, file: Option<&Path>) -> Result<Option<Pin>, NoIssuer> {
    if !token::takes_pin(key)? {
        return Ok(None);
    }
    let Some(file) = file else {
        let given = std::env::var(VARIABLE).ok();
        return Ok(given.filter(|pin| !pin.is_empty()).map(Pin::kept));
    };
    if keys::others_may_read(file) {
        return Err(NoIssuer::Open(file.to_owned()));
    }
    let text = fs::read_to_string(file).map_err(|error| NoIssuer::Pin(file.to_owned(), error))?;
    let pin = text.lines().next().unwrap_or_default();
    Ok(Some(Pin::kept(pin.to_owned())))
}

impl NoIssuer {
    /// What to do about it.
    pub(crate) fn next(&self) -> String {
        match self {
            NoIssuer::Token(fault) | NoIssuer::Authority(AuthorityError::Token(fault)) => {
                fault.next()
            }
            NoIssuer::Authority(AuthorityError::OtherKey) => {
                "name the key of this certificate in [issuer], or make a new pair with `interlock-edge issuer`".to_owned()
            }
            NoIssuer::Authority(_) => "restore keys/issuer.pem from your backup".to_owned(),
            NoIssuer::Pin(..) => "write the PIN into it, as its only line, mode 600".to_owned(),
            NoIssuer::Open(file) => format!("chmod 600 {}", file.display()),
        }
    }
}

/// Has the issuer of a site sign by a key in a token from its next start on, which is made there
/// if it is not there yet. The key in the file is deleted. Everybody who is enrolled stays so;
/// certificates of before are refused, and each one logs in again.
pub fn move_to_token(
    dir: &Path,
    key: &TokenKey,
    pin_file: Option<&Path>,
    now: Now,
) -> Result<(), Vec<Finding>> {
    let file = dir.join(config::FILE);
    let text = site::read(&file)?;
    let config = Config::parse(dir, &text)?;
    let plant = site::load_plant(dir)?;
    if config.issuer().token.is_some() || text.lines().any(|line| line.trim() == "[issuer]") {
        return Err(vec![Finding::of_file(
            &file,
            "it has an [issuer] already",
            "take that section out first, if the issuer is really to be another one",
        )]);
    }
    let found = |error: NoIssuer| vec![Finding::of_file(&file, error.to_string(), error.next())];
    let pin = pin(key, pin_file).map_err(found)?;
    let opened = Token::obtain(key, pin.as_ref()).map_err(|fault| found(fault.into()))?;
    let name = format!("identity issuer of {}", plant.site());
    let certificate = Authority::create_token(&name, &opened, now);
    let certificate = certificate.map_err(|error| found(error.into()))?;
    write(dir, key, pin_file, &certificate, &text)
        .map_err(|error| vec![Finding::of_file(&file, error.to_string(), "")])?;
    // What was written must be what the next start reads.
    Site::load(dir).map(|_| ())
}

fn write(
    dir: &Path,
    key: &TokenKey,
    pin_file: Option<&Path>,
    certificate: &str,
    config: &str,
) -> io::Result<()> {
    let keys = dir.join(keys::DIR);
    let mut section = format!(
        "\n# The identity issuer signs by a key in a token, which never leaves it.\n[issuer]\n\
         token = \"{key}\"\nmodule = {}\n",
        quoted(key.module())
    );
    if let Some(file) = pin_file {
        let pin = fs::read_to_string(file)?;
        replace(&keys.join(PIN), &pin, 0o600)?;
        section += &format!("pin_file = \"{}/{PIN}\"\n", keys::DIR);
    }
    replace(&keys.join(CERTIFICATE), certificate, 0o644)?;
    replace(
        &dir.join(config::FILE),
        &format!("{config}{section}"),
        0o644,
    )?;
    fs::remove_file(keys.join(KEY))
}

fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Puts a file in its place as a whole.
fn replace(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let beside = path.with_extension("part");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_new(&beside, text, mode)?;
    fs::rename(&beside, path)
}
