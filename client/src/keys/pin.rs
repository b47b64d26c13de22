//! PINs of tokens: typed without being shown, from a file, or from the environment. Never from the
//! command line, which every user of the machine can read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use interlock_broker::token::{Pin, TokenKey};

use crate::failure::{Failure, Kind};

const VARIABLE: &str = "INTERLOCK_PIN";

/// Where the PIN of a token comes from.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum PinFrom {
    /// From a person, who is asked; or from the environment.
    #[default]
    Person,
    /// From a file that was named with the command.
    Given(PathBuf),
    /// From a file that the profile names: nobody has to be there.
    Kept(PathBuf),
}

impl PinFrom {
    /// Whether a PIN from there says that a person has just done something for it.
    pub(super) fn takes_a_person(&self) -> bool {
        !matches!(self, PinFrom::Kept(_))
    }
}

/// Tokens whose PIN was given to this process: nobody is asked twice for one.
static GIVEN: Mutex<BTreeMap<(PathBuf, String), Pin>> = Mutex::new(BTreeMap::new());

fn place(key: &TokenKey) -> (PathBuf, String) {
    (key.module().to_owned(), key.token().to_owned())
}

/// The PIN of the key's token.
pub(super) fn ask(key: &TokenKey, from: &PinFrom) -> Result<Pin, Failure> {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pin) = given.get(&place(key)) {
        return Ok(pin.clone());
    }
    let pin = match from {
        PinFrom::Given(file) | PinFrom::Kept(file) => Pin::kept(read(file)?),
        PinFrom::Person => match std::env::var(VARIABLE) {
            Ok(pin) if !pin.is_empty() => Pin::kept(pin),
            _ => Pin::typed(typed(key)?),
        },
    };
    given.insert(place(key), pin.clone());
    Ok(pin)
}

/// Forgets a PIN that was wrong.
pub(super) fn forget(key: &TokenKey) {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    given.remove(&place(key));
}

fn typed(key: &TokenKey) -> Result<String, Failure> {
    let prompt = format!(
        "PIN of the token {}: ",
        crate::screen::one_line(key.token())
    );
    rpassword::prompt_password(prompt).map_err(|error| {
        Failure::new(
            Kind::NotAuthenticated,
            format!(
                "the token `{}` wants its PIN, and nobody can be asked: {error}",
                key.token()
            ),
            format!("run this in a terminal, or give --pin-file or {VARIABLE}"),
        )
    })
}

/// The first line of the file, which nobody else may read.
fn read(file: &Path) -> Result<String, Failure> {
    super::private(file)?;
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::new(
            Kind::Configuration,
            format!(
                "the file with the PIN, {}, cannot be used: {why}",
                file.display()
            ),
            "write the PIN into it, as its only line",
        )
    };
    let text = fs::read_to_string(file).map_err(|error| unusable(&error))?;
    match text.lines().next() {
        Some(pin) if !pin.is_empty() => Ok(pin.to_owned()),
        _ => Err(unusable(&"it is empty")),
    }
}
