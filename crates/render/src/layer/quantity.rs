//! The quantity that the weights of points measure, and the words for it in legends and beside
//! values.

use crate::style::Style;
use crate::style::measure::Measure;
use std::sync::Arc;

/// The quantity that the weights of points measure. By default it is unknown: a sum is in the unit
/// `weight`, and a count in `points`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantity {
    /// The name of the column that the weights come from. `None` if it is unknown or if each row
    /// weighs 1.
    column: Option<Arc<str>>,
    /// The unit of the weights, for example `people`. `None` if it is unknown.
    unit: Option<Arc<str>>,
    /// True if the points are the rows of a source, so that counts are in `rows` and not in
    /// `points`.
    of_rows: bool,
}

impl Quantity {
    /// The quantity of weights that come from a source's column with this name; with `None` each
    /// row weighs 1.
    pub fn of_rows(column: Option<&str>) -> Self {
        Self {
            column: column.map(Arc::from),
            unit: None,
            of_rows: true,
        }
    }

    /// Sets the unit of the weights, for example `people`.
    #[must_use]
    pub fn in_unit(mut self, unit: Option<&str>) -> Self {
        self.unit = unit.map(Arc::from);
        self
    }

    /// The title of a legend: the name of the column that the weights come from, if the weights
    /// have a unit too. Otherwise `None`, since the column's name then stands in the legend in
    /// place of the unit.
    pub(super) fn title(&self) -> Option<&str> {
        self.unit.as_ref().and(self.column.as_deref())
    }

    /// The unit, in words, of the values of pictures in a style, like `people per km²`:
    /// [`Style::unit`] with this quantity's word for the weight of points.
    pub(super) fn unit(&self, style: &Style) -> String {
        let points = if self.of_rows { "rows" } else { "points" };
        let weight = match self.unit.as_deref().or(self.column.as_deref()) {
            Some(word) => word,
            // A sum of rows that weigh 1 each is their number; the mean of these weights is not.
            None if self.of_rows && style.measure() != Measure::Mean => points,
            None => "weight",
        };
        style.unit_of(weight, points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_the_words_of_the_source() {
        let unknown = Quantity::default();
        let (rows, people) = (
            Quantity::of_rows(None),
            Quantity::of_rows(Some("population")),
        );
        let in_unit = people.clone().in_unit(Some("people"));
        for (words, expected) in [
            (&[][..], ["weight", "rows", "population", "people"]),
            (&[("measure", "count")], ["points", "rows", "rows", "rows"]),
            (
                &[("measure", "mean")],
                [
                    "mean weight",
                    "mean weight",
                    "mean population",
                    "mean people",
                ],
            ),
            (
                &[("measure", "sum_per_km2")],
                [
                    "weight per km²",
                    "rows per km²",
                    "population per km²",
                    "people per km²",
                ],
            ),
        ] {
            let mut style = Style::default();
            style.set_all(words.iter().copied()).unwrap();
            let units = [&unknown, &rows, &people, &in_unit].map(|q| q.unit(&style));
            assert_eq!(units, expected);
        }
        let titles = [&unknown, &rows, &people, &in_unit].map(Quantity::title);
        assert_eq!(titles, [None, None, None, Some("population")]);
    }
}
