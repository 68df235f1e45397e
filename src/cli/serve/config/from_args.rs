//! From the command line to a document.

use super::from_toml::{Document, LayerWords, Named, StyleWords};
use super::raw::{Word, Words};
use crate::cli::backend::BackendFlags;
#[cfg(feature = "postgis")]
use crate::cli::postgis::flags::RoleFlags;
use crate::cli::serve::databases::is_address;
use crate::cli::serve::flags::{CacheFlags, LimitFlags, ServerFlags};
#[cfg(feature = "postgis")]
use crate::cli::serve::flags::{PoolFlags, PostFlags};
use crate::cli::serve::{Serve, folder};
use crate::cli::source_flags::SourceFlags;
use crate::cli::style_flags::StyleFlags;
use crate::cli::usage;
use clap::ArgMatches;
use std::path::Path;

/// Flags that only a database has.
const OF_DATABASES: [&str; 5] = ["table", "sql", "geom", "srid", "allow_superuser"];

/// What the one database of a command line is called.
#[cfg(feature = "postgis")]
const DATABASE: &str = "database";

/// What is said of the server as a whole, and overrides a file's word.
pub(in crate::cli::serve) fn of_server(matches: &ArgMatches) -> Document {
    let mut server = Words::given::<ServerFlags>(matches);
    server.0.extend(Words::given::<BackendFlags>(matches).0);
    Document {
        server,
        limits: Words::given::<LimitFlags>(matches),
        cache: Words::given::<CacheFlags>(matches),
        ..Document::default()
    }
}

/// What is said of layers, which a file says for itself.
pub(in crate::cli::serve) fn of_layers(matches: &ArgMatches) -> Words {
    let mut words = Words::given::<SourceFlags>(matches);
    words.0.extend(Words::given::<StyleFlags>(matches).0);
    #[cfg(feature = "postgis")]
    {
        words.0.extend(Words::given::<PoolFlags>(matches).0);
        words.0.extend(Words::given::<PostFlags>(matches).0);
        if matches.get_flag("live") {
            words.0.push(Word::new("live", "true"));
        }
    }
    words
}

/// All that a command line without a file says.
pub(in crate::cli::serve) fn all(serve: &Serve, matches: &ArgMatches) -> Document {
    let mut document = of_server(matches);
    let look = Words::given::<StyleFlags>(matches);
    let style = if look.0.is_empty() {
        StyleWords::Plain
    } else {
        document.styles.push(Named {
            name: "default".to_owned(),
            words: look,
        });
        StyleWords::Named(Word::new("style", "default"))
    };
    let read = Words::given::<SourceFlags>(matches);
    let of_files = if serve.sources.iter().any(|source| is_address(source)) {
        read.without(&OF_DATABASES)
    } else {
        read.clone()
    };
    let mut layers = Vec::new();
    for source in &serve.sources {
        if is_address(source) {
            if !document.sources.is_empty() {
                usage(
                    "serve",
                    "one postgres:// address can be served at a time; a file takes several, see --config",
                );
            }
            let style = (style != StyleWords::Plain).then(|| Word::new("style", "default"));
            let database = (source.as_str(), style);
            layers.extend(of_database(serve, matches, database, &read, &mut document));
        } else if Path::new(source).is_dir() && !serve.name.is_empty() {
            // Each of them may be given a name.
            let files = folder::files(Path::new(source), &serve.source);
            layers.extend(files.iter().map(|file| of_file(file, &of_files)));
        } else {
            layers.push(of_file(source, &of_files));
        }
    }
    if serve.name.len() > layers.len() {
        usage("serve", "there are more --name than layers");
    }
    for (words, name) in layers.iter_mut().zip(&serve.name) {
        words.0.insert(0, Word::new("name", name));
    }
    document.layers = layers
        .into_iter()
        .map(|words| LayerWords {
            words,
            style: style.clone(),
            line: None,
        })
        .collect();
    document
}

fn of_file(file: &str, read: &Words) -> Words {
    let mut words = Words(vec![Word::new("file", file)]);
    words.0.extend(read.0.iter().cloned());
    words
}

/// The database, and a layer for each of its tables or its query.
#[cfg(feature = "postgis")]
fn of_database(
    serve: &Serve,
    matches: &ArgMatches,
    (url, style): (&str, Option<Word>),
    read: &Words,
    document: &mut Document,
) -> Vec<Words> {
    let token = crate::cli::serve::databases::token(serve.post.token_file.as_deref());
    let posts = !matches!(token, Ok(None));
    let asked = read
        .0
        .iter()
        .filter(|word| matches!(&*word.key, "table" | "sql"));
    let asked: Vec<Word> = asked
        .flat_map(|word| word.values.iter().map(|value| Word::new(&word.key, value)))
        .collect();
    if asked.is_empty() && !serve.pool.auto_publish && !posts {
        usage(
            "serve",
            "a postgres:// address needs --table NAME, --sql QUERY or --auto-publish",
        );
    }
    let mut words = Words(vec![Word::new("url", url)]);
    words.0.extend(Words::given::<PoolFlags>(matches).0);
    words.0.extend(Words::given::<RoleFlags>(matches).0);
    words.0.extend(style);
    document.sources.push(Named {
        name: DATABASE.to_owned(),
        words,
    });
    if posts {
        let mut words = Words(vec![Word::new("source", DATABASE)]);
        words.0.extend(Words::given::<PostFlags>(matches).0);
        document.posting = Some(words);
    }
    let read = read.without(&["table", "sql", "allow_superuser"]);
    let layer = |asked: Word| {
        let mut words = Words(vec![Word::new("source", DATABASE), asked]);
        words.0.extend(read.0.iter().cloned());
        if serve.live {
            words.0.push(Word::new("mode", "live"));
        }
        words
    };
    asked.into_iter().map(layer).collect()
}

#[cfg(not(feature = "postgis"))]
fn of_database(
    _serve: &Serve,
    _matches: &ArgMatches,
    _database: (&str, Option<Word>),
    _read: &Words,
    _document: &mut Document,
) -> Vec<Words> {
    Vec::new()
}
