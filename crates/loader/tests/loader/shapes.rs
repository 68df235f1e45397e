//! Shapes of delimiter-separated text beside two columns of degrees: positions in one column,
//! angles, other coordinate systems, and lines above the header.

use crate::{Folder, error, loaded, opened, places};
use heatsplat_loader::{LoadOptions, SkipReason, read};
use heatsplat_points::{Point, mercator};

fn why(text: &str, options: &LoadOptions) -> String {
    let text = std::io::Cursor::new(text.as_bytes().to_vec());
    read(text, "a.csv", options).unwrap().columns().why.clone()
}

fn degrees(points: &[Point]) -> Vec<(f64, f64)> {
    let round = |v: f64| (v * 1e4).round() / 1e4;
    let place = |p: &Point| {
        let (lon, lat) = mercator::unproject(p.at());
        (round(lon), round(lat))
    };
    points.iter().map(place).collect()
}

#[test]
fn geometries_in_a_column_of_text() {
    for text in [
        "id,georef\n1,POINT (2.5 48.5)\n2,POINT (13.5 52.5)\n",
        "id;WKT\n1;\"POINT(2.5 48.5)\"\n2;point z (13.5 52.5 7)\n",
        "id,g\n1,SRID=4326;POINT(2.5 48.5)\n2,POINT (13.5 52.5)\n",
        "id\tgeom\n1\tMULTIPOINT((2.5 48.5),(13.5 52.5))\n",
        "id,geom\n1,0101000020E610000000000000000004400000000000404840\n\
         2,01010000000000000000002b400000000000404a40\n",
        "id,geometry\n1,\"{\"\"type\"\":\"\"Point\"\",\"\"coordinates\"\":[2.5,48.5]}\"\n\
         2,\"{\"\"type\"\":\"\"Point\"\",\"\"coordinates\"\":[13.5,52.5]}\"\n",
    ] {
        let expected = [(2.5, 48.5, 1.0), (13.5, 52.5, 1.0)];
        assert_eq!(places("a.csv", text), expected, "{text}");
    }
    let text = "id;WKT;n\n1;POINT (1 2);3\n2;MULTIPOINT (5 43,6 44);4\n\
                3;LINESTRING (1 1,2 2);1\n4;;1\n5;POINT EMPTY;1\n6;POINT (x 2);1\n";
    let options = LoadOptions {
        weight: Some("n".into()),
        geom: Some("wkt".into()),
        ..LoadOptions::default()
    };
    let (points, report) = loaded("a.csv", text.as_bytes(), &options).unwrap();
    let weights: Vec<f32> = points.iter().map(|point| point.weight).collect();
    assert_eq!(weights, [3.0, 4.0, 4.0]);
    assert_eq!((report.rows, report.kept), (7, 3));
    assert_eq!(report.skipped(SkipReason::NotAPoint), 1);
    assert_eq!(report.skipped(SkipReason::NoPosition), 2);
    assert_eq!(report.skipped(SkipReason::BadPosition), 1);
    assert!(why(text, &options).starts_with("positions from the geometries in \"WKT\""));
    // Names of longitude and latitude come first, and an option names the column.
    let text = "lon,lat,geom\n1,2,POINT (3 4)\n";
    assert_eq!(places("a.csv", text), [(1.0, 2.0, 1.0)]);
    let named = LoadOptions {
        geom: Some("geom".into()),
        ..LoadOptions::default()
    };
    let (points, _) = loaded("a.csv", text.as_bytes(), &named).unwrap();
    assert_eq!(degrees(&points), [(3.0, 4.0)]);
}

