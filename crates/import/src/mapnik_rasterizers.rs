//! mapnik-rasterizers: the parameters of a datasource of the type `heatmap`.

use crate::builder::StyleBuilder;
use crate::gradient::{self, Stop};
use crate::{Dialect, ImportError, ImportedStyle};

/// The radius of the blur in pixels. It is built into mapnik-rasterizers.
const RADIUS: f64 = 20.0;

/// The colours that are built into mapnik-rasterizers, each with its position from 0 to 1.
const COLORS: [(f64, [u8; 3]); 6] = [
    (0.0, [0, 0, 128]),
    (0.45, [0, 0, 255]),
    (0.55, [0, 255, 255]),
    (0.65, [0, 255, 0]),
    (0.95, [139, 139, 0]),
    (1.0, [255, 0, 0]),
];
/// The opacities that are built into mapnik-rasterizers, each as a position from 0 to 1 and an
/// opacity from 0 to 255.
const ALPHAS: [(f64, f64); 3] = [(0.0, 0.0), (0.1, 150.0), (1.0, 255.0)];

/// Imports the parameters of the datasource, each a name and a value. They are from a line of
/// `name=value`, or from Mapnik's XML.
pub(crate) fn import(parameters: &[(String, String)]) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::new(Dialect::MapnikRasterizers);
    builder.radius("radius", RADIUS)?;
    // In mapnik-rasterizers each picture was scaled so that its greatest value was 1.
    builder.set("domain", "p100")?;
    builder.table(&table());
    let mut source = Vec::new();
    for (name, value) in parameters {
        match (name.as_str(), name.strip_prefix("src_")) {
            ("type", _) => {}
            (_, Some(inner)) => source.push((inner.to_owned(), value.clone())),
            (other, None) => builder.warn(format!(
                "`{}` is not known and left out",
                crate::shorten(other)
            )),
        }
    }
    builder.datasource(source);
    builder.warn(
        "points of one pixel add up here; there the last one replaced the others, as `overlap=set` does",
    );
    Ok(builder.done())
}

fn table() -> [[u8; 4]; 256] {
    let opaque = |[r, g, b]: [u8; 3]| [r, g, b, 255].map(|c| f64::from(c) / 255.0);
    let colors = COLORS.map(|(p, c)| (p, opaque(c)));
    let alphas = ALPHAS.map(|(p, a): (f64, f64)| -> Stop { (p, [a / 255.0; 4]) });
    std::array::from_fn(|i| {
        let value = i as f64 / 255.0;
        let [r, g, b, _] = gradient::at(&colors, value);
        gradient::bytes([r, g, b, gradient::at(&alphas, value)[3]])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style;

    #[test]
    fn a_datasource() {
        let made = style("type=heatmap\nsrc_type=shape\nsrc_file=points.shp\n").unwrap();
        assert_eq!(made.dialect, Dialect::MapnikRasterizers);
        assert_eq!(made.style.radius().to_string(), "20px");
        assert_eq!(made.style.shape().to_string(), "gaussian");
        assert_eq!(
            made.datasource,
            [
                ("type".into(), "shape".into()),
                ("file".into(), "points.shp".into())
            ]
        );
        let at = |i| made.style.ramp().color(i);
        assert_eq!(at(255), [255, 0, 0, 255]);
        assert_eq!((at(1)[2], at(25)[3]), (129, 147));
        let other = style("type=heatmap src_type=shape sigma=4").unwrap();
        assert!(other.warnings[0].contains("sigma"));
    }
}
