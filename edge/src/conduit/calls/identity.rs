//! Invitations, enrolments and identities.

use std::fmt::Display;
use std::sync::Arc;

use interlock_broker::enrolment::{NotDone, NotPresent};
use interlock_broker::mediation::Session;
use interlock_protocols::conduit::{Answer, Ask, CallEnd, InvitationRow, Invited, ToClient};
use interlock_protocols::identity::Signed;
use interlock_protocols::record::{InvitationFate, KeptInvitation};

use crate::limits::INVITATIONS_IN_ONE_ANSWER;
use crate::service::Edge;

/// Takes up that the person is there.
pub(super) async fn assert(
    edge: &Edge,
    session: &Session,
    call: u32,
    authenticator: &Signed,
) -> ToClient {
    let (now, here) = (edge.clock().now(), edge.server_name());
    let registrar = edge.registrar();
    match registrar.assert(session, authenticator, here, now).await {
        Ok(()) => reply(call, CallEnd::Done, "your presence counts from now"),
        Err(why @ NotPresent::Refused(_)) => reply(call, CallEnd::Denied, why),
        Err(why) => reply(call, CallEnd::Failed, why),
    }
}

pub(super) async fn asked(
    edge: &Arc<Edge>,
    session: &Session,
    call: u32,
    ask: Ask,
) -> Vec<ToClient> {
    let answered = match ask {
        Ask::Invite {
            subject,
            groups,
            valid_s,
        } => invite(edge, session, call, &subject, &groups, valid_s).await,
        Ask::Invitations => invitations(edge, session, call),
        Ask::CloseInvitation { invitation, reason } => {
            let now = edge.clock().now();
            let closed = edge
                .registrar()
                .close(session, invitation, &reason, now)
                .await;
            closed.map(|record| {
                let text = format!("invitation {invitation} is closed, in record {record}");
                vec![reply(call, CallEnd::Done, text)]
            })
        }
        Ask::ConfirmEnrolment {
            invitation,
            device_key,
        } => {
            let now = edge.clock().now();
            let confirmed = edge
                .registrar()
                .confirm(session, invitation, &device_key, now)
                .await;
            confirmed.map(|record| {
                let text = format!(
                    "the machine of invitation {invitation} is confirmed, in record {record}"
                );
                vec![reply(call, CallEnd::Done, text)]
            })
        }
        Ask::Identities => identities(edge, session, call).await,
        _ => Ok(vec![reply(
            call,
            CallEnd::Failed,
            "this is asked elsewhere",
        )]),
    };
    answered.unwrap_or_else(|why| {
        let end = match why {
            NotDone::Refused(_) => CallEnd::Denied,
            _ => CallEnd::Failed,
        };
        vec![reply(call, end, why)]
    })
}

async fn invite(
    edge: &Edge,
    session: &Session,
    call: u32,
    subject: &str,
    groups: &[String],
    valid_s: u32,
) -> Result<Vec<ToClient>, NotDone> {
    let Some(port) = edge.identity_port() else {
        let text = "nobody can enrol at this gateway: give it a `listen.identity` in edge.toml, and start it again";
        return Ok(vec![reply(call, CallEnd::Failed, text)]);
    };
    let now = edge.clock().now();
    let registrar = edge.registrar();
    let invited = registrar
        .invite(session, subject, groups, valid_s, now)
        .await?;
    let answer = Answer::Invited(Invited {
        invitation: invited.number,
        token: invited.token,
        port,
        server_name: edge.server_name().to_owned(),
        fingerprint: *edge.gateway_fingerprint(),
        until_ms: invited.until_ms,
        confirm: invited.confirm,
    });
    Ok(parts(call, vec![answer]))
}

fn invitations(edge: &Edge, session: &Session, call: u32) -> Result<Vec<ToClient>, NotDone> {
    let pending = edge.registrar().invitations(session, edge.clock().now())?;
    let rows: Vec<InvitationRow> = pending.into_iter().map(row).collect();
    let answers = rows.chunks(INVITATIONS_IN_ONE_ANSWER);
    let answers: Vec<Answer> = answers
        .map(|rows| Answer::Invitations(rows.to_vec()))
        .collect();
    Ok(parts(call, or_empty(answers, Answer::Invitations)))
}

fn row(invitation: KeptInvitation) -> InvitationRow {
    let waits = match invitation.fate {
        InvitationFate::Waiting(enrolment) => Some(enrolment),
        _ => None,
    };
    let invited = invitation.invited;
    InvitationRow {
        invitation: invitation.number,
        subject: invited.subject,
        by: invited.by,
        groups: invited.groups,
        until_ms: invited.until_ms,
        waiting: waits.as_ref().map(|waits| waits.device_key),
        machine: waits
            .as_ref()
            .map_or_else(String::new, |waits| waits.machine.clone()),
        peer: waits.map_or_else(String::new, |waits| waits.peer),
    }
}

/// One row in each answer: a row may be long, and there is no hurry.
async fn identities(
    edge: &Arc<Edge>,
    session: &Session,
    call: u32,
) -> Result<Vec<ToClient>, NotDone> {
    let now = edge.clock().now();
    let everybody = edge.registrar().identities(session, now)?;
    // What somebody may do is decided for each point of the plant: links are served meanwhile.
    let asked = Arc::clone(edge);
    let rows = tokio::task::spawn_blocking(move || {
        let row = |identity| asked.registrar().row(identity, now);
        everybody.iter().map(row).collect::<Vec<_>>()
    });
    let Ok(rows) = rows.await else {
        return Ok(vec![reply(
            call,
            CallEnd::Failed,
            "the list came to no end",
        )]);
    };
    let answers: Vec<Answer> = rows
        .into_iter()
        .map(|row| Answer::Identities(vec![row]))
        .collect();
    Ok(parts(call, or_empty(answers, Answer::Identities)))
}

/// A list of nothing is an answer too.
fn or_empty<R>(mut answers: Vec<Answer>, list: fn(Vec<R>) -> Answer) -> Vec<Answer> {
    if answers.is_empty() {
        answers.push(list(Vec::new()));
    }
    answers
}

fn parts(call: u32, answers: Vec<Answer>) -> Vec<ToClient> {
    let last = answers.len().saturating_sub(1);
    let part = |(number, answer)| ToClient::Answer {
        call,
        answer,
        more: number < last,
    };
    answers.into_iter().enumerate().map(part).collect()
}

fn reply(call: u32, end: CallEnd, text: impl Display) -> ToClient {
    ToClient::Reply {
        call,
        end,
        text: text.to_string(),
    }
}
