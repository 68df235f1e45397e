//! The output of a command: standard output, or a file that is either complete or absent.

use super::error::BoxError;
use heatsplat_archive::Target;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes to a file, or to standard output if `output` is `-`. The bytes go to a temporary file
/// that gets the name `output` at the end. So after an error an older file with this name is
/// unchanged. If `output` is a link, it stays a link, and the file that it points to is replaced.
/// Pipes and devices, like `/dev/null`, are written to directly.
pub(super) fn write(
    output: &Path,
    fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), BoxError> {
    if output.as_os_str() == "-" {
        let mut stdout = BufWriter::with_capacity(1 << 16, io::stdout());
        fill(&mut stdout)?;
        stdout.flush()?;
        return Ok(());
    }
    let failed = |e: io::Error| format!("{}: cannot be written: {e}", output.display());
    if is_special(output) {
        let file = OpenOptions::new()
            .write(true)
            .open(output)
            .map_err(failed)?;
        let mut writer = BufWriter::with_capacity(1 << 16, file);
        fill(&mut writer).map_err(failed)?;
        writer.flush().map_err(failed)?;
        return Ok(());
    }
    let output = &*link_target(output);
    let partial = PartialFile(beside(output));
    let file = File::create(&partial.0).map_err(failed)?;
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    fill(&mut writer).map_err(failed)?;
    let file = writer.into_inner().map_err(|e| failed(e.into_error()))?;
    file.sync_all().map_err(failed)?;
    drop(file);
    fs::rename(&partial.0, output).map_err(failed)?;
    Ok(())
}

/// Checks that [`write()`] will be able to begin. An unusable output is thus found before any work
/// is done.
pub(super) fn check(output: &Path) -> Result<(), BoxError> {
    if output.as_os_str() == "-" {
        return Ok(());
    }
    let shown = output.display();
    Target::refuse_address(output).map_err(|e| format!("--output: {e}"))?;
    if output.is_dir() {
        return Err(format!("{shown}: is a folder; name a file in it").into());
    }
    if is_special(output) {
        return Ok(());
    }
    let partial = PartialFile(beside(&link_target(output)));
    let created = File::create(&partial.0);
    created.map_err(|e| format!("{shown}: cannot be written: {e}"))?;
    Ok(())
}

/// Tests whether the output is a pipe or a device, which is written to directly instead of being
/// replaced by a file.
fn is_special(output: &Path) -> bool {
    fs::metadata(output).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// The absolute path of the file `output`, or of the file that it points to if it is a link. If
/// there is no such file, `output` is returned unchanged.
fn link_target(output: &Path) -> PathBuf {
    fs::canonicalize(output).unwrap_or_else(|_| output.to_owned())
}

/// The name of a temporary file in the folder of `output`, so that it can be renamed to `output` in
/// one atomic step.
fn beside(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    output.with_file_name(name)
}

/// A temporary file. When the value is dropped, the file is removed, unless it has been renamed.
struct PartialFile(PathBuf);

impl Drop for PartialFile {
    fn drop(&mut self) {
        // After the renaming no file has this name any more. If the removal fails, nothing can be
        // done about it.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_absent() {
        let folder = std::env::temp_dir().join(format!("heatsplat-output-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let output = folder.join("a.txt");
        let broken = write(&output, |w| {
            w.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert!(broken.unwrap_err().to_string().contains("no more"));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        write(&output, |w| w.write_all(b"whole")).unwrap();
        assert!(write(&output, |_| Err(io::Error::other("no more"))).is_err());
        assert_eq!(fs::read(&output).unwrap(), b"whole");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
    #[cfg(unix)]
    #[test]
    fn links_and_devices_stay_what_they_are() {
        let folder = std::env::temp_dir().join(format!("heatsplat-links-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (file, link, nothing) = (folder.join("a"), folder.join("b"), folder.join("nothing"));
        fs::write(&file, b"before").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        std::os::unix::fs::symlink("/dev/null", &nothing).unwrap();
        for output in [&link, &nothing] {
            check(output).unwrap();
            write(output, |w| w.write_all(b"whole")).unwrap();
            assert!(output.is_symlink());
        }
        assert_eq!(fs::read(&file).unwrap(), b"whole");
        assert!(fs::read(&nothing).unwrap().is_empty());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
        fs::remove_dir_all(&folder).unwrap();
    }
}
