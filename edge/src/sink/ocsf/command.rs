//! Modbus commands as events: intents, outcomes, denials and what was counted.

use interlock_protocols::modbus::{ExceptionCode, FunctionCode, Table};
use interlock_protocols::record::{
    CommandResult, Denial, DenialSummary, Intent, Outcome, PointValue, ReadSummary,
};
use serde_json::{Map, Value, json};

use super::shape::{
    ApiActivity, ApiRequest, ApiResponse, Authorization, Endpoint, Policy, Resource,
};
use super::{Activity, Control, MODBUS, Status, Telling, of_end};
use crate::sink::command::Command;
use interlock_broker::digits::hex;

impl Telling<'_> {
    pub(super) fn intent(&self, event: &mut ApiActivity, intent: &Intent) {
        let uid = self.origin.uid(self.record.sequence);
        self.asked(event, intent, uid.clone());
        event.metadata.correlation_uid = Some(uid);
        event.was(Control::Allowed);
        event.ended(Status::Pending);
        event.policy = Some(self.policy(&intent.policy));
        event.authorizations = self.decided("allow", &intent.policies);
        event.message = self.sentence("may", &intent.subject, &event.api.operation, &intent.device);
    }

    pub(super) fn outcome(&self, event: &mut ApiActivity, outcome: &Outcome) {
        let uid = self.origin.uid(outcome.intent);
        event.metadata.correlation_uid = Some(uid.clone());
        match self.context.intent(outcome.intent) {
            Some((_, intent)) => {
                self.asked(event, intent, uid);
                event.policy = Some(self.policy(&intent.policy));
            }
            // Told long ago, or removed: the correlation alone leads there.
            None => event.api.request = Some(ApiRequest { uid, data: None }),
        }
        let latency_ms = outcome.latency_us.div_ceil(1_000);
        event.duration = Some(latency_ms);
        event
            .unmapped
            .insert("latency_us", outcome.latency_us.into());
        let end = match &outcome.result {
            CommandResult::Answered { pdu } => {
                event.was(Control::Allowed);
                event.ended(Status::Success);
                event.api.response = Some(response(0, None, None));
                event.unmapped.insert("answer", self.bytes(pdu).into());
                "the device did it".to_owned()
            }
            CommandResult::Exception { code } => {
                event.was(Control::Allowed);
                event.ended(Status::Failure);
                event.api.response = Some(exception(*code));
                format!("the device refused: {}", ExceptionCode::from_code(*code))
            }
            CommandResult::Withheld { reason } => {
                event.was(Control::Blocked);
                event.ended(Status::Failure);
                event.status_code = Some(self.clip(reason));
                format!("never sent: {}", self.clip(reason))
            }
            CommandResult::Unknown { why } => {
                event.was(Control::Unknown);
                event.ended(Status::Unknown);
                event.status_detail = Some(self.clip(why));
                format!("nobody knows what it did: {}", self.clip(why))
            }
        };
        event
            .unmapped
            .insert("outcome", outcome_name(&outcome.result).into());
        event.message = format!("{}: {end}", event.api.operation);
    }

    pub(super) fn denial(&self, event: &mut ApiActivity, denial: &Denial) {
        let command = Command::of(&denial.pdu);
        self.called(event, command.code, &denial.device);
        self.by(event, denial.session, &denial.subject);
        event.api.request = Some(ApiRequest {
            uid: self.origin.uid(self.record.sequence),
            data: Some(self.request(&command, denial.unit, denial.transaction, &denial.pdu)),
        });
        event.api.response = denial.exception.map(exception);
        self.touch(event, &denial.device, &denial.points);
        event.was(Control::Blocked);
        event.ended(Status::Failure);
        event.status_code = Some(self.clip(&denial.reason));
        event.status_detail = Some(self.clip(&denial.detail));
        event.authorizations = self.decided("deny", &denial.policies);
        let may_not = self.sentence(
            "may not",
            &denial.subject,
            &event.api.operation,
            &denial.device,
        );
        event.message = format!("{may_not}: {}", self.clip(&denial.reason));
    }

    pub(super) fn denial_summary(&self, event: &mut ApiActivity, summary: &DenialSummary) {
        self.called(event, summary.function, &summary.device);
        self.by(event, summary.session, &summary.subject);
        self.touch(event, &summary.device, &[]);
        event.was(Control::Blocked);
        event.ended(Status::Failure);
        event.status_code = Some(self.clip(&summary.reason));
        event.count = Some(summary.count);
        (event.start_time, event.end_time) = (Some(summary.first_ms), Some(summary.last_ms));
        range(event, summary.table, summary.first, summary.last);
        event.message = format!(
            "{}: {} more times, {}",
            self.sentence(
                "may not",
                &summary.subject,
                &event.api.operation,
                &summary.device
            ),
            summary.count,
            self.clip(&summary.reason)
        );
    }

    pub(super) fn read_summary(&self, event: &mut ApiActivity, summary: &ReadSummary) {
        self.called(event, summary.function, &summary.device);
        self.by(event, summary.session, &summary.subject);
        self.touch(event, &summary.device, &[]);
        event.was(Control::Allowed);
        event.ended(Status::Success);
        event.count = Some(summary.count);
        (event.start_time, event.end_time) = (Some(summary.first_ms), Some(summary.last_ms));
        range(event, summary.table, summary.first, summary.last);
        event.unmapped.insert("unit", summary.unit.into());
        event.unmapped.insert("failed", summary.failed.into());
        event.message = format!(
            "{}: {} times, {} without an answer",
            self.sentence(
                "may",
                &summary.subject,
                &event.api.operation,
                &summary.device
            ),
            summary.count,
            summary.failed
        );
    }

    /// What a command with effect asks, of its intent and of its outcome alike.
    fn asked(&self, event: &mut ApiActivity, intent: &Intent, uid: String) {
        let command = Command::of(&intent.pdu);
        self.called(event, command.code, &intent.device);
        self.by(event, intent.session, &intent.subject);
        event.api.request = Some(ApiRequest {
            uid,
            data: Some(self.request(&command, intent.unit, intent.transaction, &intent.pdu)),
        });
        self.touch(event, &intent.device, &intent.points);
        if let Some(window) = intent.window {
            event.unmapped.insert("window", window.into());
        }
    }

    /// The call itself: a function of a device.
    fn called(&self, event: &mut ApiActivity, code: u8, device: &str) {
        event.api.operation = operation(code);
        MODBUS.clone_into(&mut event.api.service.name);
        event.is(activity(code), "Diagnose");
        let place = self.origin.device(device).map(of_end).unwrap_or_default();
        event.dst_endpoint = Endpoint {
            name: Some(self.clip(device)),
            svc_name: Some(MODBUS),
            ..place
        };
    }

    fn request(&self, command: &Command, unit: u8, transaction: u16, pdu: &[u8]) -> Value {
        let mut data = Map::new();
        data.insert("unit".into(), unit.into());
        data.insert("transaction".into(), transaction.into());
        data.insert("function".into(), command.code.into());
        data.insert("table".into(), command.table.map(Table::name).into());
        data.insert("address".into(), command.address.into());
        data.insert("quantity".into(), command.quantity.into());
        let values = command.values.as_ref();
        let values = values.map(|all| all.iter().take(self.extent.list).collect::<Vec<_>>());
        data.insert("values".into(), json!(values));
        if let Some((and, or)) = command.mask {
            data.insert("mask".into(), json!({"and": and, "or": or}));
        }
        data.insert("pdu".into(), self.bytes(pdu).into());
        data.retain(|_, value| !value.is_null());
        Value::Object(data)
    }

    /// The device and the points of it that are written.
    fn touch(&self, event: &mut ApiActivity, device: &str, points: &[PointValue]) {
        let device = self.clip(device);
        event.resources.push(Resource {
            uid: format!("{}/{device}", self.origin.site()),
            name: device.clone(),
            kind: "Modbus device",
            data: None,
        });
        for point in points.iter().take(self.extent.list) {
            let name = self.clip(&point.name);
            event.resources.push(Resource {
                uid: format!("{}/{device}/{name}", self.origin.site()),
                name,
                kind: "Modbus point",
                data: Some(json!({
                    "value": point.value,
                    "unit": self.clip(&point.unit),
                    "before": point.before,
                    "before_age_ms": point.before_age_ms,
                })),
            });
        }
        let left_out = points.len().saturating_sub(self.extent.list);
        if left_out > 0 {
            event.unmapped.insert("points_left_out", left_out.into());
        }
    }

    /// 253 bytes at most on the wire; a record made by other hands may hold more.
    fn bytes(&self, pdu: &[u8]) -> String {
        hex(pdu
            .get(..pdu.len().min(self.extent.text))
            .unwrap_or_default())
    }

    fn decided(&self, decision: &'static str, policies: &[String]) -> Vec<Authorization> {
        let policies = policies.iter().take(self.extent.list);
        let by = |name: &String| Authorization {
            decision,
            policy: Policy {
                name: self.clip(name),
                uid: None,
            },
        };
        policies.map(by).collect()
    }

    fn sentence(&self, may: &str, subject: &str, operation: &str, device: &str) -> String {
        let (subject, device) = (self.clip(subject), self.clip(device));
        format!("{subject} {may} {operation} on {device}")
    }
}

