//! What was counted, as rows for people and for an owner's spreadsheet.

use std::collections::{BTreeMap, BTreeSet};

use interlock_broker::subject::path;
use interlock_protocols::conduit::{DeviceOffer, IdentityRow};
use serde::Serialize;

use super::tally::{Known, Tally, Used};
use crate::moment;
use crate::point::number;
use crate::screen::{Row, one_line};
use crate::window::scale;

/// What else is known.
pub(super) struct Facts<'a> {
    pub(super) offers: &'a [DeviceOffer],
    pub(super) identities: &'a [IdentityRow],
}

/// What one subject was allowed, and what they used of it: in one window, or without any.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub(super) struct ReviewLine {
    subject: String,
    owner: String,
    window: Option<u64>,
    state: String,
    device: String,
    approved_by: Vec<String>,
    asked: String,
    reason: String,
    allowed: Vec<String>,
    times: u64,
    writes_allowed: Option<u64>,
    writes_used: u64,
    done: u64,
    refused_by_device: u64,
    outcome_unknown: u64,
    outcome_open: u64,
    withheld: u64,
    reads: u64,
    denied: u64,
    held_yes: u64,
    held_no: u64,
    used: Vec<String>,
    never_used: Vec<String>,
}

/// All rows: by subject, windows first.
pub(super) fn lines(tally: &Tally, facts: &Facts<'_>) -> Vec<ReviewLine> {
    let none = Used::default();
    let mut lines = Vec::new();
    for (number, known) in &tally.windows {
        let used = tally.in_windows.get(number).unwrap_or(&none);
        let asked =
            (tally.period.since_ms..tally.period.until_ms).contains(&known.granted.asked_ms);
        let open = known.is_approved() && known.times_in(tally.period) > 0;
        if asked || open || *used != none {
            lines.push(of_window(known, used, tally, facts));
        }
    }
    let unknown = tally
        .in_windows
        .iter()
        .filter(|(number, _)| !tally.windows.contains_key(number));
    lines.extend(unknown.map(|(number, used)| ReviewLine {
        window: Some(*number),
        state: "asked for before".to_owned(),
        ..of_use(used, facts)
    }));
    let with_rights = facts.identities.iter().map(|row| row.subject.as_str());
    let subjects: BTreeSet<&str> = tally
        .without
        .keys()
        .map(String::as_str)
        .chain(with_rights)
        .collect();
    for subject in subjects {
        let used = Used {
            subject: subject.to_owned(),
            ..tally.without.get(subject).cloned().unwrap_or_default()
        };
        lines.push(without(&used, facts));
    }
    lines.sort_by(|one, other| {
        // A window has a number, and `None` would come first.
        let key = |line: &ReviewLine| (line.subject.clone(), line.window.unwrap_or(u64::MAX));
        key(one).cmp(&key(other))
    });
    lines
}

/// What was done, whatever let it.
fn of_use(used: &Used, facts: &Facts<'_>) -> ReviewLine {
    let mut owners: Vec<&str> = identities(facts, &used.subject)
        .map(|row| path(&row.owner))
        .collect();
    owners.sort_unstable();
    owners.dedup();
    let values = used.values.iter().map(|(name, values)| match values.range {
        Some((min, max)) if min == max => format!("{name} {} {}", number(min), values.unit),
        Some((min, max)) => format!("{name} {}..{} {}", number(min), number(max), values.unit),
        None => format!("{name} in part"),
    });
    ReviewLine {
        subject: used.subject.clone(),
        owner: owners.join(" "),
        device: used.devices.iter().cloned().collect::<Vec<_>>().join(" "),
        writes_used: used.writes(),
        done: used.done,
        refused_by_device: used.refused_by_device,
        outcome_unknown: used.unknown,
        outcome_open: used.open,
        withheld: used.withheld,
        reads: used.reads,
        denied: used.denied,
        held_yes: used.held_yes,
        held_no: used.held_no,
        used: values.map(|text| text.trim_end().to_owned()).collect(),
        ..ReviewLine::default()
    }
}

fn identities<'a>(facts: &Facts<'a>, subject: &'a str) -> impl Iterator<Item = &'a IdentityRow> {
    facts
        .identities
        .iter()
        .filter(move |row| row.subject == subject)
}

fn of_window(known: &Known, used: &Used, tally: &Tally, facts: &Facts<'_>) -> ReviewLine {
    let granted = &known.granted;
    let used = Used {
        subject: granted.by.clone(),
        ..used.clone()
    };
    let grant = granted.grant();
    let offer = facts
        .offers
        .iter()
        .find(|offer| offer.name == granted.device());
    let approved = known.is_approved();
    let mut allowed = Vec::new();
    let mut never_used = Vec::new();
    let points = grant.iter().flat_map(|grant| grant.points());
    for (point, name) in points.zip(&granted.points) {
        if !scale::is_written(&point) {
            allowed.push(format!("{name} (reading)"));
            continue;
        }
        let offered = offer.and_then(|offer| scale::offered(offer, name, &point));
        allowed.push(match offered {
            Some(offered) => {
                let (min, max) = scale::asked(&point, offered);
                let range = format!("{name} {}..{} {}", number(min), number(max), offered.unit);
                range.trim_end().to_owned()
            }
            // Without its scale a number would be read as something that it is not.
            None => name.clone(),
        });
        if approved && !used.values.contains_key(name) {
            never_used.push(name.clone());
        }
    }
    let times = known.times_in(tally.period);
    let most = grant.map_or(0, |grant| u64::from(grant.max_writes));
    let by = known
        .approvals
        .iter()
        .map(|approval| path(&approval.approved.by).to_owned());
    ReviewLine {
        window: Some(granted.number),
        state: known.state.clone(),
        device: granted.device().to_owned(),
        approved_by: by.collect(),
        asked: moment::rfc3339(granted.asked_ms),
        reason: granted.reason.clone(),
        allowed,
        times,
        writes_allowed: Some(if approved {
            most.saturating_mul(times)
        } else {
            0
        }),
        never_used,
        ..of_use(&used, facts)
    }
}

