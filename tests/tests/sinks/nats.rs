//! The journal in JetStream: nothing lost, nothing twice, nothing out of order, whatever breaks.

use crate::jetstream::{Server, message, same};
use crate::log::Log;
use crate::pki::Pki;
use crate::wan::Wan;
use crate::{records, stands};
use async_nats::jetstream::stream::Config;
use interlock_broker::clock::Clock;
use interlock_edge::config::{SinkConfig, SinkKind, SinkTls};
use interlock_edge::sink::{self, Cursors, MemoryCursors, Running, Source};
use interlock_tests::harness::PATIENCE;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const STREAM: &str = "interlock=site=gateway";
const SUBJECT: &str = "interlock.site.gateway.journal";
const SINK: &str = "fleet";

/// A journal, a server, and the network between them.
struct Plant {
    dir: TempDir,
    pki: Pki,
    log: Log,
    server: Server,
    wan: Wan,
    cursors: Arc<MemoryCursors>,
}

impl Plant {
    fn new() -> Plant {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::new(&dir.path().join("pki"));
        let server = Server::start(&dir.path().join("nats"), &pki);
        let wan = Wan::new();
        wan.lead_to(server.address());
        Plant {
            log: Log::open(&dir.path().join("journal")),
            pki,
            server,
            wan,
            cursors: Arc::default(),
            dir,
        }
    }

    fn start(&self) -> Running {
        start(
            self.wan.address(),
            self.pki.sink(),
            &self.log,
            &self.cursors,
        )
    }

    fn restart_server(&mut self) {
        self.server.restart();
        self.wan.lead_to(self.server.address());
    }

    /// Waits until the sink has all up to `through`, and ends it.
    async fn drain(&self, running: Running, through: u64) {
        let mut standing = running.standing();
        stands(&mut standing, "all is acknowledged", |standing| {
            standing.acknowledged >= through && standing.error.is_none()
        })
        .await;
        running.stop().await;
    }

    /// Asserts that the stream has all of the journal that was ever acknowledged.
    async fn holds_through(&self, through: u64) {
        let cursor = self.cursors.load(SINK).expect("a cursor");
        assert!(cursor >= through, "{cursor} of {through}");
        let lines = self.log.lines(cursor);
        self.server.holds(&self.pki, STREAM, &lines).await;
    }
}

fn start(at: SocketAddr, tls: SinkTls, log: &Log, cursors: &Arc<MemoryCursors>) -> Running {
    let config = SinkConfig {
        name: SINK.to_owned(),
        kind: SinkKind::Nats,
        address: at.to_string(),
        tls,
        required: true,
    };
    let source = Source {
        site: "site".to_owned(),
        gateway: "gateway".to_owned(),
        devices: Default::default(),
        journal: log.journal.clone(),
        cursors: Arc::clone(cursors) as Arc<dyn Cursors>,
        clock: Clock::start(),
    };
    sink::start(&config, &source)
}

#[ignore = "needs nats-server"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_survives_kills_and_cuts_and_costs_the_plant_nothing() {
    let mut plant = Plant::new();
    // The WAN is cut for as long as the plant works: its commits are waited for all the same.
    plant.wan.cut();
    let running = plant.start();
    let mut standing = running.standing();
    let through = plant.log.write(records(), "cut").await;
    stands(&mut standing, "the cut is seen", |standing| {
        standing.error.is_some()
    })
    .await;
    assert_eq!(standing.borrow().acknowledged, 0);
    plant.wan.mend();

    let rounds = 12;
    let (mut late, mut midway) = (through, 0);
    for round in 1..rounds {
        let wanted = through * round / rounds;
        stands(&mut standing, "the drain goes on", |standing| {
            standing.acknowledged >= wanted
        })
        .await;
        if round % 3 == 0 {
            plant.wan.cut();
        } else {
            plant.server.kill();
        }
        // What was acknowledged before the break must be there whatever comes after it.
        let acknowledged = standing.borrow().acknowledged;
        midway += u64::from(acknowledged < through);
        let pending = plant.log.commit(round, "a command while the sink is away");
        late = pending.sequence();
        let durable = tokio::time::timeout(PATIENCE, pending).await;
        durable.expect("no sink is waited for").unwrap();
        if round % 3 == 0 {
            plant.wan.mend();
        } else {
            plant.restart_server();
        }
        let context = plant.server.context(&plant.pki).await;
        let stream = context
            .get_stream(STREAM)
            .await
            .expect("the stream is there");
        let has = stream.cached_info().state.last_sequence;
        assert!(
            has >= acknowledged,
            "{acknowledged} were acknowledged and {has} are there"
        );
    }
    assert!(
        midway >= 3,
        "only {midway} breaks met the drain under way: take more records"
    );
    plant.drain(running, late).await;
    plant.holds_through(late).await;
}

