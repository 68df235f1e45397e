//! The search for the points and cells that a window shows.
//!
//! It has two phases. The first one descends the quadtree, as a search in memory does, and lists
//! ranges of points and cells ([`Find`]). The second one fetches the pages of all ranges,
//! neighbours by one read, and unpacks their entries (points or cells) in order. The entries, and
//! their order, are those that an index in memory finds.

use crate::error::HeatError;
use crate::file::HeatFile;
use crate::group::Scratch;
use crate::node_page::FileNode;
use crate::pages::{Page, PageAddress, StreamNumber};
use crate::view::{QuadVisibility, SearchView};
use heatsplat_points::cancel;
use heatsplat_points::paged::{POINTS_LEVEL, PagedCells, PagedRun};
use heatsplat_points::{Point, Quad, Window};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The side of the world in world units, 2³².
const WORLD: f64 = 4_294_967_296.0;

/// The number of bits of x, and of y, that select the square of a cell in a block: a block has 2⁶ ×
/// 2⁶ squares.
const SIDE_BITS: u32 = 6;

/// The greatest number of entries (points or cells) in a partly visible quad that is taken whole
/// into the result, with its invisible entries, instead of being divided further. A search in
/// memory has the same limit.
const FEW: u64 = 24;
/// The greatest side, in pixels of the window, of a partly visible quad that is taken whole into
/// the result, with its invisible entries, instead of being divided further.
const SMALL_PIXELS: f64 = 8.0;

/// The units of work (a unit is about a nanosecond of one processor) that a visit to a node counts
/// as.
const NODE_WORK: u64 = 40;
/// The units of work (a unit is about a nanosecond of one processor) that the unpacking of an entry
/// counts as.
const ENTRY_WORK: u64 = 3;

/// A range of points, or of the cells of one depth, that a search takes into its result, whole or
/// in part.
#[derive(Clone, Debug)]
pub(crate) struct Find {
    /// The number of the stream that has the points or cells.
    pub(crate) stream: StreamNumber,
    pub(crate) are_points: bool,
    /// The numbers of the points or cells, counted from 0 through their stream.
    pub(crate) range: Range<u64>,
    /// The quad in which the points or cells lie.
    quad: Quad,
    /// True if all entries of the range are taken. False if only those are that lie in visible
    /// parts of the quad; these parts are found when the range is unpacked.
    whole: bool,
    /// The index in [`Finds::views`] of the view: the window in one copy of the world.
    view: usize,
}

/// The result of the first phase of a search.
#[derive(Debug, Default)]
pub(crate) struct Finds {
    /// The ranges, in the order of the result.
    pub(crate) finds: Vec<Find>,
    /// A view for each copy of the world that the window shows, from west to east: the window in
    /// that copy.
    views: Vec<SearchView>,
}

impl Finds {
    /// Returns the number of entries that the search takes. It is exact except for partly visible
    /// quads: of their entries as large a share is assumed as is visible of their area.
    pub(crate) fn estimate(&self) -> u64 {
        let number = |find: &Find| {
            let len = find.range.end - find.range.start;
            match self.views.get(find.view) {
                Some(view) if !find.whole => {
                    (len as f64 * view.visible_share(find.quad)).ceil() as u64
                }
                _ => len,
            }
        };
        self.finds.iter().map(number).sum()
    }
}

impl HeatFile {
    /// Does the first phase of a search, the descent of the quadtree. Cells are taken at `level`,
    /// or at a finer level where a quad has none at `level`.
    pub(crate) fn find(&self, level: u32, window: &Window) -> Result<Finds, HeatError> {
        let first = (window.left() / WORLD).floor() as i64;
        let last = (window.right() / WORLD).ceil() as i64 - 1;
        let mut descent = Descent::new(self, level);
        for copy in first..=last {
            let shift = copy as f64 * WORLD;
            let view = SearchView {
                edges: [
                    window.left() - shift,
                    window.top(),
                    window.right() - shift,
                    window.bottom(),
                ],
                shift,
                small: window.pixel() * SMALL_PIXELS,
                few: if first >= last { FEW } else { 0 },
            };
            descent.found.views.push(view);
            descent.view = view;
            descent.visit_world()?;
        }
        Ok(descent.found)
    }

