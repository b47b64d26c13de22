//! Ranges drawn as text: what is asked for, within what a point may be at all, and its value now.
//!
//! ```text
//! speed_setpoint  0 |----[=====|====]--------| 3000 rpm  asked 0..800  now 420
//! ```

use crate::point::number;
use crate::screen::one_line;

/// Cells of the narrowest drawing that still says something, and of the widest that says more.
const CELLS_MIN: usize = 12;
const CELLS_MAX: usize = 40;

/// One point of a window.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Range {
    pub(super) name: String,
    pub(super) unit: String,
    /// What it may be at all; `None` where nobody said.
    pub(super) own: Option<(f64, f64)>,
    /// What may be written; `None` for reading alone.
    pub(super) asked: Option<(f64, f64)>,
    /// What it is, if that is known.
    pub(super) now: Option<f64>,
    /// A coil or an input: on or off.
    pub(super) bit: bool,
}

impl Range {
    fn value(&self, value: f64) -> String {
        match self.bit {
            true if value == 0.0 => "off".to_owned(),
            true => "on".to_owned(),
            false => number(value),
        }
    }

    fn with_unit(&self, value: f64) -> String {
        let value = self.value(value);
        one_line(format!("{value} {}", self.unit).trim_end())
    }

    /// What stands behind the drawing.
    fn told(&self) -> String {
        let asked = match self.asked {
            None => "reading alone".to_owned(),
            Some((min, max)) if min == max => format!("asked {}", self.value(min)),
            Some((min, max)) if self.bit => {
                format!("asked {}, {}", self.value(min), self.value(max))
            }
            Some((min, max)) => format!("asked {}..{}", self.value(min), self.value(max)),
        };
        // Without a drawing nothing else says the unit.
        let asked = match self.asked {
            Some(_) if self.now.is_none() && self.drawn().is_none() && !self.bit => {
                format!("{asked} {}", self.unit)
            }
            _ => asked,
        };
        match self.now {
            Some(now) if self.drawn().is_none() => format!("{asked}  now {}", self.with_unit(now)),
            Some(now) => format!("{asked}  now {}", self.value(now)),
            None => asked,
        }
    }

    /// The two ends of a drawing, where one makes sense.
    fn drawn(&self) -> Option<((f64, f64), (f64, f64))> {
        let own = self
            .own
            .filter(|(min, max)| min < max && (max - min).is_finite());
        own.zip(self.asked).filter(|_| !self.bit)
    }
}

