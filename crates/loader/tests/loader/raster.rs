//! Rasters: GeoTIFF and arrays of NumPy, whose pixels with a value are points.

use crate::archive::zipped;
use crate::{Folder, opened};
use heatsplat_loader::{LoadOptions, Report, load, open, read};
use heatsplat_points::{Point, mercator};
use std::io::Write;

/// A writer of small TIFF files: tags, and strips or tiles with any bytes.
#[derive(Clone)]
pub(crate) struct TiffWriter {
    /// Number, type, count and bytes of each tag.
    tags: Vec<(u16, u16, u32, Vec<u8>)>,
    blocks: Vec<Vec<u8>>,
}

impl TiffWriter {
    /// A file of one strip with numbers of `bits` bits; `format` is 1 for unsigned numbers, 2 for
    /// signed ones and 3 for floats.
    fn new((width, height): (u32, u32), bits: u16, format: u16) -> Self {
        let plain = Self {
            tags: Vec::new(),
            blocks: Vec::new(),
        };
        plain
            .longs(256, &[width])
            .longs(257, &[height])
            .shorts(258, &[bits])
            .shorts(259, &[1])
            .shorts(262, &[1])
            .shorts(277, &[1])
            .longs(278, &[height])
            .shorts(339, &[format])
    }

    fn tag(mut self, tag: u16, kind: u16, count: usize, bytes: Vec<u8>) -> Self {
        self.tags.retain(|known| known.0 != tag);
        self.tags.push((tag, kind, count as u32, bytes));
        self
    }

    fn without(mut self, tag: u16) -> Self {
        self.tags.retain(|known| known.0 != tag);
        self
    }

    fn text(self, tag: u16, text: &str) -> Self {
        let text = format!("{text}\0");
        self.tag(tag, 2, text.len(), text.into_bytes())
    }

    fn shorts(self, tag: u16, values: &[u16]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        let bytes = bytes.collect();
        self.tag(tag, 3, values.len(), bytes)
    }

