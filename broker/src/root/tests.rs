use std::path::Path;

use interlock_protocols::conduit::WindowLimit;
use interlock_protocols::grant::{self, Draft, Grant, Span, signed as signed_grant};

use super::*;
use crate::clock::{Mono, Now};

const NOW: Now = Now::new(1_795_000_000_000, Mono::at(std::time::Duration::ZERO));
const PLANT: &[u8] = b"site = \"harbour\"\n";

fn secret(site: &str) -> RootSecret {
    RootSecret::generate(site).unwrap()
}

fn text(who: &[(&str, &str)]) -> String {
    let entry = |(subject, key): &(&str, &str)| {
        format!(
            "[[approver]]\nsubject = \"{subject}\"\nname = \"N\"\nsince = \"2026-11-01\"\nkey = \"{key}\"\n"
        )
    };
    who.iter().map(entry).collect()
}

fn key() -> String {
    ApproverKey::generate("ann").unwrap().public_text()
}

fn list(text: &str) -> Result<ApproverList, Vec<String>> {
    read_list(Path::new("approvers.toml"), text, "harbour")
        .map_err(|found| found.iter().map(ToString::to_string).collect())
}

fn good() -> ApproverList {
    let (one, two) = (key(), key());
    list(&text(&[("vendor/acme/bob", &one), ("person/ann", &two)])).unwrap()
}

#[test]
fn what_the_root_signed_is_believed() {
    let root = secret("harbour");
    let pinned = RootKey::parse(&root.public().to_string()).unwrap();
    let again = RootSecret::parse(&root.to_secret_text()).unwrap();
    let plant = again.sign_plant(PLANT, 3).unwrap();
    let believed = pinned.plant(&plant, PLANT).unwrap();
    assert_eq!(believed.serial(), 3);
    let list = root.sign_approvers(&good(), 9, NOW).unwrap();
    let believed = pinned.approvers(&list).unwrap();
    assert_eq!(believed.serial(), 9);
    let approvers = &believed.document().approvers;
    assert_eq!(approvers[0].subject, "spiffe://harbour/person/ann");
    assert_eq!(approvers[1].firm.as_deref(), Some("acme"));
    assert!(!format!("{root:?}").contains("PRIVATE"));
}

#[test]
fn a_document_that_was_altered_anywhere_is_refused() {
    let root = secret("harbour");
    let signed = root.sign_approvers(&good(), 1, NOW).unwrap();
    for at in 0..signed.len() {
        let mut altered = signed.clone();
        altered[at] ^= 1;
        assert!(root.public().approvers(&altered).is_err(), "byte {at}");
    }
    assert!(root.public().approvers(&signed).is_ok());
}

#[test]
fn each_refusal_says_what_is_wrong_and_what_to_do() {
    let (root, other) = (secret("harbour"), secret("harbour"));
    let pinned = root.public();
    let plant = root.sign_plant(PLANT, 1).unwrap();
    let refused = |bytes: &[u8], plant: &[u8]| pinned.plant(bytes, plant).unwrap_err();
    assert_eq!(refused(&plant, b"edited"), NotTrusted::OtherPlant);
    let foreign = other.sign_plant(PLANT, 1).unwrap();
    assert_eq!(refused(&foreign, PLANT), NotTrusted::BadSignature);
    let list = root.sign_approvers(&good(), 1, NOW).unwrap();
    assert_eq!(
        refused(&list, PLANT),
        NotTrusted::OtherKind(Kind::Approvers)
    );
    assert!(matches!(
        refused(b"plant", PLANT),
        NotTrusted::NotADocument(_)
    ));
    // The same key, were it ever pinned for two sites.
    let renamed = root.to_secret_text();
    let moved = crate::journal::tree::JournalKey::parse(&renamed).unwrap();
    let body = PlantBundle {
        digest: sha256(PLANT),
    };
    let mut bytes =
        interlock_protocols::root::unsigned(Kind::Plant, "quay", 1, &body.encode()).unwrap();
    let signature = moved.sign(&bytes);
    bytes.extend_from_slice(&signature);
    assert_eq!(refused(&bytes, PLANT), NotTrusted::OtherSite("quay".into()));
    for refusal in [
        NotTrusted::OtherPlant,
        NotTrusted::Twice(2),
        NotTrusted::Older { serial: 1, last: 2 },
    ] {
        assert!(!refusal.next().is_empty() && !refusal.to_string().is_empty());
    }
}

