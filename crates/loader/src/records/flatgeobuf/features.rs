//! Reading of the features of a FlatGeobuf file: their geometries and their properties. The header
//! states the columns of properties.

use super::super::{Geometry, ReadFailure, RecordSink, damaged, unreadable};
use crate::input::Origin;
use crate::shape::{COLLECTION_DEPTH, Outline, ShapeCollector, ShapeKind};
use crate::time::time;
use crate::value::Value;
use flatgeobuf::{
    ColumnType, Feature, Geometry as FgbGeometry, GeometryType, Header,
    size_prefixed_root_as_feature,
};
use std::fmt::Display;
use std::io::{self, Read, Seek, SeekFrom};

/// The most bytes that a feature may have, a choice: 16 MiB are enough for a MultiPoint of a
/// million points.
const LONGEST: u32 = 16 << 20;

/// The type of the features' geometries and of their columns, as the header states them, and the
/// column of weights.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    kind: GeometryType,
    columns: Vec<ColumnType>,
    /// The index of the column of weights; `None` if every feature counts 1.
    weight: Option<usize>,
}

impl Layout {
    pub(super) fn new(header: &Header<'_>, weight: Option<usize>) -> Self {
        let columns = header.columns();
        let columns = columns.map(|columns| columns.iter().map(|c| c.type_()).collect());
        Self {
            kind: header.geometry_type(),
            columns: columns.unwrap_or_default(),
            weight,
        }
    }
}

/// A reader of features, which reads one at a time.
pub(super) struct Features<'o, R> {
    reader: R,
    layout: Layout,
    origin: &'o Origin,
    buffer: Vec<u8>,
}

impl<'o, R: Read> Features<'o, R> {
    pub(super) fn new(reader: R, layout: Layout, origin: &'o Origin) -> Self {
        Self {
            reader,
            layout,
            origin,
            buffer: Vec::new(),
        }
    }

    /// Reads the next feature and sends it to a sink. Returns `false` at the end of the file.
    /// `place` names the feature in errors.
    pub(super) fn next(
        &mut self,
        place: &dyn Display,
        sink: &mut RecordSink,
    ) -> Result<bool, ReadFailure> {
        let there = self
            .fill()
            .map_err(|error| unreadable(self.origin, place, error))?;
        if there {
            let feature = size_prefixed_root_as_feature(&self.buffer)
                .map_err(|error| damaged(self.origin, place, error))?;
            self.layout.read(feature, self.buffer.len() / 16, sink)?;
        }
        Ok(there)
    }

    /// Fills the buffer with the size of the next feature and the feature itself. Returns `false`
    /// at the end of the file. Memory is allocated only for bytes that are really there.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.clear();
        let early = || Err(io::ErrorKind::UnexpectedEof.into());
        match (&mut self.reader).take(4).read_to_end(&mut self.buffer)? {
            0 => return Ok(false),
            4 => (),
            _ => return early(),
        }
        let size = self
            .buffer
            .first_chunk()
            .map_or(0, |size| u32::from_le_bytes(*size));
        if size > LONGEST {
            let what = format!("a feature of {size} bytes; at most {LONGEST} are read");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let got = (&mut self.reader)
            .take(size.into())
            .read_to_end(&mut self.buffer)?;
        if got < size as usize {
            early()
        } else {
            Ok(true)
        }
    }
}

impl<R: Read + Seek> Features<'_, R> {
    pub(super) fn go_to(&mut self, place: SeekFrom) -> io::Result<u64> {
        self.reader.seek(place)
    }
}

impl Layout {
    /// Sends a feature to a sink. `most` is the most positions that its geometry may have: as many
    /// as fit into its bytes. Parts may share their positions, so a damaged feature may seem to
    /// have more.
    fn read(
        &self,
        feature: Feature<'_>,
        mut most: usize,
        sink: &mut RecordSink,
    ) -> Result<(), ReadFailure> {
        let properties = feature.properties().map_or(&[][..], |p| p.bytes());
        let value = |column| self.value(properties, column);
        if !sink.selects(value)? {
            return Ok(());
        }
        let weight = self.weight.map(value);
        let weight = weight.as_ref();
        let Some(geometry) = feature.geometry() else {
            return Ok(sink.record(Geometry::Nothing("geometry null"), weight)?);
        };
        let kind = match self.kind {
            GeometryType::Unknown => geometry.type_(),
            known => known,
        };
        let mut pairs = positions(geometry);
        match kind {
            GeometryType::Point => match pairs.next() {
                Some((x, y)) => sink.record(Geometry::Point(x, y), weight)?,
                None => sink.record(Geometry::Nothing("empty Point"), weight)?,
            },
            GeometryType::MultiPoint => sink.record(Geometry::MultiPoint(&mut pairs), weight)?,
            other => {
                let name = other.variant_name().unwrap_or("of an unknown kind");
                sink.shape(name, weight, |shapes| {
                    collect(geometry, other, shapes, (COLLECTION_DEPTH, &mut most))
                })?;
            }
        }
        Ok(())
    }

    /// The value of a feature in the column with the index `wanted`; null if the feature has none.
    /// `rest` is the bytes of the feature's properties: for each column that has a value, the
    /// column's index and the value.
    fn value(&self, mut rest: &[u8], wanted: usize) -> Value<'static> {
        let broken = || Value::text("properties that break off".to_owned());
        while let Some((column, behind)) = rest.split_first_chunk() {
            let column = usize::from(u16::from_le_bytes(*column));
            let Some((value, behind)) = self.columns.get(column).and_then(|k| split(*k, behind))
            else {
                return broken();
            };
            if column == wanted {
                return self
                    .columns
                    .get(column)
                    .and_then(|kind| read(*kind, value))
                    .unwrap_or_else(broken);
            }
            rest = behind;
        }
        Value::Null
    }
}

