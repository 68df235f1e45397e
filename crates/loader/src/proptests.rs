//! Properties that hold for every input. They are tested on random inputs, which are read in blocks
//! of 64 bytes.

use crate::{InputFormat, LoadError, LoadOptions, Quote, Report, SkipReason, load, read};
use heatsplat_points::{Point, mercator};
use proptest::prelude::*;
use std::io::Read;

/// A reader that yields at most `step` bytes at a time.
struct Dripping<R> {
    inner: R,
    step: usize,
}

impl<R: Read> Read for Dripping<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = buffer.len().min(self.step);
        self.inner.read(&mut buffer[..n])
    }
}

/// The points and the report of a load, or the message of its error.
type Outcome = Result<(Vec<Point>, Report), String>;

fn outcome(bytes: &[u8], step: usize, options: &LoadOptions) -> Outcome {
    let inner = std::io::Cursor::new(bytes.to_vec());
    let words = |e: LoadError| e.to_string();
    let mut source = read(Dripping { inner, step }, "data", options).map_err(words)?;
    let mut points = Vec::new();
    let report = load(&mut *source, &mut points, |_| ()).map_err(words)?;
    assert_eq!(report.rows, report.kept + report.skipped_total());
    assert_eq!(report.kept, points.len() as u64);
    assert!(points.iter().all(|p| p.weight.is_finite()));
    Ok((points, report))
}

/// Returns the outcome of a load. First it checks that the outcome depends neither on the number of
/// bytes that one read gets (1, 7 or all) nor on the number of threads (1 or 4).
fn check_invariance(bytes: &[u8], options: &LoadOptions) -> Outcome {
    let whole = outcome(bytes, usize::MAX, options);
    for step in [1, 7] {
        assert_eq!(
            outcome(bytes, step, options),
            whole,
            "{step} bytes at a time"
        );
    }
    for threads in [1, 4] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let there = pool.install(|| outcome(bytes, usize::MAX, options));
        assert_eq!(there, whole, "{threads} threads");
    }
    whole
}

fn as_format(format: InputFormat) -> LoadOptions {
    let weight = Some(
        if format == InputFormat::Csv {
            "w"
        } else {
            "none"
        }
        .to_owned(),
    );
    LoadOptions {
        format: Some(format),
        weight,
        delimiter: (format == InputFormat::Csv).then_some(b','),
        quote: Some(Quote::Byte(b'"')),
        ..LoadOptions::default()
    }
}

/// Parses records of CSV in the simplest way. Returns, for each record, the number of the line on
/// which it begins, and its fields. `None` if a quote is never closed.
fn naive_records(text: &str) -> Option<Vec<(u64, Vec<String>)>> {
    let (mut records, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut begun) = (1, 1);
    let (mut at_start, mut quoted, mut chars) = (true, false, text.chars().peekable());
    while let Some(c) = chars.next() {
        line += u64::from(c == '\n');
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' if quoted => quoted = false,
            _ if quoted => field.push(c),
            '"' if at_start => (quoted, at_start) = (true, false),
            ',' | '\n' => {
                // A blank line has a single empty field without quotes.
                let blank = c == '\n' && fields.is_empty() && at_start;
                fields.push(std::mem::take(&mut field));
                at_start = true;
                if c == '\n' {
                    let record = std::mem::take(&mut fields);
                    if !blank {
                        records.push((begun, record));
                    }
                    begun = line;
                }
            }
            _ => {
                field.push(c);
                at_start = false;
            }
        }
    }
    if !at_start || !fields.is_empty() {
        fields.push(field);
        records.push((begun, fields));
    }
    (!quoted).then_some(records)
}

/// The weight of a record of `lon,lat,w`, or the reason why the record is skipped.
fn naive_verdict(fields: &[String]) -> Result<f32, SkipReason> {
    let number = |f: &String| f.trim().parse::<f64>().ok();
    let [lon, lat, ..] = fields else {
        return Err(SkipReason::Malformed);
    };
    if lon.trim().is_empty() || lat.trim().is_empty() {
        return Err(SkipReason::NoPosition);
    }
    let (Some(lon), Some(lat)) = (number(lon), number(lat)) else {
        return Err(SkipReason::BadPosition);
    };
    mercator::project(lon, lat).map_err(|refusal| match refusal {
        heatsplat_points::ProjectionError::Outside => SkipReason::Outside,
        _ => SkipReason::BadPosition,
    })?;
    match fields.get(2).map(|w| w.trim()) {
        None | Some("") => Ok(0.0),
        Some(w) => w
            .parse()
            .ok()
            .filter(|w: &f32| w.is_finite())
            .ok_or(SkipReason::BadWeight),
    }
}

