//! Discovery of tables: lists all tables and views of points that the database role may read.

use super::connect::{Address, Purpose, runtime};
use super::relation::{LayerQuery, Relation};
use super::template::quoted;
use crate::error::DatabaseError;
use crate::shape::ShapeRules;

/// A table or view of points that can become a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PointTable {
    /// The name with its schema, like `public.trees`.
    pub name: String,
    /// The layer query that reads the table.
    pub query: LayerQuery,
}

/// Lists the tables and views of points that the role may read, sorted by name. Their queries name
/// no column of weights, since it is found by its name when the table is read. Blocks the thread.
///
/// # Errors
/// The database doesn't answer, refuses the query, or has no PostGIS.
pub fn point_tables(address: &Address) -> Result<Vec<PointTable>, DatabaseError> {
    runtime()?.block_on(async {
        let client = address.connect(Purpose::Load).await?;
        // Where the role may not use a table's schema, looking up the table is an error. So the
        // right to the schema is checked first. Both are looked up as numbers: a table or a schema
        // that another session drops meanwhile gives null, and by its name an error.
        let sql = "SELECT DISTINCT ON (f_table_schema, f_table_name) \
                   f_table_schema::text, f_table_name::text, f_geometry_column::text \
                   FROM geometry_columns \
                   WHERE type IN ('POINT', 'MULTIPOINT', 'POINTM', 'MULTIPOINTM') \
                   AND f_table_schema NOT IN ('tiger', 'topology') \
                   AND CASE WHEN has_schema_privilege( \
                   to_regnamespace(quote_ident(f_table_schema))::oid, 'USAGE') \
                   THEN has_table_privilege( \
                   to_regclass(format('%I.%I', f_table_schema, f_table_name))::oid, 'SELECT') END \
                   ORDER BY f_table_schema, f_table_name, f_geometry_column";
        let rows = client.query_typed(sql, &[]).await?;
        let one = |row: &tokio_postgres::Row| {
            let [schema, table, column]: [String; 3] = [row.get(0), row.get(1), row.get(2)];
            PointTable {
                name: format!("{schema}.{table}"),
                query: LayerQuery {
                    from: Relation::Table(format!("{}.{}", quoted(&schema), quoted(&table))),
                    geom: Some(column),
                    weight: None,
                    srid: None,
                    keep: None,
                    shapes: ShapeRules::default(),
                },
            }
        };
        Ok(rows.iter().map(one).collect())
    })
}