/// What somebody may without a window: as the gateway says it, a line each.
fn without(used: &Used, facts: &Facts<'_>) -> ReviewLine {
    let mut may: BTreeMap<&str, bool> = BTreeMap::new();
    for row in identities(facts, &used.subject) {
        for what in &row.may {
            // On several machines: used on one is used.
            let never = row.never_used.contains(what);
            may.entry(what)
                .and_modify(|before| *before &= never)
                .or_insert(never);
        }
    }
    ReviewLine {
        state: "by policy".to_owned(),
        allowed: may.keys().map(|what| (*what).to_owned()).collect(),
        never_used: may
            .iter()
            .filter(|(_, never)| **never)
            .map(|(what, _)| (*what).to_owned())
            .collect(),
        ..of_use(used, facts)
    }
}

impl ReviewLine {
    fn who(&self) -> String {
        let owner = match self.owner.as_str() {
            "" => String::new(),
            owner => format!("\nowner {owner}"),
        };
        format!("{}{owner}", path(&self.subject))
    }

    fn told_use(&self) -> Vec<String> {
        let mut told = vec![match self.writes_allowed {
            Some(allowed) => format!("{} of {allowed} writes", self.writes_used),
            None => format!("{} writes", self.writes_used),
        }];
        told.extend(self.used.iter().cloned());
        for (count, what) in [
            (self.refused_by_device, "refused by the device"),
            (self.outcome_unknown, "of UNKNOWN outcome"),
            (self.outcome_open, "of open outcome"),
            (self.withheld, "withheld"),
            (self.reads, "reads"),
            (self.denied, "DENIED"),
            (self.held_yes, "held, yes"),
            (self.held_no, "held, no"),
        ] {
            if count > 0 {
                told.push(format!("{count} {what}"));
            }
        }
        told
    }
}

/// Lines of one cell; what came from outside stays one line each.
fn cell(lines: &[String]) -> String {
    match lines {
        [] => "-".to_owned(),
        lines => lines
            .iter()
            .map(|line| one_line(line))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

impl Row for ReviewLine {
    const HEADER: &'static [&'static str] = &["WHO", "BY", "ALLOWED", "USED", "NEVER USED"];

    const FIELDS: &'static [&'static str] = &[
        "subject",
        "owner",
        "window",
        "state",
        "device",
        "approved_by",
        "asked",
        "reason",
        "allowed",
        "times",
        "writes_allowed",
        "writes_used",
        "done",
        "refused_by_device",
        "outcome_unknown",
        "outcome_open",
        "withheld",
        "reads",
        "denied",
        "held_yes",
        "held_no",
        "used",
        "never_used",
        // For the owner to fill in.
        "decision",
        "signed_by",
        "signed_on",
    ];

    fn cells(&self) -> Vec<String> {
        let mut by = match self.window {
            Some(window) => vec![format!("window {window}"), self.state.clone()],
            None => vec![self.state.clone()],
        };
        by.extend(self.approved_by.iter().cloned());
        let mut allowed = Vec::new();
        if !self.device.is_empty() && self.window.is_some() {
            allowed.push(self.device.clone());
        }
        allowed.extend(self.allowed.iter().cloned());
        vec![
            cell(&self.who().lines().map(str::to_owned).collect::<Vec<_>>()),
            cell(&by),
            cell(&allowed),
            cell(&self.told_use()),
            cell(&self.never_used),
        ]
    }

    fn fields(&self) -> Vec<String> {
        let number = |number: Option<u64>| number.map(|it| it.to_string()).unwrap_or_default();
        let counts = [
            self.writes_used,
            self.done,
            self.refused_by_device,
            self.outcome_unknown,
            self.outcome_open,
            self.withheld,
            self.reads,
            self.denied,
            self.held_yes,
            self.held_no,
        ];
        let mut fields = vec![
            self.subject.clone(),
            self.owner.clone(),
            number(self.window),
            self.state.clone(),
            self.device.clone(),
            self.approved_by.join("; "),
            self.asked.clone(),
            self.reason.clone(),
            self.allowed.join("; "),
            self.times.to_string(),
            number(self.writes_allowed),
        ];
        fields.extend(counts.map(|count| count.to_string()));
        fields.extend([self.used.join("; "), self.never_used.join("; ")]);
        fields.extend([const { String::new() }; 3]);
        fields
    }
}
