//! Samples of a layer's tiles, by which backends are measured: dense ones and sparse ones.

use heatsplat::{Points, TileId};

/// Two kinds of tiles of zoom `z`. Each is a name, like `4 dense`, with its tiles, at most `most`:
///
/// * *dense*: an eighth of the tiles with points, those with the most weight, but at least one;
/// * *sparse*: every n-th of the other tiles with points, in the order of their weight.
///
/// A kind without tiles is left out.
pub(super) fn of_zoom(points: &Points, z: u8, most: usize) -> Vec<(String, Vec<TileId>)> {
    let mut occupied = points.occupied_tiles(z);
    occupied.sort_by(|a, b| b.mass.total_cmp(&a.mass));
    let dense = (occupied.len() / 8).clamp(1, most).min(occupied.len());
    let (dense, sparse) = occupied.split_at(dense);
    let step = sparse.len().div_ceil(most).max(1);
    let kinds = [
        (format!("{z} dense"), dense.iter().map(|t| t.tile).collect()),
        (
            format!("{z} sparse"),
            sparse.iter().step_by(step).map(|t| t.tile).collect(),
        ),
    ];
    kinds
        .into_iter()
        .filter(|(_, tiles): &(_, Vec<_>)| !tiles.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_tiles_have_more_weight_than_sparse_ones() {
        let points =
            (0..64).flat_map(|i| (0..=i).map(move |_| (f64::from(i) * 5.0 - 160.0, 1.0, 1.0)));
        let points = Points::from_lon_lat(points).unwrap();
        let kinds = of_zoom(&points, 7, 4);
        let names: Vec<_> = kinds.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["7 dense", "7 sparse"]);
        let [dense, sparse] = [0, 1].map(|kind| &kinds[kind].1);
        assert!((1..=4).contains(&dense.len()) && (1..=4).contains(&sparse.len()));
        let weight = |tile: &TileId| points.tile_range(*tile).unwrap().len();
        let least = dense.iter().map(weight).min();
        assert!(least > sparse.iter().map(weight).max(), "{kinds:?}");
    }
}