#[test]
fn a_column_must_hold_positions_and_be_the_only_one() {
    let named = |name: &str| LoadOptions {
        geom: Some(name.into()),
        ..LoadOptions::default()
    };
    let text = b"id,name,g\n1,Bonn,POINT (1 2)\n";
    let message = error("a.csv", text, &named("name"));
    assert!(
        message.contains("`geom`: the values of column \"name\" are no positions")
            && message.contains("it holds \"Bonn\""),
        "{message}"
    );
    let message = error("a.csv", text, &named("shape"));
    assert!(
        message.contains("there is no column \"shape\""),
        "{message}"
    );
    let text = b"id,from,to\n1,POINT (1 2),POINT (3 4)\n";
    let message = error("a.csv", text, &LoadOptions::default());
    assert!(
        message.contains("name one of them: \"from\", \"to\""),
        "{message}"
    );
    let text = "id,old,geom\n1,POINT (1 2),POINT (3 4)\n";
    assert_eq!(places("a.csv", text), [(3.0, 4.0, 1.0)]);
}

#[test]
fn two_coordinates_in_one_column() {
    for (text, order) in [
        ("id,location\n1,\"(48.5, 2.5)\"\n", "the latitude first"),
        ("id;geo_point_2d;n\n1;48.5, 2.5;3\n", "the latitude first"),
        ("id,where\n1,48.5 2.5\n", "the latitude first"),
        (
            "id,lonlat\n1,\"2.5,48.5\"\n",
            "the longitude first: its name says so",
        ),
        ("id,c\n1,\"[2.5, 48.5]\"\n", "the longitude first"),
        (
            "id;c\n1;\"1 Main St, Paris\n(48.5, 2.5)\"\n",
            "the latitude first",
        ),
        ("id,c\n1,48°30'N 2°30'E\n", "unless a value says otherwise"),
        (
            "id,c\n1,\"2°30'E, 48°30'N\"\n",
            "unless a value says otherwise",
        ),
    ] {
        let (lon, lat, _) = places("a.csv", text)[0];
        assert_eq!((lon, lat), (2.5, 48.5), "{text}");
        let why = why(text, &LoadOptions::default());
        assert!(why.contains(order), "{text}: {why}");
    }
    // A number beyond 90 is a longitude.
    let text = "id,location\n1,\"-122.5, 37.5\"\n2,\"2.5, 48.5\"\n";
    assert_eq!(
        places("a.csv", text),
        [(-122.5, 37.5, 1.0), (2.5, 48.5, 1.0)]
    );
    let asked = LoadOptions {
        pair: Some("lon,lat".into()),
        ..LoadOptions::default()
    };
    let (points, _) = loaded("a.csv", b"id,location\n1,\"(48.5, 2.5)\"\n", &asked).unwrap();
    assert_eq!(degrees(&points), [(48.5, 2.5)]);
}

#[test]
fn numbers_and_times_are_no_positions() {
    for text in [
        "name;price\nA;12,50\nB;9,99\n",
        "name;price\nA;1.234,50\nB;9,99\n",
        "name;price\nA;\"1,234.50\"\nB;\"2,000\"\n",
        "id,hours\n1,\"08:00, 17:00\"\n2,08:30 16:00\n",
        "id,hours\n1,\"(08:00, 17:00)\"\n",
    ] {
        let message = error("a.csv", text.as_bytes(), &LoadOptions::default());
        assert!(
            message.contains("no longitude and no latitude column"),
            "{text}: {message}"
        );
    }
    // A name, an option or other values show that a comma stands between two numbers.
    let expected = [(2.0, 48.0, 1.0), (3.5, 49.25, 1.0)];
    for text in [
        "id;latlon\n1;48,2\n2;49.25,3.5\n",
        "id;c\n1;48,2\n2;49.25,3.5\n",
    ] {
        assert_eq!(places("a.csv", text), expected, "{text}");
    }
    assert_eq!(places("a.csv", "id;latlon\n1;48,2\n"), expected[..1]);
    let asked = LoadOptions {
        geom: Some("c".into()),
        ..LoadOptions::default()
    };
    let (points, _) = loaded("a.csv", b"id;c\n1;48,2\n", &asked).unwrap();
    assert_eq!(degrees(&points), [(2.0, 48.0)]);
}

