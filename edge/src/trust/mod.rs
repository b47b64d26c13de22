//! Whose word on clients counts at this moment: the gateway's own issuer, and authorities of
//! others, each as far as its bindings go.
//!
//! Authorities of others are known by files that somebody else refreshes. With the WAN gone, or
//! with a file that was written badly, what was last known goes on holding, revocations included;
//! it grows old, and policy is told when it is too old.

mod keep;
mod kept;
mod material;
mod revocations;
#[cfg(test)]
mod tests;
mod verifier;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use interlock_broker::authority::{Listener, Outside, TrustedAuthority, Verified};
use interlock_broker::clock::Now;
use interlock_broker::subject::{Identity, NoIdentity};
use interlock_protocols::conduit::TrustStatus;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, Error};
use tokio::sync::watch;

use self::keep::Look;
pub(crate) use self::keep::keep;
use self::kept::Kept;
use self::material::{Material, Texts, Unusable};
pub(crate) use self::verifier::Verifier;
use crate::config::TrustConfig;

/// Why nobody vouches for a certificate.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub(crate) enum Untrusted {
    /// Its chain ends in no authority that is trusted, or is none.
    #[error("no trusted authority stands behind it: {0}")]
    Chain(Error),
    /// Whoever signed it may not vouch for this subject here.
    #[error(transparent)]
    Outside(#[from] Outside),
    /// It names no subject of this site.
    #[error(transparent)]
    NoIdentity(#[from] NoIdentity),
    /// The authority's own certificate is not valid yet, or has ended.
    #[error("the certificate of the authority `{0}` itself is not valid now")]
    Authority(String),
}

impl Untrusted {
    /// What the TLS alert is made from. It says no more than it must.
    fn into_tls(self) -> Error {
        match self {
            Untrusted::Chain(error) => error,
            Untrusted::Outside(_) | Untrusted::NoIdentity(_) | Untrusted::Authority(_) => {
                Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
            }
        }
    }

    fn is_revoked(&self) -> bool {
        let revoked = Error::InvalidCertificate(CertificateError::Revoked);
        *self == Untrusted::Chain(revoked)
    }

    /// How much it tells: what is known of the certificate's own authority tells more than that
    /// another one does not know it.
    fn rank(&self) -> u8 {
        match self {
            Untrusted::Chain(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => 0,
            Untrusted::Chain(_) => 1,
            _ => 2,
        }
    }
}

/// All who are trusted.
pub(crate) struct Trust {
    site: String,
    members: Vec<Member>,
    changed: watch::Sender<u64>,
}

struct Member {
    authority: TrustedAuthority,
    /// Where it is known from; `None` for our own issuer, which nobody refreshes.
    source: Option<(TrustConfig, Kept)>,
    material: RwLock<Option<Arc<Material>>>,
    /// Why its files are of no use, and since when (ms since 1970 UTC), while that stands.
    trouble: Mutex<Option<(Unusable, i64)>>,
    /// How its files looked when they were last read.
    seen: Mutex<Option<[Option<Look>; 2]>>,
    /// What is in force and was not kept and recorded yet.
    new: Mutex<Option<New>>,
    /// SHA-256 of what was last recorded.
    recorded: Mutex<Option<[u8; 32]>>,
}

/// Something that was put in force.
struct New {
    /// What it was read from; `None` where it is what was kept.
    texts: Option<Texts>,
    digest: [u8; 32],
}

impl Trust {
    /// Those of a configuration. What cannot be read vouches for nobody until it can.
    /// `own_issuer` is our own issuer in PEM, where it is trusted; `state` is where what was last
    /// known is kept.
    pub(crate) fn open(
        site: &str,
        own_issuer: Option<&str>,
        others: &[TrustConfig],
        state: &Path,
        now: Now,
    ) -> Result<Trust, Unusable> {
        let mut members = Vec::new();
        if let Some(issuer) = own_issuer {
            let texts = Texts {
                ca: issuer.to_owned(),
                crl: None,
                ca_ms: now.wall_ms(),
            };
            let own = Member::of(TrustedAuthority::own(), None);
            own.put_in_force(Arc::new(Material::parse(&texts)?), None);
            members.push(own);
        }
        for config in others {
            let authority = TrustedAuthority::external(&config.name, config.bindings.clone());
            let source = (config.clone(), Kept::of(state, config));
            let member = Member::of(authority, Some(source));
            member.recall();
            let read = Texts::read(&config.ca, config.crl.as_deref());
            member.consider(read, now);
            members.push(member);
        }
        Ok(Trust {
            site: site.to_owned(),
            members,
            changed: watch::Sender::new(0),
        })
    }

    /// Finds the authority that vouches for this certificate on this listener. One that has
    /// revoked it has the last word, whoever else would.
    pub(crate) fn vouch(
        &self,
        listener: Listener,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        at: UnixTime,
    ) -> Result<Verified, Untrusted> {
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let mut told = Untrusted::Chain(unknown);
        let mut vouched = None;
        for member in &self.members {
            match member.vouch(&self.site, listener, leaf, intermediates, at) {
                Ok(verified) => vouched = vouched.or(Some(verified)),
                Err(error) if error.is_revoked() => return Err(error),
                Err(error) if error.rank() >= told.rank() => told = error,
                Err(_) => {}
            }
        }
        vouched.ok_or(told)
    }

    /// Counts up each time that somebody may have lost their trust.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// How it stands with the authorities of others.
    pub(crate) fn status(&self, now: Now) -> Vec<TrustStatus> {
        let others = self.members.iter().filter(|member| member.source.is_some());
        others.map(|member| member.status(now)).collect()
    }

    /// What is wrong with the files of others, each with the file that is at fault.
    pub(crate) fn troubles(&self, now: Now) -> Vec<(&TrustConfig, String)> {
        let troubles = self.members.iter().filter_map(|member| {
            let (config, _) = member.source.as_ref()?;
            let trouble = member.trouble().map(|(why, _)| why.to_string());
            let stale = member.authority.freshness().is_stale(now);
            let stale = stale.then(|| "what is known of it is too old".to_owned());
            Some((config, trouble.or(stale)?))
        });
        troubles.collect()
    }
}

impl Member {
    fn of(authority: TrustedAuthority, source: Option<(TrustConfig, Kept)>) -> Member {
        Member {
            authority,
            source,
            material: RwLock::default(),
            trouble: Mutex::default(),
            seen: Mutex::default(),
            new: Mutex::default(),
            recorded: Mutex::default(),
        }
    }

    fn vouch(
        &self,
        site: &str,
        listener: Listener,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        at: UnixTime,
    ) -> Result<Verified, Untrusted> {
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let mut told = Untrusted::Chain(unknown);
        let at_ms = i64::try_from(at.as_secs().saturating_mul(1_000)).unwrap_or(i64::MAX);
        let material = self.material();
        let mut found = false;
        for anchor in material.iter().flat_map(|material| material.anchors()) {
            match anchor.chain.verify_client_cert(leaf, intermediates, at) {
                Ok(_) if (anchor.valid_ms.0..=anchor.valid_ms.1).contains(&at_ms) => found = true,
                Ok(_) => told = Untrusted::Authority(self.authority.name().to_owned()),
                Err(error) => {
                    let error = Untrusted::Chain(error);
                    if error.is_revoked() {
                        return Err(error);
                    }
                    if error.rank() >= told.rank() {
                        told = error;
                    }
                }
            }
        }
        if !found {
            return Err(told);
        }
        let identity = Identity::of_certificate(leaf, site)?;
        Ok(self.authority.vouch(identity, listener)?)
    }

    fn material(&self) -> Option<Arc<Material>> {
        let material = self.material.read().unwrap_or_else(PoisonError::into_inner);
        material.clone()
    }

    fn trouble(&self) -> Option<(Unusable, i64)> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.clone()
    }

    /// Takes up what was last known, if it is still there and sound.
    fn recall(&self) {
        let kept = self.source.as_ref().and_then(|(_, kept)| kept.read());
        if let Some(material) = kept.and_then(|texts| Material::parse(&texts).ok()) {
            self.put_in_force(Arc::new(material), None);
        }
    }

    /// Judges what was read, and puts it in force if it is sound.
    fn consider(&self, read: Result<Texts, Unusable>, now: Now) {
        let before = self.material();
        let parsed = read.and_then(|texts| {
            let material = Material::parse(&texts)?;
            match &before {
                Some(before) if material.is_behind(before) => Err(Unusable(
                    "its revocation list is older than the one in force: somebody put back an \
                     earlier file"
                        .to_owned(),
                )),
                _ => Ok((texts, material)),
            }
        });
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match parsed {
            Ok((texts, material)) => {
                *trouble = None;
                drop(trouble);
                let same = |before: Arc<Material>| {
                    before.digest == material.digest && before.as_of_ms == material.as_of_ms
                };
                if !before.is_some_and(same) {
                    self.put_in_force(Arc::new(material), Some(texts));
                }
            }
            Err(why) if trouble.as_ref().is_some_and(|(before, _)| *before == why) => {}
            Err(why) => {
                let name = self.authority.name();
                tracing::error!(
                    name,
                    %why,
                    "the files of an authority are of no use: what was last known of it goes on holding"
                );
                *trouble = Some((why, now.wall_ms()));
            }
        }
    }

    fn put_in_force(&self, material: Arc<Material>, texts: Option<Texts>) {
        let digest = material.digest;
        let stale_ms = self.stale_ms(&material);
        let mut in_force = self
            .material
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *in_force = Some(material);
        drop(in_force);
        self.authority.freshness().until(stale_ms);
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        *new = Some(New { texts, digest });
    }

    /// When what is known is too old, ms since 1970 UTC.
    fn stale_ms(&self, material: &Material) -> i64 {
        let Some((config, _)) = &self.source else {
            return i64::MAX;
        };
        let Some(after) = config.stale_after else {
            return material.next_ms.unwrap_or(i64::MAX);
        };
        let after_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        material.as_of_ms.saturating_add(after_ms)
    }

    fn status(&self, now: Now) -> TrustStatus {
        let material = self.material();
        let stale_ms = self.authority.freshness().stale_ms();
        let (error, error_ms) = self.trouble().unzip();
        TrustStatus {
            name: self.authority.name().to_owned(),
            paths: self.authority.bindings().paths.clone(),
            as_of_ms: material.map(|material| material.as_of_ms),
            stale_ms: (stale_ms != i64::MAX).then_some(stale_ms),
            stale: self.authority.freshness().is_stale(now),
            error: error.map(|error| error.to_string()),
            error_ms,
        }
    }
}
