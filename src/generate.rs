//! Made-up points for tests and benches of any size. They are distributed like the points of real
//! data.
//!
//! Most points lie in clusters around the cities of the world; the clusters differ greatly in
//! extent and in number of points. Some points lie along lines between cities, and a few anywhere
//! on the earth. The same number and seed always give the same points.

use std::f64::consts::TAU;

/// The number of clusters around the cities of the world.
const CLUSTERS: usize = 2_000;
/// The number of lines between cities.
const LINES: usize = 150;
/// The least and the greatest standard deviation of the points of one cluster around its centre: in
/// metres, and along each axis.
const SIGMA: (f64, f64) = (20.0, 150_000.0);
/// The fraction of all points that lie in clusters.
const IN_CLUSTERS: f64 = 0.85;
/// The fraction of all points that lie along lines between cities. The rest, which is neither in
/// [`IN_CLUSTERS`] nor here, lies anywhere on the earth.
const ALONG_LINES: f64 = 0.10;
/// The standard deviation of the distance between a point and its line, in metres.
const STRAY: f64 = 400.0;
/// The number of metres in a degree of latitude.
const DEGREE: f64 = 111_320.0;
/// The largest latitude of a point, in degrees. The Mercator square ends a little beyond it, at
/// 85.05°.
const MAX_LATITUDE: f64 = 85.0;

/// Generates `n` points: longitude and latitude in degrees, and a weight with a log-normal
/// distribution.
///
/// ```
/// let points: Vec<_> = heatsplat::generate::points(1000, 7).collect();
/// assert_eq!(points.len(), 1000);
/// assert!(points.iter().all(|&(lon, lat, w)| lon.abs() <= 180.0 && lat.abs() <= 85.0 && w > 0.0));
/// assert!(points == heatsplat::generate::points(1000, 7).collect::<Vec<_>>());
/// ```
pub fn points(n: usize, seed: u64) -> impl ExactSizeIterator<Item = (f64, f64, f32)> + Send {
    Generator::new(n, seed)
}

/// A group of points with a gaussian distribution.
#[derive(Clone, Copy)]
struct Cluster {
    /// The fraction of the clustered points that lie in this cluster or an earlier one. A point's
    /// cluster is the first one whose `up_to` is greater than a random number from 0 to 1.
    up_to: f64,
    center: (f64, f64),
    /// The standard deviation of the points around the centre: in degrees of longitude, and in
    /// degrees of latitude.
    sigma: (f64, f64),
}

/// A line between two cities, along which points lie.
#[derive(Clone, Copy)]
struct Corridor {
    from: (f64, f64),
    to: (f64, f64),
}

struct Generator {
    left: usize,
    random: Random,
    clusters: Vec<Cluster>,
    lines: Vec<Corridor>,
}

impl Generator {
    fn new(n: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let clusters = clusters(&mut random);
        let lines = (0..LINES).map(|_| line(&mut random)).collect();
        Self {
            left: n,
            random,
            clusters,
            lines,
        }
    }

    fn in_a_cluster(&mut self) -> (f64, f64) {
        let share = self.random.fraction();
        let number = self.clusters.partition_point(|c| c.up_to <= share);
        let Some(Cluster { center, sigma, .. }) = self.clusters.get(number).copied() else {
            return self.anywhere(); // rounding: the shares may add up to a little less than 1
        };
        let (east, north) = self.random.normals();
        (center.0 + east * sigma.0, center.1 + north * sigma.1)
    }

    fn along_a_line(&mut self) -> (f64, f64) {
        let Some(Corridor { from, to }) = self.lines.get(self.random.below(LINES)).copied() else {
            return self.anywhere();
        };
        let t = self.random.fraction();
        let at = (from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t);
        let (east, north) = self.random.normals();
        let (width, height) = degrees(STRAY, at.1);
        (at.0 + east * width, at.1 + north * height)
    }

