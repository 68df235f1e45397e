//! Search boxes: boxes in a layer's coordinates that contain all rows of a picture. The database
//! finds the rows in them by a spatial index.
//!
//! The boxes may be larger than the picture, since each row is drawn at its longitude and latitude,
//! but they must contain the whole picture. One query has all the boxes, so that no row is sent
//! twice.

use super::coordinates::{CoordinateUnit, Sides};
use super::viewport::Viewport;
use crate::error::DatabaseError;
use crate::wkb::{self, WkbShape};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// The condition by which a query selects the rows of a picture. There are two lists of boxes; a
/// row must lie in a box of each list. An empty list is no condition, so if both are empty, all
/// rows are selected.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Area {
    /// Boxes in the stored coordinates. A row must lie in at least one of them.
    pub(crate) stored: Vec<Sides>,
    /// Boxes in degrees. A row must lie in at least one of them after its transformation to
    /// degrees. The list has boxes only where the boxes in `stored` are much larger than the
    /// picture.
    pub(crate) degrees: Vec<Sides>,
}

impl Area {
    /// The area that matches all rows.
    pub(crate) const EVERYTHING: Self = Self {
        stored: Vec::new(),
        degrees: Vec::new(),
    };

    /// The search boxes of a picture, for a layer that is stored in degrees or Web-Mercator metres,
    /// which `unit` states. `views` are the parts of the picture: two if it crosses ±180°,
    /// otherwise one.
    pub(crate) fn own(unit: CoordinateUnit, views: &[Viewport]) -> Self {
        Self {
            stored: Viewport::written(views, unit),
            degrees: Vec::new(),
        }
    }

    /// Adds the picture's boxes in degrees and in metres to the boxes in `stored`, unless this area
    /// selects all rows anyway. It is for layers in which each geometry may state another reference
    /// system.
    pub(crate) fn or_in_any_unit(mut self, views: &[Viewport]) -> Self {
        if !self.stored.is_empty() {
            for sides in [CoordinateUnit::Degrees, CoordinateUnit::Metres]
                .iter()
                .flat_map(|unit| Viewport::written(views, *unit))
            {
                if !self.stored.contains(&sides) {
                    self.stored.push(sides);
                }
            }
        }
        self
    }
}

/// A reference system that the database has to transform to degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ForeignCrs {
    pub(crate) srid: u32,
    /// True if coordinates in the reference system are angles. An angle may be stored 360° higher
    /// or lower than expected, so rows are searched for there too.
    pub(crate) angles: bool,
}

/// The result of transforming a picture's box from degrees to another reference system.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TransformedBox {
    /// A box that contains the picture and isn't much larger.
    Within(Sides),
    /// A box that contains the picture and is much larger, because an edge of the projection cuts
    /// the picture or because the projection stretches it without bounds.
    Amid(Sides),
    /// No box, since the database can't transform the picture's box.
    Unknown,
}

/// A box that is larger than the range of coordinates in any reference system in use.
const ANYWHERE: Sides = [-1e10, -1e10, 1e10, 1e10];

impl TransformedBox {
    /// The box to search in: the transformed box or, if the transformation failed, [`ANYWHERE`].
    pub(crate) fn sides(self) -> Sides {
        match self {
            Self::Within(sides) | Self::Amid(sides) => sides,
            Self::Unknown => ANYWHERE,
        }
    }

    /// Returns true if the box is so much larger than the picture that rows have to be checked in
    /// degrees too.
    pub(crate) fn is_rough(self) -> bool {
        !matches!(self, Self::Within(_))
    }
}

/// The largest number of boxes in [`TransformedBoxes`], a cache that is emptied when it is full. It
/// pays since viewers request the same tiles again and again. A choice.
const KEPT: usize = 4096;

/// A cache of boxes in a layer's reference system, by the boxes in degrees from which the database
/// transformed them.
#[derive(Debug, Default)]
pub(crate) struct TransformedBoxes {
    known: Mutex<HashMap<[u64; 4], TransformedBox>>,
}

