//! What goes wrong with tokens, in words, and whose fault it is.

use std::path::{Path, PathBuf};

use cryptoki::error::{Error, RvError};

/// Why a key in a token cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenFault {
    /// The file of the module is absent, or no module.
    #[error("the PKCS#11 module {} cannot be used: {why}", module.display())]
    Module {
        /// The file.
        module: PathBuf,
        /// Why.
        why: String,
    },
    /// No token of that label is there.
    #[error("there is no token `{token}`{}", present(.others))]
    NoToken {
        /// The label that was looked for.
        token: String,
        /// Labels of the tokens that are there.
        others: Vec<String>,
    },
    /// The label does not name one token.
    #[error("there are several tokens `{token}`, with the serial numbers {}", serials.join(", "))]
    SeveralTokens {
        /// The label.
        token: String,
        /// Their serial numbers.
        serials: Vec<String>,
    },
    /// The token has no such key.
    #[error("the token has no key `{key}`")]
    NoKey {
        /// The URI.
        key: String,
    },
    /// The name does not name one key.
    #[error("the token has several keys `{key}`")]
    SeveralKeys {
        /// The URI.
        key: String,
    },
    /// There is such a key, and it is of no use here.
    #[error("the key `{key}` cannot be used: {why}")]
    Unfit {
        /// The URI.
        key: String,
        /// Why.
        why: &'static str,
    },
    /// The token wants a PIN, and none was given.
    #[error("the token `{token}` wants its PIN")]
    PinMissing {
        /// The label.
        token: String,
    },
    /// The PIN is another.
    #[error("the PIN of the token `{token}` is wrong{}", .left.words())]
    PinWrong {
        /// The label.
        token: String,
        /// What the token says of further tries.
        left: TriesLeft,
    },
    /// It was wrong before, and is not tried once more without a person.
    #[error(
        "the PIN of the token `{token}` was wrong before, and the next wrong one locks it: it is not tried without you"
    )]
    PinAtRisk {
        /// The label.
        token: String,
    },
    /// Too many wrong ones.
    #[error("the PIN of the token `{token}` is locked")]
    PinLocked {
        /// The label.
        token: String,
    },
    /// The token was never given one.
    #[error("the token `{token}` has no PIN yet")]
    PinUnset {
        /// The label.
        token: String,
    },
    /// It was there, and is not now.
    #[error("the token `{token}` was removed")]
    Removed {
        /// The label.
        token: String,
    },
    /// Anything else that the token says.
    #[error("the token failed at {doing}: {why}")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// What it says.
        why: String,
    },
}

/// What a token says of further tries after a wrong PIN. It tells no number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TriesLeft {
    /// It does not say.
    Unsaid,
    /// One wrong one came since the last right one, or more.
    Few,
    /// The next wrong one locks it.
    One,
}

impl TriesLeft {
    fn words(self) -> &'static str {
        match self {
            TriesLeft::Unsaid => "",
            TriesLeft::Few => "; few tries remain before it locks",
            TriesLeft::One => "; one try remains, and the next wrong one locks it",
        }
    }
}

impl TokenFault {
    /// What to do about it.
    pub fn next(&self) -> String {
        match self {
            TokenFault::Module { .. } => {
                "name the library of the token's maker (for SoftHSM2 libsofthsm2.so), and see that it is installed and readable".to_owned()
            }
            TokenFault::NoToken { .. } => {
                "put it in, or name one that is there".to_owned()
            }
            TokenFault::SeveralTokens { .. } => {
                "add ;serial=NUMBER to the URI".to_owned()
            }
            TokenFault::NoKey { .. } => {
                "name a key that is there, or have one made".to_owned()
            }
            TokenFault::SeveralKeys { .. } => {
                "name one by ;id=, or delete the others with the tool of the token".to_owned()
            }
            TokenFault::Unfit { .. } => "have a new key made under another name".to_owned(),
            TokenFault::PinMissing { .. } => {
                "give it when you are asked, in a file, or in INTERLOCK_PIN".to_owned()
            }
            TokenFault::PinWrong { .. } => "find out the right one before you try again".to_owned(),
            TokenFault::PinAtRisk { .. } => {
                "correct the file with the PIN, then log in to the token once by its own tool".to_owned()
            }
            TokenFault::PinLocked { .. } => {
                "unlock it with the tool of the token and the PIN of its security officer".to_owned()
            }
            TokenFault::PinUnset { .. } => "set one with the tool of the token".to_owned(),
            TokenFault::Removed { .. } => "put it in again".to_owned(),
            TokenFault::Failed { .. } => "see whether the tool of the token can use it".to_owned(),
        }
    }

    pub(super) fn of_module(module: &Path, error: &Error) -> TokenFault {
        TokenFault::Module {
            module: module.to_owned(),
            why: match error {
                Error::LibraryLoading(error) => error.to_string(),
                error => error.to_string(),
            },
        }
    }

    /// The fault behind an error of the module; `token` is the label.
    pub(super) fn of(token: &str, doing: &'static str, error: &Error) -> TokenFault {
        let token = token.to_owned();
        match error {
            Error::Pkcs11(code, _) => match code {
                RvError::DeviceRemoved
                | RvError::TokenNotPresent
                | RvError::SlotIdInvalid
                | RvError::TokenNotRecognized => TokenFault::Removed { token },
                RvError::PinLocked => TokenFault::PinLocked { token },
                RvError::UserPinNotInitialized => TokenFault::PinUnset { token },
                code => TokenFault::Failed {
                    doing,
                    why: code.to_string(),
                },
            },
            error => TokenFault::Failed {
                doing,
                why: error.to_string(),
            },
        }
    }
}

fn present(others: &[String]) -> String {
    match others {
        [] => "; no token is there at all".to_owned(),
        others => format!("; there is `{}`", others.join("`, `")),
    }
}
