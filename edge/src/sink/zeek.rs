//! A command as a line of `modbus_detailed.log`, the log of the ICSNPP parser for Zeek, in Zeek's
//! JSON: field names, names of functions and exceptions, and what is left out where unset.
//!
//! That log has had two layouts. Up to 2023 a request and its response were a line each
//! (`request_response`, `is_orig`, `source_h`, `values`); since then a pair is one line (`request_values`,
//! `response_values`, `matched`, `error_code`). Here an intent is the line of the request and
//! its outcome the line of the response, and each carries the names of both layouts, so that rules
//! written for either apply. Who counts commands counts lines with `"is_orig": true`.
//!
//! What Zeek cannot know stands in fields that begin with `interlock_`. A record that is no Modbus
//! command has no line.

mod names;

use std::net::IpAddr;

use interlock_protocols::modbus::FunctionCode;
use interlock_protocols::record::{
    CommandResult, Denial, DenialSummary, Event, Intent, Outcome, PointValue, ReadSummary, Record,
};
use serde::Serialize;

use super::ascii::{Extent, to_vec};
use super::command::Command;
use super::context::{Context, End, Origin};
use crate::limits::SYSLOG_MESSAGE_MAX_BYTES;
use names::{exception_name, function_name, sub_function_name};

const REQUEST: &str = "REQUEST";
const RESPONSE: &str = "RESPONSE";

/// One line. A field that is not set is not written, as Zeek does.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub(crate) struct Detailed {
    _path: &'static str,
    ts: f64,
    uid: String,
    #[serde(rename = "id.orig_h", skip_serializing_if = "Option::is_none")]
    orig_h: Option<IpAddr>,
    #[serde(rename = "id.orig_p", skip_serializing_if = "Option::is_none")]
    orig_p: Option<u16>,
    #[serde(rename = "id.resp_h", skip_serializing_if = "Option::is_none")]
    resp_h: Option<IpAddr>,
    #[serde(rename = "id.resp_p", skip_serializing_if = "Option::is_none")]
    resp_p: Option<u16>,
    is_orig: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_h: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_p: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_h: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_p: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    func: Option<String>,
    request_response: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_values: Option<Vec<u16>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_values: Option<Vec<u16>>,
    modbus_detailed_link_id: String,
    matched: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_subfunction_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mei_type: Option<&'static str>,
    #[serde(flatten)]
    ours: Ours,
}

/// The fields of our own.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
struct Ours {
    interlock_uid: String,
    interlock_site: String,
    interlock_gateway: String,
    interlock_event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interlock_decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interlock_device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interlock_subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interlock_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interlock_detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interlock_outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interlock_latency_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interlock_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interlock_window: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interlock_policies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interlock_points: Vec<Written>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct Written {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<f64>,
}

/// The line of a record; `None` where it is no Modbus command.
pub(crate) fn detailed(
    origin: &Origin,
    context: &Context,
    record: &Record,
    extent: Extent,
) -> Option<Detailed> {
    let told = Telling {
        origin,
        context,
        record,
        extent,
    };
    match &record.event {
        Event::Intent(intent) => Some(told.intent(intent, record.sequence)),
        Event::Outcome(outcome) => Some(told.outcome(outcome)),
        Event::Denial(denial) => Some(told.denial(denial)),
        Event::DenialSummary(summary) => Some(told.denial_summary(summary)),
        Event::ReadSummary(summary) => Some(told.read_summary(summary)),
        Event::EdgeStarted(_)
        | Event::EdgeStopped(_)
        | Event::PolicyActivated(_)
        | Event::SessionOpened(_)
        | Event::SessionEnded(_)
        | Event::JournalRead(_)
        | Event::EpochStarted(_)
        | Event::Checkpointed(_)
        | Event::RecordsRemoved(_)
        | Event::JournalRecovered(_)
        | Event::JournalAccepted(_)
        | Event::SinkProgress(_)
        | Event::Invited(_)
        | Event::InvitationClosed(_)
        | Event::EnrolmentAsked(_)
        | Event::Enrolled(_)
        | Event::CertificateIssued(_)
        | Event::Restricted(_)
        | Event::Reinstated(_)
        | Event::PostureChanged(_)
        | Event::Asserted(_)
        | Event::ClockDoubted(_)
        | Event::ClockAccepted(_)
        | Event::RegisterKept(_)
        | Event::TrustTakenUp(_)
        | Event::WindowRequested(_)
        | Event::WindowApproved(_)
        | Event::WindowRefused(_)
        | Event::WindowEnded(_)
        | Event::WatchOpened(_)
        | Event::WatchEnded(_)
        | Event::HoldAnswered(_)
        | Event::WriterTaken(_)
        | Event::BreakGlassOpened(_)
        | Event::BreakGlassEnded(_) => None,
    }
}

/// The line as JSON within the bound of a message.
pub(crate) fn line(
    origin: &Origin,
    context: &Context,
    record: &Record,
) -> serde_json::Result<Option<Vec<u8>>> {
    let Some(full) = detailed(origin, context, record, Extent::FULL) else {
        return Ok(None);
    };
    let full = to_vec(&full)?;
    if full.len() <= SYSLOG_MESSAGE_MAX_BYTES - super::rfc5424::HEADER_MAX_BYTES {
        return Ok(Some(full));
    }
    let least = detailed(origin, context, record, Extent::LEAST);
    least.map(|least| to_vec(&least)).transpose()
}

struct Telling<'a> {
    origin: &'a Origin,
    context: &'a Context,
    record: &'a Record,
    extent: Extent,
}

