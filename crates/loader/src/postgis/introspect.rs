//! Introspection: reads what the database's catalog knows about a table, view or query, and chooses
//! the columns to read from it.

use super::relation::{ALIAS, PlaceColumns, TableInfo};
use super::template::{Statement, Template, TokenValues, quoted};
use crate::columns;
use crate::error::DatabaseError;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Column, Statement as Prepared};

pub(super) async fn find_table(client: &Client, name: &str) -> Result<TableInfo, DatabaseError> {
    let sql = "SELECT format('%I.%I', n.nspname, c.relname), c.relkind IN ('r', 'm'), \
               c.relpages, c.reltuples::float8, has_table_privilege(c.oid, 'SELECT') \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE c.oid = coalesce(to_regclass($1), to_regclass(quote_ident($1)))";
    let row = client.query_typed_opt(sql, &[(&name, Type::TEXT)]).await?;
    let Some(row) = row else {
        let advice = match nearest_table(client, name).await? {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => "names with capitals need double quotes within, schemas a dot".to_owned(),
        };
        return Err(DatabaseError::Definition(format!(
            "there is no table or view {} that this role can see; {advice}",
            crate::messages::shown(name.as_bytes())
        )));
    };
    if !row.get::<_, bool>(4) {
        return Err(DatabaseError::Definition(format!(
            "this role may not read {}; GRANT SELECT on it",
            row.get::<_, &str>(0)
        )));
    }
    Ok(TableInfo {
        name: row.get(0),
        in_pages: row.get(1),
        pages: u32::try_from(row.get::<_, i32>(2)).unwrap_or(0),
        rows: row.get(3),
    })
}

/// The readable table or view whose name is most similar to `name`; `None` if none is similar.
/// Names are similar if they differ only in upper and lower case, or in a few letters: at most a
/// third of them. The result can be put into a query: it is in double quotes where SQL requires it,
/// and has its schema where it is needed.
async fn nearest_table(client: &Client, name: &str) -> Result<Option<String>, DatabaseError> {
    let sql = "SELECT c.relname, n.nspname, pg_table_is_visible(c.oid), \
               format('%I', c.relname), format('%I.%I', n.nspname, c.relname) \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') \
               AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') \
               AND has_schema_privilege(n.oid, 'USAGE') \
               AND has_table_privilege(c.oid, 'SELECT') ORDER BY 2, 1 LIMIT 10000";
    let wanted = name.rsplit('.').next().unwrap_or(name);
    let wanted = wanted.trim_matches('"').to_lowercase();
    let rows = client.query_typed(sql, &[]).await?;
    let distance = |row: &tokio_postgres::Row| {
        strsim::damerau_levenshtein(&row.get::<_, &str>(0).to_lowercase(), &wanted)
    };
    let nearest = rows
        .iter()
        .map(|row| (distance(row), row))
        .min_by_key(|(far, _)| *far);
    let close = wanted.chars().count().div_ceil(3);
    Ok(nearest.filter(|(far, _)| *far <= close).map(|(_, row)| {
        let text = if row.get(2) { 3 } else { 4 };
        row.get(text)
    }))
}

/// Prepares the statement that selects everything from a table, view or query. The prepared
/// statement lists all columns. It is not executed.
pub(super) async fn columns_of(
    client: &Client,
    from: &Template,
) -> Result<Prepared, DatabaseError> {
    let mut statement = Statement::new(TokenValues::WORLD, 4326, "NULL");
    statement.push("SELECT * FROM ");
    let start = statement.text.len();
    statement.push_template(from).push(" AS ").push(ALIAS);
    let types: Vec<Type> = statement.parameters().into_iter().map(|(_, t)| t).collect();
    let prepared = client.prepare_typed(&statement.text, &types).await;
    prepared.map_err(|e| DatabaseError::from(e).counted_from(start + 2))
}

