//! Refusal of options that have no effect on how a document's positions are read, since the caller
//! expects that they have one.

use crate::error::LoadError;
use crate::options::LoadOptions;
use crate::parameter::Parameter;

/// The first of `parameters` that is set in the options; `None` if none of them is.
pub(super) fn first_set(options: &LoadOptions, parameters: &[Parameter]) -> Option<Parameter> {
    let is_set = |parameter: &&Parameter| match parameter {
        Parameter::Lon => options.lon.is_some(),
        Parameter::Lat => options.lat.is_some(),
        Parameter::Pair => options.pair.is_some(),
        Parameter::Geom => options.geom.is_some(),
        Parameter::Order => options.order.is_some(),
        Parameter::Decimal => options.decimal.is_some(),
        _ => false,
    };
    parameters.iter().find(is_set).copied()
}

/// Returns an error that names `parameter`, an option that is set without effect. With `None` there
/// is no such option, and no error.
pub(super) fn refuse(parameter: Option<Parameter>, file: &str) -> Result<(), LoadError> {
    match parameter {
        None => Ok(()),
        Some(parameter) => Err(LoadError::BadOption {
            file: file.to_owned(),
            parameter,
            message: "these positions have no use for it; leave it out".to_owned(),
        }),
    }
}
