//! The heatmap layer of MapLibre and Mapbox: a whole layer of a style, or only its `paint`.

use crate::builder::{StyleBuilder, rounded};
use crate::gradient::{self, Stop};
use crate::js_literal::JsLiteral;
use crate::options::OptionReader;
use crate::{Dialect, ImportError, ImportedStyle};

/// The value of MapLibre's kernel at the point itself, for the weight 1 and the intensity 1. It is
/// 1/√(2π), as in MapLibre's shader.
const HEIGHT: f64 = 0.398_942_280_401_432_7;

/// The number that is added to MapLibre's zooms to get heatsplat's. MapLibre counts tiles of 512
/// px, heatsplat counts tiles of 256 px.
const ZOOM_SHIFT: f64 = 1.0;

/// MapLibre's zooms for which a number is computed if it doesn't change linearly between zooms.
const SAMPLED: [f64; 12] = [
    0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0,
];

const RADIUS: f64 = 30.0;

/// MapLibre's default colours for heat maps, each with the density at which it applies.
const COLORS: [(f64, &str); 6] = [
    (0.0, "rgba(0,0,255,0)"),
    (0.1, "royalblue"),
    (0.3, "cyan"),
    (0.5, "lime"),
    (0.7, "yellow"),
    (1.0, "red"),
];

pub(crate) fn import(layer: &JsLiteral) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::new(Dialect::MapLibre);
    let paint = layer.get("paint").unwrap_or(layer);
    let mut options = OptionReader::of(paint);
    let radius = curve("heatmap-radius", &mut options, &mut builder)?;
    match radius.unwrap_or(Curve::Flat(RADIUS)) {
        Curve::Flat(pixels) => builder.radius("heatmap-radius", pixels.max(1.0))?,
        Curve::Zooms(stops) => {
            let stops: Vec<(f64, f64)> = stops.into_iter().map(|(z, r)| (z, r.max(1.0))).collect();
            builder.radii("heatmap-radius", &stops)?;
        }
    }
    let per_weight = weight(&mut options, &mut builder)?;
    let top = (HEIGHT * per_weight).recip();
    let intensity = curve("heatmap-intensity", &mut options, &mut builder)?;
    match intensity.unwrap_or(Curve::Flat(1.0)) {
        Curve::Flat(intensity) if intensity > 0.0 => builder.domain_to(top / intensity)?,
        Curve::Flat(intensity) => {
            return builder.refuse(
                "heatmap-intensity",
                &intensity.to_string(),
                "expected a number above 0",
            );
        }
        Curve::Zooms(stops) => {
            // An intensity of 0 is replaced by 0.001, since the domain's end is divided by it.
            let domain = |(zoom, i): (f64, f64)| (zoom, top / i.max(1e-3));
            builder.domains_to(&stops.into_iter().map(domain).collect::<Vec<_>>())?;
        }
    }
    colors(&mut options, &mut builder)?;
    match curve("heatmap-opacity", &mut options, &mut builder)?.unwrap_or(Curve::Flat(1.0)) {
        Curve::Flat(opacity) => builder.opacity("heatmap-opacity", opacity)?,
        Curve::Zooms(stops) => {
            let most = stops.iter().map(|(_, o)| *o).fold(0.0, f64::max);
            builder.opacity("heatmap-opacity", most)?;
            builder.warn(format!(
                "heatmap-opacity changes with the zoom: its greatest, {}, is taken",
                rounded(most)
            ));
        }
    }
    options.ignore(&[
        "heatmap-radius-transition",
        "heatmap-intensity-transition",
        "heatmap-opacity-transition",
    ]);
    options.finish(&mut builder);
    if layer.get("filter").is_some() {
        builder.warn("filter: no part of a style; filter the source's rows by an SQL condition");
    }
    for limit in ["minzoom", "maxzoom"] {
        if layer.get(limit).is_some() {
            builder.warn(format!("{limit}: every zoom is drawn here"));
        }
    }
    Ok(builder.done())
}

