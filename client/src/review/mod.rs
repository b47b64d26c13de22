//! `interlock review`: what was allowed against what was used, for an owner to sign off.

mod row;
mod tally;
#[cfg(test)]
mod tests;

use clap::Args;
use interlock_broker::clock::Clock;
use interlock_protocols::conduit::{Answer, Ask, IdentityRow, JournalQuery, WindowRow};
use jiff::tz::TimeZone;

use self::row::{Facts, ReviewLine};
use self::tally::Tally;
use crate::Setting;
use crate::failure::{Failure, Kind};
use crate::gateway::{Gateway, Shown};
use crate::moment::{self, Bound};
use crate::screen::{self, one_line};

/// Compare what people were allowed with what they used, for an owner to sign off
///
/// One row for each window, and one for what somebody did, or may do, without one. With -o csv there
/// are empty columns for the decision and for who signs it. It reads the journal of that time, which
/// policy has to let you; windows and identities are listed as far as it does.
#[derive(Debug, Args)]
pub(crate) struct Review {
    /// Since when: 30d, 2026-10-01, or 2026-10-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: String,
    /// Until when, written as for --since [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

pub(crate) async fn run(asked: &Review, setting: &Setting) -> Result<(), Failure> {
    let period = asked.period(Clock::start().now().wall_ms(), &TimeZone::system())?;
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let looked = look(&mut gateway, period).await;
    gateway.goodbye().await;
    let (lines, left_out) = looked?;
    setting.print(&lines)?;
    for what in left_out {
        screen::say_loud("not all:", &what);
    }
    Ok(())
}

impl Review {
    fn period(&self, now_ms: i64, zone: &TimeZone) -> Result<Period, Failure> {
        let read = |text: &str, bound| {
            moment::parse(text, bound, now_ms, zone).ok_or_else(|| {
                Failure::new(Kind::Usage, format!("`{text}` is no time"), moment::FORMS)
            })
        };
        let since_ms = read(&self.since, Bound::Since)?;
        let until_ms = match &self.until {
            Some(until) => read(until, Bound::Until)?,
            None => now_ms,
        };
        if since_ms >= until_ms {
            let what = "it would end before it begins";
            return Err(Failure::new(
                Kind::Usage,
                what,
                "look at --since and --until",
            ));
        }
        Ok(Period { since_ms, until_ms })
    }
}

/// The time that is reviewed, in ms since 1970 UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Period {
    since_ms: i64,
    until_ms: i64,
}

/// The rows, and what they leave out.
async fn look(
    gateway: &mut Gateway,
    period: Period,
) -> Result<(Vec<ReviewLine>, Vec<String>), Failure> {
    let mut left_out = Vec::new();
    let mut tally = Tally::new(period);
    match windows(gateway).await {
        Ok(rows) => rows.iter().for_each(|row| tally.know(row)),
        Err(failure) if failure.kind() == Kind::Denied => left_out.push(format!(
            "windows that were asked for before that time are known by number alone: {}",
            one_line(failure.what())
        )),
        Err(failure) => return Err(failure),
    }
    let identities = match identities(gateway).await {
        Ok(rows) => rows,
        Err(failure) if failure.kind() == Kind::Denied => {
            left_out.push(format!(
                "who may do what without a window is not known: {}",
                one_line(failure.what())
            ));
            Vec::new()
        }
        Err(failure) => return Err(failure),
    };
    let query = JournalQuery {
        from: 1,
        since_ms: Some(period.since_ms),
        until_ms: Some(period.until_ms),
        ..JournalQuery::default()
    };
    let mut records = gateway.read_journal(query).await?;
    while let Some(shown) = records.next().await? {
        match shown {
            Shown::Match(record) | Shown::Outcome(record) => tally.take(&record),
            Shown::Session(_) => {}
        }
    }
    let facts = Facts {
        offers: gateway.offers(),
        identities: &identities,
    };
    Ok((row::lines(&tally.end(), &facts), left_out))
}

async fn windows(gateway: &mut Gateway) -> Result<Vec<WindowRow>, Failure> {
    let parts = gateway
        .ask_for_parts(Ask::Windows { pending: false })
        .await?;
    let rows = parts.into_iter().filter_map(|part| match part {
        Answer::Windows(rows) => Some(rows),
        _ => None,
    });
    Ok(rows.flatten().collect())
}

async fn identities(gateway: &mut Gateway) -> Result<Vec<IdentityRow>, Failure> {
    let parts = gateway.ask_for_parts(Ask::Identities).await?;
    let rows = parts.into_iter().filter_map(|part| match part {
        Answer::Identities(rows) => Some(rows),
        _ => None,
    });
    Ok(rows.flatten().collect())
}
