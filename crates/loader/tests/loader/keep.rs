//! Kept columns. A filter that is applied to them must select the rows that it selects while
//! loading.

use crate::formats::{self, Row};
use crate::{Folder, error};
use heatsplat_loader::{ColumnKind, Filter, LoadError, LoadOptions, Table, load_table, open, read};
use heatsplat_points::{Point, Points};
use proptest::prelude::*;
use std::path::Path;

const KEPT: [&str; 4] = ["kind", "n", "day", "flag"];

/// Filters that can be answered for every format.
const FILTERS: [&str; 17] = [
    "kind = 'theft'",
    "kind <> 'theft'",
    "kind in ('theft', 'no ''such')",
    "not kind in ('theft')",
    "kind is null or n is null",
    "n >= 2.5 and n < 1e3",
    "n between -1 and 7",
    "not n > 3",
    "n in (1, 2, 3)",
    "day >= 2010-03-02",
    "day < '2010-03-05' and day is not null",
    "not (day between 2010-03-01 and 2010-03-03)",
    "flag = true",
    "flag <> true",
    "flag is null",
    "kind >= 'm' or n = 7 and flag = false",
    "not (kind = 'theft' and (n < 5 or day > 2010-03-04))",
];

fn options(filter: Option<&str>, keep: &[&str]) -> LoadOptions {
    LoadOptions {
        filter: filter.map(|filter| filter.parse().unwrap()),
        keep: keep.iter().map(|name| (*name).to_owned()).collect(),
        weight: Some("none".into()),
        ..LoadOptions::default()
    }
}

fn table(path: &Path, filter: Option<&str>, keep: &[&str]) -> Result<(Points, Table), LoadError> {
    let mut source = open(path, &options(filter, keep))?;
    load_table(&mut *source, |_| ()).map(|(points, table, _)| (points, table))
}

fn rows() -> Vec<Row> {
    let kinds = ["theft", "fraud", "Raub & Mord", "it's"];
    let row = |i: u32| Row {
        // Some rows have the same position.
        lon: f64::from(i % 50) * 0.5 - 10.0,
        lat: f64::from(i % 50 % 7) - 3.0,
        kind: (i % 5 < 4).then(|| kinds[(i % 5) as usize].to_owned()),
        n: (!i.is_multiple_of(11)).then(|| f64::from(i % 17) / 2.0 - 1.0),
        day: (!i.is_multiple_of(13)).then(|| format!("2010-03-{:02}", i % 6 + 1)),
        flag: (!i.is_multiple_of(3)).then_some(i.is_multiple_of(2)),
    };
    (0..400).map(row).collect()
}

/// Checks, for each filter, that it selects the same points from the table as while loading.
/// Returns the table.
fn check(path: &Path, keep: &[&str], filters: &[&str]) -> Table {
    let (points, table) = table(path, None, keep).unwrap();
    for filter in filters {
        let selected = table.select(&points, &filter.parse().unwrap()).unwrap();
        match self::table(path, Some(filter), &[]) {
            Ok((expected, _)) => {
                assert!(
                    selected.as_slice() == expected.as_slice(),
                    "{path:?} {filter}"
                );
                assert_eq!(selected.stream_len(), expected.stream_len());
            }
            Err(LoadError::AllFiltered { .. }) => assert_eq!(selected.summary().count, 0),
            Err(error) => panic!("{error}"),
        }
    }
    table
}

