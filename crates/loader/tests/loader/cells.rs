//! Codes of cells in a column of text: the points are the middles of the cells.

use crate::{error, loaded};
use heatsplat_loader::{LoadOptions, SkipReason, read};
use heatsplat_points::{Point, mercator};

fn why(text: &str, options: &LoadOptions) -> String {
    let text = std::io::Cursor::new(text.as_bytes().to_vec());
    read(text, "a.csv", options).unwrap().columns().why.clone()
}

fn places(points: &[Point]) -> Vec<(f64, f64)> {
    let round = |v: f64| (v * 1e3).round() / 1e3;
    let place = |p: &Point| {
        let (lon, lat) = mercator::unproject(p.at());
        (round(lon), round(lat))
    };
    points.iter().map(place).collect()
}

#[test]
fn codes_in_columns_with_their_names() {
    for (text, kind, first, second) in [
        (
            "id,geohash\n1,u4pruyd\n2,s00000\n",
            "geohash, cells of about 860 m",
            (10.407, 57.649),
            (0.005, 0.003),
        ),
        (
            "geohash_precision,quadkey_zoom,geohash\n7,3,u4pruyd\n7,1,s00000\n",
            "geohash, cells of about 860 m",
            (10.407, 57.649),
            (0.005, 0.003),
        ),
        (
            "id;quad_key\n1;213\n2;0\n",
            "quadkey, cells of about 8000 km",
            (-22.5, -55.777),
            (-90.0, 66.513),
        ),
        (
            "plus_code,n\n7FG49QCJ+2V,1\n4VCPPQGP+Q9,2\n",
            "plus code, cells of about 13 m",
            (2.782, 20.37),
            (174.786, -41.273),
        ),
        (
            "id\tMGRS\n1\t33U XP 05004 44996\n2\t18SUJ2337106519\n",
            "MGRS, cells of about 1.0 m",
            (16.415, 48.249),
            (-77.037, 38.89),
        ),
        #[cfg(feature = "readers")]
        (
            "h3_09,n\n8928308280fffff,1\n617700169958293503,2\n",
            "H3, cells of about 320 m",
            (-122.418, 37.777),
            (-122.418, 37.777),
        ),
    ] {
        let options = LoadOptions::default();
        let (points, report) = loaded("a.csv", text.as_bytes(), &options).unwrap();
        assert_eq!(places(&points), [first, second], "{text}");
        assert_eq!(report.kept, 2);
        let why = why(text, &options);
        assert!(
            why.contains(&format!("{kind}: points at their middles")),
            "{text}: {why}"
        );
    }
}

#[test]
fn codes_among_other_values() {
    // Rows that are no codes are counted, and columns of degrees come first.
    let codes: String = (0..40).map(|_| "u4pruyd,2\n").collect();
    let text = format!("geohash,n\n{codes}nowhere!,2\n,2\n");
    let (_, report) = loaded("a.csv", text.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!((report.rows, report.kept), (42, 40));
    assert_eq!(report.skipped(SkipReason::BadPosition), 1);
    assert_eq!(report.skipped(SkipReason::NoPosition), 1);
    assert_eq!(
        report.examples[0].to_string(),
        "line 42: bad position: geohash \"nowhere!\""
    );
    let both = "lon,lat,geohash\n1.0,2.0,u4pruyd\n";
    let (points, _) = loaded("a.csv", both.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(places(&points), [(1.0, 2.0)]);
    // An option names a column, whose values must show the kind.
    let named = LoadOptions {
        geom: Some("cell".to_owned()),
        ..LoadOptions::default()
    };
    let text = b"id,cell\n1,7FG49QCJ+2V\n";
    let (points, _) = loaded("a.csv", text, &named).unwrap();
    assert_eq!(places(&points), [(2.782, 20.37)]);
    let message = error("a.csv", b"id,cell\n1,u4pruyd\n", &named);
    assert!(
        message.contains("geohashes and quadkeys where the column is called so"),
        "{message}"
    );
    // A name alone is not enough, and a coordinate system is none of theirs.
    let message = error("a.csv", b"id,geohash\n1,a!\n", &LoadOptions::default());
    assert!(
        message.contains("no longitude and no latitude"),
        "{message}"
    );
    let projected = LoadOptions {
        srid: Some(25832),
        ..LoadOptions::default()
    };
    let message = error("a.csv", b"id,geohash\n1,u4pruyd\n", &projected);
    assert!(
        message.contains("`srid`: codes of geohash state their places"),
        "{message}"
    );
}

#[test]
fn references_in_utm() {
    for (text, letters, first, second) in [
        (
            "id,utm\n1,33U 605004 5344996\n2,18S 323371 4306519\n",
            "letters are bands of latitude",
            (16.414, 48.249),
            (-77.037, 38.89),
        ),
        (
            "location;n\n33N 605004 5344996;1\n56S 334873 6252266;2\n",
            "N and S are hemispheres",
            (16.414, 48.249),
            (151.215, -33.857),
        ),
        // Both meanings fit, so bands are meant.
        (
            "utm_ref,n\n18S 323371 4306519,1\n31N 500000 1000,2\n",
            "letters are bands of latitude",
            (-77.037, 38.89),
            (3.0, 0.009),
        ),
        // Only hemispheres fit all.
        (
            "utm_ref,n\n18S 323371 4306519,1\n31N 500000 5344996,2\n",
            "N and S are hemispheres",
            (-77.537, -51.365),
            (3.0, 48.258),
        ),
    ] {
        let options = LoadOptions::default();
        let (points, _) = loaded("a.csv", text.as_bytes(), &options).unwrap();
        assert_eq!(places(&points), [first, second], "{text}");
        let why = why(text, &options);
        assert!(why.contains(&format!("UTM, {letters}")), "{text}: {why}");
    }
    let named = LoadOptions {
        geom: Some("ref".to_owned()),
        ..LoadOptions::default()
    };
    let text = b"id,ref\n1,33U 605004 5344996\n";
    let (points, _) = loaded("a.csv", text, &named).unwrap();
    assert_eq!(places(&points), [(16.414, 48.249)]);
}

#[test]
fn short_plus_codes_are_refused_by_name() {
    let named = LoadOptions {
        geom: Some("place".to_owned()),
        ..LoadOptions::default()
    };
    for options in [LoadOptions::default(), named] {
        let text = "id;place\n1;9G8F+6X Zürich\n2;9G8F+7X Zürich\n";
        let message = error("a.csv", text.as_bytes(), &options);
        let says = "column \"place\" has short plus codes such as \"9G8F+6X Zürich\"";
        assert!(message.contains(says), "{message}");
        assert!(message.contains("write full codes"), "{message}");
    }
    let both = "lon,lat,place\n1.0,2.0,9G8F+6X\n";
    let (points, _) = loaded("a.csv", both.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(places(&points), [(1.0, 2.0)]);
}
