//! The parts of OCSF that are used here, attribute for attribute as the schema names them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;

/// The schema that this follows. Nothing in it is newer, so later versions take it too.
pub(super) const VERSION: &str = "1.5.0";

/// An event of class 6003 with the profile security_control.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct ApiActivity {
    pub(super) activity_id: u8,
    pub(super) activity_name: String,
    pub(super) category_uid: u8,
    pub(super) category_name: &'static str,
    pub(super) class_uid: u16,
    pub(super) class_name: &'static str,
    pub(super) type_uid: u32,
    pub(super) type_name: String,
    pub(super) severity_id: u8,
    pub(super) severity: &'static str,
    pub(super) time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u64>,
    pub(super) message: String,
    pub(super) metadata: Metadata,
    pub(super) actor: Actor,
    pub(super) api: Api,
    pub(super) src_endpoint: Endpoint,
    pub(super) dst_endpoint: Endpoint,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) resources: Vec<Resource>,
    pub(super) action_id: u8,
    pub(super) action: &'static str,
    pub(super) disposition_id: u8,
    pub(super) disposition: &'static str,
    pub(super) is_alert: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<Policy>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) authorizations: Vec<Authorization>,
    pub(super) status_id: u8,
    pub(super) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_detail: Option<String>,
    /// The record itself, in base64: from it hash and proof can be computed again.
    pub(super) raw_data: String,
    pub(super) unmapped: BTreeMap<&'static str, Value>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Metadata {
    pub(super) version: &'static str,
    pub(super) product: Product,
    pub(super) profiles: [&'static str; 1],
    pub(super) uid: String,
    pub(super) sequence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) correlation_uid: Option<String>,
    pub(super) event_code: &'static str,
    pub(super) log_name: String,
    pub(super) log_provider: &'static str,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Product {
    pub(super) name: &'static str,
    pub(super) vendor_name: &'static str,
    pub(super) version: &'static str,
}

/// Of a subject the user and the session; of the edge itself its name.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Actor {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<User>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<Session>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app_name: Option<&'static str>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) type_id: u8,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) credential_uid: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) groups: Vec<Named>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Session {
    pub(super) uid: String,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Api {
    pub(super) operation: String,
    pub(super) service: Named,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<ApiRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<ApiResponse>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct ApiRequest {
    pub(super) uid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Value>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct ApiResponse {
    pub(super) code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_message: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub(super) struct Endpoint {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hostname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) svc_name: Option<&'static str>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Resource {
    pub(super) name: String,
    pub(super) uid: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Value>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Policy {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Authorization {
    pub(super) decision: &'static str,
    pub(super) policy: Policy,
}
