//! A key in a file: PKCS#8 in PEM, which its owner alone may read.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use interlock_protocols::identity::Signed;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::failure::{Failure, Kind};

/// One key. `Debug` shows no part of it.
pub struct FileKey {
    pair: KeyPair,
    spki: Vec<u8>,
}

impl FileKey {
    /// Makes a new one, in memory.
    pub fn generate() -> Result<FileKey, Failure> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Failure::of_program)?;
        Ok(FileKey::of(pair))
    }

    /// Reads the private key of a file, in which a certificate may stand as well. One that others
    /// can read is not used.
    pub fn open(path: &Path) -> Result<FileKey, Failure> {
        private(path)?;
        let text = fs::read_to_string(path).map_err(|error| absent(path, &error))?;
        FileKey::parse(&text).map_err(|why| unusable(path, &why))
    }

    /// Opens a key, or makes it where there is none: on the disk before it is used for anything.
    pub fn obtain(path: &Path) -> Result<FileKey, Failure> {
        if path.exists() {
            return FileKey::open(path);
        }
        let key = FileKey::generate()?;
        key.write(path)?;
        Ok(key)
    }

    /// Writes it into a file of its own.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        crate::profile::replace(path, self.to_secret_pem(), 0o600).map_err(|error| {
            Failure::new(
                Kind::Configuration,
                format!("the key {} cannot be written: {error}", path.display()),
                "check the folder, its permissions, and the room on the disk",
            )
        })
    }

    /// Reads the private key of a text in PEM.
    pub fn parse(pem: &str) -> Result<FileKey, String> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| format!("it holds no private key ({error})"))?;
        let pair = KeyPair::try_from(&der).map_err(|error| error.to_string())?;
        if !pair.is_compatible(&PKCS_ECDSA_P256_SHA256) {
            return Err("it is no P-256 key".to_owned());
        }
        Ok(FileKey::of(pair))
    }

    fn of(pair: KeyPair) -> FileKey {
        let spki = pair.subject_public_key_info();
        FileKey { pair, spki }
    }

    /// The public half, as `SubjectPublicKeyInfo` in DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Signs a statement.
    pub fn sign(&self, statement: &[u8]) -> Result<Signed, Failure> {
        let signature = self.pair.sign(statement).map_err(Failure::of_program)?;
        Ok(Signed {
            key: self.spki.clone(),
            signature,
        })
    }

    /// The private key in PEM, to be written where nobody else can read it.
    pub fn to_secret_pem(&self) -> String {
        self.pair.serialize_pem()
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKey").finish_non_exhaustive()
    }
}

fn absent(path: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        Failure::new(
            Kind::Configuration,
            format!("there is no key {}", path.display()),
            "use the profile on the machine that it was made on; if the key is lost, ask the administrator of the gateway for an invitation and enrol this machine again",
        )
    } else {
        unusable(path, error)
    }
}

fn unusable(path: &Path, why: &dyn fmt::Display) -> Failure {
    Failure::new(
        Kind::Configuration,
        format!("the key {} cannot be used: {why}", path.display()),
        "ask the administrator of the gateway for an invitation, and enrol this machine again",
    )
}

/// Whoever can read a key is its owner to the gateway.
#[cfg(unix)]
pub(crate) fn private(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;

    let known = fs::metadata(path).map_err(|error| absent(path, &error))?;
    let others = known.permissions().mode() & 0o077;
    if others == 0 {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Configuration,
        format!("others on this machine can read {}", path.display()),
        format!(
            "chmod 600 {}, and if somebody may have read it already, ask for this machine to be revoked and enrol it again",
            path.display()
        ),
    ))
}

/// Elsewhere the folder's own access list has to keep the key; this program does not check it.
#[cfg(not(unix))]
pub(crate) fn private(path: &Path) -> Result<(), Failure> {
    fs::metadata(path)
        .map(|_| ())
        .map_err(|error| absent(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use interlock_broker::proof;

    #[test]
    fn what_a_key_signs_is_verified_and_a_key_comes_back_from_its_text() {
        let key = FileKey::generate().unwrap();
        let signed = key.sign(b"this").unwrap();
        let hash = proof::verify(&signed, b"this").unwrap();
        assert_eq!(hash, proof::sha256(key.spki()));
        let again = FileKey::parse(&key.to_secret_pem()).unwrap();
        assert_eq!(again.spki(), key.spki());
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }

    #[test]
    fn what_is_no_key_of_ours_is_refused_with_the_reason() {
        let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        for (text, why) in [
            (String::new(), "no private key"),
            ("key".to_owned(), "no private key"),
            (other.serialize_pem(), "no P-256 key"),
        ] {
            let refused = FileKey::parse(&text).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn a_key_that_is_not_there_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let failure = FileKey::open(&folder.path().join("device.key")).unwrap_err();
        assert_eq!(failure.kind(), Kind::Configuration);
        assert!(failure.what().contains("device.key"), "{failure}");
        assert!(failure.next().contains("enrol"), "{failure}");
    }
}
