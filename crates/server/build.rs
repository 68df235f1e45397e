//! Packs the viewer into the program: the files of the folder `viewer/` and, if possible, the map
//! library MapLibre.
//!
//! The library is not kept in the source tree. If npm can fetch the pinned package, the library is
//! embedded, and the viewer needs no internet. Otherwise the page loads the library from a CDN. The
//! page then has digests of the library's files, so that the browser refuses any other bytes. The
//! environment variable `HEATSPLAT_VIEWER` decides between the two:
//!
//! * not set: the library is embedded if npm can fetch it, and is loaded from the CDN otherwise
//! * `cdn`: the library is loaded from the CDN; npm is not called
//! * `embedded`: the library is embedded; if npm can't fetch it, the build fails (for releases)
//!
//! The build writes nothing outside of `OUT_DIR`.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256, Sha384};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// The folders of `viewer/` whose files are served without their comments, and the files'
/// extension.
const OWN: [(&str, &str); 2] = [("js", "js"), ("css", "css")];
/// The files of the base map: the land, names of places, and more of both for near views.
const BASE_MAP: [&str; 3] = ["land.geojson", "labels.json", "detail.json"];
/// The module that the page begins with; it imports the others.
const MAIN: &str = "js/start.js";
const MODULE: &str = "maplibre-gl.mjs";
const WORKER: &str = "maplibre-gl-worker.mjs";
const STYLESHEET: &str = "maplibre-gl.css";
const LICENCE: &str = "maplibre-gl.LICENSE.txt";
/// The longest time that npm may take. An unreachable registry must not delay the build for longer.
/// A choice.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=HEATSPLAT_VIEWER");
    let viewer = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("viewer");
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("viewer");
    fs::create_dir_all(&out)?;

    let pins = Pins::parse(&read_source(&viewer.join("maplibre.pins"))?)?;
    let mut assets = Vec::new();
    for (folder, extension) in OWN {
        for name in files(&viewer, folder, extension)? {
            let text = read_source(&viewer.join(&name))?;
            let bytes = without_comments(&text).into_bytes();
            assets.push(PackedFile::new(&name, bytes));
        }
    }
    for name in BASE_MAP {
        let text = read_source(&viewer.join(name))?;
        assets.push(PackedFile::new(name, text.into_bytes()));
    }
    let library = library(&viewer, &out, &pins)?;
    assets.extend(library.into_iter().flatten());

    let head = Head::new(&assets, &pins)?;
    let mut index = read_source(&viewer.join("index.html"))?;
    let named = assets.iter().map(|asset| asset.name.as_str());
    let named: Vec<&str> = named
        .filter(|name| {
            name.ends_with(".css") && name.contains('/') || *name == MAIN || BASE_MAP.contains(name)
        })
        .collect();
    for name in named {
        let with = address(&assets, name)?;
        index = replace_once(
            &index,
            &format!("\"./viewer/{name}\""),
            &format!("\"{with}\""),
        )?;
    }
    index = replace_once(&index, "<!-- modules -->", &head.html)?;
    assets.push(PackedFile::new("index.html", index.into_bytes()));

    let mut code = String::new();
    writeln!(code, "/// What the page may load, and nothing else.")?;
    writeln!(
        code,
        "pub(super) const CONTENT_SECURITY_POLICY: &str = {:?};",
        head.policy
    )?;
    writeln!(code, "pub(super) static ASSETS: &[Asset] = &[")?;
    for asset in &assets {
        asset.emit(&out, &mut code)?;
    }
    writeln!(code, "];")?;
    fs::write(out.with_file_name("assets.rs"), code)?;
    Ok(())
}

