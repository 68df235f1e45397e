//! Reading of zip archives: an archive with one data set in it is read as that data set.
//!
//! ```text
//! directory: the members, none of which is trusted ─ choice: which is the data set ─┬▶ a stream
//!                                          temporary folder, for formats of files ◀─┘
//! ```
//!
//! An archive within an archive is copied to a temporary folder too; one within that is refused,
//! since archives might contain each other without end. Names of members are never used on disk.

mod choice;

use super::{check_unused, guarded, open_file, start};
use crate::error::LoadError;
use crate::format::InputFormat;
use crate::input::zip::{Directory, ZipMember, is_zip};
use crate::input::{Input, Origin};
use crate::messages::shown;
use crate::options::LoadOptions;
use crate::records;
use crate::records::darwin_core::{CoreFile, META};
use crate::source::Source;
use crate::temporary::{TemporaryFolder, TemporarySource};
use choice::Choice;
pub(super) use choice::GTFS;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

/// The depth to which archives may be nested in an archive: a choice.
const DEPTH: usize = 1;

/// A source that reads the data set of the zip archive at a file path.
pub(super) fn source(
    path: &Path,
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    of_archive(path, origin, options, DEPTH)
}

/// A source that reads the data set of the zip archive at a file path. `depth` is the number of
/// levels down to which archives may still be nested in it.
fn of_archive(
    path: &Path,
    origin: Origin,
    options: &LoadOptions,
    depth: usize,
) -> Result<Box<dyn Source>, LoadError> {
    let directory = Directory::open(path, &origin)?;
    if is_workbook(&directory) && options.member.is_none() {
        check_unused(&origin, InputFormat::Xlsx, options)?;
        return records::xlsx::source(directory, origin, options);
    }
    let (outer, within) = choice::steps(&directory, options);
    let mut inner = LoadOptions {
        member: within,
        format: options.format.filter(|asked| *asked != InputFormat::Zip),
        ..options.clone()
    };
    let core = match options.member {
        None => darwin_core(&directory, &origin)?,
        Some(_) => None,
    };
    let (choice, role) = match core {
        Some((member, core)) => {
            inner = core.options(&inner);
            (Choice::alone(member), ", the core of a Darwin Core archive")
        }
        None => (choice::choose(&directory, &origin, outer.as_deref())?, ""),
    };
    let (source, folder) = open_member(&directory, &choice, (&origin, depth), &inner)?;
    let mut columns = source.columns().clone();
    let name = choice.member.shown();
    columns.why = format!("the archive's {name}{role}: {}", columns.why);
    Ok(Box::new(TemporarySource {
        source,
        columns,
        _folder: folder,
    }))
}

/// The member that has the core records of a Darwin Core archive, and the description in `meta.xml`
/// of that member's text: delimiter, quotes, encoding and columns. `None` if the archive is no
/// Darwin Core archive.
fn darwin_core<'d>(
    directory: &'d Directory,
    origin: &Origin,
) -> Result<Option<(&'d ZipMember, CoreFile)>, LoadError> {
    let mut members = directory.members.iter();
    let Some(meta) = members.find(|member| choice::base(&member.name) == META) else {
        return Ok(None);
    };
    let name = format!("{}/{}", origin.name, meta.shown());
    let input = Input::new(directory.reader(meta, &name)?, &name, Some(meta.size))?;
    let input = input.into_utf8(None)?;
    let reader = BufReader::new(Cursor::new(input.sample).chain(input.rest));
    let Some(core) = CoreFile::read(reader, origin)? else {
        return Ok(None);
    };
    let folder = meta.name.strip_suffix(META).unwrap_or_default();
    let location = format!("{folder}{}", core.location);
    let found = directory
        .members
        .iter()
        .find(|member| member.name == location);
    match found {
        Some(member) => Ok(Some((member, core))),
        None => Err(LoadError::Damaged {
            file: name,
            place: "core".to_owned(),
            message: format!(
                "it names the file {}, which is not in the archive",
                shown(location.as_bytes())
            ),
        }),
    }
}

