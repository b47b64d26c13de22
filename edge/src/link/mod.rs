//! The way south: one link a device, a task of its own that outlives every session. It is
//! handed permits and nothing else (I1); no session's end cancels a command.

pub(crate) mod backoff;
mod queue;
mod tcp;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use interlock_broker::clock::Clock;
use interlock_broker::mediation::{Answer, Isolation, Permit, Reason, Refusal};
use interlock_broker::plant::Device;
use interlock_broker::register::Restraint;
use interlock_protocols::modbus::{TransactionId, UnitId};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use queue::FairQueue;

/// What became of a command, on its way back to the one conversation that asked (I6).
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) transaction: TransactionId,
    pub(crate) unit: UnitId,
    pub(crate) function: u8,
    pub(crate) result: Result<Answer, Refusal>,
}

/// Where the answer to one command goes. The conversation may be gone by then: the outcome is
/// recorded all the same, so a lost answer is nobody's to miss.
#[derive(Debug)]
pub(crate) struct ReplyTo {
    pub(crate) transaction: TransactionId,
    pub(crate) unit: UnitId,
    pub(crate) function: u8,
    pub(crate) sender: mpsc::UnboundedSender<Finished>,
}

impl ReplyTo {
    fn finish(self, result: Result<Answer, Refusal>) {
        let _gone = self.sender.send(Finished {
            transaction: self.transaction,
            unit: self.unit,
            function: self.function,
            result,
        });
    }
}

#[derive(Debug)]
struct Job {
    permit: Permit,
    reply: ReplyTo,
}

/// How a device stands.
#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    /// Connected, or about to be for the first time, or closed by us while nothing was asked.
    /// Commands may wait their turn.
    Up,
    /// The last attempt failed: everything is refused at once, and nothing with effect waits
    /// for a reconnect.
    Down(String),
    /// Nothing is to pass, and there is no connection.
    Isolated(Arc<Restraint>),
}

struct Shared {
    queue: FairQueue<Job>,
    state: State,
    in_flight: bool,
}

/// The near end of a link. Clones are the same link.
#[derive(Clone)]
pub(crate) struct Link {
    shared: Arc<Mutex<Shared>>,
    work: Arc<Notify>,
    idle: Arc<Notify>,
    clock: Clock,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Link {
    /// Starts the task that serves `device`.
    pub(crate) fn start(device: Arc<Device>, isolation: Isolation, clock: Clock) -> Link {
        let link = Link {
            shared: Arc::new(Mutex::new(Shared {
                queue: FairQueue::new(device.link().queue),
                state: State::Up,
                in_flight: false,
            })),
            work: Arc::new(Notify::new()),
            idle: Arc::new(Notify::new()),
            clock,
            task: Arc::default(),
        };
        let sentinel = Sentinel(link.clone());
        let task = tokio::spawn(async move { tcp::serve(&sentinel.0, device, isolation).await });
        *link.task() = Some(task);
        link
    }

    /// Queues a permit of a session. What cannot be queued is refused at once: its WITHHELD is
    /// recorded and the answer is on its way.
    pub(crate) fn submit(&self, session: u64, permit: Permit, reply: ReplyTo) {
        let refused = {
            let mut shared = self.shared();
            match &shared.state {
                State::Down(why) => Some((Job { permit, reply }, Reason::LinkDown(why.clone()))),
                State::Isolated(restraint) => {
                    let reason = Reason::Isolated(Arc::clone(restraint));
                    Some((Job { permit, reply }, reason))
                }
                State::Up => match shared.queue.push(session, Job { permit, reply }) {
                    Ok(()) => None,
                    Err(job) => Some((job, Reason::QueueFull)),
                },
            }
        };
        match refused {
            Some((job, reason)) => self.refuse(job, reason),
            None => self.work.notify_one(),
        }
    }

    /// Ends the link for good. What is in flight becomes OUTCOME UNKNOWN and what waits becomes
    /// WITHHELD, both before this returns: behind it the journal may be closed, and nothing may
    /// be sent any more whose outcome it could not take (I4).
    pub(crate) async fn stop(&self) {
        let task = self.task().take();
        if let Some(task) = task {
            task.abort();
            // Only now has it let go of its command, whose outcome is recorded by that.
            let _aborted = task.await;
        }
        self.down("the gateway is stopping");
    }

    /// Ends the task as a fault in it would.
    #[cfg(test)]
    pub(crate) async fn fault(&self) {
        let task = self.task().take();
        if let Some(task) = task {
            task.abort();
            let _aborted = task.await;
        }
    }

    /// Waits until nothing is queued and nothing is in flight.
    pub(crate) async fn drained(&self) {
        loop {
            let idle = self.idle.notified();
            {
                let shared = self.shared();
                if shared.queue.is_empty() && !shared.in_flight {
                    return;
                }
            }
            idle.await;
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // Nothing in here can be left half changed.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn task(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self, job: Job, reason: Reason) {
        let refusal = job.permit.withhold(reason, self.clock.now());
        job.reply.finish(Err(refusal));
    }

    /// The next job, marked as in flight until [`Link::done`].
    fn take(&self) -> Option<Job> {
        let mut shared = self.shared();
        let job = shared.queue.pop();
        shared.in_flight = job.is_some();
        job
    }

    fn done(&self) {
        self.shared().in_flight = false;
        self.idle.notify_waiters();
    }

    fn up(&self) {
        self.shared().state = State::Up;
    }

    /// Marks the device as down and refuses whatever waits for it.
    fn down(&self, why: &str) {
        self.refuse_all(State::Down(why.to_owned()), || {
            Reason::LinkDown(why.to_owned())
        });
    }

    /// The same while the device is isolated.
    fn shut(&self, restraint: &Arc<Restraint>) {
        self.refuse_all(State::Isolated(Arc::clone(restraint)), || {
            Reason::Isolated(Arc::clone(restraint))
        });
    }

    fn refuse_all(&self, state: State, reason: impl Fn() -> Reason) {
        let waiting: Vec<Job> = {
            let mut shared = self.shared();
            shared.state = state;
            std::iter::from_fn(|| shared.queue.pop()).collect()
        };
        for job in waiting {
            self.refuse(job, reason());
        }
        self.idle.notify_waiters();
    }
}

/// Held by the task of a link. However that ends, a panic included, nobody waits for it: a queue
/// that nobody takes from would keep its clients, and their outcomes, until the next start.
struct Sentinel(Link);

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.0.shared().in_flight = false;
        self.0
            .down("the gateway no longer serves it; its log says why");
    }
}
