//! How sessions end by themselves, and what is known of the authority behind them.

use std::time::Duration;

use interlock_broker::authority::{Bindings, DeviceBinding, Freshness, Listener, TrustedAuthority};
use interlock_broker::clock::Now;
use interlock_broker::mediation::{Arrival, Session, SessionTimes};
use interlock_broker::policy::Transport;
use interlock_broker::posture::believe;
use interlock_broker::proof;
use interlock_broker::subject::SubjectKind;
use interlock_protocols::conduit::JournalQuery;
use interlock_protocols::record::Event;

use crate::world::{NOON_MS, READ_SPEED, WRITE_SPEED, World, adu, ask, noon, terms};

fn later(minutes: u64) -> Now {
    noon().after(Duration::from_secs(minutes * 60))
}

fn limited(idle_minutes: u64, most_minutes: u64) -> World {
    let world = World::new();
    world.broker.limit_sessions(SessionTimes {
        idle: Duration::from_secs(idle_minutes * 60),
        most: Duration::from_secs(most_minutes * 60),
    });
    world
}

fn code(session: &Session, now: Now) -> Option<&'static str> {
    session.tick(now).err().map(|end| end.reason().code())
}

#[tokio::test]
async fn a_session_without_commands_ends_and_one_with_them_goes_on() {
    let world = limited(30, 600);
    let (idle, used) = (world.session("person/emil"), world.session("person/olga"));
    let mut talk = used.converse("press-4", false, noon()).unwrap();
    let read = talk.authorize(adu(1, 1, &READ_SPEED), later(20)).await;
    assert!(read.is_ok(), "{read:?}");
    assert!(idle.warning(later(28)).is_none());
    let warning = idle.warning(later(29)).unwrap();
    assert!(
        warning.text.contains("unless a command comes"),
        "{warning:?}"
    );
    assert_eq!(code(&idle, later(30)), Some("session-idle"));
    assert!(idle.converse("press-4", false, later(30)).is_err());
    assert_eq!(code(&used, later(49)), None);
    assert_eq!(code(&used, later(50)), Some("session-idle"));
}

#[tokio::test]
async fn following_the_journal_is_no_use_of_a_session() {
    let world = limited(30, 600);
    let session = world.session("person/aida");
    let all = JournalQuery::default();
    session.read_journal(&all, later(5)).unwrap();
    for minutes in 6..35 {
        session.goes_on_reading(later(minutes)).unwrap();
    }
    assert!(session.goes_on_reading(later(35)).is_err());
    assert_eq!(code(&session, later(35)), Some("session-idle"));
}

#[tokio::test]
async fn the_longest_session_is_over_though_it_is_in_use() {
    let world = limited(30, 20);
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", false, noon()).unwrap();
    let before = talk.authorize(adu(1, 1, &READ_SPEED), later(19)).await;
    assert!(before.is_ok(), "{before:?}");
    let after = talk.authorize(adu(2, 1, &READ_SPEED), later(20)).await;
    assert_eq!(after.unwrap_err().reason().code(), "session-too-long");
    let refusal = session.tick(later(20)).unwrap_err();
    session.end(&refusal.reason().what(), later(20));
    let records = world.records();
    let ended = records.iter().find_map(|record| match &record.event {
        Event::SessionEnded(ended) => Some(ended.reason.clone()),
        _ => None,
    });
    assert_eq!(ended.unwrap(), "this session has lasted as long as one may");
}

#[test]
fn the_owner_is_warned_three_times_before_the_certificate_ends() {
    let world = limited(600, 600);
    let session = world.session("person/olga");
    let mut warned = Vec::new();
    for second in 0..3_600 {
        let now = noon().after(Duration::from_secs(second));
        assert_eq!(code(&session, now), None, "{second}");
        if let Some(warning) = session.warning(now) {
            assert_eq!(warning.ends_ms, NOON_MS + 3_600_000);
            warned.push(3_600 - second);
        }
    }
    assert_eq!(warned, [900, 300, 60]);
    assert_eq!(code(&session, later(60)), Some("certificate-expired"));
}

/// `world.session` through an authority whose freshness the test holds in its hand.
fn by(world: &World, who: &str, freshness: &Freshness) -> Session {
    let identity = world.identity(who);
    let report = world.healthy(noon());
    let proven = world.proven(&identity, Some(&report));
    let arrival = Arrival {
        posture: Some(believe(&report, &proven, &terms(), noon()).unwrap()),
        proven,
        authority: "spire",
        freshness,
        peer: "192.0.2.7:5000",
        transport: Transport::Quic,
    };
    world.broker.open_session(arrival, noon()).unwrap()
}

#[tokio::test]
async fn a_program_without_a_machine_comes_in_only_where_its_authority_may_say_so() {
    let world = World::new();
    let vouched = |without_device, device| {
        let bindings = Bindings {
            listeners: vec![Listener::Quic],
            kinds: vec![SubjectKind::Workload],
            paths: vec!["workload/".to_owned()],
            device,
            without_device,
        };
        let spire = TrustedAuthority::external("spire", bindings);
        let identity = world.identity("workload/historian");
        spire.vouch(identity, Listener::Quic).unwrap()
    };
    assert!(proof::excused(&vouched(false, DeviceBinding::None)).is_err());
    // Whose certificate names a machine has to prove it.
    assert!(proof::excused(&vouched(true, DeviceBinding::Subject)).is_err());
    let verified = vouched(true, DeviceBinding::None);
    let proven = proof::excused(&verified).unwrap();
    assert_eq!((proven.device_key(), proven.protection()), (None, None));
    let arrival = Arrival {
        proven,
        authority: verified.authority(),
        freshness: verified.freshness(),
        peer: "192.0.2.7:5000",
        transport: Transport::Quic,
        posture: None,
    };
    let session = world.broker.open_session(arrival, noon()).unwrap();
    assert_eq!(session.device_key(), None);
    drop(session);
    let opened = world
        .records()
        .into_iter()
        .find_map(|record| match record.event {
            Event::SessionOpened(opened) => Some(opened),
            _ => None,
        });
    let opened = opened.unwrap();
    assert_eq!(opened.authority.as_deref(), Some("spire"));
    assert_eq!((opened.device_key, opened.device_protection), (None, None));
}

/// A rule like the sample's for vendors, for somebody who may write at all, and what it stands
/// before.
const STALE: &str = "@id(\"stale\")\nforbid (principal, action in Interlock::Action::\"write\", \
                     resource) when { context.trust == \"stale\" };\n\n";
const FIRST: &str = "@id(\"no-programming\")";

#[tokio::test]
async fn the_very_next_decision_knows_that_trust_is_stale_and_that_it_is_fresh_again() {
    let world = World::with_policy(&[("guards.cedar", FIRST, &format!("{STALE}{FIRST}"))]);
    let freshness = Freshness::default();
    let session = by(&world, "person/olga", &freshness);
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    assert!(ask(&mut talk, 1, &WRITE_SPEED).await.is_ok());
    freshness.until(NOON_MS);
    let refused = ask(&mut talk, 2, &WRITE_SPEED).await.unwrap_err();
    assert_eq!(refused.policies(), ["guards.cedar/stale"]);
    assert!(ask(&mut talk, 3, &READ_SPEED).await.is_ok());
    freshness.until(NOON_MS + 1);
    assert!(ask(&mut talk, 4, &WRITE_SPEED).await.is_ok());
}
