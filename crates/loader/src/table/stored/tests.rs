use super::*;
use crate::{LoadOptions, load_rows, load_table, read};
use heatsplat_points::Point;
use proptest::prelude::*;

const HEADER: &str = "lon,lat,v\n";

fn options() -> LoadOptions {
    LoadOptions {
        keep: vec!["v".into()],
        ..LoadOptions::default()
    }
}

/// The points of some rows, and their kept column as 64-bit integers.
fn stored(rows: &[String]) -> (Vec<Point>, StoredColumn) {
    let csv = std::io::Cursor::new((HEADER.to_owned() + &rows.concat()).into_bytes());
    let mut source = read(csv, "a.csv", &options()).unwrap();
    let (mut points, mut kept) = (Vec::new(), TableBuilder::default());
    let mut add = |more: Vec<Point>, values| {
        points.extend(more);
        kept.add(values);
        true
    };
    load_rows(&mut *source, &mut add, |_| ()).unwrap();
    (points, kept.into_stored().remove(0))
}

/// Makes texts that are all of one type, or of several types.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let number = "[0-9]{1,2}([.][05])?";
    let whole = "86732204000000000[0-3]";
    let time = "2010-0[1-4]-0[1-5]( 1[0-2]:30)?";
    let word = "[ab]{0,2}|007|5[.]0|true";
    let one = prop_oneof![
        Just(number),
        Just(whole),
        Just(time),
        Just("[0-9]"),
        Just(word)
    ];
    let some = prop_oneof![
        one.clone().prop_map(|a| vec![a]),
        (one.clone(), one).prop_map(|(a, b)| vec![a, a, a, a, b]),
    ];
    some.prop_flat_map(|forms| {
        let text = prop::sample::select(forms)
            .prop_flat_map(|form| proptest::string::string_regex(form).unwrap());
        prop::collection::vec(text, 1..80)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn joined_parts_are_the_column_of_memory(texts in texts(), cuts in prop::collection::vec(1usize..40, 1..4)) {
        let row = |(i, text): (usize, &String)| format!("{}.{i:03},{},{text}\n", i * 7 % 90, i % 80);
        let rows: Vec<String> = texts.iter().enumerate().map(row).collect();
        let csv = std::io::Cursor::new((HEADER.to_owned() + &rows.concat()).into_bytes());
        let mut source = read(csv, "a.csv", &options()).unwrap();
        let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
        let mut parts = Vec::new();
        let mut rest = &rows[..];
        for cut in cuts.into_iter().chain([rows.len()]) {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            if !now.is_empty() {
                parts.push(stored(now));
            }
            rest = later;
        }
        parts.reverse();
        // Forms come back from their names and JSON.
        for (_, column) in &parts {
            let form = StoredForm::from_parts(column.form.kind(), &column.form.written());
            prop_assert_eq!(form, Some(column.form));
        }
        let forms: Vec<_> = parts.iter().map(|(_, c)| (c.form, &*c.words)).collect();
        let joined = join_stored(&forms, &[], &mut |number| {
            Ok::<HashSet<u64>, ()>(parts[number].1.values.iter().copied().filter(|v| *v != NULL).collect())
        });
        let joined = joined.unwrap();
        let mut all: Vec<(u128, u64)> = Vec::new();
        for ((points, column), map) in parts.iter().zip(&joined.maps) {
            let value = |v: &u64| map.as_ref().map_or(*v, |map| map.get(v).copied().unwrap_or(NULL));
            all.extend(points.iter().map(Point::z_number).zip(column.values.iter().map(value)));
        }
        all.sort_unstable();
        prop_assert!(points.as_slice().unwrap().iter().map(Point::z_number).eq(all.iter().map(|a| a.0)));
        let column = StoredColumn {
            form: joined.form,
            words: joined.words,
            values: all.iter().map(|a| a.1).collect(),
        };
        let mut some = column.clone();
        some.values.truncate(9);
        let words = std::mem::take(&mut some.words);
        if !words.is_empty() {
            some.take_words(&words);
        }
        let again = Table::from_stored(vec![("v".to_owned(), column)], &[]).unwrap();
        let some = Table::from_stored(vec![("v".to_owned(), some)], &[]).unwrap();
        let (column, again, some) = (&table.columns()[0], &again.columns()[0], &some.columns()[0]);
        prop_assert_eq!((column.kind(), column.nulls()), (again.kind(), again.nulls()));
        for row in 0..points.summary().count {
            prop_assert_eq!(column.text(row), again.text(row));
            prop_assert_eq!(column.number(row), again.number(row));
            if row < 9 {
                prop_assert_eq!(column.text(row), some.text(row));
            }
        }
        prop_assert_eq!(column.frequent(99), again.frequent(99));
    }
}
