//! `kill -9` of the edge in a write storm. The PLC is a process of its own and keeps its log; at
//! the end that log and the journal must tell one story, whatever the moments of the kills were.
//!
//! `INTERLOCK_STORM_KILLS` sets how many there are (60 if unset), `INTERLOCK_STORM_SEED` repeats
//! the moments of another run as far as a machine's timing can be repeated.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use fastrand::Rng;
use interlock_broker::journal;
use interlock_protocols::record::{CommandResult, Event};
use interlock_tests::harness::{Connected, End, Fate, Modbus, PATIENCE, Rig, adu};
use interlock_tests::plc::log;

/// Slow enough for an answer that a kill finds a write at the PLC, quick enough for many.
const LINK: &str = "backoff_min_ms = 20\nbackoff_max_ms = 50";
const ANSWER_AFTER: &str = "delay 2 always";

/// Who writes: a point of its own each, and requests sent ahead so that some wait in the queue.
const WRITERS: usize = 4;
const AHEAD: usize = 3;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text}")))
}

/// One writer's values. None is ever written twice, so that a PDU names one command in all logs.
struct Writer {
    address: u16,
    next: u32,
    /// PDUs that the client was told are done.
    done: Vec<Vec<u8>>,
}

impl Writer {
    fn pdu(&mut self) -> Vec<u8> {
        let [a, b] = self.address.to_be_bytes();
        let mut pdu = vec![16, a, b, 0, 2, 4];
        pdu.extend(self.next.to_be_bytes());
        self.next += 1;
        pdu
    }

    /// Writes until the connection breaks or `over` is set.
    fn write(&mut self, at: SocketAddr, over: &AtomicBool) {
        let Ok(mut tool) = Modbus::try_connect(at) else {
            return;
        };
        let mut open: HashMap<u16, Vec<u8>> = HashMap::new();
        let mut transaction = 0;
        loop {
            while open.len() < AHEAD {
                let pdu = self.pdu();
                tool.send(&adu(transaction, 1, &pdu));
                open.insert(transaction, pdu);
                transaction = transaction.wrapping_add(1);
            }
            // Short, so that the end is noticed: an edge that was killed says nothing.
            match tool.next(Duration::from_millis(20)) {
                Fate::Answer(answer) => {
                    let asked = open.remove(&u16::from_be_bytes([answer[0], answer[1]]));
                    let asked = asked.expect("an answer to something that was asked");
                    if answer[7] == 16 {
                        self.done.push(asked);
                    }
                }
                Fate::Silence if !over.load(Ordering::Relaxed) => {}
                Fate::Silence | Fate::Closed => return,
            }
        }
    }
}

/// Half of the starts are over a disk that is slow and is caught in the middle of writing.
fn choose_disk(rig: &mut Rig, rng: &mut Rng) {
    rig.gateway
        .run_by(if rng.bool() { "edge" } else { "slow_edge" });
}

/// Serves, is written to, and is killed at a moment drawn from `rng`.
fn round(rig: &mut Rig, writers: &mut [Writer], rng: &mut Rng) {
    choose_disk(rig, rng);
    rig.gateway.start();
    let sessions = [
        rig.gateway.connect("person/emil", &["rig-1"]),
        rig.gateway.connect("person/olga", &["rig-1"]),
    ];
    let over = AtomicBool::new(false);
    scope(|scope| {
        for (number, writer) in writers.iter_mut().enumerate() {
            let at = sessions[number % 2].address("rig-1");
            let over = &over;
            scope.spawn(move || writer.write(at, over));
        }
        for _ in 0..rng.u32(1..80) {
            let received =
                |event: &log::Event| matches!(event, log::Event::Request(_)).then_some(());
            rig.plc().next_event("a write at the PLC", received);
        }
        sleep(Duration::from_micros(rng.u64(0..4000)));
        rig.gateway.kill();
        over.store(true, Ordering::Relaxed);
        sessions.map(kill)
    });
}

fn kill(mut connected: Connected) {
    connected.process().kill();
}

/// Killed while it starts: in the middle of mending what the kill before left, perhaps.
fn false_start(rig: &mut Rig, rng: &mut Rng) {
    choose_disk(rig, rng);
    rig.gateway.launch();
    sleep(Duration::from_micros(rng.u64(0..200_000)));
    rig.gateway.kill();
}