    /// Does the second phase of a search: fetches the pages of the listed ranges, and unpacks their
    /// entries.
    pub(crate) fn unpack(&self, found: &Finds) -> Result<PagedCells, HeatError> {
        let mut plan = PagePlan::new(self, found);
        found.finds.iter().for_each(|find| plan.add(find));
        let pages = self.pages.pages(&plan.wanted)?;
        let mut unpacking = Unpacking {
            file: self,
            pages,
            slots: plan.slots.into_iter(),
            out: PagedCells::recycled(),
            scratch: (Vec::new(), Vec::new()),
            numbers: Scratch::default(),
            last: None,
        };
        let all = found.finds.iter().map(|f| f.range.end - f.range.start);
        unpacking.out.entries.reserve(all.sum::<u64>() as usize);
        for find in &found.finds {
            if let Some(view) = found.views.get(find.view) {
                unpacking.add(find, view);
            }
        }
        Ok(unpacking.out)
    }

    /// Returns a node by its depth and its number, counted from 0 through the nodes of that depth.
    /// `page` has, for each depth, the page that the search has read last.
    fn node(&self, depth: u32, number: u64, page: &mut NodeCache) -> Result<FileNode, HeatError> {
        let missing = || self.pages.damaged("the quadtree");
        let stream = self.nodes.get(depth as usize).copied().flatten();
        let stream = stream.ok_or_else(missing)?;
        let of = self.pages.streams().get(usize::from(stream));
        let len = of.map_or(1, |stream| stream.page_len);
        if of.is_none_or(|stream| number >= stream.record.entries) {
            return Err(missing());
        }
        let (wanted, within) = ((number / len) as u32, (number % len) as usize);
        let kept = page.get_mut(depth as usize).ok_or_else(missing)?;
        let fetched = match kept {
            Some((number, page)) if *number == wanted => page,
            _ => &mut kept.insert((wanted, self.pages.page(stream, wanted)?)).1,
        };
        let node = match &**fetched {
            Page::Nodes(page) => page.get(within).copied(),
            Page::Entries(_) | Page::Column(_) => None,
        };
        node.ok_or_else(missing)
    }

    /// Returns the borders between the points of a node's quarters: quarter `i` has the points with
    /// the numbers from border `i` up to, but not including, border `i` + 1. `points` are the
    /// numbers of all points in the node. The file is damaged if the quarters have more or fewer
    /// points together.
    fn borders(
        &self,
        node: &FileNode,
        depth: u32,
        points: &Range<u64>,
    ) -> Result<[u64; 5], HeatError> {
        let damaged = || self.pages.damaged(format!("the quadtree at depth {depth}"));
        let mut borders = [points.start; 5];
        let mut at = points.start;
        for (border, count) in borders.iter_mut().skip(1).zip(node.stored.points) {
            at = at.checked_add(count).ok_or_else(damaged)?;
            *border = at;
        }
        if at != points.end || points.is_empty() {
            return Err(damaged());
        }
        Ok(borders)
    }

    /// Returns the numbers in Z-order, counted from 0, of the points in a quad.
    pub(crate) fn range_of(&self, wanted: Quad) -> Result<Range<u64>, HeatError> {
        let mut cache = node_cache();
        let (first, last) = wanted.keys();
        let mut quad = Quad::WORLD;
        let mut range = 0..self.header.points;
        let mut number = self.has_root().then_some(0);
        while quad.depth < wanted.depth && !range.is_empty() {
            let Some(here) = number else {
                let start = self.partition(&range, |p| p.z_key() < first)?;
                let end = self.partition(&(start..range.end), |p| p.z_key() <= last)?;
                return Ok(start..end);
            };
            let node = self.node(quad.depth, here, &mut cache)?;
            let borders = self.borders(&node, quad.depth, &range)?;
            let quarter = quarter_with(quad, wanted);
            let quarters = quarters(&node, borders);
            let Some((part, inner)) = quarters.into_iter().nth(quarter as usize) else {
                break;
            };
            (range, number) = (part, inner);
            quad = quad.child(quarter);
        }
        Ok(range)
    }

