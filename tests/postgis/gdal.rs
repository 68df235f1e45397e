use super::cluster::shared;
use super::http::{body, densities, serve};
use crate::program::heatsplat;
use crate::python::system as python;

/// A Python script in which GDAL reads the pixels of a tile, after it has opened the description
/// that heatsplat serves.
const READ: &str = "
import sys; from osgeo import gdal; gdal.UseExceptions()
source, zoom, x, y, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
d = gdal.Open(source)
assert d.RasterXSize == 1 << 30 and '3857' in d.GetProjection(), d.GetProjection()
side = d.RasterXSize >> zoom
a = d.ReadRaster(x * side, y * side, side, side, 256, 256)
open(out, 'wb').write(a); print(d.RasterCount, len(a))
";

#[test]
fn gdal_reads_the_very_pixels() {
    let folder = crate::program::folder("gdal");
    let server = serve(&["examples/cities.csv.gz"]);
    let out = folder.join("raw");
    let read = |file: &str, zxy: [&str; 3]| {
        let path = folder.join(file.split('?').next().unwrap());
        std::fs::write(&path, body(&server, &format!("/cities/{file}"))).unwrap();
        let arguments = [
            path.to_str().unwrap(),
            zxy[0],
            zxy[1],
            zxy[2],
            out.to_str().unwrap(),
        ];
        python("osgeo", READ, &arguments).map(|said| (said, std::fs::read(&out).unwrap()))
    };
    for file in ["gdal.xml", "gdal.vrt"] {
        let look = "?ramp=viridis&radius=9";
        let Some((said, bytes)) = read(&format!("{file}{look}"), ["4", "8", "5"]) else {
            return;
        };
        assert_eq!(said, "4 262144");
        let png = body(&server, &format!("/cities/4/8/5.png{look}&format=rgba"));
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        // GDAL returns the bands one after the other.
        let bands: Vec<u8> = (0..4)
            .flat_map(|band| {
                pixels
                    .iter()
                    .skip(band)
                    .step_by(4)
                    .copied()
                    .collect::<Vec<_>>()
            })
            .collect();
        assert!(bytes == bands, "{file}");
        let Some((said, bytes)) = read(&format!("{file}?data=float32"), ["5", "17", "10"]) else {
            return;
        };
        assert_eq!(said, "1 262144");
        let floats: Vec<f32> = bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        assert!(
            floats == densities(&body(&server, "/cities/5/17/10.npy"))
                && floats.iter().any(|&v| v > 0.0),
            "{file}"
        );
    }
    for path in [
        "/cities/gdal.xml?data=nosuch",
        "/cities/gdal.vrt?ramp=nosuch",
    ] {
        assert_eq!(server.get(path, "").0, 400, "{path}");
    }
}

/// A Python script in which Mapnik draws a map with a layer from heatsplat.
const DRAW: &str = "
import sys, mapnik
MERCATOR = ('+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 '
    '+units=m +nadgrids=@null +wktext +no_defs +over')
kind, source, out = sys.argv[1:4]
m = mapnik.Map(256, 256, MERCATOR)
s = mapnik.Style(); r = mapnik.Rule(); symbol = mapnik.RasterSymbolizer()
if kind == 'pgraster':
    symbol.colorizer = mapnik.RasterColorizer(mapnik.COLORIZER_LINEAR, mapnik.Color(0, 0, 0, 0))
    for value, color in [(0.0, mapnik.Color(0, 0, 0, 0)), (1e5, mapnik.Color(255, 0, 0, 255))]:
        symbol.colorizer.add_stop(value, mapnik.COLORIZER_LINEAR, color)
r.symbols.append(symbol); s.rules.append(r); m.append_style('s', s)
layer = mapnik.Layer('heat', MERCATOR)
if kind == 'gdal':
    layer.datasource = mapnik.Gdal(file=source)
else:
    host, port, table = source.split(',')
    layer.datasource = mapnik.CreateDatasource(dict(type='pgraster', host=host, port=port, user='postgres',
        dbname='postgres', table=table, raster_field='rast', srid=3857, band=1))
layer.styles.append('s'); m.layers.append(layer)
half = 20037508.342789244
m.zoom_to_box(mapnik.Box2d(0, 0, half, half))
image = mapnik.Image(256, 256); mapnik.render(m, image)
image.save(out, 'png32'); print(sum(1 for a in image.tostring()[3::4] if a))
";

