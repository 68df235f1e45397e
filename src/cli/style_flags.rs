//! The flags of a style. Each is checked when it is parsed.

use super::error::BoxError;
use super::layer_style::{LayerStyle, RadiusChoice};
use super::mapnik::with_marker;
use crate::cli::logging::say;
use clap::Args;
use heatsplat::Style;
use heatsplat::import::{self, ColumnNames, ImportedStyle};
use std::fs;
use std::path::Path;

/// Flags of a style: the same names and values as in addresses of tiles.
#[derive(Args)]
#[command(next_help_heading = "How it looks")]
pub(super) struct StyleFlags {
    /// A style to begin with: heatsplat's own, or the configuration of another heat map, in a file
    /// or as text (see `heatsplat style --help`); the flags below change it [default: the defaults
    /// below]
    #[arg(long = "style", value_name = "FILE|STRING")]
    begin: Option<String>,
    /// gaussian, quartic, triweight, epanechnikov, triangular or uniform; also cubic, plateau:0.15,
    /// shadow:0.6 and cone:0.3, which the processor draws even beside a GPU [default: gaussian]
    #[arg(long, value_parser = checked("kernel"))]
    kernel: Option<String>,
    /// Quantity that a pixel shows: sum, count, mean, sum_per_km2 or count_per_km2 [default: sum]
    #[arg(long, value_parser = checked("measure"))]
    measure: Option<String>,
    /// Reach of a point's heat: 16px, 500m, 2.5km, by zoom like 6:8px,12:30px, or auto: 4 to 24
    /// pixels by the distances between the points [default: auto; 16px for live layers]
    #[arg(long, value_name = "LENGTH", value_parser = radius)]
    radius: Option<String>,
    /// Quantity of the kernel that is 1: its height (peak) or its volume (mass) [default: peak]
    #[arg(long, value_name = "peak|mass", value_parser = checked("normalize"))]
    normalize: Option<String>,
    /// Blend mode of splats that lie over each other: add, cover (1 − Π (1 − opacity)), reach (a
    /// sum in which heavier points reach further), or Mapnik's markers in 8 bits: over:MARKER and
    /// plus:MARKER, like over:ellipse:14x14@0.25 [default: add]
    #[arg(long, value_name = "MODE", value_parser = checked("overlap"))]
    overlap: Option<String>,
    /// Scale from number to colour: linear, log, sqrt, cbrt, power:0.35, eq_hist, or local (eq_hist
    /// of the neighbourhood) [default: log]
    #[arg(long, value_parser = checked("scale"))]
    scale: Option<String>,
    /// Numbers that the ramp spans: auto, a percentile like p99.9, either of them from one zoom for
    /// all zooms like auto@8, lo,hi, or a table by zoom like 4:0,900;10:0,20 [default: auto]
    #[arg(long, allow_hyphen_values = true, value_parser = checked("domain"))]
    domain: Option<String>,
    /// A ramp's name (see `heatsplat ramps`), or CSS colours like "transparent, blue, #ff0"
    /// [default: inferno]
    #[arg(long, value_parser = checked("ramp"))]
    ramp: Option<String>,
    /// Reverse the order of the ramp's colours
    #[arg(long)]
    reverse: bool,
    /// Opacity of the colours, 0 to 1, or a curve like 0:0,0.2:0.8,1:1 [default: the
    /// ramp's own]
    #[arg(long, value_parser = checked("opacity"))]
    opacity: Option<String>,
    /// Cut the ramp into this number of classes of one colour each
    #[arg(long, value_name = "N", value_parser = checked("steps"))]
    steps: Option<String>,
    /// Draw this number of lines of equal value over the colours; with --opacity 0, the lines alone
    #[arg(long, value_name = "N", value_parser = checked("isolines"))]
    isolines: Option<String>,
    /// Precision of a picture: fast (to 1/256 of the peak) or exact (to 1e-6, every point at its
    /// place, by the processor: about a nanosecond for each point and pixel that it reaches)
    /// [default: fast]
    #[arg(long, value_name = "fast|exact", value_parser = checked("precision"))]
    precision: Option<String>,
}

