//! Datums: their shifts to WGS 84, and the accuracies of these shifts.

use std::f64::consts::PI;
use std::fmt;

/// The error in metres above which an error is reported.
const SAID: f64 = 10.0;

/// The worst accuracy in metres at which a shift is used although a grid would be more accurate.
/// Grids are not read here.
const TAKEN_BESIDE_A_GRID: f64 = 5.0;

/// The part of an area's width by which it may reach further, at least a degree. Libraries treat
/// the curved edges of areas differently.
const BORDER: f64 = 0.1;

/// The semi-major axis of WGS 84 in metres, and its inverse flattening.
const WGS84: (f64, f64) = (6_378_137.0, 298.257_223_563);

/// The turns in degrees that are added to a longitude to test its other spellings.
const TURNS: [f64; 3] = [0.0, 360.0, -360.0];

/// A second of arc, in radians.
pub(super) const SECOND: f64 = PI / 180.0 / 3600.0;

/// The transformation of a datum to WGS 84.
pub(super) enum Datum {
    /// Coordinates are used unchanged: they equal those on WGS 84 within five metres.
    Same,
    Shifted(Shifts),
}

/// The shifts of a datum, each for a part of the world.
pub(super) struct Shifts {
    /// The area for which the datum is made.
    area: Area,
    shifts: Vec<Shift>,
    grids: Vec<Grid>,
}

struct Shift {
    /// The stated accuracy in metres.
    accuracy: f64,
    /// True if the shift is used only where no other one applies.
    offshore: bool,
    /// True if other shifts of the same stated accuracy differ widely, so that positions in this
    /// area are uncertain.
    doubtful: bool,
    area: Area,
    helmert: Helmert,
}

/// A grid of shifts. It is more accurate than a Helmert transformation, and is not read here.
struct Grid {
    accuracy: f64,
    area: Area,
    name: &'static str,
}

/// The reason why a position's shift is too uncertain.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VagueShift {
    /// The accuracy in metres; `None` if it is unknown.
    pub(crate) metres: Option<f64>,
    /// The name of a grid that would be more accurate.
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
    /// The datum for the text of its shift in EPSG's table; `None` if the shift is not known. The
    /// ellipsoid is its semi-major axis in metres and its inverse flattening.
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
            area: Area::parse(&mut || edges.next().flatten())?,
            shifts: shifts?,
            grids: grids?,
        }))
    }

    /// The datum for the seven parameters of a shift that a file states: three in metres, three in
    /// seconds of arc and one in parts per million.
    pub(super) fn said(seven: [f64; 7], ellipsoid: (f64, f64)) -> Self {
        Self::Shifted(Shifts {
            area: Area::WORLD,
            shifts: vec![Shift {
                accuracy: 0.0,
                offshore: false,
                doubtful: false,
                area: Area::WORLD,
                helmert: Helmert::new(seven, ellipsoid),
            }],
            grids: Vec::new(),
        })
    }
}

impl Shifts {
    /// Transforms a position in radians to WGS 84. The number returned with it is the error in
    /// metres if that is to be reported, else 0. `asked` is the largest error in metres that the
    /// user accepts, for positions that would otherwise be refused. `Err(None)` is a position
    /// outside of the datum's area, which is a fault of its row and not of the file.
    pub(super) fn place(
        &self,
        at: (f64, f64),
        asked: Option<f64>,
    ) -> Result<((f64, f64), f64), Option<VagueShift>> {
        let (lon, lat) = (at.0.to_degrees(), at.1.to_degrees());
        let inside = self.best(lon, lat, false);
        let best = inside.or_else(|| self.best(lon, lat, true));
        // If several grids are better, the most accurate one is named.
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

    /// The largest distance in metres from `place` to the position by another shift. Other shifts
    /// count if they are nearby and state at least the same accuracy. Outside of all areas the
    /// first shift counts too, since PROJ takes it there.
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

    /// The shift for a position, chosen as PROJ does: the most accurate one whose area contains the
    /// position. An offshore shift is taken only if there is no other. With `near`, areas include
    /// their borders.
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

    /// The reason why no position can be transformed at all: the datum has only grids.
    pub(super) fn vague(&self) -> Option<VagueShift> {
        let grid = self.grids.first().map(|grid| grid.name);
        let none = self.shifts.is_empty();
        none.then_some(VagueShift { metres: None, grid })
    }
}

impl Shift {
    /// Parses `accuracy[o|x],west,south,east,north,tx,ty,tz[,rx,ry,rz,ds]`; `o` means offshore and
    /// `x` doubtful.
    fn parse(row: &str, ellipsoid: (f64, f64)) -> Option<Self> {
        let (accuracy, numbers) = row.split_once(',')?;
        let mut numbers = numbers.split(',').map(|number| number.parse::<f64>().ok());
        let mut next = || numbers.next().flatten();
        let area = Area::parse(&mut next)?;
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
    /// Parses `accuracy,west,south,east,north,name`.
    fn parse(row: &'static str) -> Option<Self> {
        let (numbers, name) = row.rsplit_once(',')?;
        let mut numbers = numbers.split(',').map(|number| number.parse::<f64>().ok());
        let mut next = || numbers.next().flatten();
        Some(Self {
            accuracy: next()?,
            area: Area::parse(&mut next)?,
            name,
        })
    }
}

/// A box of longitudes and latitudes in degrees. A box that crosses ±180 has an east beyond 180.
struct Area {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
    /// The distance in degrees from the box up to which a position is near.
    border: f64,
}

impl Area {
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

    /// Returns true if a position is inside the box, or in the border around it.
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

/// The distance in metres between two nearby positions in radians.
fn apart(a: (f64, f64), b: (f64, f64)) -> f64 {
    ((a.0 - b.0) * a.1.cos()).hypot(a.1 - b.1) * WGS84.0
}

/// A shift, rotation and scaling about the earth's centre. It is EPSG's method 9606 (position
/// vector), or 9603 if there is only the shift. Positions lie on the surface of the ellipsoid
/// before and after.
struct Helmert {
    axis: f64,
    /// The square of the ellipsoid's first eccentricity.
    squared: f64,
    moves: [f64; 3],
    turns: [f64; 3],
    stretch: f64,
}

/// The square of an ellipsoid's first eccentricity, from the inverse flattening; 0 stands for a
/// sphere.
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

    /// Transforms a longitude and latitude to WGS 84; all are in radians.
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
        // Bowring's formula is exact to micrometres near the ground.
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
