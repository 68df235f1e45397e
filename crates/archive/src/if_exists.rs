//! The setting for exports whose files already exist.

/// The rule for an export whose target already exists, or for whose target an interrupted export
/// has left its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IfExists {
    /// Refusal of the export. All files stay unchanged.
    #[default]
    Fail,
    /// Replacement of the target once the new export is complete. The files of an interrupted
    /// export are discarded.
    Overwrite,
    /// Completion of an interrupted export with the same settings. A complete target stays
    /// unchanged.
    Resume,
}
