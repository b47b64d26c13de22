//! The list of approvers: as people write it, and what is wrong with one.

use std::path::Path;

use interlock_protocols::limits::APPROVERS_MAX;
use interlock_protocols::root::{Approver, ApproverList};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::key::approver_key;
use crate::clock::Now;
use crate::document::{self, Section};
use crate::finding::Finding;
use crate::limits::NAME_MAX_BYTES;
use crate::subject::{SubjectId, SubjectKind};

/// Reads the file that `interlock root sign approvers` takes, and reports all that is wrong with
/// it.
pub fn read_list(file: &Path, text: &str, site: &str) -> Result<ApproverList, Vec<Finding>> {
    document::read(file, text, |root| {
        let mut approvers = root
            .optional("approver")
            .tables(|section| entry(section, site));
        approvers.sort_by(order);
        let list = ApproverList { approvers };
        if let Err(why) = judge(&list, site) {
            root.fault(
                "approver",
                why,
                "an approver is who they are, once for each key",
            );
            return None;
        }
        Some(list)
    })
}

fn entry(section: &mut Section<'_>, site: &str) -> Option<Approver> {
    let subject = section.required("subject").text_as(|text| {
        SubjectId::parse_at(site, text).map_err(|error| {
            let hint = "person/NAME, or vendor/FIRM/NAME".to_owned();
            (error.to_string(), hint)
        })
    });
    let name = section.required("name").text();
    let firm = section.optional("firm").text();
    let key = section.required("key").text_as(|text| {
        approver_key(text).map_err(|why| {
            let hint = "the line that `interlock approver key` printed on their machine".to_owned();
            (why, hint)
        })
    });
    let since_ms = section.required("since").text_as(|text| {
        since_ms(text).ok_or_else(|| {
            let hint = "the day on which they became an approver, like 2026-11-01, or that moment, like 2026-11-01T08:30:00Z".to_owned();
            ("that is no time".to_owned(), hint)
        })
    });
    let subject = subject?;
    Some(Approver {
        firm: firm.or_else(|| firm_of(&subject)),
        subject: subject.to_string(),
        name: name?,
        key: key?,
        since_ms: since_ms?,
    })
}

/// A day begins at midnight UTC: the list holds the same everywhere.
fn since_ms(text: &str) -> Option<i64> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.as_millisecond());
    }
    let day: Date = text.parse().ok()?;
    let moment = day.to_zoned(TimeZone::UTC).ok()?.timestamp();
    // What is longer than a day would be a local time, and nobody knows of which place.
    (day.to_string() == text).then(|| moment.as_millisecond())
}

/// Who of a list would be an approver only later. Signed today, such an entry would make
/// somebody an approver of long standing one day, without anybody having looked again.
pub(super) fn judge_since(list: &ApproverList, now: Now) -> Result<(), String> {
    let mut approvers = list.approvers.iter();
    match approvers.find(|approver| approver.since_ms > now.wall_ms()) {
        None => Ok(()),
        Some(later) => Err(format!(
            "{} would be an approver since {}, which is in the future by the clock of this machine, {}; a day begins at midnight UTC",
            later.subject,
            moment(later.since_ms),
            moment(now.wall_ms()),
        )),
    }
}

fn moment(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |moment| moment.to_string())
}

/// The firm that a vendor's own name says.
fn firm_of(subject: &SubjectId) -> Option<String> {
    let mut path = subject.path().split('/');
    match (path.next(), path.next()) {
        (Some("vendor"), Some(firm)) => Some(firm.to_owned()),
        _ => None,
    }
}

fn order(one: &Approver, other: &Approver) -> std::cmp::Ordering {
    (&one.subject, &one.key).cmp(&(&other.subject, &other.key))
}

/// What is wrong with a list, if anything is.
pub(super) fn judge(list: &ApproverList, site: &str) -> Result<(), String> {
    let approvers = &list.approvers;
    if approvers.len() > APPROVERS_MAX {
        return Err(format!("it names more than {APPROVERS_MAX} approvers"));
    }
    if !approvers.is_sorted_by(|one, other| order(one, other).is_lt()) {
        return Err("its approvers are not in their order, or one stands in it twice".to_owned());
    }
    for (at, approver) in approvers.iter().enumerate() {
        let who = &approver.subject;
        let subject = SubjectId::parse(who).map_err(|error| error.to_string())?;
        if subject.site() != site {
            return Err(format!("{who} is of another site; this one is `{site}`"));
        }
        if subject.kind() == SubjectKind::Workload {
            return Err(format!("{who} is a program, and only people approve"));
        }
        if let Some(firm) = firm_of(&subject)
            && approver.firm.as_ref() != Some(&firm)
        {
            return Err(format!("{who} is of `{firm}`, and not of the firm it says"));
        }
        for text in [Some(&approver.name), approver.firm.as_ref()]
            .into_iter()
            .flatten()
        {
            if text.is_empty() || text.len() > NAME_MAX_BYTES || text.contains(char::is_control) {
                return Err(format!(
                    "{who}: a name has 1 to {NAME_MAX_BYTES} bytes of text"
                ));
            }
        }
        if approver.since_ms < 0 {
            return Err(format!("{who} was no approver before 1970"));
        }
        let earlier = approvers.iter().take(at);
        if let Some(other) = earlier.into_iter().find(|other| other.key == approver.key) {
            let other = &other.subject;
            return Err(format!("{who} and {other} have the same key"));
        }
    }
    Ok(())
}
