//! Comparison of transformed positions with those of PROJ, for each way in which files name a
//! coordinate system.

mod definitions;
mod plane;

use super::*;
use serde_json::Value;
use std::io::Read;

/// Positions in 280 systems that PROJ transformed. `scripts/crs-oracle` made this file.
const ORACLE: &[u8] = include_bytes!("../../tests/data/crs-oracle.jsonl.gz");

/// The largest distance in metres from PROJ's positions that the tests accept: a choice.
const NEAR: f64 = 12.0;

struct Row {
    code: u32,
    named: bool,
    /// Positions, each as x and y in the system, and as PROJ's longitude and latitude in degrees.
    places: Vec<[f64; 4]>,
    texts: Vec<(&'static str, String)>,
    projjson: Value,
}

fn oracle() -> Vec<Row> {
    let mut text = String::new();
    let mut unpacked = flate2::read::GzDecoder::new(ORACLE);
    unpacked.read_to_string(&mut text).unwrap();
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |key: &'static str| Some((key, row[key].as_str()?.to_owned()));
        Row {
            code: u32::try_from(row["code"].as_u64().unwrap()).unwrap(),
            named: row["named"] == true,
            places: serde_json::from_value(row["places"].clone()).unwrap(),
            texts: ["esri", "gdal", "wkt2"]
                .into_iter()
                .filter_map(text)
                .collect(),
            projjson: row["projjson"].clone(),
        }
    };
    text.lines().map(row).collect()
}

fn metres((lon, lat): (f64, f64), (a, b): (f64, f64)) -> f64 {
    let east = (a - lon + 180.0).rem_euclid(360.0) - 180.0;
    (east * lat.to_radians().cos()).hypot(b - lat) * 111_195.0
}

/// The largest distance in metres between a system's positions and PROJ's. `None` if the system or
/// one of the positions is refused.
fn worst(crs: Result<Crs, LoadError>, row: &Row) -> Option<f64> {
    let crs = crs.ok()?.accepting(None, "a").ok()?;
    let mut worst = 0.0f64;
    for [x, y, lon, lat] in row.places.iter().copied() {
        let place = crs.place(x, y).ok()?;
        let off = metres((lon, lat), (place.lon, place.lat));
        // A position that is NaN has an infinite error.
        worst = worst.max(if off.is_nan() { f64::INFINITY } else { off });
    }
    Some(worst)
}

/// Removes every `,WORD["EPSG",1234]` from a text. `word` is the keyword.
fn without(text: &str, word: &str) -> String {
    let mut text = text.to_owned();
    while let Some(start) = text.find(&format!(",{word}[\"EPSG\"")) {
        let end = start + text[start..].find(']').unwrap();
        text.replace_range(start..=end, "");
    }
    text
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("id");
            object.values_mut().for_each(strip);
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        _ => (),
    }
}

/// Lists the forms in which a file can state the system (its number, well-known text, PROJJSON and
/// others), each with the largest error in metres of the positions read by it; `None` if the system
/// is refused in this form.
fn ways(row: &Row) -> Vec<(String, Option<f64>)> {
    let mut ways = vec![(
        "number".to_owned(),
        worst(Crs::from_epsg(row.code, "a"), row),
    )];
    for (name, text) in &row.texts {
        ways.push(((*name).to_owned(), worst(Crs::from_wkt(text, "a"), row)));
        let word = if *name == "gdal" { "AUTHORITY" } else { "ID" };
        let bare = without(text, word);
        if bare != *text {
            let way = format!("{name} without numbers");
            ways.push((way, worst(Crs::from_wkt(&bare, "a"), row)));
        }
    }
    let mut json = row.projjson.clone();
    ways.push((
        "PROJJSON".to_owned(),
        worst(Crs::from_projjson(&json, "a"), row),
    ));
    strip(&mut json);
    let bare = worst(Crs::from_projjson(&json, "a"), row);
    ways.push(("PROJJSON without numbers".to_owned(), bare));
    let urn = format!("urn:ogc:def:crs:EPSG::{}", row.code);
    ways.push(("URN".to_owned(), worst(Crs::from_wkt(&urn, "a"), row)));
    ways
}