#[ignore = "needs nats-server"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_network_held_back_changes_nothing() {
    let plant = Plant::new();
    // So short that it is over when they arrive: the id alone no longer tells that they are old.
    let window = Duration::from_millis(100);
    let config = Config {
        name: STREAM.to_owned(),
        subjects: vec![SUBJECT.to_owned()],
        duplicate_window: window,
        ..Config::default()
    };
    plant.server.make(&plant.pki, config).await;
    let running = plant.start();
    let mut standing = running.standing();
    let before = plant.log.write(200, "before").await;
    stands(&mut standing, "it is under way", |standing| {
        standing.acknowledged >= before
    })
    .await;

    plant.wan.hold();
    let through = plant.log.write(200, "held back").await;
    // It gives the connection up, and sends all of it on another one.
    stands(&mut standing, "it went another way", |standing| {
        standing.acknowledged >= through
    })
    .await;
    // The one wait for time itself: the server must have forgotten the ids.
    tokio::time::sleep(10 * window).await;
    plant.wan.release();

    let last = plant.log.write(10, "after").await;
    plant.drain(running, last).await;
    plant.holds_through(last).await;
}

#[ignore = "needs nats-server"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_cursor_and_an_older_one_cost_nothing() {
    let mut plant = Plant::new();
    let through = plant.log.write(700, "first").await;
    plant.drain(plant.start(), through).await;
    plant.cursors = Arc::default();
    let through = plant.log.write(100, "second").await;
    plant.drain(plant.start(), through).await;
    plant.cursors.store(SINK, 17);
    let through = plant.log.write(100, "third").await;
    plant.drain(plant.start(), through).await;
    plant.holds_through(through).await;
}

#[ignore = "needs nats-server"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lost_what_it_acknowledged_gets_it_again() {
    let mut plant = Plant::new();
    let through = plant.log.write(700, "first").await;
    let running = plant.start();
    let mut standing = running.standing();
    stands(&mut standing, "all is there", |standing| {
        standing.acknowledged >= through
    })
    .await;
    plant.server.lose_all();
    stands(&mut standing, "the loss is seen", |standing| {
        standing.error.is_some()
    })
    .await;
    plant.restart_server();
    let through = plant.log.write(1, "second").await;
    plant.drain(running, through).await;
    plant.holds_through(through).await;
}

#[ignore = "needs nats-server"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_emptied_on_purpose_gets_what_is_new() {
    let plant = Plant::new();
    let through = plant.log.write(100, "read and thrown away").await;
    plant.drain(plant.start(), through).await;
    let known = plant.cursors.load(SINK).unwrap();
    let context = plant.server.context(&plant.pki).await;
    let stream = context.get_stream(STREAM).await.unwrap();
    stream.purge().await.unwrap();
    let last = plant.log.write(100, "new").await;
    plant.drain(plant.start(), last).await;
    let lines = plant.log.lines(plant.cursors.load(SINK).unwrap());
    let new = &lines[usize::try_from(known).unwrap()..];
    plant.server.holds(&plant.pki, STREAM, new).await;
}

