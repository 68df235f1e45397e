//! New Zealand's map grid of 1972 (Land Information New Zealand, standard LINZS25002), whose
//! formula is a polynomial of complex numbers. The library `proj4rs`, which computes the other
//! projections, lacks it.

/// The semi-major axis of the International ellipsoid, in metres.
const AXIS: f64 = 6_378_388.0;
const ORIGIN: (f64, f64) = (173.0, -41.0);
const FALSE: (f64, f64) = (2_510_000.0, 6_023_150.0);

/// The coefficients B₁ to B₆ of the standard LINZS25002, as complex numbers (real part, imaginary
/// part). Their polynomial gives northing and easting, as fractions of the semi-major axis, from
/// isometric latitude and longitude. [`place`] inverts the polynomial by iteration.
const B: [(f64, f64); 6] = [
    (0.755_785_322_8, 0.0),
    (0.249_204_646, 0.003_371_507),
    (-0.001_541_739, 0.041_058_560),
    (-0.101_629_07, 0.017_276_09),
    (-0.266_234_89, -0.362_492_18),
    (-0.687_098_3, -1.165_196_7),
];

/// The coefficients D₁ to D₉ of the standard LINZS25002. Their polynomial gives the latitude, in
/// units of 10⁵ seconds of arc, from the isometric latitude. Both latitudes count from the grid's
/// origin.
const D: [f64; 9] = [
    1.562_701_424_3,
    0.518_540_639_8,
    -0.033_330_98,
    -0.105_290_6,
    -0.036_859_4,
    0.007_317,
    0.012_20,
    0.003_94,
    -0.001_3,
];

/// The fixed PROJ parameters of New Zealand's map grid, without their `+`.
pub(super) const WORDS: &str = "nzmg lat_0=-41 lon_0=173 x_0=2510000 y_0=6023150";

type Complex = (f64, f64);

fn times(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// Transforms easting and northing in metres to longitude and latitude in radians, on New Zealand's
/// datum of 1949. `None` for positions far from the islands.
pub(super) fn place(easting: f64, northing: f64) -> Option<(f64, f64)> {
    let there = ((northing - FALSE.1) / AXIS, (easting - FALSE.0) / AXIS);
    // At larger distances from the origin the iteration doesn't converge.
    if there.0.hypot(there.1) > 0.3 {
        return None;
    }
    let mut at = there;
    for _ in 0..20 {
        let (mut value, mut slope) = ((0.0, 0.0), (0.0, 0.0));
        for (b, degree) in B.iter().zip(1..=6u8).rev() {
            let degree = f64::from(degree);
            value = times((value.0 + b.0, value.1 + b.1), at);
            slope = times(slope, at);
            slope = (slope.0 + degree * b.0, slope.1 + degree * b.1);
        }
        let off = (value.0 - there.0, value.1 - there.1);
        let size = slope.0 * slope.0 + slope.1 * slope.1;
        let step = times(off, (slope.0, -slope.1));
        let step = (step.0 / size, step.1 / size);
        at = (at.0 - step.0, at.1 - step.1);
        if step.0.hypot(step.1) < 1e-12 {
            let seconds = D.iter().rev().fold(0.0, |sum, d| (sum + d) * at.0) * 1e5;
            let lat = ORIGIN.1 + seconds / 3600.0;
            return Some((ORIGIN.0.to_radians() + at.1, lat.to_radians()));
        }
    }
    None
}
