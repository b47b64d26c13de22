//! The life of one sink: connect, agree on where to go on, deliver, and begin anew after any
//! error.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use interlock_broker::clock::Mono;
use interlock_broker::journal::Line;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::tail::{self, Shelf, Tail, Wanted};
use super::{Has, SinkError, SinkStanding, Source, Transport};
use crate::config::SinkConfig;
use crate::limits::{SINK_CONNECT_MAX, SINK_PROGRESS_EVERY, SINK_RETRY_MAX, SINK_RETRY_MIN};
use crate::link::backoff::Backoff;

/// One sink and what it is made of.
pub(super) struct Task<T> {
    name: String,
    source: Source,
    shelf: Shelf,
    transport: T,
    standing: watch::Sender<SinkStanding>,
    backoff: Backoff,
    /// The last sequence that the other side has; `None` until the cursor was read.
    through: Option<u64>,
    /// Whether the cursor is behind that.
    unstored: bool,
    /// The last sequence that was counted as missed.
    missed: u64,
    /// Of a transport that streams: the last sequence that was sent, and those records among the
    /// unacknowledged that are worth a record of progress, first and last.
    sent: u64,
    worth: Option<(u64, u64)>,
    progress: Progress,
    progress_every: Duration,
}

/// What the journal was told of this sink.
struct Progress {
    /// Since when a record counts as recent.
    since: Mono,
    /// Whether anything worth a record was acknowledged since.
    due: bool,
}

impl<T: Transport> Task<T> {
    pub(super) fn new(
        config: &SinkConfig,
        source: &Source,
        transport: T,
        standing: watch::Sender<SinkStanding>,
    ) -> Task<T> {
        Task {
            name: config.name.clone(),
            shelf: Shelf::new(&source.journal),
            source: source.clone(),
            transport,
            standing,
            backoff: Backoff::new(SINK_RETRY_MIN, SINK_RETRY_MAX),
            through: None,
            unstored: false,
            sent: 0,
            missed: 0,
            worth: None,
            progress: Progress {
                since: source.clock.now().mono(),
                due: false,
            },
            progress_every: SINK_PROGRESS_EVERY,
        }
    }

