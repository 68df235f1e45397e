//! Geodetic datums, their shifts to WGS 84, and the accuracy of each shift.
//!
//! A *shift* is a Helmert transformation of positions on a datum to WGS 84, and is meant for an
//! area of the world. A *grid* is a file that has a shift for each of many places. Grids are often
//! more accurate, but this crate can't read them.

use std::f64::consts::PI;
use std::fmt;

/// A limit in metres with two uses, a choice. Reports state the possible error of a position only
/// if the error is larger than the limit. Two shifts agree about a position if the places that they
/// give for it are at most this far apart.
const SAID: f64 = 10.0;

/// The largest error in metres of a shift that is used although a grid would be more accurate: a
/// choice.
const TAKEN_BESIDE_A_GRID: f64 = 5.0;

/// The width of the border around the area for which a shift to WGS 84 is meant, as a fraction of
/// the area's width from west to east: a choice. The border is at least one degree wide. It is
/// needed since libraries treat the curved edges of such areas differently.
const BORDER: f64 = 0.1;

/// The ellipsoid of WGS 84: its semi-major axis in metres, and its inverse flattening.
const WGS84: (f64, f64) = (6_378_137.0, 298.257_223_563);

/// The turns, in degrees, that are added to a longitude when it is compared with the edges of a
/// box.
const TURNS: [f64; 3] = [0.0, 360.0, -360.0];

/// A second of arc, in radians.
pub(super) const SECOND: f64 = PI / 180.0 / 3600.0;

/// The transformation of a datum to WGS 84.
pub(super) enum Datum {
    /// No transformation: coordinates are used unchanged, since they are treated as equal to those
    /// on WGS 84. The table of EPSG's systems states this for datums within five metres of WGS 84.
    Same,
    Shifted(Shifts),
}

/// The shifts of one datum, and the grids that exist for it. Each shift and each grid is for an
/// area of the world.
pub(super) struct Shifts {
    /// The area in which the datum is meant to be used.
    area: AreaOfUse,
    shifts: Vec<Shift>,
    grids: Vec<Grid>,
}

struct Shift {
    /// The stated accuracy of the shift in metres.
    accuracy: f64,
    /// True if the shift is for an area off the coast, and is used only at positions without
    /// another shift.
    offshore: bool,
    /// True if other shifts with an equal stated accuracy give widely different positions. Then
    /// positions in the shift's area are refused as uncertain.
    doubtful: bool,
    area: AreaOfUse,
    helmert: Helmert,
}

/// A grid that exists, although this crate can't read it. If the grid is more accurate than the
/// best shift at a position, that shift may be too inaccurate to be used. Then errors and reports
/// name the grid.
struct Grid {
    accuracy: f64,
    area: AreaOfUse,
    name: &'static str,
}

/// The reason why the shift of a position to WGS 84 is too uncertain to be used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VagueShift {
    /// The possible error of the shifted position in metres; `None` if it is unknown.
    pub(crate) metres: Option<f64>,
    /// The name of a grid file that would give a more accurate shift; `None` if there is none.
    pub(crate) grid: Option<&'static str>,
}

impl fmt::Display for VagueShift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.metres {
            Some(metres) => write!(f, "known only within {metres} m")?,
            None => write!(f, "not known")?,
        }
        match self.grid {
            Some(grid) => write!(f, " without the grid {grid}, which is not read here"),
            None => Ok(()),
        }
    }
}

impl Datum {
    /// Parses the text that EPSG's table holds for the shifts of a datum. It is `=` for
    /// [`Same`](Self::Same), or `west,south,east,north:SHIFTS#GRIDS`: the datum's area in degrees,
    /// shifts and grids. Semicolons separate the shifts and the grids, which [`Shift::parse`] and
    /// [`Grid::parse`] read; `#` and the grids may be missing. `None` for other texts, by which the
    /// table marks an unknown shift. `ellipsoid` is the datum's ellipsoid: its semi-major axis in
    /// metres, and its inverse flattening.
    pub(super) fn parse(shift: &'static str, ellipsoid: (f64, f64)) -> Option<Self> {
        if shift == "=" {
            return Some(Self::Same);
        }
        let (area, shifts) = shift.split_once(':')?;
        let (shifts, grids) = shifts.split_once('#').unwrap_or((shifts, ""));
        let mut edges = area.split(',').map(|number| number.parse().ok());
        let rows = |list: &'static str| list.split(';').filter(|row| !row.is_empty());
        let shifts: Option<_> = rows(shifts)
            .map(|row| Shift::parse(row, ellipsoid))
            .collect();
        let grids: Option<_> = rows(grids).map(Grid::parse).collect();
        Some(Self::Shifted(Shifts {
            area: AreaOfUse::parse(&mut || edges.next().flatten())?,
            shifts: shifts?,
            grids: grids?,
        }))
    }

