use super::*;

#[tokio::test]
async fn what_is_asked_for_is_recorded_with_what_policy_wants_and_opens_nothing() {
    let hall = Hall::new();
    let victor = hall.session(VICTOR);
    let mut wanted = request();
    wanted.device = "pump-2".into();
    wanted.points = vec!["flow_setpoint".into()];
    let row = victor.request_window(&wanted, noon()).await.unwrap();
    assert_eq!(row.state, WindowState::Pending);
    assert_eq!(row.by, "spiffe://waterworks/vendor/acme/victor");
    let grant = Grant::read_unsigned(&row.grant).unwrap();
    assert_eq!(
        (grant.quorum, grant.supervised, grant.hold),
        (2, true, false)
    );
    assert_eq!((grant.gateway, grant.site), ("gateway-1", "waterworks"));
    assert_eq!(grant.holder, row.by);
    assert_eq!(Some(grant.holder_key), victor.device_key());
    let mut eligible = [hall.key_of(EMIL).public(), hall.key_of(EVA).public()];
    eligible.sort_unstable();
    assert_eq!(
        grant.approvers(),
        eligible,
        "whoever asks is not among them"
    );
    let point = grant.points().next().unwrap();
    // Vendors are in a limit set: never below zero.
    assert_eq!(
        (point.number(point.raw_min), point.number(point.raw_max)),
        (0.0, 360.0)
    );
    assert!(hall.world.broker.valid_window(row.window, noon()).is_err());
    let record = hall.world.records().into_iter();
    let mut record = record.filter(|record| record.sequence == row.window);
    let Event::WindowRequested(requested) = record.next().unwrap().event else {
        panic!("another record");
    };
    assert_eq!(requested.grant, row.grant);
    assert!(
        requested
            .policies
            .contains(&"staff.cedar/pump-windows".to_owned())
    );
}

#[tokio::test]
async fn whom_policy_does_not_let_ask_may_not_and_learns_of_no_device() {
    let hall = Hall::new();
    let olga = hall.session("person/olga");
    assert_eq!(
        denied(olga.request_window(&request(), noon()).await),
        "no-rule-permits"
    );
    let stranger = hall.session("person/stranger");
    let mut ghost = request();
    ghost.device = "press-5".into();
    // The pump is there, yet not for those who are not there to show it.
    let mut pump = request();
    pump.device = "pump-2".into();
    let later = at(6 * MINUTE);
    let of_ghost = denied(stranger.request_window(&ghost, later).await);
    let of_pump = denied(stranger.request_window(&pump, later).await);
    assert_eq!((of_ghost, of_pump), ("not-yours", "not-yours"));
    assert_eq!(
        hall.denials(),
        ["no-rule-permits", "not-yours", "rule-forbids"]
    );
}

#[tokio::test]
async fn asking_and_approving_take_a_person_who_is_there() {
    let hall = Hall::new();
    let (victor, emil) = (hall.session(VICTOR), hall.session(EMIL));
    let row = victor.request_window(&request(), noon()).await.unwrap();
    let late = at(6 * MINUTE);
    assert!(victor.request_window(&request(), late).await.is_err());
    let approved = approve_with(&emil, hall.key_of(EMIL), &row, late).await;
    assert_eq!(denied(approved), "rule-forbids");
    let refused = emil.refuse_window(row.window, "no", late).await;
    assert_eq!(denied(refused), "rule-forbids");
}

#[tokio::test]
async fn without_a_root_nobody_asks_and_is_told_what_to_do() {
    let hall = Hall::without_root(&[]);
    let victor = hall.session(VICTOR);
    let error = victor.request_window(&request(), noon()).await.unwrap_err();
    assert!(matches!(error, NotDone::NoRoot));
    assert!(error.to_string().contains("interlock root init"), "{error}");
    assert_eq!(victor.windows(false, noon()).unwrap(), []);
}

