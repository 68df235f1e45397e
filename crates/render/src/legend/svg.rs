//! The drawing of a legend as an SVG.

use std::fmt::Write as _;

use super::layout::{LegendTheme, layout};
use super::{Legend, css};
use crate::legend::canvas::TEXT_SIZE;

/// The room that the layout reserves for a text, as a multiple of its width in the program's
/// typeface, since the browser's typeface may have wider letters: a choice. The letters of Verdana
/// are about as wide.
const WIDER: f32 = 1.15;

pub(super) fn draw(legend: &Legend, theme: &LegendTheme) -> String {
    let mut out = String::with_capacity(4096);
    // Writing to a string never fails.
    let _ = write(&mut out, legend, theme);
    out
}

fn write(out: &mut String, legend: &Legend, theme: &LegendTheme) -> std::fmt::Result {
    let layout = layout(legend, theme, WIDER);
    let (width, height) = (layout.width.ceil(), layout.height.ceil());
    let ink = css(theme.ink);
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="system-ui, 'Noto Sans', sans-serif" font-size="{TEXT_SIZE}" fill="{ink}">"#
    )?;
    let id = gradient_id(legend);
    let direction = if theme.vertical {
        r#"x1="0" y1="1" x2="0" y2="0""#
    } else {
        r#"x1="0" x2="1""#
    };
    writeln!(out, r#"<linearGradient id="{id}" {direction}>"#)?;
    for stop in legend.stops() {
        // SVG mixes colours that are not premultiplied by alpha. So index 0, which is transparent
        // black, would darken the colours next to it. It gets the colour of index 1 here.
        let index = (stop.position * 255.0).round() as u8;
        let [r, g, b, _] = legend.ramp.color(index.max(1));
        let opacity = f32::from(legend.ramp.color(index)[3]) / 255.0;
        writeln!(
            out,
            r#"<stop offset="{}" stop-color="{}" stop-opacity="{opacity:.3}"/>"#,
            stop.position,
            css([r, g, b, 255])
        )?;
    }
    out.push_str("</linearGradient>\n");
    let background = css(theme.background);
    writeln!(
        out,
        r#"<rect width="{width}" height="{height}" rx="6" fill="{background}"/>"#
    )?;
    if let Some((x, y, text)) = &layout.heading {
        text_at(out, *x, *y, "start", text)?;
    }
    if layout.boxes.is_empty() {
        rect(out, layout.bar, &format!("url(#{id})"))?;
    }
    for (area, rgba) in &layout.boxes {
        rect(out, *area, &css(*rgba))?;
    }
    for mark in &layout.ticks {
        rect(out, mark.line, &ink)?;
        if let Some((x, y, text)) = &mark.label {
            if theme.vertical || !legend.categories.is_empty() {
                text_at(out, *x, *y, "start", text)?;
            } else {
                // The browser's font has letters of another width than the layout expects. So the
                // label is centred on the middle of the place that the layout has for it.
                let half = WIDER * theme.typeface.width(text, TEXT_SIZE) / 2.0;
                text_at(out, *x + half, *y, "middle", text)?;
            }
        }
    }
    out.push_str("</svg>\n");
    Ok(())
}

fn rect(out: &mut String, [x, y, w, h]: [f32; 4], fill: &str) -> std::fmt::Result {
    writeln!(
        out,
        r#"<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{fill}"/>"#
    )
}

/// Writes a line of text whose top is at `y` and whose baseline is 12 CSS pixels lower. With the
/// anchor `start` the line begins at `x`; with `middle` its middle is at `x`.
fn text_at(out: &mut String, x: f32, y: f32, anchor: &str, text: &str) -> std::fmt::Result {
    let baseline = y + 12.0;
    write!(
        out,
        r#"<text x="{x}" y="{baseline}" text-anchor="{anchor}">"#
    )?;
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // These characters are not allowed anywhere in XML.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out.push_str("</text>\n");
    Ok(())
}

/// The id of a legend's gradient: a hash of the ramp's colours (FNV-1a). A page may contain several
/// legends, whose gradients must not be mixed up. So legends with different ramps have different
/// ids, and legends with equal ramps have equal ids.
fn gradient_id(legend: &Legend) -> String {
    let bytes = legend.ramp.colors().iter().flatten();
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("ramp-{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::super::tests::normalizer;
    use super::*;
    use crate::ramp::Ramp;
    use crate::scale::domain::Domain;
    use crate::scale::transform::Transform;

    #[test]
    fn a_drawing_has_every_tick_and_no_way_out_of_its_text() {
        let normalizer = normalizer(Domain::Fixed(0.0, 40.0), Transform::Linear);
        let legend = Legend::new(&normalizer, &Ramp::parse("inferno").unwrap())
            .titled("<b onload=\"x\">\u{0}&");
        for vertical in [false, true] {
            let svg = legend.to_svg(&LegendTheme {
                vertical,
                ..LegendTheme::default()
            });
            assert!(!svg.contains("<b") && !svg.contains('\u{0}'));
            assert!(svg.contains("&lt;b onload=\"x\"&gt; &amp;"));
            for tick in legend.ticks() {
                assert!(
                    svg.contains(&format!(">{}</text>", tick.label)),
                    "{}",
                    tick.label
                );
            }
            assert_eq!(
                svg,
                legend.to_svg(&LegendTheme {
                    vertical,
                    ..LegendTheme::default()
                })
            );
        }
    }
}
