//! Errors of the library as exceptions of the Python package.

use heatsplat::loader::{LoadError, Parameter};
use pyo3::PyErr;

mod python {
    pyo3::import_exception!(heatsplat.errors, DataError);
    pyo3::import_exception!(heatsplat.errors, StyleError);
    pyo3::import_exception!(heatsplat.errors, HeatsplatError);
}

/// An exception about data that can't be used.
pub(crate) fn data(error: impl std::fmt::Display) -> PyErr {
    python::DataError::new_err(with_arguments(&error.to_string()))
}

/// An exception about data that couldn't be loaded.
pub(crate) fn load(error: LoadError) -> PyErr {
    match error {
        LoadError::Open { ref source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            pyo3::exceptions::PyFileNotFoundError::new_err(error.to_string())
        }
        error => data(error),
    }
}

/// An exception about a style.
pub(crate) fn style(error: impl std::fmt::Display) -> PyErr {
    python::StyleError::new_err(error.to_string())
}

/// An exception of any other kind.
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
