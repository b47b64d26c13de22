use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use interlock_broker::witness::{
    AddCheckpoint, LogKey, Seen, SmallLog, Verdict, Witness, WitnessKey,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const ORIGIN: &str = "waterworks/gateway/gateway-1";
const NOW_MS: i64 = 1_700_000_000_000;
const PATIENCE: Duration = Duration::from_secs(20);

fn log(shared: u64, size: u64, flavour: &str) -> SmallLog {
    let mut log = SmallLog::new(ORIGIN, 1);
    log.grow(shared.min(size), "same").unwrap();
    log.grow(size, flavour).unwrap();
    log
}

/// A witness on loopback that judges as a real one does, or says what a script has it say.
struct Peer {
    address: String,
    secret: String,
    seen: Arc<Mutex<Option<Seen>>>,
    script: Arc<Mutex<Vec<String>>>,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl Peer {
    async fn start(seen: Option<&SmallLog>) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let secret = WitnessKey::generate("w").unwrap().secret_text();
        let (seen_here, script, bodies) = (Arc::default(), Arc::default(), Arc::default());
        let mut peer = Peer {
            address,
            secret,
            seen: seen_here,
            script,
            bodies,
            task: tokio::spawn(async {}),
        };
        if let Some(log) = seen {
            let body = to_body(0, &[], &checkpoint(log, log.size()));
            assert!(peer.judge(&body).starts_with("HTTP/1.1 200"));
        }
        peer.task = tokio::spawn(peer.clone_parts().serve(listener));
        peer
    }

    fn clone_parts(&self) -> Peer {
        Peer {
            address: self.address.clone(),
            secret: self.secret.clone(),
            seen: Arc::clone(&self.seen),
            script: Arc::clone(&self.script),
            bodies: Arc::clone(&self.bodies),
            task: tokio::spawn(async {}),
        }
    }

    fn config(&self) -> WitnessConfig {
        WitnessConfig {
            address: self.address.clone(),
            key: WitnessKey::parse(&self.secret).unwrap().public(),
        }
    }

    async fn serve(self, listener: TcpListener) {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let Some(body) = request(&mut stream).await else {
                continue;
            };
            let scripted = self.script.lock().unwrap().pop();
            let answer = scripted.unwrap_or_else(|| self.judge(&body));
            self.bodies.lock().unwrap().push(body);
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }

    fn judge(&self, body: &[u8]) -> String {
        let key = WitnessKey::parse(&self.secret).unwrap();
        let witness = Witness::new(key, vec![LogKey::parse(&log(0, 0, "").key()).unwrap()]);
        let mut seen = self.seen.lock().unwrap();
        let asked = AddCheckpoint::parse(body).unwrap();
        match witness.judge(seen.as_ref(), &asked, NOW_MS) {
            Verdict::Cosign(cosigned) => {
                let line = cosigned.stored(|new| {
                    *seen = Some(Seen::parse(&new.to_bytes()).unwrap());
                    Ok(())
                });
                http("200 OK", &String::from_utf8(line.unwrap()).unwrap())
            }
            Verdict::Refuse(refused) => {
                let body = refused
                    .size()
                    .map_or(String::new(), |size| format!("{size}\n"));
                http(&format!("{} No", refused.status()), &body)
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn http(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// The body of one request with a length.
async fn request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let Some((head, _)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
        let body = &bytes[head.len() + 4..];
        if body.len() >= length {
            assert!(
                head.starts_with("post /add-checkpoint http/1.1\r\n"),
                "{head}"
            );
            return Some(body.to_vec());
        }
    }
}

fn checkpoint(log: &SmallLog, size: u64) -> SignedCheckpoint {
    SignedCheckpoint::parse(log.checkpoint(size).unwrap().as_bytes()).unwrap()
}

/// A submitter over a log, and what it is told.
struct World {
    folder: tempfile::TempDir,
    told: watch::Sender<Option<String>>,
    accepted: Arc<AtomicBool>,
}

impl World {
    fn new() -> World {
        World {
            folder: tempfile::tempdir().unwrap(),
            told: watch::Sender::new(None),
            accepted: Arc::default(),
        }
    }

    fn start(&self, witness: WitnessConfig, log: &SmallLog) -> Submitter {
        let (log, accepted) = (log.clone(), Arc::clone(&self.accepted));
        let setting = Setting {
            witness,
            journal_dir: self.folder.path().to_owned(),
            prove: Arc::new(move |old, new| log.proof(old, new).map_err(io::Error::other)),
            accepted: Arc::new(move |_| accepted.load(Ordering::SeqCst)),
            clock: Clock::start(),
        };
        start(setting, self.told.subscribe(), String::as_str)
    }

    fn tell(&self, log: &SmallLog, size: u64) {
        self.told.send_replace(Some(log.checkpoint(size).unwrap()));
    }
}

async fn until(
    submitter: &Submitter,
    good: impl FnMut(&WitnessStanding) -> bool,
) -> WitnessStanding {
    let mut standing = submitter.standing();
    let reached = timeout(PATIENCE, standing.wait_for(good)).await;
    match reached {
        Ok(Ok(standing)) => standing.clone(),
        _ => panic!("it stays at {:?}", *submitter.standing().borrow()),
    }
}

#[tokio::test]
async fn each_checkpoint_is_cosigned_and_the_last_is_kept() {
    let (world, peer, log) = (World::new(), Peer::start(None).await, log(300, 300, "same"));
    let submitter = world.start(peer.config(), &log);
    for size in [1, 7, 300] {
        world.tell(&log, size);
        let standing = until(&submitter, |standing| standing.cosigned_size == size).await;
        assert_eq!(standing.cosigned_ms, Some(NOW_MS));
        assert_eq!((standing.error, standing.ahead), (None, None));
    }
    assert!(submitter.cosigned(300, PATIENCE).await);
    drop(submitter);
    let kept = std::fs::read(kept_at(world.folder.path())).unwrap();
    let kept = SignedCheckpoint::parse(&kept).unwrap();
    assert_eq!((kept.size(), kept.root()), (300, log.root(300).unwrap()));
    assert!(kept.cosigned_s(&peer.config().key).is_some());
    // Each began where the last one ended.
    let bodies = peer.bodies.lock().unwrap();
    let olds: Vec<u64> = bodies
        .iter()
        .map(|body| AddCheckpoint::parse(body).unwrap().old())
        .collect();
    assert_eq!(olds, [0, 1, 7]);
}

#[tokio::test]
async fn after_a_restart_it_goes_on_from_what_was_kept_and_asks_at_once() {
    let (world, peer, log) = (World::new(), Peer::start(None).await, log(50, 50, "same"));
    world.tell(&log, 20);
    let submitter = world.start(peer.config(), &log);
    until(&submitter, |standing| standing.cosigned_size == 20).await;
    drop(submitter);
    peer.bodies.lock().unwrap().clear();
    let again = world.start(peer.config(), &log);
    // The very same checkpoint: whether the witness still agrees is only known by asking.
    until(&again, |standing| standing.cosigned_size == 20).await;
    world.tell(&log, 50);
    until(&again, |standing| standing.cosigned_size == 50).await;
    let bodies = peer.bodies.lock().unwrap();
    let first = AddCheckpoint::parse(&bodies[0]).unwrap();
    assert_eq!(first.old(), 20);
}

#[tokio::test]
async fn a_witness_that_is_further_back_or_forgot_is_served_from_where_it_is() {
    let log = log(50, 50, "same");
    for at in [None, Some(30)] {
        let world = World::new();
        let first = Peer::start(None).await;
        world.tell(&log, 40);
        let submitter = world.start(first.config(), &log);
        until(&submitter, |standing| standing.cosigned_size == 40).await;
        drop(submitter);
        *first.seen.lock().unwrap() = None;
        if let Some(at) = at {
            let answer = first.judge(&to_body(0, &[], &checkpoint(&log, at)));
            assert!(answer.starts_with("HTTP/1.1 200"));
        }
        let submitter = world.start(first.config(), &log);
        world.tell(&log, 50);
        let standing = until(&submitter, |standing| standing.cosigned_size == 50).await;
        assert_eq!(standing.ahead, None);
    }
}

/// The tail was cut, and everything on this machine with it: the witness alone remembers.
#[tokio::test]
async fn a_cut_tail_is_seen_by_what_the_witness_says() {
    let (world, whole) = (World::new(), log(100, 100, "same"));
    let peer = Peer::start(Some(&whole)).await;
    world.tell(&whole, 80);
    let submitter = world.start(peer.config(), &whole);
    let standing = until(&submitter, |standing| standing.ahead.is_some()).await;
    assert_eq!(standing.ahead, Some(100));
    let error = standing.error.unwrap();
    assert!(
        error.contains("100 records") && error.contains("80"),
        "{error}"
    );
    assert!(standing.error_ms.is_some());
    assert_eq!(standing.cosigned_size, 0);
}

/// An old copy was restored and has grown past the place where it was cut.
#[tokio::test]
async fn a_rolled_back_and_a_forked_journal_are_seen_by_what_the_witness_says() {
    for (shared, size) in [(60, 150), (60, 100)] {
        let (world, whole) = (World::new(), log(100, 100, "same"));
        let peer = Peer::start(Some(&whole)).await;
        let other = log(shared, size, "other");
        world.tell(&other, size);
        let submitter = world.start(peer.config(), &other);
        let standing = until(&submitter, |standing| standing.ahead.is_some()).await;
        assert_eq!(standing.ahead, Some(100), "{size}");
        assert!(standing.error.unwrap().contains("rewritten"));
        assert!(!kept_at(world.folder.path()).exists());
    }
}

/// What was cosigned is still here: nobody has to be reached to see it, and the trace stays until
/// somebody has accepted it.
#[tokio::test]
async fn a_journal_behind_what_was_cosigned_is_seen_without_the_witness() {
    for (other, size, said) in [
        (log(100, 100, "same"), 80, "cut"),
        (log(60, 150, "other"), 150, "rewritten"),
    ] {
        let (world, whole) = (World::new(), log(100, 100, "same"));
        let peer = Peer::start(None).await;
        world.tell(&whole, 100);
        let submitter = world.start(peer.config(), &whole);
        until(&submitter, |standing| standing.cosigned_size == 100).await;
        drop(submitter);
        let before = std::fs::read(kept_at(world.folder.path())).unwrap();
        let config = peer.config();
        // Whoever cut it has seen to it that the witness forgot as well.
        *peer.seen.lock().unwrap() = None;
        world.tell(&other, size);
        let submitter = world.start(config, &other);
        let standing = until(&submitter, |standing| standing.ahead.is_some()).await;
        assert_eq!(standing.ahead, Some(100));
        assert!(standing.error.unwrap().contains(said));
        let after = std::fs::read(kept_at(world.folder.path())).unwrap();
        assert_eq!(before, after);
        // Accepted, and the witness was told to forget: it is cosigned again.
        world.accepted.store(true, Ordering::SeqCst);
        let standing = until(&submitter, |standing| standing.cosigned_size == size).await;
        assert_eq!(standing.error, None);
        // Nobody can miss that it was so.
        assert_eq!(standing.ahead, Some(100));
    }
}

#[tokio::test]
async fn answers_that_are_none_are_errors_and_cosign_nothing() {
    let honest = log(10, 10, "same");
    let note = "\u{2014} w AAAAAAAAAAAAAAAA\n";
    let long = "x".repeat(100_000);
    for (answer, said) in [
        (http("200 OK", ""), "no cosignature"),
        (http("200 OK", "hello\n"), "no cosignature"),
        (http("200 OK", note), "no cosignature"),
        (http("200 OK", &long), "cannot be reached"),
        (http("409 Conflict", "many"), "without a size"),
        (http("409 Conflict", "0\n"), "from where the proof began"),
        (http("422 No", ""), "nothing to prove"),
        (http("403 No", ""), "another key"),
        (http("404 No", ""), "does not know"),
        (http("500 No", "disk"), "disk"),
        ("HTTP/9 what".to_owned(), "cannot be reached"),
    ] {
        let (world, peer) = (World::new(), Peer::start(None).await);
        peer.script.lock().unwrap().push(answer.clone());
        world.tell(&honest, 10);
        let submitter = world.start(peer.config(), &honest);
        let standing = until(&submitter, |standing| standing.error.is_some()).await;
        let error = standing.error.unwrap();
        assert!(error.contains(said), "{answer:.60}: {error}");
        assert_eq!(standing.ahead, None, "{answer:.60}");
        // And the next try is as good as any.
        let standing = until(&submitter, |standing| standing.cosigned_size == 10).await;
        assert_eq!((standing.error, standing.error_ms), (None, None));
    }
}

#[tokio::test]
async fn a_witness_with_another_key_cosigns_nothing_that_counts() {
    let (world, peer, log) = (World::new(), Peer::start(None).await, log(10, 10, "same"));
    let mut config = peer.config();
    config.key = WitnessKey::generate("w").unwrap().public();
    world.tell(&log, 10);
    let submitter = world.start(config, &log);
    let standing = until(&submitter, |standing| standing.error.is_some()).await;
    assert!(standing.error.unwrap().contains("key in edge.toml"));
    assert_eq!(standing.cosigned_size, 0);
    assert!(!kept_at(world.folder.path()).exists());
}

#[tokio::test]
async fn while_nobody_is_there_status_says_since_when_and_it_goes_on_afterwards() {
    let (world, log) = (World::new(), log(10, 10, "same"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let peer = Peer::start(None).await;
    let mut config = peer.config();
    config.address = address.to_string();
    world.tell(&log, 10);
    let submitter = world.start(config, &log);
    let first = until(&submitter, |standing| standing.error.is_some()).await;
    let since = first.error_ms.unwrap();
    assert!(first.error.unwrap().contains("cannot be reached"));
    let back = TcpListener::bind(address).await.unwrap();
    let serving = tokio::spawn(peer.clone_parts().serve(back));
    // It stands since the first failure until a try comes off.
    let standing = until(&submitter, |standing| {
        assert!(standing.error_ms.is_none_or(|ms| ms == since));
        standing.cosigned_size == 10
    });
    standing.await;
    serving.abort();
}
