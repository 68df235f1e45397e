//! Packages: their files fit the program, and the Debian package has what it promises.

use crate::program::{folder, heatsplat};
use std::fs;
use std::path::Path;
use std::process::Command;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// Runs a command of `serve` that only checks itself.
fn check(mut words: Vec<String>) {
    words.push("--check".to_owned());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (code, out, err) = heatsplat(&words);
    assert_eq!(code, 0, "{words:?}: {out}{err}");
}

#[test]
fn the_image_starts_a_server_that_its_health_check_finds() {
    let file = read("packaging/Dockerfile");
    let line = |start: &str| {
        let found = file
            .lines()
            .find_map(|line| line.trim().strip_prefix(start));
        found.unwrap_or_else(|| panic!("no {start}")).to_owned()
    };
    let command = line("CMD [\"serve\", \"/data\", ");
    let command = format!("[\"serve\", \"examples/cities.csv.gz\", {command}");
    let words: Vec<String> = serde_json::from_str(&command).unwrap();
    assert!(words.contains(&"0.0.0.0:3000".to_owned()));
    assert!(file.contains("http://127.0.0.1:3000/health"));
    check(words);
    let rust = read("rust-toolchain.toml");
    let version = line("ARG BUILDER=docker.io/library/rust:");
    let version = version.split('-').next().unwrap();
    assert!(
        rust.contains(&format!("channel = \"{version}.")),
        "{version}"
    );
}

#[test]
fn the_services_configuration_can_be_served() {
    let folder = folder("packaged");
    let config = read("packaging/heatsplat.toml");
    assert!(config.contains("\"/var/lib/heatsplat\""));
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cities.csv.gz");
    let config = config.replacen("/var/lib/heatsplat", examples.to_str().unwrap(), 1);
    let file = folder.join("heatsplat.toml");
    fs::write(&file, config).unwrap();
    let words = ["serve", "--config", file.to_str().unwrap()];
    check(words.map(str::to_owned).to_vec());
    let unit = read("packaging/heatsplat.service");
    assert!(unit.contains("heatsplat serve --config /etc/heatsplat/heatsplat.toml\n"));
}

/// The profile was lost once, when a branch was merged, and no other test saw it.
#[test]
fn the_release_profile_leaves_symbols_out_and_spares_what_is_hardly_called() {
    let manifest = read("Cargo.toml");
    for section in [
        "[profile.release]\ncodegen-units = 1\nstrip = \"symbols\"\n",
        "[profile.release.build-override]\n",
        "[profile.release.package.wgpu-core]\nopt-level = 1\n",
    ] {
        assert!(manifest.contains(section), "{section}");
    }
}

/// The module shares compiled crates with the program only if they have the same profiles.
#[test]
fn the_python_module_is_built_with_the_programs_profiles() {
    let (program, module) = (read("Cargo.toml"), read("python/Cargo.toml"));
    let sections = |manifest: &str| -> Vec<String> {
        let sections = manifest
            .split("\n[")
            .filter(|s| s.starts_with("profile.release"));
        let lines = |section: &str| {
            section
                .lines()
                .filter(|l| !l.starts_with('#') && !l.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        sections.map(|section| lines(section).join("\n")).collect()
    };
    let (of_program, of_module) = (sections(&program), sections(&module));
    assert!(of_module.len() > 10);
    for section in of_module {
        assert!(of_program.contains(&section), "{section}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_debian_package_has_program_manuals_completions_and_service() {
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        return crate::requirements::left_out(
            "the Debian package is built by dpkg-deb, which is missing",
        );
    }
    let package = folder("deb").join("heatsplat.deb");
    let run = Command::new("packaging/build-deb")
        .arg(env!("CARGO_BIN_EXE_heatsplat"))
        .arg(&package)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("HEATSPLAT_STRIP", "0")
        .env("HEATSPLAT_DEB_COMPRESSION", "none")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    let ask = |word: &str| {
        let run = Command::new("dpkg-deb").arg(word).arg(&package).output();
        String::from_utf8(run.unwrap().stdout).unwrap()
    };
    let content = ask("--contents");
    for (mode, file) in [
        ("-rwxr-xr-x root/root", "./usr/bin/heatsplat"),
        ("-rw-r--r-- root/root", "./etc/heatsplat/heatsplat.toml"),
        (
            "-rw-r--r-- root/root",
            "./lib/systemd/system/heatsplat.service",
        ),
        (
            "-rw-r--r-- root/root",
            "./lib/systemd/system/heatsplat.socket",
        ),
        (
            "-rw-r--r-- root/root",
            "./usr/share/man/man1/heatsplat-serve.1.gz",
        ),
        (
            "-rw-r--r-- root/root",
            "./usr/share/bash-completion/completions/heatsplat",
        ),
        (
            "-rw-r--r-- root/root",
            "./usr/share/doc/heatsplat/copyright",
        ),
        (
            "-rw-r--r-- root/root",
            "./usr/share/doc/heatsplat/docs/config.md",
        ),
    ] {
        let found = content
            .lines()
            .any(|line| line.starts_with(mode) && line.ends_with(file));
        assert!(found, "{file}: {content}");
    }
    let control = ask("--info");
    let version = format!("Version: {}", env!("CARGO_PKG_VERSION"));
    assert!(
        control.contains(&version) && control.contains("libc6 (>= 2."),
        "{control}"
    );
}
