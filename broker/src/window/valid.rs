//! Whether a window's grant counts. Neither the register nor the journal is believed in this: who
//! has the gateway can write what they like there, and has no approver's key.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use interlock_protocols::grant::{Grant, Kind, NotAGrant};
use interlock_protocols::record::{KeptWindow, WindowEnd};
use interlock_protocols::root::{Approver, ApproverList, PlantBundle};

use crate::clock::Now;
use crate::limits::GRANTS_BELIEVED_MAX;
use crate::mediation::Broker;
use crate::register::{Register, Restraints};
use crate::root::{RootKey, Signed, is_signed_by_approver};
use crate::subject::SubjectId;

/// What windows rest on: which gateway this is, and what the site root signed.
pub struct Reliance {
    gateway: String,
    root: RootKey,
    approvers: Signed<ApproverList>,
    plant: Signed<PlantBundle>,
    /// Signatures that were found good, by the digest of all that they were found good for.
    believed: Mutex<HashMap<[u8; 32], Arc<Believed>>>,
}

/// A grant, and which of the signatures under it are good. That is for ever; what else makes a
/// grant count may change and is judged each time.
#[derive(Debug)]
struct Believed {
    grant: Box<[u8]>,
    points: Vec<String>,
    keys: Vec<[u8; 32]>,
}

/// A window whose grant enough approvers signed who may still do so. Nobody else can make one:
///
/// ```compile_fail,E0451
/// # use interlock_broker::window::Valid;
/// fn claimed(number: u64) -> Valid {
///     Valid { number, believed: Default::default(), signers: Vec::new() }
/// }
/// ```
///
/// but [`Broker::valid_window`] and [`Reliance::judge`] alone:
///
/// ```
/// # use interlock_broker::{clock::Now, mediation::Broker, window::Valid};
/// fn found(broker: &Broker, number: u64, now: Now) -> Option<Valid> {
///     broker.valid_window(number, now).ok()
/// }
/// ```
///
/// It says nothing of the time: when it holds, and how often, stands in the grant.
#[derive(Clone, Debug)]
#[must_use]
pub struct Valid {
    number: u64,
    believed: Arc<Believed>,
    signers: Vec<String>,
}

impl Valid {
    /// The window's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The grant, without the signatures. It was read before, so that no error is left; whoever
    /// meets one denies.
    pub fn grant(&self) -> Result<Grant<'_>, NotAGrant> {
        Grant::read_unsigned(&self.believed.grant)
    }

    /// Names of its points when it was asked for, in the order of the grant: for screens.
    pub fn points(&self) -> &[String] {
        &self.believed.points
    }

    /// Those whose signatures count, as SPIFFE ids in alphabetical order.
    pub fn signers(&self) -> &[String] {
        &self.signers
    }
}

/// Why a window opens nothing, whatever the time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Invalid {
    /// No site root is pinned here, so nobody could have approved anything.
    NoRoot,
    /// There is none of this number.
    Unknown,
    /// Its grant cannot be read.
    NotAGrant(NotAGrant),
    /// Its grant was made for another site, or by another gateway.
    Elsewhere,
    /// An earlier window has the same grant.
    Replayed(u64),
    /// The plant is another one since it was asked for.
    Outdated,
    /// It has fewer approvals that count than it takes.
    Short {
        /// So many count.
        has: usize,
        /// So many it takes.
        quorum: u8,
        /// So many were given, whether or not they count.
        given: usize,
    },
    /// An approver refused it.
    Refused,
    /// It came to its end.
    Ended(WindowEnd),
    /// It was revoked; the number of the restriction, where it has one.
    Revoked(Option<u64>),
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Invalid::NoRoot => f.write_str(NO_ROOT),
            Invalid::Unknown => f.write_str("there is no such window"),
            Invalid::NotAGrant(why) => write!(f, "its grant cannot be read: {why}"),
            Invalid::Elsewhere => {
                f.write_str("its grant was made for another site or another gateway")
            }
            Invalid::Replayed(first) => write!(f, "it repeats the grant of window {first}"),
            Invalid::Outdated => f.write_str("the plant is another one since it was asked for"),
            Invalid::Short {
                has,
                quorum,
                given: 0,
            } if *has == 0 => write!(f, "nobody approved it, and it takes {quorum}"),
            Invalid::Short { has, quorum, given } => {
                write!(f, "{has} of {given} approvals count, and it takes {quorum}")
            }
            Invalid::Refused => f.write_str("it was refused"),
            Invalid::Ended(end) => write!(f, "it is {}", end.name()),
            Invalid::Revoked(None) => f.write_str("it was revoked"),
            Invalid::Revoked(Some(number)) => write!(f, "it was revoked (restriction {number})"),
        }
    }
}

