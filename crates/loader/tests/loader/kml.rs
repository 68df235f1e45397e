//! KML and TCX: what of their elements becomes a point, and with which values.

use crate::{Folder, error, loaded, places, weight};
use heatsplat_loader::{Filter, LoadOptions, SkipReason, load_table, open, read};
use heatsplat_points::mercator;

const KML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- <gpx> -->
<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">
<Document><name>Not a column</name><Style id="s"><LabelStyle><scale>3</scale></LabelStyle></Style>
<Folder><Placemark id="1"><name>Caf&#233; &amp; Bar</name><TimeStamp><when>2020-05-01T10:00:00Z</when></TimeStamp>
<LookAt><longitude>9</longitude></LookAt>
<ExtendedData><Data name="visits"><displayName>Visits</displayName><value>7</value></Data></ExtendedData>
<Point><altitudeMode>absolute</altitudeMode><coordinates> 2.35,48.85,120 </coordinates></Point></Placemark>
<Placemark><Point><coordinates>13.4,52.5</coordinates></Point>
<ExtendedData><SchemaData schemaUrl="x"><SimpleData name="visits">3</SimpleData></SchemaData></ExtendedData></Placemark>
</Folder>
<Placemark><name>several</name><MultiGeometry>
  <Point><coordinates>1,2,3</coordinates></Point>
  <MultiGeometry><Point><coordinates>3,4</coordinates></Point></MultiGeometry>
  <LineString><coordinates>5,6 7,8</coordinates></LineString></MultiGeometry></Placemark>
<Placemark><name>track</name><gx:MultiTrack>
  <gx:Track><when>2021-01-01T00:00:00Z</when><when>2021-01-02T00:00:00Z</when>
   <gx:coord>10 20 5</gx:coord><gx:coord>11 21 5</gx:coord></gx:Track>
  <gx:Track><gx:coord>12 22</gx:coord></gx:Track></gx:MultiTrack></Placemark>
<Placemark><name>none</name></Placemark>
<Placemark><Point><coordinates>2,35;48,85</coordinates></Point></Placemark>
<Placemark><Point><coordinates>1,2 3,4</coordinates></Point></Placemark>
<Placemark><Polygon><outerBoundaryIs/></Polygon></Placemark>
</Document></kml>"#;

#[test]
fn placemarks_and_tracks_are_points() {
    assert_eq!(
        places("a.kml", KML)
            .iter()
            .map(|p| (p.0, p.1))
            .collect::<Vec<_>>(),
        [
            (2.35, 48.85),
            (13.4, 52.5),
            (1.0, 2.0),
            (3.0, 4.0),
            (10.0, 20.0),
            (11.0, 21.0),
            (12.0, 22.0)
        ]
    );
    let (_, report) = loaded("any", KML.as_bytes(), &LoadOptions::default()).unwrap();
    let skips = [
        SkipReason::NoPosition,
        SkipReason::Malformed,
        SkipReason::NotAPoint,
    ];
    assert_eq!(skips.map(|skip| report.skipped(skip)), [1, 2, 2]);
    let examples: Vec<String> = report.examples.iter().map(ToString::to_string).collect();
    assert_eq!(
        examples[..3],
        [
            "record 5: not a point: geometry LineString",
            "record 9: no position: placemark without geometry",
            "record 10: malformed: coordinates \"2,35;48,85\"",
        ]
    );
}