#[test]
fn only_a_later_one_follows() {
    let root = secret("harbour");
    let signed = |serial| {
        let bytes = root.sign_plant(PLANT, serial).unwrap();
        root.public().plant(&bytes, PLANT).unwrap()
    };
    let last = TakenUp {
        serial: 2,
        digest: *signed(2).digest(),
    };
    assert_eq!(signed(1).may_follow(None), Ok(()));
    let older = NotTrusted::Older { serial: 1, last: 2 };
    assert_eq!(signed(1).may_follow(Some(&last)), Err(older));
    assert_eq!(signed(2).may_follow(Some(&last)), Ok(()));
    assert!(!signed(2).is_new(Some(&last)));
    assert_eq!(signed(3).may_follow(Some(&last)), Ok(()));
    assert!(signed(3).is_new(Some(&last)) && signed(3).is_new(None));
    let twice = TakenUp {
        digest: [0; 32],
        ..last
    };
    assert_eq!(
        signed(2).may_follow(Some(&twice)),
        Err(NotTrusted::Twice(2))
    );
}

#[test]
fn a_list_that_contradicts_itself_is_neither_read_nor_signed() {
    let (one, two) = (key(), key());
    let cases = [
        (
            text(&[("person/ann", &one), ("person/bob", &one)]),
            "same key",
        ),
        (text(&[("person/ann", &one), ("person/ann", &one)]), "twice"),
        (text(&[("workload/scada", &one)]), "only people approve"),
        (text(&[("spiffe://quay/person/ann", &one)]), "another site"),
        (text(&[("person/Ann", &one)]), "approvers.toml"),
        (text(&[("person/ann", "AAAA")]), "interlock approver key"),
        (
            text(&[("vendor/acme/bob", &one)]) + "firm = \"other\"\n",
            "not of the firm",
        ),
        (
            text(&[("person/ann", &one)]).replace("\"N\"", "\"\\u0007\""),
            "1 to 64 bytes",
        ),
        (text(&[("person/ann", &one)]) + "role = \"x\"\n", "role"),
    ];
    for (text, why) in cases {
        let found = list(&text).unwrap_err().join("\n");
        assert!(found.contains(why), "{why}: {found}");
    }
    // Two keys of one person are two entries.
    assert!(list(&text(&[("person/ann", &one), ("person/ann", &two)])).is_ok());
    assert_eq!(list("").unwrap(), ApproverList::default());
    let mut unsorted = good();
    unsorted.approvers.reverse();
    let root = secret("harbour");
    assert!(root.sign_approvers(&unsorted, 1, NOW).is_err());
    assert!(secret("quay").sign_approvers(&good(), 1, NOW).is_err());
}

#[test]
fn a_key_of_something_else_is_no_root() {
    assert!(RootSecret::generate("Harbour").is_err());
    assert!(RootKey::parse(&key()).is_err());
    assert!(RootKey::parse("harbour/root").is_err());
    let root = secret("harbour").public().to_string();
    let typed = root.replace("harbour", "harbor");
    assert!(
        RootKey::parse(&typed).is_err(),
        "the checksum has the name in it"
    );
    assert!(list(&text(&[("person/ann", &root)])).is_err());
}

