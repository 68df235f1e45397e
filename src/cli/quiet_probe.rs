//! Probing of GPUs without a message that their drivers print needlessly.

/// Runs `probe`, which loads graphics drivers. On Linux a needless message of the drivers is
/// suppressed; on other systems nothing is.
#[cfg(not(target_os = "linux"))]
pub(super) fn quietly<T>(probe: impl FnOnce() -> T) -> T {
    probe()
}

#[cfg(target_os = "linux")]
pub(super) use linux::quietly;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::fs::{MemfdFlags, memfd_create};
    use rustix::io::fcntl_dupfd_cloexec;
    use rustix::stdio::{dup2_stderr, stderr};
    use std::fs::File;
    use std::io::{self, Read as _, Seek as _, Write as _};
    use std::os::fd::OwnedFd;
    use std::path::Path;

    /// The environment variable whose absence Mesa reports.
    const RUNTIME_FOLDER: &str = "XDG_RUNTIME_DIR";

    /// The largest number of bytes of drivers' messages; messages beyond it are dropped. A choice.
    const MOST: u64 = 1 << 20;

    /// Runs `probe`, which loads graphics drivers, and suppresses one message of theirs. Without a
    /// usable `XDG_RUNTIME_DIR`, Mesa reports this for each driver, though only windows need the
    /// folder and this program opens none. All other lines that drivers write to standard error are
    /// written there when `probe` has ended.
    pub(crate) fn quietly<T>(probe: impl FnOnce() -> T) -> T {
        let usable = std::env::var_os(RUNTIME_FOLDER)
            .is_some_and(|folder| Path::new(&folder).is_absolute() && Path::new(&folder).is_dir());
        let diverted = if usable {
            None
        } else {
            DivertedStderr::new().ok()
        };
        let result = probe();
        drop(diverted);
        result
    }

    /// A diversion of standard error into memory. Dropping it restores standard error, and writes
    /// the collected lines there, except those about [`RUNTIME_FOLDER`].
    struct DivertedStderr {
        real: OwnedFd,
        lines: File,
    }

    impl DivertedStderr {
        fn new() -> io::Result<Self> {
            let real = fcntl_dupfd_cloexec(stderr(), 3)?;
            let lines = memfd_create("heatsplat-drivers", MemfdFlags::CLOEXEC)?;
            dup2_stderr(&lines)?;
            Ok(Self {
                real,
                lines: lines.into(),
            })
        }
    }

    impl Drop for DivertedStderr {
        fn drop(&mut self) {
            // Nothing can be reported while there is no standard error.
            let _ = dup2_stderr(&self.real);
            let mut text = Vec::new();
            if self.lines.rewind().is_ok() {
                let _ = (&self.lines).take(MOST).read_to_end(&mut text);
            }
            let kept = kept(&text);
            if !kept.is_empty() {
                let _ = io::stderr().lock().write_all(&kept);
            }
        }
    }

    /// The lines of the drivers' messages, except those that contain [`RUNTIME_FOLDER`].
    fn kept(text: &[u8]) -> Vec<u8> {
        let complains = |line: &&[u8]| {
            let mut windows = line.windows(RUNTIME_FOLDER.len());
            windows.any(|part| part == RUNTIME_FOLDER.as_bytes())
        };
        let lines = text.split_inclusive(|byte| *byte == b'\n');
        lines
            .filter(|line| !complains(line))
            .flatten()
            .copied()
            .collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_complaints_about_the_folder_are_dropped() {
            let text = b"a\nerror: XDG_RUNTIME_DIR is invalid or not set.\nb\nno end";
            assert_eq!(kept(text), b"a\nb\nno end");
            assert_eq!(kept(b"XDG_RUNTIME_DIR"), b"");
        }
    }
}
