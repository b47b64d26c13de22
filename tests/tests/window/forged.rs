//! Root on the gateway: every key and file of it, and a journal that it may write what it likes
//! into. None of it makes a grant that verifies.

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use interlock_broker::journal::tree::JournalKey;
use interlock_broker::journal::{Directory, Journal, Options};
use interlock_broker::proof::sha256;
use interlock_protocols::grant::{Draft, Grant, Span};
use interlock_protocols::record::{Event, WindowApproved, WindowRequested};
use interlock_tests::harness::{ADAM, ARNO, BEA, HANA, PRESS, VERA, VICTOR, Works};

use crate::{ask, assert_passes, assert_refused, grant_key, row, speed, tool};
use interlock_protocols::conduit::Ask;

/// A signature, and the key that it claims.
type Signed = ([u8; 32], [u8; 64]);

/// The journal of a gateway that is off, in the hands of somebody else.
struct Forger {
    journal: Journal,
    now_ms: i64,
    made: Vec<(String, u64)>,
}

impl Forger {
    fn at(works: &Works) -> Forger {
        let folder = works.gateway.site().join("journal");
        let storage = Box::new(Directory::open(&folder).unwrap());
        let options = Options {
            segment_bytes: 1 << 20,
            ..Options::default()
        };
        let now_ms = works.gateway.now().wall_ms();
        let (journal, _) = Journal::open(storage, options, now_ms).unwrap();
        Forger {
            journal,
            now_ms,
            made: Vec::new(),
        }
    }

    fn write(&self, event: Event) -> u64 {
        self.journal.append(self.now_ms, event).unwrap()
    }

    /// A window that was asked for by victor and approved by arno and bea, if one believes it.
    fn window(&mut self, what: &str, grant: &[u8], signed: &[Signed]) -> u64 {
        let window = self.write(Event::WindowRequested(WindowRequested {
            session: 1,
            by: spiffe(VICTOR),
            grant: grant.to_vec(),
            points: names(grant),
            reason: what.to_owned(),
            waits_until_ms: self.now_ms + 86_400_000,
            extends: None,
            policies: vec!["windows.cedar/vendors-request-windows".to_owned()],
        }));
        for ((key, signature), by) in signed.iter().zip([ARNO, BEA, HANA]) {
            self.write(Event::WindowApproved(WindowApproved {
                window,
                session: 2,
                by: spiffe(by),
                key: *key,
                signature: *signature,
                comment: String::new(),
                policies: vec!["windows.cedar/approvers-approve-windows".to_owned()],
            }));
        }
        self.made.push((what.to_owned(), window));
        window
    }
}

fn spiffe(who: &str) -> String {
    format!("spiffe://waterworks/{who}")
}

fn names(grant: &[u8]) -> Vec<String> {
    let points = Grant::read_unsigned(grant).map_or(0, |grant| grant.points().count());
    (0..points).map(|point| format!("point_{point}")).collect()
}

/// What a grant was put together from.
fn draft(grant: &[u8]) -> Draft {
    Draft::of(&Grant::read_unsigned(grant).unwrap())
}

fn body(grant: &[u8]) -> &[u8] {
    Grant::read_unsigned(grant).unwrap().body
}

fn altered(grant: &[u8], how: impl FnOnce(&mut Draft)) -> Vec<u8> {
    let mut draft = draft(grant);
    how(&mut draft);
    draft.encode().unwrap()
}

/// A new grant, so that it repeats none.
fn fresh(draft: &mut Draft) {
    draft.id[0] ^= 0x5A;
}

fn signed_by(works: &Works, who: &str, grant: &[u8]) -> Signed {
    let key = grant_key(&works.grant_key(who));
    (key.public(), key.sign(body(grant)))
}

/// The signatures of a window that the journal has.
fn signatures(works: &Works, window: u64) -> Vec<Signed> {
    let of = |event| match event {
        Event::WindowApproved(it) if it.window == window => Some((it.key, it.signature)),
        _ => None,
    };
    let records = works.gateway.records().into_iter();
    records.filter_map(|record| of(record.event)).collect()
}

