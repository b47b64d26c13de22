//! Cuts a `.cedar` file into its statements, so that each keeps its place in the file and a
//! mistake in one does not hide the next.

use std::ops::Range;

/// The statements of `text`, each without the comments and blanks before it and with its `;`.
/// What follows the last `;` is a statement too, unless it is blank. No byte outside comments
/// and blanks is left out: what is cut wrongly does not parse, and is reported.
pub(super) fn statements(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = None;
    let mut rest = text.char_indices().peekable();
    while let Some((at, letter)) = rest.next() {
        match letter {
            '/' if rest.peek().is_some_and(|(_, next)| *next == '/') => {
                // As Cedar has it, a carriage return alone ends a comment too.
                while rest
                    .next_if(|(_, letter)| !matches!(letter, '\n' | '\r'))
                    .is_some()
                {}
                continue;
            }
            _ if letter.is_whitespace() => continue,
            _ => {}
        }
        let begun = *start.get_or_insert(at);
        match letter {
            '"' => skip_string(&mut rest),
            ';' => {
                found.push(begun..at + 1);
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|begun| begun..text.len()));
    found
}

fn skip_string(rest: &mut impl Iterator<Item = (usize, char)>) {
    while let Some((_, letter)) = rest.next() {
        match letter {
            '\\' => {
                rest.next();
            }
            '"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cedar_policy::{Policy, PolicySet};
    use proptest::prelude::*;

    fn cut(text: &str) -> Vec<&str> {
        statements(text).into_iter().map(|at| &text[at]).collect()
    }

    #[test]
    fn semicolons_in_strings_and_comments_cut_nothing() {
        let text = "// a; b\n @id(\"a;\\\";b\") permit(p, a, r); // x;\n\nforbid(p, a, r) // y;\n;\n // z;";
        assert_eq!(
            cut(text),
            [
                "@id(\"a;\\\";b\") permit(p, a, r);",
                "forbid(p, a, r) // y;\n;"
            ]
        );
    }

    #[test]
    fn what_has_no_end_is_kept() {
        assert_eq!(
            cut("permit(p);\nforbid \"x;"),
            ["permit(p);", "forbid \"x;"]
        );
        assert_eq!(cut(" // nothing"), [""; 0]);
        assert_eq!(cut(";"), [";"]);
        assert_eq!(cut("// a\rforbid(p);"), ["forbid(p);"]);
    }

    proptest! {
        /// What Cedar reads as a file of rules, we cut into those rules and lose none.
        #[test]
        fn cuts_where_cedar_does(parts in prop::collection::vec(prop::sample::select(vec![
            "permit(principal, action, resource);",
            "forbid(principal, action, resource) when { \"a;//\\\"\" == \"b\" };",
            "@id(\"x;\")", "// c;", "//\"", "// c\r", "\n", "\n", "\r", " ", "\u{a0}", "\"", ";", "/",
        ]), 0..8)) {
            let text = parts.concat();
            if let Ok(whole) = text.parse::<PolicySet>() {
                let cut = cut(&text);
                prop_assert_eq!(cut.len(), whole.num_of_policies(), "{:?}", text);
                for statement in cut {
                    prop_assert!(Policy::parse(None, statement).is_ok(), "{:?}", text);
                }
            }
        }
    }
}
