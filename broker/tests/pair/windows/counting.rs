//! The number of writes of a window is exact: however many ask at once, whatever becomes of each,
//! and over restarts.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use interlock_broker::journal::{Journal, Options};
use interlock_protocols::record::Event;

use super::{HOUR, Hall, READ, ask, at, code, done, intents, sent, span, withheld, words, write};
use crate::world::{NOON_MS, SEGMENT_BYTES, adu, noon};

fn used(hall: &Hall, window: u64) -> u32 {
    hall.world.broker.register().windows.used(window, 0)
}

#[test]
fn sixteen_sessions_at_once_get_exactly_as_many_as_there_are() {
    const MOST: u32 = 100;
    let hall = Hall::new();
    let mut draft = hall.draft(&hall.victor());
    draft.max_writes = MOST;
    let window = hall.window(&draft);
    let start = Barrier::new(16);
    let passed: u32 = thread::scope(|scope| {
        let writer = || {
            let victor = hall.victor();
            let mut talk = victor.converse("press-4", true, noon()).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.build().unwrap();
            start.wait();
            let writes = async {
                let mut passed = 0;
                for transaction in 1..=MOST as u16 {
                    match ask(&mut talk, transaction, &write(1_000 + transaction), noon()).await {
                        Ok(permit) => {
                            passed += 1;
                            let awaiting = sent(permit, noon());
                            awaiting
                                .answer(&write(1_000 + transaction), noon())
                                .unwrap();
                            talk.settled(adu(transaction, 1, &[]).transaction);
                        }
                        Err(refusal) => assert_eq!(refusal.reason().code(), "window-exhausted"),
                    }
                }
                passed
            };
            runtime.block_on(writes)
        };
        let writers: Vec<_> = (0..16).map(|_| scope.spawn(writer)).collect();
        let passed = writers.into_iter().map(|writer| writer.join().unwrap());
        passed.sum()
    });
    assert_eq!(passed, MOST);
    assert_eq!(used(&hall, window), MOST);
    let recorded = intents(&hall);
    assert_eq!(recorded.len(), MOST as usize);
    assert!(recorded.iter().all(|intent| intent.window == Some(window)));
}

#[tokio::test]
async fn what_is_withheld_is_given_back_and_nothing_else_is() {
    let hall = Hall::new();
    let victor = hall.victor();
    let window = hall.window(&hall.draft(&victor));
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let permit = ask(&mut talk, 1, &write(1_001), noon()).await.unwrap();
    assert_eq!(used(&hall, window), 1, "taken with its intent");
    // Too late at the head of the queue; dropped in the queue; no connection.
    withheld(permit, at(Duration::from_secs(60)));
    assert_eq!(used(&hall, window), 0);
    drop(ask(&mut talk, 2, &write(1_001), noon()).await.unwrap());
    assert_eq!(used(&hall, window), 0);
    let permit = ask(&mut talk, 3, &write(1_001), noon()).await.unwrap();
    let broken = permit.redeem(noon(), |_, _| Err(std::io::ErrorKind::BrokenPipe.into()));
    drop(broken);
    assert_eq!(used(&hall, window), 0);
    // Answered, refused by the PLC, never answered, and nobody there to wait for the answer.
    done(&mut talk, 4, &write(1_001), noon()).await;
    let refused = sent(
        ask(&mut talk, 5, &write(1_001), noon()).await.unwrap(),
        noon(),
    );
    refused.answer(&[0x86, 2], noon()).unwrap();
    let silent = sent(
        ask(&mut talk, 6, &write(1_001), noon()).await.unwrap(),
        noon(),
    );
    let _refusal = silent.silent("no answer", noon());
    drop(sent(
        ask(&mut talk, 7, &write(1_001), noon()).await.unwrap(),
        noon(),
    ));
    assert_eq!(used(&hall, window), 4);
    // Reading takes none.
    drop(ask(&mut talk, 8, &READ, noon()).await.unwrap());
    assert_eq!(used(&hall, window), 4);
}