    /// A datum with the shift that a file states. `seven` are the shift's parameters: three
    /// translations in metres, three rotations in seconds of arc, and a scale in parts per million.
    /// `ellipsoid` is the datum's ellipsoid: its semi-major axis in metres, and its inverse
    /// flattening.
    pub(super) fn said(seven: [f64; 7], ellipsoid: (f64, f64)) -> Self {
        Self::Shifted(Shifts {
            area: AreaOfUse::WORLD,
            shifts: vec![Shift {
                accuracy: 0.0,
                offshore: false,
                doubtful: false,
                area: AreaOfUse::WORLD,
                helmert: Helmert::new(seven, ellipsoid),
            }],
            grids: Vec::new(),
        })
    }
}

impl Shifts {
    /// Transforms the position `at`, a longitude and latitude in radians, to WGS 84. Returns the
    /// new position in radians, and its possible error in metres; 0 if reports need not mention it.
    /// `asked` is the largest error in metres that the user accepts; `None`: the default limits
    /// apply.
    ///
    /// # Errors
    /// * `Some` with the reason, if the shift is too uncertain at this position. The whole file is
    ///   refused then.
    /// * `None`, if the position is outside of the datum's area. Only the row is skipped then.
    pub(super) fn place(
        &self,
        at: (f64, f64),
        asked: Option<f64>,
    ) -> Result<((f64, f64), f64), Option<VagueShift>> {
        let (lon, lat) = (at.0.to_degrees(), at.1.to_degrees());
        let inside = self.best(lon, lat, false);
        let best = inside.or_else(|| self.best(lon, lat, true));
        // If several grids are more accurate, the most accurate of them is named.
        let grid = |metres: f64| {
            let here = self.grids.iter().filter(|g| g.accuracy < metres);
            let here = here.filter(|g| g.area.has(lon, lat));
            let best = here.min_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
            best.map(|grid| grid.name)
        };
        let meant = self.area.near(lon, lat);
        let best = best.or(self.shifts.first());
        let Some(best) = best.filter(|_| !self.in_doubt(lon, lat)) else {
            let grid = grid(f64::INFINITY);
            return Err(meant.then_some(VagueShift { metres: None, grid }));
        };
        let place = best.helmert.shifted(at);
        let apart = self.apart(inside, best, place, at);
        let agreed = apart <= SAID;
        let metres = match agreed {
            true => best.accuracy,
            false => best.accuracy.max(apart.ceil()),
        };
        if agreed && metres <= TAKEN_BESIDE_A_GRID {
            return Ok((place, 0.0));
        }
        let grid = grid(best.accuracy);
        let known = agreed && grid.is_none();
        if known || asked.is_some_and(|asked| metres <= asked) {
            let said = !known || metres > SAID;
            return Ok((place, if said { metres } else { 0.0 }));
        }
        Err((meant || inside.is_some()).then_some(VagueShift {
            metres: Some(metres),
            grid,
        }))
    }

    /// The largest distance in metres between the position that the shift `best` gives, `place`,
    /// and the positions that other shifts of the datum give; 0 if no other shift counts. `at` is
    /// the same position on the datum. Both positions are a longitude and latitude in radians.
    /// `inside` is the best of the shifts whose areas contain the position; `None` if there is
    /// none. These other shifts count:
    ///
    /// * with `inside`, the shifts near whose areas the position lies, and whose stated accuracy is
    ///   as good as the accuracy of `inside` or better
    /// * without `inside`, the shifts near whose areas the position lies (all shifts, if it isn't
    ///   near the area of `best`), and the datum's first shift, which PROJ uses outside of all
    ///   areas
    fn apart(
        &self,
        inside: Option<&Shift>,
        best: &Shift,
        place: (f64, f64),
        at: (f64, f64),
    ) -> f64 {
        if self.shifts.len() == 1 {
            return 0.0;
        }
        let (lon, lat) = (at.0.to_degrees(), at.1.to_degrees());
        let nowhere = !best.area.near(lon, lat);
        let rivals = self.shifts.iter().enumerate().filter(|(number, other)| {
            let good = inside.is_none_or(|inside| other.accuracy <= inside.accuracy);
            let near = || nowhere || other.area.near(lon, lat);
            (good && near()) || (inside.is_none() && *number == 0)
        });
        let rivals = rivals.filter(|(_, other)| !std::ptr::eq(best, *other));
        let apart = rivals.map(|(_, other)| apart(place, other.helmert.shifted(at)));
        apart.fold(0.0, f64::max)
    }

