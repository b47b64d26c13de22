//! A window is asked for, and somebody else signs it.

use super::PROGRAM;
use crate::demo::actor::Actor;
use crate::demo::cast::Person;
use crate::demo::page::Page;
use crate::demo::stage::Stage;
use crate::demo::surprise::Step;
use crate::failure::{Failure, Kind};
use crate::window::played;

/// What victor asks for: the speed of the press, which may be 0 to 1200 rpm at all, and 100 to 800 for other
/// firms: `plant.toml` has a limit set for them.
const WANTED: [&str; 17] = [
    "request",
    "--device",
    "press-4",
    "--points",
    "speed_setpoint",
    "--functions",
    "write-register",
    "--from",
    "now",
    "--for",
    "2h",
    "--max-writes",
    "20",
    "--limit",
    "speed_setpoint=600..750",
    "--reason",
    "WO-1234",
];

pub(super) async fn asked(
    step: Step,
    stage: &Stage,
    victor: &mut Actor,
    page: &mut Page,
) -> Result<u64, Failure> {
    page.title("6. He asks for one")?;
    page.words(
        "victor's job is the speed of the press. So he asks for that: one point, from 600 to \
         750 rpm, 20 writes at the most, for two hours.",
    )?;
    let asked = played::request(&WANTED, victor.asking(), &stage.profile(Person::Victor)?).await;
    let (seen, window) = step.works("victor may ask for a window", asked)?;
    page.screen("victor", &typed(&WANTED), &seen)?;
    let refused = match victor.gateway().converse("press-4", false).await {
        Err(refused) => refused,
        Ok(_) => return Err(step.surprise("a request opens nothing", &"he was let in")),
    };
    step.expect(
        refused.kind() == Kind::Denied,
        "the gateway still denies him the device",
        &refused,
    )?;
    page.passed("asking gave him nothing: the press is still not there for him.")?;
    Ok(window)
}

pub(super) async fn approved(
    step: Step,
    stage: &Stage,
    victor: &mut Actor,
    window: u64,
    page: &mut Page,
) -> Result<(), Failure> {
    page.title("7. Somebody else signs it")?;
    page.words(
        "arno approves windows here: the site root, a key that is on no gateway, has signed a list \
         with his key on it. What he reads comes from the very bytes that he signs and from the \
         plant that the site root signed, which he keeps himself. A gateway that lies is found out.",
    )?;
    let number = window.to_string();
    let line = ["approve", &number, "--comment", "during the day shift"];
    let seen = signed(step, stage, &line).await?;
    page.screen("arno", &typed(&line), &seen)?;
    let told = victor.told().await;
    let told = step.works("victor is told", told)?;
    page.words("victor, who is connected, sees at once:")?;
    page.screen("", &[], &[told])?;
    page.passed("a key that the gateway does not have opened it, and nothing else could.")
}

/// arno reads it and signs; gives what he sees.
pub(super) async fn signed(
    step: Step,
    stage: &Stage,
    line: &[&str],
) -> Result<Vec<String>, Failure> {
    let entered = Actor::enter(stage, Person::Arno).await;
    let mut arno = step.works("arno's session opens", entered)?;
    let profile = stage.profile(Person::Arno)?;
    let mut seen = Vec::new();
    let show = |lines: &[String]| {
        seen.extend_from_slice(lines);
        Ok(())
    };
    let signed = played::approve(line, arno.asking(), &profile, Page::SCREEN, show).await;
    let said = step.works("arno may approve it", signed)?;
    seen.extend(["Sign this? [y/N] y".to_owned(), said]);
    arno.leave().await;
    Ok(seen)
}

pub(super) fn typed<'a>(line: &[&'a str]) -> Vec<&'a str> {
    let program = [PROGRAM, "window"];
    program.into_iter().chain(line.iter().copied()).collect()
}
