//! The builder of an imported style.

use crate::{ColumnNames, Dialect, ImportError, ImportedPoint, ImportedStyle, shorten};
use heatsplat_render::Kernel;
use heatsplat_render::Ramp;
use heatsplat_render::Style;
use heatsplat_render::{BlendMode, CoverOpacity};

/// The builder of an [`ImportedStyle`]. The importers of all dialects use it.
pub(crate) struct StyleBuilder {
    imported: ImportedStyle,
}

impl StyleBuilder {
    /// Makes a builder that begins with heatsplat's default style, but with a linear scale, as all
    /// other heat maps have it by default.
    pub(crate) fn new(dialect: Dialect) -> Self {
        let mut builder = Self::ours(dialect);
        // This sets the scale explicitly. A scale that is not set may be replaced by one that suits
        // the values of a layer better.
        let set = builder.set("scale", "linear");
        debug_assert!(set.is_ok());
        builder
    }

    /// Makes a builder that begins with heatsplat's default style, unchanged.
    pub(crate) fn ours(dialect: Dialect) -> Self {
        Self {
            imported: ImportedStyle {
                dialect,
                style: Style::default(),
                warnings: Vec::new(),
                columns: ColumnNames::default(),
                datasource: Vec::new(),
                points: Vec::new(),
                marker: None,
            },
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.imported.dialect
    }

    /// Sets a parameter of the style. The value is text, as in heatsplat's own styles, like `12px`
    /// for `radius`.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), ImportError> {
        let dialect = self.dialect();
        let set = self.imported.style.set(name, value);
        set.map_err(|error| ImportError::Style { dialect, error })
    }

    /// Sets several parameters of the style, in any order. Each is a name and a value, both as text
    /// as in heatsplat's own styles.
    pub(crate) fn set_all(&mut self, parameters: &[(String, String)]) -> Result<(), ImportError> {
        let dialect = self.dialect();
        let pairs = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let set = self.imported.style.set_all(pairs);
        set.map_err(|error| ImportError::Style { dialect, error })
    }

    /// Adds a warning about a property that is imported only approximately or not at all.
    pub(crate) fn warn(&mut self, message: impl Into<String>) {
        self.imported.warnings.push(message.into());
    }

    /// Returns an error: the property `name` of the configuration has the illegal value `value`.
    /// `expected` describes the legal values, like `expected 0 to 1`.
    pub(crate) fn refuse<T>(
        &self,
        name: &str,
        value: &str,
        expected: &str,
    ) -> Result<T, ImportError> {
        Err(ImportError::Value {
            dialect: self.dialect(),
            name: name.to_owned(),
            value: shorten(value),
            expected: expected.to_owned(),
        })
    }

    /// Sets the radius of the kernel in CSS pixels. A radius beyond the limits of kernels is
    /// replaced by the nearest limit, with a warning. `name` is the configuration's name of this
    /// property, for errors.
    pub(crate) fn radius(&mut self, name: &str, pixels: f64) -> Result<(), ImportError> {
        if !(pixels > 0.0 && pixels.is_finite()) {
            return self.refuse(name, &pixels.to_string(), "expected pixels above 0");
        }
        let near = self.near_radius(pixels);
        self.set("radius", &format!("{}px", rounded(near)))
    }

    /// Sets a radius that changes with the zoom. Each pair of `table` is a zoom, counted in tiles
    /// of 256 px, and the radius at this zoom in CSS pixels. The zooms must rise from pair to pair.
    /// `name` is the configuration's name of this property, for errors.
    pub(crate) fn radii(&mut self, name: &str, table: &[(f64, f64)]) -> Result<(), ImportError> {
        if let Some((_, pixels)) = table.iter().find(|(_, r)| !(*r > 0.0 && r.is_finite())) {
            return self.refuse(name, &pixels.to_string(), "expected pixels above 0");
        }
        let mut text = String::new();
        for (zoom, pixels) in table {
            let near = self.near_radius(*pixels);
            let comma = if text.is_empty() { "" } else { "," };
            text.push_str(&format!("{comma}{}:{}px", rounded(*zoom), rounded(near)));
        }
        self.set("radius", &text)
    }

    /// Sets a radius that doubles with each zoom, so that it always covers the same part of the
    /// world. `pixels` is the radius at zoom 0 in CSS pixels. `name` is the configuration's name of
    /// this property, for errors.
    pub(crate) fn doubling_radius(&mut self, name: &str, pixels: f64) -> Result<(), ImportError> {
        let table: Vec<(f64, f64)> = (0..=20)
            .map(|zoom| (f64::from(zoom), pixels * f64::from(zoom).exp2()))
            .take_while(|(zoom, radius)| *zoom == 0.0 || *radius < 256.0)
            .collect();
        self.radii(name, &table)
    }