fn operation(code: u8) -> String {
    FunctionCode::from_code(code).map_or_else(
        || format!("function-{code}"),
        |function| function.name().to_owned(),
    )
}

fn activity(code: u8) -> Activity {
    use FunctionCode as F;
    match FunctionCode::from_code(code) {
        Some(
            F::WriteSingleCoil
            | F::WriteSingleRegister
            | F::WriteMultipleCoils
            | F::WriteMultipleRegisters
            | F::WriteFileRecord
            | F::MaskWriteRegister
            | F::ReadWriteMultipleRegisters,
        ) => Activity::Update,
        Some(F::Diagnostics) | None => Activity::Other,
        Some(_) => Activity::Read,
    }
}

fn outcome_name(result: &CommandResult) -> &'static str {
    match result {
        CommandResult::Answered { .. } => "answered",
        CommandResult::Exception { .. } => "exception",
        CommandResult::Withheld { .. } => "withheld",
        CommandResult::Unknown { .. } => "unknown",
    }
}

fn response(code: u8, error: Option<String>, error_message: Option<String>) -> ApiResponse {
    ApiResponse {
        code,
        error,
        error_message,
    }
}

fn exception(code: u8) -> ApiResponse {
    let named = ExceptionCode::from_code(code).to_string();
    response(code, Some(format!("exception {code:02X}")), Some(named))
}

fn range(event: &mut ApiActivity, table: Option<u8>, first: u16, last: u16) {
    // Without a table the addresses are those of nothing.
    let tables = [
        Table::Coils,
        Table::DiscreteInputs,
        Table::HoldingRegisters,
        Table::InputRegisters,
    ];
    let table = tables
        .iter()
        .find(|known| Some(known.modicon_digit()) == table);
    if let Some(table) = table {
        event.unmapped.insert("table", table.name().into());
        event.unmapped.insert("first_address", first.into());
        event.unmapped.insert("last_address", last.into());
    }
}
