//! Checks that the database role of a session can only read. Other measures in this crate keep a
//! session from writing too, like read-only transactions. This check relies only on the privileges
//! that the database's owner has granted, so it holds even if all other measures fail.

use super::relation::Relation;
use crate::error::DatabaseError;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// The beginning of an SQL query that defines `mine`: all roles whose privileges a session can use.
/// They are the current role, the role that the session logged in as, and every role of which one
/// of these two is a member, directly or indirectly. A member can switch to such a role at any time
/// (`set_config('role', …)`), even if it doesn't inherit the role's privileges.
const MINE: &str = "WITH mine AS (SELECT * FROM pg_roles WHERE \
     pg_has_role(session_user, oid, 'member') OR pg_has_role(current_user, oid, 'member'))";

/// Returns an error if the session's role may do more than read: if it is a superuser, has powers
/// over the server, or has the right to write. The right is checked for the table `from` or, if
/// `from` is a query, for everything in the database.
///
/// # Errors
/// [`DatabaseError::Role`] with the forbidden privilege and advice, or another [`DatabaseError`] if
/// the check itself fails.
pub(super) async fn check(client: &Client, from: &Relation) -> Result<(), DatabaseError> {
    let sql = format!(
        "{MINE} SELECT current_user::text, \
         (SELECT rolname::text FROM mine WHERE rolsuper \
          ORDER BY rolname NOT IN (current_user, session_user), rolname LIMIT 1), \
         (SELECT rolname::text FROM mine WHERE rolreplication OR rolbypassrls OR rolcreaterole \
          OR rolname IN ('pg_read_server_files', 'pg_write_server_files', \
            'pg_execute_server_program', 'pg_signal_backend', 'pg_write_all_data', \
            'pg_maintain', 'pg_create_subscription') \
          ORDER BY rolname NOT IN (current_user, session_user), rolname LIMIT 1)"
    );
    let row = client.query_typed_one(&sql, &[]).await?;
    let role: String = row.get(0);
    let refuse = |what: &str| {
        Err(DatabaseError::Role(format!(
            "the role {role:?} {what}; use one that may only read, as CREATE ROLE heat LOGIN \
             PASSWORD '…' and GRANT SELECT ON … TO heat make it, or say `allow_superuser`"
        )))
    };
    let by = |other: &str| match other == role {
        true => String::new(),
        false => format!(", by {other:?}"),
    };
    if let Some(boss) = row.get::<_, Option<String>>(1) {
        return refuse(&format!("is a superuser{}", by(&boss)));
    }
    if let Some(strong) = row.get::<_, Option<String>>(2) {
        let what = "may read or write the server's files, run programs, end sessions, make roles or \
                    write to every table";
        return refuse(&format!("{what}{}", by(&strong)));
    }
    let written = match from {
        Relation::Table(name) => writes_to(client, name).await?,
        Relation::Sql(_) => writes_anything(client).await?,
    };
    match written {
        Some(what) => refuse(&what),
        None => Ok(()),
    }
}

/// An SQL condition that is true if the role in the row of `mine` (see [`MINE`]) may write to a
/// table or to some of its columns. `table` is an SQL expression for the table's OID.
fn writes(table: &str) -> String {
    format!(
        "(has_table_privilege(mine.oid, {table}, 'INSERT, UPDATE, DELETE, TRUNCATE') \
         OR has_any_column_privilege(mine.oid, {table}, 'INSERT, UPDATE'))"
    )
}

/// Returns text for an error message if one of the roles in [`MINE`] may write to `table`, and
/// `None` if they may only read it.
async fn writes_to(client: &Client, table: &str) -> Result<Option<String>, DatabaseError> {
    let sql = format!(
        "{MINE} SELECT coalesce(bool_or({}), false) FROM mine",
        writes("to_regclass($1)")
    );
    let row = client
        .query_typed_one(&sql, &[(&table, Type::TEXT)])
        .await?;
    let writes: bool = row.get(0);
    Ok(writes.then(|| format!("may write to {table}")))
}

/// Returns text for an error message if one of the roles in [`MINE`] may write to any table of the
/// database or create tables or schemas, and `None` otherwise. All tables are checked, since an SQL
/// query may name any of them. Before PostgreSQL 15 every role could create tables in the schema
/// `public`, so on these versions that right is allowed.
async fn writes_anything(client: &Client) -> Result<Option<String>, DatabaseError> {
    let sql = format!(
        "{MINE}, places AS (SELECT oid, nspname FROM pg_namespace \
         WHERE nspname <> 'information_schema' AND nspname !~ '^pg_') \
         (SELECT format('may write to %I.%I', nspname, relname) FROM mine, places \
          JOIN pg_class c ON relnamespace = places.oid AND relkind IN ('r', 'p', 'v', 'm', 'f') \
          WHERE {} LIMIT 1) \
         UNION ALL (SELECT format('may create in the schema %I', nspname) FROM mine, places \
          WHERE has_schema_privilege(mine.oid, places.oid, 'CREATE') \
          AND (nspname <> 'public' OR current_setting('server_version_num')::int >= 150000) \
          LIMIT 1) \
         UNION ALL (SELECT 'may create schemas in the database' FROM mine \
          WHERE has_database_privilege(mine.oid, current_database(), 'CREATE') LIMIT 1) LIMIT 1",
        writes("c.oid")
    );
    let row = client.query_typed_opt(&sql, &[]).await?;
    Ok(row.map(|row| row.get(0)))
}
