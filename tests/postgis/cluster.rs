use crate::requirements::left_out;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// A PostgreSQL server that a test starts. It has its own temporary folder and its own port. It is
/// stopped when the process of the test ends, even if the process is killed.
pub struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    pub port: u16,
    /// A process that waits for the end of its standard input, which comes with the end of the
    /// test. Then it stops the server and removes the files.
    _keeper: Child,
}

/// The server that tests share if they don't damage it; `None` if PostgreSQL is not installed.
pub fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(Cluster::start).as_ref()
}

/// A command that runs as a user who may run PostgreSQL, which refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

impl Cluster {
    /// Starts a new server. Returns `None`, with a message, if PostgreSQL or PostGIS is not
    /// installed.
    pub fn start() -> Option<Self> {
        let Some(bin) = binaries() else {
            left_out("PostgreSQL or PostGIS is missing; install postgresql-postgis");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let folder = std::env::temp_dir().join(format!("heatsplat-pg-{port}"));
        let _ = std::fs::remove_dir_all(&folder);
        let mut make = as_postgres(Path::new("mkdir"));
        assert!(make.arg(&folder).status().unwrap().success());
        let mut initdb = as_postgres(&bin.join("initdb"));
        initdb.args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "-N",
            "--no-instructions",
            "-D",
        ]);
        let made = initdb.arg(folder.join("data")).output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let script = format!(
            "read _; {0}/pg_ctl -D {1}/data -m immediate stop; rm -rf {1}",
            bin.display(),
            folder.display()
        );
        let mut keeper = as_postgres(Path::new("sh"));
        keeper.args(["-c", &script]).stdin(Stdio::piped());
        let keeper = keeper
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let cluster = Self {
            bin,
            folder,
            port,
            _keeper: keeper,
        };
        cluster.up();
        cluster.run(
            "CREATE EXTENSION postgis; CREATE EXTENSION postgis_raster; \
             CREATE ROLE reader LOGIN; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader; \
             CREATE ROLE watched LOGIN; ALTER ROLE watched SET log_statement = 'all'; \
             GRANT reader TO watched",
        );
        Some(cluster)
    }

    /// Starts the server, or starts it again after [`kill`](Self::kill).
    pub fn up(&self) {
        let options = format!(
            "-p {} -c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories={} \
             -c shared_buffers=64MB -c jit=off -c max_connections=60",
            self.port,
            self.folder.display()
        );
        let mut start = self.control();
        start
            .arg("-o")
            .arg(options)
            .arg("-l")
            .arg(self.folder.join("log"));
        let status = start.args(["-w", "start"]).stdout(Stdio::null()).status();
        assert!(status.unwrap().success(), "{}", self.log());
    }

    /// Ends the server at once, without a chance to clean up, as a power cut would.
    pub fn kill(&self) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid"));
        let pid = pid
            .ok()
            .and_then(|text| Some(text.lines().next()?.to_owned()))
            .unwrap();
        // The server's child processes notice its end and end too.
        assert!(
            Command::new("kill")
                .args(["-9", &pid])
                .status()
                .unwrap()
                .success()
        );
        let mut stop = self.control();
        let _ = stop.args(["-m", "immediate", "stop"]).output();
        let _ = as_postgres(Path::new("rm"))
            .arg("-f")
            .arg(self.folder.join("data/postmaster.pid"))
            .status();
        std::thread::sleep(std::time::Duration::from_millis(300));
    }

    fn control(&self) -> Command {
        let mut command = as_postgres(&self.bin.join("pg_ctl"));
        command.arg("-D").arg(self.folder.join("data"));
        command
    }

    /// Runs SQL statements as the superuser, and returns what they print.
    pub fn run(&self, sql: &str) -> String {
        let port = self.port.to_string();
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args([
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-p",
            &port,
            "-d",
            "postgres",
        ]);
        psql.args(["-v", "ON_ERROR_STOP=1", "-qAt", "-f", "-"]);
        // The statements go to standard input, since the length of arguments is limited.
        psql.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = psql.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let text = sql.to_owned();
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let out = child.wait_with_output().unwrap();
        let _ = writer.join().unwrap();
        if !out.status.success() {
            let log = self.log();
            let telling = |l: &&str| l.contains("process") || l.contains("PANIC");
            let last: Vec<_> = log.lines().filter(telling).rev().take(20).collect();
            let said = String::from_utf8_lossy(&out.stderr);
            panic!("{sql:.300}: {said}\n{}", last.join("\n"));
        }
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    /// The address of the database for a role that may only read.
    pub fn url(&self) -> String {
        self.url_at("reader", self.port)
    }

    /// The address of the database for a role, by the given port. It may be the port of a proxy.
    pub fn url_at(&self, role: &str, port: u16) -> String {
        format!("postgres://{role}@127.0.0.1:{port}/postgres?sslmode=disable")
    }

    /// The text of the server's log.
    pub fn log(&self) -> String {
        let mut text = String::new();
        let mut cat = as_postgres(Path::new("cat"));
        cat.arg(self.folder.join("log")).stdout(Stdio::piped());
        let mut child = cat.spawn().unwrap();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        child.wait().unwrap();
        text
    }

    /// The path of a program that comes with this PostgreSQL.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// The folder of programs of the newest PostgreSQL that has PostGIS.
fn binaries() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    versions.sort();
    let has_postgis = |folder: &PathBuf| {
        let version = folder.file_name()?.to_str()?;
        let shared = format!("/usr/share/postgresql/{version}/extension/postgis.control");
        (folder.join("bin/initdb").exists() && Path::new(&shared).exists()).then_some(())
    };
    let newest = versions
        .into_iter()
        .rev()
        .find(|folder| has_postgis(folder).is_some())?;
    Some(newest.join("bin"))
}
