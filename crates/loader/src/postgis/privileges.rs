//! A role that only reads: the last line of defence, and one that only the owner can draw.

use super::define::Relation;
use super::error::DatabaseError;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// Refuses a role that could do harm if everything else failed.
///
/// # Errors
/// [`DatabaseError::Role`], with what to do about it.
pub(super) async fn check(client: &Client, from: &Relation) -> Result<(), DatabaseError> {
    let sql = "SELECT current_user::text, rolsuper, rolreplication OR rolbypassrls \
               OR pg_has_role(current_user, 'pg_read_server_files', 'member') \
               OR pg_has_role(current_user, 'pg_write_server_files', 'member') \
               OR pg_has_role(current_user, 'pg_execute_server_program', 'member') \
               OR pg_has_role(current_user, 'pg_signal_backend', 'member') \
               FROM pg_roles WHERE rolname = current_user";
    let row = client.query_typed_one(sql, &[]).await?;
    let role: String = row.get(0);
    let refuse = |what: &str| {
        Err(DatabaseError::Role(format!(
            "the role {role:?} {what}; use one that may only read, as CREATE ROLE heat LOGIN \
             PASSWORD '…' and GRANT SELECT ON … TO heat make it, or say --allow-superuser"
        )))
    };
    if row.get(1) {
        return refuse("is a superuser");
    }
    if row.get(2) {
        return refuse("may read or write the server's files, run programs or end sessions");
    }
    if let Relation::Table(name) = from {
        let sql = "SELECT has_table_privilege(to_regclass($1), 'INSERT, UPDATE, DELETE, TRUNCATE')";
        let row = client
            .query_typed_one(sql, &[(&name.as_str(), Type::TEXT)])
            .await?;
        if row.get::<_, Option<bool>>(0) == Some(true) {
            return refuse(&format!("may write to {name}"));
        }
    }
    Ok(())
}
