use super::{csv, names, path, points};
use crate::program::{command, folder, heatsplat};
use std::path::Path;
use std::process::{Command, Stdio};

/// The number of moments at which an export is killed. `HEATSPLAT_KILLS` may set a larger number.
fn kills() -> u64 {
    let asked = std::env::var("HEATSPLAT_KILLS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(4)
}

/// The contents of a file, or of all files in a folder of tiles.
fn contents(path: &Path) -> Vec<(String, Vec<u8>)> {
    if path.is_file() {
        return vec![(String::new(), std::fs::read(path).unwrap())];
    }
    let mut all = Vec::new();
    for name in names(path) {
        let inner = contents(&path.join(&name));
        all.extend(
            inner
                .into_iter()
                .map(|(rest, bytes)| (format!("{name}/{rest}"), bytes)),
        );
    }
    all
}

/// An export may be killed at any moment. It leaves its target unchanged, and a partial file. The
/// resumed export has exactly the bytes of an export that was not interrupted.
#[test]
fn a_killed_export_is_finished_to_the_same_bytes() {
    let folder = folder("export-kill");
    let source = csv(&folder, &points(5_000));
    for name in ["out.pmtiles", "out.mbtiles", "out/{z}/{x}/{y}.png"] {
        let (_, output) = path(&folder, name);
        let target = folder.join(name.trim_end_matches("/{z}/{x}/{y}.png"));
        let flags = ["export", &source, "-o", &output, "--zoom", "0-6"];
        let start = std::time::Instant::now();
        let (code, _, err) = heatsplat(&flags);
        assert_eq!(code, 0, "{err}");
        let time = start.elapsed();
        let whole = contents(&target);
        let remove = |path: &Path| {
            let _ = std::fs::remove_file(path);
            let _ = std::fs::remove_dir_all(path);
        };
        let (mut parts, mut random) = (0, 88_172_645_463_325_252u64);
        // The first export may have taken longer because other tests ran at the same time. So the
        // moments of killing become earlier if no kill comes in time.
        let mut sooner = 1.0;
        for _ in 0..kills() {
            remove(&target);
            // The export is killed once or several times, then finished.
            loop {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let delay = time.mul_f64(sooner * (random % 1000) as f64 / 900.0);
                let resume = [&flags[..], &["--resume"]].concat();
                let mut child = command(&resume).stderr(Stdio::piped()).spawn().unwrap();
                std::thread::sleep(delay);
                child.kill().unwrap();
                let out = child.wait_with_output().unwrap();
                if out.status.success() {
                    if parts > 0 || sooner < 1e-3 {
                        break;
                    }
                    sooner *= 0.7;
                    remove(&target);
                    continue;
                }
                let err = String::from_utf8_lossy(&out.stderr);
                assert!(out.status.code().is_none(), "{err}");
                parts += u32::from(!target.exists());
                if random % 3 == 0 {
                    let (code, _, err) = heatsplat(&resume);
                    assert_eq!(code, 0, "{err}");
                    break;
                }
            }
            assert!(contents(&target) == whole, "{name} is not what it would be");
            let left: Vec<_> = names(&folder)
                .into_iter()
                .filter(|n| {
                    n.starts_with("out.") && n.contains(".partial")
                        || n.contains(".building")
                        || n.contains(".former")
                })
                .collect();
            assert!(left.is_empty(), "{left:?} is left");
        }
        assert!(parts > 0, "no kill came in time");
        remove(&target);
    }
}

/// A small file system. It is unmounted when this value is dropped.
struct Small(String);

impl Small {
    fn mount(folder: &Path) -> Option<Self> {
        let path = folder.to_str()?.to_owned();
        let flags = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", &path];
        let mounted = Command::new("mount").args(flags).output();
        if !mounted.is_ok_and(|out| out.status.success()) {
            crate::requirements::left_out("a tmpfs can't be mounted; it takes root");
            return None;
        }
        Some(Self(path))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l", &self.0]).status();
    }
}

#[test]
fn a_full_disk_is_said_and_the_target_stays() {
    let folder = folder("export-full");
    let source = csv(&folder, &points(20_000));
    let disk = folder.join("disk");
    std::fs::create_dir(&disk).unwrap();
    let Some(_small) = Small::mount(&disk) else {
        return;
    };
    for name in ["out.pmtiles", "out.mbtiles"] {
        let (target, output) = path(&disk, name);
        std::fs::write(&target, "mine").unwrap();
        let flags = [
            "export",
            &source,
            "-o",
            &output,
            "--zoom",
            "0-7",
            "--overwrite",
        ];
        let (code, _, err) = heatsplat(&flags);
        assert_eq!(code, 1, "{err}");
        assert!(
            err.contains(name) && err.to_lowercase().contains("no space"),
            "{err}"
        );
        assert_eq!(std::fs::read(&target).unwrap(), b"mine");
        for left in names(&disk) {
            assert!(
                left == name || left.starts_with(&format!("{name}.partial")),
                "{left}"
            );
        }
        for left in names(&disk) {
            std::fs::remove_file(disk.join(left)).unwrap();
        }
    }
    // In this case the partial file fits on the disk, and the disk is full only when SQLite writes
    // its own file.
    let (_, output) = path(&disk, "out.mbtiles");
    let fill = |bytes: usize| std::fs::write(disk.join("ballast"), vec![0; bytes]).unwrap();
    let flags = ["export", &source, "-o", &output, "--zoom", "0-2"];
    let (code, _, err) = heatsplat(&flags);
    assert_eq!(code, 0, "{err}");
    let needed = std::fs::metadata(&output).unwrap().len() as usize;
    std::fs::remove_file(&output).unwrap();
    fill((1 << 20) - needed * 3 / 2);
    let (code, _, err) = heatsplat(&flags);
    assert!(
        code == 1 && err.contains("out.mbtiles.building"),
        "{code} {err}"
    );
    assert_eq!(
        names(&disk),
        [
            "ballast",
            "out.mbtiles.partial",
            "out.mbtiles.partial.index"
        ]
    );
    std::fs::remove_file(disk.join("ballast")).unwrap();
    let (code, _, err) = heatsplat(&[&flags[..], &["--resume"]].concat());
    assert_eq!(code, 0, "{err}");
    assert_eq!(names(&disk), ["out.mbtiles"]);
}
