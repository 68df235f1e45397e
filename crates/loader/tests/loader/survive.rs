//! What any bytes may do to a reader: give points and a true account of them, or an error.
//!
//! What a fuzz target would call, too.

use heatsplat_loader::{LoadError, Options, Report, load_table, open};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Panics in our own code. Those of a library cost a file and are an error to who reads it; one of
/// ours is a fault, even where it is taken for an error too.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let file = panic.location().map_or("", |place| place.file());
            let ours = ["crates/loader/src", "crates/points/src"];
            if ours.iter().any(|folder| file.contains(folder)) {
                PANICS.fetch_add(1, Ordering::SeqCst);
                before(panic);
            } else if !file.contains("/registry/") {
                before(panic);
            }
        }));
    });
}

/// Reads bytes as a file whose format has this extension, with and without columns to keep, a
/// filter and a part of the world; what the whole has.
pub(crate) fn survives(folder: &Path, extension: &str, bytes: &[u8]) -> Result<Report, LoadError> {
    watch_panics();
    let path = put(folder, extension, bytes);
    let asked = Options {
        keep: ["kind", "n", "day"].map(str::to_owned).to_vec(),
        within: "-100,-60,100,60".parse().ok(),
        filter: "n < 1e9 or n is null or kind = 'x'".parse().ok(),
        ..Options::default()
    };
    let _ = account(&path, &asked);
    let whole = account(&path, &Options::default());
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "our own code panicked");
    whole
}

/// Loads a file, and holds what it says of its rows against the points there are.
fn account(path: &Path, options: &Options) -> Result<Report, LoadError> {
    let mut source = open(path, options)?;
    let (points, table, report) = load_table(&mut *source, |_| ())?;
    let count = points.summary().count;
    assert_eq!(report.kept, count as u64);
    assert_eq!(report.rows, report.kept + report.skipped_total());
    for column in table.columns() {
        assert_eq!(column.len(), count, "{}", column.name());
    }
    Ok(report)
}

/// Writes bytes as a file; those of a Shapefile are its parts (see [`pack`]).
fn put(folder: &Path, extension: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(format!("any.{extension}"));
    let write = |path: &Path, bytes: &[u8]| std::fs::write(path, bytes).expect("a file");
    if extension != "shp" {
        write(&path, bytes);
        return path;
    }
    let (shp, rest) = first_part(bytes);
    let (dbf, prj) = first_part(rest);
    for (part, bytes) in [("shp", shp), ("dbf", dbf), ("prj", prj)] {
        let path = path.with_extension(part);
        if bytes.is_empty() && part != "shp" {
            let _ = std::fs::remove_file(path);
        } else {
            write(&path, bytes);
        }
    }
    path
}

/// Two files and a third in one: the lengths of the first two stand before them.
pub(crate) fn pack(shp: &[u8], dbf: &[u8], prj: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| (part.len() as u32).to_le_bytes();
    [&length(shp)[..], shp, &length(dbf), dbf, prj].concat()
}

fn first_part(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return (bytes, &[]);
    };
    rest.split_at(rest.len().min(u32::from_le_bytes(*length) as usize))
}
