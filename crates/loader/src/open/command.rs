//! Commands as sources: the standard output of a program is read as a file is.

use super::start;
use crate::error::LoadError;
use crate::input::Input;
use crate::options::LoadOptions;
use crate::source::Source;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// Runs a command line by the system's shell, and opens its standard output as a source. The
/// command's standard input is empty, and its standard error is that of this program.
///
/// The command must come from a person who may run programs on this machine. Formats that are read
/// at several offsets of a file, such as Parquet, can't be read from a command.
///
/// # Errors
/// The command can't be started, or the beginning of its output can't be read: see
/// [`open`](crate::open). If the command fails later, reading the rows fails, so a part of the
/// output is never taken for the whole.
pub fn open_command(command: &str, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let name = format!("the output of {}", program_name(command));
    let output = CommandOutput::run(command).map_err(|source| LoadError::Open {
        file: name.clone(),
        source,
    })?;
    start(
        Input::new(output, &name, None)?.into_utf8(options.encoding)?,
        options,
    )
}

/// The name of the program that a command line runs: its first word, without folders and extension.
/// The rest of a command line may hold secrets, so messages don't show it.
pub fn program_name(command: &str) -> &str {
    let word = command.split_whitespace().next().unwrap_or_default();
    let word = word.trim_matches(['"', '\'']);
    let stem = Path::new(word).file_stem().and_then(|stem| stem.to_str());
    stem.filter(|stem| !stem.is_empty()).unwrap_or("command")
}

/// The standard output of a running command. If the command fails, the last read returns an error
/// in place of the end of the output.
struct CommandOutput {
    child: Child,
    output: ChildStdout,
}

impl CommandOutput {
    fn run(command: &str) -> io::Result<Self> {
        let (shell, flag) = if cfg!(windows) {
            ("cmd", "/C")
        } else {
            ("sh", "-c")
        };
        let mut child = Command::new(shell)
            .args([flag, command])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take();
        let output = output.ok_or_else(|| io::Error::other("it has no standard output"))?;
        Ok(Self { child, output })
    }
}

impl Read for CommandOutput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.output.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            let status = self.child.wait()?;
            if !status.success() {
                return Err(io::Error::other(format!("the command failed: {status}")));
            }
        }
        Ok(count)
    }
}

impl Drop for CommandOutput {
    /// Ends the command if it still runs, and waits for it, so that no process is left behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load;
    use heatsplat_points::Point;

    #[test]
    #[cfg(unix)]
    fn the_output_of_a_command_is_a_source() {
        let options = LoadOptions::default();
        let rows = |command: &str| -> Result<usize, String> {
            let mut source = open_command(command, &options).map_err(|e| e.to_string())?;
            let mut points: Vec<Point> = Vec::new();
            load(&mut *source, &mut points, |_| ()).map_err(|error| {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                format!("{error}: {}", cause.unwrap_or_default())
            })?;
            Ok(points.len())
        };
        assert_eq!(rows("printf 'lon,lat\\n1,2\\n3,4\\n'"), Ok(2));
        let many = "echo lon,lat; yes 1,2 | head -n 300000";
        assert_eq!(rows(many), Ok(300_000));
        // What a failed command wrote before is no data set.
        for failing in [
            "printf 'lon,lat\\n1,2\\n'; exit 3",
            "echo lon,lat; yes 1,2 | head -n 300000; exit 3",
        ] {
            let error = rows(failing).unwrap_err();
            assert!(
                error.contains("the output of") && error.contains('3'),
                "{error}"
            );
        }
        let error = rows("/nowhere/duckdb -c 'password=secret' 2>/dev/null").unwrap_err();
        assert!(
            error.contains("duckdb") && !error.contains("secret"),
            "{error}"
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_source_that_is_dropped_ends_its_command() {
        let name = format!("heatsplat-command-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        let command = format!("echo $$ > {}; echo lon,lat; exec yes 1,2", file.display());
        let source = open_command(&command, &LoadOptions::default()).unwrap();
        let number = std::fs::read_to_string(&file).unwrap();
        let process = Path::new("/proc").join(number.trim());
        assert!(process.exists());
        drop(source);
        // The thread that reads the output ends a little later, and the command with it.
        let dropped = std::time::Instant::now();
        while process.exists() {
            assert!(dropped.elapsed().as_secs() < 30);
            std::thread::yield_now();
        }
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn names_of_programs() {
        for (command, name) in [
            ("duckdb -c \"copy t to '/dev/stdout'\"", "duckdb"),
            ("/usr/bin/ogr2ogr -f CSV /vsistdout/ a.gpkg", "ogr2ogr"),
            ("'C:\\' x", "C:\\"),
            ("", "command"),
        ] {
            assert_eq!(program_name(command), name);
        }
    }
}
