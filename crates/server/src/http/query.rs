//! The query string of a URL. Each parameter must be known, must be given only once, and must have
//! a value.

use super::error::{ApiError, shown};
use super::path::{self, DEM};
use heatsplat_render::encode::{Dem, ImageFormat};
use heatsplat_render::{Style, TileSize};
use heatsplat_time::TimeQuery;
use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

/// The parameters in a URL's query string, divided in two: `style` has those that change the
/// layer's style, and `own` those that only this route has.
#[derive(Debug, Default)]
pub(crate) struct Query {
    /// Names and values of style parameters, sorted in the order of [`Style::PARAMETERS`], so that
    /// their order in the URL has no effect.
    style: Vec<(&'static str, String)>,
    own: Vec<(&'static str, String)>,
}

/// A window of time that a request asks for.
#[derive(Debug)]
pub(crate) struct AskedTime {
    /// The name of the parameter: `time` or `datetime`.
    pub(crate) name: &'static str,
    pub(crate) query: TimeQuery,
    /// True if the window has the scale that all windows of about its length share; false if it has
    /// a scale of its own.
    pub(crate) is_held: bool,
}

impl Query {
    /// Parses a query string. `own` lists the parameters that the route accepts besides those of
    /// the style.
    pub(crate) fn parse(raw: Option<&str>, own: &[&'static str]) -> Result<Self, ApiError> {
        let mut query = Self::default();
        let Some(raw) = raw.filter(|raw| !raw.is_empty()) else {
            return Ok(query);
        };
        let given = form_urlencoded::parse(raw.as_bytes()).flat_map(in_own_words);
        for (name, value) in given {
            if is_tracking(&name) && !own.contains(&&*name) {
                continue;
            }
            let known = |names: &[&'static str]| names.iter().position(|n| *n == name);
            if value.is_empty() {
                return Err(ApiError::bad_request(format!(
                    "{} has no value",
                    shown(&name)
                )));
            }
            if FIXED.contains(&&*name) {
                return Err(ApiError::bad_request(format!(
                    "{name} is the layer's own: a request can't choose it"
                )));
            }
            let (list, name) = if let Some(i) = known(&Style::PARAMETERS) {
                (&mut query.style, Style::PARAMETERS.get(i))
            } else if let Some(i) = known(own) {
                (&mut query.own, own.get(i))
            } else {
                return Err(unknown(&name, own));
            };
            let Some(&name) = name else { continue };
            if list.iter().any(|(given, _)| *given == name) {
                return Err(ApiError::bad_request(format!("{name} is given twice")));
            }
            list.push((name, value.into_owned()));
        }
        let place = |name: &str| Style::PARAMETERS.iter().position(|n| *n == name);
        query.style.sort_unstable_by_key(|(name, _)| place(name));
        Ok(query)
    }

    /// Parses the query string of a route that takes the parameters in `own`, but no parameters of
    /// a style.
    pub(crate) fn parse_alone(raw: Option<&str>, own: &[&'static str]) -> Result<Self, ApiError> {
        let given = form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
        let is_known = |name: &str| own.contains(&name) || is_tracking(name);
        for (name, _) in given {
            if !is_known(&name) {
                let message = format!(
                    "unknown parameter `{}`; there are {}",
                    shown(&name),
                    own.join(", ")
                );
                return Err(ApiError::bad_request(message));
            }
        }
        Self::parse(raw, own)
    }

    /// Returns true if a query string has no parameters, apart from those that libraries, proxies
    /// and trackers add to URLs and that are ignored.
    pub(crate) fn is_empty(raw: Option<&str>) -> bool {
        form_urlencoded::parse(raw.unwrap_or_default().as_bytes())
            .all(|(name, _)| is_tracking(&name))
    }

    /// The style parameters in the URL, as pairs of a name and a value.
    pub(crate) fn style(&self) -> &[(&'static str, String)] {
        &self.style
    }

    /// The style's parameters as a query string for links, beginning with `?`; an empty string if
    /// there are none.
    pub(crate) fn style_suffix(&self) -> String {
        if self.style.is_empty() {
            return String::new();
        }
        let mut text = form_urlencoded::Serializer::for_suffix(String::from("?"), 1);
        text.extend_pairs(&self.style);
        text.finish()
    }

    /// The value of the parameter `filter`: the condition that selects points. `None` if it is not
    /// given.
    pub(crate) fn filter(&self) -> Option<&str> {
        self.get("filter")
    }

    /// The window of time that the parameter `time` or `datetime` asks for, and the parameter's
    /// name. `None` if neither is given.
    pub(crate) fn time(&self) -> Result<Option<AskedTime>, ApiError> {
        let given = |name: &'static str| self.get(name).map(|text| (name, text));
        let (name, text) = match (given("time"), given("datetime")) {
            (Some(_), Some(_)) => {
                let message = "time and datetime are both given: they are two names of one thing";
                return Err(ApiError::bad_request(message));
            }
            (None, None) if self.get("time_scale").is_some() => {
                let message = "time_scale is for windows of time: time is missing";
                return Err(ApiError::bad_request(message));
            }
            (None, None) => return Ok(None),
            (given, other) => match given.or(other) {
                Some(given) => given,
                None => return Ok(None),
            },
        };
        let query: TimeQuery = text
            .parse()
            .map_err(|e| ApiError::bad_request(format!("{name}: {e}")))?;
        let is_closed = name == "datetime";
        let query = if is_closed { query.closed() } else { query };
        let is_held = self.choice("time_scale", &[("hold", true), ("each", false)])?;
        Ok(Some(AskedTime {
            name,
            query,
            is_held: is_held.unwrap_or(true),
        }))
    }

    /// The style's parameters, the filter and the window of time as a query string for links,
    /// beginning with `?`; an empty string if there are none.
    pub(crate) fn suffix(&self) -> String {
        let mut text = self.style_suffix();
        for name in ["filter", "time", "datetime", "time_scale"] {
            if let Some(value) = self.get(name) {
                let start = if text.is_empty() { "?" } else { "&" };
                text.push_str(start);
                let mut last = form_urlencoded::Serializer::new(String::new());
                text.push_str(&last.append_pair(name, value).finish());
            }
        }
        text
    }

    /// The value of one of the route's own parameters; `None` if it is not given.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.own
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of one of the route's own parameters, as a whole zoom; `None` if it is not given.
    pub(crate) fn zoom(&self, name: &'static str) -> Result<Option<u8>, ApiError> {
        self.get(name)
            .map(|text| path::zoom(name, text))
            .transpose()
    }

    /// The value of one of the route's own parameters, as a finite number; `None` if it is not
    /// given.
    pub(crate) fn finite(&self, name: &'static str) -> Result<Option<f64>, ApiError> {
        self.get(name).map(|text| finite(name, text)).transpose()
    }

    /// The value of one of the route's own parameters that must be one of a few words. `legal` has
    /// pairs of a word and its value. `None` if the parameter is not given.
    pub(crate) fn choice<T: Copy>(
        &self,
        name: &'static str,
        legal: &[(&'static str, T)],
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let found = legal
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, value)| *value);
        found.map(Some).ok_or_else(|| {
            let words: Vec<_> = legal.iter().map(|(word, _)| *word).collect();
            bad_value(name, text, format_args!("expected {}", words.join(" or ")))
        })
    }

    /// The size of tiles that the parameter `size` asks for: 256 or 512 CSS pixels a side, 256 if
    /// it is not given. `ratio` is the number of device pixels per CSS pixel.
    pub(crate) fn tile_size(&self, ratio: u32) -> Result<TileSize, ApiError> {
        let css = self.choice("size", &[("256", 256), ("512", 512)])?;
        let size = TileSize::new(css.unwrap_or(256), ratio);
        size.ok_or_else(|| ApiError::bad_request("size can't be drawn: expected 256 or 512"))
    }

    /// Returns true if the rows of tiles are counted from the south, as TMS does, by the parameter
    /// `tms`.
    pub(crate) fn is_tms(&self) -> Result<bool, ApiError> {
        let is_tms = self.choice("tms", &[("true", true), ("false", false)])?;
        Ok(is_tms.unwrap_or(false))
    }

    /// The image format for the file extension of a picture's URL. For PNG, the parameter `format`
    /// chooses between two: `palette`, the default, and `rgba`. The extension [`DEM`] requires the
    /// parameter `range`.
    pub(crate) fn picture_format(&self, extension: &str) -> Result<ImageFormat, ApiError> {
        if extension == DEM {
            let range = self.get("range").map(dem_range).transpose()?;
            let missing = "a .dem.png needs range=lo,hi; /{layer}/dem.json has addresses with one";
            return range
                .map(ImageFormat::Dem)
                .ok_or(ApiError::bad_request(missing));
        }
        let format = path::format_of(extension).ok_or_else(|| {
            let why = match extension {
                "webp" => " (a lossless WebP has four times the bytes of the .png)",
                _ => "",
            };
            ApiError::bad_request(format!(
                "the extension can't be `{}`{why}: expected {}",
                shown(extension),
                path::extensions()
            ))
        })?;
        let rgba = self.choice("format", &[("palette", false), ("rgba", true)])?;
        match (rgba, format) {
            (None, _) | (Some(false), ImageFormat::Png) => Ok(format),
            (Some(true), ImageFormat::Png) => Ok(ImageFormat::PngRgba),
            _ => Err(ApiError::bad_request(
                "format says how a .png stores its colours; others have one way",
            )),
        }
    }
}

/// Parses `lo,hi`, the least and the greatest value that a `.dem.png` can encode.
pub(crate) fn dem_range(text: &str) -> Result<Dem, ApiError> {
    let wrong = || {
        bad_value(
            "range",
            text,
            "expected lo,hi: two numbers, the second greater",
        )
    };
    let (low, high) = text.split_once(',').ok_or_else(wrong)?;
    let end = |text: &str| finite("range", text.trim());
    let ends = end(low).and_then(|low| Ok((low, end(high)?)));
    let (low, high) = ends.map_err(|_| wrong())?;
    Dem::new(low, high).ok_or_else(wrong)
}

/// The style parameters that a request can't set, since only the layer's own style may choose them.
pub(crate) const FIXED: [&str; 1] = ["precision"];

/// Parameters that libraries, proxies and trackers add to URLs. They are ignored.
const TRACKING: [&str; 13] = [
    "_", "_t", "_ts", "_dc", "ts", "v", "cb", "nocache", "fbclid", "gclid", "dclid", "msclkid",
    "mc_cid",
];

fn is_tracking(name: &str) -> bool {
    TRACKING.contains(&name) || name.starts_with("utm_")
}

/// An error with status 400 for a parameter whose value is not legal. `expected` describes the
/// legal values in words.
pub(crate) fn bad_value(name: &str, value: &str, expected: impl Display) -> ApiError {
    ApiError::bad_request(format!("{name} can't be `{}`: {expected}", shown(value)))
}

/// Parses a number that is neither NaN nor infinite. `name` is the parameter's name, for error
/// messages.
pub(crate) fn finite(name: &str, text: &str) -> Result<f64, ApiError> {
    let number = f64::from_str(text).ok().filter(|number| number.is_finite());
    number.ok_or_else(|| bad_value(name, text, "expected a decimal number"))
}

/// Replaces a parameter of other tile servers by the parameters of this server that mean exactly
/// the same. Other parameters stay unchanged.
///
/// * `rescale=lo,hi` becomes `domain=lo,hi`
/// * `colormap_name=viridis` becomes `ramp=viridis`
/// * `colormap_name=viridis_r` becomes `ramp=viridis` and `reverse=true`
fn in_own_words<'a>(
    (name, value): (Cow<'a, str>, Cow<'a, str>),
) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
    let (first, second) = match &*name {
        "rescale" => (("domain".into(), value), None),
        "colormap_name" => match value.strip_suffix("_r") {
            Some(plain) => (
                ("ramp".into(), plain.to_owned().into()),
                Some(("reverse".into(), "true".into())),
            ),
            None => (("ramp".into(), value), None),
        },
        _ => ((name, value), None),
    };
    std::iter::once(first).chain(second)
}

/// Parameters of other tile servers that have no exact counterpart, each with the parameter of this
/// server that comes nearest.
const OTHER_WORDS: [(&str, &str); 8] = [
    ("colormap", "ramp"),
    ("palette", "ramp"),
    ("styles", "ramp"),
    ("expression", "measure"),
    ("tilesize", "size"),
    ("tile_size", "size"),
    ("cql_filter", "filter"),
    ("where", "filter"),
];

fn unknown(name: &str, own: &[&'static str]) -> ApiError {
    let other = OTHER_WORDS.iter().find(|(other, ours)| {
        let is_legal = own.contains(ours) || Style::PARAMETERS.contains(ours);
        name.eq_ignore_ascii_case(other) && is_legal
    });
    if let Some((_, ours)) = other {
        return ApiError::bad_request(format!("unknown parameter `{name}`; here it is {ours}"));
    }
    let mut legal = [own, &Style::PARAMETERS].concat();
    legal.retain(|name| !FIXED.contains(name));
    let legal = legal.join(", ");
    ApiError::bad_request(format!(
        "unknown parameter `{}`; there are {legal}",
        shown(name)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_parameters_means_nothing() {
        let query = Query::parse(Some("ramp=viridis&size=512&kernel=quartic"), &["size"]).unwrap();
        assert_eq!(query.get("size"), Some("512"));
        assert_eq!(query.style_suffix(), "?kernel=quartic&ramp=viridis");
    }

    #[test]
    fn values_are_decoded_and_encoded_again() {
        let query = Query::parse(Some("ramp=transparent%2C+red&domain=0,40"), &[]).unwrap();
        assert_eq!(query.style()[1].1, "transparent, red");
        assert_eq!(
            query.style_suffix(),
            "?domain=0%2C40&ramp=transparent%2C+red"
        );
    }

    #[test]
    fn what_is_not_known_once_and_full_is_refused() {
        for (raw, says) in [
            ("colour=red", "unknown parameter `colour`"),
            ("size=512", "unknown parameter `size`"),
            ("ramp=", "ramp has no value"),
            ("ramp", "ramp has no value"),
            ("radius=3&radius=4", "radius is given twice"),
            ("z=1&z=2", "z is given twice"),
            ("precision=exact", "precision is the layer's own"),
            ("precision=fast", "precision is the layer's own"),
            ("&&=", " has no value"),
        ] {
            let refused = format!("{:?}", Query::parse(Some(raw), &["z"]).unwrap_err());
            assert!(refused.contains(says), "{raw}: {refused}");
        }
        assert!(Query::parse(Some(""), &[]).unwrap().style().is_empty());
    }

    #[test]
    fn words_of_other_servers_become_ours() {
        let of = |raw: &str| Query::parse(Some(raw), &["size"]);
        let query = of("rescale=0,40&colormap_name=viridis_r").unwrap();
        assert_eq!(
            query.style_suffix(),
            "?domain=0%2C40&ramp=viridis&reverse=true"
        );
        assert_eq!(of("colormap_name=ice").unwrap().style_suffix(), "?ramp=ice");
        for (raw, says) in [
            ("ramp=ice&colormap_name=viridis", "ramp is given twice"),
            ("rescale=0,1&rescale=0,2", "domain is given twice"),
            ("colormap_name=_r", "ramp has no value"),
            ("colormap={}", "`colormap`; here it is ramp"),
            ("tileSize=512", "`tileSize`; here it is size"),
            ("cql_filter=a", "unknown parameter `cql_filter`; there are"),
        ] {
            let refused = format!("{:?}", of(raw).unwrap_err());
            assert!(refused.contains(says), "{raw}: {refused}");
        }
    }

    #[test]
    fn what_others_add_to_addresses_is_nothing() {
        let raw = "_=1&ramp=ice&v=&_=2&utm_source=a&utm_medium&fbclid=x&cb=%FF&z=3";
        let query = Query::parse(Some(raw), &["z"]).unwrap();
        assert_eq!(
            (query.style_suffix().as_str(), query.get("z")),
            ("?ramp=ice", Some("3"))
        );
        for raw in ["utm=1", "_x=1", "V=1", "u=2", "version=1"] {
            assert!(Query::parse(Some(raw), &["z"]).is_err(), "{raw}");
        }
        let own = Query::parse(Some("v=1"), &["v"]).unwrap();
        assert_eq!(own.get("v"), Some("1"));
    }

    #[test]
    fn numbers_are_finite() {
        let query = Query::parse(Some("lon=nan&lat=inf&z=1e1"), &["lon", "lat", "z"]).unwrap();
        assert!(query.finite("lon").is_err() && query.finite("lat").is_err());
        assert!(query.zoom("z").is_err());
        assert_eq!(query.finite("absent"), Ok(None));
    }
}
