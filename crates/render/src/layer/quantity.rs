//! The quantity that the weights of points measure, by the words that legends and values name it
//! by.

use crate::style::Style;
use crate::style::measure::Measure;
use std::sync::Arc;

/// The quantity that the weights of points measure. By default nothing is known of it: a sum is in
/// the unit `weight`, and a count in `points`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantity {
    /// The column of the weights.
    column: Option<Arc<str>>,
    /// The unit of the weights, for example `people`.
    unit: Option<Arc<str>>,
    /// True if the points are the rows of a source.
    of_rows: bool,
}

impl Quantity {
    /// The quantity of a column of weights. Without a column, each row weighs 1.
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

    /// The title of a legend, where the unit alone would not name the quantity: the column, if
    /// there is a unit too.
    pub(super) fn title(&self) -> Option<&str> {
        self.unit.as_ref().and(self.column.as_deref())
    }

    /// The unit of a style's densities: [`Style::unit`] with the words of this quantity.
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
