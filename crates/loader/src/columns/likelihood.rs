//! The choice of an error for a file with several tables, none of which can be read. The error of
//! the table that the user most likely means is chosen.

use super::axes::{self, NamedAxes};
use super::named;
use crate::error::LoadError;
use crate::options::LoadOptions;

/// The likelihood that a table is the one that the user means. A greater value is likelier. Values
/// are compared by `axes` first, and by `names` if `axes` are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Likelihood {
    /// The number of the two axes (longitude and latitude) for which the table has a column: 0, 1
    /// or 2.
    axes: usize,
    /// The number of the table's columns that have a name.
    names: usize,
}

impl Likelihood {
    /// The likelihood of a table by the names of its columns. The options `lon`, `lat` and `pair`
    /// are taken into account.
    pub(crate) fn new(seen: &[String], options: &LoadOptions) -> Self {
        Self {
            axes: axes_in(seen, options),
            names: seen.iter().filter(|name| !name.is_empty()).count(),
        }
    }

    /// This likelihood with 2 axes, for a table whose geometries give both coordinates.
    pub(crate) fn with_geometries(self) -> Self {
        Self { axes: 2, ..self }
    }

    /// Returns whether the table has columns for at least one of longitude and latitude.
    pub(crate) fn has_axis(self) -> bool {
        self.axes > 0
    }

    /// Returns whether the table has columns (or geometries) for both longitude and latitude.
    pub(crate) fn has_axes(self) -> bool {
        self.axes > 1
    }
}

/// The number of the two axes (longitude and latitude) for which a table has a column: 0, 1 or 2.
/// `seen` are the names of the table's columns.
fn axes_in(seen: &[String], options: &LoadOptions) -> usize {
    let is_asked = options.lon.is_some() || options.lat.is_some();
    if options.pair.is_some() && !is_asked {
        return if axes::pairs(seen).is_empty() { 0 } else { 2 };
    }
    let (lon, lat) = match axes::find(seen, options.srid.is_some()) {
        NamedAxes::Found(..) | NamedAxes::Several(_) => (true, true),
        NamedAxes::Missing(lon, lat) => (lon.is_some(), lat.is_some()),
    };
    let has = |asked: &Option<String>, found: bool| match asked {
        Some(name) => named(seen, name).is_some(),
        None => found,
    };
    usize::from(has(&options.lon, lon)) + usize::from(has(&options.lat, lat))
}

/// The error for a table that can't be read, and the likelihood that this table is meant.
pub(crate) struct UnreadableTable {
    pub(crate) likelihood: Likelihood,
    pub(crate) error: LoadError,
}

impl From<LoadError> for UnreadableTable {
    fn from(error: LoadError) -> Self {
        Self {
            likelihood: Likelihood::default(),
            error,
        }
    }
}

/// The error of the likeliest table among those that were tried so far; `None` before the first
/// error.
#[derive(Default)]
pub(crate) struct LikeliestError(Option<UnreadableTable>);

impl LikeliestError {
    /// Compares the error of one more table with the error that is held. The error of the likelier
    /// table is held from then on.
    ///
    /// # Errors
    /// An error that doesn't concern this table alone, such as a failed read, is returned at once.
    pub(crate) fn note(&mut self, found: UnreadableTable) -> Result<(), LoadError> {
        match found.error {
            LoadError::NoPositionColumns { .. }
            | LoadError::NoSuchColumn { .. }
            | LoadError::BadOption { .. }
            | LoadError::Unsupported { .. } => (),
            other => return Err(other),
        }
        let known = self.0.as_ref().map(|known| known.likelihood);
        if known.is_none_or(|known| found.likelihood > known) {
            self.0 = Some(found);
        }
        Ok(())
    }

    /// The error of the likeliest table, and its likelihood; `None` if no table gave an error.
    pub(crate) fn into_error(self) -> Option<UnreadableTable> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_with_names_of_positions_are_likelier() {
        let of = |names: &str, options: &LoadOptions| {
            let seen: Vec<String> = names.split(',').map(str::to_owned).collect();
            Likelihood::new(&seen, options)
        };
        let any = LoadOptions::default();
        assert!(of("a,b,c", &any) < of("lon", &any));
        assert!(of("a,b,c", &any) > of("a,,", &any));
        assert!(of("lon,b", &any) < of("lat,lon", &any));
        assert_eq!(
            of("pick_lat,pick_lon,drop_lat,drop_lon", &any).axes,
            of("lat,lon", &any).axes
        );
        let pair = LoadOptions {
            pair: Some("lift".to_owned()),
            ..LoadOptions::default()
        };
        assert!(of("lat,lon", &pair) < of("pick_lat,pick_lon", &pair));
        let lon = LoadOptions {
            lon: Some("Where".to_owned()),
            ..LoadOptions::default()
        };
        assert!(of("lat,lon", &lon) < of("lat,where", &lon));
    }
}