/// A line for each point, or two where the screen is too narrow for one.
pub(super) fn draw(ranges: &[Range], width: usize) -> Vec<String> {
    let widest = |of: fn(&Range) -> usize| ranges.iter().map(of).max().unwrap_or(0);
    let name = widest(|range| one_line(&range.name).chars().count());
    let drawn = ranges.iter().filter(|range| range.drawn().is_some());
    // Each number in its own column, so that drawings stand one below the other.
    let (mut left, mut right, mut told) = (0, 0, 0);
    for range in drawn {
        let (min, max) = ends(range);
        left = left.max(min.chars().count());
        right = right.max(max.chars().count());
        told = told.max(range.told().chars().count());
    }
    let around = left.saturating_add(right).saturating_add(4);
    let beside = name
        .saturating_add(around)
        .saturating_add(told)
        .saturating_add(4);
    let (one, cells) = match width.checked_sub(beside) {
        Some(room) if room >= CELLS_MIN => (true, room),
        _ => (false, width.saturating_sub(around.saturating_add(2))),
    };
    let cells = cells.clamp(CELLS_MIN, CELLS_MAX);
    let mut lines = Vec::new();
    for range in ranges {
        let told = range.told();
        let Some((own, asked)) = range.drawn() else {
            lines.push(format!("{:name$}  {told}", one_line(&range.name)));
            continue;
        };
        let (min, max) = ends(range);
        let bar = bar(own, asked, range.now, cells);
        if one {
            let name_of = one_line(&range.name);
            lines.push(format!(
                "{name_of:name$}  {min:>left$} {bar} {max:right$}  {told}"
            ));
        } else {
            lines.push(format!("{}  {told}", one_line(&range.name)));
            lines.push(format!("  {min:>left$} {bar} {max}"));
        }
    }
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn ends(range: &Range) -> (String, String) {
    let (min, max) = range.own.unwrap_or_default();
    (range.value(min), range.with_unit(max))
}

/// The drawing itself: `<` and `>` stand for a value, or a range, that goes on outside.
fn bar(own: (f64, f64), asked: (f64, f64), now: Option<f64>, cells: usize) -> String {
    let last = cells.saturating_sub(1);
    let part = |value: f64| (value - own.0) / (own.1 - own.0);
    let at = |value: f64| (part(value).clamp(0.0, 1.0) * last as f64).round() as usize;
    let (low, mut high) = (at(asked.0), at(asked.1));
    let mut low = low;
    if low == high && asked.0 < asked.1 {
        // Too narrow to be seen: both its ends are shown all the same.
        match high < last {
            true => high = high.saturating_add(1),
            false => low = low.saturating_sub(1),
        }
    }
    let now_at = now.filter(|now| (own.0..=own.1).contains(now)).map(at);
    let cell = |place: usize| match place {
        _ if Some(place) == now_at => '|',
        _ if place == low && low == high => '#',
        _ if place == low => '[',
        _ if place == high => ']',
        _ if place > low && place < high => '=',
        _ => '-',
    };
    let middle: String = (0..cells).map(cell).collect();
    let beyond = |is: bool, mark: char| if is { mark } else { '|' };
    let below = asked.0 < own.0 || now.is_some_and(|now| now < own.0);
    let above = asked.1 > own.1 || now.is_some_and(|now| now > own.1);
    format!("{}{middle}{}", beyond(below, '<'), beyond(above, '>'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed() -> Range {
        Range {
            name: "speed_setpoint".into(),
            unit: "rpm".into(),
            own: Some((0.0, 3_000.0)),
            asked: Some((300.0, 800.0)),
            now: Some(420.0),
            bit: false,
        }
    }

    fn drawn(range: Range) -> String {
        draw(&[range], 80).remove(0)
    }

    #[test]
    fn a_range_is_drawn_on_the_points_own_with_its_value() {
        let golden =
            "speed_setpoint  0 |---[|==]------------------| 3000 rpm  asked 300..800  now 420";
        assert_eq!(drawn(speed()), golden);
        assert!(golden.len() <= 80);
        let unknown = Range {
            now: None,
            ..speed()
        };
        assert!(drawn(unknown).ends_with("rpm  asked 300..800"));
    }

    #[test]
    fn points_stand_one_below_the_other_at_80_columns() {
        let ranges = [
            speed(),
            Range {
                name: "ramp".into(),
                unit: "rpm/s".into(),
                own: Some((5.0, 100.0)),
                asked: Some((5.0, 100.0)),
                now: Some(100.0),
                bit: false,
            },
            Range {
                name: "run".into(),
                unit: String::new(),
                own: None,
                asked: Some((0.0, 0.0)),
                now: Some(1.0),
                bit: true,
            },
            Range {
                name: "speed".into(),
                asked: None,
                own: None,
                ..speed()
            },
        ];
        let lines = draw(&ranges, 80);
        assert!(
            lines.iter().all(|line| line.chars().count() <= 80),
            "{lines:#?}"
        );
        assert_eq!(
            lines,
            [
                "speed_setpoint  0 |--[|==]------------------| 3000 rpm   asked 300..800  now 420",
                "ramp            5 |[=======================|| 100 rpm/s  asked 5..100  now 100",
                "run             asked off  now on",
                "speed           reading alone  now 420 rpm",
            ]
        );
    }

    #[test]
    fn what_is_outside_is_marked_and_never_drawn_inside() {
        let line = |asked, now| {
            drawn(Range {
                asked: Some(asked),
                now,
                ..speed()
            })
        };
        assert!(
            line((0.0, 800.0), Some(4_000.0)).contains("---> 3000 rpm  asked 0..800  now 4000")
        );
        assert!(line((0.0, 800.0), Some(-1.0)).contains("0 <[="));
        assert!(line((0.0, 9_000.0), None).contains("=]> 3000"));
        assert!(line((-5.0, 800.0), Some(f64::NAN)).contains("0 <[="));
        assert!(line((-20.0, -10.0), None).contains("0 <[]--"));
        assert!(line((4_000.0, 5_000.0), None).contains("--[]> 3000"));
        // One value alone, and a range narrower than a cell.
        assert!(line((0.0, 0.0), None).contains("0 |#---"));
        assert!(line((0.0, 1.0), None).contains("0 |[]--"));
        assert!(line((2_999.0, 3_000.0), None).contains("--[]| 3000"));
        for value in [f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            let _drawn = line((0.0, 800.0), Some(value));
        }
    }

    #[test]
    fn a_narrow_screen_takes_two_lines_and_a_range_without_ends_none() {
        let lines = draw(&[speed()], 50);
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert_eq!(lines[0], "speed_setpoint  asked 300..800  now 420");
        assert!(
            lines[1].starts_with("  0 |") && lines[1].ends_with("| 3000 rpm"),
            "{lines:#?}"
        );
        assert!(lines[1].chars().count() <= 50, "{lines:#?}");
        let open = Range {
            own: None,
            ..speed()
        };
        assert_eq!(drawn(open), "speed_setpoint  asked 300..800  now 420 rpm");
        let wide = Range {
            own: Some((f64::MIN, f64::MAX)),
            ..speed()
        };
        assert!(drawn(wide).contains("asked 300..800"));
        assert!(draw(&[], 80).is_empty());
    }

    #[test]
    fn names_from_outside_stay_one_line() {
        let hostile = Range {
            name: "a\nwindow 9 approved\u{1b}[2J".into(),
            unit: "\u{202e}".into(),
            ..speed()
        };
        for line in draw(&[hostile], 80) {
            assert!(!line.contains(['\n', '\u{1b}', '\u{202e}']), "{line:?}");
        }
    }
}
