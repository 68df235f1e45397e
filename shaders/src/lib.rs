//! The WGSL sources of heatsplat's GPU backend, one stage a file, each named
//! like its CPU twin in `heatsplat-render`.
//!
//! This crate depends on nothing, so that any program that speaks WGSL can
//! take the shaders. The CPU backend is the reference; the stages arrive with
//! the GPU backend.
#![forbid(unsafe_code)]
