//! Break-glass.

use interlock_broker::mediation::{Broken, Session};
use interlock_protocols::conduit::{CallEnd, ToClient};
use tokio::time::timeout;

use super::denied;
use crate::limits::BREAK_GLASS_DURABLE_MAX;
use crate::service::Edge;

pub(super) async fn asked(
    edge: &Edge,
    session: &Session,
    call: u32,
    grant: &[u8],
    reason: &str,
) -> ToClient {
    let mut breaking = match session.break_glass(grant, reason, edge.clock().now()) {
        Ok(breaking) => breaking,
        Err(refusal) => return denied(call, &refusal),
    };
    // Where the disk hangs it stays closed, and whoever asked is told to go to the panel.
    let _hangs = timeout(BREAK_GLASS_DURABLE_MAX, breaking.recorded()).await;
    match breaking.open(edge.clock().now()) {
        Ok(broken) => ToClient::Reply {
            call,
            end: CallEnd::Done,
            text: words(&broken),
        },
        Err(refusal) => denied(call, &refusal),
    }
}

fn words(broken: &Broken) -> String {
    let Broken {
        record,
        device,
        points,
        left_s,
        most,
    } = broken;
    let minutes = left_s / 60;
    format!(
        "break-glass is open at {device}, in record {record}: {}, for {minutes} min, {most} commands with effect at the most, and while the key is turned",
        points.join(", ")
    )
}
