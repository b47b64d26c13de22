//! Keys of management servers, Ed25519, as texts: `name+hash+key`, the form in which signed notes
//! write keys. The first byte of the key keeps them apart from those of logs and witnesses.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use interlock_protocols::identity::{Posture, PostureReport, PostureSource, posture_statement};
use signed_note::key_id;

use crate::document::is_name;

/// First byte of a key that signs statements about machines. Signed notes give it to nobody.
const STATEMENT: u8 = 0xE1;

const SECRET: &str = "PRIVATE+KEY+";

/// A text is no key of a management server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAManagementKey {
    /// It is not of the form `name+hash+key`.
    #[error("it is no key: one looks like name+hash+key, on one line")]
    Form,
    /// It is a key for something else.
    #[error("it is a key of another kind: management servers, logs and witnesses each have theirs")]
    Kind,
    /// Its hash is not that of the name and the key.
    #[error("its hash is that of another key: copy the whole line again")]
    Hash,
    /// The name cannot be used.
    #[error("a name is 1 to 64 of a-z, 0-9, `_` and `-`, and begins with a letter or digit")]
    Name,
    /// The system gave no randomness.
    #[error("the system gave no random bytes")]
    NoRandomness,
}

/// The public key of a management server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManagementKey {
    name: String,
    key: VerifyingKey,
}

impl ManagementKey {
    /// Reads what `interlock posture key` prints.
    pub fn parse(text: &str) -> Result<ManagementKey, NotAManagementKey> {
        let text = text.trim();
        if text.starts_with(SECRET) {
            return Err(NotAManagementKey::Kind);
        }
        let (name, hash, bytes) = parts(text)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| NotAManagementKey::Form)?;
        let read = ManagementKey {
            name: name.to_owned(),
            key,
        };
        // Compared as text: a hash has one way to be written.
        if hash != read.hash() {
            return Err(NotAManagementKey::Hash);
        }
        Ok(read)
    }

    /// Its text.
    pub fn text(&self) -> String {
        let key = STANDARD.encode(typed(self.key.as_bytes()));
        format!("{}+{}+{key}", self.name, self.hash())
    }

    /// The server's name, which records and rules of the plant's own say.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn verifies(&self, statement: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(statement, &signature).is_ok())
    }

    fn hash(&self) -> String {
        format!("{:08x}", key_id(&self.name, &typed(self.key.as_bytes())))
    }
}

/// The secret key of a management server.
pub struct ManagementSecret {
    name: String,
    key: SigningKey,
}

impl ManagementSecret {
    /// A new one.
    pub fn generate(name: &str) -> Result<ManagementSecret, NotAManagementKey> {
        let mut seed = [0; 32];
        rand::fill(&mut seed).map_err(|_| NotAManagementKey::NoRandomness)?;
        if !is_name(name) {
            return Err(NotAManagementKey::Name);
        }
        Ok(ManagementSecret {
            name: name.to_owned(),
            key: SigningKey::from_bytes(&seed),
        })
    }

    /// Reads what [`ManagementSecret::secret_text`] wrote.
    pub fn parse(text: &str) -> Result<ManagementSecret, NotAManagementKey> {
        let rest = text.trim().strip_prefix(SECRET);
        let (name, hash, seed) = parts(rest.ok_or(NotAManagementKey::Kind)?)?;
        let read = ManagementSecret {
            name: name.to_owned(),
            key: SigningKey::from_bytes(&seed),
        };
        if hash != read.public().hash() {
            return Err(NotAManagementKey::Hash);
        }
        Ok(read)
    }

    /// The text that its file holds. Nobody else may see it.
    pub fn secret_text(&self) -> String {
        let seed = STANDARD.encode(typed(self.key.as_bytes()));
        format!("{SECRET}{}+{}+{seed}\n", self.name, self.public().hash())
    }

    /// What gateways know it by.
    pub fn public(&self) -> ManagementKey {
        ManagementKey {
            name: self.name.clone(),
            key: self.key.verifying_key(),
        }
    }

    /// What a machine shows of what the server found on it.
    pub fn sign(&self, posture: &Posture) -> PostureReport {
        let statement = posture.encode();
        let signature = self.key.sign(&posture_statement(&statement));
        PostureReport {
            source: PostureSource::Management,
            statement,
            signer: self.name.clone(),
            signature: signature.to_bytes().to_vec(),
        }
    }
}

fn typed(key: &[u8; 32]) -> Vec<u8> {
    [&[STATEMENT], key.as_slice()].concat()
}

fn parts(text: &str) -> Result<(&str, &str, [u8; 32]), NotAManagementKey> {
    use NotAManagementKey as Not;

    let (name, rest) = text.split_once('+').ok_or(Not::Form)?;
    let (hash, key) = rest.split_once('+').ok_or(Not::Form)?;
    let key = STANDARD.decode(key).map_err(|_| Not::Form)?;
    if !is_name(name) {
        return Err(Not::Name);
    }
    match key.split_first() {
        Some((&STATEMENT, key)) => Ok((name, hash, key.try_into().map_err(|_| Not::Form)?)),
        _ => Err(Not::Kind),
    }
}
