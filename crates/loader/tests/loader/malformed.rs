//! Malformed rows: one file with all kinds of rows that were ever a problem for loaders, and the
//! expected result of each row.

use crate::{loaded, weight as weighed};
use heatsplat_loader::SkipReason;
use heatsplat_points::mercator;

#[derive(Clone, Copy, Debug)]
enum Verdict {
    /// The row gives a point with this longitude, latitude and weight.
    TableBuilder(f64, f64, f32),
    Skipped(SkipReason),
    /// The row doesn't count as a row.
    Nothing,
}
use Verdict::{Nothing, Skipped, TableBuilder};

const HEADER: &[u8] = b"id,lon,lat,weight,when,kind,remark";

fn rows() -> Vec<(Vec<u8>, Verdict)> {
    let tail = "2024-01-01T00:00:00Z,kind,remark";
    let position = |lon: &str, lat: &str| format!("1,{lon},{lat},1,{tail}").into_bytes();
    let weight = |w: &str| format!("1,20,30,{w},{tail}").into_bytes();
    let time = |t: &str| format!("1,20,39,1,{t},kind,remark").into_bytes();
    let whole = |row: &str| row.as_bytes().to_vec();
    let bad = Skipped(SkipReason::BadPosition);
    vec![
        (
            position("-0.1276", "51.5072"),
            TableBuilder(-0.1276, 51.5072, 1.0),
        ),
        // Positions on the antimeridian, on both sides of it, and beyond it.
        (position("180", "0"), TableBuilder(-180.0, 0.0, 1.0)),
        (position("-180", "0"), TableBuilder(-180.0, 0.0, 1.0)),
        (
            position("179.9999999", "10"),
            TableBuilder(179.9999999, 10.0, 1.0),
        ),
        (
            position("-179.9999999", "10"),
            TableBuilder(-179.9999999, 10.0, 1.0),
        ),
        (position("181", "10"), TableBuilder(-179.0, 10.0, 1.0)),
        (position("-540", "10"), TableBuilder(-180.0, 10.0, 1.0)),
        (position("354.47333", "0"), TableBuilder(-5.52667, 0.0, 1.0)),
        // Positions at the poles and at the edge of the Web-Mercator square.
        (position("0", "90"), Skipped(SkipReason::Outside)),
        (position("0", "-90"), Skipped(SkipReason::Outside)),
        (
            position("0", "85.05112877980659"),
            TableBuilder(0.0, 85.0511288, 1.0),
        ),
        (position("0", "85.2"), Skipped(SkipReason::Outside)),
        (position("0", "90.0001"), bad),
        (position("0", "-91"), bad),
        (position("-33.86", "151.2"), bad),
        (position("0", "0"), TableBuilder(0.0, 0.0, 1.0)),
        // Positions that are no numbers.
        (position("NaN", "10"), bad),
        (position("nan", "nan"), bad),
        (position("inf", "10"), bad),
        (position("-Infinity", "10"), bad),
        (position("", "10"), Skipped(SkipReason::NoPosition)),
        (position("", ""), Skipped(SkipReason::NoPosition)),
        (position("abc", "10"), bad),
        (position("\"12,5\"", "10"), bad),
        (
            position(" 10.5 ", " 20.25 "),
            TableBuilder(10.5, 20.25, 1.0),
        ),
        (position("1e2", "1e1"), TableBuilder(100.0, 10.0, 1.0)),
        (position("+10.0", "+20.0"), TableBuilder(10.0, 20.0, 1.0)),
        (position("0x1A", "10"), bad),
        (position("51°30′26″N", "0°7′39″W"), bad),
        // Unusual weights.
        (weight(""), TableBuilder(20.0, 30.0, 0.0)),
        (weight("NaN"), Skipped(SkipReason::BadWeight)),
        (weight("inf"), Skipped(SkipReason::BadWeight)),
        (weight("-5"), TableBuilder(20.0, 30.0, -5.0)),
        (weight("0"), TableBuilder(20.0, 30.0, 0.0)),
        (weight("1e308"), Skipped(SkipReason::BadWeight)),
        (weight("1e-320"), TableBuilder(20.0, 30.0, 0.0)),
        (weight("\"1,00,0\""), Skipped(SkipReason::BadWeight)),
        (weight("5%"), Skipped(SkipReason::BadWeight)),
        // Times don't matter if no option names the column.
        (time("2023-02-30T00:00:00Z"), TableBuilder(20.0, 39.0, 1.0)),
        (time(""), TableBuilder(20.0, 39.0, 1.0)),
        (
            time("2024-01-01T00:00:00+05:30"),
            TableBuilder(20.0, 39.0, 1.0),
        ),
        (time("2016-12-31T23:59:60Z"), TableBuilder(20.0, 39.0, 1.0)),
        (time("1704067200"), TableBuilder(20.0, 39.0, 1.0)),
        // Quotes, unusual text, and rows with too few or too many fields.
        (
            whole("1,21,44,1,,\"quo\"\"ted, kind\",\"line one\nline two\""),
            TableBuilder(21.0, 44.0, 1.0),
        ),
        (
            whole("1,21,45,1,,日本語 🗾,utf-8"),
            TableBuilder(21.0, 45.0, 1.0),
        ),
        (whole("1,21,46"), TableBuilder(21.0, 46.0, 0.0)),
        (
            whole("1,21,47,1,,x,y,z,extra"),
            TableBuilder(21.0, 47.0, 1.0),
        ),
        (whole(""), Nothing),
        (whole(",,,,,,"), Skipped(SkipReason::NoPosition)),
        (HEADER.to_vec(), Skipped(SkipReason::Malformed)),
        (whole("# remark"), Skipped(SkipReason::Malformed)),
        (
            b"1,22,48,1,,bad\xff\xfe,latin".to_vec(),
            TableBuilder(22.0, 48.0, 1.0),
        ),
        (
            b"1,22,49,1,,nul\0byte,nul".to_vec(),
            TableBuilder(22.0, 49.0, 1.0),
        ),
        (
            whole(&format!("1,23,50,1,,{},long", "L".repeat(70_000))),
            TableBuilder(23.0, 50.0, 1.0),
        ),
        (
            position("0.00000000000000000000000000000000000000000001", "0"),
            TableBuilder(0.0, 0.0, 1.0),
        ),
        (position("-0.0", "-0.0"), TableBuilder(0.0, 0.0, 1.0)),
        (
            whole("1,24,53,1,,ok,no newline at the end"),
            TableBuilder(24.0, 53.0, 1.0),
        ),
    ]
}

