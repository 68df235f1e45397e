//! Land, coastline and borders of countries on a static map.

use super::ground::{Ground, over};
use heatsplat::loader::ProjectedSquare;
use heatsplat::points::mercator::{self, WORLD};
use heatsplat::points::projected::Projection;
use heatsplat::render::View;
use serde_json::Value;
use tiny_skia::{Color, FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

/// The width of the coastline in CSS pixels. A choice, as are the width of borders and all
/// opacities.
const COAST_WIDTH: f32 = 0.9;
/// The width of borders of countries in CSS pixels.
const BORDER_WIDTH: f32 = 0.6;
/// The opacity of land, from 0 to 1.
const LAND_OPACITY: f32 = 0.07;
/// The opacity of the coastline, from 0 to 1.
const COAST_OPACITY: f32 = 0.45;
/// The opacity of borders of countries, from 0 to 1.
const BORDER_OPACITY: f32 = 0.25;

/// The number of rows above and below the wanted rows of a picture that are drawn with them and
/// then dropped. A line is cut and a little fainter at the edge of what is drawn, so this edge must
/// lie outside of the wanted rows.
const MARGIN: u32 = 8;

/// The factor by which opacities are higher on a transparent ground, where grey lines have to be
/// visible on pages of any colour. A choice.
const ON_ANY_PAGE: f32 = 2.0;

/// Land, coastline and borders of countries on one map, as paths in pixels from the map's top left
/// corner.
pub(super) struct Coastline {
    land: Option<Path>,
    coast: Option<Path>,
    borders: Option<Path>,
    view: View,
    ground: Ground,
}

impl Coastline {
    /// Projects land and borders to a map. `geojson` is a document like the one that
    /// [`land_geojson`](heatsplat_server::land_geojson) returns. With a `square`, the view is one
    /// of a projection's square, otherwise of Web Mercator.
    pub(super) fn new(
        geojson: &[u8],
        view: View,
        square: Option<&ProjectedSquare>,
        ground: Ground,
    ) -> Self {
        let collection: Value = serde_json::from_slice(geojson).unwrap_or_default();
        let features = collection["features"].as_array();
        let of_kind = |kind| {
            let mut features = features.into_iter().flatten();
            features
                .find(|feature| feature["properties"]["kind"] == kind)
                .map(|feature| &feature["geometry"]["coordinates"])
        };
        let land = of_kind("land").and_then(Value::as_array);
        let rings = land.into_iter().flatten().filter_map(Value::as_array);
        let rings: Vec<Line> = rings.flatten().map(line).collect();
        let coast: Vec<Line> = rings.iter().flat_map(without_cuts).collect();
        let borders = of_kind("border").and_then(Value::as_array);
        let borders: Vec<Line> = borders.into_iter().flatten().map(line).collect();
        let [rings, coast, borders] = match square {
            None => [rings, coast, borders],
            Some(square) => [
                rings
                    .iter()
                    .filter_map(|ring| projected_ring(ring, square))
                    .collect(),
                coast
                    .iter()
                    .flat_map(|line| projected(line, square))
                    .collect(),
                borders
                    .iter()
                    .flat_map(|line| projected(line, square))
                    .collect(),
            ],
        };
        Self {
            land: path(&rings, view, true),
            coast: path(&coast, view, false),
            borders: path(&borders, view, false),
            view,
            ground,
        }
    }

    /// Draws the land over `pixels`, which show the background of the map. They are whole rows of
    /// the map, from row `first` on (0 is the top one), as RGBA that isn't multiplied by alpha.
    pub(super) fn fill(&self, pixels: &mut [[u8; 4]], first: u32) {
        self.draw(pixels, first, |sheet, paint, place| {
            if let Some(land) = &self.land {
                self.ink(paint, LAND_OPACITY);
                sheet.fill_path(land, paint, FillRule::EvenOdd, place, None);
            }
        });
    }

    /// Draws coastline and borders over `pixels`, which show the background, the land and the heat.
    /// They are whole rows of the map, from row `first` on (0 is the top one), as RGBA that isn't
    /// multiplied by alpha.
    pub(super) fn outline(&self, pixels: &mut [[u8; 4]], first: u32) {
        self.draw(pixels, first, |sheet, paint, place| {
            for (path, width, opacity) in [
                (&self.borders, BORDER_WIDTH, BORDER_OPACITY),
                (&self.coast, COAST_WIDTH, COAST_OPACITY),
            ] {
                let Some(path) = path else { continue };
                self.ink(paint, opacity);
                let stroke = Stroke {
                    width: width * self.view.ratio() as f32,
                    line_join: LineJoin::Round,
                    ..Stroke::default()
                };
                sheet.stroke_path(path, paint, &stroke, place, None);
            }
        });
    }

    /// Calls `draw` to draw on a transparent picture, and lays that picture over `pixels`. These
    /// are whole rows of the map, from row `first` on (0 is the top one). Columns in which the view
    /// shows no map stay as they are.
    fn draw(
        &self,
        pixels: &mut [[u8; 4]],
        first: u32,
        draw: impl FnOnce(&mut Pixmap, &mut Paint<'_>, Transform),
    ) {
        let width = self.view.window().width();
        let count = u32::try_from(pixels.len()).unwrap_or(0) / width.max(1);
        let above = MARGIN.min(first);
        let Some(mut sheet) = Pixmap::new(width, above + count + MARGIN) else {
            return;
        };
        let mut paint = Paint {
            anti_alias: true,
            ..Paint::default()
        };
        let place = Transform::from_translate(0.0, -((first - above) as f32));
        draw(&mut sheet, &mut paint, place);
        let columns = self.view.columns();
        let rows = pixels.chunks_exact_mut(width as usize);
        let drawn = sheet.pixels().chunks_exact(width as usize);
        for (row, drawn) in rows.zip(drawn.skip(above as usize)) {
            let shown = row.iter_mut().zip(drawn).enumerate();
            for (column, (pixel, ink)) in shown {
                if ink.alpha() > 0 && columns.contains(&(column as u32)) {
                    let ink = ink.demultiply();
                    *pixel = over([ink.red(), ink.green(), ink.blue(), ink.alpha()], *pixel);
                }
            }
        }
    }

    /// Sets the colour of `paint` for land or lines: white over a dark background of the map, black
    /// over a light one, grey over a transparent one. `opacity` is from 0 to 1; over a transparent
    /// background it is multiplied by [`ON_ANY_PAGE`], up to 1.
    fn ink(&self, paint: &mut Paint<'_>, opacity: f32) {
        let (shade, opacity) = match self.ground {
            Ground::Dark => (1.0, opacity),
            Ground::Light => (0.0, opacity),
            Ground::None => (0.5, (opacity * ON_ANY_PAGE).min(1.0)),
        };
        paint.set_color(Color::from_rgba(shade, shade, shade, opacity).unwrap_or(Color::BLACK));
    }
}

/// A line through positions: x and y, in world units or in pixels of a map.
type Line = Vec<[f64; 2]>;

/// Projects an array of GeoJSON positions to a line in world units. Elements that are no positions
/// are left out.
fn line(positions: &Value) -> Line {
    let position = |position: &Value| {
        let [lon, lat, ..] = position.as_array()?.as_slice() else {
            return None;
        };
        let (lon, lat) = (lon.as_f64()?, lat.as_f64()?);
        Some([mercator::unwrapped_x(lon), mercator::clamped_y(lat)])
    };
    positions
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(position)
        .collect()
}

/// The parts of a line, from world units of Web Mercator to those of another projection's square: a
/// line is cut at positions for which the projection has no place.
fn projected(line: &Line, square: &ProjectedSquare) -> Vec<Line> {
    let place = |&[x, y]: &[f64; 2]| square.place(mercator::longitude(x), mercator::latitude(y));
    let mut parts = vec![Line::new()];
    for place in line.iter().map(place) {
        match (place, parts.last_mut()) {
            (Some(at), Some(part)) => part.push(at),
            _ => parts.push(Line::new()),
        }
    }
    parts
}

/// A ring of land in world units of another projection's square. `None` if the projection turns it
/// inside out, as one from the north pole does with the Antarctic: then the middle of the square
/// would lie in the ring on one of the two maps only.
fn projected_ring(ring: &Line, square: &ProjectedSquare) -> Option<Line> {
    // Positions at a pole only join the cuts at ±180°; most projections have one place for them.
    let off_poles = |[_, y]: &[f64; 2]| (1.0..WORLD - 1.0).contains(y);
    let ring: Line = ring.iter().copied().filter(off_poles).collect();
    let placed = projected(&ring, square).concat();
    let middle = [WORLD / 2.0; 2];
    let [east, north] = square.position(middle);
    let [lon, lat] = square.crs().unproject(east, north)?;
    let there = [mercator::unwrapped_x(lon), mercator::clamped_y(lat)];
    (encloses(&ring, there) == encloses(&placed, middle)).then_some(placed)
}

/// Returns true if a place lies in a ring: if a ray from the place to the east crosses the ring an
/// odd number of times.
fn encloses(ring: &Line, [x, y]: [f64; 2]) -> bool {
    let before = ring.iter().cycle().skip(ring.len().saturating_sub(1));
    let crosses = |(from, to): &(&[f64; 2], &[f64; 2])| {
        let ([x0, y0], [x1, y1]) = (**from, **to);
        (y0 > y) != (y1 > y) && x < x0 + (y - y0) / (y1 - y0) * (x1 - x0)
    };
    before.zip(ring).filter(crosses).count() % 2 == 1
}

/// The coast of a ring of land: the lines that are left if the edges at ±180° and at the south pole
/// are removed, along which the data cut the world.
fn without_cuts(ring: &Line) -> Vec<Line> {
    let is_edge = |at: f64| !(1.0..WORLD - 1.0).contains(&at);
    let is_cut =
        |&[[x0, y0], [x1, y1]]: &[[f64; 2]; 2]| x0 == x1 && is_edge(x0) || y0 == y1 && is_edge(y0);
    let mut lines = Vec::new();
    let mut line = Line::new();
    for pair in ring.windows(2) {
        let &[from, to] = pair else { continue };
        if is_cut(&[from, to]) {
            lines.push(std::mem::take(&mut line));
            continue;
        }
        if line.is_empty() {
            line.push(from);
        }
        line.push(to);
    }
    lines.push(line);
    lines
}

/// Makes one path of lines in world units. The path is in pixels of the map, and has each line once
/// for each copy of the world that the map shows. Parts outside the map are cut off. If `are_rings`
/// is true, each line is closed, so that it can be filled. `None` if nothing is left.
fn path(lines: &[Line], view: View, are_rings: bool) -> Option<Path> {
    let window = view.window();
    let (left, pixel) = (window.left(), window.pixel());
    let size = [window.width(), window.height()].map(f64::from);
    let copies = (left / WORLD).floor() as i64..=(window.right() / WORLD).floor() as i64;
    let mut builder = PathBuilder::new();
    for (line, copy) in lines
        .iter()
        .flat_map(|l| copies.clone().map(move |c| (l, c)))
    {
        let shift = copy as f64 * WORLD - left;
        let on_map = |&[x, y]: &[f64; 2]| [(x + shift) / pixel, (y - window.top()) / pixel];
        let points: Line = line.iter().map(on_map).collect();
        let parts = if are_rings {
            vec![clip(&points, size, true)]
        } else {
            let stretches = points.windows(2).map(|pair| clip(pair, size, false));
            joined(stretches)
        };
        for part in &parts {
            let [[x, y], rest @ ..] = part.as_slice() else {
                continue;
            };
            builder.move_to(*x as f32, *y as f32);
            rest.iter()
                .for_each(|[x, y]| builder.line_to(*x as f32, *y as f32));
            if are_rings {
                builder.close();
            }
        }
    }
    builder.finish()
}

/// The distance in pixels beyond the edges of a map up to which lines are drawn. It is more than
/// half the width of any line. A choice.
const AROUND: f64 = 64.0;

/// The part of a ring, or of a straight stretch of a line, that lies on a map or at most [`AROUND`]
/// pixels beside it, by the algorithm of Sutherland and Hodgman. `points` are in pixels of the map,
/// which has the width and height `size`. Coordinates far from the map would be too large for the
/// rasterizer.
fn clip(points: &[[f64; 2]], size: [f64; 2], is_ring: bool) -> Line {
    // For each side of the map: the axis, and the side's direction along it.
    let sides = [(0, 1.0), (0, -1.0), (1, 1.0), (1, -1.0)];
    let mut kept: Line = points.to_vec();
    for (axis, direction) in sides {
        let along = |[x, y]: [f64; 2]| if axis == 0 { x } else { y };
        let edge = if direction > 0.0 { 0.0 } else { along(size) };
        // The distance of a point from the side, positive inside.
        let depth = |at| direction * (along(at) - edge) + AROUND;
        let all = std::mem::take(&mut kept);
        let mut before = all.last().copied().filter(|_| is_ring);
        for at in all {
            if let Some(from) = before
                && (depth(from) < 0.0) != (depth(at) < 0.0)
            {
                let share = depth(from) / (depth(from) - depth(at));
                let ([x0, y0], [x1, y1]) = (from, at);
                kept.push([x0 + share * (x1 - x0), y0 + share * (y1 - y0)]);
            }
            if depth(at) >= 0.0 {
                kept.push(at);
            }
            before = Some(at);
        }
    }
    kept
}

/// Joins stretches, each of two points, to lines. A stretch that begins where the stretch before it
/// ended continues the line; any other stretch begins a new line. Empty stretches are left out.
fn joined(stretches: impl Iterator<Item = Line>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for stretch in stretches {
        let [from, to] = stretch.as_slice() else {
            continue;
        };
        match lines.last_mut() {
            Some(line) if line.last() == Some(from) => line.push(*to),
            _ => lines.push(stretch),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat::points::LonLatBox;

    /// At any zoom the middle of France is drawn as land, in one plain colour.
    #[test]
    fn land_is_land_at_every_scale() {
        let land = heatsplat_server::land_geojson();
        for degrees in [4.0, 1.0, 1e-2, 2e-4, 2e-5, 1e-6] {
            let bounds = LonLatBox::new(2.5, 47.0, 2.5 + degrees, 47.0 + degrees).unwrap();
            for size in [40, 300] {
                let view = View::around(bounds, size, size, 1).unwrap();
                let coastline = Coastline::new(&land, view, None, Ground::Light);
                let mut pixels = vec![[255; 4]; (size * size) as usize];
                coastline.fill(&mut pixels, 0);
                coastline.outline(&mut pixels, 0);
                // The south-western corner is in France.
                let [.., corner] = pixels.chunks(size as usize).collect::<Vec<_>>()[..] else {
                    panic!()
                };
                assert_eq!(corner[0], [237, 237, 237, 255], "{degrees} {size}");
                if degrees <= 0.01 {
                    assert!(pixels.iter().all(|p| *p == corner[0]), "{degrees} {size}");
                }
            }
        }
    }

    #[test]
    fn lines_are_cut_around_the_map_and_go_on_inside() {
        let size = [100.0, 50.0];
        let line = [
            [-1e9, 20.0],
            [50.0, 20.0],
            [50.0, 1e9],
            [1e9, 1e9],
            [60.0, 10.0],
        ];
        let lines = joined(line.windows(2).map(|pair| clip(pair, size, false)));
        let first = vec![[-AROUND, 20.0], [50.0, 20.0], [50.0, 50.0 + AROUND]];
        let rounded: Line = lines[0].iter().map(|at| at.map(f64::round)).collect();
        assert_eq!(rounded, first);
        assert!(lines.len() == 2 && lines[1][1] == [60.0, 10.0]);
        let around = [[-1e9, -1e9], [1e9, -1e9], [1e9, 1e9], [-1e9, 1e9]];
        let ring = clip(&around, size, true);
        let inside =
            |&[x, y]: &[f64; 2]| (-65.0..165.0).contains(&x) && (-65.0..115.0).contains(&y);
        assert!(ring.len() == 4 && ring.iter().all(inside), "{ring:?}");
    }
}