#[test]
fn a_filter_over_kept_columns_is_the_filter_at_load_in_every_format() {
    let folder = Folder::new("keep");
    let rows = rows();
    let mut counts = Vec::new();
    for format in formats::ALL {
        let path = formats::write(&folder, format, &rows);
        let table = check(&path, &KEPT, &FILTERS);
        let kinds = table.columns().iter().map(|column| column.kind());
        let flag = match format {
            // These formats have no type for Booleans.
            "csv" | "gpx" | "kml" | "tcx" => ColumnKind::Text,
            "gpkg" => ColumnKind::Number,
            _ => ColumnKind::Bool,
        };
        let expected = [ColumnKind::Text, ColumnKind::Number, ColumnKind::Time, flag];
        assert_eq!(kinds.collect::<Vec<_>>(), expected, "{format}");
        let nulls: Vec<usize> = table.columns().iter().map(|c| c.nulls()).collect();
        assert_eq!(nulls, [80, 37, 31, 134], "{format}");
        let (points, table) = self::table(&path, None, &KEPT).unwrap();
        let count = |filter: &&str| {
            let part = table.select(&points, &filter.parse().unwrap()).unwrap();
            part.summary().count
        };
        counts.push(FILTERS.iter().map(count).collect::<Vec<_>>());
    }
    // All formats must give the same counts.
    assert!(counts.iter().all(|c| *c == counts[0]), "{counts:?}");
    assert!(
        counts[0].iter().all(|&n| n > 0 && n < 400),
        "{:?}",
        counts[0]
    );
}

#[test]
fn values_are_those_of_their_points() {
    let folder = Folder::new("keep-values");
    let rows = rows();
    for format in formats::ALL {
        let path = formats::write(&folder, format, &rows);
        let (points, table) = table(&path, None, &["n", "kind"]).unwrap();
        let (n, kind) = (&table.columns()[0], &table.columns()[1]);
        let described = |point: heatsplat_points::Point, n: Option<f64>, kind: Option<String>| {
            (point.x, point.y, n.map(f64::to_bits), kind)
        };
        let mut found: Vec<_> = (0..400)
            .map(|row| {
                let kind = kind.text(row).map(|text| text.into_owned());
                described(points.as_slice().unwrap()[row], n.number(row), kind)
            })
            .collect();
        let mut expected: Vec<_> = rows
            .iter()
            .map(|row| {
                let point = heatsplat_points::Point::from_lon_lat(row.lon, row.lat, 1.0).unwrap();
                described(point, row.n, row.kind.clone())
            })
            .collect();
        found.sort();
        expected.sort();
        assert!(found == expected, "{format}");
    }
}

#[test]
fn parts_by_a_column_are_all_points() {
    let folder = Folder::new("keep-split");
    let path = formats::write(&folder, "csv", &rows());
    let (points, table) = table(&path, None, &KEPT).unwrap();
    let parts = table.split(&points, "Kind", 2).unwrap();
    let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Raub & Mord", "fraud", "other"]);
    let counts: Vec<usize> = parts.iter().map(|(_, p)| p.summary().count).collect();
    assert_eq!(counts, [80, 80, 240]);
    let fraud = table
        .select(&points, &"kind = 'fraud'".parse().unwrap())
        .unwrap();
    assert_eq!(parts[1].1.as_slice(), fraud.as_slice());
    // Each value of a column has a part, and rows without a value have a part together. A column of
    // numbers can be divided too.
    assert_eq!(table.split(&points, "kind", 99).unwrap().len(), 5);
    // The points that a filter selects are divided into the same parts. Together these parts have
    // all of these points.
    for filter in [
        "n > 7",
        "kind is null",
        "n < -1",
        "kind is not null or n > 3",
    ] {
        let filter: Filter = filter.parse().unwrap();
        for most in [0, 2, 99] {
            let whole = table.split(&points, "kind", most).unwrap();
            let names: Vec<&str> = whole.iter().map(|(name, _)| name.as_str()).collect();
            let some = table
                .select_parts(&points, &filter, "Kind", &names)
                .unwrap();
            let counts =
                |parts: &[Points]| -> usize { parts.iter().map(|p| p.summary().count).sum() };
            let all = table.select(&points, &filter).unwrap().summary().count;
            assert_eq!(
                (some.len(), counts(&some)),
                (whole.len(), all),
                "{filter} {most}"
            );
            for (part, (name, whole)) in some.iter().zip(&whole) {
                let known = |p: &Point| whole.as_slice().unwrap().contains(p);
                assert!(
                    part.as_slice().unwrap().iter().all(known),
                    "{filter} {name}"
                );
            }
        }
    }
    assert_eq!(table.split(&points, "n", 99).unwrap().len(), 18);
    let message = table.split(&points, "beat", 3).unwrap_err().to_string();
    assert!(
        message.contains("no column \"beat\" is kept; there are: \"kind\""),
        "{message}"
    );
}