#[tokio::test]
async fn what_the_disk_did_not_take_is_given_back() {
    let hall = Hall::new();
    let victor = hall.victor();
    let window = hall.window(&hall.draft(&victor));
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    hall.world.memory.hold_sync();
    {
        let pdu = write(1_001);
        let mut asking = pin!(talk.authorize(adu(1, 1, &pdu), noon()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(asking.as_mut().poll(&mut context).is_pending());
        assert!(hall.world.memory.wait_until_held());
        assert_eq!(used(&hall, window), 1, "taken before anybody waits");
    }
    hall.world.memory.release_sync();
    assert_eq!(
        used(&hall, window),
        0,
        "nobody waited, and nothing was sent"
    );
    hall.world.memory.fail_after(0);
    let failed = ask(&mut talk, 2, &write(1_001), noon()).await.unwrap_err();
    assert_eq!(failed.reason().code(), "journal-failed");
    assert_eq!(used(&hall, window), 0);
}

#[tokio::test]
async fn the_last_write_is_the_last_and_reading_goes_on() {
    let hall = Hall::new();
    let victor = hall.victor();
    let mut draft = hall.draft(&victor);
    draft.max_writes = 1;
    let window = hall.window(&draft);
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    done(&mut talk, 1, &write(1_001), noon()).await;
    let said = words(ask(&mut talk, 2, &write(1_001), noon()).await);
    assert_eq!(
        said,
        format!(
            "the one command with effect of window {window} was used; if your work goes on, ask for more with `interlock window extend {window}`"
        )
    );
    assert!(ask(&mut talk, 3, &READ, noon()).await.is_ok());
}

#[tokio::test]
async fn each_span_has_its_own() {
    let hall = Hall::new();
    let victor = hall.victor();
    let mut draft = hall.draft(&victor);
    draft.max_writes = 1;
    let (sixth, next) = (HOUR / 6, at(HOUR / 3));
    draft.spans = vec![span(noon(), sixth), span(next, sixth)];
    hall.window(&draft);
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    for (transaction, now) in (1..).step_by(2).zip([noon(), next]) {
        done(&mut talk, transaction, &write(1_001), now).await;
        let again = ask(&mut talk, transaction + 1, &write(1_001), now).await;
        assert_eq!(code(again), "window-exhausted");
    }
    let between = ask(&mut talk, 9, &write(1_001), at(sixth)).await;
    assert_eq!(code(between), "window-not-yet");
}

/// Three of four are used: one answered, one whose outcome nobody recorded, one whose outcome came
/// after the register was kept. Each restart knows all of them.
#[tokio::test]
async fn a_restart_keeps_the_count_whatever_it_is_made_from() {
    for kept in [false, true] {
        let hall = Hall::new();
        let victor = hall.victor();
        let mut draft = hall.draft(&victor);
        draft.max_writes = 4;
        let window = hall.window(&draft);
        let mut talk = victor.converse("press-4", true, noon()).unwrap();
        done(&mut talk, 1, &write(1_001), noon()).await;
        let orphan = sent(
            ask(&mut talk, 2, &write(1_002), noon()).await.unwrap(),
            noon(),
        );
        std::mem::forget(orphan);
        let late = sent(
            ask(&mut talk, 3, &write(1_003), noon()).await.unwrap(),
            noon(),
        );
        let back = ask(&mut talk, 4, &write(1_004), noon()).await.unwrap();
        if kept {
            assert!(hall.world.broker.keep_register(noon()).await.unwrap());
        }
        late.answer(&write(1_003), noon()).unwrap();
        withheld(back, at(Duration::from_secs(60)));
        assert_eq!(used(&hall, window), 3);
        drop((talk, victor));
        let mut hall = hall.restarted();
        for round in 0..3 {
            assert_eq!(used(&hall, window), 3, "kept {kept}, start {round}");
            assert_eq!(
                hall.world
                    .broker
                    .register()
                    .windows
                    .numbered(window)
                    .unwrap()
                    .open,
                [0_u64; 0],
                "no intent is open after a start"
            );
            if kept {
                assert!(hall.world.broker.keep_register(noon()).await.unwrap());
            }
            hall = hall.restarted();
        }
        let victor = hall.victor();
        let mut talk = victor.converse("press-4", true, noon()).unwrap();
        done(&mut talk, 1, &write(1_001), noon()).await;
        let last = ask(&mut talk, 2, &write(1_002), noon()).await;
        assert_eq!(code(last), "window-exhausted");
    }
}

/// What is counted while the register is written is not in it: so it does not count as kept.
#[tokio::test]
async fn a_register_that_is_kept_while_something_is_counted_is_kept_again() {
    let hall = Hall::new();
    let victor = hall.victor();
    let window = hall.window(&hall.draft(&victor));
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let open = sent(
        ask(&mut talk, 1, &write(1_001), noon()).await.unwrap(),
        noon(),
    );
    let mut context = Context::from_waker(Waker::noop());
    hall.world.memory.hold_sync();
    {
        let mut keeping = pin!(hall.world.broker.keep_register(noon()));
        assert!(keeping.as_mut().poll(&mut context).is_pending());
        assert!(hall.world.memory.wait_until_held());
        let pdu = write(1_002);
        let mut asking = pin!(talk.authorize(adu(2, 1, &pdu), noon()));
        assert!(asking.as_mut().poll(&mut context).is_pending());
        hall.world.memory.release_sync();
        assert!(!keeping.await.unwrap(), "an intent was counted meanwhile");
    }
    hall.world.memory.hold_sync();
    {
        let mut keeping = pin!(hall.world.broker.keep_register(noon()));
        assert!(keeping.as_mut().poll(&mut context).is_pending());
        assert!(hall.world.memory.wait_until_held());
        open.answer(&write(1_001), noon()).unwrap();
        hall.world.memory.release_sync();
        assert!(!keeping.await.unwrap(), "an outcome came meanwhile");
    }
    assert!(hall.world.broker.keep_register(noon()).await.unwrap());
    drop((talk, victor));
    let hall = hall.restarted();
    assert_eq!(used(&hall, window), 1);
}

/// The outcomes that a start gives to orphans are known to the register: else one that is kept
/// behind them would not be believed, and what it was made from may be gone by then.
#[tokio::test]
async fn a_register_that_is_kept_after_a_crash_is_believed() {
    let hall = Hall::new();
    let victor = hall.victor();
    let window = hall.window(&hall.draft(&victor));
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let orphan = ask(&mut talk, 1, &write(1_001), noon()).await.unwrap();
    std::mem::forget(sent(orphan, noon()));
    drop((talk, victor));
    let hall = hall.restarted();
    assert!(hall.world.broker.keep_register(noon()).await.unwrap());
    hall.world.broker.journal().close();
    let storage = hall.world.memory.storage();
    let options = Options {
        segment_bytes: SEGMENT_BYTES,
        ..Options::default()
    };
    let (_journal, recovered) = Journal::open(storage, options, NOON_MS).unwrap();
    assert_eq!(recovered.register.windows.used(window, 0), 1);
    let kept = hall.world.records();
    let kept = kept
        .iter()
        .find(|it| matches!(it.event, Event::RegisterKept(_)));
    assert_eq!(recovered.register_from, kept.map(|record| record.sequence));
}

/// Spans may lie seconds apart: what is given back late, after a restart from a register that was
/// kept, is given to no other span than the one that it was taken from.
#[tokio::test]
async fn what_is_given_back_late_is_no_write_of_the_next_span() {
    let hall = Hall::new();
    let victor = hall.victor();
    let mut draft = hall.draft(&victor);
    draft.max_writes = 1;
    let minute = Duration::from_secs(60);
    let next = at(Duration::from_secs(61));
    draft.spans = vec![span(noon(), minute), span(next, minute)];
    let window = hall.window(&draft);
    let mut talk = victor.converse("press-4", true, noon()).unwrap();
    let back = ask(&mut talk, 1, &write(1_001), noon()).await.unwrap();
    done(&mut talk, 2, &write(1_002), next).await;
    assert!(hall.world.broker.keep_register(next).await.unwrap());
    withheld(back, next);
    drop((talk, victor));
    let hall = hall.restarted();
    let register = hall.world.broker.register();
    assert_eq!(register.windows.used(window, 1), 1, "it was executed");
}
