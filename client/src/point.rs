//! What a person names on the command line: a point of the inventory, or an address.

mod address;
mod number;
mod written;

use interlock_broker::document::did_you_mean;
use interlock_protocols::conduit::{DeviceOffer, PointOffer};
use interlock_protocols::modbus::{
    Address, DataType, Quantity, Request, Response, Span, Table, UnitId, WordOrder, value,
};

pub(crate) use self::number::number;
pub(crate) use self::written::{Payload, payload};
use crate::failure::{Failure, Kind};

/// A place in a device, and how its registers are to be read.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Target {
    name: Option<String>,
    unit: UnitId,
    table: Table,
    first: Address,
    count: u16,
    form: Form,
    engineering_unit: String,
}

/// How registers become what people read.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Form {
    /// Bits, or registers as they are.
    Raw,
    /// One number in engineering units.
    Number {
        data_type: DataType,
        order: WordOrder,
        scale: f64,
        offset: f64,
    },
}

/// What a target held.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Held {
    /// Coils or discrete inputs.
    Bits(Vec<bool>),
    /// Registers, and the number they make if they are a named point.
    Registers(Vec<u16>, Option<f64>),
}

impl Target {
    /// Reads what the person wrote. A named point wins over an address that looks the same.
    pub(crate) fn parse(
        text: &str,
        offer: &DeviceOffer,
        unit: Option<u8>,
    ) -> Result<Target, Failure> {
        if let Some(point) = offer.points.iter().find(|point| point.name == text) {
            return Target::named(point);
        }
        let unit = UnitId::new(unit.unwrap_or(offer.unit));
        if let Some((table, first, count)) = address::parse(text)? {
            return Ok(Target {
                name: None,
                unit,
                table,
                first,
                count,
                form: Form::Raw,
                engineering_unit: String::new(),
            });
        }
        let names = offer.points.iter().map(|point| point.name.as_str());
        let meant = did_you_mean(text, names).map_or(String::new(), |meant| meant + " ");
        Err(Failure::new(
            Kind::Usage,
            format!("`{text}` is no point of {} and no address", offer.name),
            format!(
                "{meant}`interlock devices {}` lists the points; an address is written holding:100, holding:100:4 or 40101",
                offer.name
            ),
        ))
    }

    fn named(point: &PointOffer) -> Result<Target, Failure> {
        let odd = || {
            Failure::new(
                Kind::Failed,
                format!(
                    "the gateway describes the point {} in a way that this program does not know",
                    point.name
                ),
                "check that gateway and client are of the same version",
            )
        };
        let table = table_of(point.table).ok_or_else(odd)?;
        let form = if table.is_bits() {
            Form::Raw
        } else {
            let data_type = DataType::from_name(&point.data_type).ok_or_else(odd)?;
            let order = WordOrder::from_name(&point.order).ok_or_else(odd)?;
            if data_type.registers() != point.registers || point.scale == 0.0 {
                return Err(odd());
            }
            Form::Number {
                data_type,
                order,
                scale: point.scale,
                offset: point.offset,
            }
        };
        Ok(Target {
            name: Some(point.name.clone()),
            unit: UnitId::new(point.unit_id),
            table,
            first: Address::new(point.first),
            count: if table.is_bits() { 1 } else { point.registers },
            form,
            engineering_unit: point.unit.clone(),
        })
    }

    /// Name of the point, if it is one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The unit id to ask.
    pub(crate) fn unit(&self) -> UnitId {
        self.unit
    }

    /// The table.
    pub(crate) fn table(&self) -> Table {
        self.table
    }

    /// The first address.
    pub(crate) fn first(&self) -> Address {
        self.first
    }

    /// The engineering unit; empty for an address.
    pub(crate) fn engineering_unit(&self) -> &str {
        &self.engineering_unit
    }

    /// Both forms of its address.
    pub(crate) fn place(&self) -> String {
        self.first.in_table(self.table).to_string()
    }

    /// The same for the element this far behind the first; a read never passes the last address.
    pub(crate) fn place_at(&self, offset: usize) -> String {
        let offset = u16::try_from(offset).unwrap_or(u16::MAX);
        let address = Address::new(self.first.value().saturating_add(offset));
        address.in_table(self.table).to_string()
    }

