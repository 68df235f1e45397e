//! Heat maps whose programs can't be installed as packages. They are drawn here by their published
//! formulas, and compared with what heatsplat draws after importing their configurations.

use super::{Pixels, SIDE, compare, points};
use heatsplat_import as import;

/// A square of numbers, row by row. The margin around the picture gives room to blurs.
struct Grid {
    side: usize,
    margin: usize,
    values: Vec<f64>,
}

impl Grid {
    /// Makes a grid. For each point, `put` changes the value of the point's pixel; it gets the
    /// point's weight.
    fn of(margin: usize, mut put: impl FnMut(&mut f64, f64)) -> Self {
        let side = SIDE as usize + 2 * margin;
        let mut values = vec![0.0; side * side];
        for (x, y, weight) in points() {
            let place = (y as usize + margin) * side + x as usize + margin;
            put(&mut values[place], f64::from(weight));
        }
        Self {
            side,
            margin,
            values,
        }
    }

    /// Blurs each row, and then each column. `half` has the weights of the filter, from its middle
    /// to one end.
    fn blur(&mut self, half: &[f64]) {
        for _ in 0..2 {
            let mut turned = vec![0.0; self.values.len()];
            for (y, row) in self.values.chunks(self.side).enumerate() {
                for (x, value) in row.iter().enumerate().filter(|(_, v)| **v != 0.0) {
                    let reach = half.len() - 1;
                    for to in x.saturating_sub(reach)..=(x + reach).min(self.side - 1) {
                        turned[to * self.side + y] += value * half[to.abs_diff(x)];
                    }
                }
            }
            self.values = turned;
        }
    }

    /// The colours of the grid. The greatest value of the grid is the end of the ramp, 1.
    fn picture(&self, color: impl Fn(f64) -> [f64; 4]) -> Pixels {
        let most = self.values.iter().fold(0.0f64, |most, v| most.max(*v));
        let inside = self.margin..self.margin + SIDE as usize;
        let place = |y: usize| inside.clone().map(move |x| y * self.side + x);
        inside
            .clone()
            .flat_map(place)
            .map(|place| color(self.values[place] / most).map(|c| c.round() as u8))
            .collect()
    }
}

/// Interpolates linearly between the stops.
fn along<const N: usize>(stops: &[(f64, [f64; N])], at: f64) -> [f64; N] {
    let after = stops
        .iter()
        .position(|(p, _)| *p >= at)
        .unwrap_or(stops.len() - 1);
    let ((p, a), (q, b)) = (stops[after.max(1) - 1], stops[after.max(1)]);
    let share = ((at - p) / (q - p)).clamp(0.0, 1.0);
    std::array::from_fn(|c| a[c] + (b[c] - a[c]) * share)
}

/// GeoServer: four box blurs, whose radii add up to `radiusPixels`, divided by the greatest value
/// (class HeatmapSurface).
#[test]
fn geoservers_find_their_pictures_again() {
    const RADIUS: usize = 42;
    let mut grid = Grid::of(RADIUS, |value, weight| *value += weight);
    for pass in 0..4 {
        let reach = RADIUS / 4 + usize::from(pass < RADIUS % 4);
        grid.blur(&vec![1.0 / (2 * reach + 1) as f64; reach + 1]);
    }
    let stops = [
        (0.0, [255.0, 255.0, 255.0, 0.0]),
        (0.1, [68.0, 68.0, 255.0, 255.0]),
        (0.5, [255.0, 0.0, 0.0, 255.0]),
        (1.0, [255.0, 255.0, 0.0, 255.0]),
    ];
    let theirs = grid.picture(|value| along(&stops, value));
    let sld = format!(
        r##"<StyledLayerDescriptor xmlns:ogc="http://www.opengis.net/ogc"><Transformation>
        <ogc:Function name="vec:Heatmap"><ogc:Function name="parameter"><ogc:Literal>radiusPixels</ogc:Literal>
        <ogc:Literal>{RADIUS}</ogc:Literal></ogc:Function></ogc:Function></Transformation><RasterSymbolizer>
        <ColorMap type="ramp"><ColorMapEntry color="#FFFFFF" quantity="0" opacity="0"/>
        <ColorMapEntry color="#4444FF" quantity=".1"/><ColorMapEntry color="#FF0000" quantity=".5"/>
        <ColorMapEntry color="#FFFF00" quantity="1.0"/></ColorMap></RasterSymbolizer></StyledLayerDescriptor>"##
    );
    compare("geoserver", &theirs, &import::style(&sld).unwrap());
}

/// mapnik-rasterizers: pixels with a point are 1, then they are blurred by a gaussian of σ = 20/3
/// pixels. The greatest value is the end of the ramp (density_mask).
#[test]
fn mapnik_rasterizers_find_their_pictures_again() {
    let mut grid = Grid::of(20, |value, _| *value = 1.0);
    let sigma = 20.0 / 3.0f64;
    let half: Vec<f64> = (0..=20)
        .map(|x| (-f64::from(x * x) / (2.0 * sigma * sigma)).exp())
        .collect();
    grid.blur(&half);
    let colors = [
        (0.0, [0.0, 0.0, 128.0]),
        (0.45, [0.0, 0.0, 255.0]),
        (0.55, [0.0, 255.0, 255.0]),
        (0.65, [0.0, 255.0, 0.0]),
        (0.95, [139.0, 139.0, 0.0]),
        (1.0, [255.0, 0.0, 0.0]),
    ];
    let alphas = [(0.0, [0.0]), (0.1, [150.0]), (1.0, [255.0])];
    let theirs = grid.picture(|value| {
        let ([r, g, b], [a]) = (along(&colors, value), along(&alphas, value));
        [r, g, b, a]
    });
    let mut imported = import::style("type=heatmap src_type=csv src_file=points.csv").unwrap();
    imported.style.set("overlap", "set").unwrap();
    compare("mapnik-rasterizers", &theirs, &imported);
}
