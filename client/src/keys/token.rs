//! A key in a PKCS#11 token: a card, a stick, a TPM behind a module.

use interlock_broker::token::{self, Token, TokenFault, TokenKey};
use interlock_protocols::identity::Signed;

use super::pin::{self, PinFrom};
use crate::failure::{Failure, Kind};

/// One key in a token, opened.
#[derive(Debug)]
pub struct HeldToken {
    token: Token,
    spki: Vec<u8>,
    pin: PinFrom,
    present: bool,
    in_tpm: bool,
}

impl HeldToken {
    /// Opens a key that is there.
    pub fn open(key: &TokenKey, pin: &PinFrom) -> Result<HeldToken, Failure> {
        HeldToken::by(key, pin, Token::open)
    }

    /// Opens a key, or makes it where there is none.
    pub fn obtain(key: &TokenKey, pin: &PinFrom) -> Result<HeldToken, Failure> {
        HeldToken::by(key, pin, Token::obtain)
    }

    fn by(
        key: &TokenKey,
        from: &PinFrom,
        open: impl FnOnce(&TokenKey, Option<&token::Pin>) -> Result<Token, TokenFault>,
    ) -> Result<HeldToken, Failure> {
        let needs = token::takes_pin(key).map_err(|fault| failure(&fault))?;
        let pin = match needs {
            true => Some(pin::ask(key, from)?),
            false => None,
        };
        let token = open(key, pin.as_ref()).map_err(|fault| {
            if matches!(fault, TokenFault::PinWrong { .. }) {
                pin::forget(key);
            }
            failure(&fault)
        })?;
        Ok(HeldToken {
            spki: token.spki(),
            token,
            pin: from.clone(),
            present: needs && from.takes_a_person(),
            in_tpm: token::is_tpm(key),
        })
    }

    /// The public half.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Where it is.
    pub fn key(&self) -> &TokenKey {
        self.token.key()
    }

    /// Where its PIN comes from.
    pub fn pin(&self) -> &PinFrom {
        &self.pin
    }

    /// Whether a person gave a PIN for it just now.
    pub fn present(&self) -> bool {
        self.present
    }

    /// Whether the token is the machine's TPM.
    pub fn is_in_tpm(&self) -> bool {
        self.in_tpm
    }

    /// Signs a statement.
    pub fn sign(&self, statement: &[u8]) -> Result<Signed, Failure> {
        let signature = self.token.sign(statement);
        Ok(Signed {
            key: self.spki.clone(),
            signature: signature.map_err(|fault| failure(&fault))?,
        })
    }
}

fn failure(fault: &TokenFault) -> Failure {
    let kind = match fault {
        TokenFault::PinMissing { .. }
        | TokenFault::PinWrong { .. }
        | TokenFault::PinAtRisk { .. }
        | TokenFault::PinLocked { .. }
        | TokenFault::PinUnset { .. } => Kind::NotAuthenticated,
        TokenFault::Failed { .. } => Kind::Failed,
        _ => Kind::Configuration,
    };
    Failure::new(kind, fault.to_string(), fault.next())
}