impl StyleFlags {
    /// Returns the style, and the columns that its configuration names. Warns on standard error of
    /// the parts of the configuration that could not be converted.
    pub(super) fn style_and_columns(&self) -> Result<(LayerStyle, ColumnNames), BoxError> {
        let Some(begin) = &self.begin else {
            let style = self.changed(Style::default())?;
            let style = LayerStyle::new(style, self.radius_choice(RadiusChoice::Fitted));
            return Ok((style, ColumnNames::default()));
        };
        let imported = read(begin)?;
        say_warnings(&imported);
        Ok((self.imported(imported.style)?, imported.columns))
    }

    /// Returns a style that was converted from the configuration of another heat map, with the
    /// changes that flags ask for. Its radius is fitted to the points only if `--radius auto` asks
    /// for it.
    pub(super) fn imported(&self, style: Style) -> Result<LayerStyle, BoxError> {
        let style = self.changed(style)?;
        Ok(LayerStyle::new(
            style,
            self.radius_choice(RadiusChoice::Set),
        ))
    }

    fn radius_choice(&self, unset: RadiusChoice) -> RadiusChoice {
        match self.radius.as_deref() {
            None => unset,
            Some(AUTO) => RadiusChoice::Auto,
            Some(_) => RadiusChoice::Set,
        }
    }

    /// Returns the style with the changes that flags ask for.
    fn changed(&self, mut style: Style) -> Result<Style, BoxError> {
        let reverse = self.reverse.then(|| "true".to_owned());
        let radius = self.radius.clone().filter(|radius| radius != AUTO);
        let flags = [
            ("measure", &self.measure),
            ("kernel", &self.kernel),
            ("radius", &radius),
            ("normalize", &self.normalize),
            ("overlap", &self.overlap),
            ("scale", &self.scale),
            ("domain", &self.domain),
            ("ramp", &self.ramp),
            ("reverse", &reverse),
            ("opacity", &self.opacity),
            ("steps", &self.steps),
            ("isolines", &self.isolines),
            ("precision", &self.precision),
        ];
        let given = flags
            .iter()
            .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        style.set_all(given)?;
        Ok(style)
    }
}

/// Reads the configuration of a heat map: from the file with the name `file_or_text` if there is
/// one, otherwise from the text itself.
pub(super) fn read(file_or_text: &str) -> Result<ImportedStyle, BoxError> {
    let is_path = file_or_text.len() < 4096 && Path::new(file_or_text).is_file();
    if is_path {
        let text = fs::read(file_or_text).map_err(|e| format!("{file_or_text}: {e}"))?;
        let text = String::from_utf8_lossy(&text);
        let imported = import::style(&text).map_err(|e| format!("{file_or_text}: {e}"))?;
        return with_marker(imported, Path::new(file_or_text));
    }
    import::style(file_or_text).map_err(|error| {
        let short: String = file_or_text.chars().take(60).collect();
        let hint = match error {
            import::ImportError::Unknown if looks_like_path(file_or_text) => {
                return format!("{short}: there is no such file").into();
            }
            // The text may have been meant to be the name of a file.
            import::ImportError::Unknown => ", and there is no such file",
            _ => "",
        };
        format!("`{short}`: {error}{hint}").into()
    })
}

/// Tests whether a text that could not be parsed as a style was probably meant to be the path of a
/// file.
fn looks_like_path(text: &str) -> bool {
    let is_path = |c: char| c.is_alphanumeric() || "._-/\\~ ".contains(c);
    text.chars().all(is_path) && text.contains(['.', '/', '\\'])
}

/// Reports on standard error the parts of a configuration that could not be converted to the style.
pub(super) fn say_warnings(imported: &ImportedStyle) {
    for warning in &imported.warnings {
        say!("{}: {warning}", imported.dialect);
    }
    if let Some(marker) = &imported.marker {
        say!(
            "{}: {marker} is not read, an ellipse is stamped",
            imported.dialect
        );
    }
}

/// The value of `--radius` with which the radius is fitted to the points.
const AUTO: &str = "auto";

/// A clap parser for the value of `--radius`: a radius, or [`AUTO`].
fn radius(value: &str) -> Result<String, String> {
    match value.trim() {
        value if value.eq_ignore_ascii_case(AUTO) => Ok(AUTO.to_owned()),
        value => checked("radius")(value).map_err(|error| format!("{error}, or auto")),
    }
}

/// A clap parser for the style parameter `name`. It accepts the values that [`Style::set`] accepts.
fn checked(name: &'static str) -> impl Fn(&str) -> Result<String, String> + Clone {
    move |value| match Style::default().set(name, value) {
        Ok(()) => Ok(value.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
