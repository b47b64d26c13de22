//! Waiting for what becomes of a request.

use interlock_protocols::conduit::{WindowRow, WindowState};
use tokio::time::sleep;

use super::one;
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::limits::WINDOWS_LOOK_EVERY;
use crate::screen;

/// Waits until somebody has decided. The request stands, whether anybody waits here or not.
pub(super) async fn decided(
    gateway: &mut Gateway,
    mut row: WindowRow,
) -> Result<WindowRow, Failure> {
    while matches!(row.state, WindowState::Pending | WindowState::Short) {
        let stands = |failure: Failure| {
            let next = format!(
                "the request stands; `interlock window show {}` tells of it",
                row.window
            );
            Failure::new(failure.kind(), failure.what(), next)
        };
        tokio::select! {
            step = gateway.next_step() => drop(step.map_err(stands)?),
            () = sleep(WINDOWS_LOOK_EVERY) => {}
        }
        row = one(gateway, row.window).await.map_err(stands)?;
    }
    Ok(row)
}

/// Whether it is what was asked for.
pub(super) fn outcome(row: &WindowRow) -> Result<(), Failure> {
    let what = format!("window {} is {}", row.window, row.state.name());
    match row.state {
        WindowState::Pending
        | WindowState::Short
        | WindowState::Approved
        | WindowState::Open
        | WindowState::Exhausted
        | WindowState::Over => Ok(()),
        WindowState::Refused => {
            let what = format!("{what}: {}", screen::one_line(&row.refusal));
            Err(Failure::new(
                Kind::Denied,
                what,
                "ask for another, or talk to who refused it",
            ))
        }
        WindowState::Lapsed
        | WindowState::Withdrawn
        | WindowState::Revoked
        | WindowState::Outdated => Err(Failure::new(Kind::Denied, what, "ask for another")),
    }
}
