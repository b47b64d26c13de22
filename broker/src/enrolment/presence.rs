//! Showing, inside a session, that one is there.

use interlock_protocols::identity::{KeyProtection, Signed, presence_statement};
use interlock_protocols::record::{Asserted, Event};

use super::Registrar;
use crate::clock::Now;
use crate::journal::Unrecordable;
use crate::mediation::{Refusal, Session};
use crate::proof::{BadSignature, verify};

/// Why a presence counts for nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotPresent {
    /// The session is over.
    #[error("{}: {}", .0.reason().what(), .0.next())]
    Refused(Refusal),
    /// The signature does not hold.
    #[error("the authenticator did not prove itself: {0}")]
    Signature(#[from] BadSignature),
    /// Another key than the one enrolled.
    #[error("this is not the authenticator that you enrolled with on this machine")]
    OtherKey,
    /// A key that a program can use alone.
    #[error(
        "your authenticator is a key in a file, which shows nobody's presence: enrol with one in a token"
    )]
    NoToken,
    /// For the second time in one connection, where the first signature would do as well.
    #[error(
        "you showed that you are there in this connection before: connect again to show it again"
    )]
    Again,
    /// It cannot be recorded.
    #[error("it cannot be recorded: {0}")]
    Journal(#[from] Unrecordable),
}

impl Registrar {
    /// Takes up that the person of a session is there, in this connection and now: from here on
    /// its decisions know of it. Once: what is signed is of the connection and not of the moment,
    /// so a program that kept the signature could be somebody's presence for as long as it runs.
    pub async fn assert(
        &self,
        session: &Session,
        authenticator: &Signed,
        server_name: &str,
        now: Now,
    ) -> Result<(), NotPresent> {
        session.stands(now).map_err(NotPresent::Refused)?;
        // A session without a machine has nobody who enrolled here.
        let exporter = session.exporter().ok_or(NotPresent::OtherKey)?;
        let statement = presence_statement(exporter, session.leaf_key(), server_name);
        let key = verify(authenticator, &statement)?;
        let subject = session.subject().to_string();
        {
            let register = self.broker.register();
            let machine = session.device_key();
            let identity = machine
                .and_then(|machine| register.identities.on_machine(&subject, machine))
                .filter(|identity| identity.enrolment.authenticator == key)
                .ok_or(NotPresent::OtherKey)?;
            if identity.enrolment.authenticator_protection != KeyProtection::Token {
                return Err(NotPresent::NoToken);
            }
        }
        if session.was_present() {
            return Err(NotPresent::Again);
        }
        let asserted = Event::Asserted(Asserted {
            session: session.id(),
            subject,
            authenticator: key,
        });
        self.act(asserted, now).await?;
        session.is_present(now);
        Ok(())
    }
}
