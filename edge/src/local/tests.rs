use super::users::name_in;
use super::*;

#[test]
fn only_root_and_the_edges_own_user_may_ask() {
    assert!(may_ask(0, 990) && may_ask(990, 990) && may_ask(0, 0));
    assert!(!may_ask(1000, 990) && !may_ask(1000, 0) && !may_ask(u32::MAX, 0));
}

#[test]
fn a_user_is_known_by_the_first_line_of_that_number() {
    let users =
        "root:x:0:0::/root:/bin/sh\n\nbroken\n:x:7::\nann:x:1000:1000::/:\nbob:x:1000:1::/:\n";
    assert_eq!(name_in(users, 0), Some("root"));
    assert_eq!(name_in(users, 1000), Some("ann"));
    assert_eq!(name_in(users, 7), None);
    assert_eq!(name_in(users, 1), None);
}

#[tokio::test]
async fn what_is_no_question_gets_no_answer_and_costs_no_more_than_it_may() {
    for bytes in [
        vec![0, 0, 0, 0],
        vec![0, 0, 0, 1, 0xff],
        vec![0, 1, 0, 1],
        [vec![0, 0, 0x20, 0], vec![0x80; LOCAL_ASK_MAX_BYTES + 1]].concat(),
        vec![0, 0, 0, 9, 1],
    ] {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        near.write_all(&bytes).await.unwrap();
        near.shutdown().await.unwrap();
        assert!(read(&mut far).await.is_err(), "{bytes:02x?}");
    }
    let (mut near, mut far) = UnixStream::pair().unwrap();
    let asked = LocalAsk::AcceptClock {
        reason: "r".repeat(1024),
    };
    near.write_all(&asked.to_frame().unwrap()).await.unwrap();
    assert_eq!(read(&mut far).await.unwrap(), asked);
}
