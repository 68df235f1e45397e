//! Decimal commas and marks between thousands in CSV.

use crate::{error, loaded, places, weight};
use heatsplat_loader::{ColumnKind, DecimalMark, LoadOptions, load_table, read};

fn asked(mark: DecimalMark) -> LoadOptions {
    LoadOptions {
        decimal: Some(mark),
        ..LoadOptions::default()
    }
}

fn why(text: &str, options: &LoadOptions) -> String {
    let text = std::io::Cursor::new(text.as_bytes().to_vec());
    read(text, "a.csv", options).unwrap().columns().why.clone()
}

fn weights(text: &str, options: &LoadOptions) -> Vec<f32> {
    let (points, _) = loaded("a.csv", text.as_bytes(), options).unwrap();
    points.iter().map(|point| point.weight).collect()
}

#[test]
fn decimal_commas_are_found_in_every_layout() {
    let expected = [(2.3522, 48.8566, 1.5), (13.405, 52.52, 20.0)];
    for text in [
        "lat;lon;n;value\n48,8566;2,3522;A;1,5\n52,5200;13,4050;B;20\n",
        "lat\tlon\tvalue\n48,8566\t2,3522\t1,5\n52,52\t13,405\t20\n",
        "lat,lon,value\n\"48,8566\",\"2,3522\",\"1,5\"\n\"52,52\",\"13,405\",20\n",
        "2,3522;48,8566;1,5\n13,405;52,52;20\n",
        "lat;lon;value\n48.8566;2.3522;1,5\n52.52;13.405;20\n",
        "lat;lon;value\n48,8566;2,3522;1.5\n52,52;13,405;20\n",
    ] {
        assert_eq!(places("a.csv", text), expected, "{text}");
        let why = why(text, &LoadOptions::default());
        assert!(
            why.ends_with("decimal commas, as the first rows have them"),
            "{why}"
        );
    }
    // Whole numbers among decimals.
    let text = "lat;lon\n48;2\n52,5;13,4\n";
    assert_eq!(places("a.csv", text), [(2.0, 48.0, 1.0), (13.4, 52.5, 1.0)]);
    assert!(!why("lat;lon\n48.5;2.5\n", &LoadOptions::default()).contains("comma"));
}

#[test]
fn a_contradiction_ends_the_load_with_its_line() {
    let row = "48,8566;2,3522;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n";
    let many = row.repeat(20_000);
    let text = format!("lat;lon;name\n{many}48.8566;2.3522;B\n");
    let message = error("a.csv", text.as_bytes(), &LoadOptions::default());
    assert!(
        message.starts_with("a.csv: `decimal`: line 20002: \"2.3522\" has a decimal point"),
        "{message}"
    );
    // With the option the row is skipped.
    let (points, report) = loaded("a.csv", text.as_bytes(), &asked(DecimalMark::Comma)).unwrap();
    assert_eq!((points.len(), report.skipped_total()), (20_000, 1));

    let whole =
        "lat;lon;name\n".to_owned() + &row.replace(",8566", "").replace(",3522", "").repeat(20_000);
    let message = error("a.csv", (whole + row).as_bytes(), &LoadOptions::default());
    assert!(
        message.contains("line 20002: \"2,3522\" has a decimal comma")
            && message.contains("are whole numbers"),
        "{message}"
    );
    // One comma among many points is a bad row, as any other text is.
    let text = "lat;lon\n48.5;2.5\n48.5;2.5\n48,5;2.5\n";
    let (points, report) = loaded("a.csv", text.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!((points.len(), report.rows), (2, 3));
}

#[test]
fn doubts_are_errors_with_both_readings() {
    let text = "lat;lon;n\n48.5;2.5;1,234\n48.5;2.5;12,345\n";
    let message = error("a.csv", text.as_bytes(), &weight("n"));
    assert!(
        message.starts_with(
            "a.csv: `decimal`: line 2: \"1,234\" in column \"n\" may be 1.234 or 1234"
        ),
        "{message}"
    );
    let with = |mark| LoadOptions {
        decimal: Some(mark),
        ..weight("n")
    };
    assert_eq!(weights(text, &with(DecimalMark::Point)), [1234.0, 12345.0]);
    assert_eq!(weights(text, &with(DecimalMark::Comma)), [1.234, 12.345]);
    let message = error(
        "a.csv",
        b"lat;lon\n48,5;2,5\n48.5;2,5\n",
        &LoadOptions::default(),
    );
    assert!(
        message.contains("\"48,5\" on line 2 and \"48.5\" on line 3"),
        "{message}"
    );
    // A column that no option names is not used while in doubt.
    let text = "lat;lon;count\n48.5;2.5;1,234\n";
    assert_eq!(weights(text, &LoadOptions::default()), [1.0]);
}

#[test]
fn marks_between_thousands_are_read_where_they_leave_no_doubt() {
    for (values, expected) in [
        ("1.234,5;1.000", [1234.5, 1000.0]),
        ("\"1,234.5\";\"1,000\"", [1234.5, 1000.0]),
        ("1 234,5;1 000", [1234.5, 1000.0]),
        ("1\u{a0}234,5;1'000", [1234.5, 1000.0]),
        ("0,5;1'000", [0.5, 1000.0]),
    ] {
        let (a, b) = values.split_once(';').unwrap();
        let text = format!("lat;lon;n\n48,5;2,5;{a}\n48,5;2,5;{b}\n");
        assert_eq!(weights(&text, &weight("n")), expected, "{values}");
    }
}

#[test]
fn filters_and_kept_columns_take_the_number() {
    let text = "lat;lon;n;id\n48,5;2,5;10,5;867322040000000001\n48,5;2,5;9,25;7\n";
    let options = |filter: &str| LoadOptions {
        filter: Some(filter.parse().unwrap()),
        keep: vec!["n".into(), "id".into()],
        ..LoadOptions::default()
    };
    for (filter, kept) in [
        ("n > 10", 1),
        ("n = 9.25", 1),
        ("id = 867322040000000001", 1),
        ("n < 100", 2),
    ] {
        let source = std::io::Cursor::new(text.as_bytes().to_vec());
        let mut source = read(source, "a.csv", &options(filter)).unwrap();
        let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
        assert_eq!(points.summary().count, kept, "{filter}");
        assert_eq!(table.columns()[0].kind(), ColumnKind::Number);
    }
}
