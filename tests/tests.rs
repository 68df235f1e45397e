//! The one integration binary. Each module holds one kind of promise; GUARANTEES.md
//! says which test keeps which.

/// An independent f64 brute force: the truth that pictures are held against.
mod oracle;
/// Scenes that all laws are tried on.
mod scenes;

/// The laws of the picture: conservation, seams, linearity, order, oracle.
mod laws;
