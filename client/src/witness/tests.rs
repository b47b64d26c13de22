use std::net::SocketAddr;
use std::sync::Barrier;

use interlock_broker::witness::{SignedCheckpoint, SmallLog, to_body};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

const ORIGIN: &str = "waterworks/gateway/gateway-1";

fn log(shared: u64, size: u64, flavour: &str) -> SmallLog {
    let mut log = SmallLog::new(ORIGIN, 1);
    log.grow(shared.min(size), "same").unwrap();
    log.grow(size, flavour).unwrap();
    log
}

fn body(log: &SmallLog, old: u64, new: u64) -> Vec<u8> {
    let checkpoint = SignedCheckpoint::parse(log.checkpoint(new).unwrap().as_bytes()).unwrap();
    to_body(old, &log.proof(old, new).unwrap(), &checkpoint)
}

struct World {
    folder: tempfile::TempDir,
    secret: String,
}

impl World {
    fn new() -> World {
        World {
            folder: tempfile::tempdir().unwrap(),
            secret: WitnessKey::generate("w").unwrap().secret_text(),
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn key(&self) -> WitnessKey {
        WitnessKey::parse(&self.secret).unwrap()
    }

    fn service(&self) -> Service {
        let logs = vec![LogKey::parse(&log(0, 0, "a").key()).unwrap()];
        let witness = Witness::new(self.key(), logs);
        Service::new(witness, Store::open(&self.state()).unwrap(), Clock::start())
    }

    async fn serve(&self) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve::serve(listener, self.service(), stopped));
        Served {
            address,
            stop,
            task,
        }
    }

    /// Whether these lines cosign the checkpoint of that size.
    fn cosigns(&self, lines: &str, log: &SmallLog, size: u64) -> bool {
        let note = log.checkpoint(size).unwrap();
        let checkpoint = SignedCheckpoint::parse(note.as_bytes()).unwrap();
        let key = self.key().public();
        checkpoint.with_cosignature(lines.as_bytes(), &key).is_ok()
    }
}

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }

    /// Head and body of the answer.
    async fn asked(&self, method: &str, path: &str, body: &[u8]) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // One that is refused by its length is told so before all of it is taken.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    async fn submit(&self, body: &[u8]) -> (u16, String) {
        let (head, body) = self.asked("POST", "/add-checkpoint", body).await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body)
    }
}

#[tokio::test]
async fn every_reply_is_as_the_protocol_has_it() {
    let world = World::new();
    let served = world.serve().await;
    let honest = log(300, 300, "same");
    let (status, lines) = served.submit(&body(&honest, 0, 100)).await;
    assert_eq!(status, 200, "{lines}");
    assert!(world.cosigns(&lines, &honest, 100));

    let (head, size) = served
        .asked("POST", "/add-checkpoint", &body(&honest, 50, 120))
        .await;
    assert!(head.starts_with("HTTP/1.1 409 "), "{head}");
    assert!(head.contains("content-type: text/x.tlog.size"), "{head}");
    assert_eq!(size, "100\n");

    let mut stranger = SmallLog::new("another", 1);
    stranger.grow(5, "a").unwrap();
    let mut impostor = SmallLog::new(ORIGIN, 2);
    impostor.grow(120, "same").unwrap();
    for (what, body, expected) in [
        ("no request", b"old x\n".to_vec(), 400),
        ("too long", vec![b'a'; 70_000], 400),
        ("another key", body(&impostor, 100, 120), 403),
        ("unknown", body(&stranger, 0, 5), 404),
        ("rewritten", body(&log(60, 200, "other"), 100, 200), 422),
    ] {
        let (status, text) = served.submit(&body).await;
        assert_eq!(status, expected, "{what}: {text}");
        assert!(!text.contains('\u{2014}'), "{what}: {text}");
    }
    let get = served.asked("GET", "/add-checkpoint", b"").await;
    assert!(get.0.starts_with("HTTP/1.1 405 "), "{}", get.0);
    let other = served.asked("POST", "/", &body(&honest, 100, 120)).await;
    assert!(other.0.starts_with("HTTP/1.1 404 "), "{}", other.0);
    // None of it has moved it.
    assert_eq!(served.submit(&body(&honest, 100, 300)).await.0, 200);
    served.stop().await;
}

