//! The vendor's story: a maintenance window is asked for, approved by somebody else, used, watched,
//! and taken away.

mod asking;
mod holding;
mod working;

use super::actor::{Actor, Written};
use super::cast::Person;
use super::page::Page;
use super::stage::Stage;
use super::surprise::Step;
use super::tour::told;
use crate::failure::Failure;

/// What stands in front of every command on the people's screens.
const PROGRAM: &str = "interlock";

/// Plays it; gives the numbers of both windows. olga supervises the second.
pub(super) async fn play(
    stage: &Stage,
    olga: &Actor,
    page: &mut Page,
) -> Result<[u64; 2], Failure> {
    let start = Step::new(6);
    let entered = Actor::enter(stage, Person::Victor).await;
    let mut victor = start.works("victor's session opens", entered)?;
    let window = asking::asked(start, stage, &mut victor, page).await?;
    asking::approved(Step::new(7), stage, &mut victor, window, page).await?;
    victor.leave().await;
    let mut victor = working::worked(Step::new(8), stage, page).await?;
    let (held, mut olga) = holding::held(Step::new(9), stage, olga, &mut victor, page).await?;
    working::revoked(Step::new(10), stage, &mut victor, &mut olga, held, page).await?;
    victor.leave().await;
    Ok([window, held])
}

/// A write to the press that is to pass, as it is typed.
async fn writes(step: Step, who: &mut Actor, (point, value): (&str, &str)) -> Result<(), Failure> {
    let written = who.write("press-4", point, value).await;
    match step.works("the write is answered", written)? {
        Written::Confirmed => Ok(()),
        Written::Refused(notice) => Err(step.surprise("the write passes", &told(&notice))),
    }
}

/// The command line of a write to the press.
fn typed(wish: &str) -> [&str; 4] {
    [PROGRAM, "write", "press-4", wish]
}