impl TransformedBoxes {
    /// Returns the box `degrees`, transformed to the reference system `srid`, from the cache if it
    /// is there. `client` must not be in a transaction, since a failed transformation would abort
    /// the transaction.
    pub(crate) async fn get(
        &self,
        client: &Client,
        srid: u32,
        degrees: Sides,
    ) -> Result<TransformedBox, DatabaseError> {
        let key = degrees.map(f64::to_bits);
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reach) = lock().get(&key) {
            return Ok(*reach);
        }
        let reach = transformed(client, srid, degrees).await?;
        let mut known = lock();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, reach);
        Ok(reach)
    }

    /// The boxes in which a query searches for the rows of a picture, for a layer in a reference
    /// system that the database has to transform. `views` are the parts of the picture: two if it
    /// crosses ±180°, otherwise one.
    pub(crate) async fn area(
        &self,
        client: &Client,
        foreign: ForeignCrs,
        views: &[Viewport],
    ) -> Result<Area, DatabaseError> {
        let mut area = Area::EVERYTHING;
        let mut rough = false;
        let mut anywhere = false;
        for view in views {
            let reach = self.get(client, foreign.srid, view.degrees()).await?;
            rough |= reach.is_rough();
            anywhere |= reach == TransformedBox::Unknown;
            let turns: &[f64] = if foreign.angles {
                &[-360.0, 0.0, 360.0]
            } else {
                &[0.0]
            };
            let [west, south, east, north] = reach.sides();
            let turned = turns.iter().map(|t| [west + t, south, east + t, north]);
            area.stored.extend(turned);
        }
        if anywhere {
            area.stored.clear();
        }
        if rough {
            area.degrees = Viewport::written(views, CoordinateUnit::Degrees);
        }
        Ok(area)
    }
}

/// The number of positions along each side of a grid over a box. The positions are transformed to
/// find the transformed box. A choice.
const GRID: usize = 9;

/// A tolerance in degrees, about ten metres, by which transformed boxes are enlarged. Two
/// implementations of a transformation may differ by this much. A choice.
const SLACK: f64 = 1e-4;

/// Transforms a grid of positions in the box `degrees`, by the database, to the reference system
/// `srid`, and returns a box that contains the results.
async fn transformed(
    client: &Client,
    srid: u32,
    degrees: Sides,
) -> Result<TransformedBox, DatabaseError> {
    let (places, srid) = (multi_point(degrees), srid as i32);
    let sql = "SELECT ST_AsBinary(ST_Transform(ST_GeomFromWKB($1, 4326), $2))";
    let row = client
        .query_typed_one(sql, &[(&places, Type::BYTEA), (&srid, Type::INT4)])
        .await
        .map_err(DatabaseError::from);
    let row = match row {
        // The database returns an error if a position is outside of the projection's domain.
        Err(DatabaseError::Refused { .. }) => return Ok(TransformedBox::Unknown),
        other => other?,
    };
    let bytes: Option<Vec<u8>> = row.try_get(0)?;
    Ok(bytes.map_or(TransformedBox::Unknown, |bytes| reach(&bytes, degrees)))
}

/// The positions of a grid in a box, as a MultiPoint in well-known binary, row by row from the
/// south.
fn multi_point([west, south, east, north]: Sides) -> Vec<u8> {
    let between = |low: f64, high: f64, i: usize| low + (high - low) * i as f64 / (GRID - 1) as f64;
    let mut bytes = vec![1, 4, 0, 0, 0];
    bytes.extend(((GRID * GRID) as u32).to_le_bytes());
    for i in 0..GRID * GRID {
        bytes.extend([1, 1, 0, 0, 0]);
        bytes.extend(between(west, east, i % GRID).to_le_bytes());
        bytes.extend(between(south, north, i / GRID).to_le_bytes());
    }
    bytes
}

fn reach(transformed: &[u8], [west, south, east, north]: Sides) -> TransformedBox {
    let geometry = wkb::parse(transformed);
    let Some(WkbShape::Points(places)) = geometry.map(|geometry| geometry.shape) else {
        return TransformedBox::Unknown;
    };
    let (x, y): (Vec<f64>, Vec<f64>) = places.flatten().unzip();
    let (Some(x), Some(y)) = (GridSpread::new(&x), GridSpread::new(&y)) else {
        return TransformedBox::Unknown;
    };
    // The tolerance in degrees is converted to the unit of the transformed coordinates, by the
    // ratio of the distances of neighbours in the grid.
    let step = (east - west).abs().min((north - south).abs()) / (GRID - 1) as f64;
    let slack = x.step.max(y.step) * (SLACK / step.max(1e-12));
    let grown = |spread: &GridSpread| {
        let by = spread.bend + slack;
        (spread.low - by, spread.high + by)
    };
    let ((low_x, high_x), (low_y, high_y)) = (grown(&x), grown(&y));
    let sides = [low_x, low_y, high_x, high_y];
    if x.is_rough() || y.is_rough() {
        TransformedBox::Amid(sides)
    } else {
        TransformedBox::Within(sides)
    }
}

/// The range of one coordinate, x or y, over a grid of transformed positions, and two measures
/// (`step` and `bend`) of how smoothly it changes. By these two the range is widened, since between
/// the grid's positions the coordinate may leave it.
struct GridSpread {
    low: f64,
    high: f64,
    /// The largest change of the coordinate between neighbouring positions of the grid.
    step: f64,
    /// The largest difference between two successive changes of the coordinate along a row or a
    /// column of the grid. Between the grid's positions, a smooth coordinate deviates from a
    /// straight line by about an eighth of this number. If the coordinate jumps, this number is as
    /// large as the jump.
    bend: f64,
}

