//! Reads that are tried again: a network, and a disk at the other end of one, fail now and then.

use crate::source::{ByteRead, ByteSource};
use heatsplat_points::cancel;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// Pauses before a failed read is tried again: a choice.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// Longest pause that a source may ask for. If it asks for a longer one, the read fails. A choice.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Time that a try may take where no deadline is set: a choice.
const PATIENCE: Duration = Duration::from_secs(30);

/// Time between two looks at the cancel token of the thread while it waits: a choice.
const LOOK: Duration = Duration::from_millis(20);

/// Reads ranges of a source. Reads that fail are tried twice again, as long as the deadline of the
/// thread's work is far enough.
pub fn read_retrying(source: &dyn ByteSource, reads: &mut [ByteRead<'_>]) {
    let tries = PAUSES.len() + 1;
    source.read_all(reads, limit(tries));
    for (before, pause) in PAUSES.into_iter().enumerate() {
        let Some(asked) = longest_pause(source, reads) else {
            return;
        };
        let pause = pause.max(asked);
        if cancel::time_left().is_some_and(|left| left < pause * 2) {
            return;
        }
        wait(pause);
        let mut again: Vec<&mut ByteRead<'_>> = reads
            .iter_mut()
            .filter(|read| read.result.is_err())
            .collect();
        let mut retried: Vec<ByteRead<'_>> = again
            .iter_mut()
            .map(|read| ByteRead::new(read.offset, &mut *read.bytes))
            .collect();
        source.read_all(&mut retried, limit(tries - before - 1));
        let results: Vec<io::Result<()>> = retried.into_iter().map(|read| read.result).collect();
        for (read, result) in again.into_iter().zip(results) {
            read.result = result;
        }
    }
}

/// Reads bytes into a buffer of their own, with tries as those of [`read_retrying`].
///
/// # Errors
/// The last try fails.
pub fn read_vec(source: &dyn ByteSource, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let mut read = [ByteRead::new(offset, &mut bytes)];
    read_retrying(source, &mut read);
    let [read] = read;
    read.result?;
    Ok(bytes)
}

/// Longest pause that the source asks for before failed reads are tried again. `None` if none
/// failed, or one of them would fail again.
fn longest_pause(source: &dyn ByteSource, reads: &[ByteRead<'_>]) -> Option<Duration> {
    let errors = reads.iter().filter_map(|read| read.result.as_ref().err());
    let pauses: Option<Vec<Duration>> = errors.map(|error| source.retry_after(error)).collect();
    pauses?
        .into_iter()
        .max()
        .filter(|&pause| pause <= LONGEST_PAUSE)
}

/// Time that the next of some tries may take. Each gets an equal share of the time until the
/// deadline, and one share is left for the rest of the work.
fn limit(tries: usize) -> Duration {
    let share = |left: Duration| left / (tries as u32 + 1);
    cancel::time_left().map_or(PATIENCE, share).min(PATIENCE)
}

/// Waits, unless the work of the thread ends meanwhile.
fn wait(pause: Duration) {
    let until = Instant::now() + pause;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        cancel::check(cancel::UNITS_BETWEEN_LOOKS);
        thread::sleep(left.min(LOOK));
    }
}
