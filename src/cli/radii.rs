//! The radii of single points, from a column of the source.

use heatsplat::render::Radius;
use heatsplat_loader::Column;

/// The largest number of examples in the message about values that are no radius.
const EXAMPLES: usize = 3;

/// Converts the values of a column to radii: one in pixels for each point. The radius 0 stands for
/// a value that is empty or can't be used; such a point is drawn with the radius of the style. The
/// text that is returned too, which is appended to the report on columns, counts the radii and the
/// unusable values.
///
/// # Errors
/// A message if the column has values, but none of them is a radius.
pub(super) fn from_column(column: &Column) -> Result<(Vec<f32>, String), String> {
    let (mut own, mut bad, mut examples) = (0usize, 0usize, Vec::new());
    let radius = |row: usize| {
        let number = column.number(row).or_else(|| {
            let text = column.text(row)?;
            text.trim().parse().ok()
        });
        match (number, column.text(row)) {
            (Some(radius), _) if Radius::pixels(radius).is_some() => {
                own += 1;
                radius as f32
            }
            // The value is empty or 0: the point is drawn with the style's radius.
            (Some(0.0), _) | (None, None) => 0.0,
            (None, Some(text)) if text.trim().is_empty() => 0.0,
            (_, text) => {
                bad += 1;
                if examples.len() < EXAMPLES {
                    examples.extend(text.map(|text| format!("{text:?}")));
                }
                0.0
            }
        }
    };
    let radii = (0..column.len()).map(radius).collect();
    if own == 0 && bad > 0 {
        let (name, examples) = (column.name(), examples.join(", "));
        return Err(format!(
            "--radius-column: column \"{name}\" holds no radii: {examples}"
        ));
    }
    let mut account = format!(", {own} radii from \"{}\"", column.name());
    if bad > 0 {
        let examples = examples.join(", ");
        account.push_str(&format!(
            " ({bad} are none and have the style's: {examples})"
        ));
    }
    Ok((radii, account))
}
