//! A record as an event of the Open Cybersecurity Schema Framework: class API Activity (6003) with the
//! profile security_control. A Modbus command is a call of the device's interface; what the
//! gateway does itself is a call of its own.

mod command;
mod gateway;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use interlock_protocols::record::{Event, Record};

use super::ascii::{Extent, to_vec};
use super::context::{Context, End, Origin};
use super::severity::Severity;
use crate::limits::SYSLOG_MESSAGE_MAX_BYTES;
use interlock_broker::digits::hex;
pub(crate) use shape::ApiActivity;
use shape::{Actor, Api, Endpoint, Metadata, Named, Policy, Product, Session, User, VERSION};

const CLASS: u16 = 6003;
const PROGRAM: &str = "interlock-edge";
const MODBUS: &str = "modbus";

/// What a call does to what it is made on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Activity {
    Create,
    Read,
    Update,
    Delete,
    Other,
}

impl Activity {
    const fn id(self) -> u8 {
        match self {
            Activity::Create => 1,
            Activity::Read => 2,
            Activity::Update => 3,
            Activity::Delete => 4,
            Activity::Other => 99,
        }
    }

    /// The schema's caption; that of `Other` is the source's own word.
    const fn name(self, own: &'static str) -> &'static str {
        match self {
            Activity::Create => "Create",
            Activity::Read => "Read",
            Activity::Update => "Update",
            Activity::Delete => "Delete",
            Activity::Other => own,
        }
    }
}

/// What the broker did about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Control {
    Allowed,
    Blocked,
    Approved,
    Logged,
    Unknown,
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Status {
    Success,
    Failure,
    Unknown,
    /// An intent: its outcome is an event of its own.
    Pending,
}

/// The event of a record. `bytes` are the record as it is stored.
pub(crate) fn event(
    origin: &Origin,
    context: &Context,
    record: &Record,
    bytes: &[u8],
    extent: Extent,
) -> ApiActivity {
    let told = Telling {
        origin,
        context,
        record,
        extent,
    };
    let mut event = told.blank(bytes);
    match &record.event {
        Event::Intent(intent) => told.intent(&mut event, intent),
        Event::Outcome(outcome) => told.outcome(&mut event, outcome),
        Event::Denial(denial) => told.denial(&mut event, denial),
        Event::DenialSummary(summary) => told.denial_summary(&mut event, summary),
        Event::ReadSummary(summary) => told.read_summary(&mut event, summary),
        other => told.gateway_act(&mut event, other),
    }
    event
}

/// The event as one line of JSON, at most [`SYSLOG_MESSAGE_MAX_BYTES`] less a header's length: a
/// record too long to be told in full is told in few words, with all its bytes.
pub(crate) fn line(
    origin: &Origin,
    context: &Context,
    record: &Record,
    bytes: &[u8],
) -> serde_json::Result<Vec<u8>> {
    let full = to_vec(&event(origin, context, record, bytes, Extent::FULL))?;
    if full.len() <= SYSLOG_MESSAGE_MAX_BYTES - super::rfc5424::HEADER_MAX_BYTES {
        return Ok(full);
    }
    to_vec(&event(origin, context, record, bytes, Extent::LEAST))
}

/// What the telling of one record is made from.
struct Telling<'a> {
    origin: &'a Origin,
    context: &'a Context,
    record: &'a Record,
    extent: Extent,
}

