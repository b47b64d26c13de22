//! Whose word counts, about which machine, how old it may be, and for how long it holds.

use std::time::Duration;

use interlock_protocols::identity::{
    AuthStrength, KeyProtection, OsFamily, Signed, posture_digest, proof_statement,
};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SigningKey};

use super::*;
use crate::authority::Authority;
use crate::proof::{prove, sha256};
use crate::subject::{Bound, Identity, SubjectId};
use crate::witness::WitnessKey;

const NOW_MS: i64 = 1_795_000_000_000;

fn at(later: Duration) -> Now {
    Now::new(NOW_MS, Mono::at(Duration::from_secs(50))).after(later)
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

struct Machine {
    key: KeyPair,
    identity: Identity,
}

impl Machine {
    fn new() -> Machine {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let authority = Authority::create("issuer", at(s(0))).unwrap();
        let authority = Authority::open(&authority).unwrap();
        let bound = Bound {
            device_key: sha256(&key.subject_public_key_info()),
            protection: KeyProtection::Software,
            auth: AuthStrength::UserPresent,
            auth_ms: NOW_MS,
        };
        let subject = SubjectId::parse("spiffe://waterworks/person/olga").unwrap();
        let leaf = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let spki = leaf.subject_public_key_info();
        let ends_ms = NOW_MS + 3_600_000;
        let signed = authority.sign_client(&subject, &spki, &bound, ends_ms, at(s(0)));
        let (_, pem) = x509_parser::pem::parse_x509_pem(signed.unwrap().as_bytes()).unwrap();
        let identity = Identity::of_certificate(&pem.contents, "waterworks").unwrap();
        Machine { key, identity }
    }

    fn hash(&self) -> [u8; 32] {
        sha256(&self.key.subject_public_key_info())
    }

    /// The proof that goes with a report.
    fn proven(&self, report: &PostureReport) -> Proven<'_> {
        let digest = posture_digest(Some(report), sha256);
        let statement = proof_statement(&[7; 32], self.identity.key(), "gateway", &digest);
        let device = Signed {
            key: self.key.subject_public_key_info(),
            signature: self.key.sign(&statement).unwrap(),
        };
        prove(&self.identity, &[7; 32], "gateway", &device, Some(report)).unwrap()
    }

    fn posture(&self, taken_ms: i64) -> Posture {
        Posture {
            device_key: self.hash(),
            taken_ms,
            os: OsFamily::Linux,
            os_version: "Debian 13".to_owned(),
            patch_age_days: Some(3),
            disk_encrypted: Some(true),
            screen_lock: Some(true),
            firewall: Some(true),
            agent: None,
        }
    }

    fn believed(
        &self,
        report: &PostureReport,
        terms: &Terms,
        now: Now,
    ) -> Result<Evidence, NotBelieved> {
        believe(report, &self.proven(report), terms, now)
    }
}

fn own(posture: &Posture) -> PostureReport {
    PostureReport {
        source: PostureSource::Own,
        statement: posture.encode(),
        signer: String::new(),
        signature: Vec::new(),
    }
}

fn server() -> (ManagementSecret, Terms) {
    let secret = ManagementSecret::generate("mdm-1").unwrap();
    let terms = Terms {
        management: vec![secret.public()],
        ..Terms::default()
    };
    (secret, terms)
}

#[test]
fn a_machine_is_believed_about_itself_as_a_claim() {
    let machine = Machine::new();
    let report = own(&machine.posture(NOW_MS - 5_000));
    let evidence = machine
        .believed(&report, &Terms::default(), at(s(0)))
        .unwrap();
    let health = evidence.health(at(s(2)).mono()).unwrap();
    assert_eq!((health.source, health.age_s), (PostureSource::Own, 7));
    // What could not be found out is not good.
    assert!(health.firewall && !health.agent);
}

#[test]
fn a_report_that_the_proof_does_not_cover_is_not_believed() {
    let machine = Machine::new();
    let report = own(&machine.posture(NOW_MS));
    let better = own(&Posture {
        agent: Some(true),
        ..machine.posture(NOW_MS)
    });
    let proven = machine.proven(&report);
    let judged = believe(&better, &proven, &Terms::default(), at(s(0)));
    assert_eq!(judged, Err(NotBelieved::NotCovered));
}