/// The journal is put back from an older copy and goes on, `more` records long, in its own way.
async fn restored(more: u64) {
    let mut plant = Plant::new();
    plant.log.write(300, "common").await;
    let copy = plant.dir.path().join("copy");
    plant.log.copy_to(&copy);
    let first = plant.log.write(300, "cut away").await;
    plant.drain(plant.start(), first).await;
    let known = plant.cursors.load(SINK).unwrap();
    let old = plant.log.lines(known);
    plant.log.journal.close();
    plant.log = Log::open(&copy);
    let fork = plant.log.write(more, "in place of it").await;

    let running = plant.start();
    let mut standing = running.standing();
    let told = stands(&mut standing, "it is seen", |standing| {
        standing.ahead.is_some()
    })
    .await;
    assert_eq!(told.ahead, Some(known));
    assert!(told.error.unwrap().contains("interlock journal accept"));
    // Nothing is sent until that is accepted.
    let held = plant.log.write(5, "not accepted yet").await;
    plant.server.holds(&plant.pki, STREAM, &old).await;

    plant.log.accept(SINK, known, [0xab; 8]).await;
    let last = plant.log.write(5, "accepted").await;
    assert!(fork < held && held < last);
    plant.drain(running, last).await;
    let new = plant.log.lines(plant.cursors.load(SINK).unwrap());
    let wanted = old.iter().map(|line| message("0", line));
    let behind = new
        .iter()
        .skip(300)
        .map(|line| message("abababababababab", line));
    let found = plant.server.read(&plant.pki, STREAM).await;
    same(&found, &wanted.chain(behind).collect::<Vec<_>>());

    // And it stays in that lineage.
    let last = plant.log.write(5, "another start").await;
    plant.drain(plant.start(), last).await;
    let found = plant.server.read(&plant.pki, STREAM).await;
    let line = plant.log.lines(last).pop().unwrap();
    assert!(found.contains(&message("abababababababab", &line)));
}

#[ignore = "needs nats-server"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_was_cut_is_sent_on_only_once_that_is_accepted() {
    restored(10).await;
}

#[ignore = "needs nats-server"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_grew_past_its_cut_is_found_out_as_well() {
    restored(1_000).await;
}

#[ignore = "needs nats-server"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_end_talks_to_a_stranger() {
    let plant = Plant::new();
    plant.log.write(10, "secret").await;
    let others = Pki::new(&plant.dir.path().join("others"));
    let (good, other) = (plant.pki.sink(), others.sink());
    let strange = [
        (
            SinkTls {
                ca: other.ca.clone(),
                ..good.clone()
            },
            "UnknownIssuer",
        ),
        (
            SinkTls {
                server_name: "elsewhere".to_owned(),
                ..good.clone()
            },
            "not valid for name",
        ),
        (
            SinkTls {
                certificate: other.certificate,
                key: other.key,
                ..good.clone()
            },
            "",
        ),
        (
            SinkTls {
                key: other.ca,
                ..good.clone()
            },
            "ca.pem",
        ),
    ];
    for (tls, why) in strange {
        let running = start(plant.server.address(), tls, &plant.log, &plant.cursors);
        let mut standing = running.standing();
        let told = stands(&mut standing, "it fails", |standing| {
            standing.error.is_some()
        })
        .await;
        let error = told.error.unwrap();
        assert!(error.contains(why), "{error}");
        assert_eq!(told.acknowledged, 0);
        running.stop().await;
    }
    let context = plant.server.context(&plant.pki).await;
    assert!(
        context.get_stream(STREAM).await.is_err(),
        "nobody got so far"
    );
}

#[ignore = "needs nats-server"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_somebody_else_is_named_and_nothing_is_sent_behind_it() {
    let plant = Plant::new();
    let through = plant.log.write(50, "ours").await;
    plant.drain(plant.start(), through).await;
    let context = plant.server.context(&plant.pki).await;
    let sent = context.publish(SUBJECT, "theirs".into()).await.unwrap();
    let foreign = sent.await.unwrap().sequence;
    plant.log.write(50, "more of ours").await;
    let running = plant.start();
    let mut standing = running.standing();
    let told = stands(&mut standing, "it is seen", |standing| {
        standing.error.is_some()
    })
    .await;
    let error = told.error.unwrap();
    assert!(
        error.contains(&format!("message {foreign} of stream {STREAM}")),
        "{error}"
    );
    running.stop().await;
    let stream = context.get_stream(STREAM).await.unwrap();
    assert_eq!(stream.cached_info().state.last_sequence, foreign);
}
