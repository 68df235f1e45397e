//! Domains: the range of densities that a ramp's colours stand for.

use crate::scale::parse_error::ParseStyleError;
use heatsplat_points::MAX_ZOOM;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The range of densities that the ramp's colours stand for. A density below the range has the
/// first colour, and one above it the last colour.
///
/// With [`Auto`](Self::Auto), [`Percentile`](Self::Percentile) and [`AtZoom`](Self::AtZoom), the
/// upper end is measured. The lower end then depends on the kind of the values:
///
/// * amounts: 0
/// * means: the opposite percentile, which is the 1st if the upper end is the 99th
/// * signed values: as far below 0 as the upper end is above 0
/// * ratios: 1 divided by the upper end
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Domain {
    /// A range whose upper end is nearly the greatest density of the zoom: the percentile
    /// [`Domain::AUTO_PERCENTILE`] of its non-empty pixels.
    Auto,
    /// A range whose upper end is a percentile of the zoom's non-empty pixels. The field is the
    /// percentage, over 0 and up to 100.
    Percentile(f64),
    /// A range whose upper end is a percentile that is measured at one zoom and used at all zooms.
    /// It is meant for values that don't change with the zoom, for example densities per km². The
    /// fields are the percentage and the zoom; `None` stands for the percentage of
    /// [`Domain::Auto`].
    AtZoom(Option<f64>, u8),
    /// A range with a given lower end, the first field, and a given upper end, the second field.
    Fixed(f64, f64),
    /// A range that depends on the zoom. The field is a table of (zoom, lower end, upper end) with
    /// rising zooms. Between two zooms of the table the lower end is interpolated linearly. The
    /// upper end is interpolated geometrically if it is positive, since densities change by a
    /// factor from zoom to zoom. Below the first zoom of the table its ends are those of the first
    /// zoom, and above the last zoom those of the last.
    ByZoom(Arc<[(f64, f64, f64)]>),
}

impl Domain {
    /// The percentage of [`Domain::Auto`]: a choice. The densest half per cent of the non-empty
    /// pixels all get the ramp's last colour, so that one very dense place does not leave all other
    /// places with the ramp's first colours.
    pub const AUTO_PERCENTILE: f64 = 99.5;

    const MAX_STOPS: usize = 32;

    /// The lower and the upper end at a zoom, as the user has given them; `None` if the ends must
    /// be measured.
    pub(super) fn ends(&self, zoom: f64) -> Option<(f64, f64)> {
        match self {
            Self::Fixed(low, high) => Some((*low, *high)),
            Self::ByZoom(table) => {
                let after = table.partition_point(|(z, ..)| *z <= zoom);
                let before = after.checked_sub(1).and_then(|i| table.get(i));
                match (before, table.get(after)) {
                    (Some(&(z0, l0, h0)), Some(&(z1, l1, h1))) => {
                        let share = (zoom - z0) / (z1 - z0);
                        let low = l0 + (l1 - l0) * share;
                        let high = if h0 > 0.0 && h1 > 0.0 {
                            h0 * (h1 / h0).powf(share)
                        } else {
                            h0 + (h1 - h0) * share
                        };
                        Some((low, high))
                    }
                    (Some(&(_, l, h)), None) | (None, Some(&(_, l, h))) => Some((l, h)),
                    (None, None) => None,
                }
            }
            Self::Auto | Self::Percentile(_) | Self::AtZoom(..) => None,
        }
    }

    /// The percentage, 0 to 100, of the percentile that is measured for the upper end. It means
    /// nothing for a domain whose ends the user has given.
    pub(super) fn percentile(&self) -> f64 {
        match self {
            Self::Percentile(p) | Self::AtZoom(Some(p), _) => *p,
            _ => Self::AUTO_PERCENTILE,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text.contains(':') {
            return by_zoom(text);
        }
        if let Some((percentile, zoom)) = text.split_once('@') {
            let zoom = zoom.parse().ok().filter(|z| *z <= MAX_ZOOM)?;
            return match Self::parse(percentile)? {
                Self::Auto => Some(Self::AtZoom(None, zoom)),
                Self::Percentile(p) => Some(Self::AtZoom(Some(p), zoom)),
                _ => None,
            };
        }
        if text == "auto" {
            return Some(Self::Auto);
        }
        if let Some(percent) = text.strip_prefix('p') {
            let percent: f64 = percent.parse().ok()?;
            return (percent > 0.0 && percent <= 100.0).then_some(Self::Percentile(percent));
        }
        ends(text).map(|(lo, hi)| Self::Fixed(lo, hi))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Percentile(p) => write!(f, "p{p}"),
            Self::AtZoom(None, zoom) => write!(f, "auto@{zoom}"),
            Self::AtZoom(Some(p), zoom) => write!(f, "p{p}@{zoom}"),
            Self::Fixed(lo, hi) => write!(f, "{lo},{hi}"),
            Self::ByZoom(table) => {
                for (i, (zoom, lo, hi)) in table.iter().enumerate() {
                    write!(f, "{}{zoom}:{lo},{hi}", if i == 0 { "" } else { ";" })?;
                }
                Ok(())
            }
        }
    }
}

