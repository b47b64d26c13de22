//! Break-glass.

use std::sync::Arc;

use interlock_broker::mediation::Session;
use interlock_protocols::conduit::{CallEnd, ToClient};

use crate::service::Edge;

pub(super) async fn asked(
    _edge: &Arc<Edge>,
    _session: &Session,
    call: u32,
    _grant: &[u8],
    _reason: &str,
) -> Vec<ToClient> {
    vec![ToClient::Reply {
        call,
        end: CallEnd::Failed,
        text: "this gateway cannot do that yet".to_owned(),
    }]
}
