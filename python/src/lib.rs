//! The part of the Python package `heatsplat` that is written in Rust. The classes that users see
//! are in `heatsplat/*.py`; they check arguments and call the functions here.

#![forbid(unsafe_code)]

mod data;
mod errors;
mod export;
mod layer;
mod pack;
mod packed;
mod serve;
mod work;

/// The module `heatsplat._heatsplat`.
#[pyo3::pymodule]
mod _heatsplat {
    #[pymodule_export]
    use crate::data::{Data, from_arrays, from_arrow, from_source};
    #[pymodule_export]
    use crate::export::export;
    #[pymodule_export]
    use crate::layer::{Layer, against, ramp_names, style_names};
    #[pymodule_export]
    use crate::pack::pack;
    #[pymodule_export]
    use crate::serve::Server;

    /// The version of heatsplat.
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
