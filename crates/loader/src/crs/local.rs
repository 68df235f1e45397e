//! Coordinate systems that must be transformed, because of a projection, a unit, a prime meridian
//! or a datum.

use super::datum::{Datum, VagueShift};
use super::new_zealand;
use proj4rs::Proj;
use proj4rs::transform::transform;
use std::f64::consts::PI;

/// The number of steps by which the shift of a datum is inverted; after them the error is far less
/// than a millimetre.
const SHIFT_STEPS: usize = 4;

/// A coordinate system that can be transformed to longitude and latitude on WGS 84.
pub(crate) struct LocalCrs {
    /// The system's name in messages.
    name: String,
    kind: SystemKind,
    /// The system's prime meridian, as its longitude in radians east of Greenwich.
    meridian: f64,
    datum: Datum,
    /// The largest error, in metres, of a shift to WGS 84 that the user accepts; `None`: the
    /// default limits apply.
    accepted: Option<f64>,
}

enum SystemKind {
    /// Longitudes and latitudes in an angular unit. The number is the size of this unit in degrees.
    Angles(f64),
    /// A projection, and the geographic system on the same ellipsoid. Positions are transformed
    /// from the first to the second.
    Plane(Box<(Proj, Proj)>),
    /// New Zealand's map grid, which the module `new_zealand` computes.
    NewZealand,
}

/// A position on WGS 84 in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GeographicPlace {
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    /// The possible error of this position in metres; 0 if reports need not mention it.
    pub(crate) error: f64,
}

/// The reason why coordinates give no position on WGS 84.
#[derive(Debug, PartialEq)]
pub(crate) enum PlaceError {
    /// Coordinates outside of the range or area of their system.
    Outside,
    /// A position at which the datum's shift to WGS 84 is too uncertain, for the given reason.
    Vague(VagueShift),
}

impl LocalCrs {
    /// A system of longitudes and latitudes. `unit` is the size of its angular unit, and `meridian`
    /// its prime meridian east of Greenwich, both in degrees.
    pub(super) fn angles(name: String, unit: f64, meridian: f64, datum: Datum) -> Self {
        Self {
            name,
            kind: SystemKind::Angles(unit),
            meridian: meridian.to_radians(),
            datum,
            accepted: None,
        }
    }

    /// A system with a projection. `words` are its PROJ parameters, as in
    /// [`ProjDefinition::Words`](super::methods::ProjDefinition::Words). The ellipsoid is given by
    /// `axis`, the semi-major axis in metres, and by its inverse `flattening`, which is 0 for a
    /// sphere. `meridian` is in degrees east of Greenwich. `None` if the projection can't be
    /// computed.
    pub(super) fn plane(
        name: String,
        words: &str,
        (axis, flattening): (f64, f64),
        meridian: f64,
        datum: Datum,
    ) -> Option<Self> {
        // `eqc` is refused on an ellipsoid. Only the method for a sphere can be computed, as in
        // PROJ before 9.8, and a file may mean either that method or the one for an ellipsoid.
        if words.starts_with("eqc ") && flattening != 0.0 {
            return None;
        }
        let plane = |kind| Self {
            name: name.clone(),
            kind,
            meridian: meridian.to_radians(),
            datum,
            accepted: None,
        };
        if words == new_zealand::WORDS {
            return Some(plane(SystemKind::NewZealand));
        }
        let shape = match flattening {
            0.0 => format!("+R={axis}"),
            _ => format!("+a={axis} +rf={flattening}"),
        };
        let words = words.replace(' ', " +");
        let from = Proj::from_proj_string(&format!("+proj={words} {shape}")).ok()?;
        let to = Proj::from_proj_string(&format!("+proj=longlat {shape}")).ok()?;
        Some(plane(SystemKind::Plane(Box::new((from, to)))))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Sets the field `accepted`: the largest error, in metres, of a shift to WGS 84 that the user
    /// accepts; `None`: the default limits apply.
    pub(super) fn accept(&mut self, metres: Option<f64>) {
        self.accepted = metres;
    }

    /// The reason why no position of the system can be transformed to WGS 84; `None` if some can.
    pub(super) fn vague(&self) -> Option<VagueShift> {
        match &self.datum {
            Datum::Same => None,
            Datum::Shifted(shifts) => shifts.vague(),
        }
    }

    pub(super) fn place(&self, x: f64, y: f64) -> Result<GeographicPlace, PlaceError> {
        let (lon, lat) = self.on_datum(x, y).ok_or(PlaceError::Outside)?;
        let ((lon, lat), error) = match &self.datum {
            Datum::Same => ((lon, lat), 0.0),
            Datum::Shifted(shifts) => shifts
                .place((lon, lat), self.accepted)
                .map_err(|vague| vague.map_or(PlaceError::Outside, PlaceError::Vague))?,
        };
        let (lon, lat) = (lon.to_degrees(), lat.to_degrees());
        Ok(GeographicPlace { lon, lat, error })
    }

    /// Returns true if the system has a projection that can be computed forwards too.
    pub(super) fn is_projected(&self) -> bool {
        matches!(&self.kind, SystemKind::Plane(_))
    }

    /// Projects a longitude and latitude on WGS 84, in degrees, to the system's coordinates: the
    /// inverse of [`place`](Self::place). `None` outside of the system's area, and where the shift
    /// is too uncertain.
    pub(super) fn coordinates(&self, lon: f64, lat: f64) -> Option<[f64; 2]> {
        let SystemKind::Plane(systems) = &self.kind else {
            return None;
        };
        let there = (lon.to_radians(), lat.to_radians());
        let (lon, lat) = match &self.datum {
            Datum::Same => there,
            // A shift moves positions by some hundred metres and is nearly the same at both ends,
            // so each step makes the error thousands of times smaller.
            Datum::Shifted(shifts) => {
                let mut at = there;
                for _ in 0..SHIFT_STEPS {
                    let (shifted, _) = shifts.place(at, self.accepted).ok()?;
                    at = (at.0 + there.0 - shifted.0, at.1 + there.1 - shifted.1);
                }
                at
            }
        };
        let (plane, geographic) = &**systems;
        let mut at = (lon - self.meridian, lat, 0.0);
        transform(geographic, plane, &mut at).ok()?;
        (at.0.is_finite() && at.1.is_finite()).then_some([at.0, at.1])
    }

    /// Converts coordinates to a position on the system's own datum: longitude east of Greenwich
    /// and latitude, in radians. `None` if the coordinates are outside of the system's range.
    fn on_datum(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let (lon, lat) = match &self.kind {
            // Rows in plain degrees may have longitudes and latitudes in this range, too.
            SystemKind::Angles(unit) if (x * unit).abs() <= 540.0 && (y * unit).abs() <= 90.0 => {
                ((x * unit).to_radians(), (y * unit).to_radians())
            }
            SystemKind::Angles(_) => return None,
            SystemKind::Plane(systems) => {
                let (from, to) = &**systems;
                let mut at = (x, y, 0.0);
                transform(from, to, &mut at).ok()?;
                (at.0, at.1)
            }
            SystemKind::NewZealand => new_zealand::place(x, y)?,
        };
        let lon = lon + self.meridian;
        // The areas of datums end at ±180°, so the longitude is wrapped into this range.
        let lon = match lon.abs() > PI {
            true => (lon + PI).rem_euclid(2.0 * PI) - PI,
            false => lon,
        };
        (lon.is_finite() && lat.is_finite()).then_some((lon, lat))
    }
}