#[test]
fn what_can_not_be_is_said() {
    let folder = Folder::new("keep-check");
    let path = formats::write(&folder, "parquet", &rows());
    let (_, table) = table(&path, None, &KEPT).unwrap();
    for (filter, says) in [
        (
            "colour = 'red'",
            "no column \"colour\" is kept; there are: \"kind\", \"n\"",
        ),
        (
            "n > 'many'",
            "column \"n\" holds numbers; 'many' can't be compared",
        ),
        ("day > 5", "column \"day\" holds times"),
        ("day = 'soon'", "'soon' can't be compared"),
        ("flag = 'maybe'", "'maybe' can't be compared"),
        (
            "n < 2010-01-01",
            "values of n are no dates that are understood, e.g. ",
        ),
        ("kind > 5", "values of kind are no numbers, e.g. \"theft\""),
        (
            "kind > '6/15/2024'",
            "'6/15/2024' may have the day or the month first",
        ),
        (
            "not (flag = 2010-01-01)",
            "column \"flag\" holds true or false",
        ),
    ] {
        let message = table
            .check(&filter.parse().unwrap())
            .unwrap_err()
            .to_string();
        assert!(message.contains(says), "{message}");
    }
    assert!(
        table
            .check(
                &"n < '5' and kind > '5' and day > '20100301'"
                    .parse()
                    .unwrap()
            )
            .is_ok()
    );
    // If a column doesn't exist, the error comes before anything is read, or at the end for
    // GeoJSON.
    let text = "lon,lat,a\n1,2,3\n";
    let message = error("a.csv", text.as_bytes(), &options(None, &["b"]));
    assert!(
        message.contains("`keep`: there is no column \"b\""),
        "{message}"
    );
    let text = "{\"type\":\"Point\",\"coordinates\":[1,2]}\n";
    let mut source = read(text.as_bytes(), "a.geojsonl", &options(None, &["b"])).unwrap();
    let message = load_table(&mut *source, |_| ()).unwrap_err().to_string();
    assert!(
        message.contains("`keep`: there is no column \"b\""),
        "{message}"
    );
}

#[test]
fn memory_is_what_is_said() {
    let rows: String = (0..10_000)
        .map(|i| format!("{},2,a{},{i},2010-01-01\n", i % 100, i % 9))
        .collect();
    let text = format!("lon,lat,kind,n,day\n{rows}");
    let mut source = read(
        std::io::Cursor::new(text.into_bytes()),
        "a.csv",
        &options(None, &["kind", "n", "day"]),
    )
    .unwrap();
    let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
    let bytes: Vec<usize> = table.columns().iter().map(|c| c.bytes() / 10_000).collect();
    assert_eq!((bytes, points.summary().count), (vec![1, 8, 8], 10_000));
    assert_eq!(table.columns()[0].frequent(1), [("a0".to_owned(), 1112)]);
    let range = table.columns()[1].range().unwrap();
    assert_eq!(range, ("0".to_owned(), "9999".to_owned()));
}