#[test]
fn values_of_placemarks_are_columns() {
    let source = read(KML.as_bytes(), "a.kml", &LoadOptions::default()).unwrap();
    assert_eq!(source.columns().seen, ["name", "when", "visits"]);
    let why = &source.columns().why;
    assert!(
        why.starts_with("read as KML: positions from placemarks and their tracks, "),
        "{why}"
    );
    let (points, report) = loaded("a.kml", KML.as_bytes(), &weight("visits")).unwrap();
    let weights: Vec<f32> = points.iter().map(|p| p.weight).collect();
    assert_eq!(weights, [7.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(report.weights_missing, 5);
    for (filter, kept) in [
        ("name = 'Café & Bar'", 1),
        ("name = 'track'", 3),
        ("when >= 2021-01-02", 1),
        ("when < 2021-01-02", 2),
        ("when is null and name = 'track'", 1),
        ("visits > 5", 1),
    ] {
        let options = LoadOptions {
            filter: Some(filter.parse::<Filter>().unwrap()),
            ..LoadOptions::default()
        };
        let (points, _) = loaded("a.kml", KML.as_bytes(), &options).unwrap();
        assert_eq!(points.len(), kept, "{filter}");
    }
}

#[test]
fn columns_of_positions_are_not_used_with_a_word() {
    let options = LoadOptions {
        lon: Some("x".to_owned()),
        ..LoadOptions::default()
    };
    let gpx = r#"<gpx><wpt lat="1" lon="2"/></gpx>"#;
    for (name, text, format) in [("a.kml", KML, "kml"), ("a.gpx", gpx, "gpx")] {
        let (_, report) = loaded(name, text.as_bytes(), &options).unwrap();
        let says = format!("are not used: positions of {format} are in no columns");
        assert!(report.notes().join("; ").contains(&says), "{name}");
        let (_, report) = loaded(name, text.as_bytes(), &LoadOptions::default()).unwrap();
        assert!(!report.notes().join("; ").contains("not used"), "{name}");
    }
}

#[test]
fn a_weight_is_found_by_its_name() {
    let kml = KML.replace("visits", "count");
    let source = read(std::io::Cursor::new(kml), "a.kml", &LoadOptions::default()).unwrap();
    assert_eq!(source.columns().weight.as_deref(), Some("count"));
}

#[test]
fn a_track_of_a_hundred_thousand_positions_keeps_its_times_and_name() {
    let count = 100_000;
    let position = |i: u32| {
        let (day, lon) = (1 + i % 28, f64::from(i) / 1000.0);
        format!("<when>2020-01-{day:02}T00:00:00Z</when><gx:coord>{lon} 1 0</gx:coord>\n")
    };
    let track: String = (0..count).map(position).collect();
    let text = format!(
        "<kml><Placemark><name>walk</name><gx:Track>{track}</gx:Track>\
         <description>late</description></Placemark></kml>"
    );
    let options = LoadOptions {
        keep: ["name", "when", "description"].map(str::to_owned).to_vec(),
        filter: "name = 'walk' and when >= 2020-01-28".parse().ok(),
        ..LoadOptions::default()
    };
    let mut source = read(std::io::Cursor::new(text), "a.kml", &options).unwrap();
    let (points, _, report) = load_table(&mut *source, |_| ()).unwrap();
    assert_eq!(points.summary().count, (count / 28) as usize);
    let notes = report.notes().join("; ");
    assert!(
        notes.contains("values that come after the first 65536 positions"),
        "{notes}"
    );
}

#[test]
fn times_far_before_their_positions_are_left_out_with_a_word() {
    let time = format!("<when>{}</when>", "9".repeat(100));
    let positions = "<coord>1 2 0</coord>".repeat(2);
    let track = |times: usize| {
        let first = "<when>2020-01-01T00:00:00Z</when>";
        let times = time.repeat(times);
        format!("<kml><Placemark><Track>{first}{times}{positions}</Track></Placemark></kml>")
    };
    let options = LoadOptions {
        keep: vec!["when".to_owned()],
        ..LoadOptions::default()
    };
    // Of a time 64 bytes are kept, and one byte for their number.
    for (times, is_over) in [(1, false), (516_000, false), (517_000, true)] {
        let text = std::io::Cursor::new(track(times));
        let mut source = read(text, "a.kml", &options).unwrap();
        let (_, kept, report) = load_table(&mut *source, |_| ()).unwrap();
        let notes = report.notes().join("; ");
        let says = "a track has times of over 33554432 bytes before its positions";
        assert_eq!(notes.contains(says), is_over, "{times}: {notes}");
        assert_eq!(report.kept, 2);
        assert_eq!(kept.columns()[0].len(), 2);
    }
}

#[test]
fn kml_without_placemarks_says_why() {
    for (text, says) in [
        ("<kml><Document/></kml>", "a.kml: no rows"),
        (
            "<kml><NetworkLink><Link><href>http://h/x.kml</href></Link></NetworkLink></kml>",
            "only 1 links to other KML (NetworkLink)",
        ),
        ("<kml><Placemark><Point>", "the last element is not closed"),
    ] {
        let message = error("a.kml", text.as_bytes(), &LoadOptions::default());
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn kml_in_the_encoding_that_it_declares() {
    let text = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><kml><Placemark><name>Stra\u{df}e\
                </name><Point><coordinates>1,2</coordinates></Point></Placemark></kml>";
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let options = LoadOptions {
        filter: "name = 'Straße'".parse().ok(),
        ..LoadOptions::default()
    };
    for bytes in [latin, utf_16] {
        assert_eq!(loaded("a.kml", &bytes, &options).unwrap().0.len(), 1);
    }
}

const TCX: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2">
<Activities><Activity Sport="Running"><Lap><Track>
<Trackpoint><Time>2020-05-01T10:00:00Z</Time>
 <Position><LatitudeDegrees>48.85</LatitudeDegrees><LongitudeDegrees>2.35</LongitudeDegrees></Position>
 <HeartRateBpm><Value>99</Value></HeartRateBpm>
 <Extensions><ns3:TPX><ns3:Speed>2.5</ns3:Speed></ns3:TPX></Extensions></Trackpoint>
<Trackpoint><Time>2020-05-01T10:00:01Z</Time></Trackpoint>
<Trackpoint><Position><LatitudeDegrees>x</LatitudeDegrees><LongitudeDegrees>2</LongitudeDegrees></Position></Trackpoint>
</Track></Lap></Activity></Activities></TrainingCenterDatabase>"#;

#[test]
fn trackpoints_are_points() {
    let folder = Folder::new("tcx");
    let path = folder.file("a.tcx");
    std::fs::write(&path, TCX).unwrap();
    let source = open(&path, &LoadOptions::default()).unwrap();
    assert_eq!(source.columns().seen, ["Time", "HeartRateBpm", "Speed"]);
    assert!(
        source
            .columns()
            .why
            .starts_with("read as TCX: positions from trackpoints, ")
    );
    for (column, value) in [("HeartRateBpm", 99.0), ("Speed", 2.5), ("none", 1.0)] {
        let (points, report) = loaded("a.tcx", TCX.as_bytes(), &weight(column)).unwrap();
        let (lon, lat) = mercator::unproject(points[0].at());
        assert!((lon - 2.35).abs() < 1e-6 && (lat - 48.85).abs() < 1e-6);
        assert_eq!((points.len(), points[0].weight), (1, value));
        let skips = [SkipReason::NoPosition, SkipReason::Malformed];
        assert_eq!(skips.map(|skip| report.skipped(skip)), [1, 1]);
    }
    let message = error(
        "a.tcx",
        b"<TrainingCenterDatabase/>",
        &LoadOptions::default(),
    );
    assert_eq!(message, "a.tcx: no rows");
}

#[test]
fn arrays_of_a_track_are_columns() {
    let track = |rates: &str| {
        format!(
            "<gx:Track><when>2021-01-01T00:00:00Z</when><when>2021-01-02T00:00:00Z</when>\
             <gx:coord>1 2</gx:coord><gx:coord>3 4</gx:coord>\
             <ExtendedData><SchemaData schemaUrl=\"#s\">\
             <gx:SimpleArrayData name=\"rate\">{rates}</gx:SimpleArrayData>\
             <gx:SimpleArrayData name=\"other\"><gx:value>x</gx:value></gx:SimpleArrayData>\
             </SchemaData></ExtendedData></gx:Track>"
        )
    };
    let text = format!(
        "<kml xmlns:gx=\"g\"><Placemark><name>ride</name><MultiGeometry>{}{}</MultiGeometry>\
         </Placemark></kml>",
        track("<gx:value>70</gx:value><gx:value> 71 </gx:value><gx:value>9</gx:value>"),
        track("<gx:value/><gx:value>80</gx:value>"),
    );
    // Values of texts are whole, however long, or not there at all.
    let long = |length: usize| {
        text.replace(
            "<gx:value>x<",
            &format!("<gx:value>{}<", "x".repeat(length)),
        )
    };
    let with_text = |length: usize, text: &[u8]| {
        let options = LoadOptions {
            filter: Some(format!("other = '{}'", "x".repeat(length)).parse().unwrap()),
            ..LoadOptions::default()
        };
        loaded("a.kml", text, &options).map_or(0, |(points, _)| points.len())
    };
    for (length, expected) in [(200, 2), (300, 0)] {
        let text = long(length);
        assert_eq!(with_text(length, text.as_bytes()), expected, "{length}");
        assert_eq!(with_text(64, text.as_bytes()), 0, "{length}");
    }
    let (points, report) = loaded("a.kml", text.as_bytes(), &weight("rate")).unwrap();
    let weights: Vec<f32> = points.iter().map(|point| point.weight).collect();
    assert_eq!(weights[..2], [70.0, 71.0]);
    assert_eq!(weights[3], 80.0);
    assert_eq!((report.kept, report.weights_missing), (4, 1));
    let filtered = LoadOptions {
        filter: Some(
            "rate = 80 and name = 'ride' and when = '2021-01-02'"
                .parse()
                .unwrap(),
        ),
        ..LoadOptions::default()
    };
    let (points, _) = loaded("a.kml", text.as_bytes(), &filtered).unwrap();
    assert_eq!(points.len(), 1);
    let named = read(
        std::io::Cursor::new(text.into_bytes()),
        "a.kml",
        &LoadOptions::default(),
    );
    assert_eq!(
        named.unwrap().columns().seen,
        ["name", "when", "rate", "other"]
    );
    // A track whose first positions were sent before its arrays.
    let (count, coord) = (70_000, "<coord>1 2</coord>");
    let values: String = (0..count)
        .map(|at| format!("<value>{at}</value>"))
        .collect();
    let text = format!(
        "<kml><Placemark><Track>{}<ExtendedData><SchemaData><SimpleArrayData name='rate'>{values}\
         </SimpleArrayData></SchemaData></ExtendedData></Track></Placemark></kml>",
        coord.repeat(count)
    );
    let (points, report) = loaded("a.kml", text.as_bytes(), &weight("rate")).unwrap();
    assert_eq!(points.len(), count);
    assert_eq!(points.last().map(|point| point.weight), Some(69_999.0));
    assert_eq!(report.weights_missing, 65_536);
    assert!(
        report.notes()[0].contains("after the first 65536 positions"),
        "{report}"
    );
}
