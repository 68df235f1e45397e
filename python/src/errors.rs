//! Errors of the library as exceptions of the Python package.

use heatsplat::loader::{LoadError, Parameter};
use pyo3::PyErr;

mod python {
    pyo3::import_exception!(heatsplat.errors, DataError);
    pyo3::import_exception!(heatsplat.errors, StyleError);
    pyo3::import_exception!(heatsplat.errors, HeatsplatError);
    pyo3::import_exception!(heatsplat.errors, WriteError);
    pyo3::import_exception!(heatsplat.errors, ExistsError);
    pyo3::import_exception!(heatsplat.errors, ServeError);
}

/// A `DataError`: data or a parameter of the loader that can't be used.
pub(crate) fn data(error: impl std::fmt::Display) -> PyErr {
    python::DataError::new_err(with_arguments(&error.to_string()))
}

/// An exception about data that couldn't be loaded: `FileNotFoundError` if there is no such file,
/// otherwise a `DataError`.
pub(crate) fn load(error: LoadError) -> PyErr {
    match error {
        LoadError::Open { ref source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            pyo3::exceptions::PyFileNotFoundError::new_err(error.to_string())
        }
        error => data(error),
    }
}

/// A `StyleError`: a style that can't be used.
pub(crate) fn style(error: impl std::fmt::Display) -> PyErr {
    python::StyleError::new_err(error.to_string())
}

/// A `WriteError`: a file that can't be written.
pub(crate) fn write(error: impl std::fmt::Display) -> PyErr {
    python::WriteError::new_err(error.to_string())
}

/// An `ExistsError`: a file that is there already, or was left by work that was broken off.
pub(crate) fn exists(error: impl std::fmt::Display) -> PyErr {
    python::ExistsError::new_err(error.to_string())
}

/// A `ServeError`: a server that can't listen or has failed.
pub(crate) fn serve(error: impl std::fmt::Display) -> PyErr {
    python::ServeError::new_err(error.to_string())
}

/// A `HeatsplatError`: any failure that isn't about data or a style.
pub(crate) fn other(error: impl std::fmt::Display) -> PyErr {
    python::HeatsplatError::new_err(error.to_string())
}

/// Rewrites a message of the loader, which names a parameter in backticks, like `` `srid` ``, so
/// that it names the argument of Python, like `srid=`.
fn with_arguments(message: &str) -> String {
    let mut text = message.to_owned();
    for name in Parameter::ALL.map(Parameter::name) {
        for before in [' ', '('] {
            text = text.replace(&format!("{before}`{name}`: "), &format!("{before}{name}: "));
            text = text.replace(&format!("{before}`{name}` "), &format!("{before}{name}="));
            text = text.replace(&format!("{before}`{name}`"), &format!("{before}{name}="));
        }
    }
    text
}
