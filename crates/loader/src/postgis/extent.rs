//! Estimated extents of tables, from the database's index or statistics. No rows are read.

use super::relation::{PlaceColumns, ResolvedLayer};
use crate::error::DatabaseError;
use heatsplat_points::LonLatBox;
use heatsplat_points::mercator::MAX_LATITUDE;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// The time limit of the query for the extent, in milliseconds. The query reads only the root of an
/// index or the planner's statistics, but it may have to wait for a lock. A choice.
const LIMIT: u32 = 250;

/// The estimated box around a table's rows. `None` for a query or a view, for a table without
/// geometries, and for a table that has neither an index nor statistics.
pub(super) async fn estimated(
    client: &Client,
    definition: &ResolvedLayer,
) -> Result<Option<LonLatBox>, DatabaseError> {
    let (
        Some(table),
        PlaceColumns::Geometry {
            column,
            cast: false,
            ..
        },
    ) = (
        definition.table.as_ref().filter(|table| table.in_pages),
        &definition.place,
    )
    else {
        return Ok(None);
    };
    client
        .batch_execute(&format!("SET LOCAL statement_timeout = {LIMIT}"))
        .await?;
    let mut extent = format!(
        "ST_SetSRID(ST_EstimatedExtent(n.nspname::text, c.relname::text, $2)::geometry, {})",
        definition.srid()
    );
    if definition.srid() != 4326 {
        extent = format!("ST_Transform({extent}, 4326)");
    }
    let sql = format!(
        "SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box) FROM (SELECT {extent} AS box \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid = to_regclass($1)) AS known"
    );
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&table.name, Type::TEXT), (column, Type::TEXT)];
    let Some(row) = client.query_typed_opt(&sql, &parameters).await? else {
        return Ok(None);
    };
    let side = |at: usize| row.try_get::<_, Option<f64>>(at).ok().flatten();
    let sides = [side(0), side(1), side(2), side(3)];
    let [Some(west), Some(south), Some(east), Some(north)] = sides else {
        return Ok(None);
    };
    let lon = |lon: f64| lon.clamp(-180.0, 180.0);
    let lat = |lat: f64| lat.clamp(-MAX_LATITUDE, MAX_LATITUDE);
    Ok(LonLatBox::new(lon(west), lat(south), lon(east), lat(north)).ok())
}