/// The paths, within the viewer's folder, of the files in `folder` whose names end in a dot and
/// `extension`, sorted. Cargo runs this script again when a file is added.
fn files(viewer: &Path, folder: &str, extension: &str) -> Result<Vec<String>> {
    let place = viewer.join(folder);
    println!("cargo::rerun-if-changed={}", place.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&place).map_err(|error| format!("{}: {error}", place.display()))? {
        let name = entry?.file_name();
        let name = name.to_str().ok_or("a file's name is not UTF-8")?;
        if name
            .rsplit_once('.')
            .is_some_and(|(_, found)| found == extension)
        {
            names.push(format!("{folder}/{name}"));
        }
    }
    names.sort();
    Ok(names)
}

/// The map library's files to embed. `None` if the page is to load them from the CDN. An error if
/// the library must be embedded and can't be fetched.
fn library(viewer: &Path, out: &Path, pins: &Pins) -> Result<Option<Vec<PackedFile>>> {
    let wish = std::env::var("HEATSPLAT_VIEWER").unwrap_or_default();
    match wish.as_str() {
        "cdn" => return Ok(None),
        "" | "embedded" => {}
        other => {
            return Err(format!("HEATSPLAT_VIEWER={other}: use `embedded` or `cdn`").into());
        }
    }
    // Both files are read even if the library was fetched before: cargo then runs this script again
    // when one of them changes.
    let manifest = read_source(&viewer.join("package.json"))?;
    let lock = read_source(&viewer.join("package-lock.json"))?;

    match install(&manifest, &lock, out, pins) {
        Ok(assets) => Ok(Some(assets)),
        Err(error) if wish == "embedded" => {
            Err(format!("the viewer's map library cannot be embedded: {error}").into())
        }
        Err(error) => {
            println!(
                "cargo::warning=the viewer will load its map library from a CDN, because npm could not fetch it: {error}"
            );
            Ok(None)
        }
    }
}

/// Fetches the pinned package with npm, unless an earlier build has fetched it, and returns the
/// library's files. An error if the files don't have the pinned digests.
fn install(manifest: &str, lock: &str, out: &Path, pins: &Pins) -> Result<Vec<PackedFile>> {
    let place = out.join("npm");
    let package = place.join("node_modules/maplibre-gl");
    let installed = place.join("installed");
    // An earlier run may have fetched the package for this lock file already.
    if fs::read_to_string(&installed).ok().as_deref() != Some(lock) {
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        fs::create_dir_all(&place)?;
        fs::write(place.join("package.json"), manifest)?;
        fs::write(place.join("package-lock.json"), lock)?;
        npm_ci(&place)?;
        fs::write(&installed, lock)?;
    }

    let mut assets = Vec::new();
    for name in [MODULE, WORKER, STYLESHEET] {
        let bytes = fs::read(package.join("dist").join(name))?;
        if sha384(&bytes) != pins.digest(name)? {
            // An embedded library and one from the CDN must have the same bytes.
            return Err(format!("{name} is not the pinned one; run scripts/pin-maplibre").into());
        }
        assets.push(PackedFile::new(name, without_source_map(bytes)));
    }
    assets.push(PackedFile::new(
        LICENCE,
        fs::read(package.join("LICENSE.txt"))?,
    ));
    Ok(assets)
}

/// Runs `npm ci` in a folder, for at most [`PATIENCE`].
fn npm_ci(place: &Path) -> Result<()> {
    let log = place.join("npm.log");
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let mut child = Command::new(program)
        .args([
            "ci",
            "--omit=dev",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ])
        .args([
            "--prefer-offline",
            "--fetch-retries=1",
            "--fetch-timeout=20000",
        ])
        .current_dir(place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log)?)
        .spawn()
        .map_err(|error| format!("npm does not start ({error})"))?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Err(format!("npm took more than {} s", PATIENCE.as_secs()).into());
        }
        thread::sleep(Duration::from_millis(50));
    };
    if status.success() {
        return Ok(());
    }
    let said = fs::read_to_string(&log).unwrap_or_default();
    let reason = said
        .lines()
        .find(|line| line.starts_with("npm error") || line.contains("ERR!"));
    Err(format!("{status}: {}", reason.unwrap_or("no reason given")).into())
}