    /// A random position, as longitude and latitude in degrees. Positions are evenly distributed
    /// over the sphere, up to the latitudes ±85° ([`MAX_LATITUDE`]). On the map they are sparser
    /// towards the poles.
    fn anywhere(&mut self) -> (f64, f64) {
        let height = (self.random.fraction() * 2.0 - 1.0) * MAX_LATITUDE.to_radians().sin();
        (
            self.random.fraction() * 360.0 - 180.0,
            height.asin().to_degrees(),
        )
    }
}

impl Iterator for Generator {
    type Item = (f64, f64, f32);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let kind = self.random.fraction();
        let (lon, lat) = if kind < IN_CLUSTERS {
            self.in_a_cluster()
        } else if kind < IN_CLUSTERS + ALONG_LINES {
            self.along_a_line()
        } else {
            self.anywhere()
        };
        let weight = self.random.normals().0.exp() as f32;
        Some((wrapped(lon), lat.clamp(-MAX_LATITUDE, MAX_LATITUDE), weight))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Generator {}

/// Makes [`CLUSTERS`] clusters, the one with most points first. The centre of each lies around a
/// random city of [`CITIES`], typically 1 to 300 km away. Each order of magnitude of this distance
/// is equally likely.
fn clusters(random: &mut Random) -> Vec<Cluster> {
    // By Zipf's law the n-th cluster has 1/n of the points of the first cluster.
    let total: f64 = (1..=CLUSTERS).map(|rank| 1.0 / rank as f64).sum();
    let mut up_to = 0.0;
    let mut one = |rank: usize| {
        let (lon, lat) = city(random);
        let (east, north) = random.normals();
        let (width, height) = degrees(random.magnitude(1_000.0, 300_000.0), lat);
        let center = (
            lon + east * width,
            (lat + north * height).clamp(-80.0, 80.0),
        );
        let sigma = degrees(random.magnitude(SIGMA.0, SIGMA.1), center.1);
        up_to += 1.0 / (rank as f64 * total);
        Cluster {
            up_to,
            center,
            sigma,
        }
    };
    (1..=CLUSTERS).map(&mut one).collect()
}

/// Makes a line between two random cities of [`CITIES`] that are less than 120° of longitude apart.
fn line(random: &mut Random) -> Corridor {
    loop {
        let (from, to) = (city(random), city(random));
        if from != to && (from.0 - to.0).abs() < 120.0 {
            return Corridor { from, to };
        }
    }
}

fn city(random: &mut Random) -> (f64, f64) {
    CITIES
        .get(random.below(CITIES.len()))
        .copied()
        .unwrap_or_default()
}

/// Converts a distance in metres at the latitude `lat`, in degrees. Returns its length in degrees
/// of longitude, if it goes east, and in degrees of latitude, if it goes north.
fn degrees(metres: f64, lat: f64) -> (f64, f64) {
    let north = metres / DEGREE;
    (north / lat.to_radians().cos().max(0.1), north)
}

fn wrapped(lon: f64) -> f64 {
    if lon.abs() < 180.0 {
        lon
    } else {
        (lon + 180.0).rem_euclid(360.0) - 180.0
    }
}

/// The random number generator xoshiro256++ of Blackman and Vigna, with a state that is filled by
/// SplitMix64. A random number costs a few instructions.
struct Random([u64; 4]);

impl Random {
    fn new(mut seed: u64) -> Self {
        Self([(); 4].map(|()| {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }))
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        let (c1, d1) = (c ^ a, d ^ b);
        self.0 = [a ^ d1, b ^ c1, c1 ^ (b << 17), d1.rotate_left(45)];
        a.wrapping_add(d).rotate_left(23).wrapping_add(a)
    }

    /// A random number that is at least 0 and less than 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A random whole number that is at least 0 and less than `n`.
    fn below(&mut self, n: usize) -> usize {
        (self.fraction() * n as f64) as usize
    }

