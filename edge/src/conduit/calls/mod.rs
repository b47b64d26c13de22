//! Calls on the control stream: administration, each decided by policy, and their answers.

mod break_glass;
mod identity;
mod oversight;
mod restraint;
mod window;

use std::io;
use std::sync::Arc;

use interlock_broker::activation::NotActivated;
use interlock_broker::mediation::{NotAccepted, Refusal, Session};
use interlock_protocols::conduit::{Answer, Ask, CallEnd, FromClient, Message as _, ToClient};
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
        FromClient::Assert {
            call,
            authenticator,
        } => identity::assert(edge, session, call, &authenticator).await,
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
        Ask::RequestWindow(_)
        | Ask::Windows { .. }
        | Ask::Window { .. }
        | Ask::ApproveWindow { .. }
        | Ask::RefuseWindow { .. }
        | Ask::WithdrawWindow { .. } => window::asked(edge, session, call, ask).await,
        Ask::TakeWriter { .. } | Ask::ReturnWriter { .. } => {
            oversight::asked(edge, session, call, ask).await
        }
        Ask::BreakGlass { grant, reason } => {
            vec![break_glass::asked(edge, session, call, &grant, &reason).await]
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
        Err(refusal) => denied(call, &refusal),
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

/// A list as the answer to a call, in as many parts as it takes frames. There is always one, and
/// the last says that it is.
fn listed<R: Clone>(call: u32, rows: &[R], answer: fn(Vec<R>) -> Answer) -> Vec<ToClient> {
    let whole = ToClient::Answer {
        call,
        answer: answer(rows.to_vec()),
        more: false,
    };
    match rows.split_at_checked(rows.len() / 2) {
        Some((first, last)) if rows.len() > 1 && whole.to_frame().is_err() => {
            let mut parts = listed(call, first, answer);
            go_on(&mut parts);
            parts.extend(listed(call, last, answer));
            parts
        }
        _ => vec![whole],
    }
}

/// More parts follow these.
fn go_on(parts: &mut [ToClient]) {
    for part in parts {
        if let ToClient::Answer { more, .. } = part {
            *more = true;
        }
    }
}

fn denied(call: u32, refusal: &Refusal) -> ToClient {
    let what = refusal.reason().what();
    let what = match refusal.policies() {
        [] => what,
        rules => format!("{what} ({})", rules.join(", ")),
    };
    ToClient::Reply {
        call,
        end: CallEnd::Denied,
        text: fitting(format!("{what}: {}", refusal.next())),
    }
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
    use interlock_protocols::conduit::RestrictionRow;
    use interlock_protocols::record::{Measure, Scope};

    #[test]
    fn a_long_list_comes_in_parts_that_each_fit_and_loses_nothing() {
        let row = |restriction| RestrictionRow {
            restriction,
            measure: Measure::Revoke,
            scope: Scope::AllVendors,
            machine: String::new(),
            by: "x".repeat(255),
            reason: "y".repeat(1_024),
            since_ms: 0,
        };
        for count in [0, 1, 7, 1_000] {
            let rows: Vec<RestrictionRow> = (0..count).map(row).collect();
            let parts = listed(3, &rows, Answer::Restrictions);
            let mut told = Vec::new();
            for (place, part) in parts.iter().enumerate() {
                assert!(part.to_frame().is_ok());
                let ToClient::Answer {
                    answer: Answer::Restrictions(rows),
                    more,
                    call: 3,
                } = part
                else {
                    panic!("{part:?}");
                };
                assert_eq!(*more, place + 1 < parts.len());
                told.extend(rows.iter().cloned());
            }
            assert_eq!(told, rows);
        }
    }

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
