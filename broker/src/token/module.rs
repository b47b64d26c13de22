//! The module of a token's maker: finding the token, logging in, finding and making keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::rand;
use cryptoki::context::{CInitializeArgs, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};

use super::{Pin, Point, TokenFault, TokenKey, TriesLeft};
use crate::limits::TOKEN_NEW_ID_BYTES;
use crate::proof::POINT_BYTES;

/// The OID of P-256 in DER (RFC 5480 §2.1.1.1), as `CKA_EC_PARAMS` has it.
const P256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

/// A module is initialised once in a process, and what one user of it ends has ended for all: so
/// they are kept for as long as the process lives.
static MODULES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

fn load(file: &Path) -> Result<Pkcs11, TokenFault> {
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = modules.get(file) {
        return Ok(module.clone());
    }
    let fault = |error: &Error| TokenFault::of_module(file, error);
    let module = Pkcs11::new(file).map_err(|error| fault(&error))?;
    module
        .initialize(CInitializeArgs::OsThreads)
        .map_err(|error| fault(&error))?;
    modules.insert(file.to_owned(), module.clone());
    Ok(module)
}

/// Whether the module speaks to the machine's TPM, by what it says of itself.
pub(super) fn speaks_to_a_tpm(key: &TokenKey) -> bool {
    let described = load(key.module()).map(|module| module.get_library_info());
    matches!(described, Ok(Ok(library)) if names_a_tpm(library.library_description()))
}

/// The module of the tpm2-software project describes itself as `TPM2.0 Cryptoki`.
fn names_a_tpm(description: &str) -> bool {
    let mut words = description.split(|sign: char| !sign.is_ascii_alphanumeric());
    words.any(|word| word.to_ascii_uppercase().starts_with("TPM"))
}

/// A token that is there.
pub(super) struct Found {
    module: Pkcs11,
    slot: Slot,
    label: String,
    known: TokenInfo,
}

/// Finds the token of the key. One that goes away while we look is not there.
pub(super) fn find(key: &TokenKey) -> Result<Found, TokenFault> {
    let module = load(key.module())?;
    let slots = module
        .get_slots_with_token()
        .map_err(|error| TokenFault::of(key.token(), "looking for tokens", &error))?;
    let there: Vec<(Slot, TokenInfo)> = slots
        .into_iter()
        .filter_map(|slot| Some((slot, module.get_token_info(slot).ok()?)))
        .filter(|(_, known)| known.token_initialized())
        .collect();
    let others = || there.iter().map(|(_, known)| known.label().to_owned());
    let mut named = there.iter().filter(|(_, known)| {
        known.label() == key.token()
            && key
                .serial()
                .is_none_or(|serial| serial == known.serial_number())
    });
    match (named.next(), named.next()) {
        (None, _) => Err(TokenFault::NoToken {
            token: key.token().to_owned(),
            others: others().collect(),
        }),
        (Some(_), Some(_)) => Err(TokenFault::SeveralTokens {
            token: key.token().to_owned(),
            serials: there
                .iter()
                .filter(|(_, known)| known.label() == key.token())
                .map(|(_, known)| known.serial_number().to_owned())
                .collect(),
        }),
        (Some((slot, known)), None) => Ok(Found {
            slot: *slot,
            label: key.token().to_owned(),
            known: known.clone(),
            module,
        }),
    }
}

impl Found {
    /// See [`super::takes_pin`].
    pub(super) fn takes_pin(&self) -> bool {
        self.known.login_required() && !self.known.protected_authentication_path()
    }

    /// Opens a session and logs in.
    pub(super) fn open(self, pin: Option<&Pin>) -> Result<Opened, TokenFault> {
        let token = || self.label.clone();
        let session = self
            .module
            .open_rw_session(self.slot)
            .map_err(|error| TokenFault::of(&self.label, "opening a session", &error))?;
        if self.known.login_required() {
            if self.known.user_pin_locked() {
                return Err(TokenFault::PinLocked { token: token() });
            }
            let secret = match (self.takes_pin(), pin) {
                (false, _) => None,
                (true, None) => return Err(TokenFault::PinMissing { token: token() }),
                (true, Some(pin)) if !pin.attended && self.known.user_pin_final_try() => {
                    return Err(TokenFault::PinAtRisk { token: token() });
                }
                (true, Some(pin)) => Some(&pin.secret),
            };
            match session.login(UserType::User, secret) {
                // By another session of this process.
                Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
                Err(error) => return Err(self.turned_away(&error)),
            }
        }
        Ok(Opened {
            session,
            label: self.label,
            key: None,
        })
    }

