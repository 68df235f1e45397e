//! Names of sources: in messages, and as names of layers.

use super::postgis;
use heatsplat_loader::shown_source;
use std::path::Path;

/// A source as messages may show it: an address is shown without its user, password and query.
pub(super) fn redact(source: &str) -> String {
    postgis::redact(source).unwrap_or_else(|| shown_source(source))
}

/// The name of the layer that a source becomes: the name of the file, without folders and
/// extensions. Standard input is called `points`.
pub(super) fn layer_name(source: &str) -> String {
    if source == "-" {
        return "points".to_owned();
    }
    let source = redact(source);
    let name = Path::new(&source)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let name = [".gz", ".zst", ".zstd"]
        .iter()
        .find_map(|packed| name.strip_suffix(packed))
        .unwrap_or(&name);
    Path::new(name)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_called_like_their_files() {
        for (source, name) in [
            ("examples/cities.csv.gz", "cities"),
            ("/data/My Points.geojson", "My Points"),
            ("a.b.csv", "a.b"),
            ("points", "points"),
            ("https://host/a/b.csv.gz?key=c/d.e", "b"),
            ("s3://bucket/folder/points.parquet", "points"),
            ("-", "points"),
        ] {
            assert_eq!(layer_name(source), name);
        }
    }
}
