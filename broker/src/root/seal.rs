//! Sealed grants: made offline, long before the emergency that they are for, and opened once with
//! the key switch beside the gateway.

use aws_lc_rs::rand;
use interlock_protocols::conduit::WindowLimit;
use interlock_protocols::grant::{self, Draft, Grant, NotAGrant, Span};
use interlock_protocols::limits::{GRANT_OPEN_MAX_S, GRANT_SEALED_MAX_S};

use super::NotTrusted;
use super::key::{RootKey, RootSecret};
use crate::clock::Now;
use crate::document::is_name;
use crate::plant::Plant;
use crate::proof::sha256;
use crate::window::{Wanted, Wrong};

/// What a sealed grant is made of.
#[derive(Clone, Copy, Debug)]
pub struct Sealing<'a> {
    /// The plant, and the very bytes of its file.
    pub plant: (&'a Plant, &'a [u8]),
    /// The gateway that may open it.
    pub gateway: &'a str,
    /// The device.
    pub device: &'a str,
    /// Its points, by name.
    pub points: &'a [String],
    /// Codes of the Modbus functions; reading the points is among them, said or not.
    pub functions: &'a [u8],
    /// Narrower limits for points, in engineering units.
    pub limits: &'a [WindowLimit],
    /// Most commands with effect.
    pub max_writes: u32,
    /// For how long it holds once it was opened, in seconds.
    pub open_s: u32,
    /// When it may be opened.
    pub span: Span,
}

/// Why nothing was sealed.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum NotSealed {
    /// The plant is that of another site.
    #[error("it is the plant of `{plant}`, and the root is of `{root}`")]
    OtherSite {
        /// The plant's.
        plant: String,
        /// The root's.
        root: String,
    },
    /// The gateway's name is none.
    #[error("`{0}` is no name of a gateway: it has 1 to 64 of a-z, 0-9, `_` and `-`")]
    NotAGateway(String),
    /// No such device.
    #[error("the plant has no device `{0}`")]
    NoDevice(String),
    /// What is to be opened cannot be.
    #[error("{0}")]
    Wrong(#[from] Wrong),
    /// It would be open for no time, or for too long.
    #[error("it can be open for 1 second to {} hours", GRANT_OPEN_MAX_S / 3_600)]
    Open,
    /// It could be opened at no time, or for too long.
    #[error("it can be opened within 1 second to {} days: seal another one in time", GRANT_SEALED_MAX_S / 86_400)]
    Span,
    /// Its time is over already, by the clock of this machine.
    #[error("the time in which it can be opened is over already, by the clock of this machine")]
    Over,
    /// A part of it is longer than it may be.
    #[error("a part of it is longer than it may be")]
    TooLong,
    /// The system gave no randomness.
    #[error("the system gave no randomness")]
    NoRandomness,
    /// It would be none.
    #[error("{0}")]
    NotAGrant(#[from] NotAGrant),
}

/// A sealed grant, its signature that of the root, its site this one. It can only be made here, out
/// of bytes whose signature was good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed(Box<[u8]>);

impl Sealed {
    /// What it says. It was read before, so that no error is left; whoever meets one denies.
    pub fn grant(&self) -> Result<Grant<'_>, NotAGrant> {
        Grant::read(&self.0)
    }

    /// All of it, with its signature.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl RootSecret {
    /// Seals a grant for one gateway. Whoever has it and turns the key switch there may do what it
    /// says, once.
    pub fn seal(&self, asked: &Sealing<'_>, now: Now) -> Result<Vec<u8>, NotSealed> {
        let (plant, bytes) = asked.plant;
        let site = self.public().site();
        if plant.site() != site {
            return Err(NotSealed::OtherSite {
                plant: plant.site().to_owned(),
                root: site.to_owned(),
            });
        }
        if !is_name(asked.gateway) {
            return Err(NotSealed::NotAGateway(asked.gateway.to_owned()));
        }
        let device = plant.device(asked.device);
        let device = device.ok_or_else(|| NotSealed::NoDevice(asked.device.to_owned()))?;
        judge_times(asked, now)?;
        let wanted = Wanted::read(asked.points, asked.functions, asked.limits)?;
        wanted.judge_writes(asked.max_writes)?;
        // Nobody knows who will open it: limit sets of groups are judged when it is used.
        let scope = wanted.resolve(device, &[])?;
        let mut id = [0; 16];
        rand::fill(&mut id).map_err(|_| NotSealed::NoRandomness)?;
        let draft = Draft {
            kind: grant::Kind::BreakGlass,
            supervised: false,
            hold: false,
            quorum: 0,
            id,
            site: site.to_owned(),
            gateway: asked.gateway.to_owned(),
            device: asked.device.to_owned(),
            guard: String::new(),
            holder: String::new(),
            holder_key: [0; 32],
            plant: sha256(bytes),
            max_writes: asked.max_writes,
            open_s: asked.open_s,
            approvers: Vec::new(),
            points: scope.points,
            spans: vec![asked.span],
        };
        let unsigned = draft.encode().map_err(|_| NotSealed::TooLong)?;
        let grant = Grant::read_unsigned(&unsigned)?;
        let signature = self.sign_bytes(grant.body);
        Ok(grant::signed(&grant, &[([0; 32], signature)])?)
    }
}

fn judge_times(asked: &Sealing<'_>, now: Now) -> Result<(), NotSealed> {
    if !(1..=GRANT_OPEN_MAX_S).contains(&asked.open_s) {
        return Err(NotSealed::Open);
    }
    if !(1..=GRANT_SEALED_MAX_S).contains(&asked.span.length_s) {
        return Err(NotSealed::Span);
    }
    let now_ms = u64::try_from(now.wall_ms()).unwrap_or_default();
    if asked.span.end_ms() <= now_ms {
        return Err(NotSealed::Over);
    }
    Ok(())
}

impl RootKey {
    /// A sealed grant, if this root sealed it for its site.
    pub fn sealed(&self, bytes: &[u8]) -> Result<Sealed, NotTrusted> {
        let grant = Grant::read(bytes).map_err(NotTrusted::NotAGrant)?;
        let mut signatures = grant.signatures();
        let signed = |body, it: grant::Signature<'_>| self.has_signed(body, it.signature);
        match (signatures.next(), signatures.next()) {
            (Some(one), None) if signed(grant.body, one) => {}
            _ => return Err(NotTrusted::BadSignature),
        }
        if grant.site != self.site() {
            return Err(NotTrusted::OtherSite(grant.site.to_owned()));
        }
        if grant.kind != grant::Kind::BreakGlass {
            return Err(NotTrusted::NotAGrant(NotAGrant::Field("its kind")));
        }
        Ok(Sealed(bytes.into()))
    }
}
