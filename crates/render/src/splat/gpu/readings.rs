//! Finished batches: the 32-bit words that were read back from the device. All callers whose
//! pictures are in a batch share its words, check their own part of them, and copy their pixels
//! from there.

use super::health::{FallbackReason, is_whole};
use super::layout::{SLOT, SLOTS};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

/// The number of 32-bit words that a picture's counters take.
pub(super) const SUMS: u32 = SLOTS * SLOT;

/// The greatest number of vectors of words that are kept for further batches.
const SPARE: usize = 4;

/// Vectors in which words of finished batches were stored. Their memory is used again, since new
/// memory would cost more than what is copied into it.
#[derive(Debug, Default)]
pub(super) struct SpareWords(Mutex<Vec<Vec<u32>>>);

/// The 32-bit words of a batch that were read back: the pixels of all its pictures that don't stay
/// on the device, and the counters of all its pictures.
#[derive(Debug)]
pub(super) struct Readings {
    words: Vec<u32>,
    spare: Arc<SpareWords>,
    /// The number of the device that drew the batch.
    pub(super) device: u64,
}

impl Readings {
    pub(super) fn new(bytes: &[u8], spare: &Arc<SpareWords>, device: u64) -> Self {
        let mut spares = spare.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut words = spares.pop().unwrap_or_default();
        drop(spares);
        words.clear();
        match bytemuck::try_cast_slice(bytes) {
            Ok(read) => words.extend_from_slice(read),
            // Drivers align what they map.
            Err(_) => words = bytemuck::pod_collect_to_vec(bytes),
        }
        Self {
            words,
            spare: Arc::clone(spare),
            device,
        }
    }

    /// Changes the first seven of the 32-bit words, as a broken device might. Tests use it to see
    /// that wrong sums are noticed.
    pub(super) fn corrupt(&mut self) {
        self.words
            .iter_mut()
            .take(7)
            .for_each(|word| *word ^= 0x0101);
    }

    /// Returns the 32-bit words of a picture after a check of its counters and its checksum. There
    /// are no words if the picture stays on the device.
    ///
    /// # Errors [`FallbackReason::WrongSum`] if the check fails.
    pub(super) fn picture(&self, part: &PicturePart) -> Result<&[u32], FallbackReason> {
        let picture = self.words.get(part.first..part.first + part.words);
        let sums = self.words.get(part.sums..part.sums + SUMS as usize);
        let (Some(picture), Some(sums)) = (picture, sums) else {
            return Err(FallbackReason::WrongSum);
        };
        let is_read = part.words > 0;
        if is_whole(sums, part.cells, is_read.then_some(picture)) {
            Ok(picture)
        } else {
            Err(FallbackReason::WrongSum)
        }
    }
}

impl Drop for Readings {
    fn drop(&mut self) {
        let words = std::mem::take(&mut self.words);
        let mut spares = self.spare.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spares.len() < SPARE {
            spares.push(words);
        }
    }
}

/// The position of a picture's pixels and counters among the words of a batch that were read back.
#[derive(Clone, Copy, Debug)]
pub(super) struct PicturePart {
    /// The number of the picture's block, counted from 0, among all blocks of its call.
    pub(super) number: usize,
    /// The index of the picture's first 32-bit word among the batch's words that were read back.
    pub(super) first: usize,
    /// The number of 32-bit words of the picture's pixels; 0 if they stay on the device.
    pub(super) words: usize,
    /// The index of the picture's first counter among the batch's words that were read back.
    pub(super) sums: usize,
    /// The number of cells that the picture consists of.
    pub(super) cells: u64,
}

/// The worker thread's answer to a call, that is, to the jobs that a caller has sent together.
#[derive(Debug)]
pub(super) enum Answer {
    /// Pictures that were drawn in one batch: the words that were read back, and the position of
    /// each picture in them.
    Finished(Arc<Readings>, Vec<PicturePart>),
    /// A block that was not drawn: its number in the call, counted from 0, and the reason.
    Failed(usize, FallbackReason),
}

/// The end of a channel by which the worker thread answers a call.
pub(super) type AnswerSender = Arc<mpsc::Sender<Answer>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_a_finished_batch_is_used_again() {
        let spare = Arc::default();
        let bytes: Vec<u8> = [7u32; 1000].iter().flat_map(|n| n.to_ne_bytes()).collect();
        let first = Readings::new(&bytes, &spare, 1);
        assert_eq!(first.words, [7; 1000]);
        let place = first.words.as_ptr();
        drop(first);
        let second = Readings::new(&bytes[..400], &spare, 1);
        assert_eq!((second.words.as_ptr(), second.words.len()), (place, 100));
        let many: Vec<_> = (0..9).map(|_| Readings::new(&bytes, &spare, 1)).collect();
        drop((many, second));
        assert_eq!(spare.0.lock().unwrap().len(), SPARE);
    }

    #[test]
    fn a_picture_beyond_the_words_is_wrong() {
        let readings = Readings::new(&[0; 4 * SUMS as usize], &Arc::default(), 1);
        let part = |sums| PicturePart {
            number: 0,
            first: 0,
            words: 0,
            sums,
            cells: 0,
        };
        assert_eq!(readings.picture(&part(0)), Ok(&[][..]));
        let wrong = Err(FallbackReason::WrongSum);
        assert_eq!(readings.picture(&part(1)), wrong);
    }
}
