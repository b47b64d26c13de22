//! Writing a grant.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{
    DOMAIN, Grant, HOLD, Kind, NotAGrant, Point, SIGNATURE_BYTES, SUPERVISED, Span, VERSION,
};

/// A grant as it is put together. See [`Grant`] for the meaning of its fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// What it is.
    pub kind: Kind,
    /// Whether nothing passes unless somebody of another organisation watches.
    pub supervised: bool,
    /// Whether each write waits for the yes of whoever watches.
    pub hold: bool,
    /// How many approvers must sign.
    pub quorum: u8,
    /// Random.
    pub id: [u8; 16],
    /// The site.
    pub site: String,
    /// The gateway.
    pub gateway: String,
    /// The device.
    pub device: String,
    /// The write guard; empty where there is none.
    pub guard: String,
    /// SPIFFE id of the holder.
    pub holder: String,
    /// SHA-256 of the key of their machine.
    pub holder_key: [u8; 32],
    /// SHA-256 of the plant.
    pub plant: [u8; 32],
    /// Most commands with effect, in each span.
    pub max_writes: u32,
    /// For how long break-glass holds, in seconds.
    pub open_s: u32,
    /// The keys of those who may sign.
    pub approvers: Vec<[u8; 32]>,
    /// What may be touched.
    pub points: Vec<Point>,
    /// When.
    pub spans: Vec<Span>,
}

/// A part of a grant is longer than it may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part of the grant is longer than it may be")
    }
}

impl core::error::Error for TooLong {}

impl Draft {
    /// What a grant was put together from, signatures left out: the reverse of [`Draft::encode`].
    pub fn of(grant: &Grant<'_>) -> Draft {
        Draft {
            kind: grant.kind,
            supervised: grant.supervised,
            hold: grant.hold,
            quorum: grant.quorum,
            id: *grant.id,
            site: grant.site.into(),
            gateway: grant.gateway.into(),
            device: grant.device.into(),
            guard: grant.guard.into(),
            holder: grant.holder.into(),
            holder_key: *grant.holder_key,
            plant: *grant.plant,
            max_writes: grant.max_writes,
            open_s: grant.open_s,
            approvers: grant.approvers().to_vec(),
            points: grant.points().collect(),
            spans: grant.spans().collect(),
        }
    }

    /// The grant without a signature: its body, and a zero behind it. Approvers and points are put
    /// in their order.
    pub fn encode(&self) -> Result<Vec<u8>, TooLong> {
        let mut approvers = self.approvers.clone();
        approvers.sort_unstable();
        let mut points = self.points.clone();
        points.sort_unstable_by_key(Point::place);
        let count = |length: usize| u8::try_from(length).map_err(|_| TooLong);
        let kind = match self.kind {
            Kind::Window => 1,
            Kind::BreakGlass => 2,
        };
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = flag(self.supervised, SUPERVISED) | flag(self.hold, HOLD);
        let mut bytes = Vec::from(DOMAIN);
        bytes.extend([VERSION, kind, flags, self.quorum]);
        bytes.extend([
            count(approvers.len())?,
            count(points.len())?,
            count(self.spans.len())?,
        ]);
        bytes.extend(self.id);
        bytes.extend(self.max_writes.to_be_bytes());
        bytes.extend(self.open_s.to_be_bytes());
        bytes.extend(self.holder_key);
        bytes.extend(self.plant);
        let texts = [
            &self.site,
            &self.gateway,
            &self.device,
            &self.guard,
            &self.holder,
        ];
        for text in texts {
            bytes.push(count(text.len())?);
            bytes.extend(text.as_bytes());
        }
        approvers.iter().for_each(|key| bytes.extend(key));
        points
            .iter()
            .for_each(|point| bytes.extend(point.to_bytes()));
        for span in &self.spans {
            bytes.extend(span.start_ms.to_be_bytes());
            bytes.extend(span.length_s.to_be_bytes());
        }
        bytes.push(0);
        Ok(bytes)
    }
}

/// A grant with these signatures, in place of any that it had. Each comes with the key that made
/// it, which is to be one of [`Grant::approvers`]; those of a site root go under any key.
pub fn signed(
    grant: &Grant<'_>,
    signatures: &[([u8; 32], [u8; SIGNATURE_BYTES])],
) -> Result<Vec<u8>, NotAGrant> {
    let place = |key: &[u8; 32]| match grant.kind {
        Kind::Window => grant.approvers().iter().position(|one| one == key),
        Kind::BreakGlass => Some(0),
    };
    let mut placed = Vec::new();
    for (key, signature) in signatures {
        let place = place(key).and_then(|place| u8::try_from(place).ok());
        placed.push((place.ok_or(NotAGrant::Field("signatures"))?, signature));
    }
    placed.sort_unstable_by_key(|(place, _)| *place);
    let mut bytes = Vec::from(grant.body);
    bytes.push(u8::try_from(placed.len()).map_err(|_| NotAGrant::Length)?);
    for (place, signature) in placed {
        bytes.push(place);
        bytes.extend(signature);
    }
    Grant::read(&bytes)?;
    Ok(bytes)
}
