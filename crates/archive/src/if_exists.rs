//! The setting for exports whose files already exist.

/// The setting that decides what an export does if its target already exists, or if an interrupted
/// export to this target has left its files.
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
