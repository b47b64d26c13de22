//! Files of authorities as they come: sound, broken, old, put back, revoked; and that what was
//! known goes on holding.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use interlock_broker::authority::{Bindings, DeviceBinding};
use interlock_broker::clock::Mono;
use interlock_broker::subject::SubjectKind;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber,
};
use rustls::pki_types::pem::PemObject;
use time::OffsetDateTime;

use super::*;

const NOW_S: i64 = 1_795_000_000;
const HOUR_S: i64 = 3_600;

fn now() -> Now {
    Now::new(NOW_S * 1_000, Mono::at(Duration::ZERO))
}

fn hours_later(hours: i64) -> Now {
    Now::new((NOW_S + hours * HOUR_S) * 1_000, Mono::at(Duration::ZERO))
}

fn at(s: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(s).unwrap()
}

/// An authority of somebody else.
struct Ca {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    fn new(name: &str) -> Ca {
        Ca::valid(name, (NOW_S - HOUR_S, NOW_S + 1_000 * HOUR_S))
    }

    fn params(name: &str, valid: (i64, i64)) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = (at(valid.0), at(valid.1));
        params
    }

    fn valid(name: &str, valid: (i64, i64)) -> Ca {
        let (params, key) = (Ca::params(name, valid), KeyPair::generate().unwrap());
        let pem = params.self_signed(&key).unwrap().pem();
        Ca {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// An authority below this one.
    fn below(&self, name: &str, serial: u64) -> Ca {
        let mut params = Ca::params(name, (NOW_S - HOUR_S, NOW_S + 1_000 * HOUR_S));
        params.serial_number = Some(SerialNumber::from(serial));
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Ca {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    fn leaf(&self, path: &str, serial: u64) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        let uri = format!("spiffe://waterworks/{path}");
        params.distinguished_name.push(DnType::CommonName, path);
        params.subject_alt_names = vec![SanType::URI(uri.as_str().try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.serial_number = Some(SerialNumber::from(serial));
        (params.not_before, params.not_after) = (at(NOW_S - HOUR_S), at(NOW_S + 100 * HOUR_S));
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        signed.der().clone()
    }

    /// A revocation list made so many hours from now.
    fn list(&self, hours: i64, serials: &[u64]) -> String {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: at(NOW_S - HOUR_S),
            reason_code: None,
            invalidity_date: None,
        };
        let made = NOW_S + hours * HOUR_S;
        let params = CertificateRevocationListParams {
            this_update: at(made),
            next_update: at(made + 24 * HOUR_S),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

/// The files of one authority `spire` in a folder.
struct Files {
    folder: tempfile::TempDir,
    config: TrustConfig,
}

impl Files {
    fn new(with_lists: bool, stale_after_h: Option<u64>) -> Files {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let config = TrustConfig {
            name: "spire".to_owned(),
            ca: path("ca.pem"),
            crl: with_lists.then(|| path("crl.pem")),
            stale_after: stale_after_h.map(|hours| Duration::from_secs(hours * 3_600)),
            bindings: Bindings {
                listeners: vec![Listener::Quic],
                kinds: vec![SubjectKind::Workload],
                paths: vec!["workload/".to_owned()],
                device: DeviceBinding::None,
                without_device: true,
            },
        };
        Files { folder, config }
    }

    fn ca(&self, pem: &str) -> &Files {
        fs::write(&self.config.ca, pem).unwrap();
        self
    }

    fn crl(&self, pem: &str) -> &Files {
        fs::write(self.config.crl.as_ref().unwrap(), pem).unwrap();
        self
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state/trust")
    }

    fn open(&self) -> Trust {
        let others = std::slice::from_ref(&self.config);
        Trust::open("waterworks", None, others, &self.state(), now()).unwrap()
    }
}

fn vouch(trust: &Trust, leaf: &CertificateDer<'_>) -> Result<Verified, Untrusted> {
    vouch_at(trust, leaf, &[], NOW_S)
}

fn vouch_at(
    trust: &Trust,
    leaf: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    at_s: i64,
) -> Result<Verified, Untrusted> {
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at_s as u64));
    trust.vouch(Listener::Quic, leaf, others, at)
}

/// Why the files are of no use.
fn trouble(trust: &Trust) -> String {
    trust.status(now())[0].error.clone().unwrap_or_default()
}

#[test]
fn who_is_vouched_for_is_told_with_the_authority() {
    let (ca, files) = (Ca::new("spire"), Files::new(false, None));
    files.ca(&ca.pem);
    let trust = files.open();
    let verified = vouch(&trust, &ca.leaf("workload/historian", 7)).unwrap();
    assert_eq!((verified.authority(), verified.is_own()), ("spire", false));
    let subject = verified.identity().subject().path();
    assert_eq!(subject, "workload/historian");
    let outside = vouch(&trust, &ca.leaf("person/olga", 8));
    assert!(matches!(outside, Err(Untrusted::Outside(_))), "{outside:?}");
    let stranger = vouch(&trust, &Ca::new("spire").leaf("workload/historian", 7));
    assert!(matches!(stranger, Err(Untrusted::Chain(_))), "{stranger:?}");
}

#[test]
fn an_authority_in_two_tables_vouches_for_what_either_says() {
    let (ca, files) = (Ca::new("acme"), Files::new(false, None));
    files.ca(&ca.pem);
    let mut vendors = files.config.clone();
    vendors.name = "acme".to_owned();
    vendors.bindings.kinds = vec![SubjectKind::Vendor];
    vendors.bindings.paths = vec!["vendor/acme/".to_owned()];
    let others = [files.config.clone(), vendors];
    let trust = Trust::open("waterworks", None, &others, &files.state(), now()).unwrap();
    let by = |path| vouch(&trust, &ca.leaf(path, 1)).map(|one| one.authority().to_owned());
    assert_eq!(by("workload/historian"), Ok("spire".to_owned()));
    assert_eq!(by("vendor/acme/victor"), Ok("acme".to_owned()));
    assert!(by("vendor/other/victor").is_err());
}

#[test]
fn whoever_revokes_has_the_last_word() {
    let (ca, files) = (Ca::new("spire"), Files::new(true, None));
    files.ca(&ca.pem).crl(&ca.list(-1, &[7]));
    let mut lax = files.config.clone();
    (lax.name, lax.crl) = ("lax".to_owned(), None);
    for others in [
        [files.config.clone(), lax.clone()],
        [lax, files.config.clone()],
    ] {
        let trust = Trust::open("waterworks", None, &others, &files.state(), now()).unwrap();
        let revoked = vouch(&trust, &ca.leaf("workload/historian", 7)).unwrap_err();
        assert!(revoked.is_revoked(), "{revoked:?}");
        assert!(vouch(&trust, &ca.leaf("workload/historian", 8)).is_ok());
    }
}

#[test]
fn a_new_list_takes_effect_and_is_told_once() {
    let (ca, files) = (Ca::new("spire"), Files::new(true, None));
    files.ca(&ca.pem).crl(&ca.list(-2, &[]));
    let trust = files.open();
    let leaf = ca.leaf("workload/historian", 7);
    let changes = trust.changes();
    let first = trust.look(now());
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0].what, "spire");
    assert!(trust.look(now()).is_empty());
    assert!(vouch(&trust, &leaf).is_ok());
    let before = *changes.borrow();
    files.crl(&ca.list(-1, &[7]));
    let second = trust.look(now());
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].digest, first[0].digest);
    assert!(*changes.borrow() > before);
    assert!(vouch(&trust, &leaf).unwrap_err().is_revoked());
    assert!(trust.look(now()).is_empty());
}