/// Opens a member of the archive `archive`, in which archives may be nested down to `depth` levels.
/// If the member's format can't be read as a stream, the member and the
/// members that belong to it are copied to a temporary folder. The folder is the second result; it
/// is `None` if nothing was copied.
fn open_member(
    directory: &Directory,
    choice: &Choice<'_>,
    (archive, depth): (&Origin, usize),
    options: &LoadOptions,
) -> Result<(Box<dyn Source>, Option<TemporaryFolder>), LoadError> {
    let member = choice.member;
    let name = format!("{}/{}", archive.name, member.shown());
    let reader = directory.reader(member, &name)?;
    let input = Input::new(reader, &name, Some(member.size))?;
    // The format of text in UTF-16 is only found after its conversion.
    let is_binary = options
        .format
        .is_some_and(|asked| needs_file(&input, asked));
    let input = match is_binary {
        true => input,
        false => input.into_utf8(options.encoding)?,
    };
    let format = match is_zip(&input.sample) {
        true if choice::is_workbook(&member.name) => InputFormat::Xlsx,
        true if depth == 0 => return Err(nested(name)),
        true => InputFormat::Zip,
        false => input.format(options.format)?,
    };
    if !needs_file(&input, format) {
        return Ok((start(input, options)?, None));
    }
    check_unused(&input.origin, format, options)?;
    let folder = TemporaryFolder::new(options.download_limit);
    let folder = folder.map_err(|error| archive.read_error(error))?;
    let origin = input.origin.afresh();
    let all = Cursor::new(input.sample).chain(input.rest);
    let copy = folder.keep("points.shp", &name, Some(member.size), all)?;
    for (extension, member) in &choice.companions {
        let beside = format!("{}/{}", archive.name, member.shown());
        let reader = directory.reader(member, &beside)?;
        let file = format!("points.{extension}");
        folder.keep(&file, &beside, Some(member.size), reader)?;
    }
    let source = guarded(name, || match format {
        // A workbook may turn out to be another archive.
        InputFormat::Xlsx | InputFormat::Zip => match depth.checked_sub(1) {
            Some(depth) => of_archive(&copy, origin, options, depth),
            None => workbook(&copy, origin, options),
        },
        _ => open_file(&copy, format, origin, options),
    })?;
    Ok((source, Some(folder)))
}

/// A source that reads the Excel workbook at `path`, the copy of a member of an archive. An archive
/// that is no workbook is refused, since archives might contain each other without end.
fn workbook(
    path: &Path,
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let directory = Directory::open(path, &origin)?;
    match is_workbook(&directory) {
        true => records::xlsx::source(directory, origin, options),
        false => Err(nested(origin.file())),
    }
}

/// The error for an archive that is a member of an archive, which is not read.
fn nested(file: String) -> LoadError {
    LoadError::Unsupported {
        file,
        message: "an archive within an archive within an archive is not read; unpack the outer \
                  ones and name this"
            .to_owned(),
    }
}

/// Returns whether a zip archive is an Excel workbook.
fn is_workbook(directory: &Directory) -> bool {
    let mut names = directory.members.iter().map(|member| &member.name);
    names.any(|name| name.eq_ignore_ascii_case(records::xlsx::WORKBOOK))
}

/// Returns whether a member must be copied to a file before it can be read.
fn needs_file(input: &Input, format: InputFormat) -> bool {
    match format {
        // A packed member is refused where it is opened as a stream.
        _ if !input.is_plain_file() => false,
        InputFormat::Shapefile
        | InputFormat::Parquet
        | InputFormat::GeoPackage
        | InputFormat::GeoTiff
        | InputFormat::Xlsx
        | InputFormat::Zip => true,
        InputFormat::Arrow => input.sample.starts_with(records::arrow::MAGIC),
        _ => false,
    }
}
