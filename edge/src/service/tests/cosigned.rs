//! A journal that is shorter than what its witness has cosigned.

use interlock_broker::witness::{
    AddCheckpoint, LogKey, SignedCheckpoint, SmallLog, Verdict, Witness, WitnessKey, to_body,
};
use interlock_protocols::record::Ahead;

use super::*;

struct Rig {
    folder: Folder,
    clock: Clock,
}

impl Rig {
    fn new(name: &str) -> Rig {
        let (folder, clock) = (Folder::new(name), Clock::start());
        crate::init::init(&folder.0, clock.now()).unwrap();
        edit(&folder.0.join("edge.toml"), |edge| {
            edge.replacen("127.0.0.1:4802", "127.0.0.1:0", 1).replacen(
                "127.0.0.1:4803",
                "127.0.0.1:0",
                1,
            )
        });
        Rig { folder, clock }
    }

    async fn boot(&self, memory: &Memory) -> Running {
        let site = Site::load(&self.folder.0).unwrap();
        start(site, memory.storage(), self.clock, None)
            .await
            .unwrap()
    }
}

fn claims(running: &Running, of: &str) -> Vec<Ahead> {
    let mut open = running.edge.outlook().beyond().open();
    open.retain(|ahead| ahead.what == of);
    open
}

/// A cosigned checkpoint of so many records, as it is kept beside the journal.
fn cosigned(key: WitnessKey, records: u64) -> Vec<u8> {
    let mut log = SmallLog::new("waterworks/gateway/gateway-1", 1);
    log.grow(records, "record").unwrap();
    let note = log.checkpoint(records).unwrap();
    let checkpoint = SignedCheckpoint::parse(note.as_ref()).unwrap();
    let asked = AddCheckpoint::parse(&to_body(0, &[], &checkpoint)).unwrap();
    let witness = Witness::new(key, vec![LogKey::parse(&log.key()).unwrap()]);
    let Verdict::Cosign(cosigned) = witness.judge(None, &asked, 1_700_000_000_000) else {
        panic!("not cosigned");
    };
    let mut kept = Vec::new();
    cosigned
        .stored(|seen| {
            kept = seen.to_bytes();
            Ok(())
        })
        .unwrap();
    kept
}

/// Before any session can be opened, and whether or not anything was signed since.
#[tokio::test]
async fn what_the_witness_cosigned_is_compared_before_anybody_is_let_in() {
    let rig = Rig::new("cosigned");
    let key = WitnessKey::generate("w").unwrap();
    let public = key.public().text();
    edit(&rig.folder.0.join("edge.toml"), |edge| {
        format!("{edge}\n[witness]\naddress = \"127.0.0.1:9\"\nkey = \"{public}\"\n")
    });
    std::fs::create_dir_all(rig.folder.0.join("journal")).unwrap();
    let kept = cosigned(key, 1000);
    std::fs::write(rig.folder.0.join("journal/cosigned"), kept).unwrap();
    let running = rig.boot(&Memory::new()).await;
    let known = claims(&running, "witness");
    assert_eq!(known.first().map(|ahead| ahead.through), Some(1000));
    assert!(running.edge.broker().journal().held().is_some());
    running.stop().await;
}
