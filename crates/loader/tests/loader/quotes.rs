//! Quotes that enclose no field. No row may be lost because of them.

use crate::{error, loaded, opened};
use flate2::{Compression, write::GzEncoder};
use heatsplat_loader::{LoadOptions, Quote, load_table, read};
use std::fmt::Write as _;
use std::io::Write as _;

/// A table with the columns id, name, lat and lon. `names` replaces the names of some rows, by
/// their indices.
fn rows(delimiter: char, count: usize, names: &[(usize, &str)]) -> String {
    let mut text = "id,name,lat,lon\n".replace(',', &delimiter.to_string());
    for i in 0..count {
        let name = names.iter().find(|(at, _)| *at == i);
        let name = name.map_or(format!("n{i}"), |(_, name)| (*name).to_owned());
        let step = (i % 4000) as f64 / 100.0;
        let (lat, lon) = (40.0 + step, 10.0 + step);
        writeln!(text, "{i}{delimiter}{name}{delimiter}{lat}{delimiter}{lon}").unwrap();
    }
    text
}

/// The number of rows, the number of rows that are kept, and the notes in the report.
fn account(text: &str, options: &LoadOptions) -> (u64, u64, Vec<String>) {
    let (points, report) = loaded("a.csv", text.as_bytes(), options).unwrap();
    assert_eq!(points.len() as u64, report.kept);
    (report.rows, report.kept, report.notes())
}

/// The texts of a column, sorted.
fn column(text: &str, name: &str, options: &LoadOptions) -> Vec<String> {
    let options = LoadOptions {
        keep: vec![name.to_owned()],
        ..options.clone()
    };
    let text = std::io::Cursor::new(text.as_bytes().to_vec());
    let mut source = read(text, "a.csv", &options).unwrap();
    let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
    let values = (0..points.summary().count).map(|at| table.columns()[0].text(at));
    let mut values: Vec<String> = values.map(|text| text.unwrap().into_owned()).collect();
    values.sort();
    values
}

fn quote(quote: Quote) -> LoadOptions {
    LoadOptions {
        quote: Some(quote),
        ..LoadOptions::default()
    }
}

#[test]
fn a_stray_quote_swallows_no_rows() {
    for delimiter in [',', ';', '\t', '|'] {
        for (names, strays) in [
            // This quote is closed far below in the same column.
            (&[(3, "\"NSG Aue"), (180, "Teiche\"")][..], 1),
            // This quote is never closed.
            (&[(2, "\"Fish ponds")], 1),
            (&[(199, "\"the last")], 1),
            // These quotes are in rows that follow one another.
            (&[(7, "\"a"), (8, "b\"")], 1),
            (&[(7, "\"a"), (8, "\"b"), (9, "\"c")], 3),
            (&[(5, "\""), (90, "5\" pipe"), (91, "\"")], 2),
        ] {
            let text = rows(delimiter, 200, names);
            let (met, kept, notes) = account(&text, &LoadOptions::default());
            assert_eq!((met, kept), (200, 200), "{delimiter:?} {names:?}");
            let [note] = notes.as_slice() else {
                panic!("{delimiter:?} {names:?}: {notes:?}")
            };
            let said = match strays {
                1 => "1 stray quote taken as text in 1 row, on line".to_owned(),
                n => format!("{n} stray quotes taken as text in {n} rows, the first on line"),
            };
            assert!(note.starts_with(&said), "{note}");
            let line = format!(" line {} ", names[0].0 + 2);
            assert!(note.contains(&line), "{line:?}: {note}");
        }
    }
}

#[test]
fn rows_with_good_quotes_among_those_passed() {
    let good = [(3, "\"Bob"), (5, "\"Smith, J\""), (9, "\"\""), (40, "x\"")];
    assert_eq!(
        account(&rows(',', 60, &good), &LoadOptions::default()).1,
        60
    );
    // These rows end with one more comma than the header, or lack their last fields.
    let text = rows(',', 60, &[(3, "\"Bob"), (50, "x\"")]);
    let more = text.replace('\n', ",\n").replacen("lon,", "lon", 1);
    assert_eq!(account(&more, &LoadOptions::default()).1, 60);
    let fewer = text.replacen("lon\n", "lon,year,note\n", 1);
    assert_eq!(account(&fewer, &LoadOptions::default()).1, 60);
    // Between the two quotes, only a blank line and a comment are no rows. So the lines are still
    // read as rows, and not as one quoted field.
    let text = rows(',', 150, &[(3, "\"Bob"), (140, "x\"")]).replace("\n50,n50,", "\n\n# 50,");
    let (met, kept, _) = account(&text, &LoadOptions::default());
    assert_eq!((met, kept), (150, 149));
}

#[test]
fn fields_that_do_run_over_lines() {
    for text in [
        "id,name,lat,lon\n1,\"two\nlines\",48,11\n2,b,49,12\n",
        "lat,lon,name\n48,11,\"12 Main St\nSpringfield, IL, USA\"\n49,12,b\n",
        "name,lat,lon\n\"Springfield, IL, USA\n12 Main St\",48,11\nb,49,12\n",
        "id,name,lat,lon\n1,\"a\n\nb, c\nd\n\",48,11\n2,b,49,12\n",
        "id\tname\tlat\tlon\n1\t\"two\nlines\"\t48\t11\n2\tb\t49\t12\n",
        "id\tname\tlat\tlon\r\n1\t\"two\r\nlines\ttabs\"\t48\t11\r\n2\tb\t49\t12\r\n",
    ] {
        let (met, kept, notes) = account(text, &LoadOptions::default());
        assert_eq!((met, kept, notes.len()), (2, 2, 0), "{text}: {notes:?}");
    }
    // This quoted text is longer than the part of the file that is examined to decide about a
    // quote.
    let long = "word, word\n".repeat(5000);
    let text = format!("name,lat,lon\n\"{long}\",48,11\nb,49,12\n");
    assert_eq!(account(&text, &LoadOptions::default()).0, 2);
}

