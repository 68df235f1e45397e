//! Conversion of the command line to a raw configuration.

use super::raw::{ConfigEntry, ConfigSection, LayerSection, NamedSection, RawConfig, StyleRef};
use crate::cli::backend::BackendFlags;
use crate::cli::error::UsageError;
use crate::cli::postgis::{PoolFlags, PostFlags, RoleFlags, ServeDatabaseFlags, is_address};
use crate::cli::serve::databases::has_token;
use crate::cli::serve::flags::{
    CacheFlags, KeyFlags, LimitFlags, PointFlags, ServeCommand, ServerFlags,
};
use crate::cli::serve::folder;
use crate::cli::source_flags::SourceFlags;
use crate::cli::style_flags::StyleFlags;
use clap::ArgMatches;
use std::path::Path;

/// The keys of a configuration file that only layers from a database can have.
const DATABASE_KEYS: [&str; 5] = ["table", "sql", "geom", "srid", "allow_superuser"];

/// The name, in the configuration, of the database that a command line names; there is only one.
const DATABASE: &str = "database";

/// Collects the flags about the server as a whole. They override the keys of a configuration file.
pub(crate) fn server_sections(matches: &ArgMatches) -> RawConfig {
    let mut server = ConfigSection::from_matches::<ServerFlags>(matches);
    server
        .0
        .extend(ConfigSection::from_matches::<BackendFlags>(matches).0);
    // `--port` is no key of a file: the address says all that it does.
    if let Some(port) = matches.get_one::<u16>("port") {
        let address = format!("127.0.0.1:{port}");
        server.0.push(ConfigEntry::new("listen", &address));
    }
    RawConfig {
        server,
        limits: ConfigSection::from_matches::<LimitFlags>(matches),
        cache: ConfigSection::from_matches::<CacheFlags>(matches),
        points: ConfigSection::from_matches::<PointFlags>(matches),
        ..RawConfig::default()
    }
}

/// Returns true if the command line has flags about layers. Together with a configuration file
/// these are an error, since they belong in the file.
pub(crate) fn has_layer_flags(matches: &ArgMatches) -> bool {
    let sections = [
        ConfigSection::from_matches::<SourceFlags>(matches),
        ConfigSection::from_matches::<KeyFlags>(matches),
        ConfigSection::from_matches::<StyleFlags>(matches),
        ConfigSection::from_matches::<ServeDatabaseFlags>(matches),
    ];
    sections.iter().any(|section| !section.0.is_empty())
}

/// Makes the raw configuration of a command line that names no configuration file.
pub(crate) fn raw_config(
    serve: &ServeCommand,
    matches: &ArgMatches,
) -> Result<RawConfig, UsageError> {
    let mut config = server_sections(matches);
    let look = ConfigSection::from_matches::<StyleFlags>(matches);
    let style = if look.0.is_empty() {
        StyleRef::Default
    } else {
        config.styles.push(NamedSection {
            name: "default".to_owned(),
            section: look,
        });
        StyleRef::Named(ConfigEntry::new("style", "default"))
    };
    let mut read = ConfigSection::from_matches::<SourceFlags>(matches);
    read.0
        .extend(ConfigSection::from_matches::<KeyFlags>(matches).0);
    let file_keys = if serve.sources.iter().any(|source| is_address(source)) {
        read.without(&DATABASE_KEYS)
    } else {
        read.clone()
    };
    let mut layers = Vec::new();
    for source in &serve.sources {
        if is_address(source) {
            if !config.sources.is_empty() {
                let message = "one postgres:// address can be served at a time; a file takes \
                               several, see --config";
                return Err(UsageError::new("serve", message));
            }
            add_database(&mut config, (serve, matches), source, &style);
            layers.extend(database_layers(serve, &read)?);
        } else if Path::new(source).is_dir() && !serve.name.is_empty() {
            // The files of a folder become single layers here, so that each of them can get a name
            // from `--name`.
            let files = folder::files(Path::new(source), &serve.source);
            layers.extend(files.iter().map(|file| file_layer(file, &file_keys)));
        } else {
            layers.push(file_layer(source, &file_keys));
        }
    }
    let commands = serve.command.iter();
    layers.extend(commands.map(|command| {
        let mut section = ConfigSection(vec![ConfigEntry::new("command", command)]);
        section.0.extend(read.without(&DATABASE_KEYS).0);
        section
    }));
    if serve.name.len() > layers.len() {
        let message = "there are more --name than layers";
        return Err(UsageError::new("serve", message));
    }
    for (section, name) in layers.iter_mut().zip(&serve.name) {
        section.0.insert(0, ConfigEntry::new("name", name));
    }
    let with_style = |section| LayerSection {
        section,
        style: style.clone(),
        line: None,
    };
    config.layers = layers.into_iter().map(with_style).collect();
    Ok(config)
}

fn file_layer(file: &str, read: &ConfigSection) -> ConfigSection {
    let mut section = ConfigSection(vec![ConfigEntry::new("file", file)]);
    section.0.extend(read.0.iter().cloned());
    section
}

/// Adds the database at `url` to the configuration, and the section `[posting]` if there is a token
/// for posted layers.
fn add_database(
    config: &mut RawConfig,
    (serve, matches): (&ServeCommand, &ArgMatches),
    url: &str,
    style: &StyleRef,
) {
    let mut section = ConfigSection(vec![ConfigEntry::new("url", url)]);
    section
        .0
        .extend(ConfigSection::from_matches::<PoolFlags>(matches).0);
    section
        .0
        .extend(ConfigSection::from_matches::<RoleFlags>(matches).0);
    if let StyleRef::Named(style) = style {
        section.0.push(style.clone());
    }
    config.sources.push(NamedSection {
        name: DATABASE.to_owned(),
        section,
    });
    if has_token(&serve.database) {
        let mut section = ConfigSection(vec![ConfigEntry::new("source", DATABASE)]);
        section
            .0
            .extend(ConfigSection::from_matches::<PostFlags>(matches).0);
        config.posting = Some(section);
    }
}

/// Makes a layer section for each `--table` of the command line and for its `--sql`.
fn database_layers(
    serve: &ServeCommand,
    read: &ConfigSection,
) -> Result<Vec<ConfigSection>, UsageError> {
    let relations: Vec<ConfigEntry> = read
        .0
        .iter()
        .filter(|entry| matches!(&*entry.key, "table" | "sql"))
        .flat_map(|entry| {
            entry
                .values
                .iter()
                .map(|value| ConfigEntry::new(&entry.key, value))
        })
        .collect();
    let database = &serve.database;
    if relations.is_empty() && !database.pool.auto_publish && !has_token(database) {
        let message = "a postgres:// address needs --table NAME, --sql QUERY or --auto-publish";
        return Err(UsageError::new("serve", message));
    }
    if database.pool.auto_publish && read.get("key").is_some() {
        let message =
            "--auto-publish serves tables without a key: name them by --table to give them one";
        return Err(UsageError::new("serve", message));
    }
    let read = read.without(&["table", "sql", "allow_superuser"]);
    let layer = |relation: ConfigEntry| {
        let mut section = ConfigSection(vec![ConfigEntry::new("source", DATABASE), relation]);
        section.0.extend(read.0.iter().cloned());
        if database.live {
            section.0.push(ConfigEntry::new("mode", "live"));
        }
        section
    };
    Ok(relations.into_iter().map(layer).collect())
}