    fn turned_away(&self, error: &Error) -> TokenFault {
        let wrong = matches!(
            error,
            Error::Pkcs11(
                RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange,
                _
            )
        );
        if !wrong {
            return TokenFault::of(&self.label, "logging in", error);
        }
        let token = self.label.clone();
        match self.module.get_token_info(self.slot) {
            Ok(now) if now.user_pin_locked() => TokenFault::PinLocked { token },
            now => TokenFault::PinWrong {
                token,
                left: match now {
                    Ok(now) if now.user_pin_final_try() => TriesLeft::One,
                    Ok(now) if now.user_pin_count_low() => TriesLeft::Few,
                    _ => TriesLeft::Unsaid,
                },
            },
        }
    }
}

/// A session in which the owner is logged in.
pub(super) struct Opened {
    session: Session,
    label: String,
    key: Option<ObjectHandle>,
}

/// A private key in the token, looked at and found fit.
pub(super) struct Private {
    handle: ObjectHandle,
    id: Vec<u8>,
}

impl Opened {
    /// The private key of that name, if there is one and it is fit.
    pub(super) fn private(&self, key: &TokenKey) -> Result<Option<Private>, TokenFault> {
        let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
        template.extend(named(key));
        let found = self.find(&template)?;
        let handle = match found.as_slice() {
            [] => return Ok(None),
            [handle] => *handle,
            _ => {
                return Err(TokenFault::SeveralKeys {
                    key: key.to_string(),
                });
            }
        };
        let asked = [
            AttributeType::Id,
            AttributeType::KeyType,
            AttributeType::EcParams,
            AttributeType::Sensitive,
            AttributeType::Extractable,
            AttributeType::Sign,
        ];
        let told = self.attributes(handle, &asked)?;
        let unfit = |why| TokenFault::Unfit {
            key: key.to_string(),
            why,
        };
        for (wanted, why) in [
            (Attribute::KeyType(KeyType::EC), "it is not of P-256"),
            (Attribute::EcParams(P256.to_vec()), "it is not of P-256"),
            (
                Attribute::Sensitive(true),
                "it can be read out of the token",
            ),
            (
                Attribute::Extractable(false),
                "it can be taken out of the token",
            ),
            (Attribute::Sign(true), "it may not sign"),
        ] {
            if !told.contains(&wanted) {
                return Err(unfit(why));
            }
        }
        let id = told.into_iter().find_map(|attribute| match attribute {
            Attribute::Id(id) => Some(id),
            _ => None,
        });
        Ok(Some(Private {
            handle,
            id: id.unwrap_or_default(),
        }))
    }

