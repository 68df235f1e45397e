//! The positions of a line or an area.

use super::ShapeKind;

/// The number of comparisons for each side of a ring, after which a search for crossings, or for
/// the rings around holes, ends without a result: a choice. The search for the crossings of a coast
/// of a million vertices takes about ten.
pub(super) const EFFORT: usize = 64;

/// The positions of a line or an area in the coordinate system of the file: of the parts of a
/// (Multi)LineString, or of the rings of a (Multi)Polygon.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    kind: ShapeKind,
    positions: Vec<(f64, f64)>,
    /// The index after the last position of each part.
    ends: Vec<usize>,
    /// For each part, true if it is the outer ring of a polygon; the parts after it are the holes
    /// of this polygon. Lines have no such parts.
    outer: Vec<bool>,
}

/// A ring of an area that is not assigned to a polygon yet.
struct LooseRing<'a> {
    positions: &'a [(f64, f64)],
    /// The area inside the ring, which is negative if the ring runs clockwise.
    area: f64,
    /// The least x, least y, greatest x and greatest y.
    sides: [f64; 4],
}

impl Outline {
    /// Creates an outline without positions.
    pub(crate) fn new(kind: ShapeKind) -> Self {
        Self {
            kind,
            positions: Vec::new(),
            ends: Vec::new(),
            outer: Vec::new(),
        }
    }

    pub(crate) fn kind(&self) -> ShapeKind {
        self.kind
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Adds a line.
    pub(crate) fn add_line(&mut self, positions: impl IntoIterator<Item = (f64, f64)>) {
        self.add_part(positions, false);
    }

    /// Adds a ring. With `is_outer` it is the outer ring of the next polygon, otherwise a hole of
    /// the polygon that was added last. A ring without positions is left out, unless it is the
    /// outer one: its holes must not become those of the polygon before it.
    pub(crate) fn add_ring(
        &mut self,
        positions: impl IntoIterator<Item = (f64, f64)>,
        is_outer: bool,
    ) {
        self.add_part(positions, is_outer);
    }

    fn add_part(&mut self, positions: impl IntoIterator<Item = (f64, f64)>, is_outer: bool) {
        self.positions.extend(positions);
        let before = self.ends.last().copied().unwrap_or(0);
        if self.positions.len() > before || is_outer {
            self.ends.push(self.positions.len());
            self.outer.push(is_outer);
        }
    }

    /// The parts in order: lines, or outer rings each followed by its holes.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &[(f64, f64)]> {
        self.rings().map(|(ring, _)| ring)
    }

    /// The rings, each with true if it is an outer one.
    pub(super) fn rings(&self) -> impl Iterator<Item = (&[(f64, f64)], bool)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let parts = starts.zip(&self.ends).zip(&self.outer);
        parts.map(|((start, end), outer)| {
            let positions = self.positions.get(start..*end).unwrap_or_default();
            (positions, *outer)
        })
    }

    /// The polygons, each as its rings, the outer one first.
    pub(super) fn polygons(&self) -> Vec<Vec<&[(f64, f64)]>> {
        let mut polygons: Vec<Vec<&[(f64, f64)]>> = Vec::new();
        for (ring, is_outer) in self.rings() {
            match polygons.last_mut() {
                Some(polygon) if !is_outer => polygon.push(ring),
                _ => polygons.push(vec![ring]),
            }
        }
        polygons
    }

    /// An area of rings whose direction states whether they are holes, as in Shapefiles: holes run
    /// against the direction of the ring that encloses the most. A hole belongs to the smallest
    /// outer ring around it. If there is none, the hole is an outer ring itself. The search for
    /// these rings takes at most [`EFFORT`] comparisons for each position, so that no file makes it
    /// take long; holes that are left then belong to the largest ring.
    pub(crate) fn from_directions(rings: &[Vec<(f64, f64)>]) -> Self {
        let loose = rings.iter().map(|ring| LooseRing {
            positions: ring,
            area: signed_area(ring),
            sides: sides(ring),
        });
        let loose: Vec<LooseRing<'_>> = loose.collect();
        let largest = loose
            .iter()
            .max_by(|a, b| a.area.abs().total_cmp(&b.area.abs()));
        let direction = largest.map_or(1.0, |ring| ring.area.signum());
        let (outer, holes): (Vec<_>, Vec<_>) =
            loose.iter().partition(|ring| ring.area * direction >= 0.0);
        let mut from_smallest: Vec<(usize, &LooseRing<'_>)> =
            outer.iter().copied().enumerate().collect();
        from_smallest.sort_by(|a, b| a.1.area.abs().total_cmp(&b.1.area.abs()));
        let mut own: Vec<Vec<&LooseRing<'_>>> = vec![Vec::new(); outer.len()];
        let mut without = Vec::new();
        let mut left = EFFORT * rings.iter().map(Vec::len).sum::<usize>();
        for hole in holes {
            let around = match left {
                // As the islands of an ocean.
                0 => from_smallest.last(),
                _ => from_smallest.iter().find(|(_, ring)| {
                    left = left.saturating_sub(ring.effort(hole));
                    ring.is_around(hole)
                }),
            };
            match around.and_then(|(at, _)| own.get_mut(*at)) {
                Some(holes) => holes.push(hole),
                None => without.push(hole),
            }
        }
        let mut outline = Self::new(ShapeKind::Area);
        for (ring, holes) in outer.iter().zip(own) {
            outline.add_ring(ring.positions.iter().copied(), true);
            for hole in holes {
                outline.add_ring(hole.positions.iter().copied(), false);
            }
        }
        for ring in without {
            outline.add_ring(ring.positions.iter().copied(), true);
        }
        outline
    }
}