    /// The shift to use at a position in degrees, chosen as PROJ does: the most accurate of the
    /// shifts whose areas contain the position. Of two equally accurate shifts, the one whose area
    /// lies inside the other's area is chosen. An offshore shift is chosen only if there is no
    /// other. If `near` is true, an area includes the border around it. `None` if no area contains
    /// the position.
    fn best(&self, lon: f64, lat: f64, near: bool) -> Option<&Shift> {
        let here = self.shifts.iter().filter(|shift| match near {
            true => shift.area.near(lon, lat),
            false => shift.area.has(lon, lat),
        });
        here.reduce(|best, shift| {
            let inner = shift.accuracy == best.accuracy && shift.area.is_in(&best.area);
            let better = shift.accuracy < best.accuracy || inner;
            if better && !shift.offshore {
                shift
            } else {
                best
            }
        })
    }

    fn in_doubt(&self, lon: f64, lat: f64) -> bool {
        let mut shifts = self.shifts.iter();
        shifts.any(|shift| shift.doubtful && shift.area.near(lon, lat))
    }

    /// The reason why no position at all can be transformed: the datum has no shifts, but perhaps
    /// grids. `None` if it has shifts.
    pub(super) fn vague(&self) -> Option<VagueShift> {
        let grid = self.grids.first().map(|grid| grid.name);
        let none = self.shifts.is_empty();
        none.then_some(VagueShift { metres: None, grid })
    }
}

impl Shift {
    /// Parses `accuracy[o|x],west,south,east,north,tx,ty,tz[,rx,ry,rz,ds]`: the accuracy in metres,
    /// the area in degrees, translations in metres, rotations in seconds of arc, and a scale in
    /// parts per million. After the accuracy, `o` means offshore and `x` doubtful. `None` if the
    /// text has another form. `ellipsoid` is the datum's ellipsoid: its semi-major axis in metres,
    /// and its inverse flattening.
    fn parse(row: &str, ellipsoid: (f64, f64)) -> Option<Self> {
        let (accuracy, numbers) = row.split_once(',')?;
        let mut numbers = numbers.split(',').map(|number| number.parse::<f64>().ok());
        let mut next = || numbers.next().flatten();
        let area = AreaOfUse::parse(&mut next)?;
        let mut seven = [next()?, next()?, next()?, 0.0, 0.0, 0.0, 0.0];
        for rest in seven.iter_mut().skip(3) {
            *rest = next().unwrap_or(0.0);
        }
        Some(Self {
            accuracy: accuracy.trim_end_matches(['o', 'x']).parse().ok()?,
            offshore: accuracy.ends_with('o'),
            doubtful: accuracy.ends_with('x'),
            area,
            helmert: Helmert::new(seven, ellipsoid),
        })
    }
}

impl Grid {
    /// Parses `accuracy,west,south,east,north,name`: the accuracy in metres, the area in degrees,
    /// and the name of the grid. `None` if the text has another form.
    fn parse(row: &'static str) -> Option<Self> {
        let (numbers, name) = row.rsplit_once(',')?;
        let mut numbers = numbers.split(',').map(|number| number.parse::<f64>().ok());
        let mut next = || numbers.next().flatten();
        Some(Self {
            accuracy: next()?,
            area: AreaOfUse::parse(&mut next)?,
            name,
        })
    }
}

/// The area for which a datum or a shift is meant: a box of longitudes and latitudes in degrees. If
/// it crosses ±180°, its `east` is over 180.
struct AreaOfUse {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
    /// The width in degrees of the border around the box. A position in the border counts as near
    /// the area.
    border: f64,
}

