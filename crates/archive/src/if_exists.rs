//! Policy for files that exist already.

/// Treatment of a target, or of an interrupted export, that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IfExists {
    /// The export is refused, and the files are left unchanged.
    #[default]
    Fail,
    /// The target is replaced once the new one is complete; an interrupted export is discarded.
    Overwrite,
    /// An interrupted export with the same settings is finished.
    Resume,
}
