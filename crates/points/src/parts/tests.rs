use super::*;
use crate::zorder::{self, quarter_borders, quarters};
use proptest::prelude::*;
use std::ops::Range;

/// A node with everything that it has, as numbers that can be compared bit by bit.
type Copied = (Quad, [u64; 5], [bool; 4], Vec<(u32, u32, u32, u32)>);

fn copied(node: PartNode<'_>) -> Copied {
    let cells = node.cells.iter().zip(node.counts);
    let cells = cells.map(|(c, &count)| (c.x, c.y, c.weight.to_bits(), count));
    (node.quad, node.borders, node.quarters, cells.collect())
}

/// Returns the nodes of the pyramid in memory, a node after all nodes inside it.
fn in_memory(points: &[Point]) -> Vec<Copied> {
    let pyramid = Pyramid::from_sorted(points);
    let summary = QuadSummary {
        quad: Quad::WORLD,
        points: points.len() as u64,
        has_node: true,
        entries: Vec::new(),
        shared: [0; 33],
    };
    let mut all = Vec::new();
    let whole = Part { pyramid, summary };
    whole
        .visit(0, &mut |node| {
            all.push(copied(node));
            Ok::<(), ()>(())
        })
        .unwrap();
    all
}

/// Returns the quads of at most `most` points, or of the greatest depth.
fn cut(
    points: &[Point],
    quad: Quad,
    range: Range<usize>,
    most: usize,
) -> Vec<(Quad, Range<usize>)> {
    if range.is_empty() {
        return Vec::new();
    }
    if range.len() <= most || quad.depth == DEEPEST {
        return vec![(quad, range)];
    }
    let parts = (0..4).zip(quarters(quarter_borders(points, &range, quad)));
    parts
        .flat_map(|(q, part)| cut(points, quad.child(q), part, most))
        .collect()
}

/// Returns the nodes of the pyramid that is built from parts of at most `most` points.
fn in_parts(points: &[Point], most: usize, deep: bool) -> Vec<Copied> {
    let signed = points.iter().any(|p| p.weight < 0.0);
    let mut all = Vec::new();
    let mut visit = |node: PartNode<'_>| {
        all.push(copied(node));
        Ok::<(), ()>(())
    };
    let mut pyramid = PyramidOfParts::new(signed);
    for (quad, range) in cut(points, Quad::WORLD, 0..points.len(), most) {
        let points = &points[range];
        let part = if deep && quad.depth == DEEPEST {
            let mut part = DeepPart::new(quad, signed);
            points.chunks(3001).for_each(|batch| part.push(batch));
            part.finish()
        } else {
            Part::new(quad, points, signed)
        };
        pyramid.push(part, &mut visit).unwrap();
    }
    assert_eq!(pyramid.points(), points.len() as u64);
    pyramid.finish(&mut visit).unwrap();
    all
}

fn points() -> impl Strategy<Value = Vec<Point>> {
    let clustered = (0u32..4, 0u32..90, 0u32..90, -3i8..9).prop_map(|(c, x, y, w)| Point {
        x: c * 900_000_000 + x * x * 7,
        y: c * 700_000_000 + y,
        weight: f32::from(w) * 0.37,
    });
    let some = (prop::collection::vec(clustered, 0..6000), any::<bool>());
    some.prop_map(|(mut v, signed)| {
        if !signed {
            v.iter_mut().for_each(|p| p.weight = p.weight.abs());
        }
        v.sort_by(zorder::compare);
        v
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn parts_make_the_pyramid_of_memory(points in points(), most in 1usize..2000) {
        let whole = in_memory(&points);
        prop_assert_eq!(&in_parts(&points, 300, false), &whole);
        prop_assert_eq!(&in_parts(&points, most, true), &whole);
    }
}

#[test]
fn crowds_in_one_place_are_not_stored() {
    for signed in [false, true] {
        let weight = |i: u32| (i % 11) as f32 - if signed { 4.5 } else { 0.0 };
        let at = |i: u32| Point {
            x: (1 << 31) + i * i % 67,
            y: (1 << 30) + i % 61,
            weight: weight(i),
        };
        let mut points: Vec<Point> = (0..50_000).map(at).collect();
        points.extend((0..30_000).map(|i| Point {
            weight: weight(i),
            ..at(7)
        }));
        points.sort_by(zorder::compare);
        let nodes = in_parts(&points, 1000, true);
        assert_eq!(nodes, in_memory(&points));
        assert!(nodes.iter().any(|node| node.0.depth == DEEPEST));
    }
}

#[test]
fn quads_know_their_keys_and_their_quads() {
    let point = Point {
        x: 0xdead_beef,
        y: 0x1234_5678,
        weight: 1.0,
    };
    let mut quad = Quad::WORLD;
    for depth in 0..=32 {
        assert_eq!(quad.depth, depth);
        let (first, last) = quad.keys();
        assert!((first..=last).contains(&point.z_key()));
        assert!(Quad::WORLD.contains(quad) && quad.contains(quad));
        if depth < 32 {
            let inner = quad.child(quad.quarter_of(&point));
            assert!(quad.contains(inner) && !inner.contains(quad));
            assert_eq!(
                (inner.ancestor(depth), inner.quarter()),
                (quad, quad.quarter_of(&point))
            );
            let beside = quad.child(3 - inner.quarter());
            assert!(!beside.contains(inner));
            quad = inner;
        }
    }
    assert_eq!(quad.keys(), (point.z_key(), point.z_key()));
}