/// The positions of a geometry, without those of its parts.
fn positions(geometry: FgbGeometry<'_>) -> impl Iterator<Item = (f64, f64)> {
    geometry.xy().into_iter().flat_map(|xy| {
        let pair = move |i: usize| (xy.get(2 * i), xy.get(2 * i + 1));
        (0..xy.len() / 2).map(pair)
    })
}

/// Subtracts the positions of a geometry from those that may still be read. `None` if these are
/// too few.
fn count(geometry: FgbGeometry<'_>, left: &mut usize) -> Option<()> {
    let count = geometry.xy().map_or(0, |xy| xy.len() / 2);
    *left = left.checked_sub(count)?;
    Some(())
}

/// The lines or rings of a geometry: its positions, cut at the ends that it states. If it states
/// none, it has a single one. `left` is the number of positions that may still be read; `None` if
/// the geometry has more.
fn parts(geometry: FgbGeometry<'_>, left: &mut usize) -> Option<Vec<Vec<(f64, f64)>>> {
    count(geometry, left)?;
    let mut positions = positions(geometry);
    Some(match geometry.ends().filter(|ends| !ends.is_empty()) {
        None => vec![positions.collect()],
        Some(ends) => {
            let mut before = 0;
            let part = |end: u32| {
                let length = end.saturating_sub(std::mem::replace(&mut before, end));
                positions.by_ref().take(length as usize).collect()
            };
            ends.iter().map(part).collect()
        }
    })
}

/// Gives all points, lines and areas of a geometry to a collector. `depth` is the number of levels
/// down to which collections may still be nested, and `left` the number of positions that may still
/// be read; `None` if the geometry has more levels or positions.
fn collect(
    geometry: FgbGeometry<'_>,
    kind: GeometryType,
    shapes: &mut ShapeCollector<'_>,
    (depth, left): (usize, &mut usize),
) -> Option<()> {
    let mut add_polygon = |outline: &mut Outline, polygon| {
        for (at, ring) in parts(polygon, left)?.into_iter().enumerate() {
            outline.add_ring(ring, at == 0);
        }
        Some(())
    };
    let members = || geometry.parts().into_iter().flatten();
    let mut area = Outline::new(ShapeKind::Area);
    match kind {
        GeometryType::Point | GeometryType::MultiPoint => {
            count(geometry, left)?;
            for (x, y) in positions(geometry) {
                shapes.point(x, y);
            }
        }
        GeometryType::LineString | GeometryType::MultiLineString => {
            let mut line = Outline::new(ShapeKind::Line);
            for part in parts(geometry, left)? {
                line.add_line(part);
            }
            shapes.outline(&line);
        }
        GeometryType::Polygon => {
            add_polygon(&mut area, geometry)?;
            shapes.outline(&area);
        }
        GeometryType::MultiPolygon => {
            for polygon in members() {
                add_polygon(&mut area, polygon)?;
            }
            shapes.outline(&area);
        }
        GeometryType::GeometryCollection => {
            let depth = depth.checked_sub(1)?;
            for member in members() {
                collect(member, member.type_(), shapes, (depth, &mut *left))?;
            }
        }
        other => shapes.skip_member(other.variant_name().unwrap_or("of an unknown kind")),
    }
    Some(())
}

/// Splits `bytes` into the value with which they begin and the rest. `kind` is the type of the
/// value. `None` if there are too few bytes.
fn split(kind: ColumnType, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match kind {
        ColumnType::Byte | ColumnType::UByte | ColumnType::Bool => bytes.split_at_checked(1),
        ColumnType::Short | ColumnType::UShort => bytes.split_at_checked(2),
        ColumnType::Int | ColumnType::UInt | ColumnType::Float => bytes.split_at_checked(4),
        ColumnType::Long | ColumnType::ULong | ColumnType::Double => bytes.split_at_checked(8),
        // Texts begin with their length, and so do values of all other types.
        _ => {
            let (length, behind) = bytes.split_first_chunk()?;
            behind.split_at_checked(u32::from_le_bytes(*length) as usize)
        }
    }
}

/// Decodes a value of the type `kind`; `None` if there are too few bytes.
fn read(kind: ColumnType, bytes: &[u8]) -> Option<Value<'static>> {
    fn first<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
        bytes.first_chunk().copied()
    }
    let number = match kind {
        ColumnType::Byte => i8::from_le_bytes(first(bytes)?).into(),
        ColumnType::UByte => u8::from_le_bytes(first(bytes)?).into(),
        ColumnType::Bool => return Some(Value::Bool(*bytes.first()? != 0)),
        ColumnType::Short => i16::from_le_bytes(first(bytes)?).into(),
        ColumnType::UShort => u16::from_le_bytes(first(bytes)?).into(),
        ColumnType::Int => i32::from_le_bytes(first(bytes)?).into(),
        ColumnType::UInt => u32::from_le_bytes(first(bytes)?).into(),
        ColumnType::Long => return Some(Value::whole(i64::from_le_bytes(first(bytes)?))),
        ColumnType::ULong => return Some(Value::whole(u64::from_le_bytes(first(bytes)?))),
        ColumnType::Float => f32::from_le_bytes(first(bytes)?).into(),
        ColumnType::Double => f64::from_le_bytes(first(bytes)?),
        ColumnType::DateTime => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            return Some(time(&text).map_or_else(|| Value::text(text), Value::Time));
        }
        ColumnType::String | ColumnType::Json => {
            return Some(Value::text(String::from_utf8_lossy(bytes).into_owned()));
        }
        _ => return Some(Value::text("binary data".to_owned())),
    };
    Some(Value::float(number))
}
