//! The parameters of OGC services: pairs of a name and a value. Names may be in capital or small
//! letters.

use super::error::OgcError;
use super::ramp_of;
use crate::http::error::shown;
use heatsplat_render::Style;

/// The parameters of a request to an OGC service.
#[derive(Debug)]
pub(super) struct Kvp {
    /// The names of the parameters in capital letters, each with its value.
    pairs: Vec<(String, String)>,
}

impl Kvp {
    /// Parses a query string. Unknown parameters are no error, since the standards demand that they
    /// be ignored, and clients send many of their own.
    pub(super) fn parse(raw: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
        let pairs = pairs.map(|(name, value)| (name.to_ascii_uppercase(), value.into_owned()));
        Self {
            pairs: pairs.collect(),
        }
    }

    /// The value of a parameter, whose name is given in capital letters; `None` if it is missing or
    /// empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(n, _)| n == name);
        let value = found.map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    /// The value of a required parameter.
    ///
    /// # Errors
    /// `MissingParameterValue` if it is missing or empty.
    pub(super) fn need(&self, name: &'static str) -> Result<&str, OgcError> {
        self.get(name).ok_or_else(|| OgcError::missing(name))
    }

    /// The value of a required parameter, as a whole number.
    ///
    /// # Errors
    /// `MissingParameterValue`, or `InvalidParameterValue` if the value is no whole number of at
    /// most 2³² − 1.
    pub(super) fn whole(&self, name: &'static str) -> Result<u32, OgcError> {
        let text = self.need(name)?;
        text.parse().map_err(|_| {
            OgcError::invalid(
                name,
                format!("{name} can't be `{}`: expected a whole number", shown(text)),
            )
        })
    }

    /// The query string by which other routes of this server draw in `style`, a style of the
    /// service. It begins with `?`, or is empty. It has the ramp of `style`, and the request's own
    /// style parameters, like `radius=8` or `filter=…`, except those whose names are in `taken`,
    /// since these have another meaning in the service.
    ///
    /// # Errors
    /// `StyleNotDefined` if the service has no style of this name.
    pub(super) fn style_query(&self, style: &str, taken: &[&str]) -> Result<String, OgcError> {
        let ramp = ramp_of(style).ok_or_else(|| {
            OgcError::new(
                "StyleNotDefined",
                "STYLES",
                format!(
                    "there is no style `{}`: expected default or the name of a ramp in /catalog",
                    shown(style)
                ),
            )
        })?;
        let mut text = form_urlencoded::Serializer::new(String::new());
        if !ramp.is_empty() {
            text.append_pair("ramp", ramp);
        }
        let names = Style::PARAMETERS
            .iter()
            .chain(&["filter", "time", "time_scale"]);
        for name in names.filter(|name| !taken.contains(name)) {
            if *name == "ramp" && !ramp.is_empty() {
                continue;
            }
            if let Some(value) = self.get(&name.to_ascii_uppercase()) {
                text.append_pair(name, value);
            }
        }
        let text = text.finish();
        Ok(match text.is_empty() {
            true => text,
            false => format!("?{text}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case_and_styles_become_ours() {
        let kvp = Kvp::parse(Some(
            "Service=WMS&RADIUS=8&Filter=n+%3E+2&DPI=96&radius=9&A=",
        ));
        assert_eq!((kvp.get("SERVICE"), kvp.get("A")), (Some("WMS"), None));
        let query = |style| kvp.style_query(style, &[]).unwrap();
        assert_eq!(query("viridis"), "?ramp=viridis&radius=8&filter=n+%3E+2");
        assert_eq!(query(""), query("default"));
        assert_eq!(kvp.style_query("", &["radius", "filter"]).unwrap(), "");
        assert!(kvp.style_query("nosuch", &[]).is_err());
        assert!(kvp.need("WIDTH").is_err() && kvp.whole("SERVICE").is_err());
    }
}