#[test]
fn mapnik_draws_a_layer_by_its_gdal_plugin() {
    let folder = crate::program::folder("mapnik");
    let server = serve(&["examples/cities.csv.gz"]);
    let file = folder.join("heat.vrt");
    std::fs::write(&file, body(&server, "/cities/gdal.vrt")).unwrap();
    let out = folder.join("out.png");
    let arguments = ["gdal", file.to_str().unwrap(), out.to_str().unwrap()];
    let Some(coloured) = python("mapnik", DRAW, &arguments) else {
        return;
    };
    assert!(coloured.parse::<u32>().unwrap() > 1000, "{coloured} pixels");
}

#[test]
fn rasters_in_the_database_have_our_values() {
    let Some(cluster) = shared() else { return };
    let owner = cluster.url_at("postgres", cluster.port);
    let output = format!("{owner}&table=heat");
    let export = [
        "export",
        "examples/cities.csv.gz",
        "-o",
        &output,
        "--zoom",
        "3-4",
        "--radius",
        "20",
    ];
    let (code, _, err) = heatsplat(&export);
    assert!(code == 0 && err.contains("rasters in heat"), "{err}");
    let (code, _, err) = heatsplat(&export);
    assert!(code == 1 && err.contains("--overwrite"), "{err}");
    let (code, _, err) = heatsplat(&[&export[..], &["--overwrite"]].concat());
    assert_eq!(code, 0, "{err}");
    assert_eq!(cluster.run("SELECT o_table_name || overview_factor FROM raster_overviews WHERE r_table_name = 'heat'"), "o_2_heat2");
    assert_eq!(
        cluster.run(
            "SELECT srid || ' ' || blocksize_x FROM raster_columns WHERE r_table_name = 'heat'"
        ),
        "3857 256"
    );
    let server = serve(&["examples/cities.csv.gz"]);
    let values = densities(&body(&server, "/cities/4/8/5.npy?radius=20"));
    // Pixel (30, 40) of the tile is read at its centre.
    let stored: f32 = cluster
        .run("SELECT ST_Value(rast, 1, 31, 41) FROM heat WHERE (z, x, y) = (4, 8, 5)")
        .parse()
        .unwrap();
    assert!(
        stored > 0.0 && stored == values[40 * 256 + 30],
        "{stored} {}",
        values[40 * 256 + 30]
    );
    let at = "ST_SetSRID(ST_MakePoint(ST_RasterToWorldCoordX(rast, 31) + ST_ScaleX(rast) / 2, \
              ST_RasterToWorldCoordY(rast, 41) + ST_ScaleY(rast) / 2), 3857)";
    let by_place: f32 = cluster
        .run(&format!(
            "SELECT ST_Value(rast, {at}) FROM heat WHERE (z, x, y) = (4, 8, 5)"
        ))
        .parse()
        .unwrap();
    assert_eq!(by_place, stored);
    let read = "
import sys, struct; from osgeo import gdal; gdal.UseExceptions()
d = gdal.Open(sys.argv[1]); x0, px, _, y0, _, py = d.GetGeoTransform(); half = 20037508.342789244
x, y = (8 * 256 + 30 + .5) * px - half, half + (5 * 256 + 40 + .5) * py
b = d.ReadRaster(int((x - x0) / px), int((y - y0) / py), 1, 1)
print(struct.unpack('f', b)[0])";
    let source = format!(
        "PG:host=127.0.0.1 port={} user=postgres dbname=postgres table=heat mode=2",
        cluster.port
    );
    let Some(by_gdal) = python("osgeo", read, &[&source]) else {
        return;
    };
    assert_eq!(by_gdal.parse::<f64>().unwrap(), f64::from(stored));
    let out = crate::program::folder("pgraster").join("out.png");
    let source = format!("127.0.0.1,{},heat", cluster.port);
    let Some(drawn) = python(
        "mapnik",
        DRAW,
        &["pgraster", &source, out.to_str().unwrap()],
    ) else {
        return;
    };
    assert!(drawn.parse::<u32>().unwrap() > 1000, "{drawn} pixels");
}