impl GridSpread {
    /// The spread of `values`, which are the x, or the y, of each position of the grid. `None` if a
    /// value isn't finite.
    fn new(values: &[f64]) -> Option<Self> {
        if values.len() != GRID * GRID || !values.iter().all(|v| v.is_finite()) {
            return None;
        }
        let mut spread = Self {
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
            step: 0.0,
            bend: 0.0,
        };
        for line in 0..GRID {
            let row = values.iter().skip(line * GRID).take(GRID);
            let column = values.iter().skip(line).step_by(GRID);
            spread.add(&row.copied().collect::<Vec<_>>());
            spread.add(&column.copied().collect::<Vec<_>>());
        }
        Some(spread)
    }

    fn add(&mut self, line: &[f64]) {
        for v in line {
            self.low = self.low.min(*v);
            self.high = self.high.max(*v);
        }
        let steps: Vec<f64> = line
            .iter()
            .zip(line.iter().skip(1))
            .map(|(a, b)| b - a)
            .collect();
        for step in &steps {
            self.step = self.step.max(step.abs());
        }
        for (a, b) in steps.iter().zip(steps.iter().skip(1)) {
            self.bend = self.bend.max((b - a).abs());
        }
    }

    /// Returns true if the coordinate bends so much between the grid's positions that the widened
    /// range lies mostly outside of the picture.
    fn is_rough(&self) -> bool {
        self.bend > (self.high - self.low) / 4.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The box `degrees` transformed by the function `map`, in place of the database.
    fn mapped(degrees: Sides, map: impl Fn(f64, f64) -> (f64, f64)) -> TransformedBox {
        let bytes = multi_point(degrees);
        let Some(WkbShape::Points(places)) = wkb::parse(&bytes).map(|g| g.shape) else {
            panic!("a MultiPoint");
        };
        let mut mapped = bytes[..9].to_vec();
        for (x, y) in places.flatten() {
            let (x, y) = map(x, y);
            mapped.extend([1, 1, 0, 0, 0]);
            mapped.extend(x.to_le_bytes());
            mapped.extend(y.to_le_bytes());
        }
        reach(&mapped, degrees)
    }

    /// A map projection for tests: stereographic, about the north pole.
    fn polar(lon: f64, lat: f64) -> (f64, f64) {
        let radius = 12e6 * ((90.0 - lat) / 2.0).to_radians().tan();
        let (sin, cos) = lon.to_radians().sin_cos();
        (radius * sin, -radius * cos)
    }

    /// A map projection for tests: it is cut at the meridian 84°, and its scale shrinks to 0 at the
    /// equator.
    fn cut(lon: f64, lat: f64) -> (f64, f64) {
        ((lon - 84.0).rem_euclid(360.0) * 1e5, lat * lat * 1e3)
    }

    #[test]
    fn a_reach_holds_all_of_its_box() {
        for map in [polar, cut] {
            for z in 0..12 {
                let side = 360.0 / f64::from(1 << z);
                for (west, south) in [(-180.0, -30.0), (83.9, 10.0), (45.0, 80.0), (0.0, -80.0)] {
                    let north = (south + side / 2.0).min(85.05);
                    let east = west + side;
                    let [low_x, low_y, high_x, high_y] =
                        mapped([west, south, east, north], map).sides();
                    for i in 0..=1000 {
                        for j in 0..=20 {
                            let lon = west + side * f64::from(i) / 1000.0;
                            let lat = south + (north - south) * f64::from(j) / 20.0;
                            let (x, y) = map(lon, lat);
                            assert!(
                                (low_x..=high_x).contains(&x) && (low_y..=high_y).contains(&y),
                                "{lon} {lat} of zoom {z}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn small_boxes_stay_small_and_cut_ones_are_known() {
        let TransformedBox::Within([west, _, east, _]) = mapped([10.0, 50.0, 10.1, 50.1], polar)
        else {
            panic!("a small box is plain");
        };
        let (a, b) = (polar(10.0, 50.0).0, polar(10.1, 50.0).0);
        assert!((east - west) < 1.5 * (b - a).abs());
        assert!(mapped([80.0, 10.0, 90.0, 20.0], cut).is_rough());
        let nowhere = |_, _| (f64::INFINITY, 0.0);
        assert_eq!(
            mapped([0.0, 0.0, 1.0, 1.0], nowhere),
            TransformedBox::Unknown
        );
        assert_eq!(reach(b"", [0.0, 0.0, 1.0, 1.0]), TransformedBox::Unknown);
    }
}
