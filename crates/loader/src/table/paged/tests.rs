//! Tests of tables whose rows are in pages.

use super::*;
use crate::{
    Columns, LoadError, LoadOptions, Source, TableBuilder, join_stored, load_rows, load_table,
    read, read_paged,
};
use heatsplat_points::cancel::{CancelToken, Cancelled};
use heatsplat_points::{LonLatBox, mercator};
use proptest::prelude::*;
use std::collections::HashSet;
use std::io::Cursor;

/// Rows in memory, in pages of a few.
#[derive(Debug)]
struct FewRows {
    points: Vec<Point>,
    /// Values of each column.
    values: Vec<Vec<u64>>,
    page: u64,
    is_remote: bool,
    /// True if reading values fails.
    is_broken: bool,
    /// Number of pages of values, and of points, that were read.
    read: [AtomicU64; 2],
}

impl FewRows {
    fn pages<T: Copy>(&self, all: &[T], pages: &[u64], read: usize) -> Vec<T> {
        self.read[read].fetch_add(pages.len() as u64, Ordering::Relaxed);
        let page = |page: &u64| all.chunks(self.page as usize).nth(*page as usize).unwrap();
        pages.iter().flat_map(page).copied().collect()
    }

    fn pages_read(&self) -> [u64; 2] {
        [0, 1].map(|at| self.read[at].swap(0, Ordering::Relaxed))
    }
}

impl PagedRows for FewRows {
    fn rows(&self) -> u64 {
        self.points.len() as u64
    }

    fn page_rows(&self) -> u64 {
        self.page
    }

    fn zones(&self, column: usize) -> Result<Vec<RowZone>, ReadError> {
        let zone = |values: &[u64]| {
            let some = values.iter().filter(|v| **v != 0);
            RowZone {
                least: some.clone().min().copied().unwrap_or(u64::MAX),
                greatest: some.clone().max().copied().unwrap_or(0),
                nulls: values.iter().filter(|v| **v == 0).count() as u32,
                bits: some.fold(0, |bits, v| bits | 1 << (v % 64)),
            }
        };
        Ok(self.values[column]
            .chunks(self.page as usize)
            .map(zone)
            .collect())
    }

    fn values(&self, column: usize, pages: &[u64]) -> Result<Vec<u64>, ReadError> {
        match self.is_broken {
            true => Err(ReadError::new("page 7 is damaged")),
            false => Ok(self.pages(&self.values[column], pages, 0)),
        }
    }

    fn points(&self, pages: &[u64]) -> Result<Vec<Point>, ReadError> {
        Ok(self.pages(&self.points, pages, 1))
    }

    fn quad_rows(&self, quad: Quad) -> Result<Range<u64>, ReadError> {
        let (first, last) = quad.keys();
        let start = self.points.partition_point(|point| point.z_key() < first);
        let end = self.points.partition_point(|point| point.z_key() <= last);
        Ok(start as u64..end as u64)
    }

    fn is_remote(&self) -> bool {
        self.is_remote
    }
}

/// Points and their table in memory, and the same table in pages of `page` rows, of which at most
/// `most` points are selected. `rows` have the values of the columns `v` and `w`.
struct Both {
    points: Points,
    memory: Table,
    paged: Table,
    rows: Arc<FewRows>,
    /// The source of the points and their table.
    csv: Vec<u8>,
}

/// The rows of a source in Z-order: their points, and the forms, texts and values of the columns.
type SourceRows = (Vec<Point>, Vec<StoredColumn>);

fn rows_of(source: &mut dyn Source) -> Result<SourceRows, LoadError> {
    let (mut all, mut kept) = (Vec::new(), TableBuilder::default());
    let mut add = |points: Vec<Point>, values| {
        all.extend(points);
        kept.add(values);
        true
    };
    load_rows(source, &mut add, |_| ())?;
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|at| all[*at].z_key());
    let column = |column: StoredColumn| {
        let distinct: HashSet<u64> = column.values.iter().copied().filter(|v| *v != 0).collect();
        let parts = [(column.form, &*column.words)];
        let joined = join_stored(&parts, &[], &mut |_| Ok::<_, ()>(distinct.clone())).unwrap();
        let map = &joined.maps[0];
        let value = |at: &usize| {
            let value = column.values[*at];
            map.as_ref()
                .map_or(value, |map| map.get(&value).copied().unwrap_or(0))
        };
        StoredColumn {
            form: joined.form,
            words: joined.words.clone(),
            values: order.iter().map(value).collect(),
        }
    };
    let columns = kept.into_stored().into_iter().map(column).collect();
    Ok((order.iter().map(|at| all[*at]).collect(), columns))
}

