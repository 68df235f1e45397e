//! The coordinate system of a GeoTIFF, by its GeoKeys (OGC 19-008r4, annex B).

use crate::crs::Crs;
use crate::error::LoadError;
use crate::messages::shown;
use crate::options::LoadOptions;

/// Identifiers of the GeoKeys that are read.
const MODEL: u16 = 1024;
const RASTER: u16 = 1025;
const CITATION: u16 = 1026;
const GEOGRAPHIC: u16 = 2048;
const GEOGRAPHIC_CITATION: u16 = 2049;
const PROJECTED: u16 = 3072;
const PROJECTED_CITATION: u16 = 3073;

/// The value of a GeoKey if the coordinate system has no EPSG number, but is defined by other
/// GeoKeys.
const USER_DEFINED: u16 = 32767;

/// The number of the TIFF tag that holds the texts of GeoKeys.
const TEXTS: u16 = 34737;

/// The beginning of a citation (the name of a coordinate system) in which Esri's programs write
/// well-known text.
const ESRI: &str = "ESRI PE String = ";

/// The GeoKeys of a GeoTIFF, which name its coordinate system.
pub(super) struct GeoKeys {
    /// Four numbers for each GeoKey:
    ///
    /// - the key;
    /// - the TIFF tag that holds the key's value, or 0 if the fourth number is the value;
    /// - the number of values;
    /// - the value, or the index in the tag at which the value begins.
    entries: Vec<[u16; 4]>,
    texts: String,
}

impl GeoKeys {
    /// Reads GeoKeys from `directory`, the content of tag 34735, and `texts`, the content of tag
    /// 34737.
    pub(super) fn new(directory: &[u16], texts: String) -> Self {
        // The first entry is the version, and the number of the others.
        let (entries, _) = directory.as_chunks::<4>();
        Self {
            entries: entries.iter().skip(1).copied().collect(),
            texts,
        }
    }

    fn entry(&self, key: u16) -> Option<[u16; 4]> {
        self.entries
            .iter()
            .copied()
            .find(|[known, ..]| *known == key)
    }

    /// The number that is the value of a GeoKey. `None` if the key is missing, is no number, or is
    /// 0, which means undefined.
    fn number(&self, key: u16) -> Option<u16> {
        match self.entry(key)? {
            [_, 0, _, value] if value > 0 => Some(value),
            _ => None,
        }
    }

    fn text(&self, key: u16) -> Option<&str> {
        let [_, TEXTS, count, from] = self.entry(key)? else {
            return None;
        };
        let (from, count) = (usize::from(from), usize::from(count));
        let text = self.texts.get(from..from.checked_add(count)?)?;
        Some(text.trim_end_matches(['|', '\0', ' ']))
    }

    /// Returns true if the coordinates that the file states for a pixel are the coordinates of the
    /// pixel's middle, and false if they are the coordinates of its corner.
    pub(super) fn places_middles(&self) -> bool {
        self.number(RASTER) == Some(2)
    }

    /// The coordinate system of the raster. If the GeoKeys name none, it is the system that the
    /// option `srid` names, or longitude and latitude if the option isn't set.
    ///
    /// # Errors
    /// The system is not known, or both the GeoKeys and the option name a system.
    pub(super) fn system(&self, options: &LoadOptions, file: &str) -> Result<Crs, LoadError> {
        let model = self.number(MODEL);
        let code = match model {
            Some(1) => self.number(PROJECTED),
            Some(2) => self.number(GEOGRAPHIC),
            _ => self.number(PROJECTED).or(self.number(GEOGRAPHIC)),
        };
        let stated = || Crs::refuse_option(options, file, "its GeoKeys");
        if let Some(code) = code.filter(|code| *code != USER_DEFINED) {
            stated()?;
            return Crs::from_epsg(u32::from(code), file);
        }
        let citations = [PROJECTED_CITATION, GEOGRAPHIC_CITATION, CITATION];
        let mut citations = citations.iter().filter_map(|key| self.text(*key));
        if let Some(wkt) = citations.clone().find_map(|text| text.strip_prefix(ESRI)) {
            stated()?;
            return Crs::from_wkt(wkt, file);
        }
        // A plane system without a number is one of the file's own.
        if options.srid.is_none() && (code.is_some() || matches!(model, Some(1 | 3))) {
            let name = citations.next_back().unwrap_or("one without a name");
            return Err(LoadError::UnknownCrs {
                file: file.to_owned(),
                system: format!("{}, which has no EPSG number", shown(name.as_bytes())),
            });
        }
        Crs::unstated(options, file)
    }
}
