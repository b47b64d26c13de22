//! Administration: asking for acts and lists, and showing that a person is there.

use interlock_broker::proof::sha256;
use interlock_protocols::conduit::{Answer, Ask, FromClient, ToClient};
use interlock_protocols::identity::{EXPORTER_LABEL, presence_statement};

use super::{Gateway, done, faults, frames};
use crate::failure::{Failure, Kind};
use crate::keys::Authenticator;
use crate::limits::{ANSWER_PARTS_MAX, EXPORTER_BYTES};
use crate::profile::Profile;

/// What became of an [`Ask`].
#[derive(Clone, PartialEq, Debug)]
pub enum Answered {
    /// It was done; this is what the edge says.
    Word(String),
    /// It was answered, in so many parts.
    Parts(Vec<Answer>),
}

impl Gateway {
    /// Asks for an act, or for a list, and waits for all of the answer.
    pub async fn ask(&mut self, ask: Ask) -> Result<Answered, Failure> {
        let mut answer = self.call(|call| FromClient::Ask { call, ask }).await?;
        let asked = self.calls;
        let mut parts = Vec::new();
        loop {
            match answer {
                ToClient::Answer { answer, more, .. } if parts.len() < ANSWER_PARTS_MAX => {
                    parts.push(answer);
                    if !more {
                        return Ok(Answered::Parts(parts));
                    }
                }
                reply @ ToClient::Reply { .. } if parts.is_empty() => {
                    // Both say themselves what to do.
                    return done(reply, "").map(Answered::Word);
                }
                _ => return Err(faults::unexpected("an answer that is none")),
            }
            answer = self.answer_to(asked).await?;
        }
    }

    /// Asks for what is answered in parts, and gives all of them.
    pub async fn ask_for_parts(&mut self, ask: Ask) -> Result<Vec<Answer>, Failure> {
        match self.ask(ask).await? {
            Answered::Parts(parts) => Ok(parts),
            Answered::Word(_) => Err(faults::unexpected("a word where more was asked for")),
        }
    }

    /// Asks for what is answered by a word alone, and gives it.
    pub async fn ask_for_word(&mut self, ask: Ask) -> Result<String, Failure> {
        match self.ask(ask).await? {
            Answered::Word(word) => Ok(word),
            Answered::Parts(_) => Err(faults::unexpected("more than a word")),
        }
    }

    /// Shows, in this very connection, that the person is there: with a key that takes a PIN or a
    /// touch. From then on decisions know of it.
    pub async fn assert(
        &mut self,
        profile: &Profile,
        authenticator: &dyn Authenticator,
    ) -> Result<(), Failure> {
        let exporter = exporter(&self.line.connection)?;
        let leaf = sha256(profile.session_key()?.spki());
        let statement = presence_statement(&exporter, &leaf, profile.server_name());
        let authenticator = authenticator.sign(&statement)?;
        let call = self.calls.wrapping_add(1);
        self.calls = call;
        let assert = FromClient::Assert {
            call,
            authenticator,
        };
        frames::write(&mut *self.control.lock().await, &assert).await?;
        let next = "use the authenticator that you enrolled with, or log in again";
        done(self.answer_to(call).await?, next)
            .map(drop)
            .map_err(|failure| {
                Failure::new(
                    Kind::NotAuthenticated,
                    format!("that you are there was not believed: {}", failure.what()),
                    failure.next(),
                )
            })
    }

    /// Shows that the person is there where their authenticator can, before an act that wants it.
    /// Where it cannot, the edge says whether that matters.
    pub async fn show_presence(&mut self, profile: &Profile) -> Result<(), Failure> {
        if !profile.authenticator().is_token() {
            return Ok(());
        }
        let key = profile.authenticator().open()?;
        if Authenticator::present(&key) {
            self.assert(profile, &key).await?;
        }
        Ok(())
    }
}

/// 32 bytes that no other connection has.
pub(super) fn exporter(connection: &quinn::Connection) -> Result<[u8; EXPORTER_BYTES], Failure> {
    let mut exporter = [0; EXPORTER_BYTES];
    connection
        .export_keying_material(&mut exporter, EXPORTER_LABEL, b"")
        .map_err(|_| Failure::of_program("the connection gives no exporter"))?;
    Ok(exporter)
}
