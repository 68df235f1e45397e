//! How points look: the parameters of a style as flags, checked as they are read.

use super::Failure;
use clap::Args;
use heatsplat::Style;

/// Flags of a style: the same names and values as in addresses of tiles.
#[derive(Args)]
#[command(next_help_heading = "How it looks")]
pub(super) struct StyleFlags {
    /// gaussian, quartic, triweight, epanechnikov, triangular or uniform
    #[arg(long, value_parser = checked("kernel"))]
    kernel: Option<String>,
    /// How far a point's heat reaches, in pixels
    #[arg(long, value_name = "PIXELS", value_parser = checked("radius"))]
    radius: Option<String>,
    /// What is 1 about the kernel: its height (peak) or its volume (mass)
    #[arg(long, value_name = "peak|mass", value_parser = checked("normalize"))]
    normalize: Option<String>,
    /// From density to colour: linear, log, sqrt, cbrt or eq_hist
    #[arg(long, value_parser = checked("scale"))]
    scale: Option<String>,
    /// Which densities the ramp spans: auto, a percentile like p99.9, or lo,hi
    #[arg(long, allow_hyphen_values = true, value_parser = checked("domain"))]
    domain: Option<String>,
    /// A ramp's name (see `heatsplat ramps`), or CSS colours like "transparent, blue, #ff0"
    #[arg(long, value_parser = checked("ramp"))]
    ramp: Option<String>,
    /// Turn the ramp's colours around
    #[arg(long)]
    reverse: bool,
    /// How opaque the colours are, 0 to 1, or a curve like 0:0,0.2:0.8,1:1
    #[arg(long, value_parser = checked("opacity"))]
    opacity: Option<String>,
}

impl StyleFlags {
    pub(super) fn style(&self) -> Result<Style, Failure> {
        let reverse = self.reverse.then(|| "true".to_owned());
        let mut style = Style::default();
        for (name, value) in [
            ("kernel", &self.kernel),
            ("radius", &self.radius),
            ("normalize", &self.normalize),
            ("scale", &self.scale),
            ("domain", &self.domain),
            ("ramp", &self.ramp),
            ("reverse", &reverse),
            ("opacity", &self.opacity),
        ] {
            if let Some(value) = value {
                style.set(name, value)?;
            }
        }
        Ok(style)
    }
}

/// A parser that takes what [`Style::set`] takes for a parameter.
fn checked(name: &'static str) -> impl Fn(&str) -> Result<String, String> + Clone {
    move |value| match Style::default().set(name, value) {
        Ok(()) => Ok(value.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
