//! Looks after the clock: a doubt is recorded and said aloud, once.

use interlock_broker::clock::Clock;
use interlock_broker::journal::Journal;
use interlock_broker::timekeeping;
use tokio::time::{MissedTickBehavior, interval};

use crate::limits::CLOCK_TICK;

/// Looks at the clock for as long as it is polled.
pub(crate) async fn attend(journal: Journal, clock: Clock) {
    let mut told = false;
    let mut recorded = false;
    let mut tick = interval(CLOCK_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let shown = clock.shows();
        let Some(doubt) = shown.doubt else {
            (told, recorded) = (false, false);
            continue;
        };
        if !told {
            tracing::error!(
                system_ms = shown.system_ms,
                counted_ms = shown.counted.wall_ms(),
                "the system's clock is not believed, {doubt}: commands with effect are refused \
                 and reads go on. See that it is right, then `interlock-edge clock accept`"
            );
            told = true;
        }
        if !recorded {
            // A journal that takes nothing now may take it a second later.
            recorded = timekeeping::doubt(&journal, &shown).await.is_ok();
        }
    }
}