/// A number that is the same at all zooms, or a table of (zoom, number), whose zooms count tiles of
/// 256 px.
enum Curve {
    Flat(f64),
    Zooms(Vec<(f64, f64)>),
}

fn curve(
    name: &str,
    options: &mut OptionReader<'_>,
    builder: &mut StyleBuilder,
) -> Result<Option<Curve>, ImportError> {
    const EXPECTED: &str =
        "expected a number, or [\"interpolate\", [\"linear\"], [\"zoom\"], zoom, value, …]";
    let Some(value) = options.get(name) else {
        return Ok(None);
    };
    if let Some(number) = value.as_number() {
        return Ok(Some(Curve::Flat(number)));
    }
    let steps = match Expression::of(value) {
        Some(steps) if steps.input == ExpressionInput::Zoom => steps,
        Some(Expression {
            input: ExpressionInput::Property(column),
            ..
        }) => {
            builder.warn(format!(
                "{name} follows the column {column}: its default is taken"
            ));
            return Ok(None);
        }
        _ => return builder.refuse(name, &value.shown(), EXPECTED),
    };
    let Some(numbers) = steps.numbers() else {
        return builder.refuse(name, &value.shown(), EXPECTED);
    };
    let zooms: Vec<f64> = match steps.way {
        Way::Linear => numbers.iter().map(|(z, _)| *z).collect(),
        _ => SAMPLED.to_vec(),
    };
    let at = |z: f64| (z.clamp(0.0, 24.0) + ZOOM_SHIFT, steps.way.at(&numbers, z));
    Ok(Some(Curve::Zooms(zooms.into_iter().map(at).collect())))
}

/// Returns the weight that MapLibre gives to a point whose weight in the data is 1. If the weights
/// are in a column of the data, the column's name is added to the builder's columns.
fn weight(options: &mut OptionReader<'_>, builder: &mut StyleBuilder) -> Result<f64, ImportError> {
    const NAME: &str = "heatmap-weight";
    const EXPECTED: &str = "expected a number, [\"get\", \"column\"] or a line over it from 0, 0";
    let Some(value) = options.get(NAME) else {
        return Ok(1.0);
    };
    if let Some(number) = value.as_number().filter(|n| *n > 0.0) {
        return Ok(number);
    }
    if let Some(column) = property(value) {
        builder.columns().weight = Some(column.to_owned());
        return Ok(1.0);
    }
    let Some(steps) = Expression::of(value) else {
        return builder.refuse(NAME, &value.shown(), EXPECTED);
    };
    let (ExpressionInput::Property(column), Some(numbers)) = (steps.input, steps.numbers()) else {
        return builder.refuse(NAME, &value.shown(), EXPECTED);
    };
    builder.columns().weight = Some(column.to_owned());
    let (Some(&(x0, y0)), Some(&(x1, y1))) = (numbers.first(), numbers.last()) else {
        return builder.refuse(NAME, &value.shown(), EXPECTED);
    };
    if !(x1 > x0 && y1 > y0) {
        return builder.refuse(NAME, &value.shown(), EXPECTED);
    }
    if numbers.len() > 2 || x0 != 0.0 || y0 != 0.0 || steps.way != Way::Linear {
        builder.warn(format!(
            "{NAME}: {column} counts in proportion here, {} for {}",
            rounded(y1),
            rounded(x1)
        ));
    } else {
        builder.warn(format!(
            "{NAME}: a {column} over {} counts in full here",
            rounded(x1)
        ));
    }
    Ok(y1 / x1)
}