#[test]
fn a_server_is_believed_only_about_this_machine_and_only_with_its_signature() {
    let (machine, other) = (Machine::new(), Machine::new());
    let (secret, terms) = server();
    let good = secret.sign(&machine.posture(NOW_MS - 3_600_000));
    let evidence = machine.believed(&good, &terms, at(s(0))).unwrap();
    assert_eq!(evidence.source(), PostureSource::Management);
    assert_eq!(evidence.signer(), "mdm-1");
    let judge =
        |report: &PostureReport, terms: &Terms| machine.believed(report, terms, at(s(0))).map(drop);

    let theirs = secret.sign(&other.posture(NOW_MS));
    assert_eq!(judge(&theirs, &terms), Err(NotBelieved::OtherMachine));
    // Signed, and changed since; and signed by somebody else under the same name.
    let changed = PostureReport {
        statement: machine.posture(NOW_MS).encode(),
        ..good.clone()
    };
    let forged = NotBelieved::Forged("mdm-1".to_owned());
    assert_eq!(judge(&changed, &terms), Err(forged.clone()));
    let impostor = ManagementSecret::generate("mdm-1").unwrap();
    let theirs = impostor.sign(&machine.posture(NOW_MS));
    assert_eq!(judge(&theirs, &terms), Err(forged.clone()));
    let unsigned = PostureReport {
        signature: Vec::new(),
        ..good.clone()
    };
    assert_eq!(judge(&unsigned, &terms), Err(forged));
    // Nobody knows the server.
    let unknown = NotBelieved::UnknownSigner("mdm-1".to_owned());
    assert_eq!(judge(&good, &Terms::default()), Err(unknown));
    // While one key follows another, both count.
    let both = Terms {
        management: vec![impostor.public(), secret.public()],
        ..terms.clone()
    };
    assert_eq!(judge(&good, &both), Ok(()));
    // A claim of the machine's own is none of the server's, whatever it says of its signer.
    let claimed = PostureReport {
        signer: "mdm-1".to_owned(),
        ..own(&machine.posture(NOW_MS))
    };
    let evidence = machine.believed(&claimed, &terms, at(s(0))).unwrap();
    assert_eq!(
        (evidence.source(), evidence.signer()),
        (PostureSource::Own, "")
    );
}

#[test]
fn a_report_has_an_age() {
    let machine = Machine::new();
    let (secret, terms) = server();
    let hour = 3_600_000;
    let judge = |report: PostureReport| machine.believed(&report, &terms, at(s(0))).map(drop);
    let managed = |taken_ms| secret.sign(&machine.posture(taken_ms));
    assert_eq!(judge(managed(NOW_MS - 24 * hour)), Ok(()));
    let old = judge(managed(NOW_MS - 24 * hour - 1));
    assert!(matches!(old, Err(NotBelieved::TooOld { .. })), "{old:?}");
    // What a machine says of itself is said now.
    assert_eq!(judge(own(&machine.posture(NOW_MS - 600_000))), Ok(()));
    let old = judge(own(&machine.posture(NOW_MS - 600_001)));
    assert!(matches!(old, Err(NotBelieved::TooOld { .. })), "{old:?}");
    for far in [i64::MIN, -1, 0] {
        let old = judge(managed(far));
        assert!(matches!(old, Err(NotBelieved::TooOld { .. })), "{old:?}");
    }
    // Clocks are never quite together, and never a minute apart.
    assert_eq!(judge(managed(NOW_MS + 60_000)), Ok(()));
    for far in [NOW_MS + 60_001, i64::MAX] {
        let early = judge(managed(far));
        assert!(matches!(early, Err(NotBelieved::Future(_))), "{early:?}");
    }
}

#[test]
fn what_is_no_statement_is_not_believed() {
    let machine = Machine::new();
    let mut report = own(&machine.posture(NOW_MS));
    report.statement.push(0);
    let judged = machine.believed(&report, &Terms::default(), at(s(0)));
    assert_eq!(judged, Err(NotBelieved::Unreadable));
    let long = own(&Posture {
        os_version: "x".repeat(129),
        ..machine.posture(NOW_MS)
    });
    let judged = machine.believed(&long, &Terms::default(), at(s(0)));
    assert_eq!(judged, Err(NotBelieved::Unreadable));
}

#[test]
fn evidence_is_a_lease_on_the_gateways_own_count_of_time() {
    let machine = Machine::new();
    let lease = Lease::default();
    assert_eq!(lease.health(at(s(0))), (None, None));
    let report = own(&machine.posture(NOW_MS));
    let evidence = machine
        .believed(&report, &Terms::default(), at(s(0)))
        .unwrap();
    let change = lease.take_up(evidence.clone(), at(s(0)), || true);
    assert_eq!(change, Ok(Some(Change::Found(evidence))));
    // Setting the clock of the wall moves nothing.
    let set_back = Now::new(0, at(s(599)).mono());
    assert!(lease.health(set_back).0.is_some());
    assert_eq!(lease.health(at(s(600))), (None, Some(Change::RanOut)));
    assert_eq!(lease.health(at(s(601))), (None, None));
    assert_eq!(lease.words(at(s(601))), "ran out");
}

