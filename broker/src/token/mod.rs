//! Keys that never leave the token they were made in: P-256 over PKCS#11, for the identity
//! issuer and for people. The module of the token's maker is all that is touched here.
//!
//! A login counts for the whole process, as PKCS#11 has it: while one [`Token`] of a token is
//! open, another one opens without its PIN being looked at again.

mod fault;
mod locator;
mod module;
mod signature;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::types::AuthPin;
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm, SigningKey};

pub use fault::{TokenFault, TriesLeft};
pub use locator::{NotATokenKey, TokenKey};

use crate::proof::{P256, POINT_BYTES};
use module::Opened;

type Point = [u8; POINT_BYTES];

/// The PIN of a token. It is wiped when it is dropped, and `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Pin {
    secret: AuthPin,
    attended: bool,
}

impl Pin {
    /// A person has typed it just now.
    pub fn typed(pin: String) -> Pin {
        Pin {
            secret: AuthPin::new(pin),
            attended: true,
        }
    }

    /// It comes from where nobody looks, such as a file. Where a wrong one would lock the token
    /// such a PIN is not tried: a program that is started again and again would.
    pub fn kept(pin: String) -> Pin {
        Pin {
            secret: AuthPin::new(pin),
            attended: false,
        }
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pin").finish_non_exhaustive()
    }
}

/// One key pair in a token, ready to sign. Signing waits for the token, which may take a second:
/// not for a thread that serves.
pub struct Token {
    key: TokenKey,
    point: Point,
    held: Mutex<Held>,
}

struct Held {
    /// `None` after the token went away.
    opened: Option<Opened>,
    /// `None` once the token has called it wrong: it is never tried again.
    pin: Option<Pin>,
    /// What went wrong last, which the trait of the certificate library cannot carry.
    fault: Option<TokenFault>,
}

/// Whether the token has to be given a PIN by us. One with a pad or a reader of fingers asks for
/// itself.
pub fn takes_pin(key: &TokenKey) -> Result<bool, TokenFault> {
    module::find(key).map(|found| found.takes_pin())
}

/// Whether the token is the machine's TPM, by what its module says of itself.
pub fn is_tpm(key: &TokenKey) -> bool {
    module::speaks_to_a_tpm(key)
}

impl Token {
    /// Opens a key that is there.
    pub fn open(key: &TokenKey, pin: Option<&Pin>) -> Result<Token, TokenFault> {
        let opened = module::find(key)?.open(pin)?;
        let private = opened.private(key)?.ok_or_else(|| no_key(key))?;
        Token::of(key, pin, opened, private)
    }

    /// Makes a new one; refuses where one of that name is there.
    pub fn make(key: &TokenKey, pin: Option<&Pin>) -> Result<Token, TokenFault> {
        let opened = module::find(key)?.open(pin)?;
        if opened.private(key)?.is_some() {
            return Err(TokenFault::Unfit {
                key: key.to_string(),
                why: "it is there already",
            });
        }
        let private = opened.make(key)?;
        Token::of(key, pin, opened, private)
    }

    /// Opens the key, or makes it where there is none.
    pub fn obtain(key: &TokenKey, pin: Option<&Pin>) -> Result<Token, TokenFault> {
        let opened = module::find(key)?.open(pin)?;
        let private = match opened.private(key)? {
            Some(private) => private,
            None => opened.make(key)?,
        };
        Token::of(key, pin, opened, private)
    }

    fn of(
        key: &TokenKey,
        pin: Option<&Pin>,
        mut opened: Opened,
        private: module::Private,
    ) -> Result<Token, TokenFault> {
        let point = opened.point(key, &private)?;
        opened.take(private);
        Ok(Token {
            key: key.clone(),
            point,
            held: Mutex::new(Held {
                opened: Some(opened),
                pin: pin.cloned(),
                fault: None,
            }),
        })
    }

    /// Where it is.
    pub fn key(&self) -> &TokenKey {
        &self.key
    }

    /// The public key as `SubjectPublicKeyInfo` in DER.
    pub fn spki(&self) -> Vec<u8> {
        [&P256[..], &self.point].concat()
    }