impl Telling<'_> {
    /// An act of the gateway itself, logged: what the records of every kind begin from.
    fn blank(&self, bytes: &[u8]) -> ApiActivity {
        let record = self.record;
        let severity = Severity::of(&record.event);
        let mut event = ApiActivity {
            activity_id: 0,
            activity_name: String::new(),
            category_uid: 6,
            category_name: "Application Activity",
            class_uid: CLASS,
            class_name: "API Activity",
            type_uid: 0,
            type_name: String::new(),
            severity_id: severity.ocsf(),
            severity: severity.name(),
            time: record.time_ms,
            start_time: None,
            end_time: None,
            duration: None,
            count: None,
            message: String::new(),
            metadata: self.metadata(),
            actor: Actor {
                user: None,
                session: None,
                app_name: Some(PROGRAM),
            },
            api: Api {
                operation: record.event.name().to_owned(),
                service: Named {
                    name: PROGRAM.to_owned(),
                },
                request: None,
                response: None,
            },
            src_endpoint: self.gateway(),
            dst_endpoint: self.gateway(),
            resources: Vec::new(),
            action_id: 0,
            action: "",
            disposition_id: 0,
            disposition: "",
            is_alert: severity >= Severity::High,
            policy: None,
            authorizations: Vec::new(),
            status_id: 0,
            status: "",
            status_code: None,
            status_detail: None,
            raw_data: BASE64.encode(bytes),
            unmapped: BTreeMap::new(),
        };
        event.unmapped.insert("site", self.origin.site().into());
        event
            .unmapped
            .insert("gateway", self.origin.gateway().into());
        event.is(Activity::Other, record.event.name());
        event.was(Control::Logged);
        event.ended(Status::Success);
        event
    }

    fn metadata(&self) -> Metadata {
        Metadata {
            version: VERSION,
            product: Product {
                name: "Interlock",
                vendor_name: "Interlock",
                version: env!("CARGO_PKG_VERSION"),
            },
            profiles: ["security_control"],
            uid: self.origin.uid(self.record.sequence),
            sequence: self.record.sequence,
            correlation_uid: None,
            event_code: self.record.event.name(),
            log_name: self.origin.log(),
            log_provider: PROGRAM,
        }
    }

    fn gateway(&self) -> Endpoint {
        Endpoint {
            name: Some(self.origin.gateway().to_owned()),
            svc_name: Some(PROGRAM),
            ..Endpoint::default()
        }
    }

    /// Somebody in a session did it.
    fn by(&self, event: &mut ApiActivity, session: u64, subject: &str) {
        let opened = self.context.session(session);
        let uid = format!("{}:session:{session}", self.origin.gateway());
        event.actor = Actor {
            user: Some(User {
                name: self.clip(subject.rsplit('/').next().unwrap_or(subject)),
                uid: self.clip(subject),
                type_id: if is_person(subject) { 1 } else { 99 },
                kind: if is_person(subject) {
                    "User"
                } else {
                    "Workload"
                },
                credential_uid: opened.map(|opened| hex(&opened.certificate)),
                groups: opened.map_or_else(Vec::new, |opened| {
                    let groups = opened.groups.iter().take(self.extent.list);
                    groups
                        .map(|name| Named {
                            name: self.clip(name),
                        })
                        .collect()
                }),
            }),
            session: Some(Session { uid: uid.clone() }),
            app_name: None,
        };
        // The class demands a source. Where the opening of the session is not at hand, all that
        // is known of it is the session.
        event.src_endpoint = match self.context.peer(session) {
            Some(peer) => of_end(peer),
            None => Endpoint {
                uid: Some(uid),
                ..Endpoint::default()
            },
        };
    }

    fn clip(&self, text: &str) -> String {
        self.extent.clip(text)
    }

    fn policy(&self, digest: &[u8; 32]) -> Policy {
        Policy {
            name: "policy bundle".to_owned(),
            uid: Some(hex(digest)),
        }
    }
}

fn is_person(subject: &str) -> bool {
    !subject.contains("/workload/")
}

fn of_end(end: End) -> Endpoint {
    Endpoint {
        ip: end.ip,
        hostname: end.host,
        port: end.port,
        ..Endpoint::default()
    }
}

impl ApiActivity {
    fn is(&mut self, activity: Activity, own: &'static str) {
        let name = activity.name(own);
        self.activity_id = activity.id();
        name.clone_into(&mut self.activity_name);
        self.type_uid = u32::from(CLASS) * 100 + u32::from(activity.id());
        let kind = if activity == Activity::Other {
            "Other"
        } else {
            name
        };
        self.type_name = format!("{}: {kind}", self.class_name);
    }

    fn was(&mut self, control: Control) {
        (
            self.action_id,
            self.action,
            self.disposition_id,
            self.disposition,
        ) = match control {
            Control::Allowed => (1, "Allowed", 1, "Allowed"),
            Control::Blocked => (2, "Denied", 2, "Blocked"),
            Control::Approved => (1, "Allowed", 8, "Approved"),
            Control::Logged => (1, "Allowed", 17, "Logged"),
            Control::Unknown => (0, "Unknown", 0, "Unknown"),
        };
    }

    fn ended(&mut self, status: Status) {
        (self.status_id, self.status) = match status {
            Status::Success => (1, "Success"),
            Status::Failure => (2, "Failure"),
            Status::Unknown => (0, "Unknown"),
            Status::Pending => (99, "Pending"),
        };
    }
}
