use crate::program::{Server, command};
use heatsplat::{Format, Layer, Points, Style, TileId, TileSize};
use std::process::Stdio;

fn points() -> Vec<(f64, f64, f32)> {
    (0..500)
        .map(|i| {
            (
                f64::from(i % 37) * 3.0 - 50.0,
                f64::from(i % 23) * 4.0 - 40.0,
                1.0,
            )
        })
        .collect()
}

fn csv() -> String {
    let rows = points()
        .into_iter()
        .map(|(lon, lat, w)| format!("{lon},{lat},{w}\n"));
    std::iter::once("lon,lat,weight\n".to_owned())
        .chain(rows)
        .collect()
}

#[test]
fn a_tile_over_http_is_the_librarys_tile() {
    let dir = crate::program::folder("serve");
    let file = dir.join("grid.csv");
    std::fs::write(&file, csv()).unwrap();
    let server = Server::start(&[file.to_str().unwrap(), "examples/cities.csv.gz"]);
    assert_eq!(server.get("/ready", "").0, 200);

    let layer = Layer::on_cpu(
        "grid",
        Points::from_lon_lat(points()).unwrap(),
        Style::default(),
    );
    let tile = TileId::new(2, 1, 1).unwrap();
    for (query, size, words) in [
        ("", TileSize::NORMAL, &[][..]),
        ("@2x", TileSize::RETINA, &[][..]),
        (
            "?radius=30px&ramp=viridis_r&scale=sqrt",
            TileSize::NORMAL,
            &[("radius", "30px"), ("ramp", "viridis_r"), ("scale", "sqrt")],
        ),
    ] {
        let style = crate::scenes::style(words);
        let expected = layer.tile_bytes(tile, size, &style, Format::Png).unwrap();
        let (at, style) = if query.starts_with('@') {
            (query, "")
        } else {
            ("", query)
        };
        let (status, head, body) = server.get(&format!("/grid/2/1/1{at}.png{style}"), "");
        assert_eq!((status, body.as_slice()), (200, &expected[..]), "{query}");
        // seen once, the tile is not sent again
        let etag = head
            .lines()
            .find_map(|l| l.strip_prefix("etag: "))
            .expect("an ETag");
        let again = server.get(
            &format!("/grid/2/1/1{at}.png{style}"),
            &format!("If-None-Match: {etag}\r\n"),
        );
        assert_eq!((again.0, again.2.len()), (304, 0), "{query}");
    }

    let (status, _, catalog) = server.get("/catalog", "");
    let catalog: serde_json::Value = serde_json::from_slice(&catalog).unwrap();
    assert_eq!(status, 200);
    let ids: Vec<_> = catalog["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["id"].clone())
        .collect();
    assert_eq!(ids, ["grid", "cities"]);

    for (path, hint) in [
        ("/grid/2/4/1.png", "tile"),
        ("/grid/25/0/0.png", "24"),
        ("/grid/0/0/0.png?ramp=nosuch", "inferno"),
        ("/grid/0/0/0.png?colour=red", "radius"),
        ("/grid/value?lon=NaN&lat=0", "lon"),
        ("/grid/map.png?bbox=9,0,-9,5", "inside out"),
    ] {
        let (status, head, body) = server.get(path, "");
        let body = String::from_utf8_lossy(&body);
        assert!(
            status == 400 && body.contains(hint),
            "{path}: {status} {body}"
        );
        assert!(
            head.contains("access-control-allow-origin: *"),
            "{path}: {head}"
        );
    }
}

#[test]
fn a_port_in_use_is_said_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let out = command(&["serve", "examples/cities.csv.gz", "--listen", &address])
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.code() == Some(1) && err.contains(&address),
        "{err}"
    );
}

/// Points from a pipe, and a clean end on a signal.
#[cfg(unix)]
#[test]
fn points_from_a_pipe_and_an_orderly_end() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let mut child = command(&["serve", "-", "--listen", "127.0.0.1:0", "--name", "piped"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(csv().as_bytes())
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("http://127.0.0.1:"), "{line}");
    let kill = std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
