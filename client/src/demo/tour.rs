//! The tour: twelve steps, each told, done and checked against what the PLC really holds.

use std::time::Duration;

use interlock_protocols::conduit::Notice;
use interlock_protocols::modbus::Table;
use tokio::time::{sleep, timeout};

use super::actor::{Actor, Reading, Written};
use super::audit::{self, Recorded};
use super::cast::Person;
use super::page::Page;
use super::stage::Stage;
use super::surprise::Step;
use super::vendor;
use crate::failure::{Failure, Kind};
use crate::point::number;

const HOLDING: Table = Table::HoldingRegisters;
const INPUT: Table = Table::InputRegisters;

/// Where the press keeps what the tour writes, as its manual says.
const SPEED_SETPOINT: u16 = 100;
const PRESSURE_SETPOINT: u16 = 110;

/// The drive takes a second; a machine that is busy may take more.
const DRIVE_FOLLOWS_WITHIN: Duration = Duration::from_secs(20);
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// Plays all of it, and stops at the first thing that does not go as it should.
pub(super) async fn play(stage: &Stage, page: &mut Page) -> Result<(), Failure> {
    introduce(stage, page)?;
    let start = Step::new(0);
    let entered = Actor::enter(stage, Person::Olga).await;
    let mut olga = start.works("olga's session opens", entered)?;
    read(Step::new(1), stage, &mut olga, page).await?;
    write(Step::new(2), stage, &mut olga, page).await?;
    let by_policy = forbidden(Step::new(3), stage, &mut olga, page).await?;
    let by_limit = too_fast(Step::new(4), stage, &mut olga, page).await?;
    stranger(Step::new(5), stage, page).await?;
    let windows = vendor::play(stage, &olga, page).await?;
    let recorded = Recorded {
        by_policy: by_policy.record,
        by_limit: by_limit.record,
        windows,
    };
    let logged = audit::log(Step::new(11), stage, olga, &recorded, page).await?;
    audit::verified(Step::new(12), stage, &logged, page).await?;
    page.gap()?;
    page.opening("All twelve steps went as they should.")
}

fn introduce(stage: &Stage, page: &mut Page) -> Result<(), Failure> {
    page.opening(
        "Interlock stands between people and PLCs. Nobody gets a network. What they get is \
         single Modbus commands: each is decided by the site's rules and limits, and one that \
         changes something is in the log before it is sent.",
    )?;
    page.gap()?;
    page.opening(
        "All of this runs in this one program, on this machine alone: a small \
         waterworks with two simulated PLCs, a real gateway in front of them, and \
         five people who come in over QUIC, each with a certificate of their own.",
    )?;
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let at = |transport: &str, address: &dyn std::fmt::Display| format!("{transport} {address}");
    let press = at("Modbus/TCP", &stage.plant().press().address());
    let pump = at("Modbus/TCP", &stage.plant().pump().address());
    let edge = at("QUIC", &stage.address());
    page.seen(&[
        row(["press-4", "screw press for sludge", &press]),
        row(["pump-2", "river pump, behind a converter", &pump]),
        row(["gateway-1", "the gateway of the waterworks", &edge]),
        row(["olga", "operator of the plant", "person/olga"]),
        row(["victor", "technician of a vendor", "vendor/acme/victor"]),
        row(["arno", "approver of windows", "person/arno"]),
        row(["adam", "administrator", "person/adam"]),
        row(["aida", "auditor", "person/aida"]),
    ])
}

async fn read(step: Step, stage: &Stage, olga: &mut Actor, page: &mut Page) -> Result<(), Failure> {
    page.title("1. A read that passes")?;
    page.words(
        "olga reads three points. PLCs speak in raw registers; the gateway's inventory \
         gives them names, types and units.",
    )?;
    let mut rows = Vec::new();
    for (device, point, note) in [
        ("press-4", "speed", "a whole number, scaled"),
        ("press-4", "temperature", "a float in two registers"),
        ("pump-2", "level", "of unit 3"),
    ] {
        // The plant lives: what is read must lie between what it held before and after.
        let before = held(stage, point);
        let reading = olga.read(device, point).await;
        let after = held(stage, point);
        let what = format!("{device} {point} is read");
        let Reading {
            value,
            shown,
            place,
        } = step.works(&what, reading)?;
        let (low, high) = (before.min(after), before.max(after));
        step.expect(
            (low - 0.02..=high + 0.02).contains(&value),
            &format!("{point} is what the PLC holds, {low:.2} to {high:.2}"),
            &shown,
        )?;
        rows.push(
            [device, point, &shown, &place, note]
                .map(str::to_owned)
                .to_vec(),
        );
    }
    page.seen(&rows)?;
    page.passed("all three are what the PLCs hold in their memory.")
}

