//! A second window, in which olga says yes to each write.

use std::time::Duration;

use interlock_protocols::conduit::Notice;
use interlock_protocols::modbus::Table;
use tokio::time::{sleep, timeout};

use super::asking::{self, signed};
use super::{PROGRAM, typed, writes};
use crate::demo::actor::{Actor, Reading, Written};
use crate::demo::cast::Person;
use crate::demo::page::Page;
use crate::demo::stage::Stage;
use crate::demo::surprise::Step;
use crate::demo::tour::{denied, told, why};
use crate::failure::{Failure, Kind};
use crate::watch::played::{Seat, Sight};
use crate::window::played;

/// The pressure of the press, which may be 0 to 12.5 bar at all.
const WANTED: [&str; 17] = [
    "request",
    "--device",
    "press-4",
    "--points",
    "pressure_setpoint",
    "--functions",
    "write-registers",
    "--from",
    "now",
    "--for",
    "1h",
    "--max-writes",
    "5",
    "--limit",
    "pressure_setpoint=6..7",
    "--reason",
    "WO-1234",
];

const PRESSURE_SETPOINT: u16 = 110;

/// A machine that is busy takes its time to show something.
const SEEN_WITHIN: Duration = Duration::from_secs(20);
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// Gives the number of the window, and olga in front of her screen.
pub(super) async fn held(
    step: Step,
    stage: &Stage,
    olga: &Actor,
    victor: &mut Actor,
    page: &mut Page,
) -> Result<(u64, Seat), Failure> {
    page.title("9. A write that waits for a yes")?;
    page.words(
        "Pressure can break the press. victor may ask for it, but a rule (windows.cedar/pressure-is-watched) \
         wants somebody of the plant to watch, and to say yes to each write:",
    )?;
    let asked_for =
        played::request(&WANTED, victor.asking(), &stage.profile(Person::Victor)?).await;
    let (seen, window) = step.works("victor may ask for the pressure", asked_for)?;
    page.screen(
        "victor",
        &asking::typed(&WANTED),
        seen.last_chunk::<1>().map_or(&[], |last| last),
    )?;
    let number = window.to_string();
    let line = ["approve", &number];
    let seen = signed(step, stage, &line).await?;
    let watched = seen
        .iter()
        .filter(|line| line.trim_start().starts_with("watched"));
    let watched: Vec<String> = watched.cloned().collect();
    page.words("arno reads it and signs. Among what he reads:")?;
    page.screen("", &[], &watched)?;
    let heard = victor.told().await;
    step.works("victor is told", heard)?;
    page.words("As long as nobody watches, nothing passes:")?;
    page.screen("victor", &typed("pressure_setpoint=7"), &[])?;
    let notice = denied(step, stage, victor, ("pressure_setpoint", "7"), page).await?;
    step.expect(
        notice.reason == "unsupervised",
        "nobody watches",
        &told(&notice),
    )?;
    let width = u16::try_from(Page::SCREEN).unwrap_or(u16::MAX);
    let taken = Seat::take(olga.gateway(), "press-4", width).await;
    let (mut olga, begins) = step.works("olga may supervise", taken)?;
    page.screen("olga", &[PROGRAM, "watch", "press-4"], &[begins])?;
    let read = timeout(SEEN_WITHIN, reads(victor)).await;
    let read = read.map_err(|_| step.surprise("reading passes", &"nobody supervises"))?;
    let read = step.works("victor reads the pressure", read)?;
    page.words("Now victor works under her eyes. To read takes no yes, to write does:")?;
    let line = [PROGRAM, "read", "press-4", "pressure_setpoint"];
    page.screen(
        "victor",
        &line,
        &[format!("{}  {}", read.shown, read.place)],
    )?;
    let hold = asked(
        step,
        stage,
        victor,
        &mut olga,
        ("pressure_setpoint", "7"),
        page,
    )
    .await?;
    olga.answer(hold, true).await?;
    let seen = settled(step, &mut olga, hold).await?;
    page.screen("", &[], &["y".to_owned(), seen])?;
    let before = bar(stage);
    writes(step, victor, ("pressure_setpoint", "7")).await?;
    let after = bar(stage);
    page.words("victor's tool asks again, as tools do when they are told `busy` (06):")?;
    let went = format!("the PLC's registers 40111 and 40112 went from {before} to {after} bar");
    page.screen(
        "victor",
        &typed("pressure_setpoint=7"),
        std::slice::from_ref(&went),
    )?;
    step.expect(
        (before - 6.5).abs() < 1e-6 && (after - 7.0).abs() < 1e-6,
        "the PLC's pressure_setpoint goes from 6.5 to 7 bar",
        &went,
    )?;
    page.passed("the yes was for this very command, and for once.")?;
    Ok((window, olga))
}