/// Finds the columns that give positions. `seen` are all columns, and `names` their names. `asked`
/// is the name of the geometry column that the caller wants; with `None` the columns are chosen by
/// their types and names. Returns:
///
/// - the columns;
/// - the geometry's type modifier, PostgreSQL's number for the declared type; −1 if positions are
///   two columns of coordinates;
/// - the indices in `seen` of the found columns.
pub(super) fn find_place(
    seen: &[Column],
    names: &[String],
    asked: Option<&str>,
) -> Result<(PlaceColumns, i32, Vec<usize>), DatabaseError> {
    let spatial = |column: &Column| matches!(column.type_().name(), "geometry" | "geography");
    let listed = || {
        let quoted: Vec<String> = names.iter().map(|n| quoted(n)).collect();
        quoted.join(", ")
    };
    let mut found: Vec<usize> = match asked {
        Some(name) => match columns::named(names, name) {
            Some(at) if seen.get(at).is_some_and(spatial) => vec![at],
            Some(_) => {
                return Err(DatabaseError::Definition(format!(
                    "{} is no geometry",
                    quoted(name)
                )));
            }
            None => {
                return Err(DatabaseError::Definition(format!(
                    "there is no column {}; there are: {}",
                    quoted(name),
                    listed()
                )));
            }
        },
        None => (0..seen.len())
            .filter(|&at| seen.get(at).is_some_and(spatial))
            .collect(),
    };
    if let [_, _, ..] = found.as_slice() {
        // If several columns have geometries, the only one with a common name is chosen.
        let common = [
            "geom",
            "geometry",
            "the_geom",
            "geog",
            "way",
            "wkb_geometry",
        ];
        let named = |at: &usize| names.get(*at).is_some_and(|n| common.contains(&n.as_str()));
        let likely: Vec<usize> = found.iter().copied().filter(named).collect();
        match likely.as_slice() {
            [one] => found = vec![*one],
            _ => {
                return Err(DatabaseError::Definition(format!(
                    "there are several columns of geometries; choose one of {} with `geom`",
                    found
                        .iter()
                        .filter_map(|&at| names.get(at))
                        .map(|n| quoted(n))
                        .collect::<Vec<_>>()
                        .join(", ")
                )));
            }
        }
    }
    if let Some((at, column)) = found.first().and_then(|&at| Some((at, seen.get(at)?))) {
        let place = PlaceColumns::Geometry {
            column: column.name().to_owned(),
            cast: column.type_().name() == "geography",
            points: false,
        };
        return Ok((place, column.type_modifier(), vec![at]));
    }
    let number = |at: &usize| seen.get(*at).is_some_and(|c| is_number(c.type_()));
    let x = columns::longitude(names).filter(number);
    let y = columns::latitude(names).filter(number);
    if let Some((x, y)) = x.zip(y)
        && let (Some(x_name), Some(y_name)) = (names.get(x), names.get(y))
    {
        let place = PlaceColumns::Coordinates {
            x: x_name.clone(),
            y: y_name.clone(),
        };
        return Ok((place, -1, vec![x, y]));
    }
    Err(DatabaseError::Definition(format!(
        "no column holds geometries, and none look like longitude and latitude; there are: {}",
        listed()
    )))
}

/// Finds the column of weights. Returns its index in `seen`, which is `None` if every row counts 1,
/// and the reason for the choice as text for messages.
///
/// `names` are the names of the columns in `seen`. `asked` is the name that the caller wants, or
/// `none` if every row shall count 1; with `None` a column is chosen by its name. `taken` has the
/// indices of the columns of positions, which can't be weights.
pub(super) fn find_weight(
    seen: &[Column],
    names: &[String],
    asked: Option<&str>,
    taken: &[usize],
) -> Result<(Option<usize>, String), DatabaseError> {
    let number = |at: usize| seen.get(at).is_some_and(|c| is_number(c.type_()));
    // Only a column of numbers can be a weight, whatever its name.
    let mut taken = taken.to_vec();
    taken.extend((0..seen.len()).filter(|&at| !number(at)));
    // If there is a column `weight`, a column `count` has the number of points that each row stands
    // for, so it is no weight.
    let counted = names.iter().position(|n| n == "count");
    if names.iter().any(|n| n == "weight") {
        taken.extend(counted);
    }
    let choice = columns::weight(names, asked, &taken).map_err(|name| {
        let listed: Vec<String> = names.iter().map(|n| quoted(n)).collect();
        DatabaseError::Definition(format!(
            "`weight`: there is no column {}; there are: {}",
            crate::messages::shown(name.as_bytes()),
            listed.join(", ")
        ))
    })?;
    match choice.column {
        Some(at) if !number(at) => Err(DatabaseError::Definition(format!(
            "`weight`: {} is no number",
            columns::quoted(names, at)
        ))),
        column => Ok((column, choice.why)),
    }
}

/// The index in `seen` of the column called `asked`, whose numbers are read beside the points.
/// `None` if no column is asked for.
pub(super) fn find_kept(
    seen: &[Column],
    names: &[String],
    asked: Option<&str>,
) -> Result<Option<usize>, DatabaseError> {
    let Some(asked) = asked else { return Ok(None) };
    let shown = crate::messages::shown(asked.as_bytes());
    let Some(at) = columns::named(names, asked) else {
        let listed: Vec<String> = names.iter().map(|n| quoted(n)).collect();
        return Err(DatabaseError::Definition(format!(
            "there is no column {shown}; there are: {}",
            listed.join(", ")
        )));
    };
    if !seen.get(at).is_some_and(|c| is_number(c.type_())) {
        return Err(DatabaseError::Definition(format!("{shown} is no number")));
    }
    Ok(Some(at))
}

pub(super) fn is_number(kind: &Type) -> bool {
    [
        Type::FLOAT8,
        Type::FLOAT4,
        Type::INT8,
        Type::INT4,
        Type::INT2,
        Type::NUMERIC,
    ]
    .contains(kind)
}
