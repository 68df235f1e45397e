//! placeholder
#![forbid(unsafe_code)]

pub mod encode;
pub mod opacity;
pub mod ramp;
pub mod ramps;