impl std::error::Error for Invalid {}

pub(super) const NO_ROOT: &str = "this gateway has no site root, so nobody can approve anything: have whoever administers it \
     make one with `interlock root init`, sign approvers and plant with it, and pin it in \
     edge.toml under [root]";

impl Reliance {
    /// What the gateway of this name rests on.
    pub fn new(
        gateway: &str,
        root: RootKey,
        approvers: Signed<ApproverList>,
        plant: Signed<PlantBundle>,
    ) -> Reliance {
        Reliance {
            gateway: gateway.to_owned(),
            root,
            approvers,
            plant,
            believed: Mutex::default(),
        }
    }

    /// The gateway's name.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// The pinned root.
    pub fn root(&self) -> &RootKey {
        &self.root
    }

    /// SHA-256 of the plant in force.
    pub fn plant(&self) -> &[u8; 32] {
        &self.plant.document().digest
    }

    /// Who may approve.
    pub fn approvers(&self) -> &[Approver] {
        &self.approvers.document().approvers
    }

    /// Whether a window opens anything, whatever the time.
    pub fn judge(&self, register: &Register, window: &KeptWindow) -> Result<Valid, Invalid> {
        let number = window.number;
        if let Some(restraint) = register.restraints.window_revoked(number) {
            return Err(Invalid::Revoked(restraint.number()));
        }
        if window.refused.is_some() {
            return Err(Invalid::Refused);
        }
        if let Some(ended) = &window.ended {
            return Err(Invalid::Ended(ended.end));
        }
        let requested = &window.requested;
        let grant = Grant::read_unsigned(&requested.grant).map_err(Invalid::NotAGrant)?;
        if (grant.kind, grant.site, grant.gateway)
            != (Kind::Window, self.root.site(), &self.gateway)
        {
            return Err(Invalid::Elsewhere);
        }
        let first = register.windows.first_of(&requested.grant);
        if let Some(first) = first.filter(|first| *first < number) {
            return Err(Invalid::Replayed(first));
        }
        if grant.plant != self.plant() {
            return Err(Invalid::Outdated);
        }
        let believed = self.believe(window, &grant);
        let signers = self.signers(&register.restraints, &grant, &believed);
        if signers.len() < usize::from(grant.quorum) {
            return Err(Invalid::Short {
                has: signers.len(),
                quorum: grant.quorum,
                given: window.approvals.len(),
            });
        }
        Ok(Valid {
            number,
            believed,
            signers,
        })
    }

    /// Whose signatures under a window's grant count, as SPIFFE ids in alphabetical order.
    pub(super) fn counting(&self, register: &Register, window: &KeptWindow) -> Vec<String> {
        let Ok(grant) = Grant::read_unsigned(&window.requested.grant) else {
            return Vec::new();
        };
        let believed = self.believe(window, &grant);
        self.signers(&register.restraints, &grant, &believed)
    }