#[test]
fn of_several_lists_of_one_key_the_latest_counts_wherever_it_stands() {
    let ca = Ca::new("spire");
    let (old, new) = (ca.list(-2, &[]), ca.list(-1, &[7]));
    for lists in [old.clone() + &new, new + &old] {
        let files = Files::new(true, None);
        files.ca(&ca.pem).crl(&lists);
        let trust = files.open();
        let leaf = ca.leaf("workload/historian", 7);
        let vouched = vouch(&trust, &leaf).map(drop);
        assert!(vouched.unwrap_err().is_revoked());
        assert!(vouch(&trust, &ca.leaf("workload/historian", 8)).is_ok());
    }
}

#[test]
fn what_is_broken_is_told_and_what_was_known_goes_on_holding() {
    let (ca, files) = (Ca::new("spire"), Files::new(true, None));
    files.ca(&ca.pem).crl(&ca.list(-2, &[7]));
    let trust = files.open();
    let (good, revoked) = (ca.leaf("workload/historian", 8), ca.leaf("workload/spy", 7));
    trust.look(now());
    let sound = ca.list(-1, &[7]);
    let impostor = Ca::new("spire");
    let whole_leaf = pem_of(&ca.leaf("workload/historian", 9));
    for (ca_pem, crl, why) in [
        (ca.pem.as_str(), "", "no revocation list in it"),
        (&ca.pem, &sound[..sound.len() / 2], "list"),
        (&ca.pem, &impostor.list(-1, &[]), "no revocation list of"),
        (
            &ca.pem,
            &(sound.clone() + &impostor.list(-1, &[])),
            "not signed by any",
        ),
        (&ca.pem, &ca.list(-3, &[]), "older than the one in force"),
        ("", &sound, "0 certificates"),
        (&ca.pem[..ca.pem.len() / 2], &sound, "certificate"),
        (
            &(ca.pem.clone() + &whole_leaf),
            &sound,
            "no certificate of an authority",
        ),
    ] {
        files.ca(ca_pem).crl(crl);
        assert!(trust.look(now()).is_empty(), "{why}");
        assert!(trouble(&trust).contains(why), "{why}: {}", trouble(&trust));
        assert!(vouch(&trust, &good).is_ok(), "{why}");
        assert!(vouch(&trust, &revoked).unwrap_err().is_revoked(), "{why}");
    }
    fs::remove_file(&files.config.ca).unwrap();
    trust.look(now());
    assert!(
        trouble(&trust).contains("No such file"),
        "{}",
        trouble(&trust)
    );
    assert!(vouch(&trust, &good).is_ok());
    files.ca(&ca.pem).crl(&sound);
    assert_eq!(trust.look(now()).len(), 1);
    assert_eq!(trouble(&trust), "");
}

