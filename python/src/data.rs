//! Points with the report on the rows they were read from: arrays, Arrow tables, files, addresses
//! and databases.

use crate::errors;
use crate::packed::PackedFile;
use crate::work::{Reporter, interruptible, interruptible_with};
use heatsplat::loader::{
    Arrays, Column, Columns, LoadError, LoadOptions, Report, SkipReason, Source, Table, load_table,
    open, read_arrays, read_record_batches,
};
use heatsplat::packed::is_packed_file;
use heatsplat::points::{LonLatBox, Points};
use heatsplat::render::{PointSet, Quantity};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3_arrow::PyRecordBatchReader;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Points, the columns whose values were kept beside them, and the report on the rows that were
/// read.
#[pyclass(frozen, module = "heatsplat._heatsplat")]
pub(crate) struct Data {
    pub(crate) points: Arc<Points>,
    pub(crate) table: Arc<Table>,
    pub(crate) quantity: Quantity,
    report: Report,
    columns: Columns,
}

impl Data {
    /// The points as a set with the [`Quantity`] that their weights measure, so that legends name
    /// it and its unit.
    pub(crate) fn set(&self) -> PointSet {
        PointSet::new(Arc::clone(&self.points)).measuring(self.quantity.clone())
    }

    /// The entry in the metadata of a packed file about these rows, of which the layer `name` has
    /// `kept` points.
    pub(crate) fn source_of_pack(&self, name: &str, kept: usize) -> Value {
        let mut skipped = Map::new();
        for reason in SkipReason::ALL {
            if self.report.skipped(reason) > 0 {
                skipped.insert(reason.name().to_owned(), self.report.skipped(reason).into());
            }
        }
        json!({
            "name": name,
            "rows": self.report.rows,
            "kept": kept,
            "skipped": skipped,
            "filtered": self.report.filtered + self.report.kept - kept as u64,
            "weight": self.columns.weight,
        })
    }
}

#[pymethods]
impl Data {
    /// The report on the rows as a dictionary:
    ///
    /// * counts of rows, like `rows`, `kept` and `filtered`,
    /// * `skipped`: a count for each reason for which rows were skipped,
    /// * `examples`: some skipped rows, each as line, reason and text,
    /// * `notes`: sentences about the rows,
    /// * `columns`: the way in which the columns were chosen, as a sentence.
    #[getter]
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let report = &self.report;
        let skipped = PyDict::new(py);
        for reason in SkipReason::ALL {
            if report.skipped(reason) > 0 {
                skipped.set_item(reason.name(), report.skipped(reason))?;
            }
        }
        let examples = PyList::empty(py);
        for row in &report.examples {
            examples.append((row.line, row.skip.name(), &row.found))?;
        }
        let all = PyDict::new(py);
        all.set_item("rows", report.rows)?;
        all.set_item("kept", report.kept)?;
        all.set_item("filtered", report.filtered)?;
        all.set_item("weights_missing", report.weights_missing)?;
        all.set_item("at_null_island", report.at_null_island)?;
        all.set_item("skipped", skipped)?;
        all.set_item("examples", examples)?;
        all.set_item("notes", report.notes())?;
        all.set_item("columns", &self.columns.why)?;
        Ok(all)
    }

    /// The names of the columns whose values are kept beside the points.
    #[getter]
    fn kept(&self) -> Vec<String> {
        let columns = self.table.columns().iter();
        columns.map(|column| column.name().to_owned()).collect()
    }

    /// True if the points stay in a packed file.
    #[getter]
    fn is_packed(&self) -> bool {
        self.points.as_slice().is_none()
    }

    /// The number of points.
    fn __len__(&self) -> usize {
        self.points.summary().count
    }

    /// The west, south, east and north edge of the box around the points, in degrees. `None` if
    /// there are no points.
    #[getter]
    fn bounds(&self) -> Option<[f64; 4]> {
        self.points.summary().bounds.map(LonLatBox::edges)
    }
}

/// Reads arrays of longitudes and latitudes in degrees, and of weights. Without `weight` each point
/// weighs 1. Points outside of the box `within` (west, south, east, north) are left out. `unit` is
/// the unit of the weights, for legends.
#[pyfunction]
pub(crate) fn from_arrays(
    py: Python<'_>,
    lon: PyReadonlyArray1<'_, f64>,
    lat: PyReadonlyArray1<'_, f64>,
    weight: Option<PyReadonlyArray1<'_, f32>>,
    within: Option<[f64; 4]>,
    unit: Option<String>,
) -> PyResult<Data> {
    let arrays = Arrays {
        lon: lon.as_slice().map_err(errors::data)?,
        lat: lat.as_slice().map_err(errors::data)?,
        weight: weight
            .as_ref()
            .map(|weight| weight.as_slice())
            .transpose()
            .map_err(errors::data)?,
    };
    let options = LoadOptions {
        within: within.map(bounds).transpose()?,
        ..LoadOptions::default()
    };
    let reporter = Reporter::new(None);
    read(py, unit, &reporter, || {
        read_arrays(arrays, "the arrays", &options)
    })
}

/// Reads an Arrow table: any Python object with the method `__arrow_c_stream__`. `name` stands for
/// it in messages. The other arguments are as in [`from_source`].
#[pyfunction]
pub(crate) fn from_arrow(
    py: Python<'_>,
    table: PyRecordBatchReader,
    name: &str,
    options: HashMap<String, String>,
    keep: Vec<String>,
    within: Option<[f64; 4]>,
    unit: Option<String>,
) -> PyResult<Data> {
    let options = load_options(options, keep, within)?;
    let batches = table.into_reader().map_err(errors::data)?;
    let schema = batches.schema();
    let reporter = Arc::new(Reporter::new(None));
    // Many small batches are read as one.
    let looking = Arc::clone(&reporter);
    let batches = batches.inspect(move |_| looking.check());
    read(py, unit, &reporter, || {
        read_record_batches(&schema, batches, name, &options)
    })
}

