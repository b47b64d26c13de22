//! Statements of management servers about machines, shown again by machines that had better not.

use interlock_broker::posture::{ManagementSecret, Terms};
use interlock_protocols::identity::{Posture, PostureReport};

use crate::world::{WRITE_SPEED, World, ask, noon, terms};

#[tokio::test]
async fn a_better_statement_of_before_is_not_believed_in_another_session() {
    let world = World::new();
    let server = ManagementSecret::generate("mdm-1").unwrap();
    let terms = Terms {
        management: vec![server.public()],
        ..terms()
    };
    let own = Posture::decode(&world.healthy(noon()).statement).unwrap();
    let said = |age_ms: i64, disk_encrypted: bool| {
        server.sign(&Posture {
            taken_ms: noon().wall_ms() - age_ms,
            disk_encrypted: Some(disk_encrypted),
            ..own.clone()
        })
    };
    let writes = async |report: &PostureReport| {
        let session = world.session_reporting("person/olga", report, &terms, noon());
        let session = session.unwrap();
        let mut talk = session.converse("press-4", true, noon()).unwrap();
        ask(&mut talk, 1, &WRITE_SPEED).await.is_ok()
    };
    let (good, bad, mended) = (said(3_600_000, true), said(1_800_000, false), said(0, true));
    assert!(writes(&good).await, "one statement serves many sessions");
    assert!(writes(&good).await);
    assert!(!writes(&bad).await);
    assert!(!writes(&good).await, "it is not so any more");
    assert!(writes(&mended).await);
}