impl Both {
    fn new(rows: &[(String, String)], page: u64, most: u64, change: impl Fn(&mut FewRows)) -> Self {
        let line = |(i, (v, w)): (usize, &(String, String))| {
            format!("{}.{i:03},{},\"{v}\",\"{w}\"\n", i * 7 % 90, i % 80)
        };
        let lines: String = rows.iter().enumerate().map(line).collect();
        let csv = format!("lon,lat,v,w\n{lines}").into_bytes();
        let options = LoadOptions {
            keep: vec!["v".into(), "w".into()],
            ..LoadOptions::default()
        };
        let mut source = read(Cursor::new(csv.clone()), "a.csv", &options).unwrap();
        let (points, memory, _) = load_table(&mut *source, |_| ()).unwrap();
        let mut source = read(Cursor::new(csv.clone()), "a.csv", &options).unwrap();
        let (all, stored) = rows_of(&mut *source).unwrap();
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for (name, column) in ["v", "w"].into_iter().zip(stored) {
            values.push(column.values);
            columns.push(UnreadColumn {
                name: name.to_owned(),
                form: column.form,
                words: column.words,
            });
        }
        let mut rows = FewRows {
            points: all,
            values,
            page,
            is_remote: false,
            is_broken: false,
            read: Default::default(),
        };
        change(&mut rows);
        let rows = Arc::new(rows);
        let paged = Table::from_paged(columns, Arc::clone(&rows) as _, &[], most).unwrap();
        Self {
            points,
            memory,
            paged,
            rows,
            csv,
        }
    }

    /// Rows whose value `v` grows along the curve, without `w`.
    fn growing(number: usize, most: u64, change: impl Fn(&mut FewRows)) -> Self {
        let rows = |i: usize| (i.to_string(), String::new());
        let rows: Vec<_> = (0..number).map(rows).collect();
        Self::new(&rows, 10, most, |rows| {
            rows.values[0].sort_unstable();
            change(rows);
        })
    }

    fn selected(&self, table: &Table, filter: &str) -> Result<Vec<Point>, TableError> {
        let filter: Filter = filter.parse().unwrap();
        let select = || table.select(&self.points, &filter);
        let some = CancelToken::default().run(select).unwrap()?;
        Ok(some.as_slice().unwrap().to_vec())
    }
}

fn texts(len: usize) -> impl Strategy<Value = Vec<String>> {
    const FORMS: [&str; 8] = [
        "[0-9]{1,2}([.][05])?",
        "86732204000000000[0-3]",
        "2010-0[1-4]-0[1-5]",
        "[abc]?",
        "[0-9]?|[ab]",
        "true|false|",
        "[0-9]{1,2}[.][05]",
        "126740160[0-9]",
    ];
    prop::sample::select(&FORMS[..]).prop_flat_map(move |form| {
        let text = proptest::string::string_regex(form).unwrap();
        prop::collection::vec(text, len)
    })
}

