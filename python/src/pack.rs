//! Packing of a layer's points into a file, `.heat`.

use crate::data::Data;
use crate::errors;
use crate::layer::Layer;
use crate::work::{Reporter, interruptible_with};
use heatsplat::Points;
use heatsplat::heat::pack::{IfPackExists, LoggedSource, PackError, PackSettings, Packer};
use heatsplat::heat::{HeatSummary, Metadata};
use heatsplat::points::PointSink as _;
use pyo3::prelude::*;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The bytes of memory for points while they are sorted and a pyramid over them is built, beside
/// those of the layer: a choice.
const MEMORY: u64 = 256 << 20;

/// The number of points that are added at a time, between two looks for Ctrl-C: a choice.
const BATCH: usize = 1 << 18;

/// Writes the points of a layer to the file `target`. `data` are the rows that they come from.
/// `rules` are whether an existing target is replaced and whether counts are stored. Temporary
/// files go to the folder `temporary`. Returns the numbers of points and bytes, and the identity of
/// the points as hexadecimal digits.
#[pyfunction]
#[pyo3(signature = (layer, data, target, temporary, attribution, rules, progress))]
#[expect(clippy::too_many_arguments, reason = "each is an argument of Python")]
pub(crate) fn pack(
    py: Python<'_>,
    layer: PyRef<'_, Layer>,
    data: PyRef<'_, Data>,
    target: PathBuf,
    temporary: PathBuf,
    attribution: Option<String>,
    rules: (bool, bool),
    progress: Option<Py<PyAny>>,
) -> PyResult<(u64, u64, String)> {
    let (overwrite, counts) = rules;
    let settings = PackSettings {
        memory: MEMORY,
        temporary: Some(temporary),
        if_exists: match overwrite {
            true => IfPackExists::Overwrite,
            false => IfPackExists::Fail,
        },
    };
    settings.check(&target).map_err(refused)?;
    let (points, name) = (layer.layer.points(), layer.layer.name());
    let source = data.source_of_pack(name, points.summary().count);
    let mut metadata = Metadata::default();
    metadata.name = Some(name.to_owned());
    metadata.attribution = attribution;
    metadata.made_by = Some(concat!("heatsplat ", env!("CARGO_PKG_VERSION")).to_owned());
    let sources = json!([source]);
    metadata.other.insert("sources".to_owned(), sources);
    let reporter = Reporter::new(progress);
    let packed = interruptible_with(py, &reporter, || {
        write(points, (&target, settings), counts, &metadata, &reporter)
    })?;
    let summary = packed.map_err(refused)?;
    let identity = summary.identity.map(|byte| format!("{byte:02x}")).concat();
    Ok((summary.points, summary.bytes, identity))
}

fn write(
    points: &Points,
    (target, settings): (&Path, PackSettings),
    counts: bool,
    metadata: &Metadata,
    reporter: &Reporter,
) -> Result<HeatSummary, PackError> {
    let source = LoggedSource {
        name: "points".to_owned(),
        stamp: None,
    };
    let mut packer = Packer::new(target, settings, vec![source], "")?;
    if counts {
        packer = packer.with_counts();
    }
    packer.begin(0)?;
    for batch in points.as_slice().unwrap_or_default().chunks(BATCH) {
        packer.push(batch);
        packer.check()?;
        reporter.check();
    }
    packer.end(0, json!({}))?;
    packer.finish(metadata, &mut |now| {
        reporter.report(now.points, Some(now.total));
    })
}

/// An exception with the names of the arguments that solve the problem.
fn refused(error: PackError) -> PyErr {
    match error {
        PackError::Exists { .. } | PackError::Interrupted { .. } => {
            errors::exists(format!("{error}; overwrite=True replaces it"))
        }
        error => errors::write(error),
    }
}
