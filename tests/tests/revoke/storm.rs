//! Revocations in a storm of writes: sixteen sessions write as fast as they are let to one slow
//! device, so that the commands of each wait in its queue; then one of them is revoked, or a person
//! with all of theirs. The PLC's own log says what was sent afterwards.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use interlock::gateway::Gateway;
use interlock::profile::Profile;
use interlock_protocols::conduit::{Acknowledged, Answer, Ask};
use interlock_protocols::record::{Measure, Scope};
use interlock_tests::harness::{PATIENCE, adu, has_effect};
use interlock_tests::plc::log::{Entry, Event};
use tokio::task::{JoinHandle, JoinSet};

use crate::{ENGINEERS, Yard};

const SESSIONS: usize = 16;
const REVOCATIONS: usize = 200;
/// Each fifth time a person is revoked, and given back by the second administrator.
const PERSON_EACH: usize = 5;
/// Commands that each session keeps waiting.
const AHEAD: u16 = 4;

/// One session that writes its own value for as long as it is let.
struct Writer {
    who: usize,
    session: u64,
    value: u16,
    task: JoinHandle<String>,
}

/// Gives why the session ended.
async fn write(mut gateway: Gateway, value: u16) -> String {
    let [high, low] = value.to_be_bytes();
    let mut transaction = 0;
    let mut next = || {
        transaction += 1_u16;
        adu(transaction, 1, &[6, 0, 100, high, low])
    };
    let ahead: Vec<u8> = (0..AHEAD).flat_map(|_| next()).collect();
    let storming = async {
        // It may be struck before it has begun.
        let mut stream = gateway.converse("rig-1", true).await.ok()?;
        stream.send.write_all(&ahead).await.ok()?;
        let mut answer = [0; 12];
        loop {
            // An exception is shorter; after one the session is over.
            stream.recv.read_exact(&mut answer[..9]).await.ok()?;
            if answer[7] >= 0x80 {
                return Some(());
            }
            stream.recv.read_exact(&mut answer[9..]).await.ok()?;
            stream.send.write_all(&next()).await.ok()?;
        }
    };
    storming.await;
    let told = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Err(failure) = gateway.next_notice().await {
                return failure.what().to_owned();
            }
        }
    });
    told.await.expect("the session ends")
}

struct Storm {
    profiles: Vec<Profile>,
    writers: Vec<Writer>,
    opened: usize,
}

impl Storm {
    async fn join(&mut self) {
        let who = self.opened % ENGINEERS.len();
        self.join_as(who).await;
    }

    async fn join_as(&mut self, who: usize) {
        self.opened += 1;
        let value = u16::try_from(self.opened).unwrap();
        let gateway = Gateway::connect(&self.profiles[who]).await;
        let gateway = gateway.unwrap_or_else(|failure| panic!("{failure}"));
        self.writers.push(Writer {
            who,
            session: gateway.welcome().session,
            value,
            task: tokio::spawn(write(gateway, value)),
        });
    }
}

async fn restrict(admin: &mut Gateway, scope: Scope) -> Acknowledged {
    let ask = Ask::Restrict {
        measure: Measure::Revoke,
        scope,
        reason: "storm".into(),
    };
    let parts = admin
        .ask_for_parts(ask)
        .await
        .unwrap_or_else(|failure| panic!("{failure}"));
    match parts.into_iter().next() {
        Some(Answer::Restricted(acknowledged)) => acknowledged,
        other => panic!("{other:?}"),
    }
}

/// What was promised at one moment: behind this byte of the PLC's log there is no write of these
/// values, but for those that were on their way.
struct Promise {
    log_bytes: u64,
    values: Vec<u16>,
    open: usize,
}

async fn storm(profiles: Vec<Profile>, adam: Profile, ada: Profile, log: PathBuf) -> Vec<Promise> {
    let connect = async |profile: &Profile| {
        let gateway = Gateway::connect(profile).await;
        gateway.unwrap_or_else(|failure| panic!("{failure}"))
    };
    let (mut adam, mut ada) = (connect(&adam).await, connect(&ada).await);
    let mut storm = Storm {
        profiles,
        writers: Vec::new(),
        opened: 0,
    };
    let (mut promises, mut ended) = (Vec::new(), JoinSet::new());
    for round in 0..REVOCATIONS {
        while storm.writers.len() < SESSIONS {
            storm.join().await;
        }
        let before = storm.writers.remove(round * 7 % SESSIONS);
        let mut struck = vec![before];
        let person = round % PERSON_EACH == 0;
        let scope = if person {
            let who = struck[0].who;
            let theirs = storm.writers.extract_if(.., |writer| writer.who == who);
            struck.extend(theirs);
            Scope::Subject(ENGINEERS[who].to_owned())
        } else {
            Scope::Session(struck[0].session)
        };
        let acknowledged = restrict(&mut adam, scope).await;
        promises.push(Promise {
            log_bytes: fs::metadata(&log).unwrap().len(),
            values: struck.iter().map(|writer| writer.value).collect(),
            open: acknowledged.open.len(),
        });
        assert!(acknowledged.durable);
        let mut sessions: Vec<u64> = struck.iter().map(|writer| writer.session).collect();
        sessions.sort_unstable();
        assert_eq!(acknowledged.sessions, sessions);
        if person {
            let back = Ask::Reinstate {
                restriction: acknowledged.restriction.unwrap(),
                reason: "again".into(),
            };
            ada.ask_for_word(back)
                .await
                .unwrap_or_else(|failure| panic!("{failure}"));
        }
        for writer in struck {
            ended.spawn(async move { writer.task.await.unwrap() });
        }
    }
    while let Some(told) = ended.join_next().await {
        let told = told.unwrap();
        assert!(told.contains("storm"), "the reason is said: {told}");
    }
    for writer in storm.writers {
        writer.task.abort();
    }
    promises
}

#[test]
fn i7_nothing_is_sent_after_the_acknowledgement_two_hundred_times() {
    let mut yard = Yard::started("queue = 128\ntimeout_ms = 5000\npause_ms = 0");
    yard.plc.order("delay 2 always");
    let open = |who: &str| Profile::open(&yard.gateway.issue(who)).unwrap();
    let profiles = ENGINEERS.map(open).to_vec();
    let (adam, ada) = (open("person/adam"), open("person/ada"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let promises = runtime.block_on(storm(profiles, adam, ada, yard.log()));
    runtime.shutdown_timeout(Duration::from_secs(1));
    assert_eq!(yard.gateway.stop(), 0);
    yard.gateway.assert_journal_is_whole();

    let text = fs::read_to_string(yard.log()).unwrap();
    let mut at = 0_u64;
    let mut writes = Vec::new();
    for line in text.split_inclusive('\n') {
        let entry = Entry::parse(line.trim_end_matches('\n')).unwrap();
        if let Event::Request(adu) = &entry.event
            && has_effect(&adu[7..])
        {
            writes.push((at, u16::from_be_bytes([adu[10], adu[11]])));
        }
        at += line.len() as u64;
    }
    assert!(writes.len() > REVOCATIONS, "it was a storm");
    assert_eq!(promises.len(), REVOCATIONS);
    for (round, promise) in promises.iter().enumerate() {
        let broken = writes
            .iter()
            .filter(|(at, value)| *at >= promise.log_bytes && promise.values.contains(value))
            .count();
        assert!(
            broken <= promise.open,
            "revocation {round}: {broken} writes of {:?} after the acknowledgement, which names {}",
            promise.values,
            promise.open
        );
    }
}