fn filter() -> impl Strategy<Value = String> {
    let literal = prop_oneof![
        "[0-9]{1,2}([.]5)?",
        "86732204000000000[0-3]",
        "2010-0[1-4]-0[1-5]",
        "'[abc]'",
        "'[0-9]'",
        "true|false",
    ];
    let sign = prop::sample::select(&["=", "<>", "<", "<=", ">", ">="][..]);
    let column = prop::sample::select(&["v", "w"][..]);
    let one = prop_oneof![
        6 => (column.clone(), sign, literal.clone())
            .prop_map(|(column, sign, literal)| format!("{column} {sign} {literal}")),
        1 => column.clone().prop_map(|column| format!("{column} is null")),
        1 => (column.clone(), literal.clone(), literal.clone())
            .prop_map(|(column, a, b)| format!("{column} between {a} and {b}")),
        1 => (column, prop::collection::vec(literal, 1..4))
            .prop_map(|(column, some)| format!("{column} in ({})", some.join(", "))),
    ];
    let not = |(one, not): (String, bool)| format!("{}({one})", if not { "not " } else { "" });
    let one = (one, any::<bool>()).prop_map(not);
    prop_oneof![
        one.clone(),
        (one.clone(), one.clone()).prop_map(|(a, b)| format!("{a} and {b}")),
        (one.clone(), one.clone(), one.clone()).prop_map(|(a, b, c)| format!("{a} or {b} and {c}")),
        (one.clone(), one).prop_map(|(a, b)| format!("not ({a} or {b})")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn pages_give_what_memory_gives(
        (v, w, sorted) in (1usize..60).prop_flat_map(|len| (texts(len), texts(len), any::<bool>())),
        filters in prop::collection::vec(filter(), 6),
        page in 1u64..9,
        is_remote: bool,
    ) {
        let mut v = v;
        if sorted {
            v.sort_unstable();
        }
        let rows: Vec<_> = v.into_iter().zip(w).collect();
        let both = Both::new(&rows, page, u64::MAX, |rows| rows.is_remote = is_remote);
        for filter in filters {
            let wanted = both.selected(&both.memory, &filter);
            let got = both.selected(&both.paged, &filter);
            match (&wanted, &got) {
                // Numbers that can't be dates are found where they are read.
                (Err(_), Ok(_)) => prop_assert!(filter.contains("2010"), "{} {:?}", filter, wanted),
                (Err(_), Err(_)) => {}
                _ => prop_assert_eq!(&got, &wanted, "{}", filter),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn chosen_rows_are_those_of_the_source(
        (v, w) in (1usize..60).prop_flat_map(|len| (texts(len), texts(len))),
        filter in prop::option::of(filter()),
        within in prop::option::of((0..90, 0..80, 1..90, 1..80)),
        page in 1u64..5,
        is_remote: bool,
    ) {
        let rows: Vec<_> = v.into_iter().zip(w).collect();
        let both = Both::new(&rows, page, u64::MAX, |rows| rows.is_remote = is_remote);
        let within = within.map(|(west, south, width, height)| {
            let [west, south] = [west, south].map(|edge| f64::from(edge) - 0.5);
            let north = (south + f64::from(height)).min(85.0);
            LonLatBox::new(west, south, west + f64::from(width), north).unwrap()
        });
        let options = LoadOptions {
            keep: vec!["W".into(), "v".into()],
            filter: filter.map(|filter| filter.parse().unwrap()),
            within,
            ..LoadOptions::default()
        };
        let about = || Columns::of_packed(None, String::new());
        let wanted = read(Cursor::new(both.csv.clone()), "a.csv", &options)
            .and_then(|mut source| Ok((rows_of(&mut *source)?, source.report().filtered)));
        let got = read_paged(both.paged, "a.heat", about(), &options, 9)
            .and_then(|mut source| Ok((rows_of(&mut *source)?, source.report().filtered)));
        match (wanted, got) {
            // What doesn't fit the type of a column is refused.
            (_, Err(LoadError::BadOption { .. })) => {}
            (Err(wanted), Err(got)) => {
                prop_assert!(matches!(wanted, LoadError::AllFiltered { .. }), "{}", wanted);
                prop_assert!(matches!(got, LoadError::AllFiltered { .. }), "{}", got);
            }
            (wanted, got) => {
                let (wanted, got) = (wanted.unwrap(), got.unwrap());
                prop_assert_eq!(format!("{got:?}"), format!("{wanted:?}"));
            }
        }
    }
}

/// Pages whose points lie far from a box are not read.
#[test]
fn only_pages_near_a_box_are_read() {
    let both = Both::growing(6000, u64::MAX, |_| ());
    for (within, most) in [([10.0, 10.0, 14.0, 14.0], 40), ([-9.0, 0.0, -1.0, 9.0], 0)] {
        let options = LoadOptions {
            within: Some(LonLatBox::try_from(within).unwrap()),
            ..LoadOptions::default()
        };
        let inside = both.points.as_slice().unwrap().iter().filter(|point| {
            let (lon, lat) = (f64::from(point.x) + 0.5, f64::from(point.y) + 0.5);
            let (lon, lat) = (mercator::longitude(lon), mercator::latitude(lat));
            options.within.unwrap().contains(lon, lat)
        });
        let inside = inside.count();
        let rows = Arc::clone(&both.rows) as Arc<dyn PagedRows>;
        let table = Table::from_paged(Vec::new(), rows, &[], u64::MAX).unwrap();
        let about = Columns::of_packed(None, String::new());
        let mut source = read_paged(table, "a.heat", about, &options, 9).unwrap();
        both.rows.pages_read();
        match rows_of(&mut *source) {
            Ok((points, _)) => assert_eq!(points.len(), inside),
            Err(error) => assert!(inside == 0, "{error}"),
        }
        assert_eq!(source.report().filtered, 6000 - inside as u64);
        let [_, read] = both.rows.pages_read();
        assert!(read <= most, "{within:?}: {read} of 600 pages");
    }
}

#[test]
fn only_pages_that_may_have_rows_are_read() {
    let both = Both::growing(400, u64::MAX, |_| ());
    // The number of pages of values, and of points, of the 40 that a filter needs.
    for (filter, pages) in [
        ("v = 123", [1, 1]),
        ("v < 123", [1, 13]),
        ("not v < 123", [1, 28]),
        ("v >= 120 and v < 130", [0, 1]),
        ("v between 115 and 134", [2, 3]),
        ("v in (5, 6, 399)", [2, 2]),
        ("v > 399", [0, 0]),
        ("v > 5.5 and v is null", [0, 0]),
        ("v = 123 or v is null", [1, 1]),
        ("v is null", [0, 0]),
        ("not v is null", [0, 40]),
        ("w is null and v = 7", [2, 1]),
        ("not w is null", [0, 0]),
    ] {
        let some = both.selected(&both.paged, filter).unwrap();
        assert_eq!(both.rows.pages_read(), pages, "{filter}");
        let rows = both.paged.rows_for(&filter.parse().unwrap()).unwrap();
        assert_eq!(
            both.rows.pages_read(),
            [0, 0],
            "{filter}: nothing is read for an estimate"
        );
        assert!(
            rows >= some.len() as u64 && rows <= 10 * (pages[0] + pages[1]),
            "{filter}: {rows}"
        );
    }
    let words = |i: usize| (["a", "b", "c", ""][i / 100].to_owned(), "x".to_owned());
    let words: Vec<_> = (0..400).map(words).collect();
    let both = Both::new(&words, 10, u64::MAX, |rows| rows.values[0].sort_unstable());
    for (filter, pages) in [
        ("v = 'b'", [0, 10]),
        ("v > 'a' and v <> 'c'", [0, 10]),
        ("v in ('a', 'c')", [0, 20]),
        ("not v = 'b'", [0, 20]),
        ("v = 'd'", [0, 0]),
        ("v is null", [0, 10]),
    ] {
        both.selected(&both.paged, filter).unwrap();
        assert_eq!(both.rows.pages_read(), pages, "{filter}");
    }
}

#[test]
fn too_many_points_are_refused() {
    let both = Both::growing(400, 100, |_| ());
    assert_eq!(both.selected(&both.paged, "v < 100").unwrap().len(), 100);
    let error = both.selected(&both.paged, "v < 101").unwrap_err();
    assert!(
        error.is_too_many() && error.to_string().contains("more than 100"),
        "{error}"
    );
    both.rows.pages_read();
    // The zone maps alone show that these are too many.
    let error = both.selected(&both.paged, "v < 150").unwrap_err();
    assert!(error.is_too_many(), "{error}");
    assert_eq!(both.rows.pages_read(), [0, 0]);
    let error = both.selected(&both.paged, "x < 101").unwrap_err();
    assert!(!error.is_too_many(), "{error}");
}

#[test]
fn rows_that_cannot_be_read_end_the_work() {
    let both = Both::growing(400, u64::MAX, |rows| rows.is_broken = true);
    let filter: Filter = "v = 123".parse().unwrap();
    let ended = CancelToken::default().run(|| both.paged.select(&both.points, &filter));
    let Err(Cancelled::Unreadable(error)) = ended else {
        panic!("{ended:?}");
    };
    assert!(error.to_string().contains("page 7"), "{error}");
    // A token that has ended ends the work before a page is read.
    let both = Both::growing(400, u64::MAX, |_| ());
    let token = CancelToken::default();
    let ended = token.run(|| {
        token.cancel();
        both.paged.select(&both.points, &filter).map(|_| ())
    });
    assert_eq!(ended, Err(Cancelled::Unwanted));
    assert_eq!(both.rows.pages_read(), [0, 0]);
}

#[test]
fn samples_describe_their_columns() {
    let both = Both::growing(400, u64::MAX, |_| ());
    let column = &both.paged.columns()[0];
    assert!(column.is_sample() && both.paged.is_paged() && !both.memory.is_paged());
    assert_eq!(column.range(), Some(("0".to_owned(), "399".to_owned())));
    assert_eq!((column.nulls(), both.paged.columns()[1].nulls()), (0, 400));
}
