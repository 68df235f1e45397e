//! Export of densities as PostGIS rasters, in one transaction.
//!
//! COPY can't send a `raster` in binary. So the raster's well-known binary is copied as `bytea`
//! into a temporary table and converted there. `ST_FromGDALRaster` would be no alternative: it
//! needs drivers that PostGIS disables by default.

use super::connect::{Address, Purpose, runtime};
use super::template::quoted;
use crate::error::DatabaseError;
use futures_util::{SinkExt as _, pin_mut};
use std::io::Cursor;
use tokio_postgres::Client;

/// A square of densities (the numbers that the pixels of a heat map show) and its position.
#[derive(Clone, Debug, PartialEq)]
pub struct RasterTile {
    /// The tile's zoom, column and row. They become columns of the database table, so that a tile
    /// can be found by its address.
    pub address: [i32; 3],
    /// x and y of the top left corner, in Web-Mercator metres.
    pub corner: [f64; 2],
    /// The width of a pixel in Web-Mercator metres.
    pub pixel: f64,
    /// The number of pixels along each side of the square.
    pub side: u16,
    /// The densities of all pixels, row by row from the north. 0 means that a pixel has no data.
    pub values: Vec<f32>,
}

/// The rasters of all tiles of one zoom.
pub struct RasterZoom<'a> {
    /// The width of this zoom's pixels divided by the width of the deepest zoom's pixels: 1, 2, 4,
    /// ….
    pub factor: u32,
    /// The zoom's tiles. The iterator makes each tile when it is about to be written.
    pub tiles: Box<dyn Iterator<Item = RasterTile> + 'a>,
}

/// Writes the rasters of `zooms` and returns the number of tiles. `zooms` must begin with the
/// deepest zoom, which becomes the database table `table`. Each other zoom becomes an overview of
/// this table, with the name that raster2pgsql would give it, like `o_2_table`. If `overwrite` is
/// true, existing tables of these names are replaced; otherwise they are an error. Blocks the
/// thread until all is written.
///
/// # Errors
/// A [`DatabaseError`]. After an error nothing in the database is changed.
pub fn write(
    address: &Address,
    table: &str,
    overwrite: bool,
    zooms: Vec<RasterZoom<'_>>,
) -> Result<u64, DatabaseError> {
    runtime()?.block_on(async {
        let client = address.connect(Purpose::Export).await?;
        client.batch_execute("BEGIN").await?;
        let (schema, name) = place(&client, table).await?;
        let mut written = 0;
        for zoom in zooms {
            let table = zoom_name(&name, zoom.factor);
            written += write_zoom(&client, &schema, &table, overwrite, zoom.tiles).await?;
            if zoom.factor > 1 {
                let sql = "SELECT AddOverviewConstraints($1::name, $2::name, 'rast'::name, \
                           $1::name, $3::name, 'rast'::name, $4)";
                let factor = i32::try_from(zoom.factor).unwrap_or(i32::MAX);
                client
                    .query(sql, &[&schema, &table, &name, &factor])
                    .await?;
            }
        }
        client.batch_execute("COMMIT").await?;
        Ok(written)
    })
}

/// Checks before anything is drawn that [`write()`] can succeed: that the database accepts the
/// connection, and that the tables may be created. `factors` has the [`RasterZoom::factor`] of each
/// zoom. Changes nothing. Blocks the thread.
///
/// # Errors
/// A [`DatabaseError`].
pub fn check(
    address: &Address,
    table: &str,
    overwrite: bool,
    factors: &[u32],
) -> Result<(), DatabaseError> {
    runtime()?.block_on(async {
        let client = address.connect(Purpose::Export).await?;
        client.batch_execute("BEGIN READ ONLY").await?;
        let (schema, name) = place(&client, table).await?;
        let sql = "SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1";
        let row = client.query_opt(sql, &[&schema]).await?;
        let wrong = match row.map(|row| row.get::<_, bool>(0)) {
            Some(true) => None,
            Some(false) => Some("this role may not create tables in"),
            None => Some("there is no"),
        };
        if let Some(wrong) = wrong {
            let schema = quoted(&schema);
            return Err(DatabaseError::Definition(format!(
                "{wrong} schema {schema}"
            )));
        }
        for &factor in factors.iter().filter(|_| !overwrite) {
            let full = format!("{}.{}", quoted(&schema), quoted(&zoom_name(&name, factor)));
            let sql = "SELECT to_regclass($1) IS NOT NULL";
            if client.query_one(sql, &[&full]).await?.get(0) {
                return Err(exists(&full));
            }
        }
        Ok(())
    })
}

/// The name of the database table for a zoom; `factor` is [`RasterZoom::factor`].
fn zoom_name(name: &str, factor: u32) -> String {
    match factor {
        1 => name.to_owned(),
        factor => format!("o_{factor}_{name}"),
    }
}

