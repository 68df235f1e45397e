use super::cluster::shared;
use super::http::{body, info, serve};
use crate::scenes::Dice;
use heatsplat::points::{Point, mercator};
use heatsplat_loader::postgis::{Address, LayerQuery, Relation, Snapshot};
use heatsplat_loader::{AreaRule, LineRule, ShapeRules, load};

/// A star of `corners` corners around a middle, as the text of a ring. Its corners are between
/// `from` and `to` degrees away from the middle.
fn star([x, y]: [f64; 2], corners: usize, [from, to]: [f64; 2], dice: &mut Dice) -> String {
    let mut all: Vec<String> = Vec::new();
    for corner in 0..corners {
        let angle = std::f64::consts::TAU * corner as f64 / corners as f64;
        let size = dice.within(from, to);
        let (x, y) = (x + size * angle.cos(), y + size * angle.sin());
        all.push(format!("{x} {y}"));
    }
    if dice.within(0.0, 1.0) < 0.5 {
        all.reverse();
    }
    all.push(all[0].clone());
    format!("({})", all.join(","))
}

/// Rows of random areas: one to four polygons with up to two holes each, all apart.
fn rows(count: usize) -> String {
    let mut dice = Dice(11);
    let row = |id: usize, dice: &mut Dice| {
        let mut polygons = Vec::new();
        for number in 0..1 + dice.within(0.0, 4.0) as usize {
            let middle = [number as f64 * 20.0 - 40.0, dice.within(-60.0, 60.0)];
            let corners = dice.within(9.0, 60.0) as usize;
            let mut rings = vec![star(middle, corners, [5.0, 9.0], dice)];
            for hole in 0..dice.within(0.0, 3.0) as usize {
                let at = [middle[0] + [-2.0, 2.0][hole], middle[1]];
                let corners = dice.within(3.0, 20.0) as usize;
                rings.push(star(at, corners, [0.2, 1.4], dice));
            }
            polygons.push(format!("({})", rings.join(",")));
        }
        let all = polygons.join(",");
        format!("({id}, 'SRID=4326;MULTIPOLYGON({all})', {})", 1 + id % 5)
    };
    let all: Vec<String> = (0..count).map(|id| row(id, &mut dice)).collect();
    all.join(",")
}

fn points(url: &str, from: Relation, areas: AreaRule) -> Vec<Point> {
    let query = LayerQuery {
        from,
        geom: None,
        weight: Some("n".to_owned()),
        srid: None,
        keep: None,
        shapes: ShapeRules {
            areas,
            lines: LineRule::Skip,
        },
    };
    let address = Address::parse(url).unwrap();
    let mut source = Snapshot::open(&address, &query, false, false).unwrap();
    let mut points = Vec::new();
    load(&mut source, &mut points, |_| ()).unwrap();
    points
}

/// The centroid and the point inside of an area are those that PostGIS finds itself, within a step
/// of the world grid (9 mm): of 500 random areas with holes and several polygons.
#[test]
fn centroid_and_surface_are_those_of_postgis() {
    let Some(cluster) = shared() else { return };
    cluster.run(&format!(
        "CREATE TABLE areas (id int, geom geometry, n int); INSERT INTO areas VALUES {}",
        rows(500)
    ));
    let valid = cluster.run("SELECT count(*) FROM areas WHERE ST_IsValid(geom)");
    assert_eq!(valid, "500");
    for (rule, function) in [
        (AreaRule::Centroid, "ST_Centroid"),
        (AreaRule::Surface, "ST_PointOnSurface"),
    ] {
        let ordered = Relation::Sql("SELECT geom, n FROM areas ORDER BY id".to_owned());
        let found = points(&cluster.url(), ordered, rule);
        let theirs = cluster.run(&format!(
            "SET extra_float_digits = 3; SELECT ST_X(p) || ' ' || ST_Y(p) || ' ' || n FROM \
             (SELECT {function}(geom) AS p, n, id FROM areas) AS a ORDER BY id"
        ));
        assert_eq!((found.len(), theirs.lines().count()), (500, 500));
        for (point, line) in found.iter().zip(theirs.lines()) {
            let numbers: Vec<f64> = line.split(' ').map(|n| n.parse().unwrap()).collect();
            let at = mercator::project(numbers[0], numbers[1]).unwrap();
            let off = point.x.abs_diff(at.x).max(point.y.abs_diff(at.y));
            assert!(off <= 1, "{function}: {off} steps off at {line}");
            assert_eq!(f64::from(point.weight), numbers[2]);
        }
    }
}

/// A layer of areas that is read live has the values of one that is read once.
#[test]
fn areas_are_alike_live_and_read_once() {
    let Some(cluster) = shared() else { return };
    cluster.run(&format!(
        "CREATE TABLE parcels (id int, geom geometry(MultiPolygon, 4326), n int); \
         INSERT INTO parcels VALUES {}; CREATE INDEX ON parcels USING gist (geom)",
        rows(200)
    ));
    let url = cluster.url();
    let flags = |extra: &[&'static str]| -> Vec<String> {
        let all = [
            &url, "--table", "parcels", "--weight", "n", "--areas", "surface",
        ];
        let all = all.iter().map(|flag| (*flag).to_owned());
        all.chain(extra.iter().map(|flag| (*flag).to_owned()))
            .collect()
    };
    let [live, once] = [&["--live"][..], &[]].map(|extra| {
        let flags = flags(extra);
        serve(&flags.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let mut drawn = 0;
    for tile in ["1/0/0", "3/3/2", "3/4/5", "4/7/6", "5/12/13"] {
        let path = format!("/parcels/{tile}.npy?radius=30");
        let [a, b] = [&live, &once].map(|server| body(server, &path));
        assert!(a == b, "{tile}");
        drawn += usize::from(a.iter().rev().take(4096).any(|byte| *byte != 0));
    }
    assert!(drawn >= 2, "{drawn} tiles show something");
    let about = info(&[&url, "--table", "parcels", "--areas", "vertices"]);
    let vertices = "SELECT sum(ST_NPoints(geom) - ST_NRings(geom)) FROM parcels";
    assert_eq!(about["kept"].to_string(), cluster.run(vertices));
    let (code, _, message) = crate::program::heatsplat(&["info", &url, "--table", "parcels"]);
    assert!(code == 1 && message.contains("--areas"), "{message}");
}
