//! Keys of signed notes: the gateway's journal key, the keys of epochs, and the public halves of
//! both as C2SP writes them, `name+id+base64`.

use std::fmt;
use std::hint::black_box;

use aws_lc_rs::{rand, signature};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use signed_note::{is_key_name_valid, key_id};

/// A key that is not one, and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is no key of a log: {what}; a key is one line, NAME+ID+BASE64")]
pub struct NotAKey {
    what: &'static str,
}

const fn not_a_key<T>(what: &'static str) -> Result<T, NotAKey> {
    Err(NotAKey { what })
}

/// The public key of a log, or of an epoch of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierKey {
    name: String,
    id: u32,
    key: [u8; 32],
}

impl VerifierKey {
    /// The key of this name.
    pub fn new(name: &str, key: [u8; 32]) -> VerifierKey {
        VerifierKey {
            name: name.to_owned(),
            id: key_id(name, &tagged(&key)),
            key,
        }
    }

    /// Reads `name+id+base64`; white space around it is passed over.
    pub fn parse(text: &str) -> Result<VerifierKey, NotAKey> {
        let (name, key) = parse(text)?;
        Ok(VerifierKey::new(name, key))
    }

    /// The name; for a log it is the origin of its checkpoints.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of a hash over name and key.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// The key itself.
    pub(crate) fn bytes(&self) -> [u8; 32] {
        self.key
    }

    /// Whether `signature` is this key's over `message`.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        verify(&self.key, message, signature)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}+{:08x}+{}",
            self.name,
            self.id,
            BASE64_STANDARD.encode(tagged(&self.key))
        )
    }
}

/// A private key that signs notes: the gateway's, or an epoch's. Wiped from memory when it goes.
#[derive(Clone)]
pub struct JournalKey {
    verifier: VerifierKey,
    secret: SigningKey,
}

const SECRET: &str = "PRIVATE+KEY+";

impl JournalKey {
    /// Makes a key of this name from the system's randomness.
    pub fn generate(name: &str) -> Result<JournalKey, NotAKey> {
        if !is_key_name_valid(name) {
            return not_a_key("its name is empty or has a space or a plus in it");
        }
        let mut seed = [0; 32];
        if rand::fill(&mut seed).is_err() {
            return not_a_key("the system gives no randomness");
        }
        let key = JournalKey::from_seed(name, &seed);
        wipe(&mut seed);
        Ok(key)
    }

    /// The key of this seed, which the caller wipes.
    pub(super) fn from_seed(name: &str, seed: &[u8; 32]) -> JournalKey {
        let secret = SigningKey::from_bytes(seed);
        JournalKey {
            verifier: VerifierKey::new(name, secret.verifying_key().to_bytes()),
            secret,
        }
    }

    /// Reads `PRIVATE+KEY+name+id+base64`.
    pub fn parse(text: &str) -> Result<JournalKey, NotAKey> {
        let text = text.trim();
        let Some((name, rest)) = text
            .strip_prefix(SECRET)
            .and_then(|text| text.split_once('+'))
        else {
            return not_a_key("a private key begins with PRIVATE+KEY+");
        };
        let Some((id, secret)) = rest.split_once('+') else {
            return not_a_key("it has no id");
        };
        let Ok(mut bytes) = BASE64_STANDARD.decode(secret) else {
            return not_a_key("it is not base64");
        };
        let key = match bytes.split_first() {
            Some((&ED25519, seed)) => seed.try_into().map(|seed| Self::from_seed(name, seed)),
            _ => return not_a_key("its algorithm is not Ed25519"),
        };
        wipe(&mut bytes);
        match key {
            Ok(key) if format!("{:08x}", key.verifier.id) == id => Ok(key),
            Ok(_) => not_a_key("its id belongs to another key or another name"),
            Err(_) => not_a_key("it has the wrong length"),
        }
    }

    /// The text that [`JournalKey::parse`] reads: the secret itself, for a file that its owner
    /// alone may read.
    pub fn to_secret_text(&self) -> String {
        let mut bytes = tagged(self.secret.as_bytes());
        let mut secret = BASE64_STANDARD.encode(&bytes).into_bytes();
        wipe(&mut bytes);
        let VerifierKey { name, id, .. } = &self.verifier;
        // Room for all of it from the start: a text that grows leaves copies where it was before.
        let mut text = String::with_capacity(SECRET.len() + name.len() + secret.len() + 16);
        text.push_str(&format!("{SECRET}{name}+{id:08x}+"));
        text.push_str(std::str::from_utf8(&secret).unwrap_or_default());
        text.push('\n');
        wipe(&mut secret);
        text
    }

    /// Its public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The bytes of the public half.
    pub(super) fn public(&self) -> [u8; 32] {
        self.verifier.key
    }

    /// Signs bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

impl fmt::Debug for JournalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secret stays out of logs.
        write!(f, "JournalKey({})", self.verifier)
    }
}

/// Overwrites a secret; the black box keeps the compiler from leaving that out.
pub(super) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    black_box(bytes);
}

/// Whether `signature` is that of the Ed25519 key `public` over `message`.
pub(super) fn verify(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    signature::UnparsedPublicKey::new(&signature::ED25519, public)
        .verify(message, signature)
        .is_ok()
}

/// First byte of an encoded key: Ed25519, for the notes of a log. Witnesses have another.
const ED25519: u8 = 1;

fn tagged(key: &[u8; 32]) -> Vec<u8> {
    let mut bytes = vec![ED25519];
    bytes.extend_from_slice(key);
    bytes
}

fn parse(text: &str) -> Result<(&str, [u8; 32]), NotAKey> {
    let mut parts = text.trim().splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return not_a_key("it has not three parts");
    };
    if !is_key_name_valid(name) {
        return not_a_key("its name is empty or has a space in it");
    }
    let Ok(bytes) = BASE64_STANDARD.decode(key) else {
        return not_a_key("its last part is not base64");
    };
    if format!("{:08x}", key_id(name, &bytes)) != id {
        return not_a_key("its id belongs to another key or another name");
    }
    match bytes.split_first() {
        Some((&ED25519, key)) => match key.try_into() {
            Ok(key) => Ok((name, key)),
            Err(_) => not_a_key("it has the wrong length"),
        },
        _ => not_a_key("it is not an Ed25519 key of a log"),
    }
}
