//! The PostGIS datasource of a map for Mapnik.

use crate::cli::source_flags::SourceFlags;

/// Converts a Mapnik datasource of type `postgis` to the address of its database. `get` returns the
/// value of a parameter of the datasource. The table or query, the geometry column and the SRID go
/// into `flags`, except flags that the user has set. If the user has set the table or the query,
/// nothing goes into `flags`.
///
/// # Errors
/// A message if the datasource names no table.
pub(crate) fn datasource<'a>(
    get: &impl Fn(&str) -> Option<&'a str>,
    flags: &mut SourceFlags,
) -> Result<String, &'static str> {
    let table = get("table").ok_or("the datasource names no table")?;
    suggest(flags, table, get("geometry_field"), get("srid"));
    Ok(address(get))
}

/// Sets flags from the parameters of a datasource, unless the user has set `--table` or `--sql`.
/// `table` becomes `--table`; if it is written as `(select …) as name`, its query becomes `--sql`.
/// The flags of the geometry column and the SRID are set unless the user has set them.
fn suggest(flags: &mut SourceFlags, table: &str, geom: Option<&str>, srid: Option<&str>) {
    let database = &mut flags.database;
    if !flags.table.is_empty() || database.sql.is_some() {
        return;
    }
    match table.strip_prefix('(').and_then(|t| t.rsplit_once(')')) {
        Some((query, _)) => database.sql = Some(query.trim().to_owned()),
        None => flags.table = vec![table.to_owned()],
    }
    let geom = geom.filter(|g| !g.is_empty());
    flags.geom = flags.geom.take().or(geom.map(str::to_owned));
    flags.srid = flags.srid.or(srid.and_then(|s| s.parse().ok()));
}

/// Builds the address `postgres://user:password@host:port/dbname` of a Mapnik datasource. `get`
/// returns the value of a parameter of the datasource. Parts of the address whose parameter is
/// missing or empty are left out.
fn address<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> String {
    let plain = |text: &str| -> String {
        let byte = |b: u8| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(b).to_string()
            }
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let part = |name: &str| get(name).filter(|v| !v.is_empty()).map(plain);
    let mut url = "postgres://".to_owned();
    if let Some(user) = part("user") {
        url += &user;
        if let Some(password) = part("password") {
            url += &format!(":{password}");
        }
        url.push('@');
    }
    let host = get("host").filter(|h| !h.is_empty());
    match host {
        // A host that begins with `/` is a folder of Unix sockets.
        Some(folder) if folder.starts_with('/') => {
            url += &format!(
                "/{}?host={}",
                part("dbname").unwrap_or_default(),
                plain(folder)
            );
            if let Some(port) = part("port") {
                url += &format!("&port={port}");
            }
            return url;
        }
        host => url += host.unwrap_or("localhost"),
    }
    if let Some(port) = part("port") {
        url += &format!(":{port}");
    }
    url.push('/');
    url + &part("dbname").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let url = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.to_vec();
            address(&move |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| *v))
        };
        assert_eq!(url(&[("dbname", "gis")]), "postgres://localhost/gis");
        assert_eq!(
            url(&[
                ("host", "db"),
                ("port", "5433"),
                ("user", "me"),
                ("password", "a@b"),
                ("dbname", "gis")
            ]),
            "postgres://me:a%40b@db:5433/gis"
        );
        assert_eq!(
            url(&[("host", "/run/pg"), ("user", "me"), ("dbname", "gis")]),
            "postgres://me@/gis?host=%2Frun%2Fpg"
        );
    }
}
