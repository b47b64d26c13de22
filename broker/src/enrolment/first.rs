//! The invitation by which a gateway gets its first administrator, or another one where all are
//! lost: made by whoever has the gateway's own disk, in a file, and recorded at the next start.

use interlock_protocols::record::{Event, Invited};

use super::Registrar;
use crate::clock::Now;
use crate::journal::Unrecordable;
use crate::subject::SubjectId;

/// What the file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirstInvitation {
    /// Who made it.
    pub by: String,
    /// Whom it is for.
    pub subject: SubjectId,
    /// Groups to put them in.
    pub groups: Vec<String>,
    /// SHA-256 of the token.
    pub token: [u8; 32],
    /// Until when it may be used, ms since 1970 UTC.
    pub until_ms: i64,
}

impl Registrar {
    /// Records it, if it was not recorded before. Gives the number of the invitation.
    pub async fn take_up(&self, first: &FirstInvitation, now: Now) -> Result<u64, Unrecordable> {
        let _turn = self.turn().await;
        let known = {
            let register = self.broker.register();
            let known = register.identities.invitations.with_token(&first.token);
            known.map(|known| known.number)
        };
        if let Some(number) = known {
            return Ok(number);
        }
        let invited = Event::Invited(Invited {
            session: None,
            by: first.by.clone(),
            subject: first.subject.to_string(),
            groups: first.groups.clone(),
            token: first.token,
            until_ms: first.until_ms,
        });
        self.act(invited, now).await
    }
}
