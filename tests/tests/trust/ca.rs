//! An authority of somebody else, and the files that a gateway knows it by.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use interlock::keys::FileKey;
use interlock_broker::proof::sha256;
use interlock_broker::subject::Bound;
use interlock_protocols::identity::{AuthStrength, KeyProtection};
use interlock_tests::harness::{Gateway, Pass};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber, SubjectPublicKeyInfo,
};

const HOUR: Duration = Duration::from_secs(3_600);

/// The authority.
pub(crate) struct Ca {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    pub(crate) fn new(name: &str) -> Ca {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = (SystemTime::now() - HOUR).into();
        params.not_after = (SystemTime::now() + 100 * HOUR).into();
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Ca {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate for `workload/historian` and the like. Where it is `bound` it says that its
    /// owner was there just now, on the machine of that key.
    pub(crate) fn sign(
        &self,
        path: &str,
        serial: u64,
        session: &FileKey,
        bound: Option<&FileKey>,
    ) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, path);
        if let Some(device) = bound {
            let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap();
            let bound = Bound {
                device_key: sha256(device.spki()),
                protection: KeyProtection::Software,
                auth: AuthStrength::UserPresent,
                auth_ms: since_1970.as_millis() as i64,
            };
            let serial_number = bound.serial_number().try_into().unwrap();
            params.distinguished_name.push(
                DnType::CustomDnType(vec![2, 5, 4, 5]),
                DnValue::PrintableString(serial_number),
            );
            params.distinguished_name.push(
                DnType::CustomDnType(vec![2, 5, 4, 13]),
                DnValue::Utf8String(bound.to_string()),
            );
        }
        let uri = format!("spiffe://waterworks/{path}");
        params.subject_alt_names = vec![SanType::URI(uri.as_str().try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_before = (SystemTime::now() - HOUR).into();
        params.not_after = (SystemTime::now() + 10 * HOUR).into();
        let key = SubjectPublicKeyInfo::from_der(session.spki()).unwrap();
        params.signed_by(&key, &self.issuer).unwrap().pem()
    }

    /// The same with keys of its own.
    pub(crate) fn pass(&self, path: &str, serial: u64, is_bound: bool) -> Pass {
        let (session, device) = (FileKey::generate().unwrap(), FileKey::generate().unwrap());
        Pass {
            certificate: self.sign(path, serial, &session, is_bound.then_some(&device)),
            session,
            device,
        }
    }

    /// The profile of a subject whose certificate is this authority's.
    pub(crate) fn profile(&self, gateway: &Gateway, path: &str, is_bound: bool) -> PathBuf {
        let folder = gateway.issue(path);
        let Pass {
            session, device, ..
        } = Pass::of_profile(&folder);
        let certificate = self.sign(path, 1, &session, is_bound.then_some(&device));
        let both = certificate + &session.to_secret_pem();
        fs::write(folder.join("client.pem"), both).unwrap();
        folder
    }

    /// A list of revocations that was made so many minutes ago.
    fn list(&self, minutes: u64, serials: &[u64]) -> String {
        let made = SystemTime::now() - Duration::from_secs(60 * minutes);
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: made.into(),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: made.into(),
            next_update: (made + 24 * HOUR).into(),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// Where its certificates are on the gateway.
    pub(crate) fn file(gateway: &Gateway) -> PathBuf {
        gateway.site().join("trust/spire.pem")
    }

    /// Puts its certificates there.
    pub(crate) fn publish(&self, gateway: &Gateway) {
        let file = Ca::file(gateway);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        replace(&file, &self.pem);
    }

    /// Puts a list there.
    pub(crate) fn revoke(&self, gateway: &Gateway, minutes: u64, serials: &[u64]) {
        let file = gateway.site().join("trust/spire.crl");
        replace(&file, &self.list(minutes, serials));
    }

    /// Has the gateway trust it; `more` is what stands in its table beside the files.
    pub(crate) fn trust(&self, gateway: &Gateway, more: &str) {
        self.publish(gateway);
        let table = format!(
            "\n[[trust]]\nname = \"spire\"\nca = \"trust/spire.pem\"\nlisteners = [\"quic\"]\n{more}"
        );
        gateway.append("edge.toml", &table);
    }
}

/// As whoever refreshes such files does it.
fn replace(file: &std::path::Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, file).unwrap();
}

/// Makes a file as old as if it had been refreshed so many hours ago.
pub(crate) fn age(file: &std::path::Path, hours: u32) {
    let opened = File::options().write(true).open(file).unwrap();
    opened
        .set_modified(SystemTime::now() - hours * HOUR)
        .unwrap();
}