/// What the PLC's memory says, by its manual and not by the gateway's inventory.
fn held(stage: &Stage, point: &str) -> f64 {
    let press = stage.plant().press().memory().lock();
    let pump = stage.plant().pump().memory().lock();
    match point {
        "speed" => press.word(INPUT, 0).map(|raw| f64::from(raw) / 10.0),
        "temperature" => press.float(INPUT, 2).map(f64::from),
        _ => pump
            .word(INPUT, 0)
            .map(|raw| f64::from(raw.cast_signed()) / 100.0 - 2.0),
    }
    .unwrap_or(f64::NAN)
}

async fn write(
    step: Step,
    stage: &Stage,
    olga: &mut Actor,
    page: &mut Page,
) -> Result<(), Failure> {
    page.title("2. A write that passes")?;
    page.words(
        "olga sets the screw of press-4 from 800 to 900 rpm. A rule lets operators write \
         one named point at a time (staff.cedar/operators-write), and 900 is inside its limits (0 to 1200). The gateway \
         puts the command on disk first, then sends it.",
    )?;
    let before = setpoint(stage);
    let written = olga.write("press-4", "speed_setpoint", "900").await;
    let written = step.works("the write is answered", written)?;
    if let Written::Refused(notice) = written {
        return Err(step.surprise("the write passes", &told(&notice)));
    }
    let after = setpoint(stage);
    let row = |when: &str, raw: u16| {
        let place = "holding 100 (40101)".to_owned();
        let rpm = format!("{} rpm", number(f64::from(raw) / 10.0));
        vec![when.to_owned(), place, format!("{raw:>5}"), rpm]
    };
    page.seen(&[row("before", before), row("after", after)])?;
    page.words("This is the memory of the simulated PLC itself, not what the gateway says.")?;
    step.expect(
        (before, after) == (8_000, 9_000),
        "the PLC's register goes from 8000 to 9000",
        &format!("from {before} to {after}"),
    )?;
    let followed = timeout(DRIVE_FOLLOWS_WITHIN, follows(olga)).await;
    let speed = match followed {
        Ok(read) => step.works("the speed is read", read)?,
        Err(_) => return Err(step.surprise("the speed reaches 900 rpm", &"it never did")),
    };
    page.passed(&format!(
        "the register changed, and the drive followed: the screw now turns at {speed}."
    ))
}

/// Reads the speed until the drive has reached the setpoint.
async fn follows(olga: &mut Actor) -> Result<String, Failure> {
    loop {
        let reading = olga.read("press-4", "speed").await?;
        if (reading.value - 900.0).abs() < 0.05 {
            return Ok(reading.shown);
        }
        sleep(LOOKS_EVERY).await;
    }
}

async fn forbidden(
    step: Step,
    stage: &Stage,
    olga: &mut Actor,
    page: &mut Page,
) -> Result<Notice, Failure> {
    page.title("3. A write that a rule denies")?;
    page.words(
        "olga sets the pressure of the same press to 8.5 bar. The value is sane (0 to 12.5), \
         but at this site the pressure is for engineers.",
    )?;
    let notice = denied(step, stage, olga, ("pressure_setpoint", "8.5"), page).await?;
    let rule = "guards.cedar/pressure-is-for-engineers";
    step.expect(
        notice.reason == "rule-forbids" && notice.rule == [rule],
        &format!("the rule {rule} forbids it"),
        &told(&notice),
    )?;
    let bar = stage.plant().press().memory().lock();
    let bar = bar.float(HOLDING, PRESSURE_SETPOINT).unwrap_or(f32::NAN);
    step.expect(
        (bar - 6.5).abs() < 1e-6,
        "the PLC's pressure_setpoint stays 6.5 bar",
        &bar,
    )?;
    page.passed("the PLC received nothing; its setpoint is still 6.5 bar.")?;
    Ok(notice)
}

