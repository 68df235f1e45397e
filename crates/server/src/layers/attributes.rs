//! The columns by which requests can filter a layer, as the catalog describes them: the kind, the
//! range, the frequent values and the histogram of each.

use heatsplat_loader::{Column, ColumnKind};
use serde::Serialize;
use serde_json::{Value, json};

/// The largest number of different values of a column that the catalog lists. A choice.
const MAX_VALUES: usize = 20;
/// The number of bins of a column's histogram. A choice.
const BINS: usize = 24;
/// The largest number of rows that a histogram counts; of a longer column, every n-th row is
/// counted. A choice.
const MOST_COUNTED: usize = 1 << 18;

/// The catalog's description of a column by which requests can filter.
#[derive(Debug, Serialize)]
pub(crate) struct Attribute {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// The number of points that have no value in this column.
    nulls: usize,
    /// The least and the greatest value of a column of numbers or times; `None` for other columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<[Value; 2]>,
    /// The most frequent values of a column of texts or booleans, at most [`MAX_VALUES`], each with
    /// its number of points; `None` for other columns, and for those of packed files.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Value>>,
    /// The distribution of the values of a column of numbers or times; `None` for other columns,
    /// for a column without values, and for those of packed files.
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram: Option<ColumnHistogram>,
}

/// The distribution of a column's numbers, or of its times in milliseconds since 1970. Its [`BINS`]
/// bins divide the scale ((x − least) / (greatest − least))^exponent, which goes from 0 to 1, into
/// equal parts.
#[derive(Debug, Serialize)]
struct ColumnHistogram {
    /// The least and the greatest of the values that the histogram counts.
    range: [f64; 2],
    /// The exponent of the scale: 0.25 if most values lie near the least one, as the populations of
    /// towns do; otherwise 1.
    exponent: f64,
    /// The number of counted values in each bin, from the least value to the greatest.
    counts: [u32; BINS],
}

impl ColumnHistogram {
    /// Makes the histogram of a column. Of a column with more than [`MOST_COUNTED`] rows only every
    /// n-th row is counted. `None` if the counted rows have no values.
    fn new(column: &Column) -> Option<Self> {
        let step = column.len().div_ceil(MOST_COUNTED).max(1);
        let rows = (0..column.len()).step_by(step);
        let values = rows.filter_map(|row| column.number(row));
        let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        let (least, greatest) = (*values.first()?, *values.last()?);
        let place = |value: f64| match greatest - least {
            width if width > 0.0 => (value - least) / width,
            _ => 0.0,
        };
        let median = values
            .get(values.len() / 2)
            .map_or(0.5, |&value| place(value));
        let exponent = if median < 0.1 { 0.25 } else { 1.0 };
        let mut counts = [0; BINS];
        for value in values {
            let bin = (place(value).powf(exponent) * BINS as f64) as usize;
            if let Some(count) = counts.get_mut(bin.min(BINS - 1)) {
                *count += 1;
            }
        }
        Some(Self {
            range: [least, greatest],
            exponent,
            counts,
        })
    }
}

impl Attribute {
    /// Describes a column for the catalog.
    pub(super) fn new(column: &Column) -> Self {
        let kind = column.kind();
        // How frequent the values of a packed file are isn't known without reading all rows.
        let has_rows = !column.is_sample();
        let written = |text: String| match kind {
            ColumnKind::Number => number(&text),
            _ => text.into(),
        };
        let values = || {
            let frequent = column.frequent(MAX_VALUES).into_iter();
            let each = frequent.map(|(value, count)| json!({ "value": value, "count": count }));
            each.collect()
        };
        Self {
            name: column.name().to_owned(),
            kind: kind.name(),
            nulls: column.nulls(),
            range: column.range().map(|(a, b)| [written(a), written(b)]),
            values: (has_rows && matches!(kind, ColumnKind::Text | ColumnKind::Bool)).then(values),
            histogram: (has_rows && matches!(kind, ColumnKind::Number | ColumnKind::Time))
                .then(|| ColumnHistogram::new(column))
                .flatten(),
        }
    }
}

/// Parses the text of a column's number into a JSON number. Integers beyond 2⁵³ stay integers,
/// since as floats they would lose digits.
fn number(text: &str) -> Value {
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) if whole.unsigned_abs() > 1 << 53 => whole.into(),
        (_, number) => number.map_or(Value::Null, Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_loader::{LoadOptions, load_table, read};

    #[test]
    fn columns_of_numbers_and_times_have_histograms() {
        let attributes = |rows: &str| {
            let options = LoadOptions {
                keep: vec!["a".into()],
                ..LoadOptions::default()
            };
            let csv = format!("lon,lat,a\n{rows}").into_bytes();
            let mut source = read(std::io::Cursor::new(csv), "a.csv", &options).unwrap();
            let (_, table, _) = load_table(&mut *source, |_| ()).unwrap();
            serde_json::to_value(Attribute::new(&table.columns()[0])).unwrap()
        };
        let even: String = (0..240).map(|i| format!("1,2,{i}\n")).collect();
        let even = attributes(&even);
        assert_eq!(even["histogram"]["exponent"], 1.0);
        assert_eq!(even["histogram"]["range"], json!([0.0, 239.0]));
        let counts = even["histogram"]["counts"].as_array().unwrap();
        assert!(
            counts
                .iter()
                .all(|count| count.as_u64().unwrap().abs_diff(10) <= 1)
        );

        let skewed: String = (0..100)
            .map(|i| format!("1,2,{}\n", i * i * i * i))
            .collect();
        let skewed = attributes(&skewed);
        assert_eq!(skewed["histogram"]["exponent"], 0.25);
        let counts = skewed["histogram"]["counts"].as_array().unwrap();
        assert!(
            counts
                .iter()
                .all(|count| (2..=7).contains(&count.as_u64().unwrap()))
        );

        let times = attributes("1,2,1970-01-01T00:00:01Z\n1,2,1970-01-01T00:00:03Z\n1,2,\n");
        assert_eq!(times["histogram"]["range"], json!([1000.0, 3000.0]));
        let one = attributes("1,2,7\n1,2,7\n");
        assert_eq!(one["histogram"]["counts"][0], 2);
        assert!(attributes("1,2,x\n1,2,y\n").get("histogram").is_none());
    }
}
