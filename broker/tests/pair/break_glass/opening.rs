//! What opens break-glass: the root's own seal, for this gateway and plant, in its time, once, with
//! the key turned.

use super::*;
use interlock_broker::root::NotTrusted;
use interlock_protocols::record::{Measure, Scope};

#[tokio::test]
async fn it_opens_behind_its_record_and_everybody_is_told() {
    let case = Case::new();
    let (victor, olga) = (case.victor(), case.world.session("person/olga"));
    let sealed = case.sealed();
    let broken = broken(&victor, &sealed, noon()).await.unwrap();
    assert_eq!(broken.device, "press-4");
    assert_eq!(broken.points, ["speed_setpoint"]);
    assert_eq!((broken.left_s, broken.most), (7_200, MOST));
    for session in [&victor, &olga, &case.world.session("person/adam")] {
        let told = session.announcements();
        assert_eq!(told.len(), 1, "{told:?}");
        let all = [VICTOR, "press-4", WHY, "2 hours", "BREAK-GLASS"];
        assert!(all.iter().all(|part| told[0].contains(part)), "{told:?}");
        assert!(session.announcements().is_empty());
    }
    let records = case.records();
    let [(number, opened)] = &opened(&records)[..] else {
        panic!("one record of its opening");
    };
    assert_eq!(*number, broken.record);
    assert_eq!(
        (&opened.by[..], &opened.reason[..]),
        ("spiffe://waterworks/vendor/acme/victor", WHY)
    );
    assert_eq!(opened.grant, sealed);
    assert_eq!(opened.points, ["speed_setpoint"]);
}

#[tokio::test]
async fn nothing_opens_it_without_the_switch() {
    let case = Case::without_switch();
    let (victor, sealed) = (case.victor(), case.sealed());
    assert_eq!(
        why(broken(&victor, &sealed, noon()).await),
        NotBroken::NoSwitch
    );
    // Told of, and never fitted: nobody configured it.
    case.turn(true, noon());
    assert_eq!(
        why(broken(&victor, &sealed, noon()).await),
        NotBroken::NoSwitch
    );
    case.world.broker.fit_key_switch();
    case.turn(false, noon());
    assert_eq!(
        why(broken(&victor, &sealed, noon()).await),
        NotBroken::SwitchOff
    );
    // Whatever reads it has hung since.
    case.turn(true, noon());
    let later = at(Duration::from_millis(1_001));
    assert_eq!(
        why(broken(&victor, &sealed, later).await),
        NotBroken::SwitchOff
    );
    case.turn(true, later);
    assert!(broken(&victor, &sealed, later).await.is_ok());
    let codes = denials(&case.records());
    assert_eq!(
        codes,
        [
            "glass-no-switch",
            "glass-no-switch",
            "glass-switch-off",
            "glass-switch-off"
        ]
    );
}

#[tokio::test]
async fn nothing_opens_it_but_what_the_root_sealed_for_here_and_now() {
    let case = Case::new();
    let victor = case.victor();
    let sealed = case.sealed();
    let trusted = |why: NotBroken| match why {
        NotBroken::NotTrusted(why) => why,
        other => panic!("{other:?}"),
    };
    // Altered in each of its bytes; most of them are no grant at all then.
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        let refusal = victor.break_glass(&altered, WHY, noon()).err().unwrap();
        assert!(
            matches!(
                refusal.reason(),
                Reason::BreakGlass(NotBroken::NotTrusted(_))
            ),
            "byte {at}"
        );
    }
    let other = RootSecret::generate("waterworks").unwrap();
    let foreign = case.sealed_by(&other, &case.plant, |_| ());
    assert_eq!(
        trusted(why(broken(&victor, &foreign, noon()).await)),
        NotTrusted::BadSignature
    );
    let quay = RootSecret::generate("quay").unwrap();
    let text = case
        .plant
        .replace("site = \"waterworks\"", "site = \"quay\"");
    let elsewhere = case.sealed_by(&quay, &text, |_| ());
    assert_eq!(
        trusted(why(broken(&victor, &elsewhere, noon()).await)),
        NotTrusted::BadSignature
    );
    let gateway = case.sealed_with(|it| it.gateway = "gateway-2");
    let refused = why(broken(&victor, &gateway, noon()).await);
    assert_eq!(refused, NotBroken::OtherGateway("gateway-2".into()));
    let edited = format!("{}\n# edited\n", case.plant);
    let plant = case.sealed_by(&case.root, &edited, |_| ());
    assert_eq!(
        why(broken(&victor, &plant, noon()).await),
        NotBroken::OtherPlant
    );
    let early = at(Duration::from_secs(1));
    let later = case.sealed_with(|it| it.span.start_ms = (early.wall_ms() + 1).try_into().unwrap());
    case.turn(true, early);
    assert_eq!(why(broken(&victor, &later, early).await), NotBroken::NotYet);
    let over = case.sealed_with(|it| it.span.length_s = 3_601);
    assert_eq!(why(broken(&victor, &over, early).await), NotBroken::Over);
    for reason in ["", "  ", "a\nb", &"x".repeat(2_000)] {
        let refusal = victor.break_glass(&sealed, reason, early).err().unwrap();
        assert!(matches!(
            refusal.reason(),
            Reason::BreakGlass(NotBroken::NoReason)
        ));
    }
    assert!(opened(&case.records()).is_empty());
}