    /// What people call it.
    pub(crate) fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} ({})", self.place()),
            None => self.place(),
        }
    }

    /// The request that reads it.
    pub(crate) fn read(&self) -> Result<Request<'static>, Failure> {
        let request = match self.table {
            Table::Coils => self.span().map(Request::ReadCoils),
            Table::DiscreteInputs => self.span().map(Request::ReadDiscreteInputs),
            Table::HoldingRegisters => self.span().map(Request::ReadHoldingRegisters),
            Table::InputRegisters => self.span().map(Request::ReadInputRegisters),
        };
        request.ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                format!(
                    "{} from {} cannot be read at once",
                    self.count,
                    self.place()
                ),
                "one read takes 1 to 125 registers or 1 to 2000 bits, and none past address 65535",
            )
        })
    }

    fn span<const MAX: u16>(&self) -> Option<Span<MAX>> {
        Span::new(self.first, Quantity::new(self.count)?)
    }

    /// What the answer to [`Target::read`] holds.
    pub(crate) fn held(&self, response: &Response<'_>) -> Option<Held> {
        match response {
            Response::ReadCoils(bits) | Response::ReadDiscreteInputs(bits) => {
                Some(Held::Bits(bits.iter().collect()))
            }
            Response::ReadHoldingRegisters(registers) | Response::ReadInputRegisters(registers) => {
                let registers: Vec<u16> = registers.iter().collect();
                let number = self.number(&registers);
                Some(Held::Registers(registers, number))
            }
            _ => None,
        }
    }

    /// What a payload writes there, as people read it.
    pub(crate) fn shown(&self, payload: &Payload) -> String {
        let registers = payload.registers();
        match (payload, self.number(&registers)) {
            (Payload::Coil(on), _) => if *on { "on" } else { "off" }.to_owned(),
            (_, Some(value)) => number(value),
            (_, None) => {
                let words: Vec<String> = registers.iter().map(u16::to_string).collect();
                words.join(", ")
            }
        }
    }

    /// The number in engineering units; `None` where the registers are no named point.
    pub(crate) fn number(&self, registers: &[u16]) -> Option<f64> {
        match self.form {
            Form::Raw => None,
            Form::Number {
                data_type,
                order,
                scale,
                offset,
            } => value::decode(data_type, order, registers).map(|raw| raw * scale + offset),
        }
    }
}

/// Both forms of a point's address: `holding 100 (40101)`.
pub(crate) fn place(offer: &PointOffer) -> String {
    match table_of(offer.table) {
        Some(table) => Address::new(offer.first).in_table(table).to_string(),
        None => format!("table {} address {}", offer.table, offer.first),
    }
}