impl Telling<'_> {
    /// A request of a session to a device.
    fn request(&self, session: u64, subject: &str, device: &str) -> Detailed {
        let peer = self.context.peer(session);
        let plc = self.origin.device(device);
        let (orig_h, orig_p) = split(peer);
        let (resp_h, resp_p) = split(plc);
        Detailed {
            _path: "modbus_detailed",
            ts: seconds(self.record.time_ms),
            uid: format!("{}-{session}", self.origin.gateway()),
            orig_h,
            orig_p,
            resp_h,
            resp_p,
            is_orig: true,
            source_h: orig_h,
            source_p: orig_p,
            destination_h: resp_h,
            destination_p: resp_p,
            request_response: REQUEST,
            modbus_detailed_link_id: self.origin.uid(self.record.sequence),
            ours: Ours {
                interlock_subject: Some(self.clip(subject)),
                interlock_device: Some(self.clip(device)),
                ..self.ours()
            },
            ..Detailed::default()
        }
    }

    fn ours(&self) -> Ours {
        Ours {
            interlock_uid: self.origin.uid(self.record.sequence),
            interlock_site: self.origin.site().to_owned(),
            interlock_gateway: self.origin.gateway().to_owned(),
            interlock_event: self.record.event.name(),
            ..Ours::default()
        }
    }

    fn intent(&self, intent: &Intent, sequence: u64) -> Detailed {
        let mut line = self.request(intent.session, &intent.subject, &intent.device);
        line.asks(&Command::of(&intent.pdu));
        line.tid = Some(intent.transaction);
        line.unit = Some(intent.unit);
        line.modbus_detailed_link_id = self.origin.uid(sequence);
        line.ours.interlock_decision = Some("allow");
        line.ours.interlock_policies = self.names(&intent.policies);
        line.ours.interlock_points = self.points(&intent.points);
        line.ours.interlock_window = intent.window;
        line
    }

    fn outcome(&self, outcome: &Outcome) -> Detailed {
        let known = self.context.intent(outcome.intent);
        let mut line = match known {
            Some((_, intent)) => Detailed {
                ts: seconds(self.record.time_ms),
                ..self.intent(intent, outcome.intent)
            },
            // The intent is out of reach: what is known is what became of it.
            None => Detailed {
                _path: "modbus_detailed",
                ts: seconds(self.record.time_ms),
                modbus_detailed_link_id: self.origin.uid(outcome.intent),
                ours: self.ours(),
                ..Detailed::default()
            },
        };
        line.turn_round();
        line.ours.interlock_latency_us = Some(outcome.latency_us);
        match &outcome.result {
            CommandResult::Answered { pdu } => {
                line.matched = true;
                line.response_values =
                    known.and_then(|(_, intent)| Command::answered(&intent.pdu, pdu));
                line.values = line.response_values.as_deref().map(listed);
                line.ours.interlock_outcome = Some("answered");
            }
            CommandResult::Exception { code } => {
                line.matched = true;
                line.error_code = Some(exception_name(*code));
                line.values.clone_from(&line.error_code);
                line.ours.interlock_outcome = Some("exception");
            }
            CommandResult::Withheld { reason } => {
                line.ours.interlock_outcome = Some("withheld");
                line.ours.interlock_reason = Some(self.clip(reason));
            }
            CommandResult::Unknown { why } => {
                line.ours.interlock_outcome = Some("unknown");
                line.ours.interlock_detail = Some(self.clip(why));
            }
        }
        line
    }

    /// A request that no device saw: `error_code` is what the client got from the gateway.
    fn denial(&self, denial: &Denial) -> Detailed {
        let mut line = self.request(denial.session, &denial.subject, &denial.device);
        line.asks(&Command::of(&denial.pdu));
        line.tid = Some(denial.transaction);
        line.unit = Some(denial.unit);
        line.error_code = denial.exception.map(exception_name);
        line.ours.interlock_decision = Some("deny");
        line.ours.interlock_reason = Some(self.clip(&denial.reason));
        line.ours.interlock_detail = Some(self.clip(&denial.detail));
        line.ours.interlock_policies = self.names(&denial.policies);
        line.ours.interlock_points = self.points(&denial.points);
        line
    }

    fn denial_summary(&self, summary: &DenialSummary) -> Detailed {
        let mut line = self.request(summary.session, &summary.subject, &summary.device);
        line.counted(summary.function, summary.table, summary.first, summary.last);
        line.ours.interlock_decision = Some("deny");
        line.ours.interlock_reason = Some(self.clip(&summary.reason));
        line.ours.interlock_count = Some(summary.count);
        line
    }

    fn read_summary(&self, summary: &ReadSummary) -> Detailed {
        let mut line = self.request(summary.session, &summary.subject, &summary.device);
        line.counted(summary.function, summary.table, summary.first, summary.last);
        line.unit = Some(summary.unit);
        line.ours.interlock_decision = Some("allow");
        line.ours.interlock_count = Some(summary.count);
        line
    }

    fn clip(&self, text: &str) -> String {
        self.extent.clip(text)
    }

    fn names(&self, names: &[String]) -> Vec<String> {
        let names = names.iter().take(self.extent.list);
        names.map(|name| self.clip(name)).collect()
    }

    fn points(&self, points: &[PointValue]) -> Vec<Written> {
        let points = points.iter().take(self.extent.list);
        let written = |point: &PointValue| Written {
            name: self.clip(&point.name),
            value: point.value,
            unit: self.clip(&point.unit),
            before: point.before,
        };
        points.map(written).collect()
    }
}

