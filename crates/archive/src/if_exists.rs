//! Policy for files that exist already when an export begins.

/// Treatment of a target or an interrupted export that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IfExists {
    /// The export is refused, and the files are left unchanged.
    #[default]
    Fail,
    /// The target is replaced when the new one is complete. An interrupted export is discarded.
    Overwrite,
    /// An interrupted export with the same settings is finished. A complete target is left as it
    /// is.
    Resume,
}
