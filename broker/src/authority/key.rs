//! The key of an authority, wherever it is.

use rcgen::{KeyPair, PublicKeyData, SignatureAlgorithm, SigningKey};

use super::AuthorityError;
use crate::token::Token;

/// A private key that signs certificates.
pub(super) enum Key {
    /// In memory, from a file.
    File(KeyPair),
    /// In a token.
    Token(Token),
}

impl Key {
    pub(super) fn token(&self) -> Option<&Token> {
        match self {
            Key::File(_) => None,
            Key::Token(token) => Some(token),
        }
    }
}

/// The error of the certificate library, or what the token said behind it.
pub(super) fn why(token: Option<&Token>, error: rcgen::Error) -> AuthorityError {
    match token.and_then(Token::fault) {
        Some(fault) if error == rcgen::Error::RemoteKeyError => AuthorityError::Token(fault),
        _ => AuthorityError::Certificate(error),
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Key::File(pair) => pair.der_bytes(),
            Key::Token(token) => token.der_bytes(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self {
            Key::File(pair) => pair.algorithm(),
            Key::Token(token) => token.algorithm(),
        }
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        match self {
            Key::File(pair) => pair.sign(message),
            Key::Token(token) => SigningKey::sign(token, message),
        }
    }
}
