//! Refusals of rasters that would be read wrongly, and the errors for rasters that can't be
//! decoded.

use super::geo_tags::TiffDecoder;
use crate::error::LoadError;
use crate::input::Origin;
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::records::damaged;
use tiff::tags::Tag;
use tiff::{ColorType, TiffError, TiffUnsupportedError};

/// The largest size of a strip or tile in bytes, both in the file and after decompression: a
/// choice, 256 MiB. A file whose whole image is one strip usually has less.
pub(super) const BLOCK: usize = 256 << 20;

/// The most images of a TIFF file among which a mask is looked for: a choice. Each overview is an
/// image.
const IMAGES: usize = 64;

/// Returns an error if the file has a mask that states which pixels have values, since masks are
/// not read.
pub(super) fn refuse_mask(decoder: &mut TiffDecoder, origin: &Origin) -> Result<(), LoadError> {
    let failed = |error| refused(error, origin, "header");
    for _ in 0..IMAGES {
        // An image that can't be read is no mask of those that GDAL writes.
        if !decoder.more_images() || decoder.next_image().is_err() {
            break;
        }
        let kind = decoder.find_tag_unsigned::<u32>(Tag::NewSubfileType);
        // Bit 2 marks a mask, and bit 0 one of an overview.
        if kind.map_err(failed)?.is_some_and(|kind| kind & 5 == 4) {
            return Err(LoadError::Unsupported {
                file: origin.file(),
                message: "a mask in this raster states which pixels have values; write them into \
                          its numbers: gdalwarp -dstnodata -9999 FILE plain.tif"
                    .to_owned(),
            });
        }
    }
    decoder.seek_to_image(0).map_err(failed)
}

/// Returns an error for a picture in colours, unless the option `weight` names one of its bands,
/// and for numbers that would be read wrongly: of fewer than 8 bits, or with 0 for white.
pub(super) fn refuse_picture(
    color: ColorType,
    decoder: &mut TiffDecoder,
    origin: &Origin,
    options: &LoadOptions,
) -> Result<(), LoadError> {
    let unsupported = |message: &str| {
        Err(LoadError::Unsupported {
            file: origin.file(),
            message: message.to_owned(),
        })
    };
    let shade = decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation);
    let shade = shade.map_err(|error| refused(error, origin, "header"))?;
    match color {
        ColorType::Gray(bits)
        | ColorType::Multiband {
            bit_depth: bits, ..
        } if bits < 8 => unsupported(
            "its numbers have fewer than 8 bits; widen them: gdal_translate -ot Byte \
                 -co NBITS=8 FILE wide.tif",
        ),
        ColorType::Gray(_) | ColorType::Multiband { .. } if shade == Some(0) => unsupported(
            "0 is white in this picture, so its numbers are no densities; turn them: \
             gdal_translate -co PHOTOMETRIC=MINISBLACK FILE turned.tif",
        ),
        ColorType::Gray(_) | ColorType::Multiband { .. } => Ok(()),
        ColorType::RGB(_) | ColorType::RGBA(_) if options.weight.is_some() => Ok(()),
        ColorType::RGB(_) | ColorType::RGBA(_) => Err(LoadError::BadOption {
            file: origin.file(),
            parameter: Parameter::Weight,
            message: "this is a picture in colours, whose numbers are no densities; to read one \
                      of them, choose it: band_1 (red), band_2, band_3"
                .to_owned(),
        }),
        _ => unsupported("this is a picture in colours, which holds no densities"),
    }
}

/// The error for an option `extent` that has no use. `why` is the reason, as a sentence without its
/// full stop.
pub(super) fn no_extent(origin: &Origin, why: &str) -> LoadError {
    LoadError::BadOption {
        file: origin.file(),
        parameter: Parameter::Extent,
        message: format!("{why}; leave it out"),
    }
}

/// The error for a raster that states no coordinates, if the option `extent` isn't set either.
pub(super) fn missing_extent(origin: &Origin) -> LoadError {
    LoadError::BadOption {
        file: origin.file(),
        parameter: Parameter::Extent,
        message: "this raster states no place; give the box that it covers, as west, south, east, \
                  north, such as -10,35,30,60 (with `srid` if these are no degrees)"
            .to_owned(),
    }
}

/// The error for a part of a TIFF file that can't be decoded. `place` names the part in the
/// message.
pub(super) fn refused(error: TiffError, origin: &Origin, place: &str) -> LoadError {
    let unsupported = |message: String| LoadError::Unsupported {
        file: origin.file(),
        message,
    };
    match error {
        TiffError::IoError(error) if error.raw_os_error().is_some() => origin.read_error(error),
        // Decoders report damaged data as errors of reading too.
        TiffError::IoError(error) => damaged(origin, place, error),
        TiffError::LimitsExceeded => unsupported(format!(
            "{place}: a strip or tile, or a list of them, is too large (over {} MiB); write \
             smaller ones: gdal_translate -of COG FILE tiled.tif",
            BLOCK >> 20
        )),
        TiffError::UnsupportedError(TiffUnsupportedError::UnsupportedCompressionMethod(method)) => {
            unsupported(format!(
                "its compression ({method:?}) is not read here; write another: \
                 gdal_translate -co COMPRESS=DEFLATE FILE unpacked.tif"
            ))
        }
        TiffError::UnsupportedError(error) => unsupported(format!(
            "this kind of TIFF is not read ({error}); write a plain one: \
             gdal_translate -of COG FILE plain.tif"
        )),
        other => damaged(origin, place, other),
    }
}
