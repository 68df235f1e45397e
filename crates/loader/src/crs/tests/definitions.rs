//! Tests of parts of definitions: units, axes, shifts and PROJ strings.

use super::{crs, metres, near, refused};
use crate::crs::Crs;
use serde_json::{Value, json};

const WGS84: &str = r#"GEOGCS["W",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]"#;

/// The well-known text of a system on Hungary's datum of 1972 that is bound to the system `to`.
/// `stretch` is the text of the shift's scale, with its unit if it has one.
fn bound(stretch: &str, to: &str) -> String {
    let shift = [52.17, -71.82, -14.9].iter().zip(["X", "Y", "Z"]);
    let shift = shift.map(|(metres, axis)| {
        format!(
            r#"PARAMETER["{axis}-axis translation",{metres}],PARAMETER["{axis}-axis rotation",0],"#
        )
    });
    let shift: String = shift.collect();
    format!(
        r#"BOUNDCRS[SOURCECRS[GEOGCRS["h",DATUM["h",ELLIPSOID["GRS 67",6378160,298.247167427]],CS[ellipsoidal,2],AXIS["longitude",east],AXIS["latitude",north],ANGLEUNIT["degree",0.0174532925199433]]],TARGETCRS[{to}],ABRIDGEDTRANSFORMATION["t",METHOD["Position Vector transformation (geog2D domain)"],{shift}PARAMETER["Scale difference",{stretch}]]]"#
    )
}

#[test]
fn the_units_of_a_shift_decide() {
    // PROJ 9.5.1 gives this position for a scale of 1.01 parts per million.
    let there = (18.998_883_833_8, 46.999_730_546_2);
    for stretch in [
        "1.00000101",
        r#"1.00000101,SCALEUNIT["unity",1]"#,
        r#"1.01,SCALEUNIT["parts per million",1E-06]"#,
        r#"1.01E-6,SCALEUNIT["unity",1]"#,
    ] {
        near(&crs(&bound(stretch, WGS84)), (19.0, 47.0), there, 0.5);
    }
    // No datum has a scale that differs from 1 by this much.
    for stretch in ["1.01", "2.5", r#"1.01,SCALEUNIT["unity",1]"#, "\"much\""] {
        let message = refused(&bound(stretch, WGS84));
        assert!(message.contains('h'), "{message}");
    }
    let parameter =
        |name: &str, value: f64, unit: Value| json!({"name": name, "value": value, "unit": unit});
    let said = |units: [Value; 3], values: [f64; 3]| {
        let [length, angle, scale] = units;
        let mut parameters = Vec::new();
        for (axis, metres) in ["X", "Y", "Z"].iter().zip([52.17, -71.82, -14.9]) {
            let (move_by, turn) = (
                format!("{axis}-axis translation"),
                format!("{axis}-axis rotation"),
            );
            parameters.push(parameter(&move_by, metres * values[0], length.clone()));
            parameters.push(parameter(&turn, values[1], angle.clone()));
        }
        parameters.push(parameter("Scale difference", values[2], scale));
        let axis = |name| json!({"name": name, "direction": name, "unit": "degree"});
        json!({
            "type": "BoundCRS",
            "source_crs": {
                "type": "GeographicCRS", "name": "h",
                "datum": {"name": "h", "ellipsoid": {
                    "semi_major_axis": 6_378_160, "inverse_flattening": 298.247_167_427,
                }},
                "coordinate_system": {"axis": [axis("east"), axis("north")]},
            },
            "transformation": {
                "method": {"name": "Position Vector transformation (geog2D domain)"},
                "parameters": parameters,
            },
        })
    };
    let unit = |factor: f64| json!({"name": "a unit", "conversion_factor": factor});
    let seconds = || unit(4.848_136_811_095_36e-6);
    for (units, values) in [
        ([json!("metre"), seconds(), unit(1e-6)], [1.0, 0.0, 1.01]),
        (
            [json!("metre"), seconds(), json!("unity")],
            [1.0, 0.0, 1.01e-6],
        ),
        (
            [unit(0.001), json!("degree"), unit(1e-9)],
            [1e3, 0.0, 1010.0],
        ),
    ] {
        let crs = Crs::from_projjson(&said(units, values), "a").unwrap();
        near(&crs, (19.0, 47.0), there, 0.5);
    }
    // Rotations have units too. This rotation is a thousandth of a degree about the polar axis.
    let turned = |unit: Value, by: f64| {
        let mut bound = said([json!("metre"), unit, unit_of_parts()], [1.0, 0.0, 1.01]);
        bound["transformation"]["parameters"][5]["value"] = json!(by);
        let place = Crs::from_projjson(&bound, "a")
            .unwrap()
            .place(19.0, 47.0)
            .unwrap();
        (place.lon, place.lat)
    };
    let off = metres(turned(seconds(), 3.6), turned(json!("degree"), 0.001));
    assert!(off < 1e-3, "{off}");
    let odd = said(
        [json!("metre"), seconds(), json!("percent")],
        [1.0, 0.0, 1.01],
    );
    assert!(Crs::from_projjson(&odd, "a").is_err());
}

