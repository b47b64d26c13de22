//! The documents name tests, files and sections. What they name must be there: a threat model whose
//! tests were renamed shows nothing.

use crate::{files, hold, root, text};

const DOCUMENTS: [&str; 4] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
];

/// Words between backticks that look like the name of a test: small letters, digits and several
/// underscores. What is shorter is the name of something else.
fn tests_named(document: &str) -> Vec<&str> {
    let of_test = |word: &&str| {
        word.bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
            && word.matches('_').count() >= 3
    };
    document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(of_test)
        .collect()
}

/// Targets of links: `](here)`.
fn links(document: &str) -> Vec<&str> {
    document
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .filter(|target| !target.contains("://"))
        .collect()
}

/// The name that a heading can be linked by.
fn anchors(document: &str) -> Vec<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| -> String {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_test_that_a_document_names_is_there() {
    let sources: Vec<String> = ["protocols", "broker", "edge", "client", "tests"]
        .iter()
        .flat_map(|member| files(member))
        .filter(|path| path.ends_with(".rs"))
        .map(|path| text(&path))
        .collect();
    let is_there = |name: &str| {
        let function = format!("fn {name}(");
        sources.iter().any(|source| source.contains(&function))
    };
    let mut broken = Vec::new();
    let mut named = 0;
    for document in DOCUMENTS {
        for name in tests_named(&text(document)) {
            named += 1;
            if !is_there(name) {
                broken.push(format!(
                    "{document} names the test `{name}`, which is not there"
                ));
            }
        }
    }
    hold(&broken);
    assert!(named > 40, "the threat model names its tests: {named}");
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let mut broken = Vec::new();
    for document in DOCUMENTS {
        let content = text(document);
        for link in links(&content) {
            let found = match link.strip_prefix('#') {
                Some(anchor) => anchors(&content).iter().any(|known| known == anchor),
                None => root().join(link).exists(),
            };
            if !found {
                broken.push(format!("{document} leads to {link}, which is not there"));
            }
        }
    }
    hold(&broken);
}

#[test]
fn names_links_and_headings_are_found_in_a_text() {
    let document = "# On, and `off`\n\nShown by `a_b_c_d`, `Word`, `a/b_c_d_e.rs`; [here](x/y.md), \
                    [there](#on-and-off), [away](https://example.net).\n";
    assert_eq!(tests_named(document), ["a_b_c_d"]);
    assert_eq!(links(document), ["x/y.md", "#on-and-off"]);
    assert_eq!(anchors(document), ["on-and-off"]);
}