    /// Returns the number of the first point in `range` that doesn't fulfil a condition, or the end
    /// of the range if all do. All points that fulfil the condition must come before those that
    /// don't.
    fn partition(
        &self,
        range: &Range<u64>,
        condition: impl Fn(&Point) -> bool,
    ) -> Result<u64, HeatError> {
        let (mut start, mut end) = (range.start, range.end);
        while start < end {
            let middle = start + (end - start) / 2;
            match self.points_in(middle..middle + 1)?.first() {
                Some(point) if condition(point) => start = middle + 1,
                _ => end = middle,
            }
        }
        Ok(start)
    }

    /// Returns the points whose numbers in Z-order, counted from 0, are in `numbers`. Numbers
    /// beyond the last point are ignored.
    pub(crate) fn points_in(&self, numbers: Range<u64>) -> Result<Vec<Point>, HeatError> {
        let end = numbers.end.min(self.header.points);
        let Some(stream) = self.points.filter(|_| numbers.start < end) else {
            return Ok(Vec::new());
        };
        let view = SearchView {
            edges: [0.0; 4],
            shift: 0.0,
            small: 0.0,
            few: 0,
        };
        let find = Find {
            stream,
            are_points: true,
            range: numbers.start..end,
            quad: Quad::WORLD,
            whole: true,
            view: 0,
        };
        let found = Finds {
            finds: vec![find],
            views: vec![view],
        };
        Ok(std::mem::take(&mut self.unpack(&found)?.entries))
    }

    fn has_root(&self) -> bool {
        self.nodes.first().is_some_and(Option::is_some)
    }
}

/// Returns the number of a quarter of `quad`, 0 to 3 in Z-order: the quarter in which the smaller
/// quad `inner` lies.
fn quarter_with(quad: Quad, inner: Quad) -> u32 {
    let bit = inner.depth - quad.depth - 1;
    (inner.x >> bit) & 1 | ((inner.y >> bit) & 1) << 1
}

/// For each depth, the page of nodes that a search has read last, with the page's number.
type NodeCache = Vec<Option<(u32, Arc<Page>)>>;

fn node_cache() -> NodeCache {
    vec![None; crate::root::DEEPEST as usize + 1]
}

/// Returns, for each quarter of a node, the range of the numbers of its points, and the number of
/// the quarter's own node, counted from 0 through the nodes of the next depth; `None` if the
/// quarter has no node.
#[inline]
fn quarters(node: &FileNode, [a, b, c, d, e]: [u64; 5]) -> [(Range<u64>, Option<u64>); 4] {
    let mut next = node.first_inner;
    let mut inner = [None; 4];
    for (bit, number) in inner.iter_mut().enumerate() {
        if node.stored.inner >> bit & 1 == 1 {
            *number = Some(next);
            next = next.saturating_add(1);
        }
    }
    let [p, q, r, s] = inner;
    [(a..b, p), (b..c, q), (c..d, r), (d..e, s)]
}

/// The state of the first phase of a search, in one copy of the world that the window shows.
struct Descent<'a> {
    file: &'a HeatFile,
    level: u32,
    view: SearchView,
    cache: NodeCache,
    found: Finds,
}

impl<'a> Descent<'a> {
    fn new(file: &'a HeatFile, level: u32) -> Self {
        Self {
            file,
            level,
            view: SearchView {
                edges: [0.0; 4],
                shift: 0.0,
                small: 0.0,
                few: 0,
            },
            cache: node_cache(),
            found: Finds::default(),
        }
    }

    fn visit_world(&mut self) -> Result<(), HeatError> {
        let all = 0..self.file.header.points;
        if self.file.has_root() {
            self.visit_node(Quad::WORLD, 0, all)
        } else {
            self.list(None, Quad::WORLD, all);
            Ok(())
        }
    }