#[tokio::test]
async fn a_rolled_back_a_cut_and_a_forked_log_are_noticed_after_a_restart_too() {
    let world = World::new();
    let honest = log(300, 300, "same");
    let served = world.serve().await;
    assert_eq!(served.submit(&body(&honest, 0, 200)).await.0, 200);
    served.stop().await;

    let served = world.serve().await;
    // Rolled back to an old copy, which goes on and has passed the old size with other records.
    let restored = log(150, 250, "later");
    let told = served.submit(&body(&restored, 0, 150)).await;
    assert_eq!(told, (409, "200\n".into()));
    assert_eq!(served.submit(&body(&restored, 200, 250)).await.0, 422);
    // Cut at its end.
    let told = served.submit(&body(&honest, 0, 190)).await;
    assert_eq!(told, (409, "200\n".into()));
    // Forked: the same size, another tree. The proof of it is kept.
    let fork = log(199, 200, "other");
    let told = served.submit(&body(&fork, 200, 200)).await;
    assert_eq!(told, (409, "200\n".into()));
    served.stop().await;
    let rows = rows(&Store::at(&world.state())).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].origin.as_str(), rows[0].records),
        (ORIGIN, Some(200))
    );
    assert!(rows[0].trouble.contains("FORKED"));
    let kept = fs::read(
        world
            .state()
            .join("waterworks%2fgateway%2fgateway-1.forked"),
    );
    assert_eq!(kept.unwrap(), fork.checkpoint(200).unwrap().into_bytes());
}

/// The witness dies after it has kept the checkpoint and before anybody has the cosignature: the
/// log asks again, and no other log gets in between.
#[test]
fn a_crash_between_keeping_and_answering_loses_nothing_and_signs_nothing_else() {
    let world = World::new();
    let (honest, fork) = (log(100, 100, "same"), log(10, 100, "other"));
    let unheard = world.service().add_checkpoint(&body(&honest, 0, 50));
    assert_eq!(unheard.status, 200);
    drop(unheard);
    let again = world.service();
    let fork_50 = again.add_checkpoint(&body(&fork, 0, 50));
    assert_eq!((fork_50.status, fork_50.body), (409, b"50\n".to_vec()));
    assert_eq!(again.add_checkpoint(&body(&fork, 50, 50)).status, 409);
    assert_eq!(again.add_checkpoint(&body(&honest, 0, 50)).status, 409);
    let heard = again.add_checkpoint(&body(&honest, 50, 50));
    assert_eq!(heard.status, 200);
    let line = String::from_utf8(heard.body).unwrap();
    assert!(world.cosigns(&line, &honest, 50));
}

/// It dies while it writes: what was kept before is what holds.
#[test]
fn a_crash_while_keeping_leaves_the_last_checkpoint_whole() {
    let world = World::new();
    let honest = log(100, 100, "same");
    assert_eq!(
        world.service().add_checkpoint(&body(&honest, 0, 50)).status,
        200
    );
    let kept = world
        .state()
        .join("waterworks%2fgateway%2fgateway-1.checkpoint");
    fs::write(kept.with_extension("checkpoint.new"), b"half a no").unwrap();
    let service = world.service();
    service.check(&[ORIGIN.to_owned()]).unwrap();
    assert_eq!(service.add_checkpoint(&body(&honest, 50, 80)).status, 200);
}

#[test]
fn what_cannot_be_kept_is_not_cosigned_and_what_is_damaged_is_not_nothing() {
    let world = World::new();
    let honest = log(100, 100, "same");
    let service = world.service();
    assert_eq!(service.add_checkpoint(&body(&honest, 0, 50)).status, 200);
    let kept = world
        .state()
        .join("waterworks%2fgateway%2fgateway-1.checkpoint");
    let good = fs::read(&kept).unwrap();
    fs::write(&kept, &good[..good.len() / 2]).unwrap();
    for old in [0, 50] {
        let reply = service.add_checkpoint(&body(&honest, old, 80));
        assert_eq!(reply.status, 500, "{old}");
    }
    assert!(service.check(&[ORIGIN.to_owned()]).is_err());
    // A folder in the place of the file that it would be renamed over.
    fs::remove_file(&kept).unwrap();
    let beside = world
        .state()
        .join("waterworks%2fgateway%2fgateway-1.checkpoint.new");
    fs::create_dir(beside).unwrap();
    let reply = service.add_checkpoint(&body(&honest, 0, 80));
    assert_eq!(reply.status, 500);
    assert!(!String::from_utf8(reply.body).unwrap().contains('\u{2014}'));
}