    /// Of those whose signatures are good the ones that count, each once.
    fn signers(
        &self,
        restraints: &Restraints,
        grant: &Grant<'_>,
        believed: &Believed,
    ) -> Vec<String> {
        let holder = SubjectId::parse(grant.holder).ok();
        let counts = |approver: &&Approver| {
            let who = SubjectId::parse(&approver.subject).ok();
            let (Some(who), Some(holder)) = (who, &holder) else {
                return false;
            };
            who != *holder
                && grant.approvers().contains(&approver.key)
                && self.common_firm(&who, holder).is_none()
                && restraints.revoked(&who, None, None).is_none()
        };
        let signed = |key: &[u8; 32]| self.approvers().iter().find(|one| one.key == *key);
        let signed = believed.keys.iter().filter_map(signed).filter(counts);
        let once: BTreeMap<&str, ()> = signed.map(|one| (one.subject.as_str(), ())).collect();
        once.into_keys().map(str::to_owned).collect()
    }

    /// The vendor that two work for. The site's own people work for none.
    pub(super) fn common_firm(&self, one: &SubjectId, other: &SubjectId) -> Option<String> {
        let (ones, others) = (self.firms(one), self.firms(other));
        let same = |firm: &&str| others.iter().any(|it| it.eq_ignore_ascii_case(firm));
        ones.into_iter().find(same).map(str::to_owned)
    }

    /// By their name, and by what the list says of them.
    fn firms<'a>(&'a self, who: &'a SubjectId) -> Vec<&'a str> {
        let listed = self.approvers().iter();
        let listed = listed.filter(|one| one.subject == who.as_str());
        let listed = listed.filter_map(|one| one.firm.as_deref().map(str::trim));
        who.firm().into_iter().chain(listed).collect()
    }

    /// Which signatures under a grant are good. Ed25519 is computed once for the same bytes.
    fn believe(&self, window: &KeptWindow, grant: &Grant<'_>) -> Arc<Believed> {
        let digest = digest(window);
        if let Some(believed) = self.cache().get(&digest) {
            return Arc::clone(believed);
        }
        let good = window.approvals.iter().map(|kept| &kept.approved);
        let good = good.filter(|it| is_signed_by_approver(&it.key, grant.body, &it.signature));
        let believed = Arc::new(Believed {
            keys: good.map(|approved| approved.key).collect(),
            grant: window.requested.grant.clone().into_boxed_slice(),
            points: window.requested.points.clone(),
        });
        let mut cache = self.cache();
        if cache.len() >= GRANTS_BELIEVED_MAX {
            cache.clear();
        }
        cache.insert(digest, Arc::clone(&believed));
        believed
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<Believed>>> {
        self.believed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn cached(&self) -> usize {
        self.cache().len()
    }
}

/// Of all that goes into a [`Believed`], each part with its length before it.
fn digest(window: &KeptWindow) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let mut part = |bytes: &[u8]| {
        context.update(&bytes.len().to_be_bytes());
        context.update(bytes);
    };
    part(&window.requested.grant);
    for kept in &window.approvals {
        part(&kept.approved.key);
        part(&kept.approved.signature);
    }
    part(&[]);
    for name in &window.requested.points {
        part(name.as_bytes());
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

impl Broker {
    /// Says what windows rest on, before the first session. The first word counts; without one no
    /// window opens anything.
    pub fn rely_on(&self, reliance: Reliance) {
        let _first = self.reliance.set(reliance);
        self.follow_windows(&self.register());
    }

    /// What windows rest on.
    pub fn reliance(&self) -> Option<&Reliance> {
        self.reliance.get()
    }

    /// The window of a number, if its grant counts at this moment. Cheap enough for each command:
    /// signatures that were verified once are known again by their digest. Whether it is open now
    /// stands in the grant.
    pub fn valid_window(&self, number: u64, now: Now) -> Result<Valid, Invalid> {
        let reliance = self.reliance().ok_or(Invalid::NoRoot)?;
        let register = self.register();
        let window = register.windows.numbered(number).ok_or(Invalid::Unknown)?;
        let valid = reliance.judge(&register, window)?;
        let grant = valid.grant().map_err(Invalid::NotAGrant)?;
        let (_, end_ms) = grant.reach_ms();
        if u64::try_from(now.wall_ms()).is_ok_and(|wall_ms| wall_ms >= end_ms) {
            return Err(Invalid::Ended(WindowEnd::Over));
        }
        Ok(valid)
    }
}
