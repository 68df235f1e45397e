//! Delimiters, line ends and quotes of CSV, and the report of its rows.

use crate::{error, loaded, places, weight};
use heatsplat_loader::{InputFormat, LoadOptions, SkipReason};

#[test]
fn every_delimiter_and_line_end() {
    let rows = [
        "name,lon,lat,count",
        "A,13.4,52.5,3",
        "\"B, or so\",-0.5,51.25,4",
    ];
    let expected = [(13.4, 52.5, 3.0), (-0.5, 51.25, 4.0)];
    for delimiter in [",", ";", "\t", "|"] {
        for newline in ["\n", "\r\n", "\r"] {
            for (before, after) in [("", newline), ("\u{feff}", ""), (newline, newline)] {
                let text = rows.join(newline).replace(',', delimiter);
                let text = format!("{before}{text}{after}").replace("B; or", "B, or");
                assert_eq!(places("a.csv", &text), expected, "{text:?}");
            }
        }
    }
}

#[test]
fn a_delimiter_is_not_what_occurs_most() {
    // The text has more commas than tabs, and the header has a line end in quotes.
    let text = "lon\tlat\t\"what,\nwhere, when\"\n1\t2\ta,b,c,d\n3\t4\t\"e,\tf\"\n";
    assert_eq!(places("a.csv", text), [(1.0, 2.0, 1.0), (3.0, 4.0, 1.0)]);
    let pipes = LoadOptions {
        delimiter: Some(b':'),
        ..LoadOptions::default()
    };
    assert_eq!(loaded("a", b"lon:lat\n1:2\n", &pipes).unwrap().0.len(), 1);
    let tabs = LoadOptions {
        format: Some(InputFormat::Tsv),
        ..LoadOptions::default()
    };
    assert_eq!(
        loaded("a", b"lon\tlat\ta,b,c\n1\t2\t3,4,5\n", &tabs)
            .unwrap()
            .0
            .len(),
        1
    );
    let quote = LoadOptions {
        delimiter: Some(b'"'),
        ..LoadOptions::default()
    };
    assert!(error("a", b"lon,lat\n1,2\n", &quote).contains("`delimiter`"));
}

#[test]
fn examples_name_the_line_and_what_is_there() {
    let text = "lon,lat,note\r\n1,2,\"two\r\nlines\"\r\nx\ty,2,\r\n\r\n1,99,\"\r\n\"\r\n,5,\r\n";
    let (_, report) = loaded("a.csv", text.as_bytes(), &LoadOptions::default()).unwrap();
    let examples: Vec<String> = report.examples.iter().map(ToString::to_string).collect();
    assert_eq!(
        examples,
        [
            "line 4: bad position: longitude \"x\\ty\"",
            "line 6: bad position: latitude \"99\"",
            "line 8: no position: longitude \"\"",
        ]
    );
}

#[test]
fn examples_are_few() {
    let mut text = String::from("lon,lat,w\n0.5,0.5,1\n");
    for i in 0..1000 {
        for row in ["x,1,1", ",,1", "1,89,1", "1,1,x", "#", "1,1,1"] {
            text.push_str(&format!("{row}{}\n", ",".repeat(i % 2)));
        }
    }
    let (_, report) = loaded("a.csv", text.as_bytes(), &weight("w")).unwrap();
    assert_eq!((report.rows, report.kept), (6001, 1001));
    assert_eq!(report.examples.len(), 20);
    assert!(report.examples.is_sorted_by_key(|e| e.line));
    let of = |skip| report.examples.iter().filter(|e| e.skip == skip).count();
    assert!(SkipReason::ALL.into_iter().all(|s| of(s) <= 5));
    let last = report.examples[19].line;
    assert!(last < 30, "not the first ones: line {last}");
}

#[test]
fn strict_stops_at_the_first_bad_row() {
    let strict = LoadOptions {
        strict: true,
        ..weight("w")
    };
    let message = error("a.csv", b"lon,lat,w\n1,1,1\n1,1,x\n", &strict);
    assert_eq!(
        message,
        "a.csv: line 3: bad weight: weight \"x\" (strict: every row must give a point)"
    );
    assert_eq!(
        loaded("a.csv", b"lon,lat,w\n1,1,1\n\n1,1,\n", &strict)
            .unwrap()
            .0
            .len(),
        2
    );
}

#[test]
fn files_without_rows_or_without_good_ones() {
    let auto = LoadOptions::default();
    for (text, says) in [
        (&b""[..], "a.csv: is empty"),
        (b"\xef\xbb\xbf\r\n\n", "a.csv: is empty"),
        (b"lon,lat", "a.csv: no rows"),
        (b"lon,lat\n\n\n", "a.csv: no rows"),
        (
            b"lon,lat\n565000,5932000\n",
            "these are metres of a projection, not degrees: 1 of 1 rows (line 2: longitude \"565000\")",
        ),
        (
            b"lon,lat,note\n1,2,\n3,4,\"a\nb\nc",
            "a.csv: line 3: a quote opened in this row is never closed",
        ),
        (b"lon,lat,\"note\nsay,s\n", "a.csv: line 1: a quote"),
    ] {
        let message = error("a.csv", text, &auto);
        assert!(message.contains(says), "{message}");
    }
}
