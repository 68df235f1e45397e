//! Positions of windows of one length at which a scale for all of them is measured.

use crate::length_class::LengthClass;
use crate::timeline::Timeline;
use crate::window::Span;

/// The number of windows that are chosen because they have the most points: a choice.
const FULLEST: usize = 4;
/// The number of windows that are spread evenly over the points: a choice. The points, in the order
/// of their times, are divided into so many equal parts, and a window lies around the middle of
/// each.
const EVEN: usize = 8;

impl Timeline {
    /// Positions of windows whose length is the middle of a class, in rising order: four windows
    /// with the most points, which don't overlap, and eight that are spread evenly over the points.
    /// They depend on the times alone. If all windows together would have more points than the
    /// timeline, some windows are left out; but one always stays.
    pub fn positions(&self, class: LengthClass) -> Vec<Span> {
        let buckets = self.buckets();
        let all = buckets.all();
        // A window is moved to the front if it would reach beyond the last bucket.
        let latest = buckets.end() - class.middle();
        let window = |first: u32| {
            let start = buckets.border(first).min(latest).max(buckets.start());
            buckets.touched(start, start.saturating_add(class.middle()))
        };
        let mut candidates: Vec<(usize, Span)> = (all.first()..all.end())
            .map(|first| (self.count(window(first)), window(first)))
            .collect();
        candidates.sort_unstable_by_key(|(count, span)| (std::cmp::Reverse(*count), span.first()));
        let mut found: Vec<Span> = Vec::new();
        for (_, span) in candidates {
            let overlaps = |other: &Span| other.first() < span.end() && span.first() < other.end();
            if found.len() < FULLEST && !found.iter().any(overlaps) {
                found.push(span);
            }
        }
        // The middle of a window is at an equal step of points. Those in the middle of the times
        // come first, in case that not all have room.
        let total = self.count(all);
        for step in [4, 1, 6, 2, 5, 0, 7, 3].into_iter().take(EVEN) {
            let wanted = (2 * step + 1) * total / (2 * EVEN);
            let at = self.bucket_of_rank(wanted);
            let start = buckets.border(at) - class.middle() / 2;
            let first = buckets
                .find(start.max(buckets.start()))
                .map_or(0, u32::from);
            found.push(window(first));
        }
        let mut room = total;
        let mut kept: Vec<Span> = Vec::new();
        for span in found {
            let count = self.count(span);
            if !kept.contains(&span) && (kept.is_empty() || count <= room) {
                room = room.saturating_sub(count);
                kept.push(span);
            }
        }
        kept.sort_unstable_by_key(|span| span.first());
        kept
    }
}
