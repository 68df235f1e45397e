//! Refusal of options for which a format has no use. Without this check, a misplaced option would
//! have no effect, and there would be no message about it.

use crate::error::LoadError;
use crate::format::InputFormat;
use crate::input::Origin;
use crate::options::LoadOptions;
use crate::parameter::Parameter;

/// Looks for options that are set although the format has no use for them. Options for columns of
/// longitudes and latitudes are noted for the report, since configurations name them for files of
/// all formats; any other such option is an error.
pub(crate) fn check_unused(
    origin: &Origin,
    format: InputFormat,
    options: &LoadOptions,
) -> Result<(), LoadError> {
    refuse_unused(&origin.file(), format, options)?;
    note_unused(origin, format, options);
    Ok(())
}

/// Returns an error if an option is set for which the format has no use:
///
/// * `member` for a file that is no archive;
/// * `table` where there is only one table;
/// * `geom` where each row has only one geometry;
/// * `srid` where the format always states the coordinate system;
/// * `order` and `rows`, which only JSON rows have;
/// * `extent`, which only rasters have.
///
/// In an archive the other options are for the member.
fn refuse_unused(file: &str, format: InputFormat, options: &LoadOptions) -> Result<(), LoadError> {
    if format == InputFormat::Zip {
        return Ok(());
    }
    let refused = |parameter, message: String| {
        Err(LoadError::BadOption {
            file: file.to_owned(),
            parameter,
            message,
        })
    };
    if options.member.is_some() {
        return refused(
            Parameter::Member,
            "this is no archive; leave it out".to_owned(),
        );
    }
    if options.table.is_some() && !has_tables(format) {
        let message = format!("{format} has no tables to choose from; leave it out");
        return refused(Parameter::Table, message);
    }
    if options.srid.is_some() && states_system(format) {
        let message = format!(
            "positions of {format} are longitude and latitude, or state their system; leave it out"
        );
        return refused(Parameter::Srid, message);
    }
    if options.extent.is_some() && !is_raster(format) {
        let message = format!("{format} is no raster; leave it out");
        return refused(Parameter::Extent, message);
    }
    match format {
        // JSON may turn out to be rows, which have these options.
        InputFormat::Json | InputFormat::GeoJson | InputFormat::GeoJsonLines => Ok(()),
        _ => refuse_json_options(file, format, options),
    }
}

/// Notes for the report that columns of longitudes and latitudes are named for a file whose
/// positions are in no columns. That is no error, since configurations of other heat maps name them
/// for all their files.
fn note_unused(origin: &Origin, format: InputFormat, options: &LoadOptions) {
    let is_named = options.lon.is_some() || options.lat.is_some();
    if is_named && has_no_position_columns(format) {
        origin.note_unused_columns(format);
    }
}

/// Returns an error if an option is set that JSON rows have, and files of this format have not.
pub(super) fn refuse_json_options(
    file: &str,
    format: InputFormat,
    options: &LoadOptions,
) -> Result<(), LoadError> {
    if options.geom.is_some() && !has_geometry_columns(format) {
        return Err(LoadError::BadOption {
            file: file.to_owned(),
            parameter: Parameter::Geom,
            message: format!("{format} has no columns of geometries to choose from; leave it out"),
        });
    }
    let set = [
        (Parameter::Order, options.order.is_some()),
        (Parameter::Rows, options.rows.is_some()),
    ];
    match set.into_iter().find(|(_, is_set)| *is_set) {
        None => Ok(()),
        Some((parameter, _)) => Err(LoadError::BadOption {
            file: file.to_owned(),
            parameter,
            message: format!(
                "only JSON rows that are not GeoJSON have it, not {format}; leave it out"
            ),
        }),
    }
}

fn is_raster(format: InputFormat) -> bool {
    matches!(format, InputFormat::GeoTiff | InputFormat::Npy)
}

fn has_tables(format: InputFormat) -> bool {
    matches!(format, InputFormat::GeoPackage | InputFormat::Xlsx)
}

fn states_system(format: InputFormat) -> bool {
    matches!(
        format,
        InputFormat::Json
            | InputFormat::GeoJson
            | InputFormat::GeoJsonLines
            | InputFormat::Gpx
            | InputFormat::Kml
            | InputFormat::Tcx
            | InputFormat::Nmea
            | InputFormat::Fit
    )
}

fn has_no_position_columns(format: InputFormat) -> bool {
    matches!(
        format,
        InputFormat::Gpx
            | InputFormat::Kml
            | InputFormat::Tcx
            | InputFormat::Nmea
            | InputFormat::Fit
            | InputFormat::Shapefile
            | InputFormat::GeoTiff
            | InputFormat::Npy
    )
}

fn has_geometry_columns(format: InputFormat) -> bool {
    matches!(
        format,
        InputFormat::Csv
            | InputFormat::Tsv
            | InputFormat::Parquet
            | InputFormat::Arrow
            | InputFormat::GeoPackage
            | InputFormat::Xlsx
            | InputFormat::Json
    )
}