/// Every secret that lies on the gateway, as a key of the kind that approvers have.
fn keys_of_the_gateway(site: &Path) -> Vec<(String, Ed25519KeyPair)> {
    let mut found = Vec::new();
    for file in files(site) {
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        let mut seeds: Vec<[u8; 32]> = Vec::new();
        // A log's key, as it is.
        if JournalKey::parse(text.trim()).is_ok() {
            let encoded = text.trim().splitn(5, '+').last().unwrap();
            let bytes = base64(encoded);
            seeds.push(bytes[bytes.len() - 32..].try_into().unwrap());
        }
        // The number of a P-256 key, and the file itself.
        if text.contains("PRIVATE KEY") {
            let lines = text
                .lines()
                .skip_while(|line| !line.contains("PRIVATE KEY"));
            let inner = lines.skip(1).take_while(|line| !line.starts_with("---"));
            let der = base64(&inner.collect::<String>());
            let at = der.windows(2).position(|two| two == [4, 32]).unwrap() + 2;
            seeds.push(der[at..at + 32].try_into().unwrap());
        }
        seeds.push(sha256(text.as_bytes()));
        let name = file.display().to_string();
        found.extend(seeds.iter().map(|seed| {
            let key = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
            (name.clone(), key)
        }));
    }
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}

/// Victor may see the press without a window too, so that each command of his is decided and none
/// fails for want of a way to the device.
fn with_a_way_in(works: &mut Works) {
    let rule = "    action == Interlock::Action::\"connect\",\n    resource in Interlock::Site::\"waterworks\"\n)\nwhen { context has window };";
    let open = rule.replace("\nwhen { context has window }", "");
    works.change_policy("windows.cedar", rule, &open);
}

/// Windows of victor that were really approved, and are over in each way that there is.
fn over(works: &Works) -> Vec<(&'static str, u64)> {
    let used = works.open(&["--max-writes", "1"]);
    let victor = works.victor();
    assert_passes(works, &mut tool(&victor), &speed(5_000));
    let withdrawn = works.open(&[]);
    let number = withdrawn.to_string();
    let ended = works
        .gateway
        .client(VICTOR, &["window", "withdraw", &number]);
    assert_eq!(ended.code, 0, "{ended}");
    let revoked = works.open(&[]);
    let number = revoked.to_string();
    let revoke = ["revoke", "window", &number, "--reason", "enough"];
    let ended = works.gateway.client(ADAM, &revoke);
    assert_eq!(ended.code, 0, "{ended}");
    let refused = works.requested(VICTOR, &[]);
    let number = refused.to_string();
    let refuse = ["window", "refuse", &number, "--comment", "no"];
    let ended = works.gateway.client(BEA, &refuse);
    assert_eq!(ended.code, 0, "{ended}");
    let names = ["used up", "withdrawn", "revoked", "refused"];
    let numbers = [used, withdrawn, revoked, refused];
    names.into_iter().zip(numbers).collect()
}

