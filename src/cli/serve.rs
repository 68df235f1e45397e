//! `heatsplat serve`: a map in the browser, and tiles for any other.

use super::Failure;
use super::backend::{self, BackendFlags};
use super::source::{self, SourceFlags};
use super::style::StyleFlags;
use clap::Args;
use heatsplat::{Backend, Layer, Style};
use heatsplat_loader::Options as SourceOptions;
use heatsplat_server::{Bound, LayerId, Layers, Options};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;

const EXAMPLES: &str = "\
Examples:
  heatsplat serve examples/cities.csv.gz
  heatsplat serve examples/cities.csv.gz --weight none --radius 8 --ramp viridis
  heatsplat serve quakes.csv.gz shops.geojson --listen 0.0.0.0:8080
  heatsplat generate 1M | heatsplat serve - --name made-up

A layer's tiles are at /{layer}/{z}/{x}/{y}.png, its TileJSON is at /{layer}, and /catalog lists
all layers. Every flag of the look can be given per request too: …/0/0/0.png?ramp=viridis&radius=8";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// Files of points: CSV, GeoJSON, Shapefile, GeoPackage, FlatGeobuf, Parquet, Arrow or GPX, text packed or not; `-` is
    /// standard input. Each becomes a layer
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<String>,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(short, long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    listen: String,
    /// The address that clients reach the server by, where a proxy stands before it
    #[arg(long, value_name = "URL", value_parser = public_url)]
    public_url: Option<String>,
    /// What the layer is called; once for each source [default: the file's name]
    #[arg(long)]
    name: Vec<String>,
    /// Who the data come from, shown in the corner of maps
    #[arg(long, value_name = "TEXT")]
    attribution: Option<String>,
    #[command(flatten)]
    source: SourceFlags,
    #[command(flatten)]
    style: StyleFlags,
    #[command(flatten)]
    backend: BackendFlags,
}

/// A source on its way to being a layer.
struct Coming {
    source: String,
    name: String,
    id: LayerId,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.name.len() > self.sources.len() {
            super::usage("serve", "there are more --name than sources");
        }
        if self.sources.iter().filter(|source| *source == "-").count() > 1 {
            super::usage("serve", "standard input can be one source only");
        }
        let layers = Layers::default();
        let names = self
            .name
            .into_iter()
            .map(Some)
            .chain(std::iter::repeat(None));
        let coming = self.sources.into_iter().zip(names).map(|(source, name)| {
            let name = name.unwrap_or_else(|| layer_name(&source));
            let id = layers.announce(&name);
            Coming { source, name, id }
        });
        let coming: Vec<Coming> = coming.collect();
        let (source, style) = (self.source.options(), self.style.style()?);
        let backend = self.backend.backend()?;
        let defaults = Options::default();
        let options = Options {
            listen: self.listen,
            public_url: self.public_url,
            attribution: self.attribution,
            renders: backend::renders(&*backend).unwrap_or(defaults.renders),
            ..defaults
        };

        // The port first: if it is taken, nobody waits for the points to be read.
        let bound = Bound::new(layers.clone(), options)?;
        let (url, stop) = (bound.url(), bound.stop());
        let (done, outcome) = mpsc::channel();
        thread::spawn(move || {
            let result = load(coming, &layers, &source, &style, &backend);
            let failed = result.is_err();
            if !failed {
                // Nobody may be listening there, and the server serves all the same.
                let _ = writeln!(io::stdout(), "heatsplat: map at {url}");
            }
            let _ = done.send(result);
            if failed {
                stop.stop();
            } else {
                layers.warm();
            }
        });
        bound.run()?;
        // Told to stop while it still loads, the program need not finish that.
        outcome.try_recv().unwrap_or(Ok(()))
    }
}

fn load(
    coming: Vec<Coming>,
    layers: &Layers,
    options: &SourceOptions,
    style: &Style,
    backend: &Arc<dyn Backend>,
) -> Result<(), Failure> {
    for Coming { source, name, id } in coming {
        let loaded = source::read(&source, options)?;
        eprintln!("{}", loaded.summary(id.as_str()));
        let layer = Layer::new(&name, loaded.points, style.clone(), Arc::clone(backend));
        layers.put(&id, layer);
    }
    Ok(())
}

/// A file's name without folders and extensions.
fn layer_name(source: &str) -> String {
    if source == "-" {
        return "points".to_owned();
    }
    let name = Path::new(source)
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

fn public_url(text: &str) -> Result<String, &'static str> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let plain =
        |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '?' | '#' | '{' | '}');
    match rest {
        Some(rest) if !rest.is_empty() && rest.chars().all(plain) => Ok(text.to_owned()),
        _ => Err("expected an address like https://maps.example.org/heat"),
    }
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
            ("-", "points"),
        ] {
            assert_eq!(layer_name(source), name);
        }
    }

    #[test]
    fn public_urls() {
        assert!(public_url("https://maps.example.org/heat/").is_ok());
        for bad in [
            "maps.example.org",
            "ftp://a",
            "http://",
            "http://a b",
            "http://a?x=1",
        ] {
            assert!(public_url(bad).is_err(), "{bad}");
        }
    }
}
