//! Projecting to a system is the inverse of what files are read by.

use super::*;
use crate::PlaneCrs;

#[test]
fn positions_are_projected_to_where_they_come_from() {
    let (mut systems, mut positions) = (0, 0);
    for row in oracle() {
        let Ok(crs) = PlaneCrs::from_epsg(row.code) else {
            continue;
        };
        let mut all = true;
        for [x, y, ..] in row.places {
            // Files may hold positions whose shift to WGS 84 is refused as too uncertain.
            let Some([lon, lat]) = crs.unproject(x, y) else {
                all = false;
                continue;
            };
            let Some([east, north]) = crs.project(lon, lat) else {
                panic!("EPSG:{} has no place for {lon} {lat}", row.code);
            };
            let off = (east - x).hypot(north - y);
            assert!(
                off < 0.001,
                "EPSG:{}: {x} {y} became {east} {north}",
                row.code
            );
            positions += 1;
        }
        systems += usize::from(all);
    }
    assert!(
        systems > 150 && positions > 500,
        "{systems} systems, {positions} positions"
    );
}

#[test]
fn known_places() {
    // As gdaltransform of GDAL 3.6 computes them. Two have a datum with a shift, of which GDAL uses
    // a grid where it has one.
    for (code, [lon, lat], [x, y], near) in [
        (3035, [10.0, 52.0], [4_321_000.0, 3_210_000.0], 0.001),
        (
            3035,
            [-9.139, 38.722],
            [2_665_537.073, 1_946_725.128],
            0.001,
        ),
        (25832, [9.0, 0.0], [500_000.0, 0.0], 0.001),
        (2154, [2.35, 48.85], [652_301.565, 6_861_302.726], 0.001),
        (5070, [-96.0, 38.0], [0.0, 1_662_824.761], 0.001),
        (3995, [10.0, 75.0], [284_571.723, -1_613_886.439], 0.001),
        (3031, [90.0, -71.0], [2_082_760.109, 0.0], 0.001),
        (2056, [8.5, 47.4], [2_680_120.182, 1_250_450.279], 2.0),
        (27700, [-1.5, 53.0], [433_653.297, 344_858.883], 5.0),
    ] {
        let crs = PlaneCrs::from_epsg(code).unwrap();
        let [east, north] = crs.project(lon, lat).unwrap();
        assert!(
            (east - x).hypot(north - y) < near,
            "EPSG:{code} {lon} {lat}: {east} {north}"
        );
    }
}

#[test]
fn systems_without_a_map_are_refused_by_name() {
    let error = |name| PlaneCrs::from_name(name).err().unwrap().to_string();
    assert!(error("Berlin").contains("Berlin"));
    assert!(error("EPSG:4326").contains("longitudes and latitudes"));
    assert!(error("epsg:3857").contains("Web Mercator"));
    assert!(error("EPSG:1").contains("EPSG:1"));
    assert_eq!(PlaneCrs::from_name(" epsg:3035 ").unwrap().code(), 3035);
}
