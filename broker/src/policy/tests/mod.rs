//! The policy, from outside its files.

mod asking;
mod bundles;
mod cases;
mod commands;
mod deciding;
mod faults;
mod sample;
mod slices;
mod windows;

use super::*;
use crate::plant::Plant;
use crate::subject::{SubjectId, SubjectKind};
use interlock_protocols::grant::Functions;
use interlock_protocols::modbus::{Address, AddressRange, Area, FunctionCode, Table, UnitId};
use std::sync::{Arc, LazyLock};

const SCHEMA: &str = include_str!("../../../../deploy/site/policy/schema.cedarschema");

const GROUPS: &str = r#"
[groups]
operators = ["person/olga", "vendor/acme/victor"]
engineers = ["person/emil", "person/olga"]
nobody = []
"#;

fn estate() -> Estate<'static> {
    let device = |name, zone| EstateDevice { name, zone };
    Estate {
        site: "waterworks",
        devices: vec![
            device("press-4", "pressing"),
            device("press-5", "pressing"),
            device("pump-2", "water"),
        ],
    }
}

/// The plant that the sample policy is for.
fn sample_plant() -> Plant {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site/plant.toml");
    let text = std::fs::read_to_string(&dir).expect("the sample plant");
    Plant::parse(&dir, &text).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

/// A bundle with these rules in one file, `a.cedar`. `I::` stands for `Interlock::`.
fn bundle(rules: &str) -> Bundle {
    Bundle::of_texts([
        ("schema.cedarschema", SCHEMA.to_owned()),
        ("groups.toml", GROUPS.to_owned()),
        ("a.cedar", rules.replace("I::", "Interlock::")),
    ])
}

fn compiled(rules: &str) -> Arc<Policy> {
    Arc::new(Policy::compile(&bundle(rules), &estate()).expect("a good policy"))
}

/// A policy that strict validation would have refused.
fn unchecked(rules: &str) -> Arc<Policy> {
    Arc::new(Policy::unchecked(&bundle(rules), &estate()))
}

fn subject(path: &str) -> SubjectId {
    SubjectId::parse_at("waterworks", path).expect("a subject")
}

fn act() -> Facts<'static> {
    Facts {
        circumstances: supposed::good(),
        matter: Matter::Plain,
    }
}

fn touching<'a>(points: &'a [&'a str], value: Option<f64>) -> CommandFacts<'a> {
    CommandFacts {
        unit: UnitId::new(1),
        area: AddressRange::starting(Address::new(100), 2).map(|range| Area {
            table: Table::HoldingRegisters,
            range,
        }),
        points,
        all_named: true,
        value,
        safe_value: false,
        window: None,
    }
}

fn command<'a>(points: &'a [&'a str], value: Option<f64>) -> Facts<'a> {
    Facts {
        matter: Matter::Command(touching(points, value)),
        ..act()
    }
}

static VICTOR: LazyLock<SubjectId> = LazyLock::new(|| subject("vendor/acme/victor"));

/// A window that writes the speed, for an hour.
fn asking(holder: &SubjectId) -> WindowFacts<'_> {
    static POINTS: LazyLock<Vec<String>> = LazyLock::new(|| vec!["speed_setpoint".to_owned()]);
    WindowFacts {
        points: &POINTS,
        functions: Functions::NONE.with(FunctionCode::WriteSingleRegister),
        length_s: 3_600,
        spans: 1,
        max_writes: 10,
        holder,
        supervised: false,
        hold: false,
    }
}

/// What goes with an act, whatever it is.
fn matter<'a>(action: Action, command: CommandFacts<'a>) -> Matter<'a> {
    if action.is_command() {
        Matter::Command(command)
    } else if action == Action::Invite {
        Matter::Invitation(InvitedFacts {
            kind: SubjectKind::Vendor,
            groups: &[],
        })
    } else if matches!(action, Action::RequestWindow | Action::ApproveWindow) {
        Matter::Window(asking(&VICTOR))
    } else {
        Matter::Plain
    }
}

const READ: Action = Action::Function(FunctionCode::ReadHoldingRegisters);
const WRITE: Action = Action::Function(FunctionCode::WriteSingleRegister);
const WRITE_MANY: Action = Action::Function(FunctionCode::WriteMultipleRegisters);
const PRESS: Resource<'static> = Resource::Device("press-4");