fn pem_of(der: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[test]
fn what_was_last_known_outlives_a_restart() {
    let (ca, files) = (Ca::new("spire"), Files::new(true, None));
    files.ca(&ca.pem).crl(&ca.list(-2, &[7]));
    files.open().look(now());
    let (good, revoked) = (ca.leaf("workload/historian", 8), ca.leaf("workload/spy", 7));
    for (ca_pem, crl) in [("", String::new()), (&*ca.pem, ca.list(-3, &[]))] {
        files.ca(ca_pem).crl(&crl);
        let trust = files.open();
        assert!(vouch(&trust, &good).is_ok());
        assert!(vouch(&trust, &revoked).unwrap_err().is_revoked());
        assert_ne!(trouble(&trust), "");
        assert_eq!(trust.look(now()).len(), 1, "what holds is recorded");
    }
    // Who names other files means others.
    let mut elsewhere = files.config.clone();
    elsewhere.ca = files.folder.path().join("other.pem");
    let trust = Trust::open("waterworks", None, &[elsewhere], &files.state(), now()).unwrap();
    assert!(vouch(&trust, &good).is_err());
}

#[test]
fn trust_grows_old_by_its_list_and_by_its_file() {
    let (ca, files) = (Ca::new("spire"), Files::new(true, None));
    let leaf = ca.leaf("workload/historian", 8);
    let is_stale = |trust: &Trust, hours: i64| {
        let verified = vouch(trust, &leaf).unwrap();
        verified.freshness().is_stale(hours_later(hours))
    };
    // By its own word: 24 hours from when it was made.
    files.ca(&ca.pem).crl(&ca.list(-2, &[]));
    let trust = files.open();
    assert!(!is_stale(&trust, 21));
    assert!(is_stale(&trust, 22));
    // As configured, and a list that somebody brings makes it young again, for who is in as well.
    let mut files = files;
    files.config.stale_after = Some(Duration::from_secs(48 * 3_600));
    let trust = files.open();
    let inside = vouch(&trust, &leaf).unwrap();
    assert!(!inside.freshness().is_stale(hours_later(45)));
    assert!(inside.freshness().is_stale(hours_later(46)));
    files.crl(&ca.list(0, &[]));
    trust.look(now());
    assert!(!inside.freshness().is_stale(hours_later(47)));
    // Without a list, by when the file was last refreshed.
    let files = Files::new(false, Some(48));
    files.ca(&ca.pem);
    let refreshed = |hours: i64| {
        let file = fs::File::options()
            .write(true)
            .open(&files.config.ca)
            .unwrap();
        let s = u64::try_from(NOW_S + hours * HOUR_S).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(s))
            .unwrap();
    };
    refreshed(-24);
    let trust = files.open();
    trust.look(now());
    assert!(!is_stale(&trust, 23));
    assert!(is_stale(&trust, 24));
    // A restart without the file remembers its age.
    fs::remove_file(&files.config.ca).unwrap();
    let again = files.open();
    assert!(!is_stale(&again, 23));
    assert!(is_stale(&again, 24));
    // The same file again is no news for the record, and makes it young.
    files.ca(&ca.pem);
    refreshed(0);
    assert!(trust.look(now()).is_empty());
    assert!(!is_stale(&trust, 47));
    // Who asks for neither never has it grow old.
    let files = Files::new(false, None);
    files.ca(&ca.pem);
    assert!(!is_stale(&files.open(), 1_000_000));
}