/// Imports the colours. Each index of the ramp gets the colour of its density.
fn colors(options: &mut OptionReader<'_>, builder: &mut StyleBuilder) -> Result<(), ImportError> {
    const NAME: &str = "heatmap-color";
    const EXPECTED: &str = "expected [\"interpolate\", [\"linear\"], [\"heatmap-density\"], 0, \"transparent\", 1, \"red\"]";
    let Some(value) = options.get(NAME) else {
        let stop = |(p, c): &(f64, &str)| Ok((*p, gradient::css(c, NAME, builder)?));
        let stops = COLORS
            .iter()
            .map(stop)
            .collect::<Result<Vec<Stop>, ImportError>>()?;
        let table = |i| gradient::bytes(gradient::at(&stops, i as f64 / 255.0));
        builder.table(&std::array::from_fn(table));
        return Ok(());
    };
    let Some(steps) = Expression::of(value).filter(|s| s.input == ExpressionInput::Density) else {
        return builder.refuse(NAME, &value.shown(), EXPECTED);
    };
    let mut stops: Vec<Stop> = Vec::new();
    for (position, color) in &steps.stops {
        let Some(position) = position.filter(|p| stops.last().is_none_or(|(l, _)| l < p)) else {
            return builder.refuse(
                NAME,
                &value.shown(),
                "expected densities that rise from stop to stop",
            );
        };
        stops.push((position, gradient::color(color, NAME, builder)?));
    }
    if stops.is_empty() {
        return builder.refuse(NAME, &value.shown(), EXPECTED);
    }
    if steps.lossy {
        builder.warn(format!(
            "{NAME}: colours are mixed as interpolate does, in RGB"
        ));
    }
    let color = |i: usize| {
        let density = i as f64 / 255.0;
        let color = match steps.way {
            Way::Step => {
                let at = stops.partition_point(|(p, _)| *p <= density).max(1);
                stops.get(at - 1).map_or([0.0; 4], |(_, c)| *c)
            }
            way => gradient::at(&way.straightened(&stops), density),
        };
        gradient::bytes(color)
    };
    builder.table(&std::array::from_fn(color));
    Ok(())
}

/// The name of the column in `["get", "column"]`, which may be wrapped in `to-number`, `number` or
/// `coalesce`. `None` for other values.
fn property(value: &JsLiteral) -> Option<&str> {
    let list = value.as_list()?;
    match list {
        [JsLiteral::Text(get), JsLiteral::Text(column)] if get == "get" => Some(column),
        [JsLiteral::Text(around), inner, ..]
            if matches!(around.as_str(), "to-number" | "number" | "coalesce") =>
        {
            property(inner)
        }
        _ => None,
    }
}

/// The input of an expression: the zoom, the density of the heat map, or a column of the data.
#[derive(Clone, Copy, PartialEq)]
enum ExpressionInput<'a> {
    Zoom,
    Density,
    Property(&'a str),
}

/// The way in which values between two stops are interpolated.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Step,
    Linear,
    /// Exponential interpolation with a base: whenever the input grows by 1, the slope of the curve
    /// is multiplied by the base.
    Exponential(f64),
}

/// An expression `interpolate` or `step`, or a function in the older form `{"stops": […]}`, in one
/// form for all of them.
struct Expression<'a> {
    way: Way,
    input: ExpressionInput<'a>,
    stops: Vec<(Option<f64>, &'a JsLiteral)>,
    /// `true` if another way of interpolation stands for the one in the configuration, which
    /// heatsplat doesn't have.
    lossy: bool,
}