#[test]
fn what_a_machine_said_once_is_not_said_again_by_repeating_it() {
    let machine = Machine::new();
    let terms = Terms::default();
    let lease = Lease::default();
    let say = |taken_ms, now: Now| {
        let evidence = machine.believed(&own(&machine.posture(taken_ms)), &terms, now);
        lease.take_up(evidence.unwrap(), now, || true)
    };
    assert!(matches!(say(NOW_MS, at(s(0))), Ok(Some(_))));
    assert_eq!(say(NOW_MS, at(s(100))), Err(NotBelieved::Superseded));
    assert_eq!(say(NOW_MS - 1, at(s(100))), Err(NotBelieved::Superseded));
    // The same facts, looked at anew: nothing to record, and a new lease.
    assert_eq!(say(NOW_MS + 300_000, at(s(300))), Ok(None));
    // Nor when it has run out.
    assert_eq!(
        say(NOW_MS + 300_000, at(s(900))),
        Err(NotBelieved::Superseded)
    );
    assert!(matches!(say(NOW_MS + 901_000, at(s(901))), Ok(Some(_))));
}

#[test]
fn a_statement_holds_as_often_as_it_is_shown_and_not_beyond_its_age() {
    let machine = Machine::new();
    let (secret, terms) = server();
    let lease = Lease::default();
    let report = secret.sign(&machine.posture(NOW_MS));
    let day = 24 * 3600;
    for (now, new) in [(s(0), true), (s(300), false), (s(day - 60), true)] {
        let evidence = machine.believed(&report, &terms, at(now)).unwrap();
        let change = lease.take_up(evidence, at(now), || true).unwrap();
        assert_eq!(change.is_some(), new, "{now:?}");
    }
    assert!(lease.health(at(s(day - 1))).0.is_some());
    assert_eq!(lease.health(at(s(day))), (None, Some(Change::RanOut)));
    // An older one does not come back.
    let older = secret.sign(&machine.posture(NOW_MS - 1));
    let evidence = machine.believed(&older, &terms, at(s(300))).unwrap();
    let judged = lease.take_up(evidence, at(s(300)), || true);
    assert_eq!(judged, Err(NotBelieved::Superseded));
}

#[test]
fn what_changes_is_recorded_or_not_taken_up() {
    let machine = Machine::new();
    let terms = Terms::default();
    let lease = Lease::default();
    let say = |taken_ms: i64, firewall, may_record| {
        let posture = Posture {
            firewall,
            ..machine.posture(taken_ms)
        };
        let evidence = machine.believed(&own(&posture), &terms, at(s(1)));
        lease.take_up(evidence.unwrap(), at(s(1)), || may_record)
    };
    assert!(matches!(say(NOW_MS, Some(true), true), Ok(Some(_))));
    assert_eq!(say(NOW_MS + 1, Some(true), false), Ok(None));
    let change = say(NOW_MS + 2, Some(false), false);
    assert_eq!(change, Err(NotBelieved::TooOften));
    assert!(matches!(say(NOW_MS + 3, Some(false), true), Ok(Some(_))));
    assert!(lease.words(at(s(1))).contains("no firewall"));
}

#[test]
fn keys_are_texts_that_lead_back() {
    let secret = ManagementSecret::generate("mdm-1").unwrap();
    let text = secret.public().text();
    assert_eq!(ManagementKey::parse(&text), Ok(secret.public()));
    let again = ManagementSecret::parse(&secret.secret_text()).unwrap();
    assert_eq!(again.public(), secret.public());
    use NotAManagementKey as Not;
    let other = ManagementSecret::generate("mdm-2").unwrap().public().text();
    let witness = WitnessKey::generate("mdm-1").unwrap().public().text();
    for (text, fault) in [
        ("", Not::Form),
        ("mdm-1", Not::Form),
        (secret.secret_text().as_str(), Not::Kind),
        (&text.replace("mdm-1", "mdm-2"), Not::Hash),
        (&text.replace("mdm-1", "Mdm 1"), Not::Name),
        (&other.replace("mdm-2", ""), Not::Name),
        (&witness, Not::Kind),
    ] {
        assert_eq!(ManagementKey::parse(text), Err(fault), "{text}");
    }
    assert!(ManagementSecret::parse(&text).is_err());
    assert!(matches!(ManagementSecret::generate("a b"), Err(Not::Name)));
}