/// Returns true if more than half of the records that have a position have a latitude beyond 90°
/// and would be valid with longitude and latitude swapped. In that case the load must fail.
fn naive_swap(records: &[(u64, Vec<String>)]) -> bool {
    let (mut swapped, mut positions) = (0, 0);
    for (_, fields) in records {
        let unknown = [Err(SkipReason::Malformed), Err(SkipReason::NoPosition)];
        positions += usize::from(!unknown.contains(&naive_verdict(fields)));
        let axis = |at: usize| fields.get(at)?.trim().parse::<f64>().ok();
        if let (Some(lon), Some(lat)) = (axis(0), axis(1)) {
            let beyond = lat.abs() > 90.0 && lat.abs() <= 360.0;
            swapped += usize::from(beyond && lon.abs() <= 90.0);
        }
    }
    swapped * 2 > positions
}

/// Makes fields that are mostly valid numbers, so that many rows are kept.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "-?[0-9]{1,2}(\\.[0-9]{1,6})?",
        1 => " ?[0-9.a\"-]{0,3} ?",
        // The letter keeps these from being numbers with decimal commas.
        1 => "\"(a([0-9,\na]|\"\"){0,8})?\"",
        1 => Just("86.5".to_owned()),
        1 => Just("120.5".to_owned()),
    ]
}

/// Makes a row that has texts with quotes, at the right places or at wrong places.
fn doubtful_row() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        6 => "[a-z ]{0,6}",
        1 => "\"[a-z]{1,4}",
        1 => "[a-z]{1,4}\"",
        1 => "\"[a-z, ]{0,8}\"",
        1 => "\"[a-z,\n]{0,12}\"",
        1 => "\"([a-z]|\"\"){0,6}\"x?",
    ];
    prop_oneof![
        20 => (text.clone(), text).prop_map(|(a, b)| format!("1,2,{a},{b}")),
        1 => "[a-z\"]{0,9}",
    ]
}

fn table() -> impl Strategy<Value = String> {
    let row = proptest::collection::vec(field(), 1..6).prop_map(|f| f.join(","));
    let rows = proptest::collection::vec(prop_oneof![9 => row, 1 => Just(String::new())], 0..40);
    (rows, any::<bool>()).prop_map(|(rows, newline)| {
        let end = if newline { "\n" } else { "" };
        format!("lon,lat,w\n{}{end}", rows.join("\n"))
    })
}