/// Reads a file or an address.
///
/// `options` are Python's arguments that are texts, by their names, like `lon` or `filter`. `keep`
/// has the names of the columns whose values are kept. Points outside of the box `within` (west,
/// south, east, north, in degrees) are left out. `unit` is the unit of the weights, for legends.
#[pyfunction]
pub(crate) fn from_source(
    py: Python<'_>,
    source: &str,
    options: HashMap<String, String>,
    keep: Vec<String>,
    within: Option<[f64; 4]>,
    unit: Option<String>,
) -> PyResult<Data> {
    if is_packed_file(source) {
        let given = options.keys().next().map(String::as_str);
        let given = given.or(within.map(|_| "within"));
        return from_packed(py, source, given, &keep, unit);
    }
    let options = load_options(options, keep, within)?;
    read(py, unit, &Reporter::new(None), || open(source, &options))
}

/// Opens a packed file. `given` is an argument that is for rows, and `keep` are columns that the
/// file must have.
fn from_packed(
    py: Python<'_>,
    source: &str,
    given: Option<&str>,
    keep: &[String],
    unit: Option<String>,
) -> PyResult<Data> {
    if let Some(given) = given {
        return Err(errors::data(format!(
            "{source}: {given}= is for rows, and this file is packed: it has points already"
        )));
    }
    let opened = interruptible(py, || {
        let file = PackedFile::open(source).map_err(|error| error.to_string())?;
        let table = file.table().map_err(|error| error.to_string())?;
        Ok::<_, String>((file, table))
    })?;
    let (file, table) = opened.map_err(errors::data)?;
    for name in keep {
        if table.column(name).is_none() {
            let names: Vec<&str> = table.columns().iter().map(Column::name).collect();
            let names = names.join(", ");
            return Err(errors::data(format!(
                "{source}: has no column \"{name}\"; it has: {names}"
            )));
        }
    }
    let points = file.points();
    let mut report = Report::default();
    report.rows = points.summary().count as u64;
    report.kept = report.rows;
    let columns = Columns::of_packed(file.weight(), "a packed file".to_owned());
    let quantity = Quantity::of_rows(columns.weight.as_deref());
    Ok(Data {
        points: Arc::new(points),
        table: Arc::new(table),
        quantity: quantity.in_unit(unit.as_deref()),
        report,
        columns,
    })
}

/// Opens a source by `open` and reads it to its end, without the interpreter's lock. `unit` is the
/// unit of the weights. Ctrl-C ends the reading.
fn read<'s>(
    py: Python<'_>,
    unit: Option<String>,
    reporter: &Reporter,
    open: impl FnOnce() -> Result<Box<dyn Source + 's>, LoadError> + Send,
) -> PyResult<Data> {
    let data = interruptible_with(py, reporter, || {
        let mut source = open()?;
        let (points, table, report) = load_table(&mut *source, |_| reporter.check())?;
        let columns = source.columns().clone();
        let quantity = Quantity::of_rows(columns.weight.as_deref());
        Ok(Data {
            points: Arc::new(points),
            table: Arc::new(table),
            quantity: quantity.in_unit(unit.as_deref()),
            report,
            columns,
        })
    })?;
    data.map_err(errors::load)
}

/// Makes the loader's options of Python's arguments: `texts` are the arguments that are texts, by
/// their names, like `lon` or `filter`. `keep` and `within` are as in [`from_source`]. A name that
/// is no option is an error.
fn load_options(
    texts: HashMap<String, String>,
    keep: Vec<String>,
    within: Option<[f64; 4]>,
) -> PyResult<LoadOptions> {
    let mut options = LoadOptions {
        keep,
        within: within.map(bounds).transpose()?,
        ..LoadOptions::default()
    };
    for (name, text) in texts {
        let refused =
            |error: &dyn std::fmt::Display| errors::data(format!("{name}={text}: {error}"));
        match name.as_str() {
            "lon" => options.lon = Some(text),
            "lat" => options.lat = Some(text),
            "weight" => options.weight = Some(text),
            "geom" => options.geom = Some(text),
            "table" => options.table = Some(text),
            "member" => options.member = Some(text),
            "rows" => options.rows = Some(text),
            "filter" => options.filter = Some(text.parse().map_err(|e| refused(&e))?),
            "format" => options.format = Some(text.parse().map_err(|e| refused(&e))?),
            "encoding" => options.encoding = Some(text.parse().map_err(|e| refused(&e))?),
            "order" => options.order = Some(text.parse().map_err(|e| refused(&e))?),
            "decimal" => options.decimal = Some(text.parse().map_err(|e| refused(&e))?),
            "areas" => options.shapes.areas = text.parse().map_err(|e| refused(&e))?,
            "lines" => options.shapes.lines = text.parse().map_err(|e| refused(&e))?,
            "srid" => options.srid = Some(text.parse().map_err(|e| refused(&e))?),
            "datum_error" => options.datum_error = Some(text.parse().map_err(|e| refused(&e))?),
            _ => return Err(errors::data(format!("there is no argument {name}="))),
        }
    }
    Ok(options)
}

/// A box from its edges in degrees: west, south, east, north.
pub(crate) fn bounds([west, south, east, north]: [f64; 4]) -> PyResult<LonLatBox> {
    LonLatBox::new(west, south, east, north).map_err(errors::data)
}