#[test]
fn an_approver_says_since_when_and_never_from_the_future() {
    let entry = |since: &str| {
        let list = text(&[("person/ann", &key())]);
        list.replace("since = \"2026-11-01\"", since)
    };
    let since = |text: &str| list(&entry(text)).unwrap().approvers[0].since_ms;
    assert_eq!(since("since = \"2026-11-01\""), 1_793_491_200_000);
    let noon = "since = \"2026-11-01T13:00:00+01:00\"";
    assert_eq!(since(noon), 1_793_491_200_000 + 12 * 3_600_000);
    for (wrong, why) in [
        ("", "`since` is missing"),
        ("since = \"soon\"", "that is no time"),
        ("since = \"2026-11-31\"", "2026-11-01T08:30:00Z"),
        ("since = \"2026-11-01 08:30\"", "that is no time"),
        ("since = \"1969-12-31\"", "before 1970"),
        ("since = 20261101", "text in quotes"),
    ] {
        let found = list(&entry(wrong)).unwrap_err().join("\n");
        assert!(found.contains(why), "{wrong}: {found}");
    }
    let root = secret("harbour");
    let mut approvers = list(&entry(noon)).unwrap();
    approvers.approvers[0].since_ms = NOW.wall_ms();
    assert!(root.sign_approvers(&approvers, 1, NOW).is_ok());
    approvers.approvers[0].since_ms += 1;
    let refused = root.sign_approvers(&approvers, 1, NOW).unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("2026-11-18T11:06:40.001Z"), "{text}");
    assert!(text.contains("midnight UTC"), "{text}");
}

const SHOP: &str = r#"site = "harbour"
addressing = "pdu"
[[zone]]
name = "hall"
[[device]]
name = "press"
zone = "hall"
peer = "direct"
address = "192.0.2.14:502"
local_address = "127.77.0.11:1502"
[[device.point]]
name = "speed"
table = "holding"
address = 100
type = "u16"
access = "read-write"
min = 0
max = 800
[[device.point]]
name = "running"
table = "coil"
address = 3
access = "read-write"
"#;

fn seal(change: impl FnOnce(&mut Sealing<'_>)) -> (RootSecret, Result<Vec<u8>, NotSealed>) {
    let plant = crate::plant::Plant::parse(Path::new("plant.toml"), SHOP).unwrap();
    let (points, limits) = (
        ["speed".to_owned(), "running".to_owned()],
        [WindowLimit {
            point: "speed".to_owned(),
            min: 0.0,
            max: 500.0,
        }],
    );
    let mut asked = Sealing {
        plant: (&plant, SHOP.as_bytes()),
        gateway: "gw-1",
        device: "press",
        points: &points,
        functions: &[6, 5],
        limits: &limits,
        max_writes: 10,
        open_s: 3_600,
        span: Span {
            start_ms: NOW.wall_ms().try_into().unwrap(),
            length_s: 86_400,
        },
    };
    change(&mut asked);
    let root = secret("harbour");
    let sealed = root.seal(&asked, NOW);
    (root, sealed)
}

#[test]
fn what_the_root_sealed_says_what_it_was_asked_and_nothing_else_is_believed() {
    let (root, sealed) = seal(|_| ());
    let bytes = sealed.unwrap();
    let sealed = root.public().sealed(&bytes).unwrap();
    assert_eq!(sealed.bytes(), bytes);
    let grant = sealed.grant().unwrap();
    assert_eq!((grant.gateway, grant.device), ("gw-1", "press"));
    assert_eq!(*grant.plant, sha256(SHOP.as_bytes()));
    let ranges = grant.points().map(|it| (it.raw_min, it.raw_max));
    assert_eq!(ranges.collect::<Vec<_>>(), [(0, 1), (0, 500)]);
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(root.public().sealed(&altered).is_err(), "byte {at}");
    }
    let other = secret("harbour");
    let refused = |root: &RootSecret, bytes: &[u8]| root.public().sealed(bytes).unwrap_err();
    assert_eq!(refused(&other, &bytes), NotTrusted::BadSignature);
    // Nobody's signature, and one too many zeros.
    let unsigned = [grant.body, &[0]].concat();
    assert_eq!(refused(&root, &unsigned), NotTrusted::BadSignature);
    assert!(matches!(
        refused(&root, &root.sign_plant(PLANT, 1).unwrap()),
        NotTrusted::NotAGrant(_)
    ));
    // The signature of a document is none of a grant, nor the other way round.
    assert!(root.public().approvers(&bytes).is_err());
    // The same key, were it ever pinned for another site.
    let text = root.to_secret_text();
    let key = crate::journal::tree::JournalKey::parse(&text).unwrap();
    let elsewhere = Draft {
        site: "quay".into(),
        ..Draft::of(&grant)
    };
    let elsewhere = elsewhere.encode().unwrap();
    let elsewhere = Grant::read_unsigned(&elsewhere).unwrap();
    let signature = key.sign(elsewhere.body);
    let elsewhere = signed_grant(&elsewhere, &[([0; 32], signature)]).unwrap();
    assert_eq!(
        refused(&root, &elsewhere),
        NotTrusted::OtherSite("quay".into())
    );
    // A window that the root alone signed is no window, and nothing sealed.
    let window = Draft {
        kind: grant::Kind::Window,
        quorum: 1,
        holder: "spiffe://harbour/person/ann".into(),
        open_s: 0,
        approvers: vec![[1; 32]],
        ..Draft::of(&grant)
    };
    let window = window.encode().unwrap();
    let window = Grant::read_unsigned(&window).unwrap();
    let signature = key.sign(window.body);
    let window = signed_grant(&window, &[([1; 32], signature)]).unwrap();
    assert!(matches!(refused(&root, &window), NotTrusted::NotAGrant(_)));
    assert!(!refused(&root, &window).next().is_empty());
}

