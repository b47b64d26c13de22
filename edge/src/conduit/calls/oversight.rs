//! The one writer of a device.

use std::sync::Arc;

use interlock_broker::mediation::Session;
use interlock_protocols::conduit::{Ask, CallEnd, ToClient};

use crate::service::Edge;

pub(super) async fn asked(
    _edge: &Arc<Edge>,
    _session: &Session,
    call: u32,
    _ask: Ask,
) -> Vec<ToClient> {
    vec![ToClient::Reply {
        call,
        end: CallEnd::Failed,
        text: "this gateway cannot do that yet".to_owned(),
    }]
}
