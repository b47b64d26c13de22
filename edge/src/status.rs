//! How the gateway is doing, put together from what its parts know of themselves.

mod rate;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use interlock_broker::clock::{Clock, Now};
use interlock_broker::journal::{Health, Journal};
use interlock_broker::mediation::{NotAccepted, Session};
use interlock_protocols::conduit::{JournalStatus, SinkStatus, Status, TrustStatus, WitnessStatus};
use interlock_protocols::record::Ahead;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::interval;

pub use self::rate::Rate;
use crate::beyond::{Beyond, Remember};
use crate::config::{SinkConfig, SinkKind};
use crate::limits::{OUTLOOK_TICK, STATUS_ERROR_MAX_CHARS};
use crate::sink::SinkStanding;
use crate::witness::WitnessStanding;

/// What the journal says of itself.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct JournalFacts {
    /// Why nothing can be recorded, and since when (ms since 1970 UTC) if that is known.
    pub failure: Option<(String, Option<i64>)>,
    /// Why commands with effect are held.
    pub held: Option<String>,
    /// The oldest record whose body is there.
    pub first_sequence: u64,
    /// The sequence of the next record.
    pub next_sequence: u64,
    /// Disk that it uses, in bytes.
    pub used_bytes: u64,
    /// Those of them that go as soon as their room is needed.
    pub removable_bytes: u64,
    /// Disk that it may use, in bytes; 0 where nothing bounds it.
    pub budget_bytes: u64,
    /// Free space of its disk, in bytes, if that is known.
    pub free_bytes: Option<u64>,
    /// Bytes that were written since the start, whatever was deleted: growth is measured by it.
    pub written_bytes: u64,
}

/// What the last signed checkpoint says.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SignedFacts {
    /// Records that it covers.
    pub size: u64,
    /// When it was signed, ms since 1970 UTC.
    pub signed_ms: Option<i64>,
    /// The epoch whose key signed it.
    pub epoch: u64,
    /// Why nothing is signed, while that stands.
    pub trouble: Option<String>,
}

/// One sink, and how it is doing.
pub type Sink = (SinkConfig, watch::Receiver<SinkStanding>);

/// Where status comes from: one closure for each part, asked whenever somebody wants to know.
pub struct Sources {
    /// The journal.
    pub journal: Box<dyn Fn() -> JournalFacts + Send + Sync>,
    /// The last checkpoint.
    pub signed: Box<dyn Fn() -> SignedFacts + Send + Sync>,
    /// Records that the view covers.
    pub view_size: Box<dyn Fn() -> u64 + Send + Sync>,
    /// The sinks, and how each is doing.
    pub sinks: Vec<Sink>,
    /// The witness: where it is, and what came of asking it.
    pub witness: Option<(String, watch::Receiver<WitnessStanding>)>,
    /// The authorities of others.
    pub trust: Box<dyn Fn(Now) -> Vec<TrustStatus> + Send + Sync>,
    /// Holds commands with effect back for a reason, or lets them pass again.
    pub hold: Box<dyn Fn(Option<String>) + Send + Sync>,
    /// Keeps what is beyond the journal and not accepted, for the next start.
    pub remember: Remember,
    /// Numbers of what the site root signed: the plant, and the list of approvers.
    pub signed_serials: [Option<u64>; 2],
}

impl Sources {
    /// What a journal alone can say.
    pub fn of(journal: &Journal) -> Sources {
        let journal = journal.clone();
        Sources {
            journal: Box::new(move || JournalFacts {
                failure: match journal.health() {
                    Health::Good => None,
                    Health::Failed { why, since_ms } => Some((why, since_ms)),
                },
                next_sequence: journal.durable().borrow().saturating_add(1),
                ..JournalFacts::default()
            }),
            signed: Box::new(SignedFacts::default),
            view_size: Box::new(u64::default),
            sinks: Vec::new(),
            witness: None,
            trust: Box::new(|_| Vec::new()),
            hold: Box::new(|_| {}),
            remember: Box::new(|_| {}),
            signed_serials: [None; 2],
        }
    }
}