/// The table with this Modicon digit, as the conduit and the journal name it.
pub(crate) fn table_of(modicon_digit: u8) -> Option<Table> {
    [
        Table::Coils,
        Table::DiscreteInputs,
        Table::HoldingRegisters,
        Table::InputRegisters,
    ]
    .into_iter()
    .find(|table| table.modicon_digit() == modicon_digit)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn point(name: &str, table: u8, first: u16, data_type: &str) -> PointOffer {
        PointOffer {
            name: name.into(),
            unit_id: 3,
            table,
            first,
            registers: match data_type {
                "u32" | "i32" | "f32" => 2,
                _ => 1,
            },
            data_type: data_type.into(),
            order: "abcd".into(),
            scale: 1.0,
            offset: 0.0,
            unit: "rpm".into(),
            min: None,
            max: None,
            writable: true,
            may_read: true,
            may_write: true,
        }
    }

    pub(crate) fn offer() -> DeviceOffer {
        DeviceOffer {
            name: "mixer".into(),
            zone: "hall".into(),
            description: String::new(),
            local_address: "127.77.0.11:1502".into(),
            unit: 1,
            points: vec![
                point("speed_setpoint", 4, 100, "u16"),
                PointOffer {
                    order: "cdab".into(),
                    ..point("pressure", 3, 200, "f32")
                },
                PointOffer {
                    scale: 0.1,
                    offset: -40.0,
                    unit: "°C".into(),
                    ..point("temperature", 4, 300, "i16")
                },
                point("run", 0, 5, "bool"),
                point("40007", 4, 1, "u16"),
            ],
            may: Vec::new(),
        }
    }

    pub(crate) fn target(text: &str) -> Result<Target, Failure> {
        Target::parse(text, &offer(), None)
    }

    #[test]
    fn an_address_may_be_written_in_two_ways() {
        for (text, table, offset, count) in [
            ("holding:100", Table::HoldingRegisters, 100, 1),
            ("holding:100:4", Table::HoldingRegisters, 100, 4),
            ("40101", Table::HoldingRegisters, 100, 1),
            ("40101:4", Table::HoldingRegisters, 100, 4),
            ("400101", Table::HoldingRegisters, 100, 1),
            ("465536", Table::HoldingRegisters, 65_535, 1),
            ("30001", Table::InputRegisters, 0, 1),
            ("00001", Table::Coils, 0, 1),
            ("10009:8", Table::DiscreteInputs, 8, 8),
            ("coil:0", Table::Coils, 0, 1),
            ("discrete-input:65535", Table::DiscreteInputs, 65_535, 1),
            ("input:7", Table::InputRegisters, 7, 1),
        ] {
            let target = target(text).unwrap();
            let got = (target.table, target.first.value(), target.count);
            assert_eq!(got, (table, offset, count), "{text}");
            assert_eq!(target.unit, UnitId::new(1), "{text}");
            assert_eq!(target.name, None);
        }
    }

    #[test]
    fn what_is_neither_point_nor_address_is_refused_with_a_hint() {
        for text in [
            "",
            "holding",
            "holding:",
            "holding:x",
            "holding:65536",
            "holding:1:0",
            "holding:1:2:3",
            "holding:-1",
            "40000",
            "20001",
            "4010",
            "4001011",
            "465537",
            "40101:",
            "50001",
            "speed",
        ] {
            let failure = target(text).unwrap_err();
            assert_eq!(failure.kind(), Kind::Usage, "{text}");
            assert!(!failure.next().is_empty(), "{text}");
        }
    }

    #[test]
    fn a_named_point_wins_over_an_address_and_brings_its_own_unit() {
        let point = target("40007").unwrap();
        assert_eq!(point.first.value(), 1);
        assert_eq!(point.unit, UnitId::new(3));
        assert_eq!(point.label(), "40007 (holding 1 (40002))");
        let raw = Target::parse("40008", &offer(), Some(9)).unwrap();
        assert_eq!(raw.unit, UnitId::new(9));
    }

    #[test]
    fn a_read_asks_for_what_was_named() {
        let request = target("pressure").unwrap().read().unwrap();
        let span = Span::new(Address::new(200), Quantity::new(2).unwrap()).unwrap();
        assert_eq!(request, Request::ReadInputRegisters(span));
        assert!(target("holding:0:125").unwrap().read().is_ok());
        for text in ["holding:0:126", "holding:65535:2", "coil:0:2001"] {
            let failure = target(text).unwrap().read().unwrap_err();
            assert_eq!(failure.kind(), Kind::Usage, "{text}");
        }
    }

    #[test]
    fn registers_become_engineering_units() {
        // 123456.0 with its words swapped, as in the vectors of the codec.
        let pressure = target("pressure").unwrap();
        assert_eq!(pressure.number(&[0x2000, 0x47F1]), Some(123_456.0));
        let temperature = target("temperature").unwrap();
        let value = temperature.number(&[0xFFFF]).unwrap();
        assert_eq!(number(value), "-40.1");
        assert_eq!(target("holding:300").unwrap().number(&[1]), None);
    }

    #[test]
    fn a_point_that_cannot_be_understood_is_not_guessed() {
        let mut odd = offer();
        for change in [
            |point: &mut PointOffer| point.table = 7,
            |point: &mut PointOffer| point.data_type = "u64".into(),
            |point: &mut PointOffer| point.registers = 2,
            |point: &mut PointOffer| point.order = "xyz".into(),
            |point: &mut PointOffer| point.scale = 0.0,
        ] {
            odd.points = vec![point("x", 4, 1, "u16")];
            change(&mut odd.points[0]);
            assert!(Target::parse("x", &odd, None).is_err());
        }
    }
}
