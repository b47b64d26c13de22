//! A journal that cannot be read to its end.

use interlock_protocols::record::{Measure, Scope};

use super::*;

/// I8: that the journal cannot be read gives nobody back what he had lost.
#[tokio::test]
async fn a_damaged_journal_brings_no_earlier_policy_back() {
    let folder = Folder::new("rollback");
    let clock = Clock::start();
    crate::init::init(&folder.0, clock.now()).unwrap();
    edit(&folder.0.join("edge.toml"), |edge| {
        edge.replacen("127.0.0.1:4802", "127.0.0.1:0", 1).replacen(
            "127.0.0.1:4803",
            "127.0.0.1:0",
            1,
        )
    });
    let issuer = Site::load(&folder.0).unwrap().keys.issuer.open().unwrap();
    let who = |running: &Running, name: &str| session(running, &issuer, name, clock);
    let boot = || async {
        let site = Site::load(&folder.0).unwrap();
        let storage = storage(&site).unwrap();
        start(site, storage, clock, None).await.unwrap()
    };
    let running = boot().await;
    edit(&folder.0.join("policy/groups.toml"), |groups| {
        groups.replace(r#"operators = ["person/olga"]"#, "operators = []")
    });
    std::fs::remove_dir_all(folder.0.join("policy/tests")).unwrap();
    let paula = who(&running, "person/paula");
    running.edge.activate_policy(&paula).await.unwrap();
    let in_force = *running.edge.broker().policy().digest();
    drop(paula);
    running.stop().await;
    // One bit of the record of that activation.
    let segment = folder.0.join("journal/000000000001.segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.windows(32).rposition(|text| text == in_force);
    bytes[at.unwrap()] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let running = boot().await;
    let olga = who(&running, "person/olga");
    assert!(olga.converse("press-4", false, clock.now()).is_err());
    let emil = who(&running, "person/emil");
    assert!(emil.converse("press-4", false, clock.now()).is_ok());
}

/// Who was revoked stays so, though neither the journal nor the file beside it can be read to its end.
#[tokio::test]
async fn a_damaged_journal_gives_nobody_back_what_it_still_says_was_taken() {
    let folder = Folder::new("revoked");
    let clock = Clock::start();
    crate::init::init(&folder.0, clock.now()).unwrap();
    edit(&folder.0.join("edge.toml"), |edge| {
        edge.replacen("127.0.0.1:4802", "127.0.0.1:0", 1).replacen(
            "127.0.0.1:4803",
            "127.0.0.1:0",
            1,
        )
    });
    let issuer = Site::load(&folder.0).unwrap().keys.issuer.open().unwrap();
    let boot = || async {
        let site = Site::load(&folder.0).unwrap();
        let storage = storage(&site).unwrap();
        start(site, storage, clock, None).await.unwrap()
    };
    let running = boot().await;
    let adam = session(&running, &issuer, "person/adam", clock);
    let olga = "spiffe://waterworks/person/olga";
    let taken = [
        (
            Measure::Revoke,
            Scope::Subject(olga.to_owned()),
            "laptop lost",
        ),
        (Measure::Freeze, Scope::Site, "here is the damage"),
    ];
    for (measure, scope, why) in taken {
        let mut taken = adam.restrict(measure, scope, why, clock.now()).unwrap();
        taken.recorded().await;
        assert!(taken.acknowledge().durable);
    }
    drop(adam);
    running.stop().await;
    let segment = folder.0.join("journal/000000000001.segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes
        .windows(18)
        .rposition(|text| text == b"here is the damage");
    bytes[at.unwrap()] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    std::fs::remove_file(Site::load(&folder.0).unwrap().register()).unwrap();
    let running = boot().await;
    let register = running.edge.broker().register();
    let olga = SubjectId::parse(olga).unwrap();
    assert!(register.restraints.revoked(&olga, None, None).is_some());
}
