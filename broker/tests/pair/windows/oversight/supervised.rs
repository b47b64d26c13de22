//! A supervised window passes nothing unless somebody of another organisation watches.

use interlock_broker::mediation::Session;
use interlock_protocols::conduit::{Seen, Watched};
use interlock_protocols::record::{Measure, Scope};

use super::super::{READ, intents};
use super::{
    Hall, VERA, WANDA, ask, busy, commands, converse, done, ms, noon, open_hall, press, s, see,
    watches, windowed, write,
};

#[tokio::test]
async fn nothing_passes_unsupervised_not_even_a_read() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    let window = windowed(&hall, &victor, true, false);
    let mut talk = converse(&victor).await;
    assert_eq!(busy(ask(&mut talk, 1, &READ, noon()).await), "unsupervised");
    let refusal = ask(&mut talk, 2, &write(1_000), noon()).await.unwrap_err();
    let what = refusal.reason().what();
    assert!(
        what.contains(&format!("window {window} is supervised")),
        "{what}"
    );
    assert!(
        refusal.next().contains("interlock watch"),
        "{}",
        refusal.next()
    );
    let watch = emil.watch(press(), noon()).unwrap();
    assert_eq!(
        busy(ask(&mut talk, 3, &READ, noon()).await),
        "unsupervised",
        "they saw nothing yet"
    );
    see(&watch, noon());
    done(&mut talk, 4, &write(1_000), noon()).await;
    let read = ask(&mut talk, 5, &READ, noon()).await.unwrap();
    drop(read);
    see(&watch, noon());
    watch.end("whoever watched is done", noon());
    assert_eq!(busy(ask(&mut talk, 6, &READ, noon()).await), "unsupervised");
    assert_eq!(
        busy(ask(&mut talk, 7, &write(1_000), noon()).await),
        "unsupervised"
    );
    assert_eq!(intents(&hall).len(), 1);
}

/// Whether a command of victor's passes under the eyes of this one.
async fn passes(hall: &Hall, victor: &Session, who: &str, watched: Watched) -> bool {
    let session = hall.world.session(who);
    let watch = watches(&session, watched, noon());
    let mut talk = converse(victor).await;
    let passes = ask(&mut talk, 1, &READ, noon()).await.is_ok();
    see(&watch, noon());
    passes
}

#[tokio::test]
async fn only_another_organisation_counts() {
    let hall = open_hall();
    let victor = hall.victor();
    windowed(&hall, &victor, true, false);
    assert!(
        !passes(&hall, &victor, VERA, press()).await,
        "the same firm"
    );
    assert!(
        !passes(&hall, &victor, super::VICTOR, press()).await,
        "themselves"
    );
    let session = Watched::Session(victor.id());
    assert!(!passes(&hall, &victor, VERA, session.clone()).await);
    assert!(passes(&hall, &victor, WANDA, press()).await, "another firm");
    assert!(
        passes(&hall, &victor, "person/olga", press()).await,
        "the site"
    );
    assert!(passes(&hall, &victor, "person/olga", session).await);
}

#[tokio::test]
async fn who_watches_something_else_does_not_count() {
    let hall = Hall::new();
    let victor = hall.victor();
    windowed(&hall, &victor, true, false);
    let other = hall.victor();
    let pump = Watched::Device("pump-2".to_owned());
    assert!(!passes(&hall, &victor, "person/olga", pump).await);
    let other = Watched::Session(other.id());
    assert!(!passes(&hall, &victor, "person/olga", other).await);
}

#[tokio::test]
async fn who_may_watch_and_not_supervise_does_not_count() {
    let hall = Hall::over(crate::world::World::with_policy(&[(
        "windows.cedar",
        "    action in [Interlock::Action::\"watch\", Interlock::Action::\"supervise\"],\n",
        "    action == Interlock::Action::\"watch\",\n",
    )]));
    let victor = hall.victor();
    windowed(&hall, &victor, true, false);
    let emil = hall.world.session("person/emil");
    let watch = watches(&emil, press(), noon());
    assert!(!watch.supervises());
    let mut talk = converse(&victor).await;
    assert_eq!(busy(ask(&mut talk, 1, &READ, noon()).await), "unsupervised");
    let told = commands(see(&watch, noon()));
    assert_eq!(told.len(), 1, "they see it all the same");
}

#[tokio::test]
async fn three_seconds_of_silence_hold_everything() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    windowed(&hall, &victor, true, false);
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    drop(ask(&mut talk, 1, &READ, ms(2_999)).await.unwrap());
    assert_eq!(
        busy(ask(&mut talk, 2, &READ, ms(3_000)).await),
        "unsupervised"
    );
    see(&watch, ms(3_001));
    drop(ask(&mut talk, 3, &READ, ms(3_002)).await.unwrap());
    // A network that is cut: what is told goes nowhere, and says nothing.
    for second in 4..7 {
        watch.tick(s(second)).unwrap();
        watch.ready();
    }
    assert_eq!(
        busy(ask(&mut talk, 4, &READ, ms(6_001)).await),
        "unsupervised"
    );
}

#[tokio::test]
async fn five_behind_hold_everything() {
    let hall = Hall::new();
    let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
    windowed(&hall, &victor, true, false);
    let watch = watches(&emil, press(), noon());
    let mut talk = converse(&victor).await;
    for transaction in 0..5 {
        drop(ask(&mut talk, transaction, &READ, noon()).await.unwrap());
    }
    assert_eq!(busy(ask(&mut talk, 9, &READ, noon()).await), "unsupervised");
    // On their way and not said to be seen is behind as well.
    let mut last = 0;
    while let Some(told) = watch.ready() {
        last = told.number;
    }
    assert_eq!(
        busy(ask(&mut talk, 10, &READ, noon()).await),
        "unsupervised"
    );
    watch.saw(last, noon()).unwrap();
    let told = see(&watch, noon());
    assert!(
        matches!(told.as_slice(), [Seen::Command(_)]),
        "the last denial"
    );
    drop(ask(&mut talk, 11, &READ, noon()).await.unwrap());
}

#[tokio::test]
async fn who_is_stopped_supervises_nothing_from_that_moment_on() {
    for measure in [Measure::Revoke, Measure::Downgrade] {
        let hall = Hall::new();
        let (victor, emil) = (hall.victor(), hall.world.session("person/emil"));
        let adam = hall.world.session("person/adam");
        windowed(&hall, &victor, true, false);
        let watch = watches(&emil, press(), noon());
        let mut talk = converse(&victor).await;
        drop(ask(&mut talk, 1, &READ, noon()).await.unwrap());
        see(&watch, noon());
        let scope = Scope::Session(emil.id());
        drop(adam.restrict(measure, scope, "gone home", noon()).unwrap());
        let asked = ask(&mut talk, 2, &READ, noon()).await;
        assert_eq!(busy(asked), "unsupervised", "{measure:?}");
        // And they learn of it at the next look.
        assert!(watch.tick(s(1)).is_err(), "{measure:?}");
    }
}
