use crate::compare::decode_png;
use crate::program::{folder, heatsplat};
use image::RgbaImage;

const CITIES: &str = "examples/cities.csv.gz";

/// Draws a map of the cities, and returns it with the bytes of its file.
fn drawn(name: &str, flags: &[&str]) -> (RgbaImage, Vec<u8>) {
    let file = folder(&format!("static-maps-{name}")).join(name);
    let path = file.to_str().unwrap();
    let (code, _, err) = heatsplat(&[&["render", CITIES, "-o", path][..], flags].concat());
    assert_eq!(code, 0, "{err}");
    let bytes = std::fs::read(&file).unwrap();
    (decode_png(&bytes), bytes)
}

/// The pixel of a picture of the whole world at a place.
fn at(world: &RgbaImage, lon: f64, lat: f64) -> [u8; 4] {
    let side = f64::from(world.width());
    let y = lat.to_radians().tan().asinh() / std::f64::consts::PI;
    let (x, y) = ((lon / 360.0 + 0.5) * side, (0.5 - y / 2.0) * side);
    world.get_pixel(x as u32, y as u32).0
}

/// Maps in projected systems: of the shape that the box has there, in a GeoTIFF with their place,
/// with land where land is; what can't be drawn is refused with a reason.
#[test]
fn a_map_in_a_projected_system() {
    let flags = [
        "--projection",
        "EPSG:3995",
        "--bbox=-180,60,180,85",
        "--size=300",
        "--coastline",
        "--background=#000",
    ];
    let (arctic, _) = drawn("arctic.png", &flags);
    assert_eq!(arctic.dimensions(), (300, 300));
    // The pole lies in the sea, Greenland's middle (at 40° west and 72° north) on land.
    let shade = |east: f64, north: f64| {
        let metres = 6_640_000.0 / 300.0;
        let at = |v: f64| (150.0 + v / metres) as u32;
        arctic.get_pixel(at(east), at(-north)).0[0]
    };
    assert_eq!(shade(0.0, 0.0), 0);
    assert_eq!(shade(-1_262_000.0, -1_504_000.0), 18);
    // Lines of coasts go around.
    let lines = arctic.pixels().filter(|p| p.0[0] > 20 && p.0[0] == p.0[2]);
    assert!(lines.count() > 1_000);

    let file = folder("static-maps-projected").join("europe.tif");
    let path = file.to_str().unwrap();
    let europe = ["--projection=3035", "--bbox=-10,36,30,70", "--size=200"];
    let (code, _, err) = heatsplat(&[&["render", CITIES, "-o", path][..], &europe].concat());
    assert_eq!(code, 0, "{err}");
    // GeoTIFF's key of the projection, 3072, has the number 3035.
    let bytes = std::fs::read(&file).unwrap();
    let key: Vec<u8> = [3072u16, 0, 1, 3035]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    assert!(bytes.windows(key.len()).any(|at| at == key));

    for (flags, word) in [
        (&["--projection", "4326"][..], "longitudes and latitudes"),
        (&["--projection", "3857"], "Web Mercator"),
        (&["--projection", "Europe"], "EPSG number"),
        (
            &["--projection", "3995", "--radius", "30km"],
            "metres and km²",
        ),
        (
            &["--projection", "3035", "--scale", "local"],
            "Web Mercator only",
        ),
    ] {
        let all = [&["render", CITIES, "-o", "never.png"][..], flags].concat();
        let (code, _, err) = heatsplat(&all);
        assert!(code != 0 && err.contains(word), "{flags:?}: {err}");
    }
}

#[test]
fn a_map_for_paper_has_the_pixels_and_the_dots_of_its_size() {
    let europe = "--bbox=-10,35,30,60";
    let flags = [
        europe,
        "--size",
        "5x4cm",
        "--dpi",
        "254",
        "--background",
        "white",
    ];
    let (map, bytes) = drawn("paper.png", &flags);
    assert_eq!(map.dimensions(), (500, 400));
    let reader = png::Decoder::new(std::io::Cursor::new(&bytes))
        .read_info()
        .unwrap();
    let dots = reader.info().pixel_dims.unwrap();
    assert_eq!(
        (dots.xppu, dots.yppu, dots.unit),
        (10_000, 10_000, png::Unit::Meter)
    );
    let (screen, _) = drawn("screen.png", &[europe, "--size", "2x1.6in", "--dpi", "96"]);
    assert_eq!(screen.dimensions(), (192, 154));
    for (flags, word) in [
        (&["--size", "100x50", "--dpi", "300"][..], "--dpi"),
        (&["--size", "10x5cm", "--dpi", "9999"], "10..=2400"),
        (&["--size", "200cm", "--dpi", "300"], "--size"),
        (&["--font", "README.md"], "--font is for"),
        (&["--font", "README.md", "--title", "A"], "--font README.md"),
    ] {
        let all = [&["render", CITIES, "-o", "never.png", europe][..], flags].concat();
        let (code, _, err) = heatsplat(&all);
        assert!(code != 0 && err.contains(word), "{err}");
    }
}

#[test]
fn a_box_that_is_too_narrow_is_named() {
    let bbox = "--bbox=0,-80,0.00001,80";
    let (code, _, err) = heatsplat(&["render", CITIES, "-o", "never.png", bbox]);
    assert!(code != 0 && err.contains("so narrow"), "{err}");
}

#[test]
fn a_light_ground_has_a_light_ramp_unless_one_is_chosen() {
    let map = |name: &str, flags: &[&str]| drawn(name, &[&["--size", "300"], flags].concat()).0;
    let (light, dark) = (
        &["--background", "white"][..],
        &["--background", "black"][..],
    );
    let chosen = |ramp| [light, &["--ramp", ramp]].concat();
    let plain = map("light.png", light);
    assert!(plain == map("dusk.png", &chosen("dusk")));
    assert!(plain != map("inferno.png", &chosen("inferno")));
    let on_black = [dark, &["--ramp", "inferno"]].concat();
    assert!(map("dark.png", dark) == map("black.png", &on_black));
}

#[test]
fn the_coastline_is_where_the_land_is() {
    let world = [
        "--bbox=-180,-85.05112877980659,180,85.05112877980659",
        "--size",
        "1024",
    ];
    let map = |name: &str, flags: &[&str]| drawn(name, &[&world[..], flags].concat()).0;
    let coast = ["--coastline", "--background", "#101820"];
    let (with, without) = (map("coast.png", &coast), map("none.png", &coast[1..]));
    let (land, sea) = (
        [(23.0, 22.0), (-45.0, 72.0), (90.0, -75.0)],
        [(-40.0, 30.0), (80.0, -30.0)],
    );
    for (lon, lat) in land {
        assert!(
            at(&with, lon, lat)[0] > at(&without, lon, lat)[0] + 8,
            "land at {lon} {lat}"
        );
    }
    for (lon, lat) in sea {
        assert_eq!(
            at(&with, lon, lat),
            at(&without, lon, lat),
            "sea at {lon} {lat}"
        );
    }
    // The world is cut at ±180°, which is no coast: the land there is as bright as beside it.
    for (x, y) in [(0, 1018), (1023, 1018)] {
        let beside = with.get_pixel(if x == 0 { 12 } else { 1011 }, y);
        assert_eq!(with.get_pixel(x, y), beside, "{x} {y}");
    }
    // Without a background the land is translucent, and the sea transparent.
    let clear = map("clear.png", &["--coastline"]);
    assert!((20..128).contains(&at(&clear, 23.0, 22.0)[3]) && at(&clear, -40.0, 30.0)[3] == 0);
}