#[test]
fn whatever_the_plc_received_is_in_the_journal_however_often_the_edge_is_killed() {
    let kills = number("INTERLOCK_STORM_KILLS").unwrap_or(60);
    let seed = number("INTERLOCK_STORM_SEED").unwrap_or_else(|| fastrand::u64(..));
    eprintln!("INTERLOCK_STORM_KILLS={kills} INTERLOCK_STORM_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let mut rig = Rig::start(LINK);
    rig.plc().order(ANSWER_AFTER);
    // Certificates are made while the edge runs, as they are in a plant.
    let _profiles: [PathBuf; 2] = ["person/emil", "person/olga"].map(|who| rig.gateway.issue(who));
    rig.gateway.kill();
    let mut writers: Vec<Writer> = (0..WRITERS)
        .map(|number| Writer {
            address: 200 + 2 * u16::try_from(number).unwrap(),
            next: 0,
            done: Vec::new(),
        })
        .collect();
    for _ in 1..kills {
        if rng.u32(0..5) == 0 {
            false_start(&mut rig, &mut rng);
        } else {
            round(&mut rig, &mut writers, &mut rng);
        }
    }
    finish(rig, &writers);
}

/// Half a minute without a packet ends a connection by itself; the tools of a plant are not to
/// hang that long.
const IDLE: Duration = Duration::from_secs(30);

#[test]
fn clients_learn_from_the_next_edge_that_the_one_before_was_killed() {
    let mut rig = Rig::start(LINK);
    let mut connected = rig.connect();
    let mut tool = connected.modbus("rig-1");
    let request = [6, 0, 100, 0, 1];
    assert_eq!(tool.ask(1, &request), request);
    let killed = Instant::now();
    rig.gateway.kill();
    rig.gateway.start();
    // Whatever is sent now, the edge does not know the connection and says so.
    tool.send(&adu(900, 1, &[6, 0, 100, 0, 2]));
    assert_eq!(tool.next(PATIENCE), Fate::Closed);
    connected.process().complaint("that it is back", |line| {
        line.contains("connected again").then_some(())
    });
    assert!(killed.elapsed() < IDLE / 2, "{:?}", killed.elapsed());
    let again = [6, 0, 100, 0, 3];
    assert_eq!(connected.modbus("rig-1").ask(1, &again), again);
    let ends = rig.stop("rig-1");
    let expected = [&request, &again].map(|pdu| (pdu.to_vec(), End::Answered));
    assert!(
        ends == expected || ends == [(request.to_vec(), End::Unknown), expected[1].clone()],
        "{ends:?}"
    );
}

/// The last start, one more write, a stop in order; then the two logs are compared.
fn finish(mut rig: Rig, writers: &[Writer]) {
    rig.gateway.run_by("edge");
    rig.gateway.start();
    let connected = rig.gateway.connect("person/emil", &["rig-1"]);
    let last = [6, 0, 100, 0, 1];
    assert_eq!(connected.modbus("rig-1").ask(1, &last), last);
    assert_eq!(connected.end(), 0);
    let ends = rig.stop("rig-1");
    let verified = journal::verify(&rig.gateway.site().join("journal")).unwrap();
    assert_eq!(verified.torn_bytes, 0, "{verified:?}");
    let journal = rig.gateway.site().join("journal");
    let judged = rig.gateway.client(
        "person/emil",
        &["journal", "verify", journal.to_str().unwrap()],
    );
    assert_eq!(judged.code, 0, "{judged}");

    let seen = rig.seen();
    seen.assert_nothing_malformed();
    let received: Vec<Vec<u8>> = seen.commands().into_iter().map(|(_, pdu)| pdu).collect();
    let once: HashSet<&Vec<u8>> = received.iter().collect();
    assert_eq!(once.len(), received.len(), "a write reached the PLC twice");

    let mut intents: HashMap<&Vec<u8>, &End> = HashMap::new();
    for (pdu, end) in &ends {
        let before = intents.insert(pdu, end);
        assert_eq!(before, None, "{pdu:02x?} has two INTENTs");
    }
    for pdu in &received {
        match intents.get(pdu) {
            Some(End::Answered | End::Unknown) => {}
            other => panic!("the PLC received {pdu:02x?}, and the journal has {other:?}"),
        }
    }
    for (pdu, end) in &ends {
        let arrived = once.contains(pdu);
        assert!(
            arrived || *end != End::Answered,
            "{pdu:02x?} was not received"
        );
    }
    for pdu in writers.iter().flat_map(|writer| &writer.done) {
        assert!(once.contains(pdu), "{pdu:02x?} was said to be done");
    }
    report(&rig, &ends, received.len());
}

/// A storm in which no kill found anything open has shown nothing.
fn report(rig: &Rig, ends: &[(Vec<u8>, End)], received: usize) {
    let records = rig.gateway.records();
    let unknown = ends.iter().filter(|(_, end)| *end == End::Unknown).count();
    let starts = records
        .iter()
        .filter(|record| matches!(record.event, Event::EdgeStarted(_)));
    let mended = records.iter().filter(|record| {
        matches!(&record.event, Event::Outcome(outcome)
            if matches!(outcome.result, CommandResult::Unknown { .. }))
    });
    eprintln!(
        "{} records, {} INTENTs, {received} received, {unknown} unknown, {} starts",
        records.len(),
        ends.len(),
        starts.count()
    );
    assert_eq!(mended.count(), unknown);
    assert!(unknown > 0, "no kill found a command open");
}