    /// Signs with SHA-256; ECDSA in ASN.1 DER. A token that was away is opened once more.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TokenFault> {
        let hash = digest(&SHA256, message);
        let mut held = self.held();
        if held.opened.is_none() {
            self.reopen(&mut held)?;
        }
        let signed = match held.sign(hash.as_ref()) {
            Err(error) if lost(&error) => {
                self.reopen(&mut held)?;
                held.sign(hash.as_ref())
            }
            signed => signed,
        };
        let raw = signed.map_err(|error| self.failed(&mut held, &error))?;
        let signature = signature::der(&raw)?;
        // A token that computes wrongly, or holds another key than it shows, is found here and
        // not by whoever is given the signature.
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.point)
            .verify(message, &signature)
            .map_err(|_| TokenFault::Failed {
                doing: "signing",
                why: "its signature does not verify with its own public key".to_owned(),
            })?;
        Ok(signature)
    }

    /// What went wrong when a certificate was to be signed.
    pub(crate) fn fault(&self) -> Option<TokenFault> {
        self.held().fault.take()
    }

    fn reopen(&self, held: &mut Held) -> Result<(), TokenFault> {
        // The sessions of before end first: some modules see a token that came back only then.
        held.opened = None;
        let found = module::find(&self.key).map_err(|fault| match fault {
            TokenFault::NoToken { token, .. } => TokenFault::Removed { token },
            fault => fault,
        })?;
        let mut opened = found.open(held.pin.as_ref()).inspect_err(|fault| {
            if matches!(fault, TokenFault::PinWrong { .. }) {
                held.pin = None;
            }
        })?;
        let private = opened
            .private(&self.key)?
            .ok_or_else(|| no_key(&self.key))?;
        if opened.point(&self.key, &private)? != self.point {
            return Err(TokenFault::Unfit {
                key: self.key.to_string(),
                why: "it is another one than before",
            });
        }
        opened.take(private);
        held.opened = Some(opened);
        Ok(())
    }

    fn failed(&self, held: &mut Held, error: &Error) -> TokenFault {
        if lost(error) {
            held.opened = None;
        }
        match error {
            // What a key says that wants the PIN before each signature.
            Error::Pkcs11(RvError::UserNotLoggedIn, _) => TokenFault::Unfit {
                key: self.key.to_string(),
                why: "it wants the PIN for each single signature, which is not supported",
            },
            error => TokenFault::of(self.key.token(), "signing", error),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn sign(&self, hash: &[u8]) -> Result<Vec<u8>, Error> {
        match &self.opened {
            Some(opened) => opened.sign(&Mechanism::Ecdsa, hash),
            None => Err(Error::Pkcs11(
                RvError::TokenNotPresent,
                cryptoki::context::Function::Sign,
            )),
        }
    }
}

/// Whether the token, or what was open in it, is gone: a token that was put in again has no
/// session of before.
fn lost(error: &Error) -> bool {
    let Error::Pkcs11(code, _) = error else {
        return false;
    };
    matches!(
        code,
        RvError::DeviceRemoved
            | RvError::DeviceError
            | RvError::TokenNotPresent
            | RvError::SlotIdInvalid
            | RvError::SessionClosed
            | RvError::SessionHandleInvalid
            | RvError::ObjectHandleInvalid
            | RvError::KeyHandleInvalid
    )
}

fn no_key(key: &TokenKey) -> TokenFault {
    TokenFault::NoKey {
        key: key.to_string(),
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Token").field(&self.key).finish()
    }
}

impl PublicKeyData for Token {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for Token {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Token::sign(self, message).map_err(|fault| {
            self.held().fault = Some(fault);
            rcgen::Error::RemoteKeyError
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::KeyPair;

    #[test]
    fn the_public_key_is_spelt_as_another_library_spells_it() {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let spelt = [&P256[..], pair.public_key_raw()].concat();
        assert_eq!(spelt, pair.subject_public_key_info());
    }

    #[test]
    fn a_pin_is_shown_nowhere() {
        let pin = Pin::typed("271828".to_owned());
        assert!(!format!("{pin:?}").contains("271828"));
    }

    #[test]
    fn a_module_that_is_none_is_said_with_its_name() {
        for file in ["/nowhere/module.so", "/proc/self/exe"] {
            let key = TokenKey::labelled(file.as_ref(), "token", "key").unwrap();
            let fault = Token::open(&key, None).unwrap_err();
            assert!(matches!(fault, TokenFault::Module { .. }), "{fault}");
            assert!(fault.to_string().contains(file), "{fault}");
        }
    }
}
