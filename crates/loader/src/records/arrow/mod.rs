//! Reading of Arrow IPC, which is either a file (Feather 2) or a stream.

pub(super) mod columns;
pub(super) mod geoarrow;
mod messages;

use super::{RecordReader, RecordSourceBuilder, damaged};
use crate::columns as names;
use crate::columns::axes::{self, NamedAxes};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::places::{PlaceColumn, PlaceColumnError, PlaceSample, is_wanted};
use crate::source::Source;
use arrow_array::RecordBatch;
use arrow_ipc::MetadataVersion;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use columns::{ColumnProjection, GeometryColumn, asked_for, note_whole, positions_from};
use geoarrow::{GeometryKind, extension, may_be_geometry};
use messages::{Footer, IpcError, IpcMessage, decoder};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

/// The first bytes of an Arrow file. A stream begins with other bytes.
pub(crate) const MAGIC: &[u8] = b"ARROW1";

/// A source that reads the Arrow file at a path.
pub(crate) fn file(
    path: &Path,
    mut origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let failed = |source| LoadError::Open {
        file: origin.file(),
        source,
    };
    let opened = File::open(path).map_err(failed)?;
    let length = opened.metadata().map_err(failed)?.len();
    origin.bytes_total = Some(length);
    let mut opened = origin.counted(opened);
    let footer =
        Footer::read(&mut opened, length).map_err(|error| damaged(&origin, "footer", error))?;
    let mut parts = footer.parts.into_iter();
    let parts = move || {
        let next = parts.next();
        next.map(|part| IpcMessage::at(&mut opened, part))
            .transpose()
    };
    start_decoded(footer.schema, footer.version, parts, origin, options)
}

/// A source that reads an input as an Arrow stream.
pub(crate) fn stream(input: Input, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        ..
    } = input;
    let mut reader = Cursor::new(sample).chain(rest);
    let failed = |error: IpcError| damaged(&origin, "schema", error);
    let first = IpcMessage::next(&mut reader).map_err(failed)?;
    let (schema, version) = first
        .ok_or_else(|| "it ends before its schema".into())
        .and_then(|first| first.schema())
        .map_err(failed)?;
    let parts = move || IpcMessage::next(&mut reader);
    start_decoded(schema, version, parts, origin, options)
}

