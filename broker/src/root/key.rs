//! The keys: the root's own, and those of approvers. As text they are written like the keys of a
//! log, with a checksum, since people copy them by hand.

use interlock_protocols::root::{ApproverList, Kind, PlantBundle, unsigned};

use super::list;
use crate::clock::Now;
use crate::document::is_name;
use crate::journal::tree::{JournalKey, NotAKey, VerifierKey};
use crate::proof::sha256;

/// What follows the site in the name of a root's key.
const ROOT: &str = "/root";
/// What follows the approver's name in the name of a grant key.
const GRANT: &str = "/grant";

/// A text that is no key of a site root.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotARoot {
    /// It is no key at all.
    #[error("{0}")]
    NotAKey(#[from] NotAKey),
    /// It is a key for something else.
    #[error("it is the key `{0}`, and a root's is called SITE/root")]
    OtherName(String),
    /// The site is no name.
    #[error("`{0}` is no name of a site: it has 1 to 64 of a-z, 0-9, `_` and `-`")]
    NotASite(String),
}

/// A text that is no approver's private key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAnApprover {
    /// It is no key at all.
    #[error("{0}")]
    NotAKey(#[from] NotAKey),
    /// It is a key for something else.
    #[error("it is the key `{0}`, and an approver's is called WHO/grant")]
    OtherName(String),
}

/// Why nothing was signed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignFailure {
    /// What is to be signed cannot be used.
    #[error("{0}")]
    Content(String),
    /// It is too long.
    #[error("it is longer than a document of the root may be")]
    TooLong,
}

/// The public key of a site root, as it is pinned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RootKey {
    site: String,
    key: VerifierKey,
}

impl RootKey {
    /// Reads the line that `interlock root init` printed.
    pub fn parse(text: &str) -> Result<RootKey, NotARoot> {
        RootKey::of(VerifierKey::parse(text)?)
    }

    fn of(key: VerifierKey) -> Result<RootKey, NotARoot> {
        match key.name().strip_suffix(ROOT) {
            Some(site) if is_name(site) => Ok(RootKey {
                site: site.to_owned(),
                key,
            }),
            _ => Err(NotARoot::OtherName(key.name().to_owned())),
        }
    }

    /// The site whose root it is.
    pub fn site(&self) -> &str {
        &self.site
    }

    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.signed(message, signature)
    }
}

impl std::fmt::Display for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.key)
    }
}

/// The private key of a site root. It stays on the machine where it was made.
#[derive(Clone, Debug)]
pub struct RootSecret {
    public: RootKey,
    key: JournalKey,
}

impl RootSecret {
    /// Makes one from the system's randomness.
    pub fn generate(site: &str) -> Result<RootSecret, NotARoot> {
        if !is_name(site) {
            return Err(NotARoot::NotASite(site.to_owned()));
        }
        RootSecret::of(JournalKey::generate(&format!("{site}{ROOT}"))?)
    }

    /// Reads what [`RootSecret::to_secret_text`] wrote.
    pub fn parse(text: &str) -> Result<RootSecret, NotARoot> {
        RootSecret::of(JournalKey::parse(text)?)
    }

    fn of(key: JournalKey) -> Result<RootSecret, NotARoot> {
        let public = RootKey::of(key.verifier().clone())?;
        Ok(RootSecret { public, key })
    }

    /// The secret itself, for a file that its owner alone may read.
    pub fn to_secret_text(&self) -> String {
        self.key.to_secret_text()
    }

    /// Its public half.
    pub fn public(&self) -> &RootKey {
        &self.public
    }

    /// Signs who may approve, by now.
    pub fn sign_approvers(
        &self,
        approvers: &ApproverList,
        serial: u64,
        now: Now,
    ) -> Result<Vec<u8>, SignFailure> {
        list::judge(approvers, self.public.site()).map_err(SignFailure::Content)?;
        list::judge_since(approvers, now).map_err(SignFailure::Content)?;
        self.sign(Kind::Approvers, serial, &approvers.encode())
    }

    /// Signs `plant.toml`, whose bytes these are.
    pub fn sign_plant(&self, plant: &[u8], serial: u64) -> Result<Vec<u8>, SignFailure> {
        let digest = sha256(plant);
        self.sign(Kind::Plant, serial, &PlantBundle { digest }.encode())
    }

    pub(super) fn sign_bytes(&self, bytes: &[u8]) -> [u8; 64] {
        self.key.sign(bytes)
    }

    fn sign(&self, kind: Kind, serial: u64, body: &[u8]) -> Result<Vec<u8>, SignFailure> {
        let site = self.public.site();
        let mut bytes = unsigned(kind, site, serial, body).ok_or(SignFailure::TooLong)?;
        let signature = self.key.sign(&bytes);
        bytes.extend_from_slice(&signature);
        Ok(bytes)
    }
}

/// An approver's private grant key, made on their own machine.
#[derive(Clone, Debug)]
pub struct ApproverKey(JournalKey);

impl ApproverKey {
    /// Makes one; `who` is only for people, and no part of what is signed with it.
    pub fn generate(who: &str) -> Result<ApproverKey, NotAKey> {
        JournalKey::generate(&format!("{who}{GRANT}")).map(ApproverKey)
    }

    /// The secret itself, for a file that its owner alone may read.
    pub fn to_secret_text(&self) -> String {
        self.0.to_secret_text()
    }

    /// Reads what [`ApproverKey::to_secret_text`] wrote.
    pub fn parse(text: &str) -> Result<ApproverKey, NotAnApprover> {
        let key = JournalKey::parse(text)?;
        let name = key.verifier().name();
        if name.ends_with(GRANT) {
            Ok(ApproverKey(key))
        } else {
            Err(NotAnApprover::OtherName(name.to_owned()))
        }
    }

    /// Its public half, as the list of approvers and grants have it.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifier().bytes()
    }

    /// Signs the body of a grant. Whoever calls this has shown it to its owner, from these bytes.
    pub fn sign(&self, body: &[u8]) -> [u8; 64] {
        self.0.sign(body)
    }

    /// The line for the list of approvers.
    pub fn public_text(&self) -> String {
        self.0.verifier().to_string()
    }
}

/// Whether an approver's key signed the body of a grant.
pub fn is_signed_by_approver(key: &[u8; 32], body: &[u8], signature: &[u8; 64]) -> bool {
    // Its name is no part of what is signed.
    VerifierKey::new(GRANT, *key).signed(body, signature)
}

/// The bytes of a key that [`ApproverKey::public_text`] wrote.
pub(super) fn approver_key(text: &str) -> Result<[u8; 32], String> {
    let key = VerifierKey::parse(text).map_err(|error| error.to_string())?;
    if key.name().ends_with(GRANT) {
        Ok(key.bytes())
    } else {
        Err(format!("`{}` is no approver's key", key.name()))
    }
}