/// Everything that [`assemble`] puts together.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Facts {
    /// Since when the edge runs, ms since 1970 UTC.
    pub started_ms: i64,
    /// Why the system's clock is not believed.
    pub clock_doubt: Option<String>,
    /// Numbers of what the site root signed: the plant, and the list of approvers.
    pub signed_serials: [Option<u64>; 2],
    /// Open sessions.
    pub sessions: usize,
    /// The journal.
    pub journal: JournalFacts,
    /// Growth in bytes a day, once it is known.
    pub bytes_per_day: Option<u64>,
    /// The last checkpoint.
    pub signed: SignedFacts,
    /// Records that the view covers.
    pub view_size: u64,
    /// The sinks.
    pub sinks: Vec<SinkStatus>,
    /// The witness.
    pub witness: Option<(String, WitnessStanding)>,
    /// The authorities of others.
    pub trust: Vec<TrustStatus>,
}

/// Puts a status together. `warn_percent` are the shares of the budget at which a warning is due.
pub fn assemble(facts: Facts, warn_percent: &[u64], now_ms: i64) -> Status {
    let journal = &facts.journal;
    let room = room(journal);
    let days_left = facts.bytes_per_day.and_then(|bytes| days(room, bytes));
    let (failure, failed_ms) = journal.failure.clone().unzip();
    let [plant_serial, approvers_serial] = facts.signed_serials;
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_ms: facts.started_ms,
        now_ms,
        sessions: u32::try_from(facts.sessions).unwrap_or(u32::MAX),
        journal: JournalStatus {
            failure,
            failed_ms: failed_ms.flatten(),
            held: journal.held.clone(),
            first_sequence: journal.first_sequence,
            next_sequence: journal.next_sequence,
            used_bytes: journal.used_bytes,
            budget_bytes: journal.budget_bytes,
            free_bytes: journal.free_bytes,
            bytes_per_day: facts.bytes_per_day,
            days_left,
            warnings: warnings(&facts, days_left, warn_percent),
            checkpoint_size: facts.signed.size,
            checkpoint_ms: facts.signed.signed_ms,
            epoch: facts.signed.epoch,
            view_size: facts.view_size,
        },
        witness: facts.witness.map(|(address, standing)| WitnessStatus {
            url: format!("http://{address}"),
            cosigned_size: standing.cosigned_size,
            cosigned_ms: standing.cosigned_ms,
            exposed_records: journal
                .next_sequence
                .saturating_sub(1)
                .saturating_sub(standing.cosigned_size),
            error: standing.error.map(|error| short(&error)),
            error_ms: standing.error_ms,
        }),
        sinks: facts.sinks.into_iter().map(shortened).collect(),
        clock_doubt: facts.clock_doubt,
        plant_serial,
        approvers_serial,
        trust: facts.trust,
    }
}

/// How one sink is doing, of a journal that ends at this sequence.
fn forwarded(config: &SinkConfig, standing: &SinkStanding, last: u64) -> SinkStatus {
    let kind = match config.kind {
        SinkKind::Nats => "nats",
        SinkKind::SyslogOcsf => "syslog-ocsf",
        SinkKind::SyslogZeek => "syslog-zeek",
    };
    SinkStatus {
        name: config.name.clone(),
        kind: kind.to_owned(),
        required: config.required,
        acknowledged: standing.acknowledged,
        lag_records: last.saturating_sub(standing.acknowledged),
        acknowledged_ms: standing.acknowledged_ms,
        error: standing.error.clone(),
        error_ms: standing.error_ms,
        missed_records: standing.missed_records,
    }
}

/// Errors of others are as long as they like, and a status must fit a frame.
fn short(error: &str) -> String {
    error.chars().take(STATUS_ERROR_MAX_CHARS).collect()
}

fn shortened(sink: SinkStatus) -> SinkStatus {
    SinkStatus {
        error: sink.error.as_deref().map(short),
        ..sink
    }
}

