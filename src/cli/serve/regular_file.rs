//! Opens regular files and nothing else; in particular, it doesn't wait for the writer of a pipe.

use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a regular file. Anything else is an error. A pipe is refused at once, without waiting for
/// its writer.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    let message = "this is a directory, a pipe or a device, and no regular file";
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}
