//! Sources with longitude and latitude swapped. They must give an error, and not only the few
//! points that are valid in either order.

use crate::formats::{self, Row};
use crate::{Folder, error, loaded, opened};
use heatsplat_loader::{LoadError, LoadOptions};

fn row(lon: f64, lat: f64) -> Row {
    Row {
        lon,
        lat,
        kind: None,
        n: Some(1.0),
        day: None,
        flag: None,
    }
}

/// Nine places in Australia with the latitude first, and one position that is valid as it is.
fn swapped() -> Vec<Row> {
    let mut rows: Vec<Row> = (0..9)
        .map(|i| row(-33.0 - f64::from(i), 151.0 - f64::from(i)))
        .collect();
    rows.push(row(-27.5, 85.0));
    rows
}

#[test]
fn in_every_format() {
    let folder = Folder::new("axes");
    for format in formats::ALL {
        let path = formats::write(&folder, format, &swapped());
        let error = opened(&path, &LoadOptions::default()).err().unwrap();
        let LoadError::Swapped { rows, of, .. } = error else {
            panic!("{format}: {error}")
        };
        assert_eq!((rows, of), (9, 10), "{format}");
        let right: Vec<Row> = swapped().iter().map(|r| row(r.lat, r.lon)).collect();
        let path = formats::write(&folder, format, &right);
        let (points, _) = opened(&path, &LoadOptions::default()).unwrap();
        assert_eq!(points.len(), 10, "{format}");
    }
}

#[test]
fn the_columns_and_what_to_say_are_named() {
    let text = b"lat,lng\n151.2,-33.9\n144.9,-37.8\n1,2\n";
    let message = error("a.csv", text, &LoadOptions::default());
    assert!(
        message.contains("2 of 3 rows") && message.contains("`lon` \"lat\" `lat` \"lng\""),
        "{message}"
    );
    let right = LoadOptions {
        lon: Some("lat".into()),
        lat: Some("lng".into()),
        ..LoadOptions::default()
    };
    assert_eq!(loaded("a.csv", text, &right).unwrap().0.len(), 3);
    let message = error(
        "a.csv",
        b"-33.9,151.2\n-37.8,144.9\n",
        &LoadOptions::default(),
    );
    assert!(message.contains("`lon` \"2\" `lat` \"1\""), "{message}");
}

#[test]
fn a_few_rows_the_wrong_way_round_are_bad_rows() {
    let text = b"lon,lat\n1,2\n3,4\n-33.9,151.2\n-37.8,144.9\n";
    let (points, report) = loaded("a.csv", text, &LoadOptions::default()).unwrap();
    assert_eq!((points.len(), report.rows), (2, 4));
    let note = "2 of the 2 skipped rows would have a position with longitude and latitude swapped";
    assert_eq!(report.notes(), [note]);
    // Few among many skipped rows are not worth a word.
    let few = format!("lon,lat\n1,2\n-33.9,151.2\n{}", "x,1\n".repeat(11));
    let (_, report) = loaded("a.csv", few.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(report.notes(), [""; 0]);
    // Positions that are invalid in either order show nothing about the axes.
    let text = b"lon,lat\n565000,5932000\n120,130\n";
    let message = error("a.csv", text, &LoadOptions::default());
    assert!(message.contains("no row gives a point"), "{message}");
    // Rows without a position show nothing about the axes either.
    let text = b"lon,lat\n,\n,\n,\n-33.9,151.2\n";
    let message = error("a.csv", text, &LoadOptions::default());
    assert!(message.contains("1 of 1 rows"), "{message}");
}
