//! Calls on the control stream: administration, each decided by policy, and their answers.

mod identity;
mod restraint;

use std::io;
use std::sync::Arc;

use interlock_broker::activation::NotActivated;
use interlock_broker::mediation::{NotAccepted, Session};
use interlock_protocols::conduit::{Ask, CallEnd, FromClient, ToClient};
use quinn::SendStream;

use super::caller::Caller;
use super::tell;
use crate::limits::REPLY_MAX_BYTES;
use crate::service::Edge;

/// Answers one message. Gives the reason where the session ends with it.
pub(super) async fn said(
    edge: &Arc<Edge>,
    session: &Session,
    caller: &Caller,
    send: &mut SendStream,
    message: FromClient,
) -> io::Result<Option<String>> {
    let answer = match message {
        FromClient::Hello { .. } => return Ok(Some("the client said hello twice".to_owned())),
        FromClient::Prove { .. } => return Ok(Some("the client proved itself twice".to_owned())),
        FromClient::Bye => return Ok(Some("the client is done".to_owned())),
        FromClient::ReadStatus { call } => status(edge, session, call),
        FromClient::AcceptJournal { call, reason } => accept(edge, session, call, &reason).await,
        FromClient::ActivatePolicy { call } => activate(edge, session, call).await,
        FromClient::Posture { device, posture } => {
            match caller.report(edge, session, &device, &posture) {
                Ok(answer) => answer,
                Err(why) => return Ok(Some(format!("a later proof of the machine failed: {why}"))),
            }
        }
        FromClient::Assert { call, .. } => identity::assert(call),
        FromClient::Ask { call, ask } => {
            for answer in asked(edge, session, call, ask).await {
                tell(send, &answer).await?;
            }
            return Ok(None);
        }
    };
    tell(send, &answer).await?;
    Ok(None)
}

async fn asked(edge: &Arc<Edge>, session: &Session, call: u32, ask: Ask) -> Vec<ToClient> {
    match ask {
        Ask::Invite { .. }
        | Ask::Invitations
        | Ask::CloseInvitation { .. }
        | Ask::ConfirmEnrolment { .. }
        | Ask::Identities => identity::asked(edge, session, call, ask).await,
        Ask::Sessions | Ask::Restrict { .. } | Ask::Restrictions | Ask::Reinstate { .. } => {
            restraint::asked(edge, session, call, ask).await
        }
    }
}

async fn activate(edge: &Arc<Edge>, session: &Session, call: u32) -> ToClient {
    let (end, text) = match edge.activate_policy(session).await {
        Ok(activated) => (CallEnd::Done, activated.to_string()),
        Err(error @ NotActivated::Refused(_)) => (CallEnd::Denied, error.to_string()),
        Err(error) => (CallEnd::Failed, error.to_string()),
    };
    let text = fitting(text);
    ToClient::Reply { call, end, text }
}

fn status(edge: &Edge, session: &Session, call: u32) -> ToClient {
    match session.read_status(edge.clock().now()) {
        Ok(()) => ToClient::Status {
            call,
            status: edge.outlook().status(edge.open_sessions()),
        },
        Err(refusal) => ToClient::Reply {
            call,
            end: CallEnd::Denied,
            text: format!("{}: {}", refusal.reason().what(), refusal.reason().next()),
        },
    }
}

async fn accept(edge: &Edge, session: &Session, call: u32, reason: &str) -> ToClient {
    let (end, text) = match edge.outlook().accept(session, reason).await {
        Ok(record) => (
            CallEnd::Done,
            format!("accepted in record {record}; commands with effect pass again"),
        ),
        Err(error @ NotAccepted::Refused(_)) => (CallEnd::Denied, error.to_string()),
        Err(error) => (CallEnd::Failed, error.to_string()),
    };
    ToClient::Reply { call, end, text }
}

/// As many whole lines as a frame surely takes: what is wrong with a policy may be a long list, and
/// a reply that does not fit would cost the session.
fn fitting(text: String) -> String {
    if text.len() <= REPLY_MAX_BYTES {
        return text;
    }
    let mut fitted = String::new();
    for line in text.lines() {
        if fitted.len() + line.len() > REPLY_MAX_BYTES {
            break;
        }
        fitted.push_str(line);
        fitted.push('\n');
    }
    fitted.push_str("… and more; `interlock-edge check` on the gateway lists all of it");
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;
    use interlock_protocols::conduit::Message;

    #[test]
    fn a_long_list_of_findings_fits_a_frame() {
        let line = "policy/tests/staff.toml:7: the case `operators read` fails: denied";
        let text = fitting(vec![line; 2_000].join("\n"));
        assert!(text.starts_with(line) && text.ends_with("lists all of it"));
        let reply = ToClient::Reply {
            call: 1,
            end: CallEnd::Failed,
            text,
        };
        assert!(reply.to_frame().is_ok());
        assert_eq!(fitting("one line".to_owned()), "one line");
    }
}
