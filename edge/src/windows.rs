//! Looks after maintenance windows: what time does to them is recorded and told.

use std::sync::Arc;

use interlock_broker::clock::Clock;
use interlock_broker::mediation::Broker;
use tokio::time::{MissedTickBehavior, interval};

use crate::limits::WINDOW_TICK;

/// Looks at them for as long as it is polled.
pub(crate) async fn attend(broker: Arc<Broker>, clock: Clock) {
    if !broker.journal().is_open() {
        return;
    }
    let mut tick = interval(WINDOW_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        broker.attend_windows(clock.now());
        broker.attend_break_glass(clock.now());
    }
}
