//! The one integration binary. Each module holds one kind of promise; GUARANTEES.md
//! says which test keeps which.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking, and share helpers"
)]

/// Comparing pictures; the comparison is tested too.
mod compare;
/// The real program as a child process.
#[cfg(feature = "program")]
mod program;
/// Python with readers that are not ours.
#[cfg(feature = "program")]
mod python;
/// An independent f64 brute force: the truth that pictures are held against.
mod reference;
/// Parts that tests need and a machine may not have.
#[cfg(any(feature = "program", feature = "gpu"))]
mod requirements;
/// Scenes that all laws are tried on.
mod scenes;

/// Splats that cover each other, in floating point and in 8 bits.
mod blending;
/// The viewer in a real browser.
#[cfg(feature = "program")]
mod browser;
/// The commands: what they print, write and refuse, and their exit codes.
#[cfg(feature = "program")]
mod cli;
/// Set-ups in files: saved, read, followed when they change.
#[cfg(feature = "program")]
mod config;
/// Configurations with errors.
#[cfg(feature = "program")]
mod config_errors;
/// Points at ±180° and at the poles.
mod date_line;
/// Other heat maps in a real browser, beside ours.
#[cfg(feature = "program")]
mod dialects;
/// Kernels at every pixel, above all those with an edge.
mod edges;
/// `precision=exact`: every point at its true position.
mod exact;
/// `heatsplat export`: every tile and no other, whole or absent, by readers that are not ours.
#[cfg(feature = "program")]
mod export;
/// Pictures that were looked at, and must not change unseen.
mod golden;
/// The GPU's pictures are the CPU's, and what happens when a device fails.
#[cfg(feature = "gpu")]
mod gpu;
/// Log lines: text, JSON, levels, and a standard error that no one reads.
#[cfg(all(feature = "program", unix))]
mod logs;
/// The real Mapnik on the same points.
#[cfg(feature = "program")]
mod mapnik;
/// Means, differences, radii in metres, scales of the neighbourhood.
mod measures;
/// PostGIS, a real one.
#[cfg(feature = "postgis")]
mod postgis;
/// The laws of the picture: conservation, seams, linearity, order, oracle.
mod properties;
/// Radii of points' own.
#[cfg(feature = "program")]
mod radii;
/// Files behind addresses: served, read again, refused where the feature is not built in.
#[cfg(feature = "program")]
mod remote;
/// `heatsplat serve` over a socket: the library's bytes, and plain answers to mistakes.
#[cfg(feature = "program")]
mod serve;
/// Signals at any moment, closed pipes, and what is found out before any work is done.
#[cfg(all(feature = "program", unix))]
mod signals;
/// Cost of pictures beside others of the same run.
mod speeds;
/// Static pictures: their scale, the world once.
mod views;
/// Weights that are missing, cancel, or lie at the ends of floats.
mod weights;
