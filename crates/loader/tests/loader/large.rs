//! Files of many blocks. The results are compared with those of a reader that shares no code with
//! this crate.

use crate::{loaded, weight};
use heatsplat_loader::{LoadOptions, SkipReason};
use heatsplat_points::{Point, mercator};
use std::fmt::Write;

/// A generator of random numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A CSV file of `n` rows of all kinds. It has a few MiB.
fn table(n: usize) -> String {
    let mut dice = Dice(7);
    let mut text = String::from("name,lon,lat,w\n");
    for i in 0..n {
        let (lon, lat) = (
            dice.roll(360_000_000) as f64 / 1e6 - 180.0,
            dice.roll(180_000_000) as f64 / 1e6 - 90.0,
        );
        let w = dice.roll(1000);
        let name = match dice.roll(20) {
            0 => "\"two\nlines, \"\"quoted\"\"\"".to_owned(),
            1 => "5\" nail".to_owned(),
            2 => format!("\"{}\"", "long\n".repeat(dice.roll(200) as usize)),
            _ => format!("place {i}"),
        };
        let _ = match dice.roll(100) {
            0 => writeln!(text, "{name},{lon},,{w}"),
            1 => writeln!(text, "{name},x,{lat},{w}"),
            2 => writeln!(text, "{name},{lon}"),
            3 => writeln!(text, "{name},{lon},{lat},w"),
            4 => writeln!(text, "\n{name},\"{lon}\",{lat},{w}\r"),
            _ => writeln!(text, "{name},{lon},{lat},{w}"),
        };
    }
    text
}

#[test]
fn a_table_of_many_blocks() {
    let text = table(100_000);
    assert!(text.len() > 4 << 20);
    let mut expected: Vec<Point> = Vec::new();
    let mut skipped: Vec<(u64, SkipReason)> = Vec::new();
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(text.as_bytes());
    for record in reader.byte_records() {
        let record = record.unwrap();
        let field = |i: usize| {
            record
                .get(i)
                .map(|f| std::str::from_utf8(f).unwrap().trim())
        };
        let number = |i: usize| field(i).unwrap().parse::<f64>();
        // The other reader takes a carriage return alone for a record.
        if record.len() < 2 {
            continue;
        }
        let verdict = match (field(1), field(2)) {
            (_, None) => Err(SkipReason::Malformed),
            (Some(""), _) | (_, Some("")) => Err(SkipReason::NoPosition),
            _ => match (number(1), number(2)) {
                (Ok(lon), Ok(lat)) => mercator::project(lon, lat).map_err(|_| SkipReason::Outside),
                _ => Err(SkipReason::BadPosition),
            },
        };
        let verdict = verdict.and_then(|at| match number(3) {
            Ok(w) => Ok(Point::new(at, w as f32)),
            Err(_) => Err(SkipReason::BadWeight),
        });
        match verdict {
            Ok(point) => expected.push(point),
            Err(skip) => {
                // If blank lines precede a row, the other reader gives the number of the first of
                // them. No skipped row follows a blank line here.
                skipped.push((record.position().unwrap().line(), skip));
            }
        }
    }
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let (points, report) = pool
            .install(|| loaded("a.csv", text.as_bytes(), &weight("w")))
            .unwrap();
        assert!(points == expected);
        for skip in SkipReason::ALL {
            let count = skipped.iter().filter(|s| s.1 == skip).count();
            assert_eq!(report.skipped(skip), count as u64, "{skip}");
        }
        let mut wanted = Vec::new();
        for &(line, skip) in &skipped {
            if wanted
                .iter()
                .filter(|w: &&(u64, SkipReason)| w.1 == skip)
                .count()
                < 5
                && wanted.len() < 20
            {
                wanted.push((line, skip));
            }
        }
        let found: Vec<_> = report.examples.iter().map(|e| (e.line, e.skip)).collect();
        assert_eq!(found, wanted);
    }
}

#[test]
fn a_collection_of_many_blocks() {
    let mut dice = Dice(3);
    let mut text = String::from("{\"type\":\"FeatureCollection\",\"features\":[");
    let mut sum = 0;
    let n = 20_000;
    for i in 0..n {
        let (lon, lat, mag) = (
            dice.roll(360) as f64 - 180.0,
            dice.roll(170) as f64 - 85.0,
            dice.roll(10),
        );
        sum += mag;
        let comma = if i == 0 { "" } else { ",\n" };
        let text_of_any_length = "]}\\\"".repeat(dice.roll(100) as usize);
        let _ = write!(
            text,
            "{comma}{{\"type\":\"Feature\",\"properties\":{{\"mag\":{mag},\"t\":\"{text_of_any_length}\"}},\
             \"geometry\":{{\"type\":\"Point\",\"coordinates\":[{lon},{lat}]}}}}"
        );
    }
    text.push_str(",\n{\"type\":\"Feature\",\"geometry\":null}],\"name\":\"x\"}");
    let (points, report) = loaded("a.geojson", text.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(points.len(), n);
    assert_eq!(
        points.iter().map(|p| f64::from(p.weight)).sum::<f64>(),
        sum as f64
    );
    assert_eq!(report.examples[0].line, n as u64 + 1);
    // There is an error near the end of the file. Its position must be right after many blocks.
    let broken = text.replace(",\"name\":\"x\"}", ",\"name\":x");
    let message = crate::error("a.geojson", broken.as_bytes(), &LoadOptions::default());
    assert!(message.contains(&format!("line {}, ", n + 1)), "{message}");
}