impl AreaOfUse {
    const WORLD: Self = Self {
        west: -180.0,
        south: -90.0,
        east: 180.0,
        north: 90.0,
        border: 0.0,
    };

    fn parse(next: &mut impl FnMut() -> Option<f64>) -> Option<Self> {
        let (west, south, east, north) = (next()?, next()?, next()?, next()?);
        let east = if east < west { east + 360.0 } else { east };
        Some(Self {
            west,
            south,
            east,
            north,
            border: ((east - west) * BORDER).max(1.0),
        })
    }

    fn has(&self, lon: f64, lat: f64) -> bool {
        self.within(lon, lat, 0.0)
    }

    /// Returns whether a position is inside the box or in the border around it.
    fn near(&self, lon: f64, lat: f64) -> bool {
        self.within(lon, lat, self.border)
    }

    fn within(&self, lon: f64, lat: f64, around: f64) -> bool {
        let (west, east) = (self.west - around, self.east + around);
        let between = |lon: f64| west <= lon && lon <= east;
        self.south - around <= lat
            && lat <= self.north + around
            && TURNS.iter().any(|turn| between(lon + turn))
    }

    fn is_in(&self, other: &Self) -> bool {
        let between = |turn| other.west <= self.west + turn && self.east + turn <= other.east;
        let around = other.east - other.west >= 360.0 || TURNS.into_iter().any(between);
        around && other.south <= self.south && self.north <= other.north
    }
}

/// The distance in metres between two positions close to each other. Each is a longitude and
/// latitude in radians.
fn apart(a: (f64, f64), b: (f64, f64)) -> f64 {
    ((a.0 - b.0) * a.1.cos()).hypot(a.1 - b.1) * WGS84.0
}

/// A Helmert transformation: a translation, a rotation and a scaling about the earth's centre. It
/// is EPSG's method 9606 (position vector), or 9603 if it is a translation only. Positions lie on
/// the surface of an ellipsoid before and after it.
struct Helmert {
    axis: f64,
    /// The square of the first eccentricity of the datum's ellipsoid.
    squared: f64,
    moves: [f64; 3],
    turns: [f64; 3],
    stretch: f64,
}

/// The square of an ellipsoid's first eccentricity. `flattening` is the inverse of the ellipsoid's
/// flattening, such as 298.257; 0 stands for a sphere.
fn squared(flattening: f64) -> f64 {
    match flattening {
        0.0 => 0.0,
        through => (2.0 - 1.0 / through) / through,
    }
}

impl Helmert {
    fn new(seven: [f64; 7], (axis, flattening): (f64, f64)) -> Self {
        let [x, y, z, rx, ry, rz, parts] = seven;
        Self {
            axis,
            squared: squared(flattening),
            moves: [x, y, z],
            turns: [rx * SECOND, ry * SECOND, rz * SECOND],
            stretch: 1.0 + parts * 1e-6,
        }
    }

    /// Transforms a longitude and a latitude to WGS 84. Both are in radians, before and after.
    fn shifted(&self, (lon, lat): (f64, f64)) -> (f64, f64) {
        let ((sin_lon, cos_lon), (sin, cos)) = (lon.sin_cos(), lat.sin_cos());
        let normal = self.axis / (1.0 - self.squared * sin * sin).sqrt();
        let (x, y) = (normal * cos * cos_lon, normal * cos * sin_lon);
        let z = normal * (1.0 - self.squared) * sin;
        let ([rx, ry, rz], s) = (self.turns, self.stretch);
        let [tx, ty, tz] = self.moves;
        let (x, y, z) = (
            tx + s * (x - rz * y + ry * z),
            ty + s * (rz * x + y - rx * z),
            tz + s * (rx * y - ry * x + z),
        );
        // This is Bowring's formula, which is exact to micrometres near the ground.
        let (axis, flattening) = WGS84;
        let squared = squared(flattening);
        let pole = axis * (1.0 - 1.0 / flattening);
        let around = x.hypot(y);
        let (c, s) = (around * pole, z * axis);
        let length = c.hypot(s);
        let (c, s) = (c / length, s / length);
        let up = z + squared / (1.0 - squared) * pole * s * s * s;
        let out = around - squared * axis * c * c * c;
        (y.atan2(x), up.atan2(out))
    }
}