/// What is left of the budget, or of the disk where that is less.
fn room(journal: &JournalFacts) -> u64 {
    let budget = journal.budget_bytes.saturating_sub(bound(journal));
    let free = journal.free_bytes;
    free.map_or(budget, |free| {
        budget.min(free.saturating_add(journal.removable_bytes))
    })
}

/// What is used and may not be removed. A journal that is older than its retention fills its budget
/// for good, and that is nothing to warn of.
fn bound(journal: &JournalFacts) -> u64 {
    journal.used_bytes.saturating_sub(journal.removable_bytes)
}

#[allow(clippy::cast_precision_loss)]
fn days(room_bytes: u64, bytes_per_day: u64) -> Option<f64> {
    (bytes_per_day > 0).then(|| room_bytes as f64 / bytes_per_day as f64)
}

fn warnings(facts: &Facts, days_left: Option<f64>, warn_percent: &[u64]) -> Vec<String> {
    let (journal, mut warnings) = (&facts.journal, Vec::new());
    if let Some(why) = &facts.signed.trouble {
        warnings.push(format!(
            "no checkpoint is signed: {why}. Records since the last one prove nothing of themselves"
        ));
    }
    let (bound_bytes, budget_bytes) = (bound(journal), journal.budget_bytes);
    let percent = bound_bytes.saturating_mul(100).checked_div(budget_bytes);
    let percent = percent.unwrap_or(0);
    if warn_percent.iter().any(|warn| percent >= *warn) {
        let left = days_left.map_or(String::new(), |days| {
            format!("; at the present rate {days:.1} days are left")
        });
        warnings.push(format!(
            "records that may not be removed take {percent} % of the journal's budget{left}. Give it more room (`budget_mib` in \
             edge.toml) or a shorter retention (`retention_days`), and see that no required sink \
             is behind: nothing is deleted before it has been acknowledged"
        ));
    }
    let budget_left = budget_bytes.saturating_sub(journal.used_bytes);
    if let Some(free) = journal.free_bytes
        && free < budget_left
    {
        warnings.push(format!(
            "the disk of the journal has {} MiB free, and the journal may still take {} MiB: free \
             the disk of other things, or make `budget_mib` in edge.toml smaller",
            free >> 20,
            budget_left >> 20
        ));
    }
    warnings
}

/// What a running edge knows of itself.
pub struct Outlook {
    clock: Clock,
    started_ms: i64,
    warn_percent: Vec<u64>,
    rate: Mutex<Rate>,
    sources: Sources,
    beyond: Arc<Beyond>,
    /// Held from asking whether commands are to be held until they are, or are not: of two who
    /// do so at once, the one with the older answer must not have the last word.
    holding: Mutex<()>,
}

impl Outlook {
    /// Begins with an edge that begins.
    pub fn new(
        clock: Clock,
        warn_percent: &[u64],
        sources: Sources,
        beyond: Arc<Beyond>,
    ) -> Outlook {
        let outlook = Outlook {
            started_ms: clock.now().wall_ms(),
            clock,
            warn_percent: warn_percent.to_vec(),
            rate: Mutex::default(),
            sources,
            beyond,
            holding: Mutex::default(),
        };
        outlook.sample(outlook.clock.now());
        outlook
    }

    /// Notes how much the journal has grown. Call it once a minute.
    pub fn sample(&self, now: Now) {
        let written_bytes = (self.sources.journal)().written_bytes;
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        rate.sample(now.mono(), written_bytes);
    }

