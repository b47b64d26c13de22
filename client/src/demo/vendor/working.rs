//! Work in a window, and its end in the middle of it.

use super::holding::{asked, settled};
use super::{PROGRAM, typed, writes};
use crate::demo::actor::Actor;
use crate::demo::cast::Person;
use crate::demo::page::Page;
use crate::demo::stage::Stage;
use crate::demo::surprise::Step;
use crate::demo::tour::{denied, setpoint, told};
use crate::failure::Failure;
use crate::restraint;
use crate::watch::played::Seat;

/// Gives victor's session, in the window.
pub(super) async fn worked(step: Step, stage: &Stage, page: &mut Page) -> Result<Actor, Failure> {
    page.title("8. Work in the window, and no further")?;
    page.words("victor connects again. The press is there for him now, and nothing else is.")?;
    let entered = Actor::enter(stage, Person::Victor).await;
    let mut victor = step.works("victor's session opens", entered)?;
    let offers: Vec<&str> = victor
        .gateway()
        .offers()
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    step.expect(
        offers == ["press-4"],
        "he is offered press-4 alone",
        &offers.join(", "),
    )?;
    let before = setpoint(stage);
    writes(step, &mut victor, ("speed_setpoint", "700")).await?;
    let after = setpoint(stage);
    page.screen(
        "victor",
        &typed("speed_setpoint=700"),
        &[format!(
            "the PLC's register 40101 went from {before} to {after}"
        )],
    )?;
    step.expect(
        (before, after) == (9_000, 7_000),
        "the PLC's register goes from 9000 to 7000",
        &format!("from {before} to {after}"),
    )?;
    for (wish, point, value, why) in [
        ("ramp=50", "ramp", "50", "Another point of the same press:"),
        (
            "speed_setpoint=780",
            "speed_setpoint",
            "780",
            "A value that is sane, and that nobody gave him:",
        ),
    ] {
        page.words(why)?;
        page.screen("victor", &typed(wish), &[])?;
        let notice = denied(step, stage, &mut victor, (point, value), page).await?;
        step.expect(
            notice.reason == "outside-window",
            "it is outside his window",
            &told(&notice),
        )?;
    }
    step.expect(
        setpoint(stage) == 7_000,
        "the setpoint stays 7000",
        &setpoint(stage),
    )?;
    page.passed("what is in the window passed; a point and a value beside it did not.")?;
    Ok(victor)
}

/// The second window goes while a write in it waits for olga's yes.
pub(super) async fn revoked(
    step: Step,
    stage: &Stage,
    victor: &mut Actor,
    olga: &mut Seat,
    window: u64,
    page: &mut Page,
) -> Result<(), Failure> {
    page.title("10. Taken away in the middle of the work")?;
    page.words(
        "victor wants less pressure again, and olga is asked. She does not like the noise.",
    )?;
    let hold = asked(
        step,
        stage,
        victor,
        olga,
        ("pressure_setpoint", "6.6"),
        page,
    )
    .await?;
    page.words("She calls adam, who administers the gateway:")?;
    let entered = Actor::enter(stage, Person::Adam).await;
    let mut adam = step.works("adam's session opens", entered)?;
    let number = window.to_string();
    let line = ["window", &number, "--reason", "the press is too loud"];
    let revoked = restraint::played(&line, adam.asking()).await;
    let seen = step.works("adam may revoke it", revoked)?;
    let command: Vec<&str> = [PROGRAM, "revoke"].into_iter().chain(line).collect();
    page.screen("adam", &command, &[seen.trim_end().to_owned()])?;
    adam.leave().await;
    page.words("On olga's screen and on victor's, at once:")?;
    let seen = settled(step, olga, hold).await?;
    let heard = victor.told().await;
    page.screen("", &[], &[seen, step.works("victor is told", heard)?])?;
    page.screen("victor", &typed("pressure_setpoint=6.6"), &[])?;
    let notice = denied(step, stage, victor, ("pressure_setpoint", "6.6"), page).await?;
    step.expect(
        notice.reason == "window-revoked",
        "it says that the window was revoked",
        &told(&notice),
    )?;
    writes(step, victor, ("speed_setpoint", "710")).await?;
    page.passed(
        "once adam's command had returned, nothing of that window could reach the press any more. \
         The window of step 7 is another one, and still open.",
    )
}