    fn longs(self, tag: u16, values: &[u32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        let bytes = bytes.collect();
        self.tag(tag, 4, values.len(), bytes)
    }

    fn doubles(self, tag: u16, values: &[f64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        let bytes = bytes.collect();
        self.tag(tag, 12, values.len(), bytes)
    }

    /// Places the first pixel's corner, and gives the size of pixels.
    fn at(self, (x, y): (f64, f64), (width, height): (f64, f64)) -> Self {
        self.doubles(33550, &[width, height, 0.0])
            .doubles(33922, &[0.0, 0.0, 0.0, x, y, 0.0])
    }

    /// GeoKeys, each with its value in the directory.
    fn keys(self, keys: &[(u16, u16)]) -> Self {
        let mut all = vec![1, 1, 0, keys.len() as u16];
        all.extend(keys.iter().flat_map(|(key, value)| [*key, 0, 1, *value]));
        self.shorts(34735, &all)
    }

    fn block(mut self, bytes: Vec<u8>) -> Self {
        self.blocks.push(bytes);
        self
    }

    fn floats(self, values: &[f32]) -> Self {
        self.block(
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        )
    }

    /// Writes the file; the last `images` are further images without blocks of their own.
    fn bytes(mut self) -> Vec<u8> {
        let is_tiled = self.tags.iter().any(|known| known.0 == 322);
        let (offsets, sizes) = if is_tiled { (324, 325) } else { (273, 279) };
        let lengths: Vec<u32> = self.blocks.iter().map(|block| block.len() as u32).collect();
        if !self.tags.iter().any(|known| known.0 == sizes) {
            self = self.longs(sizes, &lengths);
        }
        let places = vec![0; lengths.len()];
        self = self.longs(offsets, &places);
        self.tags.sort_by_key(|known| known.0);
        let directory = 8 + 2 + 12 * self.tags.len() + 4;
        let long = |tag: &&(u16, u16, u32, Vec<u8>)| tag.3.len() > 4;
        let outside: usize = self.tags.iter().filter(long).map(|tag| tag.3.len()).sum();
        let mut place = (directory + outside) as u32;
        let mut starts = Vec::new();
        for length in &lengths {
            starts.push(if *length == 0 { 0 } else { place });
            place += length;
        }
        for tag in &mut self.tags {
            if tag.0 == offsets {
                tag.3 = starts
                    .iter()
                    .flat_map(|start| start.to_le_bytes())
                    .collect();
            }
        }
        let mut file = b"II*\0\x08\0\0\0".to_vec();
        file.extend((self.tags.len() as u16).to_le_bytes());
        let mut behind: Vec<u8> = Vec::new();
        for (tag, kind, count, bytes) in &self.tags {
            file.extend(tag.to_le_bytes());
            file.extend(kind.to_le_bytes());
            file.extend(count.to_le_bytes());
            if bytes.len() > 4 {
                file.extend(((directory + behind.len()) as u32).to_le_bytes());
                behind.extend(bytes);
            } else {
                file.extend(bytes);
                file.extend(vec![0; 4 - bytes.len()]);
            }
        }
        file.extend([0; 4]);
        file.extend(behind);
        file.extend(self.blocks.concat());
        file
    }
}

/// A raster of 24 pixels with values, for damages: two strips, one of them packed.
pub(crate) fn small_tiff() -> Vec<u8> {
    let row = |from: u32| (from..from + 12).flat_map(|value| (value as f32).to_le_bytes());
    let first: Vec<u8> = row(1).collect();
    TiffWriter::new((6, 4), 32, 3)
        .longs(278, &[2])
        .shorts(259, &[1])
        .at((-10.0, 50.0), (2.0, 2.0))
        .keys(&[(1024, 2), (2048, 4326)])
        .block(first)
        .block(row(13).collect())
        .bytes()
}

/// An array of NumPy with 24 numbers.
pub(crate) fn small_npy() -> Vec<u8> {
    let numbers: Vec<u8> = (1..25_u16).flat_map(u16::to_le_bytes).collect();
    npy("'<u2'", false, "(4, 6)", &numbers)
}

fn npy(kind: &str, is_by_columns: bool, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let order = if is_by_columns { "True" } else { "False" };
    let mut text = format!("{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}");
    while (10 + text.len() + 1) % 64 != 0 {
        text.push(' ');
    }
    text.push('\n');
    let length = (text.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], text.as_bytes(), numbers].concat()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    zlib.write_all(bytes).unwrap();
    zlib.finish().unwrap()
}

fn of_file(
    name: &str,
    bytes: &[u8],
    options: &LoadOptions,
) -> Result<(Vec<Point>, Report, String), String> {
    let folder = Folder::new(&format!("raster-{name}"));
    let path = folder.file(&format!("a.{}", name.rsplit('.').next().unwrap()));
    std::fs::write(&path, bytes).unwrap();
    let mut source = open(&path, options).map_err(|error| error.to_string())?;
    let why = source.columns().why.clone();
    let mut points = Vec::new();
    let report = load(&mut *source, &mut points, |_| ()).map_err(|error| error.to_string())?;
    Ok((points, report, why))
}

fn places(points: &[Point]) -> Vec<(f64, f64, f32)> {
    let round = |v: f64| (v * 1e5).round() / 1e5;
    let place = |p: &Point| {
        let (lon, lat) = mercator::unproject(p.at());
        (round(lon), round(lat), p.weight)
    };
    points.iter().map(place).collect()
}

fn places_of(name: &str, file: TiffWriter) -> Vec<(f64, f64, f32)> {
    let loaded = of_file(
        &format!("{name}.tif"),
        &file.bytes(),
        &LoadOptions::default(),
    );
    places(&loaded.unwrap().0)
}

fn extent(text: &str) -> LoadOptions {
    LoadOptions {
        extent: Some(text.parse().unwrap()),
        ..LoadOptions::default()
    }
}

#[test]
fn pixels_with_values_are_points_at_their_middles() {
    let file = TiffWriter::new((3, 2), 32, 3)
        .at((10.0, 50.0), (0.5, 0.25))
        .keys(&[(1024, 2), (2048, 4326)])
        .text(42113, "-9999 ")
        .floats(&[1.0, -9999.0, 0.0, f32::NAN, 2.5, -3.0])
        .bytes();
    let (points, report, why) = of_file("plain.tif", &file, &LoadOptions::default()).unwrap();
    assert_eq!(
        places(&points),
        [
            (10.25, 49.875, 1.0),
            (11.25, 49.875, 0.0),
            (10.75, 49.625, 2.5),
            (11.25, 49.625, -3.0),
        ]
    );
    assert_eq!((report.rows, report.kept), (4, 4));
    assert_eq!(
        report.notes(),
        ["2 of 6 pixels have no value and are left out"]
    );
    assert_eq!(
        why,
        "read as a raster (GeoTIFF) of 3 × 2 pixels: points at the middles of those that have a \
         value, weight from \"value\""
    );
    let filtered = LoadOptions {
        filter: Some("value > 0.5".parse().unwrap()),
        keep: vec!["value".to_owned()],
        weight: Some("none".to_owned()),
        ..LoadOptions::default()
    };
    let (points, report, _) = of_file("filtered.tif", &file, &filtered).unwrap();
    assert_eq!(
        places(&points),
        [(10.25, 49.875, 1.0), (10.75, 49.625, 1.0)]
    );
    assert_eq!(report.filtered, 2);
    // In an archive it is the data set.
    let archive = zipped(&[("a/grid.tif", &file), ("readme.txt", b"about")]);
    let (points, ..) = of_file("packed.zip", &archive, &LoadOptions::default()).unwrap();
    assert_eq!(points.len(), 4);
    let stream = read(std::io::Cursor::new(file), "a.tif", &LoadOptions::default());
    let message = stream.err().unwrap().to_string();
    assert!(message.contains("name an unpacked file"), "{message}");
}

#[test]
fn numbers_of_all_types_and_both_kinds_of_blocks() {
    let numbers = |bits: u16, format: u16| -> Vec<u8> {
        let of = |value: i64| match (bits, format) {
            (8, _) => vec![value as u8],
            (16, 3) => match value {
                1 => vec![0x00, 0x3c],
                _ => vec![0x00, 0x40],
            },
            (16, _) => (value as u16).to_le_bytes().to_vec(),
            (32, 3) => (value as f32).to_le_bytes().to_vec(),
            (32, _) => (value as u32).to_le_bytes().to_vec(),
            (_, 3) => (value as f64).to_le_bytes().to_vec(),
            _ => (value as u64).to_le_bytes().to_vec(),
        };
        [of(1), of(2)].concat()
    };
    for (bits, format) in [
        (8, 1),
        (8, 2),
        (16, 1),
        (16, 2),
        (16, 3),
        (32, 1),
        (32, 2),
        (32, 3),
        (64, 1),
        (64, 2),
        (64, 3),
    ] {
        let file = TiffWriter::new((2, 1), bits, format)
            .at((0.0, 1.0), (1.0, 1.0))
            .block(numbers(bits, format));
        let expected = [(0.5, 0.5, 1.0), (1.5, 0.5, 2.0)];
        assert_eq!(places_of("types", file), expected, "{bits} {format}");
    }
    // Tiles of 16 × 16, of which those at the edges are partly outside and one is not stored.
    let tile = |value: f32, used: usize| -> Vec<u8> {
        let of = |at: usize| if at % 16 < used { value } else { 7.0 };
        (0..256).flat_map(|at| of(at).to_le_bytes()).collect()
    };
    let file = TiffWriter::new((18, 17), 32, 3)
        .without(278)
        .longs(322, &[16])
        .longs(323, &[16])
        .shorts(259, &[8])
        .at((0.0, 17.0), (1.0, 1.0))
        .block(deflated(&tile(1.0, 16)))
        .block(deflated(&tile(2.0, 2)))
        .block(Vec::new())
        .block(deflated(&tile(3.0, 2)))
        .bytes();
    let (points, report, _) = of_file("tiled.tif", &file, &LoadOptions::default()).unwrap();
    assert_eq!(report.kept, 256 + 32 + 2);
    let sum: f32 = points.iter().map(|point| point.weight).sum();
    assert_eq!(sum, 256.0 + 2.0 * 32.0 + 3.0 * 2.0);
    assert_eq!(
        report.notes(),
        ["16 of 306 pixels have no value and are left out"]
    );
    assert_eq!(places(&points)[289], (17.5, 0.5, 3.0));
}

#[test]
fn a_box_reads_only_the_blocks_it_touches() {
    let row = |value: f32| -> Vec<u8> { [value; 4].iter().flat_map(|v| v.to_le_bytes()).collect() };
    let file = TiffWriter::new((4, 3), 32, 3)
        .longs(278, &[1])
        .shorts(259, &[8])
        .at((0.0, 3.0), (1.0, 1.0))
        .block(deflated(&row(1.0)))
        .block(b"no zlib at all".to_vec())
        .block(deflated(&row(3.0)))
        .bytes();
    let within = LoadOptions {
        within: "1.2,0.1,2.8,0.9".parse().ok(),
        ..LoadOptions::default()
    };
    let (points, report, _) = of_file("within.tif", &file, &within).unwrap();
    assert_eq!(places(&points), [(1.5, 0.5, 3.0), (2.5, 0.5, 3.0)]);
    assert_eq!(report.filtered, 2);
    let message = of_file("broken.tif", &file, &LoadOptions::default()).unwrap_err();
    assert!(message.contains("strip or tile 2: damaged"), "{message}");
}

#[test]
fn places_by_matrices_middles_and_coordinate_systems() {
    let file = || TiffWriter::new((2, 1), 8, 1).block(vec![1, 2]);
    // A matrix that turns the raster by 90°: rows go east.
    let mut matrix = [0.0; 16];
    (matrix[1], matrix[3]) = (2.0, 10.0);
    (matrix[4], matrix[7], matrix[15]) = (-4.0, 50.0, 1.0);
    let turned = file().doubles(34264, &matrix);
    assert_eq!(
        places_of("turned", turned),
        [(11.0, 48.0, 1.0), (11.0, 44.0, 2.0)]
    );
    // RasterPixelIsPoint: the middle of the first pixel is at the place that is stated.
    let middles = file()
        .at((10.0, 50.0), (1.0, 1.0))
        .keys(&[(1024, 2), (1025, 2), (2048, 4326)]);
    assert_eq!(
        places_of("middles", middles),
        [(10.0, 50.0, 1.0), (11.0, 50.0, 2.0)]
    );
    // Web Mercator, a zone of UTM, and Esri's definition as text.
    let mercator = file()
        .at(
            (0.0, 111_325.142_866_f64),
            (222_638.981_587, 222_650.285_732),
        )
        .keys(&[(1024, 1), (3072, 3857)]);
    assert_eq!(
        places_of("mercator", mercator),
        [(1.0, 0.0, 1.0), (3.0, 0.0, 2.0)]
    );
    let zone = file()
        .at((499_000.0, 5_000_000.0), (2000.0, 2000.0))
        .keys(&[(1024, 1), (3072, 32631)]);
    let lon = places_of("zone", zone)[0].0;
    assert_eq!(lon, 3.0);
    let wkt = "ESRI PE String = PROJCS[\"Mine\",GEOGCS[\"GCS_WGS_1984\",DATUM[\"D_WGS_1984\",\
               SPHEROID[\"WGS_1984\",6378137.0,298.257223563]],PRIMEM[\"Greenwich\",0.0],\
               UNIT[\"Degree\",0.0174532925199433]],PROJECTION[\"Transverse_Mercator\"],\
               PARAMETER[\"False_Easting\",500000.0],PARAMETER[\"False_Northing\",0.0],\
               PARAMETER[\"Central_Meridian\",15.0],PARAMETER[\"Scale_Factor\",1.0],\
               PARAMETER[\"Latitude_Of_Origin\",0.0],UNIT[\"Meter\",1.0]]|";
    let own = |text: &str| {
        let length = text.len() as u16;
        file()
            .at((499_000.0, 5_000_000.0), (2000.0, 2000.0))
            .shorts(
                34735,
                &[
                    1, 1, 0, 3, 1024, 0, 1, 1, 3072, 0, 1, 32767, 3073, 34737, length, 0,
                ],
            )
            .text(34737, text)
    };
    assert_eq!(places_of("esri", own(wkt))[0].0, 15.0);
    let unnamed = own("Our grid|").bytes();
    let message = of_file("own.tif", &unnamed, &LoadOptions::default()).unwrap_err();
    assert!(
        message.contains("coordinate system is not known: \"Our grid\", which has no EPSG number"),
        "{message}"
    );
    let named = LoadOptions {
        srid: Some(32631),
        ..LoadOptions::default()
    };
    let (points, ..) = of_file("named.tif", &unnamed, &named).unwrap();
    assert_eq!(places(&points)[0].0, 3.0);
    let stated = file()
        .at((0.0, 1.0), (1.0, 1.0))
        .keys(&[(1024, 2), (2048, 4326)]);
    let message = of_file("twice.tif", &stated.bytes(), &named).unwrap_err();
    assert!(message.contains("`srid`: its GeoKeys states"), "{message}");
}

#[test]
fn bands_transparency_and_factors() {
    // Two bands beside each other, then one after the other.
    let place = |file: TiffWriter| file.at((0.0, 1.0), (1.0, 1.0));
    let beside = TiffWriter::new((2, 1), 8, 1)
        .shorts(277, &[2])
        .shorts(338, &[0]);
    let beside = place(beside).block(vec![1, 10, 2, 20]);
    let planar = TiffWriter::new((2, 1), 8, 1)
        .shorts(277, &[2])
        .shorts(338, &[0])
        .shorts(284, &[2]);
    let planar = place(planar).block(vec![1, 2]).block(vec![10, 20]);
    for (name, file) in [("beside", beside.clone()), ("planar", planar)] {
        let message = of_file("bands.tif", &file.clone().bytes(), &LoadOptions::default());
        let message = message.unwrap_err();
        assert!(
            message.contains(
                "`weight`: this raster has several bands; choose one: \"band_1\", \"band_2\""
            ),
            "{message}"
        );
        let second = LoadOptions {
            weight: Some("band_2".to_owned()),
            filter: Some("band_1 > 1".parse().unwrap()),
            ..LoadOptions::default()
        };
        let (points, ..) = of_file("second.tif", &file.bytes(), &second).unwrap();
        assert_eq!(places(&points), [(1.5, 0.5, 20.0)], "{name}");
    }
    // A block that is not stored leaves the other bands their values.
    let options = |band: &str| LoadOptions {
        weight: Some(band.to_owned()),
        ..LoadOptions::default()
    };
    let partly = TiffWriter::new((2, 1), 8, 1)
        .shorts(277, &[2])
        .shorts(338, &[0])
        .shorts(284, &[2]);
    let partly = place(partly).block(Vec::new()).block(vec![10, 20]).bytes();
    let (points, ..) = of_file("partly.tif", &partly, &options("band_2")).unwrap();
    assert_eq!(places(&points), [(0.5, 0.5, 10.0), (1.5, 0.5, 20.0)]);
    let none = of_file("partly.tif", &partly, &options("band_1")).unwrap_err();
    assert!(none.contains("no rows"), "{none}");
    // Of a picture in colours, opacity is no band that hides the pixels of the others.
    let colored = TiffWriter::new((2, 1), 8, 1)
        .without(262)
        .shorts(262, &[2])
        .shorts(277, &[4])
        .shorts(338, &[0])
        .without(258)
        .shorts(258, &[8, 8, 8, 8]);
    let colored = place(colored).block(vec![1, 2, 3, 0, 4, 5, 0, 7]).bytes();
    let (points, ..) = of_file("colored.tif", &colored, &options("band_1")).unwrap();
    assert_eq!(places(&points), [(0.5, 0.5, 1.0), (1.5, 0.5, 4.0)]);
    let clear = beside.shorts(338, &[2]).bytes();
    let (points, ..) = of_file("clear.tif", &clear, &LoadOptions::default()).unwrap();
    assert_eq!(places(&points), [(0.5, 0.5, 1.0), (1.5, 0.5, 2.0)]);
    let factors = "<GDALMetadata><Item name=\"SCALE\" sample=\"0\" role=\"scale\">0.5</Item>\
                   <Item name=\"OFFSET\" sample=\"0\" role=\"offset\">-1</Item></GDALMetadata>";
    let file = place(TiffWriter::new((2, 1), 8, 1))
        .text(42112, factors)
        .text(42113, "8")
        .block(vec![4, 8]);
    assert_eq!(places_of("factors", file), [(0.5, 0.5, 1.0)]);
}

#[test]
fn what_would_be_read_wrongly_is_refused() {
    let plain = || TiffWriter::new((2, 1), 8, 1).block(vec![1, 2]);
    let placed = || plain().at((0.0, 1.0), (1.0, 1.0));
    let picture = TiffWriter::new((2, 1), 8, 1)
        .at((0.0, 1.0), (1.0, 1.0))
        .shorts(262, &[2])
        .shorts(277, &[3])
        .block(vec![1, 2, 3, 4, 5, 6]);
    for (file, says) in [
        (plain(), "`extent`: this raster states no place"),
        (picture.clone(), "`weight`: this is a picture in colours"),
        (placed().shorts(262, &[0]), "0 is white"),
        (placed().shorts(258, &[4]), "fewer than 8 bits"),
        (
            placed().shorts(259, &[34925]),
            "compression (Unknown(34925)) is not read here",
        ),
        (placed().shorts(259, &[7]), "-co COMPRESS=DEFLATE"),
        (
            plain().doubles(33922, &[0.0; 12]),
            "placed by control points",
        ),
        (placed().doubles(33550, &[0.0; 3]), "no size or no place"),
        (
            placed().doubles(33550, &[f64::NAN; 3]),
            "no size or no place",
        ),
        (placed().longs(279, &[1 << 30]), "too large"),
        (
            placed()
                .longs(256, &[u32::MAX])
                .longs(257, &[u32::MAX])
                .longs(278, &[u32::MAX]),
            "too large",
        ),
        (
            placed()
                .longs(256, &[60_000])
                .longs(257, &[60_000])
                .longs(278, &[60_000]),
            "too large",
        ),
        (
            placed().longs(257, &[1000]).longs(278, &[1000]),
            "strip or tile 1: damaged or cut off",
        ),
        (placed().longs(278, &[0]), "header: damaged"),
        (placed().keys(&[(1024, 1), (3072, 9999)]), "EPSG:9999"),
    ] {
        let message = of_file("refused.tif", &file.bytes(), &LoadOptions::default()).unwrap_err();
        assert!(message.contains(says), "{says}: {message}");
    }
    let red = LoadOptions {
        weight: Some("band_1".to_owned()),
        ..LoadOptions::default()
    };
    let (points, ..) = of_file("red.tif", &picture.bytes(), &red).unwrap();
    assert_eq!(places(&points), [(0.5, 0.5, 1.0), (1.5, 0.5, 4.0)]);
    // A second image that is a mask.
    let mut file = placed().bytes();
    let mask = placed().longs(254, &[4]).bytes();
    let directory = 8 + 2 + 12 * usize::from(u16::from_le_bytes([file[8], file[9]]));
    let at = file.len() as u32;
    file[directory..directory + 4].copy_from_slice(&at.to_le_bytes());
    let entries = usize::from(u16::from_le_bytes([mask[8], mask[9]]));
    file.extend(&mask[8..8 + 2 + 12 * entries + 4]);
    let message = of_file("mask.tif", &file, &LoadOptions::default()).unwrap_err();
    assert!(message.contains("gdalwarp -dstnodata"), "{message}");
    // An extent where the file states its place, or for another format.
    let twice = of_file("twice.tif", &placed().bytes(), &extent("0,0,1,1"));
    assert!(
        twice
            .unwrap_err()
            .contains("states its place; leave it out")
    );
    let csv = of_file("rows.csv", b"lon,lat\n1,2\n", &extent("0,0,1,1"));
    assert!(csv.unwrap_err().contains("`extent`: csv is no raster"));
    let (points, ..) = of_file("given.tif", &plain().bytes(), &extent("10,40,12,41")).unwrap();
    assert_eq!(places(&points), [(10.5, 40.5, 1.0), (11.5, 40.5, 2.0)]);
}

#[cfg(feature = "readers")]
#[test]
fn lzw_with_a_predictor() {
    use tiff::encoder::{Compression, Predictor, TiffEncoder, colortype::Gray16};
    let folder = Folder::new("raster-lzw");
    let path = folder.file("a.tif");
    let file = std::fs::File::create(&path).unwrap();
    let encoder = TiffEncoder::new(file).unwrap();
    let encoder = encoder
        .with_compression(Compression::Lzw)
        .with_predictor(Predictor::Horizontal);
    let numbers: Vec<u16> = (0..5000).map(|at| at % 977).collect();
    let mut encoder = encoder;
    encoder.write_image::<Gray16>(100, 50, &numbers).unwrap();
    let (points, report) = opened(&path, &extent("0,0,100,50")).unwrap();
    assert_eq!(report.kept, 5000);
    let weights: Vec<u16> = points.iter().map(|point| point.weight as u16).collect();
    assert_eq!(weights, numbers);
}

#[test]
fn arrays_of_numpy() {
    let numbers: Vec<u8> = (1..7).flat_map(|n| f64::from(n).to_be_bytes()).collect();
    let by_rows = npy("'>f8'", false, "(2, 3)", &numbers);
    let (points, report, why) = of_file("rows.npy", &by_rows, &extent("0,0,3,2")).unwrap();
    let weights = |points: &[Point]| -> Vec<f32> { points.iter().map(|p| p.weight).collect() };
    assert_eq!(weights(&points), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(places(&points)[1], (1.5, 1.5, 2.0));
    assert_eq!(places(&points)[3], (0.5, 0.5, 4.0));
    assert_eq!(report.kept, 6);
    assert!(
        why.starts_with("read as a raster (NumPy array) of 3 × 2 pixels"),
        "{why}"
    );
    let by_columns = npy("'>f8'", true, "(2, 3)", &numbers);
    let (points, ..) = of_file("columns.npy", &by_columns, &extent("0,0,3,2")).unwrap();
    assert_eq!(places(&points)[1], (0.5, 0.5, 2.0));
    assert_eq!(places(&points)[2], (1.5, 1.5, 3.0));
    // No values, an axis of one element, and a coordinate system.
    let numbers: Vec<u8> = [1.0, f32::NAN]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    let array = npy("'<f4'", false, "(1, 2, 1)", &numbers);
    let message = of_file("axes.npy", &array, &extent("0,0,2,1")).unwrap_err();
    assert!(message.contains("has 3 axes"), "{message}");
    let array = npy("'<f4'", false, "(1, 2)", &numbers);
    let options = LoadOptions {
        srid: Some(32631),
        ..extent("499000,5000000,503000,5002000")
    };
    let (points, report, _) = of_file("zone.npy", &array, &options).unwrap();
    assert_eq!(places(&points)[0].0, 3.0);
    assert_eq!(
        report.notes(),
        ["1 of 2 pixels have no value and are left out"]
    );
    for (array, says) in [
        (
            npy("'<f4'", false, "(2, 2)", &numbers),
            "number 1: damaged or cut off",
        ),
        (
            npy("'<c8'", false, "(1, 1)", &numbers),
            "array.astype('f8')",
        ),
        (
            npy("'<f4'", false, "(9999999999, 9999999999)", &numbers),
            "impossible size",
        ),
        (npy("'<f4'", false, "(0, 5)", &numbers), "no rows"),
        (npy("'<f4'", false, "(2,)", &numbers), "has 1 axes"),
    ] {
        let message = of_file("bad.npy", &array, &extent("0,0,2,1")).unwrap_err();
        assert!(message.contains(says), "{says}: {message}");
    }
    let message = of_file("bare.npy", &by_rows, &LoadOptions::default()).unwrap_err();
    assert!(
        message.contains("`extent`: this raster states no place"),
        "{message}"
    );
}