impl LooseRing<'_> {
    /// Returns whether another ring lies in the box of this one.
    fn has_in_box(&self, other: &LooseRing<'_>) -> bool {
        let [west, south, east, north] = self.sides;
        let [w, s, e, n] = other.sides;
        w >= west && s >= south && e <= east && n <= north
    }

    /// The number of comparisons that [`is_around`](Self::is_around) takes.
    fn effort(&self, other: &LooseRing<'_>) -> usize {
        match self.has_in_box(other) {
            true => 3 * self.positions.len(),
            false => 1,
        }
    }

    /// Returns whether another ring lies inside of this one. The rings don't cross, but may touch,
    /// so that up to three positions of the other ring decide by their majority.
    fn is_around(&self, other: &LooseRing<'_>) -> bool {
        if !self.has_in_box(other) {
            return false;
        }
        let tested = other.positions.iter().take(3);
        let inside = tested.clone().filter(|at| is_inside(self.positions, **at));
        2 * inside.count() >= tested.count()
    }
}

/// The least x, least y, greatest x and greatest y of positions.
pub(super) fn sides(positions: &[(f64, f64)]) -> [f64; 4] {
    let none = [
        f64::INFINITY,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NEG_INFINITY,
    ];
    positions.iter().fold(none, |[w, s, e, n], &(x, y)| {
        [w.min(x), s.min(y), e.max(x), n.max(y)]
    })
}

/// The sides of a ring from each position to the next, and from the last to the first.
pub(super) fn edges(ring: &[(f64, f64)]) -> impl Iterator<Item = ((f64, f64), (f64, f64))> {
    let ends = ring.iter().copied().cycle().skip(1);
    ring.iter().copied().zip(ends)
}

/// The area inside a ring, negative if the ring runs clockwise.
fn signed_area(ring: &[(f64, f64)]) -> f64 {
    let (ox, oy) = ring.first().copied().unwrap_or_default();
    let crosses =
        edges(ring).map(|((ax, ay), (bx, by))| (ax - ox) * (by - oy) - (bx - ox) * (ay - oy));
    crosses.sum::<f64>() / 2.0
}

/// Returns whether a position is inside a ring, by the number of sides to the east of it.
fn is_inside(ring: &[(f64, f64)], (x, y): (f64, f64)) -> bool {
    let crossed = edges(ring).filter(|&((ax, ay), (bx, by))| {
        (ay > y) != (by > y) && x < ax + (y - ay) * (bx - ax) / (by - ay)
    });
    crossed.count() % 2 == 1
}

pub(super) fn is_closed(ring: &[(f64, f64)]) -> bool {
    ring.first() == ring.last()
}

/// The positions of a ring without the last one, if the last one repeats the first.
pub(super) fn without_repeated_end(ring: &[(f64, f64)]) -> &[(f64, f64)] {
    match ring {
        [first, inner @ .., last] if first == last => ring.get(..1 + inner.len()).unwrap_or(ring),
        _ => ring,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A square ring that runs clockwise, as outer rings do in Shapefiles.
    fn square(x: f64, y: f64, size: f64) -> Vec<(f64, f64)> {
        let (x1, y1) = (x + size, y + size);
        vec![(x, y), (x, y1), (x1, y1), (x1, y), (x, y)]
    }

    fn hole(x: f64, y: f64, size: f64) -> Vec<(f64, f64)> {
        square(x, y, size).into_iter().rev().collect()
    }

    /// The numbers of rings of each polygon.
    fn rings_of_polygons(outline: &Outline) -> Vec<usize> {
        outline.polygons().iter().map(Vec::len).collect()
    }

    #[test]
    fn a_hole_belongs_to_the_smallest_ring_around_it() {
        // A pond on an island in a lake.
        let rings = [
            hole(4.5, 4.5, 1.0),
            square(0.0, 0.0, 10.0),
            hole(2.0, 2.0, 6.0),
            square(4.0, 4.0, 2.0),
        ];
        let outline = Outline::from_directions(&rings);
        assert_eq!(rings_of_polygons(&outline), [2, 2]);
        let pond = outline.polygons()[1][1].contains(&(4.5, 4.5));
        assert!(pond, "{:?}", outline.polygons());
        // A hole without a ring around it is a ring itself.
        let lone = Outline::from_directions(&[square(0.0, 0.0, 1.0), hole(5.0, 5.0, 0.5)]);
        assert_eq!(rings_of_polygons(&lone), [1, 1]);
    }

    #[test]
    fn holes_beyond_the_effort_are_those_of_the_largest_ring() {
        let many = 2_000;
        let at = |i: usize| (i as f64) * 3.0;
        let mut rings = vec![square(-1.0, -1.0, 9_000.0)];
        rings.extend((0..many).map(|i| square(at(i), 0.0, 1.0)));
        rings.extend((0..many).map(|i| hole(at(i), 10.0, 1.0)));
        // Far outside of the largest ring: a search without a limit would find no ring around it.
        rings.push(hole(20_000.0, 0.0, 1.0));
        let positions: usize = rings.iter().map(Vec::len).sum();
        // Each hole is outside of the boxes of all small rings.
        assert!(many * many > EFFORT * positions);
        let polygons = rings_of_polygons(&Outline::from_directions(&rings));
        assert_eq!((polygons.len(), polygons[0]), (many + 1, many + 2));
    }
}