/// Starts a source of the messages that `parts` returns one by one. The source ends when `parts`
/// returns `None`.
fn start_decoded(
    schema: Schema,
    version: MetadataVersion,
    mut parts: impl FnMut() -> Result<Option<IpcMessage>, IpcError> + Send + 'static,
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let schema = Arc::new(schema);
    let (of, mut made) = (Arc::clone(&schema), None);
    let batches = move |columns: &[usize]| {
        let new = || decoder(Arc::clone(&of), version, columns.to_vec());
        let decoder = made.get_or_insert_with(new);
        while let Some(part) = parts()? {
            // Other messages have dictionaries, which the decoder stores.
            if let Some(batch) = part.decode(decoder)? {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    };
    start(&schema, batches, origin, options)
}

/// Opens batches of Arrow, which a program has in memory or receives one by one, as a source. They
/// are read as the batches of an Arrow file are. `name` is the source's name in messages.
///
/// # Errors
/// The columns of positions are not found, or an option names a column that isn't there.
pub fn read_record_batches(
    schema: &Schema,
    batches: impl IntoIterator<Item = Result<RecordBatch, ArrowError>, IntoIter: Send + 'static>,
    name: &str,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let origin = Origin::in_memory(name);
    let mut batches = batches.into_iter();
    let next = move |columns: &[usize]| {
        let batch = batches.next().transpose()?;
        Ok(batch.map(|batch| batch.project(columns)).transpose()?)
    };
    start(schema, next, origin, options)
}

/// Starts a source of the batches that `batches` returns one by one. The source ends when `batches`
/// returns `None`. `batches` is called with the indexes in the schema of the columns that a batch
/// is to have, in ascending order.
fn start(
    schema: &Schema,
    mut batches: impl FnMut(&[usize]) -> Result<Option<RecordBatch>, IpcError> + Send + 'static,
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let name = origin.file();
    // If options name columns of degrees, geometries and their coordinate system are not used.
    let by_degrees = options.lon.is_some() || options.lat.is_some();
    let geometries = match by_degrees {
        true => None,
        false => geometry(schema, options.geom.as_deref(), &origin)?,
    };
    let (geometry, crs) = match geometries {
        Some((column, _)) if column.is_plain => (Some(column), Crs::unstated(options, &name)?),
        Some((column, crs)) => {
            Crs::refuse_option(options, &name, "its column of geometries")?;
            (Some(column), crs)
        }
        None => (None, Crs::unstated(options, &name)?),
    };
    let errors = origin.clone();
    let failed = move |number: u64, error| damaged(&errors, format!("batch {number}"), error);
    let seen: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let (mut crs, mut whole, mut first, mut used) = (crs, None, None, None);
    if geometry.is_none() && is_wanted(&seen, options) {
        // The first batch is examined and read again, so all batches have all columns.
        let all: Vec<usize> = (0..seen.len()).collect();
        first = batches(&all).map_err(|error| failed(1, error))?;
        whole = whole_column(&seen, first.as_ref(), options, &name)?;
        used = Some(all);
    }
    let whole = match &whole {
        Some(column) => {
            let found = column.crs(options, &name)?;
            crs = found.0;
            Some((column, found.1))
        }
        None => None,
    };
    let (projection, columns) = ColumnProjection::resolve(schema, geometry, whole, options, &name)?;
    let (projection, used) = match used {
        Some(all) => (projection, all),
        None => (projection.projected(), projection.all()),
    };
    let reader: RecordReader = Box::new(move |sink| {
        let mut number = 1u64;
        let mut next = || match first.take() {
            Some(first) => Ok(Some(first)),
            None => batches(&used),
        };
        while let Some(batch) = next().map_err(|error| failed(number, error))? {
            projection.read_rows(&batch, sink)?;
            number += 1;
        }
        Ok(())
    });
    RecordSourceBuilder::new(origin, columns, crs, options).start(vec![reader])
}

/// The column of whole positions among the columns `seen`, by the rows of the first batch, which
/// has all columns.
fn whole_column(
    seen: &[String],
    first: Option<&RecordBatch>,
    options: &LoadOptions,
    file: &str,
) -> Result<Option<PlaceColumn>, LoadError> {
    let refused = |error: PlaceColumnError| {
        let schema = names::Schema { names: seen, file };
        error.into_load_error(schema)
    };
    let mut sample = PlaceSample::new(seen, options).map_err(refused)?;
    if let Some(first) = first {
        note_whole(&mut sample, first, 0..seen.len());
    }
    sample.find().map_err(refused)
}

/// The metadata of a field's extension type, which are a JSON object; `None` if the field has none.
fn extension_metadata(
    field: &Field,
    origin: &Origin,
) -> Result<Option<Map<String, Value>>, LoadError> {
    let text = field.metadata().get("ARROW:extension:metadata");
    let text = text.filter(|text| !text.trim().is_empty());
    let said = text.map(|text| serde_json::from_str(text)).transpose();
    said.map_err(|error| {
        let what = format!("the metadata of the column {:?}", field.name());
        damaged(origin, what, error)
    })
}

/// Returns whether a name is usual for a column of geometries. Such a column is recognised without
/// an extension type.
pub(super) fn is_usual(name: &str) -> bool {
    matches!(name, "geometry" | "geom" | "wkb_geometry")
}

/// The only column whose values are structures of two coordinates. `None` if there is none, or if
/// columns of numbers are called longitude and latitude.
///
/// # Errors
/// There are several such columns.
fn only_structure<'s>(schema: &'s Schema, origin: &Origin) -> Result<Option<&'s Field>, LoadError> {
    let is_place = |field: &&Field| match field.data_type() {
        DataType::Struct(fields) => geoarrow::axes(fields).is_some(),
        _ => false,
    };
    let fields = schema.fields().iter().map(|field| &**field);
    let found: Vec<&Field> = fields.filter(is_place).collect();
    let seen: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    match (found.as_slice(), axes::find(&seen, true)) {
        ([], _) | (_, NamedAxes::Found(..) | NamedAxes::Several(_)) => Ok(None),
        ([only], _) => Ok(Some(only)),
        (several, _) => {
            let names: Vec<&String> = several.iter().map(|field| field.name()).collect();
            Err(LoadError::BadOption {
                file: origin.file(),
                parameter: Parameter::Geom,
                message: format!(
                    "several columns hold positions; name one of them: {}",
                    crate::messages::list(&names)
                ),
            })
        }
    }
}

/// The column of geometries, and its coordinate system; `None` if there are no geometries. It is
/// the column that the option `geom` names. Without the option it is the first column with an
/// extension type of GeoArrow or, if there is none, the first column with a usual name.
pub(super) fn geometry(
    schema: &Schema,
    asked: Option<&str>,
    origin: &Origin,
) -> Result<Option<(GeometryColumn, Crs)>, LoadError> {
    let asked = match asked {
        Some(name) => match asked_for(schema, name, origin)? {
            Some(name) => Some(name),
            None => return Ok(None),
        },
        None => None,
    };
    let is_typed = |field: &Field| {
        extension(field).is_some_and(|kind| kind.starts_with("geoarrow.") || kind == "ogc.wkb")
    };
    let fields = || {
        let fields = schema.fields().iter();
        fields.filter(|field| may_be_geometry(field))
    };
    let found = match &asked {
        Some(asked) => fields().find(|field| field.name() == asked),
        None => fields()
            .find(|field| is_typed(field))
            .or_else(|| fields().find(|field| is_usual(field.name()))),
    };
    let found = match (found, &asked) {
        (None, None) => only_structure(schema, origin)?,
        (found, _) => found.map(|field| &**field),
    };
    let Some(field) = found else { return Ok(None) };
    let said = match extension_metadata(field, origin) {
        Err(error) if is_typed(field) => return Err(error),
        // The metadata of an unknown extension type may have any form. They are ignored if they
        // can't be read.
        said => said.ok().flatten(),
    };
    let crs = said.as_ref().and_then(|said| said.get("crs"));
    let crs = geoarrow::crs(crs, |key| schema.metadata().get(key).cloned(), &origin.name)?;
    let all: Vec<String> = fields()
        .filter(|field| is_typed(field))
        .map(|field| field.name().clone())
        .collect();
    let column = GeometryColumn {
        name: field.name().clone(),
        kind: extension(field).and_then(GeometryKind::from_name),
        why: positions_from(field.name(), &all),
        is_plain: extension(field).is_none() && matches!(field.data_type(), DataType::Struct(_)),
    };
    Ok(Some((column, crs)))
}