    fn near_radius(&mut self, pixels: f64) -> f64 {
        let near = pixels.clamp(Kernel::MIN_RADIUS, Kernel::MAX_RADIUS / 2.0);
        if near != pixels {
            let said = format!("a radius of {} pixels becomes {near}", rounded(pixels));
            if !self.imported.warnings.contains(&said) {
                self.warn(said);
            }
        }
        near
    }

    /// Sets the domain of the scale, the range of densities that the ramp's colours stand for: from
    /// 0 to `high`.
    pub(crate) fn domain_to(&mut self, high: f64) -> Result<(), ImportError> {
        if !(high > 0.0 && high < 1e30) {
            return self.refuse("domain", &high.to_string(), "expected a number above 0");
        }
        self.set("domain", &format!("0,{}", rounded(high)))
    }

    /// Sets a domain that begins at 0 and whose upper end changes with the zoom. Each pair of
    /// `table` is a zoom, counted in tiles of 256 px, and the density at the upper end at this
    /// zoom. The zooms must rise from pair to pair.
    pub(crate) fn domains_to(&mut self, table: &[(f64, f64)]) -> Result<(), ImportError> {
        let stop = |(zoom, high): &(f64, f64)| format!("{}:0,{}", rounded(*zoom), rounded(*high));
        let text: Vec<String> = table.iter().map(stop).collect();
        self.set("domain", &text.join(";"))
    }

    /// Sets the ramp to a table of colours, red, green, blue and alpha from 0 to 255 each. The
    /// first one is for pixels without heat and becomes transparent; if it is visible in `table`, a
    /// warning is added.
    pub(crate) fn table(&mut self, table: &[[u8; 4]; 256]) {
        if table.first().is_some_and(|nothing| nothing[3] > 0) {
            self.warn("where nothing is stays transparent");
        }
        let style = self.imported.style.clone();
        self.imported.style = style.with_ramp(&Ramp::from_table(table));
    }

    /// Sets the opacity, 0 to 1, by which the opacity of each colour of the ramp is multiplied.
    /// `name` is the configuration's name of this property, for errors.
    pub(crate) fn opacity(&mut self, name: &str, opacity: f64) -> Result<(), ImportError> {
        if !(0.0..=1.0).contains(&opacity) {
            return self.refuse(name, &opacity.to_string(), "expected 0 to 1");
        }
        if opacity < 1.0 {
            self.set("opacity", &rounded(opacity))?;
        }
        Ok(())
    }

    /// Sets the blend mode, the rule for splats that overlap.
    pub(crate) fn overlap(&mut self, overlap: &BlendMode) -> Result<(), ImportError> {
        self.set("overlap", &overlap.to_string())
    }

    /// Sets the blend mode in which splats cover each other, and the domain 0 to 1, so that the
    /// colours show the covered fraction of a pixel.
    pub(crate) fn cover(&mut self, cover: CoverOpacity) -> Result<(), ImportError> {
        self.overlap(&BlendMode::Cover(cover))?;
        self.set("domain", "0,1")
    }

    /// Sets the name of the image file whose picture is to be drawn at each point.
    pub(crate) fn marker(&mut self, file: String) {
        self.imported.marker = Some(file);
    }

    pub(crate) fn columns(&mut self) -> &mut ColumnNames {
        &mut self.imported.columns
    }

    pub(crate) fn datasource(&mut self, parameters: Vec<(String, String)>) {
        self.imported.datasource = parameters;
    }

    pub(crate) fn points(&mut self, points: Vec<ImportedPoint>) {
        self.imported.points.extend(points);
    }

    pub(crate) fn done(self) -> ImportedStyle {
        self.imported
    }
}

/// A number as text, rounded to seven significant digits; trailing zeros are left out.
pub(crate) fn rounded(number: f64) -> String {
    let digits = 6 - (number.abs().log10().floor() as i32).clamp(-20, 6);
    let power = 10f64.powi(digits);
    let near = (number * power).round() / power;
    if near.is_finite() { near } else { number }.to_string()
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (1.0 / 3.0, "0.3333333"),
            (0.39894228, "0.3989423"),
            (25.0, "25"),
            (1e9, "1000000000"),
            (0.0, "0"),
        ] {
            assert_eq!(rounded(number), text);
        }
    }
}
