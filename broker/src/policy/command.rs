//! Deciding one Modbus request: which act it is, and with which facts.

use super::action::Action;
use super::circumstances::Circumstances;
use super::facts::{CommandFacts, Facts, Matter};
use super::verdict::Verdict;
use super::view::{Resource, View};
use super::window::WindowInForce;
use crate::plant::{Device, Touched};
use interlock_protocols::modbus::{FunctionCode, RegisterWrite, Request, UnitId};

impl View {
    /// Decides a request to `unit` of `device`, as the client wrote it. `touched` is what
    /// [`Device::touched`] says of this request, `window` the one that covers it now, if one does.
    ///
    /// Function 23 must pass three times: as function 3 with what it reads, as function 16 with
    /// what it writes, and as itself with what it writes. So a rule about function 3 or 16 holds
    /// for it without naming it, and a rule may name it alone.
    pub fn decide_command(
        &mut self,
        device: &Device,
        circumstances: Circumstances,
        unit: UnitId,
        request: &Request<'_>,
        touched: &Touched<'_>,
        window: Option<WindowInForce>,
    ) -> Verdict {
        let Request::ReadWriteMultipleRegisters { read, write } = request else {
            let action = Action::of(request.function(), request.has_effect());
            return self.decide_with(device, circumstances, unit, action, touched, window);
        };
        let Some(write) = RegisterWrite::of(write.span().start(), write.values()) else {
            // Function 23 writes fewer registers than 16 may; but nothing here may panic.
            return Verdict::failed("what function 23 writes is too long for 16".to_owned());
        };
        let read = device.touched(unit, &Request::ReadHoldingRegisters(*read));
        let written = device.touched(unit, &Request::WriteMultipleRegisters(write));
        let parts = [
            (FunctionCode::ReadHoldingRegisters, &read),
            (FunctionCode::WriteMultipleRegisters, &written),
            (FunctionCode::ReadWriteMultipleRegisters, &written),
        ];
        let verdicts = parts.map(|(function, touched)| {
            let action = Action::Function(function);
            self.decide_with(device, circumstances, unit, action, touched, window)
        });
        verdicts
            .into_iter()
            .reduce(Verdict::and)
            .unwrap_or_else(|| Verdict::failed("nothing was asked".to_owned()))
    }

    fn decide_with(
        &mut self,
        device: &Device,
        circumstances: Circumstances,
        unit: UnitId,
        action: Action,
        touched: &Touched<'_>,
        window: Option<WindowInForce>,
    ) -> Verdict {
        let writes = touched.writes.iter().map(|write| write.point.name());
        let reads = touched.reads.iter().map(|point| point.name());
        // One of the two is empty: a request that does both was taken apart before.
        let points: Vec<&str> = writes.chain(reads).collect();
        // With registers beside it that have no name, the one value would not tell all.
        let value = match touched.writes.as_slice() {
            [write] if touched.all_named => write.value,
            _ => None,
        };
        let facts = Facts {
            circumstances,
            matter: Matter::Command(CommandFacts {
                unit,
                area: touched.area,
                points: &points,
                all_named: touched.all_named,
                value,
                safe_value: touched.is_safe(),
                window,
            }),
        };
        self.decide_part(action, Resource::Device(device.name()), &facts)
    }
}
