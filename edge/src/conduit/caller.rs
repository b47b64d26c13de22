//! Whoever is at the other end of a connection: their certificate, what this connection has that
//! no other has, and so what they can prove of their machine.

use std::io;

use interlock_broker::authority::Verified;
use interlock_broker::mediation::Session;
use interlock_broker::posture::{self, Evidence, NotBelieved};
use interlock_broker::proof::{self, NotProven, Proven};
use interlock_protocols::conduit::ToClient;
use interlock_protocols::identity::{EXPORTER_LABEL, PostureReport, Signed};
use quinn::Connection;

use crate::service::Edge;

/// Somebody whose certificate was verified, in one connection.
pub(super) struct Caller {
    pub(super) verified: Verified,
    exporter: [u8; 32],
}

/// What is known of the report that came with a proof, if one came.
pub(super) type Reported = Option<Result<Evidence, NotBelieved>>;

impl Caller {
    pub(super) fn of(connection: &Connection, verified: Verified) -> io::Result<Caller> {
        let mut exporter = [0; 32];
        connection
            .export_keying_material(&mut exporter, EXPORTER_LABEL, b"")
            .map_err(|_| io::Error::other("this connection gives no exporter"))?;
        Ok(Caller { verified, exporter })
    }

    /// Judges the proof that a session is opened with. A report that is not believed costs no
    /// session: what needs no word of the machine may still be done.
    pub(super) fn proven(
        &self,
        edge: &Edge,
        device: &Signed,
        report: Option<&PostureReport>,
    ) -> Result<(Proven<'_>, Reported), NotProven> {
        let proven = self.prove(edge, device, report)?;
        let now = edge.clock().now();
        let reported =
            report.map(|report| posture::believe(report, &proven, edge.posture_terms(), now));
        Ok((proven, reported))
    }

    /// Takes up a later report, and gives the answer to it. `None`: the proof that goes with it is
    /// none, which ends the session.
    pub(super) fn report(
        &self,
        edge: &Edge,
        session: &Session,
        device: &Signed,
        report: &PostureReport,
    ) -> Result<ToClient, NotProven> {
        let proven = self.prove(edge, device, Some(report))?;
        let now = edge.clock().now();
        let heard = session.hear_posture(report, &proven, edge.posture_terms(), now);
        Ok(answer(edge, session, heard.err()))
    }

    /// The proof is made for this connection, and for this report. It counts for nothing where the
    /// certificate names no machine, and need not.
    fn prove(
        &self,
        edge: &Edge,
        device: &Signed,
        report: Option<&PostureReport>,
    ) -> Result<Proven<'_>, NotProven> {
        let here = edge.server_name();
        let identity = self.verified.identity();
        let shown = proof::prove(identity, &self.exporter, here, device, report);
        match shown {
            // What it says counts for nothing where the certificate names no machine and need not.
            Err(NotProven::NotBound) => proof::excused(&self.verified),
            shown => shown,
        }
    }
}

/// What a client is told of a report of theirs.
pub(super) fn answer(edge: &Edge, session: &Session, why: Option<NotBelieved>) -> ToClient {
    let left = session.posture_left(edge.clock().now());
    let why = match (why, left) {
        (None, Some(left)) => {
            let holds_s = left.as_secs_f64().round() as u32;
            return ToClient::Posture {
                holds_s: Some(holds_s),
                reason: String::new(),
                next: String::new(),
            };
        }
        (None, None) => NotBelieved::TooOften,
        (Some(why), _) => why,
    };
    ToClient::Posture {
        holds_s: None,
        reason: why.to_string(),
        next: why.next().to_owned(),
    }
}
