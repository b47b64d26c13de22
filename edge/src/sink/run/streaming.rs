//! The life of a sink whose other side acknowledges later than it is sent to.

use std::path::Path;
use std::sync::Arc;

use interlock_broker::clock::Clock;
use interlock_broker::journal::{Journal, Memory, Options};
use interlock_protocols::record::{Event, Record, SessionEnded};

use super::*;
use crate::config::{SinkKind, SinkTls};
use crate::sink::{Cursors, MemoryCursors};

const PATIENCE: Duration = Duration::from_secs(20);

/// What the test tells the other side to say.
#[derive(Clone, Copy, Default)]
struct Order {
    acknowledge: u64,
    breaks: u32,
}

/// The other side: takes all, and acknowledges when told to.
struct Stream {
    orders: watch::Receiver<Order>,
    /// First of what was sent since the connection began, and last of all.
    sent: watch::Sender<(u64, u64)>,
    broken: u32,
}

impl Transport for Stream {
    const STREAMS: bool = true;

    async fn connect(&mut self, _shelf: &Shelf) -> Result<Has, SinkError> {
        self.broken = self.orders.borrow_and_update().breaks;
        self.sent.send_modify(|sent| sent.0 = 0);
        Ok(Has::Unsaid)
    }

    async fn deliver(&mut self, lines: &[Line]) -> Result<u64, SinkError> {
        self.sent.send_modify(|sent| {
            if sent.0 == 0 {
                sent.0 = lines.first().unwrap().sequence;
            }
            sent.1 = lines.last().unwrap().sequence;
        });
        Ok(self.orders.borrow().acknowledge)
    }

    async fn quiet(&mut self) -> Result<u64, SinkError> {
        self.orders.changed().await.unwrap();
        let order = *self.orders.borrow();
        if order.breaks > self.broken {
            return Err(SinkError::Unreachable("it broke".to_owned()));
        }
        Ok(order.acknowledge)
    }
}

struct Scene {
    journal: Journal,
    cursors: Arc<MemoryCursors>,
    orders: watch::Sender<Order>,
    sent: watch::Receiver<(u64, u64)>,
    standing: watch::Receiver<SinkStanding>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Scene {
    fn new() -> Scene {
        let (journal, _) = Journal::open(Memory::new().storage(), Options::default(), 1).unwrap();
        let cursors = Arc::new(MemoryCursors::default());
        let nowhere = || Path::new("/nowhere").to_owned();
        let config = SinkConfig {
            name: "siem".to_owned(),
            kind: SinkKind::SyslogOcsf,
            address: String::new(),
            tls: SinkTls {
                server_name: String::new(),
                ca: nowhere(),
                certificate: nowhere(),
                key: nowhere(),
            },
            required: true,
        };
        let source = Source {
            site: "site".to_owned(),
            gateway: "gateway".to_owned(),
            devices: std::collections::BTreeMap::new(),
            journal: journal.clone(),
            cursors: cursors.clone(),
            clock: Clock::start(),
        };
        let orders = watch::Sender::new(Order::default());
        let sent = watch::Sender::new((0, 0));
        let seen = sent.subscribe();
        let stream = Stream {
            orders: orders.subscribe(),
            sent,
            broken: 0,
        };
        let standing = watch::Sender::new(SinkStanding::default());
        let standing_seen = standing.subscribe();
        let mut task = Task::new(&config, &source, stream, standing);
        // Whatever is due is recorded at once: a loop would show.
        task.progress_every = Duration::ZERO;
        let stop = watch::Sender::new(false);
        Scene {
            journal,
            cursors,
            orders,
            sent: seen,
            standing: standing_seen,
            task: tokio::spawn(task.run(stop.subscribe())),
            stop,
        }
    }

    async fn write(&self, count: u64) -> u64 {
        let mut last = 0;
        for session in 1..=count {
            let event = Event::SessionEnded(SessionEnded {
                session,
                subject: "spiffe://site/person/somebody".to_owned(),
                reason: "done".to_owned(),
            });
            let pending = self.journal.commit(1, event).unwrap();
            last = pending.sequence();
            pending.await.unwrap();
        }
        last
    }

    async fn sent(&mut self, wanted: impl FnMut(&(u64, u64)) -> bool) -> (u64, u64) {
        let waited = timeout(PATIENCE, self.sent.wait_for(wanted)).await;
        *waited.expect("in time").unwrap()
    }

    async fn acknowledged(&mut self, through: u64) {
        let at = |standing: &SinkStanding| standing.acknowledged == through;
        let waited = timeout(PATIENCE, self.standing.wait_for(at)).await;
        waited.expect("in time").unwrap();
    }
}

#[tokio::test]
async fn it_sends_on_while_nothing_is_acknowledged_and_again_what_never_was() {
    let mut scene = Scene::new();
    let last = scene.write(10).await;
    scene.sent(|sent| sent.1 >= last).await;
    let last = scene.write(10).await;
    scene.sent(|sent| sent.1 >= last).await;
    assert_eq!(scene.standing.borrow().acknowledged, 0);

    scene.orders.send_modify(|order| order.acknowledge = 7);
    scene.acknowledged(7).await;
    scene.orders.send_modify(|order| order.breaks += 1);
    let broken = |standing: &SinkStanding| standing.error.is_some();
    let waited = timeout(PATIENCE, scene.standing.wait_for(broken)).await;
    waited.expect("in time").unwrap();
    let sent = scene.sent(|sent| sent.0 > 1 && sent.1 >= last).await;
    assert_eq!(sent.0, 8, "from behind what was acknowledged");

    // An acknowledgement that is older than the cursor moves nothing back.
    scene.orders.send_modify(|order| order.acknowledge = 3);
    for _ in 0..2 {
        // When the second is sent, what came of the first is over.
        let more = scene.write(1).await;
        scene.sent(|sent| sent.1 >= more).await;
    }
    assert_eq!(scene.standing.borrow().acknowledged, 7);
    scene.orders.send_modify(|order| order.acknowledge = last);
    scene.acknowledged(last).await;
    scene.stop.send_replace(true);
    scene.task.await.unwrap();
    assert_eq!(scene.cursors.load("siem"), Some(last));
}

#[tokio::test]
async fn progress_is_recorded_once_for_what_others_recorded() {
    let mut scene = Scene::new();
    let last = scene.write(5).await;
    scene.sent(|sent| sent.1 >= last).await;
    scene.orders.send_modify(|order| order.acknowledge = 3);
    scene.acknowledged(3).await;
    // The record of that progress comes, is acknowledged with the rest, and causes one more.
    scene.sent(|sent| sent.1 > last).await;
    for through in last..=last + 4 {
        scene.sent(|sent| sent.1 >= through.min(last + 2)).await;
        let order = through.min(scene.sent.borrow().1);
        scene.orders.send_modify(|all| all.acknowledge = order);
        scene.acknowledged(order).await;
    }
    scene.stop.send_replace(true);
    scene.task.await.unwrap();
    scene.journal.close();
    let lines = scene.journal.follow(1).unwrap().read(u64::MAX, 1_000);
    let events = lines.unwrap().into_iter();
    let events = events.map(|line| Record::decode(&line.bytes).unwrap().event);
    let progress: Vec<u64> = events
        .filter_map(|event| match event {
            Event::SinkProgress(progress) => Some(progress.through),
            _ => None,
        })
        .collect();
    assert_eq!(progress, [3, last]);
}
