//! Maintenance windows.

use std::fmt::Display;
use std::sync::Arc;

use interlock_broker::mediation::Session;
use interlock_broker::window::{Approval, NotDone};
use interlock_protocols::conduit::{Answer, Ask, CallEnd, ToClient, WindowRow};
use tokio::time::timeout;

use super::{denied, listed};
use crate::limits::RESTRICTION_DURABLE_MAX;
use crate::service::Edge;

pub(super) async fn asked(
    edge: &Arc<Edge>,
    session: &Session,
    call: u32,
    ask: Ask,
) -> Vec<ToClient> {
    let now = edge.clock().now();
    let rows = |rows: Vec<WindowRow>| listed(call, &rows, Answer::Windows);
    let answered = match ask {
        Ask::RequestWindow(request) => {
            let requested = session.request_window(&request, now).await;
            requested.map(|row| rows(vec![row]))
        }
        Ask::Windows { pending } => session.windows(pending, now).map(rows),
        Ask::Window { window } => session.window(window, now).map(|row| rows(vec![row])),
        Ask::ApproveWindow {
            window,
            key,
            signature,
            comment,
        } => {
            let approval = Approval {
                key: &key,
                signature: &signature,
                comment: &comment,
            };
            let approved = session.approve_window(window, approval, now).await;
            approved.map(|approved| {
                let (has, quorum) = (approved.has, usize::from(approved.quorum));
                let stands = match quorum.checked_sub(has) {
                    None | Some(0) => "it opens at its time".to_owned(),
                    Some(missing) => format!("it takes {missing} more"),
                };
                let record = approved.record;
                vec![done(
                    call,
                    format!("window {window} is approved, in record {record}: {stands}"),
                )]
            })
        }
        Ask::RefuseWindow { window, comment } => {
            let refused = session.refuse_window(window, &comment, now).await;
            refused.map(|record| {
                vec![done(
                    call,
                    format!("window {window} is refused, in record {record}"),
                )]
            })
        }
        Ask::WithdrawWindow { window } => withdraw(session, call, window, edge).await,
        _ => return vec![reply(call, CallEnd::Failed, "this is asked elsewhere")],
    };
    answered.unwrap_or_else(|why| vec![not_done(call, &why)])
}

/// It holds before it is on the disk; only how durable it is has to be waited for.
async fn withdraw(
    session: &Session,
    call: u32,
    window: u64,
    edge: &Edge,
) -> Result<Vec<ToClient>, NotDone> {
    let withdrawn = session.withdraw_window(window, edge.clock().now());
    let text = match timeout(RESTRICTION_DURABLE_MAX, withdrawn).await {
        Ok(record) => format!("window {window} is withdrawn, in record {}", record?),
        Err(_hangs) => format!(
            "window {window} is withdrawn, and that is NOT DURABLE yet: the gateway's disk does not answer"
        ),
    };
    Ok(vec![done(call, text)])
}

fn not_done(call: u32, why: &NotDone) -> ToClient {
    match why {
        NotDone::Refused(refusal) => denied(call, refusal),
        why => reply(call, CallEnd::Failed, why),
    }
}

fn done(call: u32, text: String) -> ToClient {
    reply(call, CallEnd::Done, text)
}

fn reply(call: u32, end: CallEnd, text: impl Display) -> ToClient {
    let text = text.to_string();
    ToClient::Reply { call, end, text }
}
