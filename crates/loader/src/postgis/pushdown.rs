//! Aggregation in the database. A picture is divided into a grid of small cells. If an area has
//! many more rows than cells, the database sums the rows of each cell and sends one row for each
//! cell.

use super::area::Area;
use super::coordinates::CoordinateUnit;
use super::live::{RawField, explain};
use super::relation::{ALIAS, PlaceColumns, ResolvedLayer};
use super::template::{Statement, Token, TokenValues};
use super::viewport::Viewport;
use crate::error::DatabaseError;
use tokio_postgres::Client;

/// The number of rows per cell above which rows are aggregated in the database. It follows from a
/// measurement with PostgreSQL 15 in one process on one machine. For a million rows, aggregation
/// took the database half a second. Without it, sending the rows took a third of a second, and
/// indexing them here a sixth: half a second too. With more than 8 rows per cell, aggregation saves
/// memory. It also saves time, unless the network is faster than in this measurement.
const ROWS_PER_CELL: f64 = 8.0;

/// Returns true if the database can sum a layer's rows by grid cells. The rows must be single
/// points in degrees or Web-Mercator metres, and the layer's query must not sum rows itself.
pub(super) fn can(definition: &ResolvedLayer) -> bool {
    matches!(
        definition.place,
        PlaceColumns::Geometry { points: true, .. }
    ) && definition.own_unit().is_some()
        && !definition.is_mixed()
        && definition.count.is_none()
        && !definition.from.has_cell()
}

/// Returns true if the planner should estimate the number of rows in the picture, to decide on
/// aggregation by grid cells; false if even all rows of the table are too few for it. `views` are
/// the parts of the picture, and `cell` is the width of a grid cell in pixels.
pub(super) fn may_pay(definition: &ResolvedLayer, views: &[Viewport], cell: f64) -> bool {
    match &definition.table {
        Some(table) => table.rows < 0.0 || pays(table.rows, views, cell),
        None => true,
    }
}

/// Returns true if there are more than [`ROWS_PER_CELL`] rows for each grid cell of a picture.
/// `rows` is the number of rows in all of `views`, the parts of the picture, and `cell` is the
/// width of a grid cell in pixels.
pub(super) fn pays(rows: f64, views: &[Viewport], cell: f64) -> bool {
    let cells: f64 = views.iter().map(|view| view.cells(cell)).sum();
    rows > ROWS_PER_CELL * cells
}

/// Returns the planner's estimate of the number of rows in an area; 0 if it can't be read.
pub(super) async fn estimate(
    client: &Client,
    definition: &ResolvedLayer,
    values: TokenValues,
    area: &Area,
) -> Result<f64, DatabaseError> {
    let statement = explain(definition, values, area);
    let row = client
        .query_typed_one(&statement.text, &statement.parameters())
        .await?;
    let plan: Option<RawField<'_>> = row.try_get(0)?;
    let plan = plan.and_then(|raw| serde_json::from_slice::<serde_json::Value>(raw.0).ok());
    let rows = plan.and_then(|plan| plan.pointer("/0/Plan/Plan Rows")?.as_f64());
    Ok(rows.unwrap_or(0.0))
}

/// The statement that sums the rows of an area by grid cell. Each row of the result is one cell.
/// Its columns are x and y of the cell's weighted mean position, its summed weight, and its number
/// of rows.
///
/// The grid of cells is aligned to the map's pixels, so y in degrees is converted to Mercator. The
/// mean position is weighted by the absolute values of the weights, like the cells of the index
/// that this program builds.
pub(super) fn statement(definition: &ResolvedLayer, values: TokenValues, area: &Area) -> Statement {
    let unit = definition.unit();
    let weighted = definition.weight_column();
    let (x, y) = match &weighted {
        None => ("avg(x)".to_owned(), "avg(y)".to_owned()),
        Some(_) => {
            let mean = |v: &str| {
                format!(
                    "CASE WHEN sum(abs(w)) > 0 THEN sum(abs(w) * {v}) / sum(abs(w)) \
                     ELSE avg({v}) END"
                )
            };
            (mean("x"), mean("y"))
        }
    };
    // A row without a weight adds nothing to the cell's sum and count.
    let (sum, count) = if weighted.is_some() {
        ("sum(w)", "count(w)::float8")
    } else {
        ("count(*)::float8", "count(*)::float8")
    };
    let geometry = definition.stored_geometry().unwrap_or_default();
    let weight = weighted.map_or(String::new(), |w| format!(", {w} AS w"));
    let mut statement = definition.statement(values);
    statement.push(&format!(
        "SELECT {x}, {y}, {sum}, {count} FROM (SELECT ST_X({geometry}) AS x, \
         ST_Y({geometry}) AS y{weight}"
    ));
    definition.push_from(&mut statement, area);
    statement.push(&format!(") AS {ALIAS}"));
    if !weight.is_empty() {
        // A row whose weight is not a finite `f32` is left out, as it is for every other source.
        statement.push(" WHERE (w IS NULL OR abs(w) <= 3.4e38)");
    }
    statement.push(" GROUP BY floor(x / ");
    statement.push_token(Token::Cell);
    statement.push("), floor(");
    statement.push(match unit {
        CoordinateUnit::Metres => "y",
        // The Mercator y is scaled so that one unit at the equator is a degree of longitude. So
        // cells are as high as they are wide.
        CoordinateUnit::Degrees => {
            "degrees(ln(tan(radians(least(greatest(y, -85.06), 85.06)) / 2 + pi() / 4)))"
        }
    });
    statement.push(" / ");
    statement.push_token(Token::Cell);
    statement.push(")");
    statement
}
