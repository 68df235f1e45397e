//! Radii of single points, from a column that was read with them.

use heatsplat::render::Radius;
use heatsplat_loader::Column;

/// Number of examples in the account of values that are no radius.
const EXAMPLES: usize = 3;

/// Radii in pixels from a column, 0 for a point without one, and a note on the values that follows
/// the report on columns.
pub(super) fn from_column(column: &Column) -> (Vec<f32>, String) {
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
            // An empty value, or 0 in its place.
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
    let mut account = format!(", {own} radii from \"{}\"", column.name());
    if bad > 0 {
        let examples = examples.join(", ");
        account.push_str(&format!(
            " ({bad} are none and have the style's: {examples})"
        ));
    }
    (radii, account)
}
