//! The journal thread: take a batch, write it, flush it, answer.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::queue::{Entry, Queue};
use super::writer::{Line, Writer};
use crate::journal::Unrecordable;

/// Starts the thread. It ends when the queue is closed or the disk fails.
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
            if let Err(error) = run(&queue, &mut writer, room) {
                tracing::error!(%error, "the journal cannot be written; commands with effect are refused from now on");
                queue.fail(&error.to_string());
            }
        })
}

fn run(queue: &Queue, writer: &mut Writer, room: usize) -> io::Result<()> {
    while let Some(batch) = queue.next_batch(room) {
        let lines: Vec<Line<'_>> = batch
            .iter()
            .map(|entry| (entry.sequence, entry.bytes.as_slice()))
            .collect();
        match writer.group(&lines) {
            // I2: only here, behind the flush, is anybody told that a record is durable.
            Ok(()) => {
                if let Some(last) = batch.last() {
                    queue.settled(last.sequence);
                }
                batch.into_iter().for_each(|entry| entry.answer(Ok(())));
            }
            Err(error) => {
                refuse(queue, batch, &error);
                return Err(error);
            }
        }
    }
    writer.seal()
}

/// The queue fails first: whoever hears the answer finds it failed.
fn refuse(queue: &Queue, batch: Vec<Entry>, error: &io::Error) {
    let why = error.to_string();
    queue.fail(&why);
    for entry in batch {
        entry.answer(Err(Unrecordable::Failed { why: why.clone() }));
    }
}

struct Sentinel<'a>(&'a Queue);

impl Drop for Sentinel<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail("the journal thread panicked");
        } else if !self.0.is_closing() {
            self.0
                .fail("the journal thread ended before it was told to");
        }
    }
}
