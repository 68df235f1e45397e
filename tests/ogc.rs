//! WMS, WMTS and OGC API as GIS programs read them: GDAL, and OWSLib.

use crate::program::Server;
use crate::python::{packaged, system};

/// A Python script in which GDAL opens both services and reads a picture of Europe from each.
const GDAL: &str = "
import sys
from osgeo import gdal
gdal.UseExceptions()
base = sys.argv[1]
box = dict(projWin=[-20, 60, 30, 35], projWinSRS='EPSG:4326', width=200, height=100)
def heat(source):
    data = gdal.Open(source)
    small = gdal.Translate('/vsimem/small.tif', data, **box)
    alpha = small.GetRasterBand(small.RasterCount).ReadRaster()
    return data.RasterCount, len([a for a in alpha if a > 0]) * 100 // len(alpha)
print(*heat(f'WMTS:{base}/wmts/1.0.0/WMTSCapabilities.xml,layer=cities,style=viridis'))
listed = gdal.Open(f'WMS:{base}/wms?SERVICE=WMS&VERSION=1.1.1&REQUEST=GetCapabilities')
names = [name for name, _ in listed.GetSubDatasets() if 'LAYERS=cities' in name]
print(len(names) > 0)
for version, crs in [('1.1.1', 'SRS=EPSG:4326'), ('1.3.0', 'CRS=CRS:84')]:
    service = f'WMS:{base}/wms?SERVICE=WMS&VERSION={version}&REQUEST=GetMap&LAYERS=cities&STYLES='
    print(*heat(f'{service}&{crs}&BBOX=-20,35,30,60&FORMAT=image/png&TRANSPARENT=TRUE'))
";

/// A Python script in which GDAL finds a layer from the landing page of OGC API on, and reads a
/// picture of Europe from its tiles and from its maps.
const OGC_API: &str = "
import sys
from osgeo import gdal
gdal.UseExceptions()
base = sys.argv[1]
listed = gdal.OpenEx(f'OGCAPI:{base}/', gdal.OF_RASTER)
names = [name for name, _ in listed.GetSubDatasets()]
print(*[name.split('?')[0].rsplit('/', 1)[1] for name in names])
box = dict(projWin=[-20, 60, 30, 35], projWinSRS='EPSG:4326', width=200, height=100)
edge = 20037508.342789244
# GDAL 3.6 takes the extent of a collection for one in the coordinates of the grid.
grid = [f'MINX={-edge}', f'MINY={-edge}', f'MAXX={edge}', f'MAXY={edge}']
for api, more in [('TILES', grid), ('MAP', [])]:
    options = [f'API={api}', 'CACHE=NO', *more]
    data = gdal.OpenEx(names[0], gdal.OF_RASTER, open_options=options)
    small = gdal.Translate('/vsimem/small.tif', data, **box)
    alpha = small.GetRasterBand(small.RasterCount).ReadRaster()
    share = len([a for a in alpha if a > 0]) * 100 // len(alpha)
    print(data.RasterCount, share, data.GetSpatialRef().GetAuthorityCode(None))
";

/// A Python script in which OWSLib reads the documents of OGC API.
const OWSLIB_API: &str = "
import sys
from owslib.ogcapi.maps import Maps
base = sys.argv[1]
maps = Maps(base, headers={'Accept': 'application/json'})
assert [one['id'] for one in maps.collections()['collections']] == ['cities']
assert maps.collection('cities')['title'] == 'cities'
assert any('ogcapi-maps-1' in name for name in maps.conformance()['conformsTo'])
assert '/collections/{layer}/map' in maps.api()['paths']
drawn = maps.map('cities', bbox=[-10, 40, 20, 60], width=300, height=200, transparent=True)
print(len(drawn.read()))
";

/// A Python script in which OWSLib reads capabilities, maps, values and a tile, and gets an error.
const OWSLIB: &str = "
import sys
from owslib.util import ServiceException
from owslib.wms import WebMapService
from owslib.wmts import WebMapTileService
base = sys.argv[1]
view = dict(srs='EPSG:4326', bbox=(-10, 40, 20, 60), size=(300, 200))
for version in ['1.1.1', '1.3.0']:
    wms = WebMapService(f'{base}/wms', version=version)
    assert list(wms.contents) == ['cities'], wms.contents
    assert 'viridis' in wms['cities'].styles, wms['cities'].styles
    png = dict(format='image/png', transparent=True)
    drawn = wms.getmap(layers=['cities'], styles=['viridis'], **view, **png).read()
    assert drawn[:4] == b'\\x89PNG', drawn[:200]
    asked = dict(query_layers=['cities'], info_format='text/plain', xy=(150, 100))
    info = wms.getfeatureinfo(layers=['cities'], **view, **asked).read().decode()
    assert 'lon = 5.' in info and 'lat = 49.' in info, info
    try:
        wms.getmap(layers=['nosuch'], styles=[''], **view, **png)
        raise SystemExit('an unknown layer was drawn')
    except ServiceException as error:
        assert 'no such layer' in str(error), error
wmts = WebMapTileService(f'{base}/wmts')
place = dict(tilematrixset='WebMercatorQuad', tilematrix='4', row=5, column=8)
tile = wmts.gettile(layer='cities', style='default', format='image/png', **place).read()
print(len(tile))
";

#[test]
fn gis_programs_read_the_services() {
    let server = Server::start(&["examples/cities.csv.gz"]);
    let base = format!("http://{}", server.address);
    if let Some(seen) = system("osgeo", GDAL, &[&base]) {
        let lines: Vec<&str> = seen.lines().collect();
        assert_eq!(lines.len(), 4, "{seen}");
        assert_eq!(lines[1], "True", "{seen}");
        for line in [lines[0], lines[2], lines[3]] {
            let (bands, heat) = line.split_once(' ').unwrap();
            let heat: u32 = heat.parse().unwrap();
            assert!(bands == "4" && (20..95).contains(&heat), "{seen}");
        }
    }
    if let Some(seen) = packaged("owslib", OWSLIB, &[&base]) {
        let (status, _, tile) = server.get("/cities/4/8/5.png", "");
        assert_eq!((status, seen), (200, tile.len().to_string()));
    }
}

#[test]
fn gis_programs_read_the_newer_services() {
    let server = Server::start(&["examples/cities.csv.gz"]);
    let base = format!("http://{}", server.address);
    if let Some(seen) = system("osgeo", OGC_API, &[&base]) {
        let lines: Vec<&str> = seen.lines().collect();
        assert_eq!((lines.len(), lines[0]), (3, "cities"), "{seen}");
        for (line, crs) in [(lines[1], "3857"), (lines[2], "4326")] {
            let words: Vec<&str> = line.split(' ').collect();
            let heat: u32 = words[1].parse().unwrap();
            assert!(words[0] == "4" && words[2] == crs, "{seen}");
            assert!((20..95).contains(&heat), "{seen}");
        }
    }
    if let Some(seen) = packaged("owslib", OWSLIB_API, &[&base]) {
        let address = "/collections/cities/map?bbox=-10,40,20,60&width=300&height=200";
        let (status, _, map) = server.get(address, "");
        assert_eq!((status, seen), (200, map.len().to_string()));
    }
}