#[test]
fn tabbed_text_has_no_quotes_but_around_whole_fields() {
    let text = "id\tname\tlat\tlon\n\
        1\t\"Upper Meadow\" north side\t1\t2\n\
        2\t\"in quotes\"\t1\t2\n\
        3\t\"said \"\"so\"\"\"\t1\t2\n\
        4\t\"a\ttab\"\t\"1\"\t2\n\
        5\t5\" pipe\t1\t2\n\
        6\t\"a\" or \"b\"\t1\t2\n";
    let names = column(text, "name", &LoadOptions::default());
    let expected = [
        "\"Upper Meadow\" north side",
        "\"a\" or \"b\"",
        "5\" pipe",
        "a\ttab",
        "in quotes",
        "said \"so\"",
    ];
    assert_eq!(names, expected);
    let (_, kept, notes) = account(text, &LoadOptions::default());
    assert_eq!(kept, 6);
    assert!(
        notes[0].starts_with("6 stray quotes taken as text in 2 rows, the first on line 2"),
        "{notes:?}"
    );
}

#[test]
fn what_quotes_can_be_told() {
    let text = "name,lon,lat\n'a,b',1,2\n\"c,3,4\n";
    assert_eq!(
        column(text, "name", &quote(Quote::Byte(b'\''))),
        ["\"c", "a,b"]
    );
    let text = "name,lon,lat\n\"a\",1,2\n\"b,3,4\n";
    assert_eq!(column(text, "name", &quote(Quote::None)), ["\"a\"", "\"b"]);
    // A quote that an option names is always read as a quote.
    let strict = quote(Quote::Byte(b'"'));
    let text = rows('\t', 200, &[(3, "\"NSG Aue"), (180, "Teiche\"")]);
    assert_eq!(account(&text, &strict).0, 23);
    let message = error("a.csv", rows(',', 9, &[(3, "\"x")]).as_bytes(), &strict);
    assert!(
        message.contains("line 5: a quote opened in this row is never closed")
            && message.contains("`quote` none"),
        "{message}"
    );
    let both = LoadOptions {
        delimiter: Some(b'\''),
        ..quote(Quote::Byte(b'\''))
    };
    assert!(error("a.csv", b"lon'lat\n1'2\n", &both).contains("`delimiter`"));
    let tabs = LoadOptions {
        format: Some(heatsplat_loader::InputFormat::Tsv),
        ..quote(Quote::Byte(b'\t'))
    };
    let tab = error("a.tsv", b"lon\tlat\n1\t2\n", &tabs);
    assert!(tab.contains("`quote`: '\\t' parts the fields"), "{tab}");
    assert_eq!("none".parse(), Ok(Quote::None));
    assert_eq!("'".parse(), Ok(Quote::Byte(b'\'')));
    assert!("".parse::<Quote>().is_err() && "ab".parse::<Quote>().is_err());
}

#[test]
fn in_headers_and_in_files_without_one() {
    let (_, kept, _) = account("lon,\"lat\n1,2\n3,4\n", &LoadOptions::default());
    assert_eq!(kept, 2);
    let (_, kept, _) = account(
        "lon\tlat\t\"a\n1\t2\tb\n3\t4\tc\"\n",
        &LoadOptions::default(),
    );
    assert_eq!(kept, 2);
    let by_number = LoadOptions {
        lon: Some("1".into()),
        lat: Some("2".into()),
        ..LoadOptions::default()
    };
    let (_, kept, _) = account("1,2,\"a\n3,4,b\"\n5,6,c\n", &by_number);
    assert_eq!(kept, 3);
}

#[test]
fn packed_and_in_many_blocks() {
    let names: Vec<(usize, &str)> = (0..60).map(|i| (i * 997, "\"stray")).collect();
    for delimiter in [',', '\t'] {
        let text = rows(delimiter, 60_000, &names).replace("n7\n", "n7");
        let whole = account(&text, &LoadOptions::default());
        assert_eq!((whole.0, whole.1), (60_000, 60_000));
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let (_, report) = loaded("a.csv.gz", &packed, &LoadOptions::default()).unwrap();
        assert_eq!(report.notes(), whole.2);
        let folder = crate::Folder::new(&format!("quotes-{}", u32::from(delimiter)));
        std::fs::write(folder.file("a.csv"), &text).unwrap();
        let (_, report) = opened(&folder.file("a.csv"), &LoadOptions::default()).unwrap();
        assert_eq!((report.kept, report.notes()), (60_000, whole.2));
    }
}

#[test]
fn a_quoted_field_that_breaks_off_is_still_an_error() {
    let message = error(
        "a.csv",
        b"lon,lat,note\n1,2,\"a text\nthat goes on, and\non",
        &LoadOptions::default(),
    );
    assert!(message.contains("line 2: a quote opened"), "{message}");
}