#[test]
fn minutes_and_seconds_are_below_sixty() {
    // The first rows are read as degrees and minutes; the bad ones are skipped.
    for bad in [
        "4875.0N,01130.0E",
        "417090N,01130.0E",
        "4807.5N,0230.0W",
        "4807.5N,01175.0E",
    ] {
        let text = format!("lat,lon\n4807.5N,01130.0E\n{bad}\n");
        let (points, report) = loaded("a.csv", text.as_bytes(), &LoadOptions::default()).unwrap();
        assert_eq!(degrees(&points), [(11.5, 48.125)], "{bad}");
        assert_eq!(report.skipped(SkipReason::BadPosition), 1, "{bad}");
    }
    let rows = "4807.5,01130.0\n".repeat(2000);
    let text = format!("lat,lon\n{rows}4875.0,01130.0\n");
    let (_, report) = loaded("a.csv", text.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(
        (report.kept, report.skipped(SkipReason::BadPosition)),
        (2000, 1)
    );
}

#[test]
fn angles_in_each_notation() {
    let text = "name,lat,lon\na,\"41°30'00\"\"N\",\"2°15'00\"\"E\"\nb,41 30 00S,002 15 00W\n\
                c,S41 30.0,W002 15.0\nd,-41.5,2.25\ne,41.5°,2.25°\nf,41.5 N,2.25 W\n";
    let expected = [
        (2.25, 41.5, 1.0),
        (-2.25, -41.5, 1.0),
        (-2.25, -41.5, 1.0),
        (2.25, -41.5, 1.0),
        (2.25, 41.5, 1.0),
        (-2.25, 41.5, 1.0),
    ];
    assert_eq!(places("a.csv", text), expected);
    // The letter O means east or west.
    let (points, report) = loaded(
        "a.csv",
        "lat,lon\n41.5N,2.25E\n41.5N,2.25 O\n".as_bytes(),
        &LoadOptions::default(),
    )
    .unwrap();
    assert_eq!(
        (points.len(), report.skipped(SkipReason::BadPosition)),
        (1, 1)
    );
    let message = error(
        "a.csv",
        b"lat,lon\n2.5E,41.5N\n3.5E,42.5N\n",
        &LoadOptions::default(),
    );
    assert!(
        message.contains("longitude and latitude are swapped"),
        "{message}"
    );
}

#[test]
fn hemispheres_in_columns_of_their_own() {
    let text = "lat,ns,lon,ew\n33.5,S,18.5,E\n40.5,N,74.5,W\n";
    assert_eq!(
        places("a.csv", text),
        [(18.5, -33.5, 1.0), (-74.5, 40.5, 1.0)]
    );
    let why = why(text, &LoadOptions::default());
    assert!(why.contains("in the columns behind them"), "{why}");
    let nmea = "lat,ns,lon,ew\n4807.5,N,01130.0,E\n3330.0,S,01830.0,E\n";
    assert_eq!(
        places("a.csv", nmea),
        [(11.5, 48.125, 1.0), (18.5, -33.5, 1.0)]
    );
}

#[test]
fn degrees_and_minutes_of_gps_units() {
    let text = "lat,lon\n4807.5,01130.0\n-0830.0,00030.0\n";
    assert_eq!(
        places("a.csv", text),
        [(11.5, 48.125, 1.0), (0.5, -8.5, 1.0)]
    );
    assert!(why(text, &LoadOptions::default()).contains("(ddmm.mmmm)"));
    let text = "lat,lon\n4807.5N,01130.0E\n";
    assert_eq!(places("a.csv", text), [(11.5, 48.125, 1.0)]);
    let message = error(
        "a.csv",
        b"lat,lon\n4807.5,1130.5\n4812.5,1134.5\n",
        &LoadOptions::default(),
    );
    assert!(
        message.contains("may be degrees and minutes") && message.contains("or metres"),
        "{message}"
    );
}

#[test]
fn metres_of_a_named_system() {
    let text = "Name;X;Y\nAlmeria;558353.5;4117090.7\nCadiz;252874.9;4049205.2\n";
    let message = error("a.csv", text.as_bytes(), &LoadOptions::default());
    assert!(
        message.contains("these are metres of a projection, not degrees: 2 of 2 rows (line 2: "),
        "{message}"
    );
    let srid = |srid| LoadOptions {
        srid: Some(srid),
        ..LoadOptions::default()
    };
    for header in [
        "Name;X;Y",
        "Name;Easting;Northing",
        "Name;Rechtswert;Hochwert",
        "n;x_coord;y_coord",
    ] {
        let text = text.replace("Name;X;Y", header);
        let (points, _) = loaded("a.csv", text.as_bytes(), &srid(25830)).unwrap();
        assert_eq!(
            degrees(&points),
            [(-2.3425, 37.1985), (-5.7612, 36.5563)],
            "{header}"
        );
        let comma = text.replace('.', ",");
        assert_eq!(
            loaded("a.csv", comma.as_bytes(), &srid(25830)).unwrap().0,
            points
        );
    }
    assert!(why(text, &srid(25830)).ends_with(", coordinates of EPSG:25830"));
    let wkt = "id;g\n1;POINT (558353.5 4117090.7)\n2;SRID=4326;POINT (1 2)\n";
    let (points, report) = loaded(
        "a.csv",
        wkt.replace("2;SRID", "2;\"SRID")
            .replace("2)\n", "2)\"\n")
            .as_bytes(),
        &srid(25830),
    )
    .unwrap();
    assert_eq!(degrees(&points), [(-2.3425, 37.1985)]);
    assert!(
        report.examples[0]
            .found
            .contains("EPSG:4326, where others are of EPSG:25830"),
        "{report}"
    );
    let ewkt = "id,g\n1,\"SRID=25830;POINT(558353.5 4117090.7)\"\n";
    let (points, _) = loaded("a.csv", ewkt.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(degrees(&points), [(-2.3425, 37.1985)]);
    let message = error("a.csv", text.as_bytes(), &srid(1));
    assert!(message.contains("EPSG:1"), "{message}");
    // Two metres in one column have the easting first.
    let one = "id;position\n1;558353.5 4117090.7\n";
    let (points, _) = loaded("a.csv", one.as_bytes(), &srid(25830)).unwrap();
    assert_eq!(degrees(&points), [(-2.3425, 37.1985)]);
    assert!(why(one, &srid(25830)).contains("the longitude first: as usual for metres"));
    let turned = LoadOptions {
        pair: Some("lat,lon".into()),
        ..srid(25830)
    };
    let one = "id;position\n1;4117090.7 558353.5\n";
    let (points, _) = loaded("a.csv", one.as_bytes(), &turned).unwrap();
    assert_eq!(degrees(&points), [(-2.3425, 37.1985)]);
}

#[test]
fn lines_above_the_header() {
    let expected = [(2.5, 48.5, 1.0), (13.5, 52.5, 1.0)];
    for text in [
        "sep=;\r\n\"Name\";\"Lat\";\"Lon\"\r\n\"A\";48.5;2.5\r\n\"B\";52.5;13.5\r\n",
        "\u{feff}sep=,\nName,Lat,Lon\nA,48.5,2.5\nB,52.5,13.5\n",
        "# Stations\n# units: degrees, metres\nname,lat,lon\nA,48.5,2.5\nB,52.5,13.5\n",
        "// a, b, c\n//\n\nname,lat,lon\nA,48.5,2.5\nB,52.5,13.5\n",
        "Stations of 2024\nof the office, in degrees\n\nname;lat;lon\nA;48.5;2.5\nB;52.5;13.5\n",
        "#lon,lat\n2.5,48.5\n13.5,52.5\n",
        "# lon lat\n2.5 48.5\n13.5 52.5\n",
        "# made by a program\n2.5,48.5\n13.5,52.5\n",
        "# made by a program\nPOINT\n\"POINT (2.5 48.5)\"\nPOINT (13.5 52.5)\n",
    ] {
        assert_eq!(places("a.csv", text), expected, "{text}");
    }
    // A title in quotes may be the beginning of the header.
    let text = "\"name\nof it\",lat,lon\nA,48.5,2.5\n";
    let why_so = why(text, &LoadOptions::default());
    assert!(!why_so.contains("above the header"), "{why_so}");
    let text = "Title\n# x\nname,lat,lon\nA,48.5,2.5\nB,x,2.5\n";
    let (_, report) = loaded("a.csv", text.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(report.examples[0].line, 5);
    let why = why(text, &LoadOptions::default());
    assert!(
        why.ends_with("without the 2 lines above the header"),
        "{why}"
    );
}

#[test]
fn fields_between_runs_of_blanks() {
    for text in [
        "  lon   lat  n\n  2.5  48.5  1\n 13.5  52.5  1\n",
        "name lat lon\n\"A b\"   48.5 2.5\nB 52.5\t13.5  \n",
        "2.5 48.5\n13.5 52.5\n",
    ] {
        let expected = [(2.5, 48.5, 1.0), (13.5, 52.5, 1.0)];
        assert_eq!(places("a.txt", text), expected, "{text}");
        assert!(why(text, &LoadOptions::default()).contains("fields parted by blanks"));
    }
}

#[test]
fn headers_in_east_asian_encodings() {
    let text = "名称,緯度,経度\n東京,35.5,139.5\n";
    let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(text);
    let options = |name: &str| LoadOptions {
        encoding: Some(name.parse().unwrap()),
        ..LoadOptions::default()
    };
    let (points, _) = loaded("a.csv", &bytes, &options("shift_jis")).unwrap();
    assert_eq!(degrees(&points), [(139.5, 35.5)]);
    let text = "名称,纬度,经度\n北京,39.5,116.5\n";
    let (bytes, _, _) = encoding_rs::GBK.encode(text);
    let (points, _) = loaded("a.csv", &bytes, &options("gbk")).unwrap();
    assert_eq!(degrees(&points), [(116.5, 39.5)]);
}

#[test]
fn a_shapefile_without_its_system_takes_the_option() {
    let folder = Folder::new("srid");
    let path = folder.file("a.shp");
    let mut writer = shapefile::ShapeWriter::from_path(&path).unwrap();
    writer
        .write_shape(&shapefile::Point::new(558_353.5, 4_117_090.7))
        .unwrap();
    drop(writer);
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(message.contains("metres of a projection"), "{message}");
    let srid = LoadOptions {
        srid: Some(25830),
        ..LoadOptions::default()
    };
    assert_eq!(
        degrees(&opened(&path, &srid).unwrap().0),
        [(-2.3425, 37.1985)]
    );
    let wgs84 = "GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS 84\",6378137,298.257223563]],\
                 PRIMEM[\"Greenwich\",0],UNIT[\"degree\",0.0174532925199433]]";
    std::fs::write(folder.file("a.prj"), wgs84).unwrap();
    let message = opened(&path, &srid).unwrap_err().to_string();
    assert!(
        message.contains("`srid`: the .prj beside it states"),
        "{message}"
    );
}

#[test]
fn formats_that_state_their_system_refuse_the_option() {
    let srid = LoadOptions {
        srid: Some(25830),
        ..LoadOptions::default()
    };
    let point = br#"{"type":"Point","coordinates":[1,2]}"#;
    let message = error("a.geojson", point, &srid);
    assert!(
        message.contains("`srid`: positions of geojson"),
        "{message}"
    );
}
