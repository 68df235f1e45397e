//! Loading as a user of the crate sees it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod columns;
mod csv;
mod geojson;
mod input;
mod large;
mod nasty;
mod records;

use heatsplat_loader::{LoadError, Options, Report, load, read};
use heatsplat_points::{Point, mercator};

/// What becomes of a text under a name.
fn loaded(name: &str, text: &[u8], options: &Options) -> Result<(Vec<Point>, Report), LoadError> {
    let mut source = read(std::io::Cursor::new(text.to_vec()), name, options)?;
    let mut points = Vec::new();
    let report = load(&mut *source, &mut points, |_| ())?;
    Ok((points, report))
}

/// Longitude, latitude and weight of every point, to a millionth of a degree.
fn places(name: &str, text: &str) -> Vec<(f64, f64, f32)> {
    let (points, _) = loaded(name, text.as_bytes(), &Options::default()).unwrap();
    let round = |v: f64| (v * 1e6).round() / 1e6;
    let place = |p: &Point| {
        let (lon, lat) = mercator::unproject(p.at());
        (round(lon), round(lat), p.weight)
    };
    points.iter().map(place).collect()
}

/// The words of the error that a text gives.
fn error(name: &str, text: &[u8], options: &Options) -> String {
    loaded(name, text, options)
        .map(|(_, r)| r)
        .unwrap_err()
        .to_string()
}

fn weight(name: &str) -> Options {
    Options {
        weight: Some(name.into()),
        ..Options::default()
    }
}
