//! Reading a grant: each field at its place, and nothing that no grant says.

use super::{DOMAIN, Grant, HOLD, Kind, NotAGrant, Point, SUPERVISED, VERSION};
use crate::limits::{
    GRANT_APPROVERS_MAX, GRANT_MAX_BYTES, GRANT_OPEN_MAX_S, GRANT_POINTS_MAX, GRANT_SEALED_MAX_S,
    GRANT_SPAN_MAX_S, GRANT_SPANS_MAX,
};

/// Takes fields off the front of bytes.
struct Front<'a>(&'a [u8]);

impl<'a> Front<'a> {
    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], NotAGrant> {
        let (field, rest) = self.0.split_first_chunk().ok_or(NotAGrant::Length)?;
        self.0 = rest;
        Ok(field)
    }

    fn byte(&mut self) -> Result<u8, NotAGrant> {
        self.array::<1>().map(|[byte]| *byte)
    }

    fn word(&mut self) -> Result<u32, NotAGrant> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }

    fn text(&mut self) -> Result<&'a str, NotAGrant> {
        let length = usize::from(self.byte()?);
        let (text, rest) = self.0.split_at_checked(length).ok_or(NotAGrant::Length)?;
        self.0 = rest;
        if !text.iter().all(u8::is_ascii_graphic) {
            return Err(NotAGrant::Text);
        }
        core::str::from_utf8(text).map_err(|_| NotAGrant::Text)
    }

    fn many<const N: usize>(&mut self, count: u8) -> Result<&'a [[u8; N]], NotAGrant> {
        let bytes = usize::from(count).checked_mul(N).ok_or(NotAGrant::Length)?;
        let (field, rest) = self.0.split_at_checked(bytes).ok_or(NotAGrant::Length)?;
        self.0 = rest;
        Ok(field.as_chunks().0)
    }
}

impl<'a> Grant<'a> {
    /// Takes a grant apart, with its signatures. It must be there whole, and nothing behind it.
    pub fn read(bytes: &'a [u8]) -> Result<Grant<'a>, NotAGrant> {
        if bytes.len() > GRANT_MAX_BYTES {
            return Err(NotAGrant::Length);
        }
        let mut front = Front(bytes);
        if front.array().map_err(|_| NotAGrant::Domain)? != DOMAIN {
            return Err(NotAGrant::Domain);
        }
        let version = front.byte()?;
        if version != VERSION {
            return Err(NotAGrant::Version(version));
        }
        let kind = match front.byte()? {
            1 => Kind::Window,
            2 => Kind::BreakGlass,
            _ => return Err(NotAGrant::Field("its kind")),
        };
        let flags = front.byte()?;
        let [quorum, approvers, points, spans] = *front.array()?;
        let id = front.array()?;
        let max_writes = front.word()?;
        let open_s = front.word()?;
        let holder_key = front.array()?;
        let plant = front.array()?;
        let site = front.text()?;
        let gateway = front.text()?;
        let device = front.text()?;
        let guard = front.text()?;
        let holder = front.text()?;
        let approvers = front.many(approvers)?;
        let points = front.many(points)?;
        let spans = front.many(spans)?;
        let body_bytes = bytes.len().saturating_sub(front.0.len());
        let body = bytes.get(..body_bytes).ok_or(NotAGrant::Length)?;
        let signatures = front.byte()?;
        let signatures = front.many(signatures)?;
        if !front.0.is_empty() {
            return Err(NotAGrant::Length);
        }
        if flags & !(SUPERVISED | HOLD) != 0 {
            return Err(NotAGrant::Field("its flags"));
        }
        let grant = Grant {
            kind,
            supervised: flags & SUPERVISED != 0,
            hold: flags & HOLD != 0,
            quorum,
            id,
            site,
            gateway,
            device,
            guard,
            holder,
            holder_key,
            plant,
            max_writes,
            open_s,
            body,
            approvers,
            points,
            spans,
            signatures,
        };
        grant.judge()?;
        Ok(grant)
    }

    /// Takes apart what is to be signed: a grant that nobody has signed yet.
    pub fn read_unsigned(bytes: &'a [u8]) -> Result<Grant<'a>, NotAGrant> {
        let grant = Grant::read(bytes)?;
        if grant.signatures.is_empty() {
            Ok(grant)
        } else {
            Err(NotAGrant::Field("signatures"))
        }
    }

    fn judge(&self) -> Result<(), NotAGrant> {
        let field = |holds: bool, what| holds.then_some(()).ok_or(NotAGrant::Field(what));
        let names = [self.site, self.gateway, self.device];
        if names.iter().any(|name| name.is_empty()) {
            return Err(NotAGrant::Text);
        }
        field(
            (1..=GRANT_POINTS_MAX).contains(&self.points.len()),
            "points",
        )?;
        field((1..=GRANT_SPANS_MAX).contains(&self.spans.len()), "spans")?;
        field(
            self.approvers.is_sorted_by(|one, other| one < other),
            "approvers",
        )?;
        match self.kind {
            Kind::Window => {
                let approvers = 1..=GRANT_APPROVERS_MAX;
                field(approvers.contains(&self.approvers.len()), "approvers")?;
                let quorum = usize::from(self.quorum);
                field((1..=self.approvers.len()).contains(&quorum), "its quorum")?;
                field(!self.holder.is_empty() && self.open_s == 0, "its holder")?;
            }
            Kind::BreakGlass => {
                let nobody = self.approvers.is_empty() && self.quorum == 0;
                field(nobody, "approvers")?;
                let anybody = self.holder.is_empty() && self.holder_key == &[0; 32];
                field(anybody && !self.supervised && !self.hold, "its holder")?;
                let open = (1..=GRANT_OPEN_MAX_S).contains(&self.open_s);
                field(open && self.spans.len() == 1, "its time")?;
            }
        }
        self.judge_times()?;
        let signed = self.signatures().map(|signature| signature.approver);
        field(signed.is_sorted_by(|one, other| one < other), "signatures")?;
        let places = self
            .signatures()
            .all(|signature| usize::from(signature.approver) < self.approvers.len().max(1));
        field(places, "signatures")?;
        field(
            self.points.iter().all(|point| Point::read(point).is_some()),
            "points",
        )?;
        let keys = self.points().map(|point| point.place());
        field(
            keys.is_sorted_by(|one, other| one.1 < other.0),
            "the order of points",
        )
    }

    /// Spans come in order and do not touch: one that continues another is the same.
    fn judge_times(&self) -> Result<(), NotAGrant> {
        let mut free_from_ms = None;
        for span in self.spans() {
            let longest = match self.kind {
                Kind::Window => GRANT_SPAN_MAX_S,
                Kind::BreakGlass => GRANT_SEALED_MAX_S,
            };
            let late = free_from_ms.is_none_or(|free_ms| span.start_ms > free_ms);
            // Such a time is beyond every calendar that could show it to somebody.
            let known = span.end_ms() <= i64::MAX.cast_unsigned();
            if !(1..=longest).contains(&span.length_s) || !late || !known {
                return Err(NotAGrant::Field("spans"));
            }
            free_from_ms = Some(span.end_ms());
        }
        Ok(())
    }
}
