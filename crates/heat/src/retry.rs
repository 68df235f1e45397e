//! Reads that are tried again after a failure: networks fail now and then, and so do disks that are
//! reached through a network.

use crate::source::{ByteRead, ByteSource};
use heatsplat_points::cancel;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// The pauses before the second and the third try of a read: a choice.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// The longest pause that a source may ask for: a choice. If it asks for a longer one, the read
/// isn't tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The most time that one try may take, whatever deadline is set: a choice.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time between two looks at the thread's cancel token during a pause: a choice.
const LOOK: Duration = Duration::from_millis(20);

/// Reads ranges of a source, and leaves the result of each in [`ByteRead::result`]. Ranges whose
/// read fails are tried up to twice again, but none of them if
///
/// * the source says that one of them would fail again, or
/// * the source asks for a pause of more than two seconds, or
/// * the deadline of the thread's work is too near.
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

/// Reads `len` bytes that begin at `offset`, and tries again as [`read_retrying`] does.
///
/// # Errors
/// The error of the last try.
pub fn read_vec(source: &dyn ByteSource, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let mut read = [ByteRead::new(offset, &mut bytes)];
    read_retrying(source, &mut read);
    let [read] = read;
    read.result?;
    Ok(bytes)
}

/// Returns the longest pause that the source asks for before the failed reads are tried again.
/// Returns `None` if they shouldn't be tried again:
///
/// * no read has failed,
/// * one of the failed reads would fail again, or
/// * the pause is longer than [`LONGEST_PAUSE`].
fn longest_pause(source: &dyn ByteSource, reads: &[ByteRead<'_>]) -> Option<Duration> {
    let errors = reads.iter().filter_map(|read| read.result.as_ref().err());
    let pauses: Option<Vec<Duration>> = errors.map(|error| source.retry_after(error)).collect();
    pauses?
        .into_iter()
        .max()
        .filter(|&pause| pause <= LONGEST_PAUSE)
}

/// Returns the time that the next try may take, if `tries` tries are left. The time until the
/// deadline is divided into equal shares, one for each of these tries and one for the rest of the
/// work; the result is never more than [`PATIENCE`].
fn limit(tries: usize) -> Duration {
    let share = |left: Duration| left / (tries as u32 + 1);
    cancel::time_left().map_or(PATIENCE, share).min(PATIENCE)
}

/// Waits for the time of `pause`. If the thread's work is cancelled meanwhile, the stack is unwound
/// as [`cancel::check`] does it.
fn wait(pause: Duration) {
    let until = Instant::now() + pause;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        cancel::check(cancel::UNITS_BETWEEN_LOOKS);
        thread::sleep(left.min(LOOK));
    }
}
