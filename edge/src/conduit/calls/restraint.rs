//! Sessions, what is taken away from them, and giving it back.

use std::sync::Arc;

use interlock_broker::mediation::{NotReinstated, NotRestricted, Session};
use interlock_protocols::conduit::{
    Acknowledged, Answer, Ask, CallEnd, Message as _, OpenWrite, ToClient,
};
use interlock_protocols::record::{Measure, Scope};
use tokio::time::timeout;

use super::{denied, go_on, listed};
use crate::limits::RESTRICTION_DURABLE_MAX;
use crate::service::Edge;

pub(super) async fn asked(
    edge: &Arc<Edge>,
    session: &Session,
    call: u32,
    ask: Ask,
) -> Vec<ToClient> {
    let now = edge.clock().now();
    match ask {
        Ask::Sessions => match session.sessions(now) {
            Ok(rows) => listed(call, &rows, Answer::Sessions),
            Err(refusal) => vec![denied(call, &refusal)],
        },
        Ask::Restrictions => match session.restrictions(now) {
            Ok(rows) => listed(call, &rows, Answer::Restrictions),
            Err(refusal) => vec![denied(call, &refusal)],
        },
        Ask::Restrict {
            measure,
            scope,
            reason,
        } => restrict(edge, session, call, measure, scope, &reason).await,
        Ask::Reinstate {
            restriction,
            reason,
        } => vec![reinstate(edge, session, call, restriction, &reason).await],
        _ => vec![reply(
            call,
            CallEnd::Failed,
            "this is asked elsewhere".to_owned(),
        )],
    }
}

async fn restrict(
    edge: &Edge,
    session: &Session,
    call: u32,
    measure: Measure,
    scope: Scope,
    reason: &str,
) -> Vec<ToClient> {
    match session.restrict(measure, scope, reason, edge.clock().now()) {
        Ok(mut taken) => {
            // It holds already; only how durable it is has to be waited for.
            let _hangs = timeout(RESTRICTION_DURABLE_MAX, taken.recorded()).await;
            acknowledged(call, taken.acknowledge())
        }
        Err(NotRestricted::Refused(refusal)) => vec![denied(call, &refusal)],
        Err(error) => vec![reply(call, CallEnd::Failed, error.to_string())],
    }
}

async fn reinstate(
    edge: &Edge,
    session: &Session,
    call: u32,
    restriction: u64,
    reason: &str,
) -> ToClient {
    let now = edge.clock().now();
    match session.reinstate(restriction, reason, now).await {
        Ok(record) => {
            let text = format!("restriction {restriction} is lifted, in record {record}");
            reply(call, CallEnd::Done, text)
        }
        Err(NotReinstated::Refused(refusal)) => denied(call, &refusal),
        Err(error) => reply(call, CallEnd::Failed, error.to_string()),
    }
}

fn reply(call: u32, end: CallEnd, text: String) -> ToClient {
    ToClient::Reply { call, end, text }
}

/// In one part; or the sessions first, and as many parts as the open commands take.
fn acknowledged(call: u32, acknowledged: Acknowledged) -> Vec<ToClient> {
    let part = |sessions: Vec<u64>, open: Vec<OpenWrite>| ToClient::Answer {
        call,
        answer: Answer::Restricted(Acknowledged {
            sessions,
            open,
            ..acknowledged
        }),
        more: false,
    };
    let whole = part(acknowledged.sessions.clone(), acknowledged.open.clone());
    if whole.to_frame().is_ok() {
        return vec![whole];
    }
    let sessions = acknowledged.sessions.chunks(SESSIONS_IN_A_PART);
    let open = acknowledged.open.chunks(OPEN_IN_A_PART);
    let mut parts: Vec<ToClient> = sessions
        .map(|sessions| part(sessions.to_vec(), Vec::new()))
        .chain(open.map(|open| part(Vec::new(), open.to_vec())))
        .collect();
    if let Some((_last, before)) = parts.split_last_mut() {
        go_on(before);
    }
    parts
}

/// Numbers have 9 bytes at the most, so these fit a frame.
const SESSIONS_IN_A_PART: usize = 4096;

/// A command in words has some hundred bytes, and 8 values of names of 64 at the most: so do these.
const OPEN_IN_A_PART: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_acknowledgement_comes_in_parts_that_each_fit_and_loses_nothing() {
        let open = |intent| OpenWrite {
            intent,
            session: u64::MAX,
            device: "d".repeat(64),
            what: "w".repeat(1_500),
        };
        let long = Acknowledged {
            restriction: Some(7),
            durable: true,
            sessions: (u64::MAX - 10_000..u64::MAX).collect(),
            open: (0..500).map(open).collect(),
        };
        let parts = acknowledged(3, long.clone());
        let (mut sessions, mut open) = (Vec::new(), Vec::new());
        for (place, part) in parts.iter().enumerate() {
            assert!(part.to_frame().is_ok());
            let ToClient::Answer {
                answer: Answer::Restricted(part),
                more,
                ..
            } = part
            else {
                panic!("{part:?}");
            };
            assert_eq!(*more, place + 1 < parts.len());
            assert_eq!((part.restriction, part.durable), (Some(7), true));
            sessions.extend(&part.sessions);
            open.extend(part.open.iter().cloned());
        }
        assert_eq!((sessions, open), (long.sessions, long.open));
    }
}