#[test]
fn places_are_where_proj_has_them_or_refused() {
    let mut wrong = Vec::new();
    let mut refused = [0, 0];
    let mut all = [0, 0];
    for row in oracle() {
        let ways = ways(&row);
        let code = row.code;
        for (way, off) in &ways {
            if off.is_some_and(|off| off > NEAR) {
                wrong.push(format!("EPSG:{code} by {way}: {} m", off.unwrap_or(0.0)));
            }
        }
        let named = usize::from(row.named);
        all[named] += 1;
        if ways.iter().any(|(_, off)| off.is_none()) {
            refused[named] += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(all, [200, 80]);
    assert!(refused[1] * 8 <= all[1], "{refused:?} of {all:?}");
    assert!(refused[0] * 4 <= all[0], "{refused:?} of {all:?}");
}

fn crs(text: &str) -> Crs {
    Crs::from_wkt(text, "a.shp").unwrap()
}

fn refused(text: &str) -> String {
    match Crs::from_wkt(text, "a.shp") {
        Err(error) => error.to_string(),
        Ok(_) => panic!("known: {text}"),
    }
}

#[track_caller]
fn near(crs: &Crs, (x, y): (f64, f64), there: (f64, f64), least: f64) {
    let place = crs.place(x, y).unwrap();
    let off = metres(there, (place.lon, place.lat));
    assert!(off < least, "{place:?} is {off} m from {there:?}");
}

#[test]
fn units_meridians_and_shifts_that_a_file_says_are_respected() {
    // GDAL before 3.0 wrote definitions like this one, without EPSG numbers.
    let ntf = r#"GEOGCS["NTF (Paris)",DATUM["Nouvelle_Triangulation_Francaise_Paris",SPHEROID["Clarke 1880 (IGN)",6378249.2,293.466021293627],TOWGS84[-168,-60,320,0,0,0,0]],PRIMEM["Paris",2.33722917],UNIT["grad",0.015707963267949]]"#;
    near(&crs(ntf), (0.0, 54.0), (2.336_51, 48.599_93), 2.0);
    let tokyo = r#"GEOGCS["Tokyo",DATUM["Tokyo",SPHEROID["Bessel 1841",6377397.155,299.1528128],TOWGS84[-146.414,507.337,680.507,0,0,0,0]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]"#;
    let there = (139.763_87, 35.684_44);
    near(&crs(tokyo), (139.7671, 35.6812), there, 2.0);
    // Esri writes definitions like this one, in which the datum has only a name.
    let bare = tokyo.replace(",TOWGS84[-146.414,507.337,680.507,0,0,0,0]", "");
    for name in ["D_Tokyo", "TOKYO", "Tokyo"] {
        let text = bare.replace("DATUM[\"Tokyo\"", &format!("DATUM[\"{name}\""));
        near(&crs(&text), (139.7671, 35.6812), there, 2.0);
    }
    // A shift of zeros is ignored if the datum has a known shift.
    let noughts = tokyo.replace("-146.414,507.337,680.507", "0,0,0");
    near(&crs(&noughts), (139.7671, 35.6812), there, 2.0);
    // This name is not known, although it contains the name of a known datum.
    let none = bare.replace("DATUM[\"Tokyo\"", "DATUM[\"not WGS_1984\"");
    let none = none.replace("GEOGCS[\"Tokyo\"", "GEOGCS[\"Mine\"");
    assert!(refused(&none).contains("not WGS_1984"));
    // The datum with this name has another ellipsoid.
    let mixed = bare.replace("6377397.155,299.1528128", "6378388,297");
    assert!(refused(&mixed).contains("Tokyo"));
}

#[test]
fn degrees_and_web_mercator_need_no_arithmetic() {
    for code in [4326, 4979, 4269, 4258, 7844, 4283, 4674, 4490, 6318] {
        let crs = Crs::from_epsg(code, "a").unwrap();
        assert!(matches!(crs, Crs::LonLat), "{code}");
        let place = crs.place(1.5, 2.5).unwrap();
        assert_eq!((place.lon, place.lat), (1.5, 2.5));
    }
    for code in [3857, 900_913, 102_100, 3785] {
        assert!(
            matches!(Crs::from_epsg(code, "a"), Ok(Crs::Mercator)),
            "{code}"
        );
    }
    let wgs84 = r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["Degree",0.017453292519943295]]"#;
    let nameless = wgs84.replace("D_WGS_1984", "D_unknown");
    for text in [
        wgs84,
        &nameless,
        "EPSG:4326",
        "OGC:CRS84",
        "\u{feff}EPSG:4326\r\n",
    ] {
        assert!(matches!(crs(text), Crs::LonLat), "{text}");
    }
    let esri = |middle: &str| {
        format!(
            r#"PROJCS["WGS_1984_Web_Mercator_Auxiliary_Sphere",{wgs84},PROJECTION["Mercator_Auxiliary_Sphere"],PARAMETER["False_Easting",0.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",{middle}],PARAMETER["Standard_Parallel_1",0.0],PARAMETER["Auxiliary_Sphere_Type",0.0],UNIT["Meter",1.0]]"#
        )
    };
    let gdal = format!(
        r#"PROJCS["WGS 84 / Pseudo-Mercator",{wgs84},PROJECTION["Mercator_1SP"],PARAMETER["central_meridian",0],PARAMETER["scale_factor",1],PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1],EXTENSION["PROJ4","+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null +wktext +no_defs"]]"#
    );
    for text in [&*esri("0.0"), &*gdal, "urn:ogc:def:crs:EPSG::3857"] {
        assert!(matches!(crs(text), Crs::Mercator), "{text}");
    }
    assert!(refused(&esri("150.0")).contains("Web_Mercator"));
    let other = Crs::from_wkt(&gdal.replace(",EXTENSION", ",NOTHING"), "a");
    assert!(matches!(other, Ok(Crs::Other(_))));
    let berlin = (1_491_681.18, 6_894_699.80);
    near(&crs("EPSG:3857"), berlin, (13.4, 52.52), 50.0);
}

#[test]
fn what_is_no_place_on_a_map_is_refused_by_name_and_reason() {
    let wgs84 =
        r#"DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0]"#;
    let metres = r#"UNIT["metre",1]"#;
    for (text, says) in [
        (
            format!(r#"GEOCCS["In space",{wgs84},{metres}]"#),
            "geocentric",
        ),
        (
            format!(r#"GEODCRS["In space",{wgs84},CS[Cartesian,3]]"#),
            "geocentric",
        ),
        (
            format!(r#"LOCAL_CS["Site grid 7",{metres}]"#),
            "Site grid 7",
        ),
        (
            r#"VERT_CS["Sea",VERT_DATUM["Sea",2005]]"#.to_owned(),
            "heights",
        ),
        (
            format!(
                r#"PROJCS["Odd",GEOGCS["W",{wgs84}],PROJECTION["Peirce_Quincuncial"],{metres}]"#
            ),
            "Peirce_Quincuncial",
        ),
        (
            format!(
                r#"PROJCS["Odd",GEOGCS["W",{wgs84}],PROJECTION["Mercator_1SP"],PARAMETER["twist",7],{metres}]"#
            ),
            "Mercator_1SP",
        ),
        ("PROJCS[\"cut off\"".to_owned(), "cut off"),
        ("[".repeat(100_000), "["),
        ("A[".repeat(100_000), "A["),
        (String::new(), "\"\""),
    ] {
        let message = refused(&text);
        assert!(
            message.contains(says) && message.starts_with("a.shp: "),
            "{message}"
        );
    }
    // The vertical part of a compound system is ignored.
    let compound = format!(
        r#"COMPD_CS["both",GEOGCS["W",{wgs84},UNIT["degree",0.0174532925199433]],VERT_CS["h",VERT_DATUM["h",2005],UNIT["metre",1]]]"#
    );
    assert!(matches!(crs(&compound), Crs::LonLat));
    assert!(matches!(crs("EPSG:7405"), Crs::Other(_)));
}

#[test]
fn tables_are_in_order_and_whole() {
    for (table, parts) in [
        (include_str!("geographic.txt"), 7),
        (include_str!("projected.txt"), 3),
        (include_str!("compound.txt"), 2),
    ] {
        let code = |line: &str| line.split('\t').next().unwrap().parse::<u32>().unwrap();
        let codes: Vec<u32> = table.lines().map(code).collect();
        assert!(codes.is_sorted() && table.is_ascii());
        assert!(table.lines().all(|line| line.split('\t').count() == parts));
        for code in codes {
            // Each number is either accepted or refused, and each shift in the table can be parsed.
            let _ = Crs::from_epsg(code, "a");
            if let Some(base) = registry::geographic(code) {
                let datum = Datum::parse(base.shift, (base.axis, base.flattening));
                assert!(datum.is_some() || base.shift == "?", "{code}");
            }
        }
    }
    let names: Vec<&str> = include_str!("datums.txt").lines().collect();
    for line in names {
        let (name, code) = line.split_once('\t').unwrap();
        assert_eq!(registry::datum(name), code.parse().ok(), "{name}");
    }
}

#[test]
fn coordinates_far_from_any_map_give_no_place_and_no_panic() {
    let far = [0.0, -1.0, 1e7, 1e12, -1e300, f64::NAN, f64::INFINITY];
    for row in oracle() {
        let Ok(crs) = Crs::from_epsg(row.code, "a") else {
            continue;
        };
        for x in far {
            for y in far {
                let _ = crs.place(x, y);
            }
        }
    }
    let france = crs("EPSG:4807");
    assert_eq!(france.place(0.0, 101.0), Err(PlaceError::Outside));
}