    /// Makes a key pair that never leaves the token and can do nothing but sign.
    pub(super) fn make(&self, key: &TokenKey) -> Result<Private, TokenFault> {
        let id = match key.id() {
            Some(id) => id.to_vec(),
            None => {
                let mut id = vec![0; TOKEN_NEW_ID_BYTES];
                rand::fill(&mut id).map_err(|_| TokenFault::Failed {
                    doing: "making a key",
                    why: "this machine gives no random numbers".to_owned(),
                })?;
                id
            }
        };
        let label = key.object().unwrap_or("interlock").as_bytes().to_vec();
        let both = [
            Attribute::Token(true),
            Attribute::KeyType(KeyType::EC),
            Attribute::Label(label),
            Attribute::Id(id.clone()),
        ];
        let mut public = vec![
            Attribute::Class(ObjectClass::PUBLIC_KEY),
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::EcParams(P256.to_vec()),
        ];
        public.extend_from_slice(&both);
        let mut private = vec![
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Decrypt(false),
            Attribute::Unwrap(false),
            Attribute::Derive(false),
        ];
        private.extend_from_slice(&both);
        let (_, handle) = self
            .session
            .generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)
            .map_err(|error| TokenFault::of(&self.label, "making a key", &error))?;
        // What the token has made of the wishes is looked at as at any other key.
        match self.private(key)? {
            Some(made) if made.handle == handle => Ok(made),
            _ => Err(TokenFault::Failed {
                doing: "making a key",
                why: "what it made cannot be found in it".to_owned(),
            }),
        }
    }

    /// The public half, which stands beside the private one under the same id, or under the same
    /// label where there is none.
    pub(super) fn point(&self, key: &TokenKey, private: &Private) -> Result<Point, TokenFault> {
        let mut template = vec![Attribute::Class(ObjectClass::PUBLIC_KEY)];
        if private.id.is_empty() {
            template.extend(named(key));
        } else {
            template.push(Attribute::Id(private.id.clone()));
        }
        let unfit = |why| TokenFault::Unfit {
            key: key.to_string(),
            why,
        };
        let handle = match self.find(&template)?.as_slice() {
            [handle] => *handle,
            [] => return Err(unfit("its public half is not in the token")),
            _ => return Err(unfit("several public keys are in the token under its id")),
        };
        let told = self.attributes(handle, &[AttributeType::EcPoint])?;
        let point = told.iter().find_map(|attribute| match attribute {
            Attribute::EcPoint(point) => plain(point),
            _ => None,
        });
        point.ok_or_else(|| unfit("its public half is no point of P-256"))
    }

    /// Keeps the key to sign with.
    pub(super) fn take(&mut self, private: Private) {
        self.key = Some(private.handle);
    }

    pub(super) fn sign(&self, mechanism: &Mechanism<'_>, hash: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.key.ok_or(Error::InvalidValue)?;
        self.session.sign(mechanism, key, hash)
    }

    fn find(&self, template: &[Attribute]) -> Result<Vec<ObjectHandle>, TokenFault> {
        self.session
            .find_objects(template)
            .map_err(|error| TokenFault::of(&self.label, "looking for a key", &error))
    }

    fn attributes(
        &self,
        handle: ObjectHandle,
        asked: &[AttributeType],
    ) -> Result<Vec<Attribute>, TokenFault> {
        self.session
            .get_attributes(handle, asked)
            .map_err(|error| TokenFault::of(&self.label, "looking at a key", &error))
    }
}

fn named(key: &TokenKey) -> impl Iterator<Item = Attribute> {
    let label = key.object().map(|object| object.as_bytes().to_vec());
    let id = key.id().map(<[u8]>::to_vec);
    let label = label.map(Attribute::Label);
    label.into_iter().chain(id.map(Attribute::Id))
}

/// `CKA_EC_POINT` is the point in an OCTET STRING; older modules give the point as it is.
fn plain(told: &[u8]) -> Option<Point> {
    let inner = match told {
        [0x04, 0x41, inner @ ..] if inner.len() == POINT_BYTES => inner,
        bare => bare,
    };
    let point: Point = inner.try_into().ok()?;
    point.starts_with(&[0x04]).then_some(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_with_and_without_its_wrapping() {
        let mut point = [7; POINT_BYTES];
        point[0] = 0x04;
        let wrapped = [&[0x04, 0x41][..], &point].concat();
        assert_eq!(plain(&point), Some(point));
        assert_eq!(plain(&wrapped), Some(point));
        for wrong in [&[][..], &point[1..], &[0x03; 65], &[0x04; 64]] {
            assert_eq!(plain(wrong), None);
        }
    }

    #[test]
    fn a_module_of_a_tpm_is_known_by_its_words() {
        for (description, is_tpm) in [
            ("TPM2.0 Cryptoki", true),
            ("Cryptoki for tpm2", true),
            ("Implementation of PKCS11", false),
            ("OpenSC smartcard framework", false),
            ("HTPMX card", false),
        ] {
            assert_eq!(names_a_tpm(description), is_tpm, "{description}");
        }
    }
}