fn unit_of_parts() -> Value {
    json!({"name": "parts per million", "conversion_factor": 1e-6})
}

#[test]
fn a_shift_to_another_datum_than_that_of_wgs_84_is_refused() {
    let stretch = "1.00000101";
    let etrs89 = WGS84.replace("WGS_1984", "European_Terrestrial_Reference_System_1989");
    assert!(Crs::from_wkt(&bound(stretch, &etrs89), "a").is_ok());
    let bessel = r#"GEOGCS["DHDN",DATUM["Deutsches_Hauptdreiecksnetz",SPHEROID["Bessel 1841",6377397.155,299.1528128]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]"#;
    let message = refused(&bound(stretch, bessel));
    assert!(message.contains("another datum"), "{message}");
    // A name is not known either if two datums have it.
    assert!(
        refused(
            &bessel
                .replace("Deutsches_Hauptdreiecksnetz", "D_Hermannskogel")
                .replace("DHDN", "H")
        )
        .contains("Hermannskogel")
    );
    // A shift of which only a part can be read is refused.
    let half = WGS84.replace("298.257223563]", r#"298.257223563],TOWGS84[1,2,"x"]"#);
    assert!(refused(&half).contains("shift"));
}

#[test]
fn units_that_cannot_be_read_are_refused() {
    let metres = r#"UNIT["metre",1]"#;
    let mercator = |base: &str, parameter: &str, unit: &str| {
        format!(
            r#"PROJCS["P",{base},PROJECTION["Mercator_1SP"],PARAMETER["central_meridian",{parameter}],{unit}]"#
        )
    };
    assert!(Crs::from_wkt(&mercator(WGS84, "3", metres), "a").is_ok());
    let grads = WGS84.replace("0.0174532925199433", "\"1/57\"");
    let nought = WGS84.replace("0.0174532925199433", "0");
    let feet = WGS84.replace(
        "6378137,298.257223563",
        r#"6378137,298.257223563,LENGTHUNIT["foot",x]"#,
    );
    let two = r#"GEOGCRS["g",DATUM["WGS_1984",ELLIPSOID["WGS 84",6378137,298.257223563]],CS[ellipsoidal,2],AXIS["lon",east,ANGLEUNIT["grad",0.0157]],AXIS["lat",north,ANGLEUNIT["degree",0.01745]]]"#;
    for text in [
        &*grads,
        &nought,
        &feet,
        two,
        &mercator(WGS84, r#"3,ANGLEUNIT["grad",?]"#, metres),
        &mercator(WGS84, "3", r#"UNIT["metre"]"#),
        &mercator(&grads, "3", metres),
    ] {
        assert!(refused(text).contains(" unit"), "{text}");
    }
    let degrees = |unit: Value| {
        json!({
            "type": "GeographicCRS", "name": "g",
            "datum": {"name": "World Geodetic System 1984", "ellipsoid": {
                "semi_major_axis": 6_378_137, "inverse_flattening": 298.257_223_563,
            }},
            "coordinate_system": {"axis": [
                {"direction": "north", "unit": unit}, {"direction": "east", "unit": unit},
            ]},
        })
    };
    let known = Crs::from_projjson(&degrees(json!("degree")), "a");
    assert!(matches!(known, Ok(Crs::LonLat)));
    for unit in [
        json!("grad"),
        json!({"name": "grad"}),
        json!(1),
        json!(null),
    ] {
        assert!(Crs::from_projjson(&degrees(unit), "a").is_err());
    }
}

#[test]
fn axes_to_the_west_or_south_are_refused_but_where_the_projection_is_made_so() {
    let first = r#"GEOGCRS["g",DATUM["WGS_1984",ELLIPSOID["WGS 84",6378137,298.257223563]],CS[ellipsoidal,2],AXIS["lat",north],AXIS["lon",EAST],ANGLEUNIT["degree",0.0174532925199433]]"#;
    assert!(matches!(crs(first), Crs::LonLat));
    for (one, other) in [("EAST", "west"), ("north", "south")] {
        assert!(refused(&first.replace(one, other)).contains("west or south"));
    }
    let plane = |method: &str, axes: &str| {
        format!(r#"PROJCS["P",{WGS84},PROJECTION["{method}"],UNIT["metre",1]{axes}]"#)
    };
    let both = |a: &str, b: &str| format!(r#",AXIS["a",{a}],AXIS["b",{b}]"#);
    for (method, axes) in [
        ("Transverse_Mercator", both("EAST", "NORTH")),
        ("Transverse_Mercator", both("NORTH", "EAST")),
        ("Transverse_Mercator", String::new()),
        (
            "Transverse_Mercator_South_Orientated",
            both("WEST", "SOUTH"),
        ),
        ("Transverse_Mercator_South_Orientated", String::new()),
        ("Lambert_Azimuthal_Equal_Area", both("SOUTH", "SOUTH")),
        ("Lambert_Azimuthal_Equal_Area", both("NORTH", "NORTH")),
    ] {
        let text = plane(method, &axes);
        assert!(Crs::from_wkt(&text, "a").is_ok(), "{text}");
    }
    for axes in [
        both("WEST", "SOUTH"),
        both("SOUTH", "WEST"),
        both("WEST", "NORTH"),
        both("EAST", "SOUTH"),
    ] {
        refused(&plane("Transverse_Mercator", &axes));
    }
}

#[test]
fn words_of_proj_that_say_another_thing_than_the_projection_are_refused() {
    let words = "+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null +wktext +no_defs";
    let with = |words: &str| {
        format!(
            r#"PROJCS["P",{WGS84},PROJECTION["Mercator_1SP"],PARAMETER["central_meridian",0],PARAMETER["scale_factor",1],PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1],EXTENSION["PROJ4","{words}"]]"#
        )
    };
    assert!(matches!(crs(&with(words)), Crs::Mercator));
    for (one, other) in [
        ("+lon_0=0", "+lon_0=150"),
        ("+x_0=0", "+x_0=1000"),
        ("+lat_ts=0", "+lat_ts=40"),
        ("+k=1", "+k=0.5"),
        ("+a=6378137", "+a=6371000"),
        ("+units=m", "+units=us-ft"),
    ] {
        refused(&with(&words.replace(one, other)));
    }
    let ellipsoid = "+proj=merc +lon_0=150 +datum=WGS84";
    refused(&with(ellipsoid));
    assert!(Crs::from_wkt(&with(&ellipsoid.replace("150", "0")), "a").is_ok());
}

#[test]
fn miller_on_an_ellipsoid_is_on_the_sphere_with_its_area() {
    let text = format!(
        r#"PROJCS["World_Miller_Cylindrical",{WGS84},PROJECTION["Miller_Cylindrical"],PARAMETER["Central_Meridian",0.0],UNIT["Meter",1.0]]"#
    );
    near(
        &crs(&text),
        (1e6, 5e6),
        (8.993_205_922, 42.273_306_413),
        0.1,
    );
}

#[test]
fn longitudes_a_turn_away_are_in_their_datums_area() {
    // Cuba and Germany are on datums whose shifts differ from place to place. Fiji lies across
    // ±180°.
    for (code, x, y) in [
        (4267, -80.0, 22.0),
        (4230, 9.0, 50.0),
        (4720, 179.5, -17.0),
        (4720, -179.9, -17.0),
    ] {
        let crs = Crs::from_epsg(code, "a").unwrap();
        let crs = crs.accepting(Some(50.0), "a").unwrap();
        let place = crs.place(x, y).unwrap();
        for turn in [360.0, -360.0] {
            let other = crs.place(x + turn, y).unwrap();
            let off = metres((place.lon, place.lat), (other.lon, other.lat));
            assert!(
                off < 1e-3 && place.error == other.error,
                "{code}: {off}, {other:?}"
            );
        }
    }
}

#[test]
fn a_system_cut_down_to_its_number_is_known_by_it() {
    for text in [
        r#"{"id": {"authority": "EPSG", "code": 3857}}"#,
        r#"{"type": "ProjectedCRS", "name": "a", "ids": [{"authority": "ESRI", "code": 1}, {"authority": "epsg", "code": "3857"}]}"#,
    ] {
        let crs = serde_json::from_str(text).unwrap();
        assert!(
            matches!(Crs::from_projjson(&crs, "a"), Ok(Crs::Mercator)),
            "{text}"
        );
    }
    let unknown = json!({"type": "ProjectedCRS", "id": {"authority": "EPSG", "code": 77_777}});
    let Err(error) = Crs::from_projjson(&unknown, "a") else {
        panic!("known")
    };
    assert!(error.to_string().contains("EPSG:77777"), "{error}");
}

#[test]
fn a_turn_of_the_meridian_belongs_to_the_shift_that_has_it() {
    // PROJ 9.5.1 gives this position.
    let there = (127.000_778_857, 38.453_189_274);
    let wkt = r#"PROJCS["K",GEOGCS["Tokyo 1892",DATUM["Tokyo_1892",SPHEROID["Bessel 1841",6377397.155,299.1528128]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",38],PARAMETER["central_meridian",127],PARAMETER["scale_factor",1],PARAMETER["false_easting",200000],PARAMETER["false_northing",500000],UNIT["metre",1]]"#;
    for text in ["EPSG:5170", wkt] {
        near(&crs(text), (200_000.0, 550_000.0), there, 1.0);
    }
}
