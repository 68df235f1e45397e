//! The choice between actions of an export if its files already exist.

/// The action of an export whose target already exists, or whose predecessor was interrupted and
/// has left its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IfExists {
    /// The export is refused, and all files stay unchanged.
    #[default]
    Fail,
    /// The target is replaced once the new export is complete. The files of an interrupted export
    /// are discarded.
    Overwrite,
    /// An interrupted export with the same settings is finished. A complete target stays unchanged.
    Resume,
}
