//! heatmap.js: the options of `h337.create`, the argument of `setData`, or both of them.

use crate::builder::{StyleBuilder, rounded};
use crate::gradient::{self, Stop};
use crate::inline_points::ImportedPoint;
use crate::js_literal::JsLiteral;
use crate::options::OptionReader;
use crate::{Dialect, ImportError, ImportedStyle};
use heatsplat_render::CoverOpacity;

/// The default gradient of heatmap.js: blue, lime, yellow and red.
const GRADIENT: [Stop; 4] = [
    (0.25, [0.0, 0.0, 1.0, 1.0]),
    (0.55, [0.0, 1.0, 0.0, 1.0]),
    (0.85, [1.0, 1.0, 0.0, 1.0]),
    (1.0, [1.0, 0.0, 0.0, 1.0]),
];

const RADIUS: f64 = 40.0;
const BLUR: f64 = 0.85;

/// The least opacity, 0 to 1, of the spot that is drawn for a point.
const LEAST: f64 = 0.01;

/// Imports the options, and the data in the same script if there are any.
pub(crate) fn import(
    options: &JsLiteral,
    data: Option<&JsLiteral>,
) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::new(Dialect::HeatmapJs);
    let mut options = OptionReader::of(options);
    let radius = options.positive("radius", &mut builder)?.unwrap_or(RADIUS);
    let blur = options.share("blur", &mut builder)?.unwrap_or(BLUR);
    if options.flag("scaleRadius", &mut builder)? == Some(true) {
        builder.doubling_radius("radius", radius)?;
    } else {
        builder.radius("radius", radius)?;
    }
    builder.set("kernel", &format!("plateau:{}", rounded(1.0 - blur)))?;
    colors(&mut options, &mut builder)?;
    if options.flag("useLocalExtrema", &mut builder)? == Some(true) {
        builder.warn("useLocalExtrema: colours don't change with the view here");
    }
    let field = |name, options: &mut OptionReader<'_>, builder: &mut StyleBuilder| {
        options.text(name, builder).map(|t| t.map(str::to_owned))
    };
    let value = field("valueField", &mut options, &mut builder)?;
    let lat = field("latField", &mut options, &mut builder)?;
    let lon = field("lngField", &mut options, &mut builder)?;
    let (x, y) = (
        field("xField", &mut options, &mut builder)?,
        field("yField", &mut options, &mut builder)?,
    );
    let columns = builder.columns();
    columns.weight = value.clone();
    columns.lon = lon.clone().or(x);
    columns.lat = lat.clone().or(y);
    options.ignore(&[
        "container",
        "width",
        "height",
        "onExtremaChange",
        "plugin",
        "renderer",
        "canvas",
    ]);
    if options.get("backgroundColor").is_some() {
        builder.warn("backgroundColor: a map lies behind the heat here");
    }
    options.finish(&mut builder);

    let fields = FieldNames {
        lat: lat.as_deref().unwrap_or("lat"),
        lon: lon.as_deref().unwrap_or("lng"),
        value: value.as_deref().unwrap_or("value"),
    };
    take_data(data, &fields, &mut builder)?;
    Ok(builder.done())
}

/// The names that the configuration gives the fields of each point in the data.
struct FieldNames<'a> {
    lat: &'a str,
    lon: &'a str,
    value: &'a str,
}

/// Imports the colours. heatmap.js draws the points' spots over each other, and colours each pixel
/// by the alpha that results, from 0 to 255. So the ramp's colour at index i is the gradient's
/// colour for alpha i, with the opacity that the options give to this alpha.
fn colors(options: &mut OptionReader<'_>, builder: &mut StyleBuilder) -> Result<(), ImportError> {
    let stops = match options.get("gradient") {
        Some(given) => gradient::stops(given, "gradient", builder)?,
        None => GRADIENT.to_vec(),
    };
    let fixed = options.share("opacity", builder)?.filter(|o| *o > 0.0);
    let most = options.share("maxOpacity", builder)?.unwrap_or(1.0);
    let least = options.share("minOpacity", builder)?.unwrap_or(0.0);
    let own = options.flag("useGradientOpacity", builder)? == Some(true);
    let palette = gradient::canvas(&stops);
    let mut table = [[0; 4]; 256];
    for (alpha, (out, [r, g, b, a])) in table.iter_mut().zip(palette).enumerate().skip(1) {
        // The opacities are numbers from 0 to 255, as in a canvas.
        let byte = |share: f64| share * 255.0;
        let opacity = match fixed {
            _ if own => f64::from(a),
            Some(fixed) => byte(fixed),
            None if (alpha as f64) < byte(most) => (alpha as f64).max(byte(least)),
            None => byte(most),
        };
        *out = [r, g, b, opacity.round() as u8];
    }
    builder.table(&table);
    Ok(())
}

