use std::collections::BTreeMap;
use std::io;

use proptest::prelude::*;

use super::*;

const ORIGIN: &str = "waterworks/gateway/gateway-1";
const NOW_MS: i64 = 1_700_000_000_123;

fn log(flavour: &str, size: u64) -> SmallLog {
    let mut log = SmallLog::new(ORIGIN, 1);
    log.grow(size, flavour).unwrap();
    log
}

/// One that shares the first records with `log("a", ..)`.
fn forked(at: u64, size: u64) -> SmallLog {
    let mut log = log("a", at);
    log.grow(size, "b").unwrap();
    log
}

fn witness() -> Witness {
    let key = WitnessKey::parse(SECRET_KEY).unwrap();
    Witness::new(key, vec![LogKey::parse(&log("a", 0).key()).unwrap()])
}

const SECRET_KEY: &str =
    "PRIVATE+KEY+witness.example/w1+aa4a09d1+BAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";

fn body(log: &SmallLog, old: u64, new: u64) -> Vec<u8> {
    let checkpoint = SignedCheckpoint::parse(log.checkpoint(new).unwrap().as_bytes()).unwrap();
    to_body(old, &log.proof(old, new).unwrap(), &checkpoint)
}

/// What a service does with a request: judge, keep, answer.
fn ask(witness: &Witness, kept: &mut Option<Seen>, body: &[u8]) -> Result<Vec<u8>, Refused> {
    let asked = AddCheckpoint::parse(body)?;
    match witness.judge(kept.as_ref(), &asked, NOW_MS) {
        Verdict::Refuse(refused) => Err(refused),
        Verdict::Cosign(cosigned) => Ok(cosigned
            .stored(|seen| {
                *kept = Some(Seen::parse(&seen.to_bytes()).unwrap());
                Ok(())
            })
            .unwrap()),
    }
}

#[test]
fn a_log_that_grows_is_cosigned_and_the_cosignature_verifies() {
    let (witness, log) = (witness(), log("a", 300));
    let public = WitnessKey::parse(SECRET_KEY).unwrap().public();
    let mut kept = None;
    for (old, new) in [(0, 1), (1, 1), (1, 7), (7, 256), (256, 300)] {
        let line = ask(&witness, &mut kept, &body(&log, old, new)).unwrap();
        let note = log.checkpoint(new).unwrap();
        let checkpoint = SignedCheckpoint::parse(note.as_bytes()).unwrap();
        let cosigned = checkpoint.with_cosignature(&line, &public).unwrap();
        assert_eq!(cosigned.cosigned_s(&public), Some(1_700_000_000));
        assert_eq!(checkpoint.cosigned_s(&public), None);
        assert_eq!(kept.as_ref().unwrap().checkpoint().size(), new);
        assert!(witness.recognises(ORIGIN, kept.as_ref().unwrap()));
    }
}

/// The bytes that are signed, put together by hand from the text of C2SP `tlog-cosignature`.
#[test]
fn a_cosignature_is_over_the_time_and_the_whole_text() {
    use ed25519_dalek::{Signature, SigningKey};
    let log = log("a", 3);
    let line = ask(&witness(), &mut None, &body(&log, 0, 3)).unwrap();
    let line = String::from_utf8(line).unwrap();
    let encoded = line
        .strip_prefix("\u{2014} witness.example/w1 ")
        .and_then(|rest| rest.strip_suffix('\n'))
        .unwrap();
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .unwrap();
    assert_eq!(bytes.len(), 4 + 8 + 64);
    assert_eq!(bytes[4..12], 1_700_000_000_u64.to_be_bytes());
    let note = log.checkpoint(3).unwrap();
    let text = note.split_once("\n\n").unwrap().0;
    let signed = format!("cosignature/v1\ntime 1700000000\n{text}\n");
    let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
    let signature = Signature::from_slice(&bytes[12..]).unwrap();
    assert!(key.verify_strict(signed.as_bytes(), &signature).is_ok());
    // The key's hash: of name, line break, 4, key.
    let hashed = [b"witness.example/w1\n\x04".as_slice(), key.as_bytes()].concat();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &hashed);
    assert_eq!(bytes[..4], hash.as_ref()[..4]);
}

