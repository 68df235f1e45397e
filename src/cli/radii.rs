//! Radii of points' own, from a column that was read with them.

use heatsplat::render::Radius;
use heatsplat_loader::Column;

/// Values that are shown of those that are no radius.
const SHOWN: usize = 3;

/// A radius for each point, 0 where it has none of its own, and what became of the values, to be
/// added to what is said of columns.
pub(super) fn of(column: &Column) -> (Vec<f32>, String) {
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
            // nothing, and what stands for nothing
            (Some(0.0), _) | (None, None) => 0.0,
            (None, Some(text)) if text.trim().is_empty() => 0.0,
            (_, text) => {
                bad += 1;
                if examples.len() < SHOWN {
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