fn exists(full: &str) -> DatabaseError {
    DatabaseError::Definition(format!(
        "{full} is there already; choose another table, or say `overwrite`"
    ))
}

/// Splits `table` into a schema and a name. If `table` states no schema, the schema is the
/// session's current one.
async fn place(client: &Client, table: &str) -> Result<(String, String), DatabaseError> {
    if let Some((schema, name)) = table.split_once('.') {
        return Ok((schema.to_owned(), name.to_owned()));
    }
    let row = client
        .query_one("SELECT current_schema()::text", &[])
        .await?;
    let schema: Option<String> = row.get(0);
    let missing = || {
        DatabaseError::Definition("no schema to write to: name the table schema.table".to_owned())
    };
    Ok((schema.ok_or_else(missing)?, table.to_owned()))
}

async fn write_zoom(
    client: &Client,
    schema: &str,
    table: &str,
    overwrite: bool,
    tiles: impl Iterator<Item = RasterTile>,
) -> Result<u64, DatabaseError> {
    let full = format!("{}.{}", quoted(schema), quoted(table));
    if overwrite {
        let drop = format!("DROP TABLE IF EXISTS {full}");
        client.batch_execute(&drop).await?;
    }
    let create = format!(
        "CREATE TEMP TABLE heatsplat_rasters (z int, x int, y int, wkb bytea) ON COMMIT DROP; \
         CREATE TABLE {full} (rid serial PRIMARY KEY, z int, x int, y int, rast raster)"
    );
    client.batch_execute(&create).await.map_err(|error| {
        let there = error.code() == Some(&tokio_postgres::error::SqlState::DUPLICATE_TABLE);
        if there {
            return exists(&full);
        }
        error.into()
    })?;
    let written = copy(client, tiles).await?;
    client
        .batch_execute(&format!(
            "INSERT INTO {full} (z, x, y, rast) \
             SELECT z, x, y, ST_RastFromWKB(wkb) FROM heatsplat_rasters; \
             DROP TABLE heatsplat_rasters; \
             CREATE INDEX ON {full} USING gist (ST_ConvexHull(rast)); \
             CREATE INDEX ON {full} (z, x, y); \
             ANALYZE {full}"
        ))
        .await?;
    if written > 0 {
        let constraints = "SELECT AddRasterConstraints($1::name, $2::name, 'rast'::name)";
        client.query(constraints, &[&schema, &table]).await?;
    }
    Ok(written)
}

/// Streams the tiles into the temporary table and returns the number of tiles. Only one tile at a
/// time is in memory.
async fn copy(
    client: &Client,
    tiles: impl Iterator<Item = RasterTile>,
) -> Result<u64, DatabaseError> {
    let sink = client
        .copy_in("COPY heatsplat_rasters FROM STDIN (FORMAT binary)")
        .await?;
    pin_mut!(sink);
    let mut head = super::copy::SIGNATURE.to_vec();
    head.extend([0; 8]);
    sink.feed(Cursor::new(head)).await?;
    let mut written = 0;
    for tile in tiles {
        sink.send(Cursor::new(row(&tile))).await?;
        written += 1;
    }
    sink.send(Cursor::new((-1i16).to_be_bytes().to_vec()))
        .await?;
    sink.finish().await?;
    Ok(written)
}

fn row(tile: &RasterTile) -> Vec<u8> {
    let raster = well_known_binary(tile);
    let mut bytes = Vec::with_capacity(raster.len() + 40);
    bytes.extend(4i16.to_be_bytes());
    for part in tile.address {
        bytes.extend(4i32.to_be_bytes());
        bytes.extend(part.to_be_bytes());
    }
    bytes.extend((raster.len() as i32).to_be_bytes());
    bytes.extend(raster);
    bytes
}

/// A raster in well-known binary. It has one band of 32-bit floats, in which 0 means no data.
fn well_known_binary(tile: &RasterTile) -> Vec<u8> {
    /// The band's first byte: the pixel type 32BF (10), and the flag that the band has a no-data
    /// value.
    const BAND: u8 = 10 | 0x40;
    let [x, y] = tile.corner;
    let mut bytes = vec![1];
    bytes.extend(0u16.to_le_bytes());
    bytes.extend(1u16.to_le_bytes());
    for number in [tile.pixel, -tile.pixel, x, y, 0.0, 0.0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(3857i32.to_le_bytes());
    bytes.extend(tile.side.to_le_bytes());
    bytes.extend(tile.side.to_le_bytes());
    bytes.push(BAND);
    bytes.extend(0f32.to_le_bytes());
    bytes.extend(tile.values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}
