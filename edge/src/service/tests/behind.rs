//! A journal that is behind what its own view knows.

use interlock_broker::mediation::Session;
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
            edge.replacen("127.0.0.1:4802", "127.0.0.1:0", 1)
        });
        Rig { folder, clock }
    }

    async fn boot(&self, memory: &Memory) -> Running {
        let site = Site::load(&self.folder.0).unwrap();
        start(site, memory.storage(), self.clock).await.unwrap()
    }

    fn session(&self, running: &Running, who: &str) -> Session {
        let issuer = Authority::open(&Site::load(&self.folder.0).unwrap().keys.issuer).unwrap();
        let subject = SubjectId::parse_at("waterworks", who).unwrap();
        let issued = issuer.issue_client(&subject, 1, self.clock.now()).unwrap();
        let der = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
        let identity = Identity::of_certificate(&der, "waterworks").unwrap();
        let broker = running.edge.broker();
        let peer = "192.0.2.7:5000";
        broker
            .open_session(&identity, peer, Transport::Quic, self.clock.now())
            .unwrap()
    }
}

fn claims(running: &Running, of: &str) -> Vec<Ahead> {
    let mut open = running.edge.outlook().beyond().open();
    open.retain(|ahead| ahead.what == of);
    open
}

#[tokio::test]
async fn what_only_the_view_remembers_is_remembered_over_a_restart() {
    let rig = Rig::new("behind");
    let memory = Memory::new();
    rig.boot(&memory).await.stop().await;
    let early = memory.contents(1);
    let running = rig.boot(&memory).await;
    let last = running.edge.broker().journal().durable();
    while running.keeping.view().applied() < *last.borrow() || *last.borrow() < 5 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.stop().await;
    // Nobody else is to remember.
    let _none = std::fs::remove_file(rig.folder.0.join("journal/checkpoint"));

    let memory = Memory::holding([(1, early)]);
    let running = rig.boot(&memory).await;
    let known = claims(&running, "view");
    assert_eq!(known.len(), 1);
    assert!(running.edge.broker().journal().held().is_some());
    running.stop().await;

    // Nobody has accepted anything.
    let running = rig.boot(&memory).await;
    assert_eq!(claims(&running, "view"), known);
    let adam = rig.session(&running, "person/adam");
    let accepted = running
        .edge
        .outlook()
        .accept(&adam, "the disk was replaced");
    accepted.await.unwrap();
    assert_eq!(running.edge.broker().journal().held(), None);
    drop(adam);
    running.stop().await;

    let running = rig.boot(&memory).await;
    assert_eq!(claims(&running, "view"), []);
    assert_eq!(running.edge.broker().journal().held(), None);
    running.stop().await;
}