impl FromStr for Domain {
    type Err = ParseStyleError;

    fn from_str(text: &str) -> Result<Self, ParseStyleError> {
        if let Some(expected) = fault(text.trim()) {
            return Err(ParseStyleError::new(expected));
        }
        Self::parse(text).ok_or(ParseStyleError::new(
            "auto, a percentile like p99 or p99.9, either of one zoom \
            for all like auto@8, lo,hi like 0,40, or a table by zoom like 4:0,900;10:0,20",
        ))
    }
}

/// For a text that is written like a domain, but whose numbers are not legal, like `40,0`: a
/// description of the legal numbers. `None` for other texts.
fn fault(text: &str) -> Option<&'static str> {
    let is_reversed = |part: &str| numbers(part).is_some_and(|(lo, hi)| lo >= hi);
    let (before, zoom) = text.split_once('@').unwrap_or((text, "0"));
    let percent = before.strip_prefix('p').and_then(|p| p.parse::<f64>().ok());
    let mut parts = text.split(';').filter_map(|part| part.split_once(':'));
    if is_reversed(text) {
        Some("of lo,hi the lower end must come first, as in 0,40")
    } else if parts.any(|(_, ends)| is_reversed(ends)) {
        Some("of each lo,hi in a table by zoom the lower end must come first, as in 4:0,900")
    } else if percent.is_some_and(|p| !(p > 0.0 && p <= 100.0)) {
        Some("a percentile is over 0 and at most 100, as in p99.9")
    } else if zoom
        .parse::<u32>()
        .is_ok_and(|zoom| zoom > u32::from(MAX_ZOOM))
    {
        Some("the zoom after @ is 0 to 24, as in auto@8")
    } else {
        None
    }
}

fn ends(text: &str) -> Option<(f64, f64)> {
    numbers(text).filter(|(lo, hi)| lo < hi)
}

fn numbers(text: &str) -> Option<(f64, f64)> {
    let (lo, hi) = text.split_once(',')?;
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.abs() < 1e30);
    Some((number(lo)?, number(hi)?))
}

fn by_zoom(text: &str) -> Option<Domain> {
    let stop = |stop: &str| {
        let (zoom, domain) = stop.split_once(':')?;
        let zoom: f64 = zoom.trim().parse().ok()?;
        let (lo, hi) = ends(domain)?;
        (0.0..=30.0).contains(&zoom).then_some((zoom, lo, hi))
    };
    let stops: Vec<_> = text.split(';').map(stop).collect::<Option<_>>()?;
    let rising = stops.is_sorted_by(|a, b| a.0 < b.0) && stops.len() <= Domain::MAX_STOPS;
    rising.then(|| Domain::ByZoom(stops.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_read_and_written() {
        for text in [
            "auto",
            "p99",
            "p99.9",
            "auto@8",
            "p90@0",
            "0,40",
            "-1.5,2",
            "4:0,900;10.5:0,20",
        ] {
            assert_eq!(text.parse::<Domain>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "p0",
            "p101",
            "pNaN",
            "5,5",
            "9,3",
            "1",
            "nan,2",
            "0,inf",
            "1e31,1e32",
            "auto@99",
            "0,4@8",
            "auto@",
            "4:0,9;4:0,8",
            "4:9,0",
            "4:",
            ":0,1",
            "99:0,1",
        ] {
            assert!(text.parse::<Domain>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_domain_is_named() {
        for (text, reason) in [
            ("9,3", "lower end must come first"),
            ("4:0,9;6:9,0", "of each lo,hi in a table"),
            ("p101", "at most 100"),
            ("p0@8", "over 0"),
            ("auto@99", "zoom after @"),
            ("abc", "auto, a percentile"),
        ] {
            let error = text.parse::<Domain>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_table_of_domains_goes_by_factors() {
        let domain: Domain = "4:0,800;10:6,50".parse().unwrap();
        assert_eq!(domain.ends(2.0), Some((0.0, 800.0)));
        assert_eq!(domain.ends(7.0), Some((3.0, 200.0)));
        assert_eq!(domain.ends(22.0), Some((6.0, 50.0)));
    }
}