#[test]
fn an_authority_whose_own_certificate_is_over_vouches_for_nobody() {
    let ca = Ca::valid("spire", (NOW_S - HOUR_S, NOW_S + HOUR_S));
    let files = Files::new(false, None);
    files.ca(&ca.pem);
    let trust = files.open();
    let leaf = ca.leaf("workload/historian", 8);
    assert!(vouch_at(&trust, &leaf, &[], NOW_S + HOUR_S).is_ok());
    let over = vouch_at(&trust, &leaf, &[], NOW_S + HOUR_S + 1);
    assert!(matches!(over, Err(Untrusted::Authority(_))), "{over:?}");
}

#[test]
fn intermediates_are_judged_by_the_list_of_whoever_signed_them() {
    let root = Ca::new("root");
    let (good, bad) = (root.below("good", 5), root.below("bad", 6));
    let files = Files::new(true, None);
    let ca = [root.pem.as_str(), &good.pem, &bad.pem].concat();
    let lists = [root.list(-1, &[6]), good.list(-1, &[]), bad.list(-1, &[])].concat();
    files.ca(&ca).crl(&lists);
    let trust = files.open();
    assert_eq!(trouble(&trust), "");
    let others = |ca: &Ca| vec![CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap()];
    let judged = |ca: &Ca, others: &[CertificateDer<'_>]| {
        let leaf = ca.leaf("workload/historian", 7);
        vouch_at(&trust, &leaf, others, NOW_S).map(|_| ())
    };
    assert_eq!(judged(&good, &others(&good)), Ok(()));
    assert_eq!(judged(&good, &[]), Ok(()));
    assert!(judged(&bad, &others(&bad)).is_err());
    assert!(judged(&bad, &[]).is_err());
    // Of an intermediate that is not in the file nobody knows whom it revoked.
    let unknown = root.below("unknown", 9);
    assert!(judged(&unknown, &others(&unknown)).is_err());
}

#[test]
fn two_keys_of_one_name_do_not_get_each_others_lists() {
    let (old, new) = (Ca::new("spire"), Ca::new("spire"));
    let files = Files::new(true, None);
    files
        .ca(&[old.pem.as_str(), &new.pem].concat())
        .crl(&(old.list(-1, &[7]) + &new.list(-2, &[8])));
    let trust = files.open();
    assert_eq!(trouble(&trust), "");
    let judged = |ca: &Ca, serial| vouch(&trust, &ca.leaf("workload/historian", serial)).is_ok();
    assert!(judged(&old, 8) && judged(&new, 7));
    assert!(!judged(&old, 7) && !judged(&new, 8));
}
