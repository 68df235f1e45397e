//! The metadata of a file: name, attribution and other data about the points.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The name, attribution and the like of the points in a file. In the file they are a JSON object,
/// in the section `META`; its members that are not fields here are in `other`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Metadata {
    /// The name of the layer that shows the points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The text that maps must show about the origin of the points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribution: Option<String>,
    /// The radius that suits the points, written as in a style: for example `16` (pixels) or
    /// `500m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radius: Option<String>,
    /// The program that made the file, with its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// All other members of the JSON object.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Metadata {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Texts and JSON values always make JSON.
        serde_json::to_vec(self).unwrap_or_else(|_| b"{}".to_vec())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