    /// Forwards until it is told to stop. Stopping drops whatever is under way: nothing counts
    /// that was not acknowledged.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let error = match until(&mut stop, self.forward()).await {
                Some(Err(error)) => error,
                None => break,
                Some(Ok(never)) => match never {},
            };
            let wait = self.backoff.failed(fastrand::f64());
            self.failed(&error, wait);
            if until(&mut stop, sleep(wait)).await.is_none() {
                break;
            }
        }
        self.record_progress();
        if let (true, Some(through)) = (self.unstored, self.through) {
            let (cursors, name) = (self.source.cursors, self.name);
            let store = move || cursors.store(&name, through);
            // A cursor that was not stored costs a re-send.
            let _ended = tokio::task::spawn_blocking(store).await;
        }
    }

    async fn forward(&mut self) -> Result<Infallible, SinkError> {
        let cursor = self.cursor().await?;
        let has = timeout(SINK_CONNECT_MAX, self.transport.connect(&self.shelf)).await;
        let has = has.map_err(|_| {
            SinkError::Unreachable(format!("no connection within {SINK_CONNECT_MAX:?}"))
        })??;
        let through = self.agree(has, cursor).await?;
        self.agreed(through);
        let mut tail = self.shelf.tail(through).await?;
        let mut through = through;
        loop {
            let (next, lines) = self.read(tail).await?;
            tail = next;
            match lines.first() {
                Some(first) => self.note_gap(through, first),
                None => self.rest().await?,
            }
            self.deliver(&lines).await?;
            through = lines.last().map_or(through, |last| last.sequence);
        }
    }

    /// Where the sink is, as far as this gateway knows: by the cursor, and by what the journal was
    /// told since that was kept, or ever where it was lost.
    async fn cursor(&mut self) -> Result<u64, SinkError> {
        if let Some(through) = self.through {
            return Ok(through);
        }
        let (cursors, name) = (self.source.cursors.clone(), self.name.clone());
        // In this order: what is taken up in between is then looked at twice, not never.
        let both = move || {
            let seen = cursors.seen();
            Ok((cursors.load(&name), seen))
        };
        let (kept, seen) = tail::blocking(both).await?;
        let told = self.shelf.told(&self.name, seen).await?;
        let through = kept.max(told).unwrap_or(0);
        self.through = Some(through);
        self.standing
            .send_modify(|standing| standing.acknowledged = through);
        Ok(through)
    }

    /// Settles behind which record to go on. Waits, with nothing sent, while the other side
    /// knows records that this journal has not and nobody has accepted that.
    async fn agree(&mut self, has: Has, cursor: u64) -> Result<u64, SinkError> {
        let (through, wanted) = match has {
            Has::Through(through) => return Ok(through),
            Has::Unsaid if cursor <= self.shelf.last() => return Ok(cursor),
            Has::Unsaid => (
                cursor,
                Wanted::Naming {
                    sink: self.name.clone(),
                    through: cursor,
                },
            ),
            Has::Other { through, common } => (through, Wanted::Behind(common)),
        };
        let mut search = self.shelf.search(wanted).await?;
        loop {
            let last = self.shelf.seen();
            let (next, found) = search.look(last).await?;
            search = next;
            if let Some(acceptance) = found {
                self.transport.accepted(acceptance.lineage);
                return Ok(acceptance.through);
            }
            self.stands(&SinkError::Ahead { through });
            tokio::select! {
                () = self.shelf.grown() => {}
                error = self.transport.lost() => return Err(error),
            }
        }
    }

    async fn read(&mut self, tail: Tail) -> Result<(Tail, Vec<Line>), SinkError> {
        let last = self.shelf.seen();
        let through = self.through.filter(|_| self.unstored);
        let done = through.map(|through| (self.name.clone(), through));
        let cursors = self.source.cursors.clone();
        let read = tail.next(last, cursors, done).await?;
        self.unstored = false;
        Ok(read)
    }

    /// Waits for more records, and says meanwhile how far the sink is when that is due.
    async fn rest(&mut self) -> Result<(), SinkError> {
        if self.through.is_some_and(|through| through >= self.sent) {
            self.well();
        }
        let due = self.progress.due.then(|| self.progress_after());
        let progress = async {
            match due {
                Some(wait) => sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.shelf.grown() => {}
            settled = self.transport.quiet() => self.settled(settled?),
            () = progress => self.record_progress(),
        }
        Ok(())
    }

    async fn deliver(&mut self, lines: &[Line]) -> Result<(), SinkError> {
        if T::STREAMS {
            return self.stream(lines).await;
        }
        let mut rest = lines;
        while let Some(first) = rest.first() {
            let through = self.transport.deliver(rest).await?;
            let taken = rest.partition_point(|line| line.sequence <= through);
            let (acknowledged, left) = rest.split_at(taken);
            let Some(last) = acknowledged.last() else {
                let first = first.sequence;
                let why = format!("record {first} was sent and only {through} acknowledged");
                return Err(SinkError::Refused(why));
            };
            self.acknowledged(last.sequence, acknowledged.iter().any(tail::is_progress));
            rest = left;
        }
        Ok(())
    }

    async fn stream(&mut self, lines: &[Line]) -> Result<(), SinkError> {
        let Some(last) = lines.last() else {
            return Ok(());
        };
        let through = self.transport.deliver(lines).await?;
        self.sent = last.sequence;
        for line in lines.iter().filter(|line| tail::is_progress(line)) {
            let first = self.worth.map_or(line.sequence, |(first, _)| first);
            self.worth = Some((first, line.sequence));
        }
        self.settled(through);
        Ok(())
    }

    /// What was streamed is acknowledged up to here.
    fn settled(&mut self, through: u64) {
        if self.through.is_some_and(|known| known >= through) {
            return;
        }
        let worth = self.worth.filter(|(first, _)| *first <= through);
        if let Some((_, last)) = worth {
            self.worth = (last > through).then_some((through + 1, last));
        }
        self.acknowledged(through, worth.is_some());
    }

    /// The cursor moves here, where the other side has acknowledged, and nowhere else.
    fn acknowledged(&mut self, through: u64, is_progress: bool) {
        self.backoff.succeeded();
        self.well();
        self.through = Some(through);
        self.unstored = true;
        self.progress.due |= is_progress;
        let now_ms = self.source.clock.now().wall_ms();
        self.standing.send_modify(|standing| {
            standing.acknowledged = through;
            standing.acknowledged_ms = Some(now_ms);
        });
        if self.progress_after().is_zero() {
            self.record_progress();
        }
    }

    /// How long until the next record of progress may be written.
    fn progress_after(&self) -> Duration {
        let since = self.source.clock.now().mono().since(self.progress.since);
        self.progress_every.saturating_sub(since)
    }

    /// Records how far the sink is, so that a view that is lost costs little.
    fn record_progress(&mut self) {
        let (true, Some(through)) = (self.progress.due, self.through) else {
            return;
        };
        let now = self.source.clock.now();
        self.progress.since = now.mono();
        let event = tail::progress(&self.name, through);
        match self.source.journal.append(now.wall_ms(), event) {
            Ok(_) => self.progress.due = false,
            // The journal says loudly itself what is wrong with it.
            Err(error) => tracing::debug!(sink = self.name, %error, "progress not recorded"),
        }
    }

    fn agreed(&mut self, through: u64) {
        self.unstored |= self.through != Some(through);
        self.through = Some(through);
        // Nothing is on its way on a new connection.
        (self.sent, self.worth) = (through, None);
        tracing::info!(sink = self.name, through, "the sink is connected");
        self.standing.send_modify(|standing| {
            standing.acknowledged = through;
            standing.ahead = None;
        });
    }

    /// The last error is over: something was acknowledged, or all is and the connection stands.
    /// Being connected alone ends none, since a sink may let us in and take nothing.
    fn well(&mut self) {
        self.standing.send_if_modified(|standing| {
            standing.error_ms = None;
            standing.error.take().is_some()
        });
    }

    fn failed(&mut self, error: &SinkError, wait: Duration) {
        tracing::warn!(sink = self.name, %error, ?wait, "the sink does not get on");
        self.stands(error);
    }

    /// An error that stays keeps the time of its first occurrence.
    fn stands(&mut self, error: &SinkError) {
        let now_ms = self.source.clock.now().wall_ms();
        self.standing.send_modify(|standing| {
            standing.error = Some(error.to_string());
            standing.error_ms.get_or_insert(now_ms);
            if let SinkError::Ahead { through } = error {
                standing.ahead = Some(*through);
            }
        });
    }

    /// Says so when records went before the sink had them. The journal has a record of it, which
    /// tells the other side.
    fn note_gap(&mut self, through: u64, first: &Line) {
        // A gap that was met before, on a connection that broke, is counted once.
        let through = through.max(self.missed);
        let missed = first.sequence.saturating_sub(through + 1);
        if missed > 0 {
            self.missed = first.sequence - 1;
            tracing::error!(
                sink = self.name,
                from = through + 1,
                to = first.sequence - 1,
                "records were removed before the sink had them"
            );
            self.standing
                .send_modify(|standing| standing.missed_records += missed);
        }
    }
}

/// What comes of `work`; `None` when told to stop first.
async fn until<R>(stop: &mut watch::Receiver<bool>, work: impl Future<Output = R>) -> Option<R> {
    tokio::select! {
        biased;
        // Nobody left to say it is a stop as well.
        _ = stop.wait_for(|stop| *stop) => None,
        result = work => Some(result),
    }
}

#[cfg(test)]
mod streaming;
#[cfg(test)]
mod tests;
