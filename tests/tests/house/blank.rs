//! Rust text without its comments and literals, so that a rule about names does not stumble over
//! a sentence. Lines keep their numbers.

/// The code of a source: every byte of a comment, string or character literal becomes a space.
pub(crate) fn code(source: &str) -> String {
    let text: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < text.len() {
        let end = literal_end(&text, at);
        if end == at {
            out.push(text[at]);
            at += 1;
        } else {
            out.extend(
                text[at..end]
                    .iter()
                    .map(|&c| if c == '\n' { c } else { ' ' }),
            );
            at = end;
        }
    }
    out
}

/// Where the comment or literal that starts here ends; `at` itself when none starts here.
fn literal_end(text: &[char], at: usize) -> usize {
    let rest = &text[at..];
    match rest {
        ['/', '/', ..] => find(text, at, &['\n']).unwrap_or(text.len()),
        ['/', '*', ..] => block_comment_end(text, at),
        ['"', ..] => string_end(text, at + 1),
        // A raw string, unless the r is the last letter of a name.
        ['r', '"' | '#', ..] if at == 0 || !is_name(text[at - 1]) || text[at - 1] == 'b' => {
            raw_string_end(text, at)
        }
        // A lifetime has no closing quote where a character literal has one.
        ['\'', '\\', ..] => find(text, at + 3, &['\'']).map_or(text.len(), |end| end + 1),
        ['\'', _, '\'', ..] => at + 3,
        _ => at,
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn find(text: &[char], from: usize, what: &[char]) -> Option<usize> {
    (from..text.len()).find(|&i| text[i..].starts_with(what))
}

fn block_comment_end(text: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut i = at;
    while i < text.len() {
        if text[i..].starts_with(&['/', '*']) {
            depth += 1;
            i += 2;
        } else if text[i..].starts_with(&['*', '/']) {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return i;
            }
        } else {
            i += 1;
        }
    }
    text.len()
}

fn string_end(text: &[char], mut i: usize) -> usize {
    while i < text.len() {
        match text[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    text.len()
}

fn raw_string_end(text: &[char], at: usize) -> usize {
    let hashes = text[at + 1..].iter().take_while(|&&c| c == '#').count();
    if text.get(at + 1 + hashes) != Some(&'"') {
        return at; // r#name, a raw identifier
    }
    let mut close = vec!['"'];
    close.extend(std::iter::repeat_n('#', hashes));
    find(text, at + 2 + hashes, &close).map_or(text.len(), |end| end + close.len())
}

#[test]
fn only_code_is_left() {
    let source = "let a = \"Instant::now \\\" //\"; // Instant::now\nlet b = r#\"x \" y\"#; /* a /* b */ c */ let c: &'a u8 = &b'\\''; let d = '\"'; r#type; four \"\"";
    let code = code(source);
    assert_eq!(code.matches("now").count(), 0, "{code}");
    assert_eq!(code.lines().count(), source.lines().count());
    for kept in [
        "let a =",
        "let b =",
        "let c: &'a u8 = &b",
        "let d =",
        "r#type",
        "four",
    ] {
        assert!(code.contains(kept), "{kept} in {code}");
    }
    assert!(!code.contains(" x ") && !code.contains(" c */"), "{code}");
}
