//! Keys of logs, which sign checkpoints, and of witnesses, which cosign them. Both are written as
//! signed notes write keys, `name+hash+key`, and differ in the first byte of the key.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use signed_note::{StandardVerifier, Verifier, is_key_name_valid, key_id};

use crate::limits::KEY_NAME_MAX_BYTES;

/// First byte of a key that makes timestamped cosignatures.
const COSIGNATURE_V1: u8 = 4;

/// Bytes of a cosignature: a time in seconds, and an Ed25519 signature.
const TIME_BYTES: usize = 8;

/// A text is no key of the kind that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAKey {
    /// It is not of the form `name+hash+key`.
    #[error("it is no key: one looks like name+hash+key, on one line")]
    Form,
    /// It is a key for something else.
    #[error("it is a key of another kind: a log has one, a witness another, and both a secret one")]
    Kind,
    /// Its hash is not that of the name and the key.
    #[error("its hash is that of another key: copy the whole line again")]
    Hash,
    /// The name cannot be used.
    #[error("a name of a key has 1 to {KEY_NAME_MAX_BYTES} bytes, no space and no `+`")]
    Name,
    /// The system gave no randomness.
    #[error("the system gave no random bytes")]
    NoRandomness,
}

/// The key of a log: of a gateway's journal. Its name is the log's origin.
#[derive(Clone)]
pub struct LogKey {
    verifier: StandardVerifier,
}

impl LogKey {
    /// Reads the text of the key, as the gateway keeps it in `keys/journal.vkey`.
    pub fn parse(text: &str) -> Result<LogKey, NotAKey> {
        let text = text.trim();
        named(text.split('+').next().unwrap_or_default())?;
        match StandardVerifier::new(text) {
            Ok(verifier) => Ok(LogKey { verifier }),
            Err(signed_note::VerifierError::Format) => Err(NotAKey::Form),
            Err(signed_note::VerifierError::Alg) => Err(NotAKey::Kind),
            Err(signed_note::VerifierError::Id) => Err(NotAKey::Hash),
        }
    }

    /// The origin of the log that it signs for.
    pub fn origin(&self) -> &str {
        self.verifier.name()
    }

    pub(super) fn verifier(&self) -> Box<dyn Verifier> {
        Box::new(self.verifier.clone())
    }
}

/// The public key of a witness.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CosignerKey {
    name: String,
    key: VerifyingKey,
}

impl CosignerKey {
    /// Reads the text of the key, as `interlock witness key` prints it.
    pub fn parse(text: &str) -> Result<CosignerKey, NotAKey> {
        if text.trim().starts_with(SECRET) {
            return Err(NotAKey::Kind);
        }
        let (name, hash, key) = parts(text.trim())?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| NotAKey::Form)?;
        let read = CosignerKey {
            name: named(name)?.to_owned(),
            key,
        };
        // Compared as text: a hash has one way to be written.
        if hash != format!("{:08x}", read.key_id()) {
            return Err(NotAKey::Hash);
        }
        Ok(read)
    }

    /// Its text.
    pub fn text(&self) -> String {
        let hash = self.key_id();
        format!("{}+{hash:08x}+{}", self.name, STANDARD.encode(self.typed()))
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn typed(&self) -> Vec<u8> {
        [&[COSIGNATURE_V1], self.key.as_bytes().as_slice()].concat()
    }
}

impl Verifier for CosignerKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        key_id(&self.name, &self.typed())
    }

    fn verify(&self, text: &[u8], cosignature: &[u8]) -> bool {
        let Some((time, signature)) = cosignature.split_at_checked(TIME_BYTES) else {
            return false;
        };
        match (time_of(time), Signature::from_slice(signature)) {
            (Some(time_s), Ok(signature)) => {
                let message = message(time_s, text);
                self.key.verify_strict(&message, &signature).is_ok()
            }
            _ => false,
        }
    }
}

/// The secret key of a witness.
pub struct WitnessKey {
    name: String,
    key: SigningKey,
}

impl WitnessKey {
    /// A new one.
    pub fn generate(name: &str) -> Result<WitnessKey, NotAKey> {
        let mut seed = [0; 32];
        rand::fill(&mut seed).map_err(|_| NotAKey::NoRandomness)?;
        Ok(WitnessKey {
            name: named(name)?.to_owned(),
            key: SigningKey::from_bytes(&seed),
        })
    }

    /// Reads what [`WitnessKey::secret_text`] wrote.
    pub fn parse(text: &str) -> Result<WitnessKey, NotAKey> {
        let rest = text.trim().strip_prefix(SECRET).ok_or(NotAKey::Kind)?;
        let (name, hash, seed) = parts(rest)?;
        let read = WitnessKey {
            name: named(name)?.to_owned(),
            key: SigningKey::from_bytes(&seed),
        };
        if hash != format!("{:08x}", read.public().key_id()) {
            return Err(NotAKey::Hash);
        }
        Ok(read)
    }

    /// The text that its file holds. Nobody else may see it.
    pub fn secret_text(&self) -> String {
        let hash = self.public().key_id();
        let typed = [&[COSIGNATURE_V1], self.key.as_bytes().as_slice()].concat();
        format!(
            "{SECRET}{}+{hash:08x}+{}\n",
            self.name,
            STANDARD.encode(typed)
        )
    }

    /// What others know it by.
    pub fn public(&self) -> CosignerKey {
        CosignerKey {
            name: self.name.clone(),
            key: self.key.verifying_key(),
        }
    }

    /// A cosignature of the text of a checkpoint, as it stands in a note after the key's hash.
    pub(super) fn cosign(&self, text: &[u8], time_s: u64) -> Vec<u8> {
        let signature = self.key.sign(&message(time_s, text));
        [
            time_s.to_be_bytes().as_slice(),
            signature.to_bytes().as_slice(),
        ]
        .concat()
    }
}

const SECRET: &str = "PRIVATE+KEY+";

/// What a cosignature signs: the time, and all of the checkpoint that its log has signed.
fn message(time_s: u64, text: &[u8]) -> Vec<u8> {
    [format!("cosignature/v1\ntime {time_s}\n").as_bytes(), text].concat()
}

/// The time that a cosignature begins with.
pub(super) fn time_of(cosignature: &[u8]) -> Option<u64> {
    let time = cosignature.first_chunk::<TIME_BYTES>()?;
    Some(u64::from_be_bytes(*time)).filter(|time_s| *time_s > 0)
}

fn named(name: &str) -> Result<&str, NotAKey> {
    let fits = name.len() <= KEY_NAME_MAX_BYTES && !name.chars().any(char::is_control);
    if fits && is_key_name_valid(name) {
        Ok(name)
    } else {
        Err(NotAKey::Name)
    }
}

fn parts(text: &str) -> Result<(&str, &str, [u8; 32]), NotAKey> {
    let (name, rest) = text.split_once('+').ok_or(NotAKey::Form)?;
    let (hash, key) = rest.split_once('+').ok_or(NotAKey::Form)?;
    let key = STANDARD.decode(key).map_err(|_| NotAKey::Form)?;
    match key.split_first() {
        Some((&COSIGNATURE_V1, key)) => {
            let key = key.try_into().map_err(|_| NotAKey::Form)?;
            Ok((name, hash, key))
        }
        _ => Err(NotAKey::Kind),
    }
}