#[test]
fn each_refusal_has_its_status() {
    let witness = witness();
    let honest = log("a", 200);
    let mut kept = None;
    ask(&witness, &mut kept, &body(&honest, 0, 100)).unwrap();

    let mut stranger = SmallLog::new("waterworks/gateway/gateway-2", 1);
    stranger.grow(120, "a").unwrap();
    let mut impostor = SmallLog::new(ORIGIN, 2);
    impostor.grow(120, "a").unwrap();
    let other = forked(50, 150);
    let mut wrong_proof = honest.proof(100, 150).unwrap();
    wrong_proof[0][0] ^= 1;
    let checkpoint = |log: &SmallLog, size| {
        SignedCheckpoint::parse(log.checkpoint(size).unwrap().as_bytes()).unwrap()
    };
    let tampered = String::from_utf8(body(&honest, 100, 150))
        .unwrap()
        .replace("\n150\n", "\n151\n");
    let cases: [(&str, Vec<u8>, u16, Option<u64>); 13] = [
        ("no request", b"hello\n".to_vec(), 400, None),
        ("nothing", Vec::new(), 400, None),
        (
            "old behind new",
            body_of(150, &[], &checkpoint(&honest, 120)),
            400,
            None,
        ),
        ("unknown origin", body(&stranger, 0, 120), 404, None),
        (
            "another key of this name",
            body(&impostor, 100, 120),
            403,
            None,
        ),
        (
            "text changed after signing",
            tampered.into_bytes(),
            403,
            None,
        ),
        ("from nothing", body(&honest, 0, 150), 409, Some(100)),
        ("from less", body(&honest, 90, 150), 409, Some(100)),
        ("rolled back", body(&honest, 80, 80), 409, Some(100)),
        (
            "another tree of one size",
            body(&other, 100, 100),
            409,
            Some(100),
        ),
        ("a fork that grew", body(&other, 100, 150), 422, None),
        (
            "a wrong proof",
            body_of(100, &wrong_proof, &checkpoint(&honest, 150)),
            422,
            None,
        ),
        (
            "no proof",
            body_of(100, &[], &checkpoint(&honest, 150)),
            422,
            None,
        ),
    ];
    for (what, body, status, size) in cases {
        let refused = ask(&witness, &mut kept, &body).unwrap_err();
        assert_eq!(refused.status(), status, "{what}: {refused}");
        assert_eq!(refused.size(), size, "{what}");
    }
    assert_eq!(kept.as_ref().unwrap().checkpoint().size(), 100);
    // And the honest log goes on.
    ask(&witness, &mut kept, &body(&honest, 100, 200)).unwrap();
}

fn body_of(old: u64, proof: &[[u8; 32]], checkpoint: &SignedCheckpoint) -> Vec<u8> {
    to_body(old, proof, checkpoint)
}

#[test]
fn a_proof_from_nothing_and_a_false_empty_tree_are_refused() {
    let (witness, log) = (witness(), log("a", 4));
    let checkpoint = SignedCheckpoint::parse(log.checkpoint(4).unwrap().as_bytes()).unwrap();
    let refused = ask(&witness, &mut None, &to_body(0, &[[0; 32]], &checkpoint));
    assert_eq!(refused.unwrap_err(), Refused::Unproven);
    assert!(ask(&witness, &mut None, &body(&log, 0, 0)).is_ok());
    assert!(!is_consistent((0, [1; 32]), (0, [1; 32]), &[]));
    assert!(!is_consistent((0, log.root(0).unwrap()), (0, [1; 32]), &[]));
    assert!(!is_consistent((5, [1; 32]), (4, [1; 32]), &[]));
    assert!(!is_consistent(
        (5, [1; 32]),
        (u64::MAX, [1; 32]),
        &[[0; 32]; 63]
    ));
}

#[test]
fn signatures_of_others_count_for_nothing_and_harm_nothing() {
    let (witness, log) = (witness(), log("a", 4));
    let epoch = SmallLog::new("waterworks/gateway/gateway-1/epoch/3", 9);
    let note = log.checkpoint_with(&epoch, 4).unwrap();
    let both = SignedCheckpoint::parse(note.as_bytes()).unwrap();
    let mut kept = None;
    ask(&witness, &mut kept, &to_body(0, &[], &both)).unwrap();
    // What is kept has two lines, whatever came.
    let kept = String::from_utf8(kept.unwrap().to_bytes()).unwrap();
    assert_eq!(kept.matches('\u{2014}').count(), 2, "{kept}");
    assert!(!kept.contains("epoch"), "{kept}");
}

#[test]
fn what_cannot_be_kept_is_not_cosigned() {
    let (witness, log) = (witness(), log("a", 4));
    let asked = AddCheckpoint::parse(&body(&log, 0, 4)).unwrap();
    let Verdict::Cosign(cosigned) = witness.judge(None, &asked, NOW_MS) else {
        panic!("an honest log is cosigned");
    };
    let full = cosigned.stored(|_| Err(io::Error::other("no space")));
    assert!(full.is_err());
    assert!(matches!(
        witness.judge(None, &asked, 999),
        Verdict::Refuse(Refused::NoTime)
    ));
}

