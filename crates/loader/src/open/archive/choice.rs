//! The choice of the member that is the data set of an archive.
//!
//! 1. It is the member that the option `member` names.
//! 2. Otherwise it is `doc.kml` in no folder, since the archive is then a KMZ.
//! 3. Otherwise it is `stops.txt` beside other tables of a GTFS timetable.
//! 4. Otherwise it is the only member with the extension of a format of points. If none has such an
//!    extension, it is the only text; and if there is no text, the only file.
//!
//! Hidden files, files in the folder `__MACOSX`, and texts about the data (readme, licence,
//! metadata) are left out in rule 4. A file with an extension of points is only such a text if its
//! name has no other word: `license.csv` is one, `licenses.csv` and `metadata_stations.csv` are
//! data.

use crate::error::LoadError;
use crate::input::Origin;
use crate::input::zip::{Directory, ZipMember, plain_name};
use crate::messages::shown;
use crate::options::LoadOptions;
use crate::parameter::Parameter;

/// Extensions, in small letters, of files in formats that have points.
const POINTS: [&str; 39] = [
    "csv",
    "tsv",
    "tab",
    "psv",
    "geojson",
    "json",
    "geojsonl",
    "geojsons",
    "geojsonseq",
    "ndjson",
    "jsonl",
    "ndgeojson",
    "jsonseq",
    "fgb",
    "gpx",
    "kml",
    "tcx",
    "parquet",
    "geoparquet",
    "pq",
    "arrow",
    "feather",
    "arrows",
    "ipc",
    "gpkg",
    "sqlite",
    "sqlite3",
    "db",
    "shp",
    "xlsx",
    "xlsm",
    "fit",
    "nmea",
    "tif",
    "tiff",
    "npy",
    "zip",
    "kmz",
    "js",
];

/// Extensions, in small letters, of text files that may hold a table.
const TEXTS: [&str; 4] = ["txt", "dat", "asc", "log"];

/// Beginnings of the names, in small letters, of texts about the data, such as a readme.
const ABOUT: [&str; 7] = [
    "readme",
    "read_me",
    "license",
    "licence",
    "metadata",
    "citation",
    "datapackage.json",
];

/// Tables that GTFS timetables have besides `stops.txt`. A file `stops.txt` is taken for a table of
/// GTFS only if at least one of these is in the same folder.
pub(in crate::open) const GTFS: [&str; 4] =
    ["stop_times.txt", "routes.txt", "trips.txt", "agency.txt"];

/// Extensions of the files that are read beside the `.shp` of a Shapefile.
const COMPANIONS: [&str; 4] = ["prj", "dbf", "shx", "cpg"];

/// The data set of an archive: a member, and the members beside it that belong to it, with their
/// extensions.
pub(super) struct Choice<'d> {
    pub(super) member: &'d ZipMember,
    pub(super) companions: Vec<(&'static str, &'d ZipMember)>,
}

impl<'d> Choice<'d> {
    /// A data set that consists of `member` alone.
    pub(super) fn alone(member: &'d ZipMember) -> Self {
        Self {
            member,
            companions: Vec::new(),
        }
    }
}

/// The parts of the option `member`: the name of a file in the archive and, if that is an archive
/// too, the name of a file in it, as in `gtfs.zip/shapes.txt`.
pub(super) fn steps(
    directory: &Directory,
    options: &LoadOptions,
) -> (Option<String>, Option<String>) {
    let Some(name) = &options.member else {
        return (None, None);
    };
    let plain = plain_name(name);
    let is_inside = |member: &&ZipMember| {
        let behind = plain.strip_prefix(&member.name);
        behind.is_some_and(|behind| behind.starts_with('/'))
    };
    match files(directory).find(is_inside) {
        Some(outer) => {
            let within = plain.get(outer.name.len() + 1..).unwrap_or_default();
            (Some(outer.name.clone()), Some(within.to_owned()))
        }
        None => (Some(name.clone()), None),
    }
}

/// Chooses the data set of an archive by the rules of this module. `member` is the name of the file
/// that an option names.
///
/// # Errors
/// No member may be the data set, or several may.
pub(super) fn choose<'d>(
    directory: &'d Directory,
    origin: &Origin,
    member: Option<&str>,
) -> Result<Choice<'d>, LoadError> {
    let member = match member {
        Some(name) => named(directory, name, origin)?,
        None => found(directory, origin)?,
    };
    let mut choice = Choice::alone(member);
    if let Some(stem) = member.name.to_ascii_lowercase().strip_suffix(".shp") {
        for extension in COMPANIONS {
            let beside = format!("{stem}.{extension}");
            let is_it = |other: &&ZipMember| other.name.eq_ignore_ascii_case(&beside);
            choice
                .companions
                .extend(directory.members.iter().find(is_it).map(|m| (extension, m)));
        }
    }
    Ok(choice)
}