#[test]
fn many_at_once_never_have_two_trees_cosigned() {
    let world = World::new();
    let service = world.service();
    let trees = [log(40, 40, "same"), log(0, 40, "other")];
    let together = Barrier::new(8);
    let cosigned: Vec<(usize, u64)> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8_usize)
            .map(|asker| {
                let (service, trees, together) = (&service, &trees, &together);
                scope.spawn(move || {
                    let (tree, mut old, mut cosigned) = (asker % 2, 0, Vec::new());
                    together.wait();
                    for new in 1..=40 {
                        let reply = service.add_checkpoint(&body(&trees[tree], old.min(new), new));
                        match reply.status {
                            200 => {
                                cosigned.push((tree, new));
                                old = new;
                            }
                            409 => {
                                let told = String::from_utf8(reply.body).unwrap();
                                old = told.trim().parse().unwrap();
                            }
                            other => assert_eq!(other, 422),
                        }
                    }
                    cosigned
                })
            })
            .collect();
        asking
            .into_iter()
            .flat_map(|asker| asker.join().unwrap())
            .collect()
    });
    assert!(!cosigned.is_empty());
    let first = cosigned[0].0;
    assert!(
        cosigned.iter().all(|(tree, _)| *tree == first),
        "{cosigned:?}"
    );
}

#[test]
fn two_witnesses_never_serve_from_one_folder() {
    let world = World::new();
    let first = world.service();
    let Err(error) = Store::open(&world.state()) else {
        panic!("two witnesses over one folder");
    };
    assert!(error.to_string().contains("another witness"), "{error}");
    drop(first);
    assert!(Store::open(&world.state()).is_ok());
}

#[test]
fn what_is_forgotten_is_set_aside_and_the_log_may_begin_anew() {
    let world = World::new();
    let (old, new) = (log(60, 60, "same"), log(0, 10, "anew"));
    let service = world.service();
    assert_eq!(service.add_checkpoint(&body(&old, 0, 60)).status, 200);
    let store = Store::at(&world.state());
    assert!(forget(&store, "unknown").is_err());
    let aside = store.forget(ORIGIN).unwrap().unwrap();
    assert!(fs::read_to_string(aside).unwrap().contains("\n60\n"));
    // The one that serves has not to be restarted for it.
    assert_eq!(service.add_checkpoint(&body(&new, 0, 10)).status, 200);
    let again = store.forget(ORIGIN).unwrap().unwrap();
    assert!(
        again.to_str().unwrap().ends_with("forgotten-2"),
        "{again:?}"
    );
}

#[test]
fn a_key_is_made_once_and_readable_by_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("witness.key");
    make_key(&file, "witness.example").unwrap();
    let secret = fs::read_to_string(&file).unwrap();
    assert!(WitnessKey::parse(&secret).is_ok());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = make_key(&file, "witness.example").unwrap_err();
    assert_eq!(again.kind(), Kind::Configuration);
    assert_eq!(fs::read_to_string(&file).unwrap(), secret);
    let named = make_key(&folder.path().join("b"), "a b").unwrap_err();
    assert_eq!(named.kind(), Kind::Usage);
}

#[test]
fn keys_of_logs_come_as_text_as_a_file_or_as_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = log(0, 0, "a").key();
    fs::write(at("one.vkey"), format!("{text}\n")).unwrap();
    fs::write(at("two.vkey"), SmallLog::new("two", 3).key()).unwrap();
    fs::write(at("notes.txt"), "no key").unwrap();
    let origins = |given: &str| -> Vec<String> {
        let mut origins: Vec<String> = log_keys(given)
            .unwrap()
            .iter()
            .map(|key| key.origin().to_owned())
            .collect();
        origins.sort();
        origins
    };
    assert_eq!(origins(&text), [ORIGIN]);
    assert_eq!(origins(at("one.vkey").to_str().unwrap()), [ORIGIN]);
    let all = origins(folder.path().to_str().unwrap());
    assert_eq!(all, ["two", ORIGIN]);
    for wrong in ["a+b+c", "none", at("notes.txt").to_str().unwrap()] {
        let failure = log_keys(wrong).err().unwrap();
        assert_eq!(failure.kind(), Kind::Configuration, "{wrong}");
    }
}

#[test]
fn the_key_of_another_log_of_this_name_is_noticed_at_the_start() {
    let world = World::new();
    assert_eq!(
        world
            .service()
            .add_checkpoint(&body(&log(9, 9, "same"), 0, 9))
            .status,
        200
    );
    let other = LogKey::parse(&SmallLog::new(ORIGIN, 2).key()).unwrap();
    let witness = Witness::new(world.key(), vec![other]);
    let store = Store::open(&world.state()).unwrap();
    let service = Service::new(witness, store, Clock::start());
    let failure = service.check(&[ORIGIN.to_owned()]).unwrap_err();
    assert!(failure.next().contains("forget"), "{failure}");
}