#[test]
fn with_every_key_and_file_of_the_gateway_in_hand_no_grant_verifies() {
    let mut works = Works::start_with(with_a_way_in);
    let over = over(&works);
    let used = over[0].1;
    let grant = row(&works, used).grant;
    let replayed: Vec<_> = over
        .iter()
        .map(|(what, window)| {
            let grant = row(&works, *window).grant;
            let signed = match *what {
                // He would have, a moment later.
                "refused" => vec![signed_by(&works, ARNO, &grant)],
                _ => signatures(&works, *window),
            };
            (format!("replayed: {what}"), grant, signed)
        })
        .collect();
    let true_ones = signatures(&works, used);
    assert_eq!(true_ones.len(), 1);
    assert_eq!(works.gateway.stop(), 0);

    let mut forger = Forger::at(&works);
    let renewed = altered(&grant, fresh);
    forger.window("nobody signed", &renewed, &[]);
    for (what, grant, signed) in &replayed {
        forger.window(what, grant, signed);
    }
    altered_ones(&mut forger, &grant, &true_ones);
    let keys = keys_of_the_gateway(&works.gateway.site());
    assert!(keys.len() > 6, "the gateway has keys");
    let arno = grant_key(&works.grant_key(ARNO)).public();
    for (file, key) in &keys {
        let own: [u8; 32] = key.public_key().as_ref().try_into().unwrap();
        let sign =
            |grant: &[u8]| -> [u8; 64] { key.sign(body(grant)).as_ref().try_into().unwrap() };
        let named = altered(&renewed, |draft| {
            draft.approvers = vec![own];
            draft.id[1] ^= own[1];
        });
        forger.window(
            &format!("{file} as an approver"),
            &named,
            &[(own, sign(&named))],
        );
        forger.window(
            &format!("{file} as arno"),
            &renewed,
            &[(arno, sign(&renewed))],
        );
    }
    forger.window("no signature at all", &renewed, &[(arno, [0; 64])]);
    // What others really signed, and what is not for victor on his machine at this gateway.
    elsewhere(&mut forger, &works, &grant);
    let made = std::mem::take(&mut forger.made);
    forger.journal.close();
    drop(forger);

    works.gateway.start();
    assert_nothing_opens(&mut works, &made);
    // Nor without a root to compare with.
    assert_eq!(works.gateway.stop(), 0);
    let edge = works.gateway.site().join("edge.toml");
    let text = std::fs::read_to_string(&edge).unwrap();
    let (before, _) = text.split_once("\n[root]\nkey = \"waterworks").unwrap();
    std::fs::write(&edge, format!("{before}\n")).unwrap();
    works.gateway.start();
    assert_nothing_opens(&mut works, &made);
    let asked = works.request(VICTOR, &[]);
    assert_ne!(asked.code, 0, "{asked}");
    assert!(asked.stderr.contains("interlock root init"), "{asked}");
}

/// The true signature under something else.
fn altered_ones(forger: &mut Forger, grant: &[u8], signed: &[Signed]) {
    type How = fn(&mut Draft);
    let ways: [(&str, How); 9] = [
        ("more writes", |draft| draft.max_writes = 1_000),
        ("a later end", |draft| {
            let first = draft.spans[0];
            draft.spans[0] = Span {
                length_s: first.length_s + 3_600,
                ..first
            };
        }),
        ("another time", |draft| {
            let first = draft.spans[0];
            draft.spans.push(Span {
                start_ms: first.end_ms() + 1_000,
                ..first
            });
        }),
        ("wider values", |draft| draft.points[0].raw_max += 1),
        ("one point less", |draft| {
            draft.points.pop();
        }),
        ("another machine", |draft| draft.holder_key[0] ^= 1),
        ("another plant", |draft| draft.plant[0] ^= 1),
        ("another id", fresh),
        ("nobody watches", |draft| {
            draft.supervised = !draft.supervised
        }),
    ];
    for (what, how) in ways {
        let other = altered(grant, how);
        assert_ne!(other, grant, "{what}");
        forger.window(&format!("altered: {what}"), &other, signed);
    }
}

