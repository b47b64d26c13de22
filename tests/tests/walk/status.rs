//! How a gateway says that it is doing, and to whom.

use interlock_tests::harness::Bench;

#[test]
fn a_gateway_that_is_well_says_so_to_those_who_may_ask() {
    let bench = Bench::start();
    let status = |subject: &str, more: &[&str]| {
        let args = [&["status"], more].concat();
        bench.gateway.client(subject, &args)
    };
    let shown = status("person/adam", &[]);
    assert_eq!(shown.code, 0, "{shown}");
    let tree = status("person/adam", &["-o", "jsonl"]);
    assert_eq!(tree.code, 0, "{tree}");
    assert!(tree.stdout.contains("\"problems\":[]"), "{tree}");
    assert!(tree.stdout.contains("\"held\":null"), "{tree}");
    let denied = status("person/olga", &[]);
    assert_eq!(denied.code, 3, "{denied}");
    assert_eq!(denied.stdout, "", "{denied}");
}

#[test]
fn there_is_nothing_to_accept_where_nothing_is_held() {
    let bench = Bench::start();
    let accept = ["journal", "accept", "--reason", "just so"];
    let nothing = bench.gateway.client("person/adam", &accept);
    assert_eq!(nothing.code, 1, "{nothing}");
    assert!(nothing.stderr.contains("nothing to accept"), "{nothing}");
    let denied = bench.gateway.client("person/olga", &accept);
    assert_eq!(denied.code, 3, "{denied}");
}
