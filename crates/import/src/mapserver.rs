//! MapServer: a layer with `CONNECTIONTYPE KERNELDENSITY` in a mapfile.

use crate::builder::StyleBuilder;
use crate::gradient;
use crate::{Dialect, ImportError, ImportedStyle};

const RADIUS: f64 = 10.0;

/// Splits a mapfile into words. A text in quotes is one word. Comments are left out.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for line in text.lines() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            if first == '#' {
                break;
            }
            let (word, after) = match first {
                quote @ ('"' | '\'') => {
                    let inner = rest.get(1..).unwrap_or_default();
                    inner.split_once(quote).unwrap_or((inner, ""))
                }
                _ => {
                    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                    rest.split_at(end)
                }
            };
            words.push(word);
            rest = after.trim_start();
        }
    }
    words
}

/// A band of colours, from a STYLE block: the first and the last colour, and the range of values
/// that they stand for. The values are MapServer's, from 0 to 255.
#[derive(Default)]
struct ColorBand {
    colors: Option<([f64; 4], [f64; 4])>,
    range: Option<(f64, f64)>,
}

pub(crate) fn import(text: &str) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::new(Dialect::MapServer);
    let words = words(text);
    let mut radius = RADIUS;
    let mut normalization = None;
    let mut bands: Vec<ColorBand> = Vec::new();
    let mut place = 0;
    while let Some(word) = words.get(place) {
        let next = |n: usize| words.get(place + n).copied().unwrap_or_default();
        match word.to_uppercase().as_str() {
            "PROCESSING" => {
                let (name, value) = next(1).split_once('=').unwrap_or((next(1), ""));
                let value = value.trim();
                match name.trim().to_uppercase().as_str() {
                    "KERNELDENSITY_RADIUS" => {
                        radius = match value.parse::<f64>() {
                            Ok(n) if n > 0.0 => n,
                            _ => return builder.refuse(name, value, "expected pixels above 0"),
                        };
                    }
                    "KERNELDENSITY_NORMALIZATION" => {
                        normalization = match value.parse::<f64>() {
                            Ok(n) if n > 0.0 => Some(n),
                            Err(_) if value.eq_ignore_ascii_case("auto") => None,
                            _ => {
                                return builder.refuse(
                                    name,
                                    value,
                                    "expected AUTO or a number above 0",
                                );
                            }
                        };
                    }
                    // In heatsplat the pixels at the borders of tiles are always correct.
                    "KERNELDENSITY_COMPUTE_BORDERS" => {}
                    name if name.starts_with("KERNELDENSITY_") => {
                        builder.warn(format!("{name} is no key of MapServer's: left out"));
                    }
                    _ => {}
                }
                place += 1;
            }
            // In the layer of the points, SIZE names the column of weights.
            "SIZE" => {
                let column = next(1).strip_prefix('[').and_then(|c| c.strip_suffix(']'));
                if let Some(column) = column {
                    builder.columns().weight = Some(column.to_owned());
                    place += 1;
                }
            }
            "STYLE" => bands.push(ColorBand::default()),
            "COLORRANGE" => {
                let (first, last, used) = two_colors(&words, place + 1, &builder)?;
                if let Some(band) = bands.last_mut() {
                    band.colors = Some((first, last));
                }
                place += used;
            }
            "DATARANGE" => {
                let range = next(1).parse::<f64>().ok().zip(next(2).parse::<f64>().ok());
                let Some(range) = range.filter(|(low, high)| low < high) else {
                    return builder.refuse(
                        "DATARANGE",
                        &format!("{} {}", next(1), next(2)),
                        "expected two numbers, the lower first",
                    );
                };
                if let Some(band) = bands.last_mut() {
                    band.range = Some(range);
                }
                place += 2;
            }
            "OPACITY" if bands.is_empty() => {
                if let Ok(percent) = next(1).parse::<f64>() {
                    builder.opacity("OPACITY", percent / 100.0)?;
                    place += 1;
                }
            }
            _ => {}
        }
        place += 1;
    }
    builder.radius("KERNELDENSITY_RADIUS", radius)?;
    match normalization {
        None => builder.set("domain", "p100")?,
        Some(times) => {
            // The kernels of MapServer have unit mass. A sum times the normalization is a fraction
            // of the greatest byte, 255. So 1 / normalization is the upper end of the domain.
            builder.set("normalize", "mass")?;
            builder.domain_to(times.recip())?;
        }
    }
    bands.retain(|b| b.colors.is_some());
    if bands.is_empty() {
        builder.warn("there is no STYLE with a COLORRANGE: the default ramp is taken");
        return Ok(builder.done());
    }
    builder.table(&std::array::from_fn(|i| color(&bands, i as f64)));
    Ok(builder.done())
}