/// The member that the option `member` names: by its whole name, or by its name without folders.
fn named<'d>(
    directory: &'d Directory,
    name: &str,
    origin: &Origin,
) -> Result<&'d ZipMember, LoadError> {
    let name = &*plain_name(name);
    let files: Vec<&ZipMember> = files(directory).collect();
    let exact = files.iter().find(|member| member.name == name);
    let alike = |of: fn(&str) -> &str| -> Vec<&ZipMember> {
        let is_it = |member: &&ZipMember| of(&member.name).eq_ignore_ascii_case(name);
        files.iter().copied().filter(is_it).collect()
    };
    let message = match (exact, alike(whole).as_slice(), alike(base).as_slice()) {
        (Some(member), _, _) | (None, [member], _) | (None, _, [member]) => return Ok(member),
        (None, _, []) => format!(
            "there is no file {} in this archive; there are: {}",
            shown(name.as_bytes()),
            directory.names(&files)
        ),
        (None, _, several) => format!(
            "several files in this archive are called so; name one with its folder: {}",
            directory.names(several)
        ),
    };
    Err(LoadError::BadOption {
        file: origin.file(),
        parameter: Parameter::Member,
        message,
    })
}

/// The data set of the archive by the rules 2 to 4 of this module, for when the option `member`
/// isn't set.
///
/// # Errors
/// No file in the archive, several that may be the data set, or an office document.
fn found<'d>(directory: &'d Directory, origin: &Origin) -> Result<&'d ZipMember, LoadError> {
    let all: Vec<&ZipMember> = files(directory).collect();
    let at = |name: &str| all.iter().find(|m| m.name.eq_ignore_ascii_case(name));
    if let Some(kml) = at("doc.kml") {
        return Ok(kml);
    }
    let stops = all.iter().filter(|m| base(&m.name) == "stops.txt");
    let in_timetable = |stops: &&&ZipMember| {
        let folder = stops.name.strip_suffix("stops.txt").unwrap_or_default();
        GTFS.iter()
            .any(|table| at(&format!("{folder}{table}")).is_some())
    };
    if let [stops] = stops.filter(in_timetable).collect::<Vec<_>>().as_slice() {
        return Ok(stops);
    }
    let office = [
        (
            "word/document.xml",
            "a Word document; save its table as CSV",
        ),
        (
            "ppt/presentation.xml",
            "a PowerPoint presentation; save its table as CSV",
        ),
        ("content.xml", "an OpenDocument file; save its table as CSV"),
        (
            "xl/workbook.bin",
            "an Excel workbook of the kind .xlsb; save it as .xlsx",
        ),
    ];
    if let Some((_, kind)) = office.iter().find(|(name, _)| at(name).is_some()) {
        return Err(unsupported(origin, format!("this is {kind}")));
    }
    let has = |of: &[&str], is_about: fn(&str) -> bool| -> Vec<&ZipMember> {
        let is_it = |m: &&ZipMember| of.contains(&&*extension(&m.name)) && !is_about(&m.name);
        all.iter().copied().filter(is_it).collect()
    };
    let points = has(&POINTS, is_only_about);
    for candidates in [points, has(&TEXTS, is_about), all.clone()] {
        match candidates.as_slice() {
            [] => (),
            [member] => return Ok(member),
            several => {
                return Err(LoadError::BadOption {
                    file: origin.file(),
                    parameter: Parameter::Member,
                    message: format!(
                        "there are several files in this archive; name one of them: {}",
                        directory.names(several)
                    ),
                });
            }
        }
    }
    Err(unsupported(
        origin,
        "there is no file in this archive".to_owned(),
    ))
}

fn unsupported(origin: &Origin, message: String) -> LoadError {
    LoadError::Unsupported {
        file: origin.file(),
        message,
    }
}

/// The members that are neither folders nor hidden files. `Thumbs.db` is left out like a hidden
/// file: in it Windows stores small pictures of a folder's files.
fn files(directory: &Directory) -> impl Iterator<Item = &ZipMember> {
    directory.members.iter().filter(|member| {
        let name = &member.name;
        let is_hidden = |part: &str| {
            (part.starts_with('.') && part != "." && part != "..")
                || part == "__MACOSX"
                || part.eq_ignore_ascii_case("thumbs.db")
        };
        !name.ends_with('/') && !name.split('/').any(is_hidden)
    })
}

fn whole(name: &str) -> &str {
    name
}

/// The name of a member without its folders.
pub(super) fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The extension of a member's name in small letters, without the extension of a compression: `csv`
/// for `A.CSV.gz`.
fn extension(name: &str) -> String {
    let name = base(name).to_ascii_lowercase();
    let packed = [".gz", ".zst", ".zstd"];
    let name = packed
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(&name);
    name.rsplit_once('.')
        .map_or(String::new(), |(_, extension)| extension.to_owned())
}

/// Returns whether a member's name has the extension of an Excel workbook.
pub(super) fn is_workbook(name: &str) -> bool {
    matches!(&*extension(name), "xlsx" | "xlsm")
}

/// Returns true if a member's name begins with a word in `ABOUT`, so that it is a text about the
/// data: `README.txt` or `license-mit.txt`.
fn is_about(name: &str) -> bool {
    let rest = behind_about(name);
    rest.is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
}

/// Returns true if a member's name begins with a word in `ABOUT` and has no other word, such as
/// `readme-1.csv`.
fn is_only_about(name: &str) -> bool {
    let rest = behind_about(name);
    rest.is_some_and(|rest| {
        let stem = rest.split('.').next().unwrap_or_default();
        !stem.contains(char::is_alphabetic)
    })
}

/// The rest of a member's file name, without its folders, after a word in `ABOUT`, in small
/// letters; `None` if the file name doesn't begin with such a word.
fn behind_about(name: &str) -> Option<String> {
    let name = base(name).to_ascii_lowercase();
    let rest = ABOUT.iter().find_map(|about| name.strip_prefix(about));
    rest.map(str::to_owned)
}