impl<'a> Expression<'a> {
    fn of(value: &'a JsLiteral) -> Option<Self> {
        if let Some(stops) = value.get("stops").and_then(JsLiteral::as_list) {
            let pair = |stop: &'a JsLiteral| match stop.as_list() {
                Some([at, value]) => Some((at.as_number(), value)),
                _ => None,
            };
            let base = value.get("base").and_then(JsLiteral::as_number);
            let input = value.get("property").and_then(JsLiteral::as_text);
            return Some(Self {
                way: base.map_or(Way::Linear, Way::exponential),
                input: input.map_or(ExpressionInput::Zoom, ExpressionInput::Property),
                stops: stops.iter().map(pair).collect::<Option<_>>()?,
                lossy: false,
            });
        }
        let list = value.as_list()?;
        let name = list.first()?.as_text()?;
        let (way, input, rest, lossy) = match name {
            "step" => {
                let lowest = (Some(f64::NEG_INFINITY), list.get(2)?);
                let mut stops = vec![lowest];
                stops.extend(pairs(list.get(3..)?));
                return Some(Self {
                    way: Way::Step,
                    input: input(list.get(1)?)?,
                    stops,
                    lossy: false,
                });
            }
            "interpolate" | "interpolate-hcl" | "interpolate-lab" => {
                let (way, lossy) = match list.get(1)?.as_list()? {
                    [JsLiteral::Text(way)] if way == "linear" => (Way::Linear, false),
                    [JsLiteral::Text(way), JsLiteral::Number(base)] if way == "exponential" => {
                        (Way::exponential(*base), false)
                    }
                    [JsLiteral::Text(way), ..] if way == "cubic-bezier" => (Way::Linear, true),
                    _ => return None,
                };
                let lossy = lossy || name != "interpolate";
                (way, input(list.get(2)?)?, list.get(3..)?, lossy)
            }
            _ => return None,
        };
        Some(Self {
            way,
            input,
            stops: pairs(rest),
            lossy,
        })
    }

    /// The stops as pairs of input and value. `None` if any of them is not a number, or if the
    /// inputs don't rise.
    fn numbers(&self) -> Option<Vec<(f64, f64)>> {
        let number = |(at, value): &(Option<f64>, &JsLiteral)| Some(((*at)?, value.as_number()?));
        let numbers: Vec<(f64, f64)> = self.stops.iter().map(number).collect::<Option<_>>()?;
        let rising = numbers.windows(2).all(|w| matches!(w, [a, b] if a.0 < b.0));
        (rising && !numbers.is_empty()).then_some(numbers)
    }
}

fn pairs(list: &[JsLiteral]) -> Vec<(Option<f64>, &JsLiteral)> {
    let pair = |pair: &'_ [JsLiteral]| match pair {
        [at, _] => at.as_number(),
        _ => None,
    };
    let chunks = list.chunks(2);
    chunks.filter_map(|c| Some((pair(c), c.last()?))).collect()
}

fn input(value: &JsLiteral) -> Option<ExpressionInput<'_>> {
    match value.as_list()? {
        [JsLiteral::Text(name)] if name == "zoom" => Some(ExpressionInput::Zoom),
        [JsLiteral::Text(name)] if name == "heatmap-density" => Some(ExpressionInput::Density),
        _ => property(value).map(ExpressionInput::Property),
    }
}

impl Way {
    fn exponential(base: f64) -> Self {
        if base == 1.0 || base <= 0.0 {
            Self::Linear
        } else {
            Self::Exponential(base)
        }
    }

    /// The share, 0 to 1, that the value at the stop `to` has in the interpolated value at `x`; the
    /// rest is the share of the value at the stop `from`. `x`, `from` and `to` are inputs, and `x`
    /// lies between the other two.
    fn share(self, x: f64, from: f64, to: f64) -> f64 {
        match self {
            Self::Step => 0.0,
            Self::Linear => (x - from) / (to - from),
            Self::Exponential(base) => (base.powf(x - from) - 1.0) / (base.powf(to - from) - 1.0),
        }
    }

    fn at(self, stops: &[(f64, f64)], x: f64) -> f64 {
        let after = stops.partition_point(|(p, _)| *p <= x);
        let before = after.checked_sub(1).and_then(|i| stops.get(i));
        match (before, stops.get(after)) {
            (Some(&(p0, a)), Some(&(p1, b))) => a + (b - a) * self.share(x, p0, p1),
            (Some(&(_, v)), None) | (None, Some(&(_, v))) => v,
            (None, None) => 0.0,
        }
    }