    /// How the gateway is doing now.
    pub fn status(&self, sessions: usize) -> Status {
        let clock = self.clock.shows();
        let now = clock.counted;
        let rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes_per_day = rate.bytes_per_day(now.mono());
        drop(rate);
        let mut journal = (self.sources.journal)();
        journal.held = journal.held.or_else(|| self.beyond.why());
        let last = journal.next_sequence.saturating_sub(1);
        let sinks = self.sources.sinks.iter();
        let sinks = sinks.map(|(config, standing)| forwarded(config, &standing.borrow(), last));
        let witness = self.sources.witness.as_ref();
        let facts = Facts {
            started_ms: self.started_ms,
            clock_doubt: clock.doubt.map(|doubt| doubt.to_string()),
            signed_serials: self.sources.signed_serials,
            sessions,
            journal,
            bytes_per_day,
            signed: (self.sources.signed)(),
            view_size: (self.sources.view_size)(),
            sinks: sinks.collect(),
            witness: witness
                .map(|(address, standing)| (address.clone(), standing.borrow().clone())),
            trust: (self.sources.trust)(now),
        };
        assemble(facts, &self.warn_percent, now.wall_ms())
    }

    /// Keeps an eye on everything, for as long as it is polled: notes the growth, logs warnings as
    /// they come up, and holds commands when a sink or the witness is beyond the journal.
    pub async fn attend(self: Arc<Self>) {
        let mut watching = JoinSet::new();
        for (config, standing) in &self.sources.sinks {
            let what = format!("sink {}", config.name);
            let ahead = |standing: &SinkStanding| standing.ahead;
            watching.spawn(Arc::clone(&self).watch(what, standing.clone(), ahead));
        }
        if let Some((_, standing)) = &self.sources.witness {
            let ahead = |standing: &WitnessStanding| standing.ahead;
            watching.spawn(Arc::clone(&self).watch("witness".into(), standing.clone(), ahead));
        }
        let mut warned = Vec::new();
        let mut tick = interval(OUTLOOK_TICK);
        loop {
            tick.tick().await;
            self.sample(self.clock.now());
            let warnings = self.status(0).journal.warnings;
            if warnings.len() > warned.len() {
                for warning in &warnings {
                    tracing::warn!("{warning}");
                }
            }
            warned = warnings;
        }
    }

    async fn watch<S>(
        self: Arc<Self>,
        what: String,
        mut standing: watch::Receiver<S>,
        ahead: fn(&S) -> Option<u64>,
    ) {
        loop {
            let through = ahead(&standing.borrow_and_update());
            if let Some(through) = through {
                self.tell_beyond(&what, through);
            }
            if standing.changed().await.is_err() {
                return;
            }
        }
    }

    /// Somebody knows records up to `through` that the journal does not have, or has otherwise:
    /// commands with effect are held from here on.
    pub fn tell_beyond(&self, what: &str, through: u64) {
        self.is_beyond(|beyond| beyond.tell(what, through));
    }

    /// The same of something that was learned after whatever was accepted.
    pub fn find_beyond(&self, what: &str, through: u64) {
        self.is_beyond(|beyond| beyond.find(what, through));
    }

    fn is_beyond(&self, learn: impl FnOnce(&Beyond) -> Option<String>) {
        let _holding = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.beyond.open();
        let why = learn(&self.beyond);
        let open = self.beyond.open();
        if let Some(why) = why.filter(|_| open != before) {
            tracing::error!("{why}");
            (self.sources.hold)(Some(why));
            (self.sources.remember)(&open);
        }
    }

    /// Has an administrator accept whatever is beyond the journal. What became known while it was
    /// being recorded goes on holding commands.
    pub async fn accept(&self, session: &Session, reason: &str) -> Result<u64, NotAccepted> {
        let ahead = self.beyond.open();
        let held = || !ahead.is_empty();
        let release = || self.accepted(&ahead);
        let now = self.clock.now();
        session
            .accept_journal(reason, ahead.clone(), held, release, now)
            .await
    }

    fn accepted(&self, ahead: &[Ahead]) {
        let _holding = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
        let still = self.beyond.accept(ahead);
        (self.sources.remember)(&self.beyond.open());
        (self.sources.hold)(still);
    }

    /// Who knows more of the journal than the journal itself.
    pub fn beyond(&self) -> &Beyond {
        &self.beyond
    }
}