impl Detailed {
    fn asks(&mut self, command: &Command) {
        self.func = Some(function_name(command.code));
        self.address = command.address;
        self.quantity = command.quantity;
        self.values = command.values.as_deref().map(listed);
        self.request_values.clone_from(&command.values);
        self.request_subfunction_code = command.sub_function.map(sub_function_name);
        if command.code == FunctionCode::ReadDeviceIdentification.code() {
            self.mei_type = Some("READ-DEVICE-IDENTIFICATION");
        }
    }

    fn counted(&mut self, function: u8, table: Option<u8>, first: u16, last: u16) {
        self.func = Some(function_name(function));
        if table.is_some() {
            self.address = Some(first);
            self.quantity = Some(u32::from(last.saturating_sub(first)).saturating_add(1));
        }
    }

    /// From the line of a request to that of its response. `id` keeps its ends, as in Zeek.
    fn turn_round(&mut self) {
        self.is_orig = false;
        self.request_response = RESPONSE;
        self.values = None;
        (self.source_h, self.destination_h) = (self.resp_h, self.orig_h);
        (self.source_p, self.destination_p) = (self.resp_p, self.orig_p);
    }
}

/// An address field holds addresses only: a collector that is told a name there refuses the line.
fn split(end: Option<End>) -> (Option<IpAddr>, Option<u16>) {
    end.map_or((None, None), |end| (end.ip, end.port))
}

/// Zeek's time: seconds since 1970, with a fraction.
fn seconds(time_ms: i64) -> f64 {
    // Exact to the millisecond for some 285,000 years.
    time_ms as f64 / 1_000.0
}

fn listed(values: &[u16]) -> String {
    let texts: Vec<String> = values.iter().map(u16::to_string).collect();
    texts.join(",")
}

#[cfg(test)]
mod tests;