async fn too_fast(
    step: Step,
    stage: &Stage,
    olga: &mut Actor,
    page: &mut Page,
) -> Result<Notice, Failure> {
    page.title("4. A write that a limit denies")?;
    page.words(
        "olga wants 1300 rpm. The rule of step 2 lets her write this point, but the \
         inventory (plant.toml) says what is ever sane for it. Limits hold for everybody; \
         no rule can lift them.",
    )?;
    let notice = denied(step, stage, olga, ("speed_setpoint", "1300"), page).await?;
    step.expect(
        notice.reason == "value-outside-limits" && notice.what.contains("1200"),
        "the limit of 1200 rpm refuses it",
        &told(&notice),
    )?;
    let raw = setpoint(stage);
    step.expect(raw == 9_000, "the PLC's setpoint stays 9000", &raw)?;
    page.passed("the PLC received nothing; its setpoint is still 900 rpm.")?;
    Ok(notice)
}

/// Tries a write to the press that is to be refused: by the gateway, in a record, and before the PLC.
pub(super) async fn denied(
    step: Step,
    stage: &Stage,
    actor: &mut Actor,
    (point, value): (&str, &str),
    page: &mut Page,
) -> Result<Notice, Failure> {
    let before = stage.plant().press().memory().lock().writes();
    let written = actor.write("press-4", point, value).await;
    let notice = match step.works("the write is answered", written)? {
        Written::Refused(notice) => *notice,
        Written::Confirmed => {
            return Err(step.surprise("the write is refused", &"the PLC confirmed it"));
        }
    };
    page.refused(&why(&notice))?;
    let after = stage.plant().press().memory().lock().writes();
    let received = after.saturating_sub(before);
    step.expect(received == 0, "the PLC receives no write", &received)?;
    step.expect(
        notice.record.is_some(),
        "the denial is in the log",
        &"it is in no record",
    )?;
    Ok(notice)
}

/// What whoever was refused is told.
pub(super) fn why(notice: &Notice) -> Vec<(&'static str, String)> {
    let mut rows = vec![("REFUSED", notice.what.clone())];
    if !notice.rule.is_empty() {
        rows.push(("rule", notice.rule.join(", ")));
    }
    rows.push(("next", notice.next.clone()));
    rows
}

async fn stranger(step: Step, stage: &Stage, page: &mut Page) -> Result<(), Failure> {
    page.title("5. A vendor without a maintenance window")?;
    page.words(
        "victor of the vendor acme has a valid certificate, so the gateway knows who he is. \
         But without a maintenance window no rule lets him near one: it offers him no device. \
         His program asks for press-4 all the same, and for press-5, which does not exist.",
    )?;
    let entered = Actor::enter(stage, Person::Victor).await;
    let victor = step.works("victor's certificate opens a session", entered)?;
    let offers = victor.gateway().offers().len();
    step.expect(offers == 0, "he is offered no device", &offers)?;
    // Straight to the edge: our own commands would stop at a device that is not offered.
    let refused = match victor.gateway().converse("press-4", true).await {
        Err(failure) => failure,
        Ok(_) => return Err(step.surprise("the gateway refuses him", &"he was let in")),
    };
    let unknown = match victor.gateway().converse("press-5", true).await {
        Err(failure) => failure,
        Ok(_) => return Err(step.surprise("press-5 does not exist", &"it was opened")),
    };
    page.refused(&[
        (
            "REFUSED",
            format!("{} (press-4 and press-5 alike)", refused.what()),
        ),
        ("next", refused.next().to_owned()),
    ])?;
    step.expect(
        refused.kind() == Kind::Denied,
        "the gateway denies him the device",
        &refused,
    )?;
    step.expect(
        refused == unknown,
        "he is told the same of a device that does not exist",
        &unknown,
    )?;
    victor.leave().await;
    page.passed(
        "both were refused in the same words, so that he cannot find out which devices \
         there are.",
    )
}

pub(super) fn setpoint(stage: &Stage) -> u16 {
    let memory = stage.plant().press().memory().lock();
    memory.word(HOLDING, SPEED_SETPOINT).unwrap_or_default()
}

pub(super) fn told(notice: &Notice) -> String {
    crate::notice::told(notice)
}