/// Grants that approvers of the list did sign, each for something else.
fn elsewhere(forger: &mut Forger, works: &Works, grant: &[u8]) {
    type How = fn(&mut Draft);
    let ways: [(&str, How); 6] = [
        ("another site", |draft| draft.site = "quay".to_owned()),
        ("another gateway", |draft| {
            draft.gateway = "gateway-2".to_owned()
        }),
        ("another holder", |draft| draft.holder = spiffe(VERA)),
        ("another machine", |draft| draft.holder_key = [7; 32]),
        ("another device", |draft| draft.device = "pump-2".to_owned()),
        ("another plant", |draft| draft.plant = [7; 32]),
    ];
    for (at, (what, how)) in ways.into_iter().enumerate() {
        let other = altered(grant, |draft| {
            how(draft);
            draft.id[2] ^= at as u8 + 1;
        });
        let signed = signed_by(works, ARNO, &other);
        forger.window(&format!("for {what}"), &other, &[signed]);
    }
    // Two are needed, and there are two signatures: of one person, or of one who works for acme.
    let two = altered(grant, |draft| {
        draft.quorum = 2;
        draft.id[3] ^= 1;
    });
    let arno = signed_by(works, ARNO, &two);
    forger.window("one person twice", &two, &[arno, arno]);
    let vera = altered(&two, |draft| {
        draft
            .approvers
            .push(grant_key(&works.grant_key(VERA)).public());
    });
    let both = [signed_by(works, ARNO, &vera), signed_by(works, VERA, &vera)];
    forger.window("one of the same firm", &vera, &both);
}

/// No window is open for victor on his machine at the press, and a write of his is refused.
#[track_caller]
fn assert_nothing_opens(works: &mut Works, made: &[(String, u64)]) {
    let open: Vec<&String> = made
        .iter()
        .filter(|(_, window)| matches!(works.state(*window).as_str(), "open" | "approved"))
        .map(|(what, _)| what)
        .filter(|what| !IN_FORCE_ELSEWHERE.contains(&what.as_str()))
        .collect();
    assert!(open.is_empty(), "these are open: {open:?}");
    let victor = works.victor();
    let mut tool = tool(&victor);
    for value in [5_000, 5_010] {
        assert_refused(works, &mut tool, &speed(value), 1);
    }
    assert_eq!(works.written().len(), 1, "the one write of before");
}

/// Good grants, but for somebody or something else: they may say so, and open nothing for victor.
const IN_FORCE_ELSEWHERE: [&str; 3] = [
    "for another holder",
    "for another machine",
    "for another device",
];

#[test]
fn a_grant_of_one_gateway_opens_nothing_at_another_of_the_site() {
    let mut works = Works::start_with(with_a_way_in);
    let window = works.open(&["--max-writes", "5"]);
    let (grant, signed) = (row(&works, window).grant, signatures(&works, window));

    // The same plant, the same root, the same people on the same machines.
    let mut other = Works::named("gateway-2", Some(works.root()));
    with_a_way_in(&mut other);
    let plant = |works: &Works| works.gateway.site().join("plant.toml");
    std::fs::copy(plant(&works), plant(&other)).unwrap();
    other.sign();
    let (here, there) = (works.gateway.issue(VICTOR), other.gateway.issue(VICTOR));
    std::fs::copy(here.join("device.key"), there.join("device.key")).unwrap();
    other.gateway.certify(VICTOR, &there);
    other.gateway.start();
    // Asked of the other one, the approval is for no window there.
    let replayed = ask(
        &other,
        ARNO,
        Ask::ApproveWindow {
            window,
            key: signed[0].0,
            signature: signed[0].1,
            comment: String::new(),
        },
    );
    assert!(replayed.is_err());
    assert_eq!(other.gateway.stop(), 0);
    let mut forger = Forger::at(&other);
    let forged = forger.window("replayed at another gateway", &grant, &signed);
    forger.journal.close();
    drop(forger);
    other.gateway.start();
    assert_ne!(other.state(forged), "open");
    let victor = other.victor();
    let mut modbus = victor.modbus(PRESS);
    assert_eq!(modbus.ask(1, &speed(5_000)), [0x86, 1]);
    assert!(works.written().is_empty());
    // Where it was made for, it opens.
    drop((victor, modbus));
    assert_eq!(other.gateway.stop(), 0);
    let victor = works.victor();
    assert_passes(&works, &mut tool(&victor), &speed(5_000));
    assert_eq!(works.gateway.stop(), 0);
}