    /// Lists what is visible of a quad that has a node: the cells of its block if they are at the
    /// wanted level or finer, or else the visible parts of its quarters. `number` is the number of
    /// the node, counted from 0 through its depth, and `points` are the numbers of the quad's
    /// points.
    fn visit_node(&mut self, quad: Quad, number: u64, points: Range<u64>) -> Result<(), HeatError> {
        cancel::check(NODE_WORK);
        let visibility = self.view.visibility(quad);
        if visibility == QuadVisibility::None {
            return Ok(());
        }
        let node = self.file.node(quad.depth, number, &mut self.cache)?;
        let borders = self.file.borders(&node, quad.depth, &points)?;
        let cells = u64::from(node.stored.cells);
        if quad.depth + SIDE_BITS >= self.level && cells > 0 {
            let stream = self.file.cells.get(quad.depth as usize).copied().flatten();
            let end = node.first_cell.saturating_add(cells);
            let of = stream.and_then(|stream| self.file.pages.streams().get(usize::from(stream)));
            if of.is_none_or(|stream| end > stream.record.entries) {
                return Err(self.file.pages.damaged("the quadtree"));
            }
            self.list(stream, quad, node.first_cell..end);
        } else if self.level == POINTS_LEVEL && visibility == QuadVisibility::Full {
            self.list(None, quad, points);
        } else {
            for (quarter, (range, inner)) in (0..4).zip(quarters(&node, borders)) {
                let quad = quad.child(quarter);
                match inner {
                    Some(number) => self.visit_node(quad, number, range)?,
                    None => self.list(None, quad, range),
                }
            }
        }
        Ok(())
    }

    /// Lists some entries of a quad: those that have the numbers `range` in their stream. They are
    /// cells of the stream `cells`, or points if `cells` is `None`.
    #[inline]
    fn list(&mut self, cells: Option<StreamNumber>, quad: Quad, range: Range<u64>) {
        let visibility = self.view.visibility(quad);
        let Some(stream) = cells.or(self.file.points) else {
            return;
        };
        if range.is_empty() || visibility == QuadVisibility::None {
            return;
        }
        let count = range.end - range.start;
        let whole = self.view.takes_whole(visibility, quad, count);
        let view = self.found.views.len() - 1;
        if whole
            && let Some(last) = self.found.finds.last_mut()
            && (last.stream, last.view, last.whole) == (stream, view, true)
            && last.range.end == range.start
        {
            last.range.end = range.end;
            return;
        }
        self.found.finds.push(Find {
            stream,
            are_points: cells.is_none(),
            range,
            quad,
            whole,
            view,
        });
    }
}

/// The pages that a search needs, each once.
struct PagePlan<'a> {
    file: &'a HeatFile,
    /// The pages, in the order in which the finds need them first.
    wanted: Vec<PageAddress>,
    /// The indices in `wanted` of the pages that the finds need: first all those of the first find,
    /// then those of the second one, and so on.
    slots: Vec<usize>,
    /// For each stream, the number of the page that was added last, and its index in `wanted`: a
    /// search goes through each stream in order, so the next page is often the same.
    last: Vec<Option<(u32, usize)>>,
    /// The index in `wanted` of each page, if the window shows several copies of the world: then
    /// the search goes through each stream several times. `None` if the window shows one copy.
    known: Option<HashMap<PageAddress, usize>>,
}

impl<'a> PagePlan<'a> {
    fn new(file: &'a HeatFile, found: &Finds) -> Self {
        Self {
            file,
            wanted: Vec::new(),
            slots: Vec::new(),
            last: vec![None; file.pages.streams().len()],
            known: (found.views.len() > 1).then(HashMap::new),
        }
    }

    /// Adds the pages that a find needs.
    fn add(&mut self, find: &Find) {
        let len = self.file.pages.streams().get(usize::from(find.stream));
        let len = len.map_or(1, |stream| stream.page_len);
        let first = (find.range.start / len) as u32;
        let last = (find.range.end.saturating_sub(1) / len) as u32;
        for page in first..=last {
            let slot = self.slot(find.stream, page);
            self.slots.push(slot);
        }
    }

    fn slot(&mut self, stream: StreamNumber, page: u32) -> usize {
        let last = self.last.get_mut(usize::from(stream));
        if let Some(Some((number, slot))) = last
            && *number == page
        {
            return *slot;
        }
        let next = self.wanted.len();
        let slot = match &mut self.known {
            Some(known) => *known.entry((stream, page)).or_insert(next),
            None => next,
        };
        if slot == next {
            self.wanted.push((stream, page));
        }
        if let Some(last) = last {
            *last = Some((page, slot));
        }
        slot
    }
}