    /// Stops that give the same colours if they are mixed linearly. An exponential curve between
    /// two stops is approximated by 16 straight pieces. For other curves the stops stay as they
    /// are.
    fn straightened(self, stops: &[Stop]) -> Vec<Stop> {
        const BETWEEN: u32 = 16;
        let Self::Exponential(_) = self else {
            return stops.to_vec();
        };
        let mut fine = Vec::new();
        for pair in stops.windows(2) {
            let [(p0, a), (p1, b)] = pair else { continue };
            for i in 0..BETWEEN {
                let x = p0 + (p1 - p0) * f64::from(i) / f64::from(BETWEEN);
                let ends = [(0.0, *a), (1.0, *b)];
                fine.push((x, gradient::at(&ends, self.share(x, *p0, *p1))));
            }
        }
        fine.extend(stops.last());
        fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style;

    #[test]
    fn its_defaults() {
        let made = style(r#"{"type": "heatmap", "source": "a", "paint": {}}"#).unwrap();
        assert_eq!(made.dialect, Dialect::MapLibre);
        let style = made.style;
        assert_eq!(style.radius().to_string(), "30px");
        assert_eq!(style.scale().domain.to_string(), "0,2.506628");
        let ramp = style.ramp();
        assert_eq!(ramp.color(255), [255, 0, 0, 255]);
        // This colour is between a transparent blue and royalblue. Colours are not multiplied by
        // alpha, so the transparent blue counts as much as any other colour.
        assert_eq!(ramp.color(13), [33, 54, 240, 130]);
    }

    #[test]
    fn weights_zooms_and_steps() {
        let made = style(
            r#"{"heatmap-weight": ["interpolate", ["linear"], ["get", "mag"], 0, 0, 6, 1],
                "heatmap-intensity": ["interpolate", ["linear"], ["zoom"], 0, 1, 9, 3],
                "heatmap-radius": ["interpolate", ["linear"], ["zoom"], 0, 2, 9, 20],
                "heatmap-color": ["step", ["heatmap-density"], "rgba(0,0,0,0)", 0.2, "blue", 0.6, "red"],
                "heatmap-opacity": 0.5}"#,
        );
        let made = made.unwrap();
        assert_eq!(made.columns.weight.as_deref(), Some("mag"));
        assert_eq!(made.style.radius().to_string(), "1:2px,10:20px");
        assert_eq!(
            made.style.scale().domain.to_string(),
            "1:0,15.03977;10:0,5.013257"
        );
        let at = |i| made.style.ramp().color(i);
        assert_eq!(
            [at(50), at(52), at(152), at(154)],
            [[0; 4], [0, 0, 255, 128], [0, 0, 255, 128], [255, 0, 0, 128]]
        );
        let old = style(r#"{"heatmap-radius": {"stops": [[1, 10], [5, 30]], "base": 2}}"#).unwrap();
        // At MapLibre's zoom 4, which is heatsplat's zoom 5, the radius is 10 + 20 (2³ − 1) / (2⁴ −
        // 1).
        assert!(
            old.style.radius().to_string().contains("5:19.33333px"),
            "{}",
            old.style
        );
    }

    #[test]
    fn mistakes() {
        for (text, hint) in [
            (r#"{"heatmap-radius": "wide"}"#, "interpolate"),
            (r#"{"heatmap-intensity": 0}"#, "above 0"),
            (r#"{"heatmap-opacity": 2}"#, "0 to 1"),
            (
                r#"{"heatmap-color": ["interpolate", ["linear"], ["heatmap-density"]]}"#,
                "expected",
            ),
            (
                r#"{"heatmap-color": ["interpolate", ["linear"], ["heatmap-density"], 0.5, "red", 0.2, "blue"]}"#,
                "rise",
            ),
            (
                r#"{"heatmap-color": ["interpolate", ["linear"], ["heatmap-density"], 0, "rot"]}"#,
                "CSS",
            ),
            (r#"{"heatmap-color": "red"}"#, "heatmap-density"),
            (r#"{"heatmap-weight": ["match", 1]}"#, "column"),
        ] {
            let message = style(text).unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
        let made = style(r#"{"heatmap-radius": 0, "heatmap-colour": "red"}"#).unwrap();
        // The least radius of MapLibre is 1 pixel.
        assert_eq!(made.style.radius().to_string(), "1px");
        assert!(made.warnings[0].contains("heatmap-colour"));
    }
}
