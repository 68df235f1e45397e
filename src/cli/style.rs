//! `heatsplat style`: converts the configuration of another heat map to a style, and prints it.

use super::error::BoxError;
use super::output;
use super::style_flags::{read, say_warnings};
use clap::Args;
use heatsplat::import::{ImportedPoint, ImportedStyle};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  heatsplat style 'colorize-alpha(blue, cyan, green, yellow, orange, red)' --table
  heatsplat style map.xml                          Mapnik: filters, markers and datasource
  heatsplat style 'L.heatLayer(points, {radius: 25, blur: 15, maxZoom: 17})'
  heatsplat style page.js --points points.csv      the points it holds too
  heatsplat style '{\"heatmap-radius\": 20, \"heatmap-intensity\": 2}'
  heatsplat serve cities.csv --style heat.qml --ramp ice

It reads heatsplat's own styles (radius=12px&ramp=viridis) and those of Mapnik, mapnik-rasterizers,
heatmap.js, Leaflet.heat, simpleheat, HeatCanvas, MapLibre, Mapbox, deck.gl, kepler.gl, QGIS,
GeoServer, MapServer and Google's HeatmapLayer, and finds out itself which it is. What can't be
carried over is said on standard error.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StyleCommand {
    /// The configuration of a heat map as text, or the file that holds it
    #[arg(value_name = "FILE|STRING")]
    configuration: String,
    /// Print the 256 entries of the ramp, a line each: index, red, green, blue, alpha
    #[arg(long)]
    table: bool,
    /// Write the points that the configuration holds into a CSV file; `-` is standard output
    #[arg(long, value_name = "FILE")]
    points: Option<PathBuf>,
}

impl StyleCommand {
    pub(super) fn run(self) -> Result<(), BoxError> {
        let imported = read(&self.configuration)?;
        say_warnings(&imported);
        if let Some(file) = &self.points {
            let text = csv(&imported.points);
            output::write(file, |file| file.write_all(text.as_bytes()))?;
        }
        let text = if self.table {
            table(&imported)
        } else {
            lines(&imported)
        };
        Ok(io::stdout().lock().write_all(text.as_bytes())?)
    }
}

/// The style as a text that `--style` reads: each parameter in a line of its own, like
/// `radius=12px`. What isn't part of the style, like the names of columns, comes before in lines
/// that begin with `#`.
fn lines(imported: &ImportedStyle) -> String {
    let mut text = format!("# from {}\n", imported.dialect);
    let columns = &imported.columns;
    for (flag, column) in [
        ("lon", &columns.lon),
        ("lat", &columns.lat),
        ("weight", &columns.weight),
        ("radius-column", &columns.radius),
    ] {
        if let Some(column) = column {
            let _ = writeln!(text, "# --{flag} {column}");
        }
    }
    for (name, value) in &imported.datasource {
        // A password must not be printed.
        if name != "password" {
            let _ = writeln!(text, "# datasource {name}={value}");
        }
    }
    for (name, value) in imported.style.parameters() {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

fn table(imported: &ImportedStyle) -> String {
    let mut text = String::new();
    for (index, [r, g, b, a]) in imported.style.ramp().colors().iter().enumerate() {
        let _ = writeln!(text, "{index} {r} {g} {b} {a}");
    }
    text
}

fn csv(points: &[ImportedPoint]) -> String {
    let own_radius = points.iter().any(|p| p.radius.is_some());
    let mut text = String::from("lon,lat,weight");
    text.push_str(if own_radius { ",radius\n" } else { "\n" });
    for point in points {
        let _ = write!(text, "{},{},{}", point.lon, point.lat, point.weight);
        if own_radius {
            text.push(',');
            if let Some(radius) = point.radius {
                let _ = write!(text, "{radius}");
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat::import;

    #[test]
    fn what_is_printed_is_read_again() {
        for configuration in [
            "colorize-alpha(blue 20%, red)",
            "h337.create({radius: 12})",
            "{\"heatmap-radius\": [\"interpolate\", [\"linear\"], [\"zoom\"], 0, 2, 9, 20]}",
        ] {
            let imported = import::style(configuration).unwrap();
            let again = import::style(&lines(&imported)).unwrap();
            assert_eq!(again.style.to_string(), imported.style.to_string());
            assert_eq!(again.style.ramp().colors(), imported.style.ramp().colors());
        }
    }

    #[test]
    fn a_table_has_256_lines_of_five_numbers() {
        let imported = import::style("colorize-alpha(blue,cyan,green,yellow,orange,red)").unwrap();
        let text = table(&imported);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 256);
        assert_eq!(
            [lines[0], lines[1], lines[255]],
            ["0 0 0 0 0", "1 0 4 255 1", "255 255 6 0 255"]
        );
    }

    #[test]
    fn points_become_csv() {
        let imported = import::style("L.heatLayer([[50.5, 30.5, 0.2], [1, 2]])").unwrap();
        assert_eq!(
            csv(&imported.points),
            "lon,lat,weight\n30.5,50.5,0.2\n2,1,1\n"
        );
    }
}