/// Removes the comment at the end of a minified file that names its source map. Source maps are not
/// embedded, so browsers would request a file that doesn't exist.
fn without_source_map(mut bytes: Vec<u8>) -> Vec<u8> {
    let mark = b"//# sourceMappingURL=";
    let tail = bytes.len().saturating_sub(200);
    if let Some(at) = bytes[tail..]
        .windows(mark.len())
        .position(|window| window == mark)
    {
        bytes.truncate(tail + at);
    }
    bytes
}

/// Removes the lines of a file that have nothing but comments: lines that begin with `//`, and
/// blocks whose first line begins with `/**`. Code beside a comment stays. The comments are a fifth
/// of the compressed size of the viewer's files.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut in_block = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let rest = if in_block || trimmed.starts_with("/**") {
            let end = trimmed.split_once("*/");
            let begins_here = !in_block;
            in_block = end.is_none();
            let after = end.map_or("", |(_, code)| code.trim());
            match after.is_empty() {
                true => continue,
                false if begins_here => line,
                false => after,
            }
        } else if trimmed.starts_with("//") {
            continue;
        } else {
            line
        };
        code.push_str(rest);
        code.push('\n');
    }
    code
}

/// The version of the library and the digests of its files, as pairs of a name and a value. They
/// are read from `viewer/maplibre.pins`.
struct Pins {
    lines: Vec<(String, String)>,
}

impl Pins {
    fn parse(text: &str) -> Result<Self> {
        let pair = |line: &str| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.to_owned()))
        };
        let lines: Option<Vec<_>> = text.lines().map(pair).collect();
        Ok(Self {
            lines: lines.ok_or("maplibre.pins: a line without a value")?,
        })
    }

    /// The value of a pin by its name: the digest of a file or, for the version, the version.
    fn digest(&self, name: &str) -> Result<&str> {
        let line = self.lines.iter().find(|(key, _)| key == name);
        Ok(line
            .map(|(_, value)| value.as_str())
            .ok_or_else(|| format!("no pin of {name}"))?)
    }

    /// The URL of a file of the library at the CDN.
    fn cdn(&self, name: &str) -> Result<String> {
        Ok(format!(
            "https://unpkg.com/maplibre-gl@{}/dist/{name}",
            self.digest("version")?
        ))
    }
}

/// The part of the page's `<head>` that refers to the map library, and the page's content security
/// policy, which permits it.
struct Head {
    html: String,
    policy: String,
}