/// victor's write is held, and olga asked about it; gives the number of the hold.
pub(super) async fn asked(
    step: Step,
    stage: &Stage,
    victor: &mut Actor,
    olga: &mut Seat,
    (point, value): (&str, &str),
    page: &mut Page,
) -> Result<u64, Failure> {
    page.screen("victor", &typed(&format!("{point}={value}")), &[])?;
    let before = stage.plant().press().memory().lock().writes();
    let notice = timeout(SEEN_WITHIN, waits(step, victor, (point, value))).await;
    let notice = notice.map_err(|_| step.surprise("the write is held", &"nobody supervises"))??;
    page.refused(&why(&notice))?;
    step.expect(notice.reason == "held", "the write is held", &told(&notice))?;
    let after = stage.plant().press().memory().lock().writes();
    step.expect(
        before == after,
        "the PLC receives no write",
        &"it received one",
    )?;
    let sight = sees(olga, |sight| sight.asks.is_some()).await;
    let sight = step.works("olga is asked", sight)?;
    page.words("olga sees:")?;
    page.screen("", &[], &[sight.text.trim_end().to_owned()])?;
    sight
        .asks
        .ok_or_else(|| step.surprise("olga is asked", &sight.text))
}

/// That somebody watches may come to the gateway later than the command.
async fn reads(victor: &mut Actor) -> Result<Reading, Failure> {
    loop {
        match victor.read("press-4", "pressure_setpoint").await {
            Err(refused) if refused.kind() == Kind::Denied => sleep(LOOKS_EVERY).await,
            read => return read,
        }
    }
}

/// The same for a write.
async fn waits(
    step: Step,
    victor: &mut Actor,
    (point, value): (&str, &str),
) -> Result<Notice, Failure> {
    loop {
        let written = victor.write("press-4", point, value).await;
        match step.works("the write is answered", written)? {
            Written::Refused(notice) if notice.reason == "unsupervised" => sleep(LOOKS_EVERY).await,
            Written::Refused(notice) => return Ok(*notice),
            Written::Confirmed => {
                return Err(step.surprise("the write is held", &"the PLC confirmed it"));
            }
        }
    }
}

/// What became of a hold, as olga sees it.
pub(super) async fn settled(step: Step, olga: &mut Seat, hold: u64) -> Result<String, Failure> {
    let sight = sees(olga, |sight| sight.settles == Some(hold)).await;
    step.works("olga sees what became of it", sight)
        .map(|sight| sight.text)
}

async fn sees(olga: &mut Seat, wanted: impl Fn(&Sight) -> bool) -> Result<Sight, Failure> {
    let seen = async {
        loop {
            let sight = olga.next().await?;
            if wanted(&sight) {
                return Ok(sight);
            }
        }
    };
    let late = |_| Failure::new(Kind::Failed, "she sees nothing of it", "");
    timeout(SEEN_WITHIN, seen).await.map_err(late)?
}

fn bar(stage: &Stage) -> f32 {
    let memory = stage.plant().press().memory().lock();
    memory
        .float(Table::HoldingRegisters, PRESSURE_SETPOINT)
        .unwrap_or(f32::NAN)
}