/// The state of a search's second phase.
struct Unpacking<'a> {
    file: &'a HeatFile,
    pages: Vec<Arc<Page>>,
    /// The indices in `pages` of the pages that are still to be unpacked, in the order of the
    /// finds.
    slots: std::vec::IntoIter<usize>,
    out: PagedCells,
    /// Buffers for the entries and counts of a quad of which only a part is taken.
    scratch: (Vec<Point>, Vec<u32>),
    /// Buffers for the numbers of a group while it is unpacked.
    numbers: Scratch,
    /// The end of the last run of the result: the number of its stream, the number in this stream
    /// behind the run's last entry, and the shift of its copy of the world in world units. A run is
    /// entries with successive numbers.
    last: Option<(StreamNumber, u64, f64)>,
}

impl Unpacking<'_> {
    fn add(&mut self, find: &Find, view: &SearchView) {
        let before = self.out.entries.len();
        let cells = !find.are_points;
        if cells {
            self.out.counts.resize(before, 1);
        }
        if find.whole {
            let (mut entries, mut counts) = (
                std::mem::take(&mut self.out.entries),
                std::mem::take(&mut self.out.counts),
            );
            self.unpack(find, &mut entries, &mut counts);
            (self.out.entries, self.out.counts) = (entries, counts);
            return self.end_run(find, find.range.clone(), before, view);
        }
        let (mut entries, mut counts) = std::mem::take(&mut self.scratch);
        entries.clear();
        counts.clear();
        self.unpack(find, &mut entries, &mut counts);
        view.visit(find.quad, &entries, 0..entries.len(), &mut |taken| {
            let before = self.out.entries.len();
            let some = entries.get(taken.clone()).unwrap_or_default();
            self.out.entries.extend_from_slice(some);
            if cells {
                let some = counts.get(taken.clone()).unwrap_or_default();
                self.out.counts.extend_from_slice(some);
            }
            let first = find.range.start;
            let range = first + taken.start as u64..first + taken.end as u64;
            self.end_run(find, range, before, view);
        });
        self.scratch = (entries, counts);
    }

    /// Unpacks all entries of a find into `entries`. If the entries are cells, the numbers of
    /// points that they stand for go into `counts`.
    fn unpack(&mut self, find: &Find, entries: &mut Vec<Point>, counts: &mut Vec<u32>) {
        let of = self.file.pages.streams().get(usize::from(find.stream));
        let len = of.map_or(1, |stream| stream.page_len);
        let mut at = find.range.start;
        while at < find.range.end {
            let within = (at % len) as usize;
            let count = (find.range.end - at).min(len - at % len) as usize;
            cancel::check(count as u64 * ENTRY_WORK);
            let page = self.slots.next().and_then(|slot| self.pages.get(slot));
            if let Some(Page::Entries(page)) = page.map(|page| &**page) {
                let before = entries.len();
                page.append_entries(within..within + count, &mut self.numbers, entries);
                if self.file.are_ones && find.are_points {
                    let new = entries.iter_mut().skip(before);
                    new.for_each(|point| point.weight = 1.0);
                }
                if !find.are_points {
                    page.append_counts(within..within + count, &mut self.numbers, counts);
                }
            }
            at += count as u64;
        }
    }

    /// Takes note of the entries that a find has just added to the result, which had `before`
    /// entries until then. Their numbers in the find's stream are `range`. If these follow the
    /// numbers of the last run, they extend that run, as in an index in memory; otherwise they are
    /// a new run.
    fn end_run(&mut self, find: &Find, range: Range<u64>, before: usize, view: &SearchView) {
        let end = self.out.entries.len();
        match self.out.runs.last_mut() {
            Some(run) if self.last == Some((find.stream, range.start, view.shift)) => {
                run.range.end = end;
            }
            _ => self.out.runs.push(PagedRun {
                level: 0,
                range: before..end,
                shift: view.shift,
                are_points: find.are_points,
            }),
        }
        self.last = Some((find.stream, range.end, view.shift));
    }
}
