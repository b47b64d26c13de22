//! The one writer of a device.

use std::sync::Arc;

use interlock_broker::limits::WRITER_LEASE;
use interlock_broker::mediation::{Reason, Refusal, Session, TookWriter};
use interlock_protocols::conduit::{Ask, CallEnd, ToClient};

use super::denied;
use crate::service::Edge;

pub(super) async fn asked(
    edge: &Arc<Edge>,
    session: &Session,
    call: u32,
    ask: Ask,
) -> Vec<ToClient> {
    let now = edge.clock().now();
    let answer = match ask {
        Ask::TakeWriter { device } => {
            let took = session.take_writer(&device, now);
            took.map(|took| (CallEnd::Done, taken(&device, &took)))
        }
        Ask::ReturnWriter { device } => {
            let returned = session.return_writer(&device, now);
            returned.map(|theirs| given_back(&device, theirs))
        }
        _ => Ok((CallEnd::Failed, "this is asked elsewhere".to_owned())),
    };
    vec![match answer {
        Ok((end, text)) => ToClient::Reply { call, end, text },
        Err(refusal) => not_taken(call, &refusal),
    }]
}

fn taken(device: &str, took: &TookWriter) -> String {
    let from = match &took.from {
        Some(writer) => format!(
            ", taken from {} (session {})",
            writer.subject.path(),
            writer.session
        ),
        None => String::new(),
    };
    let record = match took.record {
        Some(record) => format!(", in record {record}"),
        None => String::new(),
    };
    format!(
        "you alone write to {device}{from}{record}; it ends {} s after your last write",
        WRITER_LEASE.as_secs()
    )
}

fn given_back(device: &str, theirs: bool) -> (CallEnd, String) {
    match theirs {
        true => (CallEnd::Done, format!("others may write to {device} again")),
        false => (
            CallEnd::Failed,
            format!("you are not the one writer of {device}, or no longer"),
        ),
    }
}

/// That somebody else writes is nothing that this subject may not: it is to be tried again.
fn not_taken(call: u32, refusal: &Refusal) -> ToClient {
    let mut answer = denied(call, refusal);
    if let ToClient::Reply { end, .. } = &mut answer
        && matches!(refusal.reason(), Reason::Oversight(_))
    {
        *end = CallEnd::Failed;
    }
    answer
}