#[tokio::test]
async fn whoever_may_not_act_opens_nothing() {
    let case = Case::new();
    let sealed = case.sealed();
    let victor = case.victor();
    let refused = victor
        .break_glass(&sealed, WHY, noon().in_doubt())
        .err()
        .unwrap();
    assert_eq!(refused.reason().code(), "clock-doubted");
    let adam = case.world.session("person/adam");
    let downgrade = adam.restrict(Measure::Downgrade, Scope::Session(victor.id()), "x", noon());
    let mut taken = downgrade.unwrap();
    taken.recorded().await;
    let _acknowledged = taken.acknowledge();
    let refused = victor.break_glass(&sealed, WHY, noon()).err().unwrap();
    assert_eq!(refused.reason().code(), "downgraded");
    let subject = Scope::Subject(format!("spiffe://waterworks/{VICTOR}"));
    let mut taken = adam
        .restrict(Measure::Revoke, subject, "x", noon())
        .unwrap();
    taken.recorded().await;
    let _acknowledged = taken.acknowledge();
    let refused = victor.break_glass(&sealed, WHY, noon()).err().unwrap();
    assert_eq!(refused.reason().code(), "revoked");
    assert!(opened(&case.records()).is_empty());
}

#[tokio::test]
async fn it_opens_once_whoever_brings_it_and_whatever_restarts() {
    let case = Case::new();
    let sealed = case.sealed();
    let (victor, olga) = (case.victor(), case.world.session("person/olga"));
    // Two at once: the second while the first waits for the disk.
    let mut first = victor.break_glass(&sealed, WHY, noon()).unwrap();
    let second = olga.break_glass(&sealed, WHY, noon()).err().unwrap();
    assert_eq!(second.reason().code(), "glass-used");
    first.recorded().await;
    first.open(noon()).unwrap();
    assert_eq!(why(broken(&victor, &sealed, noon()).await), NotBroken::Used);
    case.turn(false, noon());
    case.turn(true, noon());
    assert_eq!(why(broken(&victor, &sealed, noon()).await), NotBroken::Used);
    drop((victor, olga));
    let case = case.restarted();
    assert_eq!(
        why(broken(&case.victor(), &sealed, noon()).await),
        NotBroken::Used
    );
    // Another one is another one.
    assert!(broken(&case.victor(), &case.sealed(), noon()).await.is_ok());
    // And once the records it came from were replaced by those of the register.
    case.world.broker.keep_register(noon()).await.unwrap();
    let case = case.restarted();
    assert_eq!(
        why(broken(&case.victor(), &sealed, noon()).await),
        NotBroken::Used
    );
    assert_eq!(opened(&case.records()).len(), 2);
}

#[tokio::test]
async fn with_a_dead_journal_it_is_not_opened_and_never_behind_anybodys_back() {
    let case = Case::new();
    let (victor, sealed) = (case.victor(), case.sealed());
    case.world.memory.fail_after(0);
    let refused = broken(&victor, &sealed, noon()).await.unwrap_err();
    assert_eq!(refused.reason().code(), "journal-failed");
    assert!(refused.next().contains("local panel"), "{}", refused.next());
    // Known to have failed from here on: not even handed over.
    let refused = broken(&victor, &case.sealed(), noon()).await.unwrap_err();
    assert_eq!(refused.reason().code(), "journal-failed");
    assert!(victor.announcements().is_empty());
    assert!(victor.converse("press-4", true, noon()).is_err());
    // The disk comes back. What was refused is not in the log, and opened nothing.
    case.healed().await;
    case.world.broker.attend_break_glass(noon());
    assert!(victor.converse("press-4", true, noon()).is_err());
    assert!(broken(&victor, &sealed, noon()).await.is_ok());
    let records = case.records();
    assert_eq!((opened(&records).len(), ended(&records).len()), (1, 0));
}

#[tokio::test]
async fn a_disk_that_answers_too_late_opens_nothing() {
    let case = Case::new();
    let (victor, sealed) = (case.victor(), case.sealed());
    let breaking = victor.break_glass(&sealed, WHY, noon()).unwrap();
    // Whoever waits gave up: the record is not on the disk, or nobody knows.
    let refused = breaking.open(noon()).unwrap_err();
    assert_eq!(refused.reason().code(), "journal-failed");
    let other = case.sealed();
    let mut breaking = victor.break_glass(&other, WHY, noon()).unwrap();
    breaking.recorded().await;
    let late = at(Duration::from_millis(5_001));
    case.turn(true, late);
    let refused = breaking.open(late).unwrap_err();
    assert_eq!(refused.reason().code(), "journal-failed");
    // Dropped in the middle.
    let third = case.sealed();
    drop(victor.break_glass(&third, WHY, late).unwrap());
    // The key turned back while the disk was waited for.
    let fourth = case.sealed();
    let mut breaking = victor.break_glass(&fourth, WHY, late).unwrap();
    breaking.recorded().await;
    case.turn(false, late);
    assert_eq!(why(breaking.open(late)), NotBroken::SwitchOff);
    case.turn(true, late);
    assert!(victor.converse("press-4", true, late).is_err());
    assert!(victor.announcements().is_empty());
    for sealed in [sealed, other, third, fourth] {
        assert_eq!(why(broken(&victor, &sealed, late).await), NotBroken::Used);
    }
    let records = case.records();
    assert_eq!(ended(&records).len(), 4);
    assert_eq!(opened(&records).len(), 4);
}