#[test]
fn nothing_is_sealed_that_could_not_be_opened() {
    let refused = |change: fn(&mut Sealing<'_>)| seal(change).1.unwrap_err();
    let no = |wrong: NotSealed, words: &str| {
        let text = wrong.to_string();
        assert!(text.contains(words), "{text}");
    };
    no(refused(|it| it.gateway = "GW 1"), "no name of a gateway");
    no(refused(|it| it.device = "pump"), "no device `pump`");
    no(refused(|it| it.open_s = 0), "24 hours");
    no(refused(|it| it.open_s = 86_401), "24 hours");
    no(refused(|it| it.span.length_s = 0), "732 days");
    no(refused(|it| it.span.length_s = u32::MAX), "732 days");
    no(refused(|it| it.span.start_ms -= 86_400_000), "over already");
    no(refused(|it| it.max_writes = 0), "--max-writes");
    no(refused(|it| it.functions = &[3, 1]), "for no function");
    no(refused(|it| it.functions = &[8]), "not for points");
    let (_, sealed) = seal(|it| it.limits = &[]);
    let bytes = sealed.unwrap();
    let whole = Grant::read(&bytes).unwrap().points().nth(1).unwrap();
    assert_eq!((whole.raw_min, whole.raw_max), (0, 800));
}

#[test]
fn an_approvers_key_comes_back_from_its_text_and_signs_as_before() {
    let made = ApproverKey::generate("person/emil").unwrap();
    let again = ApproverKey::parse(&made.to_secret_text()).unwrap();
    assert_eq!(again.public(), made.public());
    let signature = again.sign(b"body");
    assert!(is_signed_by_approver(&made.public(), b"body", &signature));
    assert!(!is_signed_by_approver(&made.public(), b"bodx", &signature));
    assert_eq!(
        super::key::approver_key(&made.public_text()),
        Ok(made.public())
    );
    let root = RootSecret::generate("harbour").unwrap().to_secret_text();
    let other = ApproverKey::parse(&root).unwrap_err();
    assert_eq!(other, NotAnApprover::OtherName("harbour/root".into()));
    assert!(matches!(
        ApproverKey::parse("x"),
        Err(NotAnApprover::NotAKey(_))
    ));
}
