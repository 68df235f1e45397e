//! Reading of longitudes, latitudes and weights that a program holds in arrays.

use crate::batch::{Batch, Weight};
use crate::columns::{Columns, Position};
use crate::error::LoadError;
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::report::{RowUnit, SkipReason};
use crate::source::{BatchSource, Source, SourceState};
use crate::time::Times;
use heatsplat_points::{LonLatBox, PointSink};
use rayon::prelude::*;

/// The number of rows that a thread checks in one step: a choice.
const ROWS: usize = 1 << 17;

/// The number of chunks of [`ROWS`] rows that are checked before their points are handed to the
/// sink: a choice, with which one load holds some 2 million points in memory.
const CHUNKS: usize = 16;

/// Arrays of numbers with one value for each row.
#[derive(Clone, Copy, Debug)]
pub struct Arrays<'a> {
    /// Longitudes in degrees. NaN stands for no position.
    pub lon: &'a [f64],
    /// Latitudes in degrees. NaN stands for no position.
    pub lat: &'a [f64],
    /// Weights; NaN is a missing weight. `None`: every row counts 1.
    pub weight: Option<&'a [f32]>,
}

/// Opens arrays of numbers as a source. Their rows are checked on all cores, by the rules for rows
/// of files: see the [crate's page](crate). `name` is the source's name in messages. Of the options
/// only [`within`](LoadOptions::within) and [`strict`](LoadOptions::strict) are used.
///
/// ```
/// use heatsplat_loader::{Arrays, LoadOptions, load_table, read_arrays};
///
/// let lon = [13.4, 361.0, f64::NAN];
/// let lat = [52.5, 10.0, 3.0];
/// let arrays = Arrays { lon: &lon, lat: &lat, weight: Some(&[3.0, f32::NAN, 1.0]) };
/// let mut source = read_arrays(arrays, "arrays", &LoadOptions::default())?;
/// let (points, _, report) = load_table(&mut *source, |_| ())?;
/// assert_eq!(points.summary().count, 2);
/// assert_eq!((report.skipped_total(), report.weights_missing), (1, 1));
/// # Ok::<(), heatsplat_loader::LoadError>(())
/// ```
///
/// # Errors
/// [`LoadError::BadOption`] if the arrays differ in length.
pub fn read_arrays<'a>(
    arrays: Arrays<'a>,
    name: &str,
    options: &LoadOptions,
) -> Result<Box<dyn Source + 'a>, LoadError> {
    let rows = arrays.lon.len();
    let weights = arrays.weight.map_or(rows, <[f32]>::len);
    for (parameter, length) in [
        (Parameter::Lat, arrays.lat.len()),
        (Parameter::Weight, weights),
    ] {
        if length != rows {
            return Err(LoadError::BadOption {
                file: name.to_owned(),
                parameter,
                message: format!("{length} values for {rows} longitudes"),
            });
        }
    }
    let mut state = SourceState::new(name, columns(arrays.weight.is_some()), options.strict);
    state.report.unit = RowUnit::Record;
    Ok(Box::new(ArraySource {
        state,
        arrays,
        next: 0,
        within: options.within,
    }))
}

fn columns(is_weighted: bool) -> Columns {
    let position = Position::LonLat {
        lon: "lon".to_owned(),
        lat: "lat".to_owned(),
    };
    let weight = is_weighted.then(|| "weight".to_owned());
    let why = match is_weighted {
        true => "arrays of longitudes, latitudes and weights",
        false => "arrays of longitudes and latitudes; every row counts 1",
    };
    let seen = ["lon", "lat"].map(str::to_owned).into_iter();
    Columns {
        seen: seen.chain(weight.clone()).collect(),
        position,
        geometry: None,
        weight,
        kept: Vec::new(),
        why: why.to_owned(),
        guess: None,
    }
}

/// A source that checks the rows of arrays.
struct ArraySource<'a> {
    state: SourceState,
    arrays: Arrays<'a>,
    /// The index of the first row that is not checked yet.
    next: usize,
    within: Option<LonLatBox>,
}

impl ArraySource<'_> {
    /// Checks at most [`ROWS`] rows, from the row with the index `start` on.
    fn check(&self, start: usize) -> Batch {
        let Arrays { lon, lat, weight } = self.arrays;
        let mut batch = Batch::new(self.within, 0, &Times::default());
        batch.report.unit = RowUnit::Record;
        batch.points.reserve_exact(ROWS.min(lon.len() - start));
        let rows = lon.iter().zip(lat).enumerate().skip(start).take(ROWS);
        for (row, (&lon, &lat)) in rows {
            let weight = match weight.and_then(|weights| weights.get(row)) {
                None => Weight::Unused,
                Some(weight) if weight.is_nan() => Weight::Missing,
                Some(&weight) => Weight::Number(f64::from(weight)),
            };
            let judged = if lon.is_nan() || lat.is_nan() {
                Err((
                    SkipReason::NoPosition,
                    format!("longitude {lon}, latitude {lat}"),
                ))
            } else {
                let kept = batch.keep_record(lon, lat, weight);
                kept.map_err(|rejection| (rejection.skip, rejection.found()))
            };
            if let Err((skip, found)) = judged {
                batch.report.skip(skip, || (row as u64 + 1, found));
            }
        }
        batch
    }
}

