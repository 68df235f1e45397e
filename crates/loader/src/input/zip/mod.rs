//! Zip archives: their directory, and the bytes of their members.

mod directory;
mod member_reader;

pub(crate) use directory::{Directory, ZipMember, plain_name};
pub(crate) use member_reader::MemberReader;

/// Returns whether a file that begins with `sample` is a zip archive.
pub(crate) fn is_zip(sample: &[u8]) -> bool {
    // The second is the signature of an archive without members.
    sample.starts_with(b"PK\x03\x04") || sample.starts_with(b"PK\x05\x06")
}
