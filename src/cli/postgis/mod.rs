//! PostGIS as a source of points and as a target of exports. In a program that is built without the
//! feature `postgis`, the module `postgis_disabled.rs` takes the place of this one.

mod datasource;
mod flags;
pub(super) mod live;
pub(super) mod queries;
mod rasters;

pub(super) use datasource::datasource;
pub(super) use flags::{DatabaseFlags, PoolFlags, PostFlags, RoleFlags, ServeDatabaseFlags};
pub(super) use heatsplat_loader::postgis::is_address;
pub(super) use rasters::RasterTable;

use super::error::BoxError;
use super::source_flags::SourceFlags;
use heatsplat_loader::postgis::{Address, Snapshot};
use heatsplat_loader::{LoadError, Source};

/// Opens the table or query that the flags name, to read all its rows. Returns `None` if `source`
/// is not the address of a database.
pub(super) fn open(source: &str, flags: &SourceFlags) -> Option<Result<Box<dyn Source>, BoxError>> {
    is_address(source).then(|| {
        if let Some(message) = flags.only_for_files() {
            return Err(message.into());
        }
        let queries = flags.layer_queries();
        let [query] = queries.as_slice() else {
            return Err("a postgres:// address needs one --table NAME or --sql QUERY".into());
        };
        // The errors don't repeat the address, since it may contain a password.
        let address = Address::parse(source).map_err(|source| LoadError::Database {
            name: "postgres://…".to_owned(),
            source,
        })?;
        let allow_superuser = flags.database.role.allow_superuser;
        let snapshot = Snapshot::open(&address, query, allow_superuser, flags.strict)?;
        Ok(Box::new(snapshot) as Box<dyn Source>)
    })
}

/// The address of a database without user and password; `None` if `source` is no such address.
pub(super) fn redact(source: &str) -> Option<String> {
    let shown = || Address::parse(source).map_or("postgres://…".to_owned(), |a| a.to_string());
    is_address(source).then(shown)
}
