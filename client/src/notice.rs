//! A refusal in words: what was asked of which device, why not, by which rule, what next.

use interlock_protocols::conduit::Notice;

/// All but what to do next, which a failure carries apart.
pub(crate) fn told(notice: &Notice) -> String {
    let Notice {
        device,
        asked,
        what,
        reason,
        rule,
        ..
    } = notice;
    let mut text = format!("{device}: {asked}: {what} ({reason})");
    if !rule.is_empty() {
        text.push_str("\n  rule: ");
        text.push_str(&rule.join(", "));
    }
    text
}

/// All of it.
pub(crate) fn in_full(notice: &Notice) -> String {
    let mut text = told(notice);
    if !notice.next.is_empty() {
        text.push_str("\n  next: ");
        text.push_str(&notice.next);
    }
    text
}

/// On one line, to be counted.
pub(crate) fn in_short(notice: &Notice) -> String {
    let Notice {
        device,
        asked,
        reason,
        ..
    } = notice;
    format!("{device}: {asked} ({reason})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Notice {
        Notice {
            conversation: 5,
            transaction: 258,
            device: "mixer".into(),
            asked: "write speed_setpoint = 1800 rpm (holding 100 (40101))".into(),
            reason: "above-max".into(),
            what: "1800 rpm is above the greatest value of 1500 rpm".into(),
            rule: vec!["staff.cedar/operators-write".into()],
            next: "write a value from 0 to 1500 rpm".into(),
            record: Some(300),
        }
    }

    #[test]
    fn a_refusal_says_what_why_by_which_rule_and_what_next() {
        let golden = "\
mixer: write speed_setpoint = 1800 rpm (holding 100 (40101)): 1800 rpm is above the greatest value of 1500 rpm (above-max)
  rule: staff.cedar/operators-write
  next: write a value from 0 to 1500 rpm";
        assert_eq!(in_full(&notice()), golden);
        assert!(golden.starts_with(&told(&notice())));
        assert_eq!(
            in_short(&notice()),
            "mixer: write speed_setpoint = 1800 rpm (holding 100 (40101)) (above-max)"
        );
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let bare = Notice {
            rule: Vec::new(),
            next: String::new(),
            ..notice()
        };
        assert_eq!(in_full(&bare).lines().count(), 1);
    }
}
