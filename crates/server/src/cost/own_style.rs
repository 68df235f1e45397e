//! A check of the time that tiles take in a layer's own style. It is made once, before the layer is
//! served.

use super::data_profile::densest;
use super::{DataProfile, ResolvedStyle};
use heatsplat_points::{TileId, Window};
use heatsplat_render::Layer;
use std::time::Duration;

/// The deepest zoom for whose tiles the drawing time is estimated. Tiles of deeper zooms show fewer
/// points. A choice.
const DEEPEST: u8 = 14;

/// The factor by which a tile's estimated time may exceed the longest time that drawing may take.
/// Nearly all estimates are between a third of the real time and three times the real time, so a
/// tile beyond this factor would not be drawn to the end.
const TOLERANCE: u32 = 3;

/// The error for a layer's own style in which tiles take too long to be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} would take about {seconds} s of a processor for tile {tile}, and drawing may take {} s: \
     give {cheaper}, or more time",
    limit.as_secs_f64()
)]
pub struct OwnStyleError {
    /// The style's parameters that cost the most time, with their values, like `overlap=cover with
    /// radius=128px`.
    what: String,
    cheaper: &'static str,
    /// The estimated time in seconds that one core needs to draw the tile, rounded down, at most
    /// 999,999.
    seconds: u64,
    /// The address of the tile, `zoom/column/row`, like `3/4/2`; row 0 is the northernmost.
    tile: String,
    limit: Duration,
}

/// Checks that tiles of a layer in its own style can be drawn within `deadline`, the longest time
/// that drawing may take. For each zoom from 0 to 14 the time of the densest tile is estimated;
/// none is drawn.
///
/// # Errors
/// An error if a tile is estimated to take over three times as long as `deadline`.
pub fn check_own_style(layer: &Layer, deadline: Duration) -> Result<(), OwnStyleError> {
    let data = DataProfile::Points(layer.data());
    let own = layer.style();
    let limit = deadline * TOLERANCE;
    let time = |tile: TileId| data.picture(own, &Window::tile(tile, 256), 1) / 1e9;
    let dense = (0..=DEEPEST).filter_map(|z| Some(densest(layer.points(), z).first()?.1));
    let dearest = dense
        .map(|tile| (time(tile), tile))
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    let Some((seconds, tile)) = dearest.filter(|(time, _)| *time > limit.as_secs_f64()) else {
        return Ok(());
    };
    let (what, cheaper) = ResolvedStyle::new(own.clone(), false).costly();
    Err(OwnStyleError {
        what,
        cheaper,
        seconds: seconds.min(999_999.0) as u64,
        tile: format!("{}/{}/{}", tile.z(), tile.x(), tile.y()),
        limit: deadline,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::Points;
    use heatsplat_render::Style;
    use std::sync::Arc;

    #[test]
    fn a_style_that_no_tile_could_be_drawn_in_is_refused_with_its_parameter() {
        let point = |i: u32| {
            let [x, y] = [0.819_172_5, 0.671_043_6].map(|a| f64::from(i) * a % 1.0);
            (x * 360.0 - 180.0, y * 140.0 - 70.0, 1.0 + (i % 200) as f32)
        };
        let points = Arc::new(Points::from_lon_lat((0..300_000).map(point)).unwrap());
        let check = |parameters: &[(&str, &str)], seconds| {
            let mut style = Style::default();
            style
                .set_all(parameters.iter().map(|(name, value)| (*name, *value)))
                .unwrap();
            let layer = Layer::on_cpu("a", Arc::clone(&points), style);
            check_own_style(&layer, Duration::from_secs(seconds))
        };
        for parameters in [
            &[][..],
            &[("radius", "128px"), ("kernel", "uniform")],
            &[("overlap", "cover"), ("radius", "16px")],
            &[("precision", "exact")],
        ] {
            assert_eq!(check(parameters, 10), Ok(()), "{parameters:?}");
        }
        let dear = [("overlap", "cover"), ("radius", "128px")];
        let error = check(&dear, 1).unwrap_err().to_string();
        assert!(
            error.contains("overlap=cover") && error.contains("radius=128px"),
            "{error}"
        );
        assert!(
            error.contains("a smaller radius") && error.contains("may take 1 s"),
            "{error}"
        );
        assert_eq!(check(&dear, 100_000), Ok(()));
    }
}