#[tokio::test]
async fn more_approvers_than_could_approve_are_never_waited_for() {
    let hall = Hall::of(&[
        (EMIL, None, long_ago()),
        (EMIL, None, long_ago()),
        (VICTOR, Some("acme"), long_ago()),
        ("vendor/acme/anna", Some("acme"), long_ago()),
        (EVA, None, NOON_MS - 3_600_000),
    ]);
    let mut wanted = request();
    wanted.device = "pump-2".into();
    wanted.points = vec!["flow_setpoint".into()];
    let victor = hall.session(VICTOR);
    let error = victor.request_window(&wanted, noon()).await.unwrap_err();
    assert!(
        matches!(
            error,
            NotDone::TooFew {
                could: 1,
                quorum: 2
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn one_person_has_so_many_windows_and_room_again_when_one_is_taken_back() {
    let hall = Hall::new();
    let victor = hall.session(VICTOR);
    let mut last = 0;
    for _ in 0..32 {
        let row = victor.request_window(&request(), noon()).await.unwrap();
        last = row.window;
    }
    let error = victor.request_window(&request(), noon()).await.unwrap_err();
    assert!(matches!(error, NotDone::TooMany), "{error}");
    victor.withdraw_window(last, noon()).await.unwrap();
    victor.request_window(&request(), noon()).await.unwrap();
}

#[tokio::test]
async fn an_extension_names_the_window_that_it_extends() {
    let hall = Hall::new();
    let first = hall.asked().await;
    let victor = hall.session(VICTOR);
    let mut more = request();
    more.spans = vec![span(50 * MINUTE, HOUR)];
    more.extends = Some(first.window);
    let row = victor.request_window(&more, noon()).await.unwrap();
    assert_eq!(row.extends, Some(first.window));
    // It is a window of its own, and takes approval of its own.
    hall.approve(EMIL, &first, noon()).await.unwrap();
    assert_eq!(hall.state(row.window, noon()), WindowState::Pending);
    let adam = hall.session("person/adam");
    let theirs = adam.request_window(&more, noon()).await.unwrap_err();
    assert!(matches!(theirs, NotDone::Extends(_)), "{theirs}");
    more.extends = Some(1);
    let none = victor.request_window(&more, noon()).await.unwrap_err();
    assert!(matches!(none, NotDone::Extends(1)), "{none}");
    let mut elsewhere = request();
    elsewhere.device = "pump-2".into();
    elsewhere.points = vec!["flow_setpoint".into()];
    elsewhere.extends = Some(first.window);
    let other = victor.request_window(&elsewhere, noon()).await.unwrap_err();
    assert!(matches!(other, NotDone::Extends(_)), "{other}");
}

#[tokio::test]
async fn everybody_sees_what_concerns_them_and_auditors_see_all() {
    let hall = Hall::new();
    let row = hall.asked().await;
    for (who, sees) in [
        (VICTOR, true),
        (EMIL, true),
        ("person/aida", true),
        ("person/stranger", false),
        ("vendor/acme/anna", false),
    ] {
        let session = hall.session(who);
        let listed = session.windows(true, noon()).unwrap();
        assert_eq!(listed.len(), usize::from(sees), "{who}");
        let one = session.window(row.window, noon());
        assert_eq!(one.is_ok(), sees, "{who}");
        if let Err(error) = one {
            // As of one that there is not.
            let none = session.window(1, noon()).unwrap_err();
            let text = none
                .to_string()
                .replace(" 1 ", &format!(" {} ", row.window));
            assert_eq!(error.to_string(), text);
        }
    }
    hall.approve(EMIL, &row, noon()).await.unwrap();
    let victor = hall.session(VICTOR);
    assert_eq!(victor.windows(true, noon()).unwrap(), []);
    assert_eq!(victor.windows(false, noon()).unwrap().len(), 1);
    assert_eq!(hall.denials(), [""; 0], "looking is no offence");
}

/// Each request is a record, and is kept. Whoever asks and takes back has none that waits, and must
/// not be able to fill the disk, nor what approvers look through.
#[tokio::test]
async fn nobody_asks_and_takes_back_for_ever() {
    let hall = Hall::new();
    let victor = hall.session(VICTOR);
    let mut request = request();
    request.spans = vec![span(25 * HOUR, 30 * MINUTE)];
    let mut asked = 0;
    let refused = loop {
        match victor.request_window(&request, noon()).await {
            Ok(row) => victor.withdraw_window(row.window, noon()).await.unwrap(),
            Err(refused) => break refused,
        };
        asked += 1;
        assert!(asked < 1_000, "there is no end to it");
    };
    assert!(matches!(refused, NotDone::TooOften), "{refused}");
    assert_eq!(asked, 100);
    let eva = hall.session(EVA);
    eva.request_window(&request, noon()).await.unwrap();
    let victor = hall.session_at(VICTOR, at(DAY));
    victor.request_window(&request, at(DAY)).await.unwrap();
}