/// Reads two colours, which follow each other in the mapfile's `words`. The first one begins at the
/// index `at`. Each is a word `#rrggbbaa`, or three words with a number each. Returns both colours
/// and the number of words that were read.
fn two_colors(
    words: &[&str],
    at: usize,
    builder: &StyleBuilder,
) -> Result<([f64; 4], [f64; 4], usize), ImportError> {
    let word = |n: usize| words.get(at + n).copied().unwrap_or_default();
    if word(0).starts_with('#') {
        let color = |n| gradient::css(word(n), "COLORRANGE", builder);
        return Ok((color(0)?, color(1)?, 2));
    }
    let numbers: Vec<f64> = (0..6).map_while(|n| word(n).parse().ok()).collect();
    match numbers.as_slice() {
        &[a, b, c, d, e, f] => {
            let color = |channels: [f64; 3]| {
                let [r, g, b] = channels.map(|c| c.clamp(0.0, 255.0) / 255.0);
                [r, g, b, 1.0]
            };
            Ok((color([a, b, c]), color([d, e, f]), 6))
        }
        _ => builder.refuse(
            "COLORRANGE",
            word(0),
            "expected two colours, \"#0000ff\" or 0 0 255 each",
        ),
    }
}

fn color(bands: &[ColorBand], value: f64) -> [u8; 4] {
    let holds = |band: &&ColorBand| {
        band.range
            .is_none_or(|(low, high)| (low..=high).contains(&value))
    };
    let Some(band) = bands.iter().find(holds).filter(|_| value > 0.0) else {
        return [0; 4];
    };
    let (low, high) = band.range.unwrap_or((0.0, 255.0));
    let Some((first, last)) = band.colors else {
        return [0; 4];
    };
    gradient::bytes(gradient::at(&[(low, first), (high, last)], value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style;

    const MAP: &str = r##"LAYER
      NAME "heatmap"
      TYPE raster
      CONNECTIONTYPE kerneldensity
      CONNECTION "points"   # the layer of points
      STATUS on
      PROCESSING "RANGE_COLORSPACE=HSL"
      PROCESSING "KERNELDENSITY_RADIUS=20"
      PROCESSING "KERNELDENSITY_COMPUTE_BORDERS=ON"
      PROCESSING "KERNELDENSITY_NORMALIZATION=AUTO"
      OFFSITE 0 0 0
      CLASS
        STYLE
          COLORRANGE  "#0000ff00"  "#0000ffff"
          DATARANGE 0 32
        END
        STYLE
          COLORRANGE 0 0 255 255 0 0
          DATARANGE 32 255
        END
      END
    END"##;

    #[test]
    fn the_mapfile_of_its_manual() {
        let made = style(MAP).unwrap();
        assert_eq!(made.dialect, Dialect::MapServer);
        assert_eq!(made.style.radius().to_string(), "20px");
        assert_eq!(made.style.scale().domain.to_string(), "p100");
        let at = |i| made.style.ramp().color(i);
        assert_eq!(
            [at(0), at(16), at(255)],
            [[0; 4], [0, 0, 255, 128], [255, 0, 0, 255]]
        );
    }

    #[test]
    fn a_number_for_normalization() {
        let made = style(&MAP.replace("=AUTO", "=510")).unwrap();
        assert_eq!(made.style.scale().domain.to_string(), "0,0.001960784");
        assert!(made.style.to_string().contains("normalize=mass"));
    }

    #[test]
    fn weights_are_the_sizes_of_points() {
        let points = "LAYER NAME \"points\" TYPE point CLASS STYLE SIZE [deaths] END END END";
        let made = style(&format!("MAP SIZE 512 512 {MAP} {points} END")).unwrap();
        assert_eq!(made.columns.weight.as_deref(), Some("deaths"));
        assert_eq!(style(MAP).unwrap().columns.weight, None);
        let made = style(&MAP.replace("KERNELDENSITY_COMPUTE", "KERNELDENSITY_GUESS")).unwrap();
        assert!(
            made.warnings
                .iter()
                .any(|w| w.contains("KERNELDENSITY_GUESS"))
        );
    }

    #[test]
    fn mistakes() {
        for (text, hint) in [
            (MAP.replace("=20", "=0"), "above 0"),
            (MAP.replace("=AUTO", "=-1"), "AUTO"),
            (MAP.replace("0 32", "32 0"), "lower first"),
            (MAP.replace("#0000ff00", "#blue"), "CSS colour"),
            (MAP.replace("0 0 255 255 0 0", "0 0"), "two colours"),
        ] {
            let message = style(&text).unwrap_err().to_string();
            assert!(message.contains(hint), "{message}");
        }
    }
}