/// Imports the data: `{max, min, data: […]}`, or a plain list of points.
fn take_data(
    data: Option<&JsLiteral>,
    fields: &FieldNames<'_>,
    builder: &mut StyleBuilder,
) -> Result<(), ImportError> {
    let Some(data) = data else {
        builder.warn("there are no data with a max: give it as overlap=cover:0,MAX");
        return builder.cover(CoverOpacity {
            least: LEAST,
            ..CoverOpacity::default()
        });
    };
    let bound = |name: &str| data.get(name).and_then(JsLiteral::as_number);
    let (low, high) = (bound("min").unwrap_or(0.0), bound("max"));
    match high {
        Some(high) if high <= low => {
            return builder.refuse("max", &rounded(high), "expected more than min");
        }
        high => builder.cover(CoverOpacity {
            range: (low, high.unwrap_or(low + 1.0)),
            least: LEAST,
            full_at: None,
        })?,
    }
    let list = data.as_list().or_else(|| data.get("data")?.as_list());
    let point = |point: &JsLiteral| {
        let number = |name: &str| point.get(name).and_then(JsLiteral::as_number);
        let weight = number(fields.value).or_else(|| number("count"));
        Some(ImportedPoint {
            lon: number(fields.lon)?,
            lat: number(fields.lat)?,
            // In heatmap.js a point without a value, or with the value 0, counts as 1.
            weight: weight.filter(|w| *w != 0.0).unwrap_or(1.0),
            radius: number("radius"),
        })
    };
    let list = list.unwrap_or_default();
    let points: Vec<ImportedPoint> = list.iter().filter_map(point).collect();
    if points.len() < list.len() {
        builder.warn(format!(
            "{} of {} points have no {} and {}: pixels of a screen are no places on a map",
            list.len() - points.len(),
            list.len(),
            fields.lat,
            fields.lon
        ));
    }
    if list.iter().any(|p| p.get("radius").is_some()) {
        builder.columns().radius = Some("radius".to_owned());
    }
    builder.points(points);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style;

    #[test]
    fn its_defaults() {
        let made = style("h337.create({container: el})").unwrap();
        assert_eq!(made.dialect, Dialect::HeatmapJs);
        let style = made.style;
        assert_eq!(style.radius().to_string(), "40px");
        // Before the first stop there is one colour, and the alpha is the opacity.
        assert_eq!(style.ramp().color(30), [0, 0, 255, 30]);
        assert_eq!(style.ramp().color(255), [255, 3, 0, 255]);
        assert_eq!(made.warnings.len(), 1, "{:?}", made.warnings);
        assert_eq!(style.blend().to_string(), "cover:0,1,0.01");
        assert_eq!(style.shape().to_string(), "plateau:0.15");
    }

    #[test]
    fn opacities_and_gradients() {
        let table = |text: &str| *style(text).unwrap().style.ramp().colors();
        let fixed = table(
            "{backgroundColor: 'black', radius: 10, opacity: 0.5, gradient: {'.5': 'red', '.95': '#00f'}}",
        );
        assert_eq!((fixed[1], fixed[100][3]), ([255, 0, 0, 128], 128));
        let clamped = table("{maxOpacity: .5, minOpacity: .2, valueField: 'v'}");
        assert_eq!([1, 100, 255].map(|i| clamped[i][3]), [51, 100, 128]);
        let own = table("{useGradientOpacity: true, gradient: {0: 'rgba(0,0,0,0)', 1: 'red'}}");
        assert_eq!(own[128][3], 128);
    }

    #[test]
    fn data_are_taken_along() {
        let made = style(
            "var testData = {max: 8, min: 1, data: [{lat: 24.6, lng: 46.7, count: 3}, {lat: 50, lng: -1.5, count: 1, radius: 9}, {x: 1, y: 2}]}",
        )
        .unwrap();
        assert_eq!(made.dialect, Dialect::HeatmapJs);
        assert_eq!(made.points.len(), 2);
        assert_eq!(made.points[1].radius, Some(9.0));
        assert_eq!((made.points[0].lon, made.points[0].weight), (46.7, 3.0));
        assert!(made.warnings.iter().any(|w| w.contains("1 of 3")));
    }

    #[test]
    fn mistakes() {
        for (text, hint) in [
            ("h337.create({radius: 0})", "above 0"),
            ("h337.create({radius: 'wide'})", "number"),
            ("h337.create({blur: 3})", "0 to 1"),
            ("h337.create({gradient: {}})", "positions and colours"),
            ("h337.create({gradient: {2: 'red'}})", "from 0 to 1"),
            ("h337.create({gradient: {.5: 'nosuch'}})", "CSS colour"),
            ("{max: 1, min: 2, data: []}", "more than min"),
        ] {
            let message = style(text).unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
        let made = style("h337.create({radios: 4})").unwrap();
        assert!(made.warnings[0].contains("radios"));
        // Stops in any order are sorted by position.
        let backwards = style("h337.create({gradient: {1: 'red', .1: 'blue'}})").unwrap();
        assert_eq!(backwards.style.ramp().color(5)[..3], [0, 0, 255]);
    }
}