fn feature() -> impl Strategy<Value = String> {
    let geometry = prop_oneof![
        4 => "\\{\"type\":\"Point\",\"coordinates\":\\[-?[1-9]{1,2},-?[1-9]{1,2}(,5)?\\]\\}",
        1 => "\\{\"type\":\"MultiPoint\",\"coordinates\":\\[\\[1,2\\](,\\[[1-9]{1,3},3\\]){0,3}\\]\\}",
        1 => Just("{\"coordinates\":[[1,2],[3,4]],\"type\":\"LineString\"}".to_owned()),
        1 => Just("null".to_owned()),
    ];
    (geometry, "[a-z{}\\[\\], ]{0,30}").prop_map(|(geometry, text)| {
        format!("{{\"type\":\"Feature\",\"properties\":{{\"t\":\"{text}\"}},\n \"geometry\":{geometry}}}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn csv_is_read_as_the_rules_say(text in table()) {
        let options = as_format(InputFormat::Csv);
        let outcome = check_invariance(text.as_bytes(), &options);
        let Some(records) = naive_records(&text) else {
            prop_assert!(outcome.unwrap_err().contains("never closed"));
            return Ok(());
        };
        let verdicts: Vec<_> = records[1..].iter().map(|(line, f)| (*line, naive_verdict(f))).collect();
        let weights: Vec<f32> = verdicts.iter().filter_map(|(_, v)| v.ok()).collect();
        match outcome {
            Err(words) if naive_swap(&records[1..]) => {
                prop_assert!(words.contains("longitude and latitude are swapped"), "{}", words);
            }
            Err(words) if words.contains("may be degrees and minutes") => {
                prop_assert!(verdicts.iter().any(|(_, v)| *v == Err(SkipReason::BadPosition)));
            }
            Err(words) => prop_assert!(weights.is_empty(), "{}", words),
            Ok((points, report)) => {
                prop_assert!(!naive_swap(&records[1..]), "swapped axes are not refused");
                prop_assert_eq!(points.iter().map(|p| p.weight).collect::<Vec<_>>(), weights);
                for skip in SkipReason::ALL {
                    let count = verdicts.iter().filter(|(_, v)| *v == Err(skip)).count();
                    prop_assert_eq!(report.skipped(skip), count as u64, "{}", skip);
                }
                let mut skipped = verdicts.iter().filter_map(|&(line, v)| Some((line, v.err()?)));
                for example in &report.examples {
                    let found = (example.line, example.skip);
                    prop_assert!(skipped.any(|s| s == found), "{} out of order", example);
                }
            }
        }
    }

    #[test]
    fn doubted_quotes_are_read_alike(
        rows in proptest::collection::vec(doubtful_row(), 0..60),
        tabs: bool,
        newline: bool,
    ) {
        let mut text = format!("lon,lat,a,b\n{}", rows.join("\n"));
        if newline {
            text.push('\n');
        }
        let delimiter = if tabs { b'\t' } else { b',' };
        if tabs {
            text = text.replace(',', "\t");
        }
        let options = LoadOptions {
            delimiter: Some(delimiter),
            quote: None,
            keep: vec!["a".to_owned()],
            ..as_format(InputFormat::Csv)
        };
        let options = LoadOptions { weight: None, ..options };
        let _ = check_invariance(text.as_bytes(), &options);
    }

    #[test]
    fn geojson_is_the_same_in_any_wrapping(features in proptest::collection::vec(feature(), 1..12)) {
        let document = format!(
            "{{\"a\":[{{\"features\":[1]}}],\"features\": [\n{}\n] , \"type\":\"FeatureCollection\"}}\n",
            features.join("\n,")
        );
        let expected = check_invariance(document.as_bytes(), &as_format(InputFormat::GeoJson));
        let lines: String = features.iter().map(|f| f.replace('\n', "") + "\r\n").collect();
        let sequence: String = features.iter().map(|f| format!("\u{1e}{f}\n")).collect();
        let array = format!("[{}]", features.join(","));
        for (text, format) in [
            (&lines, InputFormat::GeoJsonLines),
            (&sequence, InputFormat::GeoJsonLines),
            (&lines, InputFormat::GeoJson),
            (&array, InputFormat::GeoJson),
        ] {
            let outcome = check_invariance(text.as_bytes(), &as_format(format));
            let points = |o: &Outcome| o.as_ref().ok().map(|(p, r)| (p.clone(), r.rows));
            prop_assert_eq!(points(&outcome), points(&expected), "{}", text);
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, format in proptest::option::of(0usize..4)) {
        let format = format.map(|f| InputFormat::ALL[f]);
        let _ = outcome(&bytes, 5, &LoadOptions { format, ..LoadOptions::default() });
    }

    #[test]
    fn nearly_json_is_survived(text in "[{}\\[\\]\",:1a \\\\\n\u{1e}]{0,60}", lines: bool) {
        let format = if lines { InputFormat::GeoJsonLines } else { InputFormat::GeoJson };
        let _ = check_invariance(text.as_bytes(), &as_format(format));
    }

    #[test]
    fn a_damaged_document_is_survived(
        features in proptest::collection::vec(feature(), 1..6),
        at: prop::sample::Index,
        byte: u8,
        cut: bool,
    ) {
        let mut bytes = format!("{{\"features\":[{}]}}", features.join(",")).into_bytes();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
            let words = check_invariance(&bytes, &as_format(InputFormat::GeoJson)).unwrap_err();
            prop_assert!(at == 0 || words.contains("the file ends too early"), "{}", words);
        } else {
            bytes[at] = byte;
            let _ = check_invariance(&bytes, &as_format(InputFormat::GeoJson));
        }
    }
}
