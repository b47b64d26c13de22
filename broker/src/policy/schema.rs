//! Reads the schema and holds it against what the broker really sends. Rules are checked against
//! the schema, decisions are made on what is sent: where the two differ, a rule that was found
//! good could fail, or mean something else.

use super::action::Action;
use super::asked;
use super::bundle::{Bundle, SCHEMA};
use super::circumstances::{Circumstances, Health};
use super::diagnostic::of_cedar;
use super::facts::{CommandFacts, Facts, InvitedFacts, Matter, contexts};
use super::names::Names;
use super::supposed;
use super::window::WindowFacts;
use crate::finding::Finding;
use crate::subject::{SubjectId, SubjectKind};
use cedar_policy::{Entities, EntityUid, Request, Schema};
use interlock_protocols::grant::Functions;
use interlock_protocols::modbus::{Address, AddressRange, Area, FunctionCode, Table, UnitId};
use std::collections::BTreeSet;

const HINT: &str =
    "start again from the schema that `interlock-edge init` writes; it fits this version";

/// `None` where the schema cannot be used at all.
pub(super) fn read(bundle: &Bundle, findings: &mut Vec<Finding>) -> Option<Schema> {
    let text = bundle.text(SCHEMA);
    let path = bundle.path(SCHEMA);
    let whole = 0..text.len();
    match Schema::from_cedarschema_str(text) {
        Ok((schema, warnings)) => {
            findings.extend(warnings.map(|warning| of_cedar(&path, text, &whole, &warning, HINT)));
            Some(schema)
        }
        Err(error) => {
            findings.push(of_cedar(&path, text, &whole, &error, HINT));
            None
        }
    }
}

/// A finding about the schema as a whole.
pub(super) fn unfit(bundle: &Bundle, why: &str) -> Finding {
    let what = format!("the schema does not fit the broker: {why}");
    Finding::of_file(&bundle.path(SCHEMA), what, HINT)
}

/// Checks that every act is in its group, and that every request that can be made fits.
pub(super) fn check(
    bundle: &Bundle,
    schema: &Schema,
    names: &Names,
    entities: &Entities,
    findings: &mut Vec<Finding>,
) {
    let mut report = |why: String| findings.push(unfit(bundle, &why));
    let (site, device) = (names.site("any"), names.device("any"));
    for action in Action::all() {
        let uid = names.action(action);
        let Some(ancestors) = entities.ancestors(&uid) else {
            report(format!("it has no action `{action}`"));
            continue;
        };
        let groups: BTreeSet<&EntityUid> = ancestors.collect();
        let wanted = action.group().map(|group| names.action_group(group));
        if groups != wanted.iter().collect() {
            let wanted = action.group().map_or("no group".to_owned(), |group| {
                format!("the group `{group}` and no other")
            });
            report(format!("the action `{action}` must be in {wanted}"));
        }
        let resource = if action.is_on_device() {
            &device
        } else {
            &site
        };
        for principal in &names.one_of_each_kind() {
            if let Err(why) = probe(schema, action, principal, &uid, resource) {
                report(why);
                break;
            }
        }
    }
}

/// Asks with all facts there are, and with none that may be absent.
fn probe(
    schema: &Schema,
    action: Action,
    principal: &EntityUid,
    uid: &EntityUid,
    resource: &EntityUid,
) -> Result<(), String> {
    let good = supposed::good();
    let poor = Circumstances {
        device_key: None,
        health: None,
        ..good
    };
    let unpatched = Circumstances {
        health: good.health.map(|health| Health {
            patch_age_days: None,
            ..health
        }),
        ..good
    };
    let names = ["any".to_owned()];
    let holder = SubjectId::parse("spiffe://any/vendor/any/any").map_err(|why| why.to_string())?;
    for (whole, circumstances) in [(false, poor), (true, good), (true, unpatched)] {
        let facts = Facts {
            circumstances,
            matter: matter(action, whole, &names, &holder),
        };
        let context = contexts(action, &facts)?.first;
        Request::new(
            principal.clone(),
            uid.clone(),
            resource.clone(),
            context,
            Some(schema),
        )
        .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// What an act is told of beside its circumstances: `whole`, or without all that may be absent.
fn matter<'a>(
    action: Action,
    whole: bool,
    names: &'a [String],
    holder: &'a SubjectId,
) -> Matter<'a> {
    match action {
        Action::Invite => Matter::Invitation(InvitedFacts {
            kind: SubjectKind::Person,
            groups: names,
        }),
        Action::RequestWindow | Action::ApproveWindow => Matter::Window(WindowFacts {
            points: names,
            functions: Functions::NONE.with(FunctionCode::WriteSingleCoil),
            length_s: 1,
            spans: 1,
            max_writes: 1,
            holder,
            supervised: whole,
            hold: whole,
        }),
        Action::Connect if whole => Matter::Connection(asked::IN_FORCE),
        action if action.is_command() => Matter::Command(command(whole)),
        _ => Matter::Plain,
    }
}

fn command(whole: bool) -> CommandFacts<'static> {
    let area = Area {
        table: Table::HoldingRegisters,
        range: AddressRange::single(Address::new(0)),
    };
    CommandFacts {
        unit: UnitId::new(1),
        area: whole.then_some(area),
        points: if whole { &["point"] } else { &[] },
        all_named: whole,
        value: whole.then_some(0.5),
        safe_value: whole,
        window: whole.then_some(asked::IN_FORCE),
    }
}