impl BatchSource for ArraySource<'_> {
    fn state(&self) -> &SourceState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut SourceState {
        &mut self.state
    }

    fn bytes_total(&self) -> Option<u64> {
        None
    }

    fn pour_next(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError> {
        let rows = self.arrays.lon.len();
        let starts: Vec<usize> = (self.next..rows).step_by(ROWS).take(CHUNKS).collect();
        let batches: Vec<Batch> = starts.par_iter().map(|&at| self.check(at)).collect();
        for batch in batches {
            self.next = (self.next + ROWS).min(rows);
            self.state.pour(batch, sink)?;
        }
        Ok(self.next < rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SkipReason, load_table};
    use heatsplat_points::Point;

    fn loaded(arrays: Arrays<'_>) -> Result<(Vec<Point>, crate::Report), LoadError> {
        let mut source = read_arrays(arrays, "arrays", &LoadOptions::default())?;
        let (points, _, report) = load_table(&mut *source, |_| ())?;
        Ok((points.as_slice().unwrap().to_vec(), report))
    }

    #[test]
    fn rows_of_arrays_are_checked_as_rows_of_files_are() {
        let lon = [0.0, 181.0, f64::NAN, f64::INFINITY, 5.0, 5.0, 600.0, 7.0];
        let lat = [0.0, 10.0, 1.0, 1.0, 86.0, 91.0, 1.0, 7.0];
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        let weight = [1.0, nan, 1.0, 1.0, 1.0, 1.0, 1.0, inf];
        let weight = Some(&weight[..]);
        let (points, report) = loaded(Arrays {
            lon: &lon,
            lat: &lat,
            weight,
        })
        .unwrap();
        assert_eq!((points.len(), report.rows, report.kept), (2, 8, 2));
        assert_eq!((report.weights_missing, report.at_null_island), (1, 1));
        for (reason, count) in [
            (SkipReason::NoPosition, 1),
            (SkipReason::BadPosition, 3),
            (SkipReason::Outside, 1),
            (SkipReason::BadWeight, 1),
        ] {
            assert_eq!(report.skipped(reason), count, "{reason}");
        }
        let lines: Vec<u64> = report.examples.iter().map(|row| row.line).collect();
        assert_eq!(lines, [3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn many_rows_are_read_in_their_order_with_one_report() {
        let n = ROWS * (CHUNKS + 2) + 7;
        let lon: Vec<f64> = (0..n).map(|i| (i % 360_000) as f64 / 1e3 - 180.0).collect();
        let mut lat: Vec<f64> = (0..n).map(|i| (i % 17_000) as f64 / 1e2 - 85.0).collect();
        for bad in [ROWS - 1, ROWS, 5 * ROWS + 3, n - 1] {
            lat[bad] = 99.0;
        }
        let (points, report) = loaded(Arrays {
            lon: &lon,
            lat: &lat,
            weight: None,
        })
        .unwrap();
        assert_eq!(points.len() as u64, report.kept);
        assert_eq!(report.skipped_total(), 4);
        let lines: Vec<u64> = report.examples.iter().map(|row| row.line).collect();
        assert_eq!(
            lines,
            [ROWS, ROWS + 1, 5 * ROWS + 4, n].map(|row| row as u64)
        );
        let good = (0..n).filter(|&i| lat[i] < 90.0);
        let mut wanted: Vec<Point> = good
            .map(|i| Point::from_lon_lat(lon[i], lat[i], 1.0).unwrap())
            .collect();
        wanted.sort_unstable_by(Point::z_order);
        assert_eq!(points, wanted);
    }

    #[test]
    fn arrays_of_other_lengths_and_swapped_ones_are_refused() {
        let lon = [1.0, 2.0];
        let short = Arrays {
            lon: &lon,
            lat: &lon[..1],
            weight: None,
        };
        let error = loaded(short).unwrap_err().to_string();
        assert!(
            error.contains("`lat`: 1 values for 2 longitudes"),
            "{error}"
        );
        let (lon, lat) = ([48.0, 47.0, 46.0], [120.0, 121.0, 122.0]);
        let swapped = loaded(Arrays {
            lon: &lon,
            lat: &lat,
            weight: None,
        });
        assert!(matches!(swapped, Err(LoadError::Swapped { .. })));
        let empty = loaded(Arrays {
            lon: &[],
            lat: &[],
            weight: None,
        });
        assert!(matches!(empty, Err(LoadError::NoRows { .. })));
    }
}