    /// A random number between two positive numbers. Each order of magnitude between them is
    /// equally likely.
    fn magnitude(&mut self, least: f64, greatest: f64) -> f64 {
        least * (greatest / least).powf(self.fraction())
    }

    /// Two independent random numbers with a standard normal distribution (by the method of Box and
    /// Muller).
    fn normals(&mut self) -> (f64, f64) {
        let radius = (-2.0 * (1.0 - self.fraction()).ln()).sqrt();
        let (sin, cos) = (TAU * self.fraction()).sin_cos();
        (radius * cos, radius * sin)
    }
}

/// The longitude and latitude in degrees of sixty cities on all inhabited continents.
#[rustfmt::skip]
const CITIES: [(f64, f64); 60] = [
    (139.69, 35.69), (77.21, 28.61), (121.47, 31.23), (90.41, 23.81), (-46.63, -23.55),
    (-99.13, 19.43), (31.24, 30.04), (116.40, 39.90), (72.88, 19.08), (135.50, 34.69),
    (106.55, 29.56), (67.01, 24.86), (15.32, -4.33), (3.38, 6.52), (28.98, 41.01),
    (-58.38, -34.60), (88.36, 22.57), (120.98, 14.60), (-43.17, -22.91), (113.26, 23.13),
    (-74.01, 40.71), (37.62, 55.76), (100.50, 13.76), (-77.04, -12.05), (77.59, 12.97),
    (126.98, 37.57), (2.35, 48.86), (-0.13, 51.51), (106.85, -6.21), (-118.24, 34.05),
    (51.39, 35.69), (106.66, 10.78), (114.17, 22.32), (-74.07, 4.71), (44.37, 33.31),
    (-87.63, 41.88), (-70.67, -33.45), (46.68, 24.71), (103.82, 1.35), (39.27, -6.79),
    (-3.70, 40.42), (-79.38, 43.65), (30.52, 50.45), (12.50, 41.90), (13.40, 52.52),
    (36.82, -1.29), (151.21, -33.87), (144.96, -37.81), (18.42, -33.92), (-122.33, 47.61),
    (-95.37, 29.76), (-80.19, 25.76), (18.07, 59.33), (-7.59, 33.57), (69.24, 41.30),
    (82.92, 55.03), (174.76, -36.85), (178.44, -18.14), (-157.86, 21.31), (-21.94, 64.15),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_seed_gives_other_points() {
        assert!(points(10, 1).zip(points(10, 2)).all(|(a, b)| a != b));
    }

    #[test]
    fn fewer_points_are_the_beginning_of_more() {
        assert!(points(100, 1).eq(points(500, 1).take(100)));
        assert_eq!(points(100, 1).len(), 100);
    }

    #[test]
    fn the_points_are_where_they_are_said_to_be() {
        let all: Vec<_> = points(200_000, 3).collect();
        let share = |of: &dyn Fn(f64, f64) -> bool| {
            all.iter().filter(|&&(lon, lat, _)| of(lon, lat)).count() as f64 / all.len() as f64
        };
        // Only points that lie anywhere fall into the Southern Ocean, and they are few.
        let empty_sea = share(&|lon, lat| lat < -70.0 && lon < 0.0);
        assert!(empty_sea > 0.0 && empty_sea < 0.002, "{empty_sea}");
        // More than half of all points lie in the hundred fullest squares of one degree.
        let mut cells = std::collections::HashMap::<_, usize>::new();
        for &(lon, lat, _) in &all {
            *cells
                .entry((lon.floor() as i32, lat.floor() as i32))
                .or_default() += 1;
        }
        let mut counts: Vec<_> = cells.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        assert!(counts.iter().take(100).sum::<usize>() > all.len() / 2);
        let mut weights: Vec<_> = all.iter().map(|p| p.2).collect();
        weights.sort_unstable_by(f32::total_cmp);
        assert!((weights[weights.len() / 2] - 1.0).abs() < 0.02);
    }
}
