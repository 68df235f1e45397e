//! The only binary of integration tests. Each module tests one kind of promise. GUARANTEES.md names
//! the test of each promise.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking, and share helpers"
)]

/// The comparison of pictures, which is tested too.
mod compare;
/// The real program, run as a child process.
#[cfg(feature = "program")]
mod program;
/// Python scripts whose modules know nothing of heatsplat.
#[cfg(feature = "program")]
mod python;
/// The truth with which pictures are compared: an independent computation by brute force in f64.
mod reference;
/// Parts that tests need and that a machine may lack.
#[cfg(any(feature = "program", feature = "gpu"))]
mod requirements;
/// The sets of points that most tests draw.
mod scenes;

/// Splats that cover each other, in floating point and in 8 bits.
mod blending;
/// The viewer in a real browser.
#[cfg(feature = "program")]
mod browser;
/// The commands: what they print, write and refuse, and their exit codes.
#[cfg(feature = "program")]
mod cli;
/// Configuration files: they are saved and read, and their changes are followed.
#[cfg(feature = "program")]
mod config;
/// Configuration files with errors.
#[cfg(feature = "program")]
mod config_errors;
/// Points at ±180° and at the poles.
mod date_line;
/// Pictures of other heat maps in a real browser, compared with those of heatsplat.
#[cfg(feature = "program")]
mod dialects;
/// The commands in README.md and docs/.
#[cfg(all(feature = "program", feature = "postgis", unix))]
mod docs;
/// Kernels at every pixel, above all those with an edge.
mod edges;
/// `precision=exact`: every point is drawn at its true position.
mod exact;
/// `heatsplat export`: it writes every tile and no other, and a file is complete or absent.
/// Programs that know nothing of heatsplat read the files.
#[cfg(feature = "program")]
mod export;
/// Pictures that a person has looked at, which must not change without being looked at again.
mod golden;
/// The GPU draws the same pictures as the CPU. Failures of a device are tested too.
#[cfg(feature = "gpu")]
mod gpu;
/// Log lines: text, JSON, levels, and a standard error without a reader.
#[cfg(all(feature = "program", unix))]
mod logs;
/// Manual pages and completions of shells.
#[cfg(all(feature = "program", unix))]
mod manuals;
/// The real Mapnik draws the same points.
#[cfg(feature = "program")]
mod mapnik;
/// Means, differences, radii in metres, and local scales.
mod measures;
/// WMS and WMTS, as GIS programs read them.
#[cfg(all(feature = "program", unix))]
mod ogc;
/// `heatsplat pack`: the file depends on the points alone, and is whole or absent.
#[cfg(feature = "program")]
mod pack;
/// Packages and container images.
#[cfg(all(feature = "program", unix))]
mod packaging;
/// Packed files as sources of the commands.
#[cfg(feature = "program")]
mod packed;
/// Filters on packed files with columns.
#[cfg(feature = "program")]
mod packed_filter;
/// A real PostGIS database.
#[cfg(feature = "postgis")]
mod postgis;
/// The laws of pictures: conservation, no seams, linearity, independence of order, and truth.
mod properties;
/// Points with different radii.
#[cfg(feature = "program")]
mod radii;
/// Sources at remote addresses: they are served, read again, or refused if the feature is not built
/// in.
#[cfg(feature = "program")]
mod remote;
/// Packed files and archives of tiles at addresses.
#[cfg(feature = "remote")]
mod remote_packed;
/// `heatsplat serve` over a socket: it sends the same bytes as the library makes, and explains
/// mistakes.
#[cfg(feature = "program")]
mod serve;
/// Signals at any moment, closed pipes, and errors that are found before any work is done.
#[cfg(all(feature = "program", unix))]
mod signals;
/// The costs of pictures, compared with those of other pictures in the same run.
mod speeds;
/// Static maps for paper and pages: their size, ground, coastline and letters.
#[cfg(feature = "program")]
mod static_maps;
/// Windows of time at the command line.
#[cfg(feature = "program")]
mod times;
/// Static pictures: their scale, and the part of the world that they show.
mod views;
/// A web server that behaves as different servers do, for tests of addresses.
#[cfg(feature = "remote")]
#[path = "../crates/loader/tests/loader/remote/web.rs"]
mod web;
/// Weights that are missing, that cancel each other, or that are as large or small as floats can
/// be.
mod weights;