#[test]
fn requests_have_one_form() {
    let good = String::from_utf8(body(&log("a", 9), 4, 9)).unwrap();
    assert!(AddCheckpoint::parse(good.as_bytes()).is_ok());
    let many = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(64);
    for (what, bad) in [
        ("a leading zero", good.replacen("old 4", "old 04", 1)),
        ("a sign", good.replacen("old 4", "old +4", 1)),
        ("two spaces", good.replacen("old 4", "old  4", 1)),
        ("a carriage return", good.replacen('\n', "\r\n", 1)),
        ("no line break at the end", good.trim_end().to_owned()),
        ("more behind", format!("{good}x")),
        (
            "64 hashes",
            good.replacen("old 4\n", &format!("old 4\n{many}"), 1),
        ),
        ("a short hash", good.replacen("old 4\n", "old 4\nAAAA\n", 1)),
        (
            "a size that is too large",
            good.replacen("\n9\n", "\n9223372036854775808\n", 1),
        ),
    ] {
        assert_ne!(bad, good, "{what}");
        assert!(AddCheckpoint::parse(bad.as_bytes()).is_err(), "{what}");
    }
}

#[test]
fn keys_are_read_as_they_are_written() {
    let key = WitnessKey::generate("witness.example/w2").unwrap();
    let secret = key.secret_text();
    let again = WitnessKey::parse(&secret).unwrap();
    assert_eq!(again.public(), key.public());
    let public = key.public().text();
    assert_eq!(CosignerKey::parse(&public).unwrap(), key.public());
    assert_eq!(CosignerKey::parse(&secret).unwrap_err(), NotAKey::Kind);
    let of_a_log = log("a", 0).key();
    assert_eq!(CosignerKey::parse(&of_a_log).unwrap_err(), NotAKey::Kind);
    assert_eq!(LogKey::parse(&public).err(), Some(NotAKey::Kind));
    assert_eq!(WitnessKey::parse(&public).err(), Some(NotAKey::Kind));
    let renamed = public.replacen("w2", "w3", 1);
    assert_eq!(CosignerKey::parse(&renamed).unwrap_err(), NotAKey::Hash);
    for name in ["", "a b", "a+b", "a\u{7}", &"x".repeat(193)] {
        assert_eq!(WitnessKey::generate(name).err(), Some(NotAKey::Name));
    }
    assert_eq!(LogKey::parse(&of_a_log).unwrap().origin(), ORIGIN);
}

/// A log that lies: at each step it takes one of three trees and one of many sizes.
#[derive(Clone, Debug)]
struct Step {
    tree: usize,
    old: u64,
    new: u64,
    /// Whether it begins where the witness is, as one does that wants to get through.
    informed: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        (0..3_usize, 0..40_u64, 0..40_u64, any::<bool>()).prop_map(|(tree, old, new, informed)| {
            Step {
                tree,
                old,
                new,
                informed,
            }
        });
    prop::collection::vec(step, 1..40)
}

proptest! {
    /// Whatever a log tries, what was cosigned is one line of trees, each holding the one before.
    #[test]
    fn two_trees_of_one_size_are_never_cosigned_and_nothing_goes_back(steps in steps()) {
        let witness = witness();
        let trees = [log("a", 40), forked(10, 40), forked(25, 40)];
        let mut kept: Option<Seen> = None;
        let mut cosigned: BTreeMap<u64, [u8; 32]> = BTreeMap::new();
        let mut last = 0;
        for step in steps {
            let tree = &trees[step.tree];
            let old = if step.informed { last } else { step.old };
            let (old, new) = (old.min(step.new), step.new);
            let body = body(tree, old, new);
            if ask(&witness, &mut kept, &body).is_ok() {
                prop_assert!(new >= last, "went back from {last} to {new}");
                let root = tree.root(new).unwrap();
                let before = *cosigned.entry(new).or_insert(root);
                prop_assert_eq!(before, root, "two trees of {} records", new);
                last = new;
            }
        }
        // All of them fit one and the same tree.
        let fits = |tree: &SmallLog| cosigned.iter().all(|(size, root)| tree.root(*size).unwrap() == *root);
        prop_assert!(trees.iter().any(fits));
    }

    /// No bytes whatever make the reader panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = AddCheckpoint::parse(&bytes);
        let _ = SignedCheckpoint::parse(&bytes);
    }

    /// Nor does any change of a good request.
    #[test]
    fn any_change_of_a_request_is_refused_or_means_the_same(at in 0..700_usize, to: u8) {
        let witness = witness();
        let honest = log("a", 20);
        let mut kept = None;
        ask(&witness, &mut kept, &body(&honest, 0, 10)).unwrap();
        let mut changed = body(&honest, 10, 20);
        let at = at % changed.len();
        changed[at] = to;
        if ask(&witness, &mut kept, &changed).is_ok() {
            prop_assert_eq!(kept.unwrap().checkpoint().root(), honest.root(20).unwrap());
        }
    }
}
