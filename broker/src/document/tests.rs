use super::*;
use std::time::Duration;

fn findings<T: std::fmt::Debug>(
    text: &str,
    reader: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Vec<String> {
    read(Path::new("x.toml"), text, reader)
        .expect_err("the file has faults")
        .iter()
        .map(|finding| finding.to_string().replace("\n    ", " | "))
        .collect()
}

#[test]
fn reads_every_type() {
    let text = "
        text = 'a b'
        name = 'pump-2'
        word = 'direct'
        yes = true
        whole = 7
        real = 2
        wait_ms = 250
        listen = '[::1]:502'
        device = 'plc-4.example:502'
        list = ['a', 'b']
        [table]
        inner = 1
        [[many]]
        inner = 2
        [[many]]
        inner = 3
    ";
    let read = read(Path::new("x.toml"), text, |root| {
        assert_eq!(root.required("text").text()?, "a b");
        assert_eq!(root.required("name").name()?, "pump-2");
        assert_eq!(
            root.required("word")
                .word(&[("direct", 1), ("gateway", 2)])?,
            1
        );
        assert!(root.required("yes").boolean()?);
        assert_eq!(root.required("whole").integer(1u8..=7)?, 7);
        assert_eq!(root.required("real").number(0.0..=2.0)?, 2.0);
        assert_eq!(
            root.required("wait_ms").millis(1..=1000)?,
            Duration::from_millis(250)
        );
        assert_eq!(root.required("listen").socket_address()?.port(), 502);
        assert_eq!(
            root.required("device").host_and_port()?,
            "plc-4.example:502"
        );
        assert_eq!(root.required("list").list(Slot::text)?, ["a", "b"]);
        let inner = |table: &mut Section<'_>| table.required("inner").integer(0u8..=9);
        assert_eq!(root.required("table").table(inner)?, 1);
        assert_eq!(root.required("many").tables(inner), [2, 3]);
        assert_eq!(root.optional("absent").text(), None);
        Some(())
    });
    assert_eq!(read, Ok(()));
}

#[test]
fn reports_everything_at_once_in_the_order_of_the_file() {
    let text = "
adress = 'a'
number = 'seven'
colour = 'red'
number = 8
[[pump]]
speed = 12
[[pump]]
speed = 3
wait = -1
";
    let all = findings(text, |root| {
        root.required("address").text();
        root.required("number").integer(0u16..=9);
        root.required("zone").text();
        root.required("pump")
            .tables(|pump| pump.required("speed").integer(0u8..=9));
        Some(())
    });
    assert_eq!(
        all,
        [
            "x.toml: `zone` is missing in the file | add a line `zone = ...`",
            "x.toml:2: `adress` is not a key of the file | did you mean `address`?",
            "x.toml:3: `number` is text | it must be a whole number",
            "x.toml:4: `colour` is not a key of the file | take it out, or use one of `address`, `number`, `zone` and `pump`",
            "x.toml:5: `number` is given twice | keep one of the two; the first is on line 3",
            "x.toml:7: `speed` is 12, which is out of range | it goes from 0 to 9",
            "x.toml:10: `wait` is not a key of `pump` | take it out, or use one of `speed`",
        ]
    );
}

#[test]
fn a_place_covers_the_value_alone() {
    let text = "first = 1\nsecond = 'two'\n";
    let findings = read(Path::new("x.toml"), text, |root| {
        root.required("first").integer(0u8..=9);
        root.required("second").integer(0u8..=9)
    })
    .expect_err("second is text");
    let span = findings[0].span.clone().expect("a place");
    assert_eq!(text[span].trim_matches('\''), "two");
}

#[test]
fn wrong_types_and_values_are_named() {
    for (line, wanted) in [
        ("x = 1.5", "it must be a whole number"),
        ("x = true", "it must be a whole number"),
        ("x = [1]", "it must be a whole number"),
        ("x = { a = 1 }", "it must be a whole number"),
        ("x = 300", "it goes from 1 to 200"),
        ("x = 0", "it goes from 1 to 200"),
        ("x = -1", "it goes from 1 to 200"),
    ] {
        let all = findings(line, |root| root.required("x").integer(1u8..=200));
        assert_eq!(all.len(), 1, "{line}: {all:?}");
        assert!(all[0].ends_with(wanted), "{line}: {all:?}");
    }
    for line in [
        "x = nan",
        "x = inf",
        "x = -inf",
        "x = 9007199254740993",
        "x = '1'",
    ] {
        let all = findings(line, |root| root.required("x").number(f64::MIN..=f64::MAX));
        assert_eq!(all.len(), 1, "{line}: {all:?}");
    }
    let all = findings("x = inf", |root| {
        root.required("x").number(0.0..=f64::INFINITY)
    });
    assert_eq!(all.len(), 1, "{all:?}");
    for text in ["", "A", "-a", "a b", "a.b", "ä", &"a".repeat(65)] {
        let all = findings(&format!("x = '{text}'"), |root| root.required("x").name());
        assert_eq!(all.len(), 1, "{text}: {all:?}");
    }
    for text in [
        "",
        "host",
        "host:",
        ":502",
        "host:0",
        "host:65536",
        "ho st:1",
        "a:+1",
        "1.2.3.4:0",
    ] {
        let line = format!("x = '{text}'");
        let all = findings(&line, |root| root.required("x").host_and_port());
        assert_eq!(all.len(), 1, "{text}: {all:?}");
    }
    let all = findings("x = 'gatway'", |root| {
        root.required("x").word(&[("direct", 1), ("gateway", 2)])
    });
    assert_eq!(
        all,
        ["x.toml:1: `x` is `gatway`: that word is not known here | did you mean `gateway`?"]
    );
    let all = findings("x = 'localhost:1'", |root| {
        root.required("x").socket_address()
    });
    assert!(all[0].contains("not an IP address"), "{all:?}");
    let all = findings("x = { y = 1 }", |root| {
        Some(root.required("x").tables(|_| Some(())))
    });
    assert!(all[0].contains("[[x]]"), "{all:?}");
}

#[test]
fn an_element_at_fault_does_not_hide_its_neighbours() {
    let all = findings("x = ['a', 1, 'b', true]", |root| {
        root.required("x").list(Slot::text)
    });
    assert_eq!(all.len(), 2, "{all:?}");
}

#[test]
fn what_is_no_toml_is_reported_with_its_line() {
    for (text, line, part) in [
        ("a = 1\nb = 00101\n", 2, "number"),
        ("a = 1\nb = word\n", 2, "quotes"),
        ("a = 1\n[t]\n[t]\n", 3, "twice"),
        ("a = 1\nb = {", 2, "not TOML"),
        ("a = 1\nb = { c = 1, c = 2 }", 2, "`c` is given twice"),
    ] {
        let findings = read(Path::new("x.toml"), text, |_| Some(())).expect_err(text);
        assert_eq!(findings.len(), 1, "{text}: {findings:?}");
        assert_eq!(findings[0].line, Some(line), "{text}");
        assert!(findings[0].to_string().contains(part), "{}", findings[0]);
    }
}

/// A reader that gives up without a word must not look like a good file.
#[test]
fn a_silent_reader_is_an_error() {
    assert_eq!(findings("", |_| None::<()>).len(), 1);
}

proptest::proptest! {
    /// Whatever a person writes, reading ends, and ends with a place inside the file.
    #[test]
    fn any_text_is_answered(text in "[a-c\\[\\]{}='\"\n.,0-9 ]{0,60}") {
        let read = read(Path::new("x.toml"), &text, |root| {
            root.optional("a").text();
            root.optional("b").tables(|b| b.optional("c").number(0.0..=1.0));
            Some(())
        });
        for finding in read.err().into_iter().flatten() {
            if let Some(span) = finding.span {
                proptest::prop_assert!(span.start <= text.len());
            }
        }
    }
}