#[test]
fn every_row_alone() {
    for (row, verdict) in rows() {
        let shown = String::from_utf8_lossy(&row[..row.len().min(60)]).into_owned();
        // A valid row comes before it, since a file without any point would be an error.
        let text = [HEADER, b"\n0,1.5,1.5,1,,,\n", &row].concat();
        let (points, report) = loaded("a.csv", &text, &weighed("weight")).unwrap();
        assert_eq!(report.rows, report.kept + report.skipped_total(), "{shown}");
        match verdict {
            Nothing => assert_eq!(report.rows, 1, "{shown}"),
            Skipped(skip) => {
                assert_eq!(
                    (report.kept, report.skipped(skip)),
                    (1, 1),
                    "{shown}: {report}"
                );
            }
            TableBuilder(lon, lat, weight) => {
                assert_eq!((report.rows, report.kept), (2, 2), "{shown}: {report}");
                let (x, y) = mercator::unproject(points[1].at());
                assert!(
                    (x - lon).abs() < 2e-7 && (y - lat).abs() < 2e-7,
                    "{shown}: {x} {y}"
                );
                assert_eq!(points[1].weight, weight, "{shown}");
            }
        }
    }
}

#[test]
fn all_in_one_file() {
    let mut text = HEADER.to_vec();
    let mut line = 2;
    let mut skips: Vec<(u64, SkipReason)> = Vec::new();
    let (mut kept, mut weights) = (0, 0.0);
    for (row, verdict) in rows() {
        text.push(b'\n');
        text.extend(&row);
        match verdict {
            TableBuilder(_, _, weight) => {
                kept += 1;
                weights += weight;
            }
            Skipped(skip) => skips.push((line, skip)),
            Nothing => {}
        }
        line += 1 + row.iter().filter(|b| **b == b'\n').count() as u64;
    }
    let (points, report) = loaded("a.csv", &text, &weighed("weight")).unwrap();
    assert_eq!(report.kept, kept);
    assert_eq!(points.iter().map(|p| p.weight).sum::<f32>(), weights);
    assert_eq!(report.skipped_total(), skips.len() as u64);
    assert_eq!(report.weights_missing, 2);
    assert_eq!(report.at_null_island, 2);
    // The examples are the first five rows of each reason.
    for skip in SkipReason::ALL {
        let of = |s: &&(u64, SkipReason)| s.1 == skip;
        let expected: Vec<u64> = skips.iter().filter(of).take(5).map(|s| s.0).collect();
        let shown = report.examples.iter().filter(|e| e.skip == skip);
        assert_eq!(
            shown.map(|e| e.line).collect::<Vec<_>>(),
            expected,
            "{skip}"
        );
    }
}