impl Head {
    fn new(assets: &[PackedFile], pins: &Pins) -> Result<Self> {
        let embedded = assets.iter().any(|asset| asset.name == MODULE);
        let (module, worker, stylesheet);
        let mut integrity = String::new();
        let mut link_attributes = String::new();
        let (mut scripts, mut styles, mut connections) =
            (String::new(), String::new(), String::new());
        if embedded {
            module = address(assets, MODULE)?;
            worker = address(assets, WORKER)?;
            stylesheet = address(assets, STYLESHEET)?;
        } else {
            module = pins.cdn(MODULE)?;
            worker = pins.cdn(WORKER)?;
            stylesheet = pins.cdn(STYLESHEET)?;
            integrity = format!(
                r#","integrity":{{"{module}":"{}","{worker}":"{}"}}"#,
                pins.digest(MODULE)?,
                pins.digest(WORKER)?
            );
            link_attributes = format!(
                r#" integrity="{}" crossorigin="anonymous""#,
                pins.digest(STYLESHEET)?
            );
            scripts = format!(" {module}");
            styles = format!(" {stylesheet}");
            connections = format!(" {worker}");
        }
        let mut imports = format!(r#""maplibre-gl":"{module}","maplibre-gl/worker":"{worker}""#);
        let mut preloads = String::new();
        for asset in assets.iter().filter(|asset| asset.name.ends_with(".js")) {
            // The modules import each other by plain paths; the import map adds the digests.
            let with = address(assets, &asset.name)?;
            write!(imports, r#","./viewer/{}":"{with}""#, asset.name)?;
            if asset.name != MAIN {
                write!(
                    preloads,
                    "\n    <link rel=\"modulepreload\" href=\"{with}\">"
                )?;
            }
        }
        if embedded {
            // The map library is imported late, after the first picture, but loaded from the start.
            write!(
                preloads,
                "\n    <link rel=\"modulepreload\" href=\"{module}\">"
            )?;
        }
        let map = format!(r#"{{"imports":{{{imports}}}{integrity}}}"#);
        let html = format!(
            "<link rel=\"stylesheet\" href=\"{stylesheet}\"{link_attributes}>\n    \
             <script type=\"importmap\">{map}</script>{preloads}"
        );
        // The import map is the only script inside the page itself, so the policy permits it by its
        // digest.
        let map_digest = BASE64.encode(Sha256::digest(map.as_bytes()));
        let policy = [
            "default-src 'none'".to_owned(),
            format!("script-src 'self' 'sha256-{map_digest}'{scripts}"),
            format!("style-src 'self'{styles}"),
            "img-src 'self' data: blob:".to_owned(),
            format!("connect-src 'self'{connections}"),
            "worker-src 'self' blob:".to_owned(),
            "base-uri 'none'".to_owned(),
            "form-action 'none'".to_owned(),
        ]
        .join("; ");
        Ok(Self { html, policy })
    }
}

/// A file to pack into the program. `tag` is the beginning of a digest of its bytes, in hexadecimal
/// digits.
struct PackedFile {
    name: String,
    bytes: Vec<u8>,
    tag: String,
}

impl PackedFile {
    fn new(name: &str, bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest(&bytes);
        let tag = digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            name: name.to_owned(),
            bytes,
            tag,
        }
    }

    fn media_type(&self) -> &'static str {
        match self
            .name
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension)
        {
            "html" => "text/html; charset=utf-8",
            "js" | "mjs" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "geojson" => "application/geo+json",
            "json" => "application/json",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// Writes the file, compressed by gzip, into the folder `out`, and appends the entry of Rust
    /// code that includes it to `code`. All files are compressed, since all are text.
    fn emit(&self, out: &Path, code: &mut String) -> Result<()> {
        let file = out.join(format!("{}.gz", self.name.replace('/', "-")));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&self.bytes)?;
        fs::write(&file, encoder.finish()?)?;
        writeln!(
            code,
            "    Asset {{ path: {:?}, media_type: {:?}, tag: {:?}, gzip: include_bytes!({:?}) }},",
            self.name,
            self.media_type(),
            self.tag,
            file.to_str()
                .ok_or("the target directory's path is not UTF-8")?
        )?;
        Ok(())
    }
}

/// The URL by which the page refers to an embedded file. The file's digest is in it, so that
/// browsers may keep the file for ever.
fn address(assets: &[PackedFile], name: &str) -> Result<String> {
    let asset = assets.iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| format!("{name} is not among the assets"))?;
    Ok(format!("./viewer/{name}?v={}", asset.tag))
}

/// Replaces the mark `mark` in a text. An error if the text doesn't contain it exactly once.
fn replace_once(text: &str, mark: &str, with: &str) -> Result<String> {
    match text.matches(mark).count() {
        1 => Ok(text.replace(mark, with)),
        n => Err(format!("index.html names `{mark}` {n} times, not once").into()),
    }
}

/// Reads a source file. Cargo runs this script again when the file changes.
fn read_source(path: &Path) -> Result<String> {
    println!("cargo::rerun-if-changed={}", path.display());
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|mut file| file.read_to_string(&mut text))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text)
}

fn sha384(bytes: &[u8]) -> String {
    format!("sha384-{}", BASE64.encode(Sha384::digest(bytes)))
}
