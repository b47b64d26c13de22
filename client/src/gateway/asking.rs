//! Administration over the control stream.

use interlock_protocols::conduit::{Answer, Ask, FromClient, ToClient};

use super::{Gateway, done, faults};
use crate::failure::Failure;

/// What to do where something was not done.
const NEXT: &str = "nothing was changed";

impl Gateway {
    /// Asks, and gives all parts of the answer.
    pub async fn ask(&mut self, ask: Ask) -> Result<Vec<Answer>, Failure> {
        let mut parts = Vec::new();
        let mut said = self.call(|call| FromClient::Ask { call, ask }).await?;
        loop {
            match said {
                ToClient::Answer { call, answer, more } => {
                    parts.push(answer);
                    if !more {
                        return Ok(parts);
                    }
                    said = self.answer_to(call).await?;
                }
                other => {
                    done(other, NEXT)?;
                    return Err(faults::unexpected("a word where a list was asked for"));
                }
            }
        }
    }

    /// Asks what is answered by a word alone, and gives it.
    pub async fn ask_for_word(&mut self, ask: Ask) -> Result<String, Failure> {
        let said = self.call(|call| FromClient::Ask { call, ask }).await?;
        done(said, NEXT)
    }
}
