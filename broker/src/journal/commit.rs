//! The journal thread: take a batch, write it, flush it, answer. When the disk fails, keep what
//! was accepted and try again until it is written.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use interlock_protocols::record::{Event, RecordsRemoved};

use super::kind::Kind;
use super::queue::Queue;
use super::waiting::Entry;
use super::writer::{Line, Writer};
use crate::limits::{JOURNAL_RETRY_FIRST, JOURNAL_RETRY_MAX};

/// Starts the thread. It ends when the queue is closed.
pub(super) fn spawn(
    queue: Arc<Queue>,
    mut writer: Writer,
    room: usize,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("journal".into())
        .spawn(move || {
            // Declared before anything that may panic: whatever ends this thread, the queue
            // learns of it and nobody waits for ever.
            let _sentinel = Sentinel(&queue);
            run(&queue, &mut writer, room);
        })
}

fn run(queue: &Queue, writer: &mut Writer, room: usize) {
    if queue.is_failed() && !come_back(queue, writer, room) {
        return;
    }
    tend(queue, writer);
    while let Some(batch) = queue.next_batch(room) {
        if let Err(error) = write(queue, writer, batch) {
            tracing::error!(%error, "the journal cannot be written; commands with effect are refused until it can");
            if !come_back(queue, writer, room) {
                return;
            }
        }
        tend(queue, writer);
    }
    if let Err(error) = writer.seal() {
        // All records are durable; the next start finds a torn tail of none.
        tracing::warn!(%error, "the end of the journal could not be sealed");
    }
}

/// Writes one group. After an error its records are back in the queue, and nobody waits.
fn write(queue: &Queue, writer: &mut Writer, batch: Vec<Entry>) -> io::Result<()> {
    let lines: Vec<Line<'_>> = batch
        .iter()
        .map(|entry| Line {
            sequence: entry.sequence,
            time_ms: entry.time_ms,
            is_telling: entry.kind == Kind::Telling,
            bytes: &entry.bytes,
        })
        .collect();
    match writer.group(&lines) {
        // I2: only here, behind the flush, is anybody told that a record is durable.
        Ok(()) => {
            if let Some(last) = batch.last() {
                queue.settled(last.sequence, writer.space(&queue.bounds()));
            }
            batch.into_iter().for_each(|entry| entry.answer(Ok(())));
            Ok(())
        }
        // The queue fails first: whoever hears the answer finds it failed.
        Err(error) => {
            queue.fail(&error.to_string(), batch);
            Err(error)
        }
    }
}

/// Tries until all that was kept is written; false if the journal was closed before.
fn come_back(queue: &Queue, writer: &mut Writer, room: usize) -> bool {
    let mut pause = JOURNAL_RETRY_FIRST;
    loop {
        let again = queue.pause(pause);
        match write_kept(queue, writer, room) {
            Ok(()) => {
                tracing::warn!("the journal can be written again; commands with effect pass");
                return true;
            }
            Err(error) if !again => {
                tracing::error!(
                    %error,
                    records = queue.left(),
                    "the journal was closed before it could be written again; these records are lost, and open commands will be OUTCOME UNKNOWN"
                );
                return false;
            }
            Err(error) => tracing::debug!(%error, "the journal still cannot be written"),
        }
        pause = pause.saturating_mul(2).min(JOURNAL_RETRY_MAX);
    }
}

/// What was kept, then the record that says how long nothing could be recorded. Behind it
/// everything is as usual.
fn write_kept(queue: &Queue, writer: &mut Writer, room: usize) -> io::Result<()> {
    if let Err(error) = writer.repair() {
        queue.fail(&error.to_string(), Vec::new());
        return Err(error);
    }
    // What could not be deleted before may be what there is no room for.
    remove(queue, writer);
    if let Some(plan) = writer.plan_in_need(&queue.bounds()) {
        announce(queue, writer, plan);
    }
    let Some(notice) = queue.notice() else {
        return Ok(());
    };
    loop {
        let batch = queue.batch_through(room, notice);
        if batch.is_empty() {
            break;
        }
        write(queue, writer, batch)?;
        remove(queue, writer);
    }
    queue.returned();
    Ok(())
}

/// What is to be done between two groups: the next segment, and the removal of old ones.
fn tend(queue: &Queue, writer: &mut Writer) {
    remove(queue, writer);
    if !writer.wants_next() {
        return;
    }
    if let Some(plan) = writer.plan(&queue.bounds()) {
        announce(queue, writer, plan);
    } else {
        writer.prepare();
    }
}

/// A removal is a record before it is done.
fn announce(queue: &Queue, writer: &mut Writer, plan: super::budget::Plan) {
    let record = queue.note(Event::RecordsRemoved(RecordsRemoved {
        first: plan.first,
        last: plan.last,
        why: plan.why.to_owned(),
    }));
    writer.remove_after(record, plan.last);
}

fn remove(queue: &Queue, writer: &mut Writer) {
    match writer.remove_recorded() {
        Ok(false) => {}
        Ok(true) => queue.fills(writer.space(&queue.bounds())),
        Err(error) => {
            tracing::warn!(%error, "old segments of the journal could not be deleted; it is tried again");
        }
    }
}

struct Sentinel<'a>(&'a Queue);

impl Drop for Sentinel<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end("the journal thread panicked");
        } else if !self.0.is_closing() {
            self.0.end("the journal thread ended before it was told to");
        }
    }
}
