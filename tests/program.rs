//! The real program, run as a child process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Runs `heatsplat`. Returns its exit code, its standard output and its standard error.
pub fn heatsplat(arguments: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// The command that will run `heatsplat` in the folder of the project.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heatsplat"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// Makes an empty folder for one test. An older folder of the same name is removed.
pub fn folder(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("heatsplat-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A running `heatsplat serve`. It is ended when this value is dropped.
pub struct Server {
    child: Child,
    /// The host and the port, as `host:port`.
    pub address: String,
}

impl Server {
    /// Starts the server on a free port. Returns when it has printed the address of the map.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    /// Starts the server with additional environment variables.
    pub fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::spawn(arguments, environment, Stdio::null())
    }

    /// Starts the server. Returns the lines of its standard error too, as they are written.
    #[cfg(unix)]
    pub fn start_heard(
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> (Self, std::sync::mpsc::Receiver<String>) {
        let mut server = Self::spawn(arguments, environment, Stdio::piped());
        let lines = BufReader::new(server.child.stderr.take().unwrap()).lines();
        let (sender, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = lines.map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line))
        });
        (server, heard)
    }

    /// Starts the server with a standard error that is never read.
    #[cfg(unix)]
    pub fn start_unread(arguments: &[&str]) -> Self {
        Self::spawn(arguments, &[], Stdio::piped())
    }

    fn spawn(arguments: &[&str], environment: &[(&str, &str)], errors: Stdio) -> Self {
        let all = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
        let mut child = command(&all)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, rest) = line.split_once("http://")?;
                Some(rest.split('/').next().unwrap_or(rest).trim().to_owned())
            })
            .expect("the server prints its address");
        Self { child, address }
    }

    /// The number of the server's process.
    #[cfg(unix)]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the server. `name` is the signal's name without `SIG`.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let kill = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(kill.unwrap().success());
    }

    /// Waits for the program's end, and returns its exit code.
    #[cfg(unix)]
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// The number in the line of `/metrics` whose name and labels end with `name`.
    pub fn metric(&self, name: &str) -> f64 {
        let metrics = String::from_utf8(self.get("/metrics", "").2).unwrap();
        let line = metrics.lines().find(|line| {
            let before = line.split_once(' ').map_or("", |(before, _)| before);
            before.ends_with(name)
        });
        let number = line.and_then(|line| line.split_once(' '));
        let number = number.unwrap_or_else(|| panic!("{name}: {metrics}"));
        number.1.parse().unwrap()
    }

    /// Sends a GET request. Returns the status, the headers in lower case, and the body.
    pub fn get(&self, path: &str, headers: &str) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let host = &self.address;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .expect("a header");
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .expect("a status");
        (status, head, answer.split_off(end + 4))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