/// Texts as they occur in files without types. They may be of any type, all alike, or nearly alike.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[0-9]{1,2}(\\.[05])?",
        1 => Just("007".to_owned()),
        1 => Just("5.0".to_owned()),
        1 => Just("2010-03-01".to_owned()),
        1 => "2010-0[1-4](-0[1-5])?( 12:30)?",
        1 => "[ab5 ]{0,3}",
        1 => Just(String::new()),
        1 => prop_oneof![Just("true"), Just("no"), Just("12345678901234567"), Just("+5")].prop_map(str::to_owned),
    ]
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        text().prop_map(|text| format!("'{text}'")),
        "[0-9]{1,2}(\\.5)?",
        "2010-0[1-4](-0[1-5])?",
        Just("true".to_owned()),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let one = (
        prop_oneof!["=", "<>", "<", "<=", ">", ">="],
        literal(),
        any::<bool>(),
    );
    let one = one.prop_map(|(sign, literal, not)| {
        format!("{}v {sign} {literal}", if not { "not " } else { "" })
    });
    let one = prop_oneof![8 => one, 1 => Just("v is null".to_owned())];
    proptest::collection::vec((one, any::<bool>()), 1..4).prop_map(|all| {
        let parts = all.iter().enumerate().map(|(i, (one, or))| match (i, or) {
            (0, _) => one.clone(),
            (_, true) => format!(" or {one}"),
            (_, false) => format!(" and {one}"),
        });
        parts.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn texts_of_any_kind_answer_as_they_did_at_load(
        same in text(),
        texts in proptest::collection::vec(text(), 1..40),
        alike in any::<bool>(),
        filter in condition(),
    ) {
        let texts: Vec<String> = if alike { vec![same; texts.len()] } else { texts };
        let rows: String = texts.iter().zip(1..).map(|(v, i)| format!("{i},2,{v}\n")).collect();
        let csv = format!("lon,lat,v\n{rows}");
        let load = |filter: Option<&str>, keep: &[&str]| {
            let mut options = options(filter, keep);
            options.delimiter = Some(b',');
            let bytes = std::io::Cursor::new(csv.clone().into_bytes());
            let mut source = read(bytes, "a.csv", &options).unwrap();
            load_table(&mut *source, |_| ())
        };
        let (points, table, _) = load(None, &["v"]).unwrap();
        let parsed = filter.parse().unwrap();
        let selected = if table.check(&parsed).is_ok() {
            table.select(&points, &parsed).unwrap()
        } else {
            // A filter may be refused for a table although it is accepted while loading.
            return Ok(());
        };
        let expected = match load(Some(&filter), &[]) {
            Ok((points, ..)) => points,
            Err(LoadError::AllFiltered { .. }) => Points::from_slice(&[]),
            Err(error) => panic!("{error}"),
        };
        prop_assert_eq!(selected.as_slice(), expected.as_slice());
    }
}

/// Times of a kept column are those that filters read, and a value that is none has no time.
#[test]
fn kept_values_are_times_as_filters_read_them() {
    let csv = "lon,lat,text,epoch,mixed\n\
               1,2,2019-06-01T10:00:00Z,1559383200,2019-06-01\n\
               1,2,1969-12-31T23:59:59.5Z,1559383201,20190601\n\
               1,2,,,soon\n";
    let options = LoadOptions {
        keep: ["text", "epoch", "mixed"].map(str::to_owned).to_vec(),
        ..LoadOptions::default()
    };
    let mut source = read(csv.as_bytes(), "a.csv", &options).unwrap();
    let (_, table, _) = load_table(&mut *source, |_| ()).unwrap();
    let times = |name: &str| {
        let column = table.column(name).unwrap();
        let mut times: Vec<_> = (0..3).map(|row| column.time(row)).collect();
        times.sort_unstable();
        times
    };
    assert_eq!(
        times("text"),
        [None, Some(-500_000), Some(1_559_383_200_000_000)]
    );
    assert_eq!(
        times("epoch"),
        [
            None,
            Some(1_559_383_200_000_000),
            Some(1_559_383_201_000_000)
        ]
    );
    let day = Some(1_559_347_200_000_000);
    assert_eq!(times("mixed"), [None, day, day]);
    let left = table.without("epoch");
    let left: Vec<_> = left.columns().iter().map(|column| column.name()).collect();
    assert_eq!(left, ["text", "mixed"]);
}
