use crate::program::{command, folder, heatsplat};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs of 65,536 points, the shortest.
const LITTLE: &str = "--memory=1M";

/// The way out and back: the points of a pack, exported as GeoParquet and packed again, have its
/// identity.
#[test]
fn an_exported_pack_packs_to_the_same_identity() {
    let folder = folder("pack-export");
    let source = csv(&folder, "a.csv", rows(20_000).iter());
    let (packed, again) = (in_folder(&folder, "a.heat"), in_folder(&folder, "b.heat"));
    let points = in_folder(&folder, "a.parquet");
    let before = pack(&[&source, "-o", &packed], 2);
    let (code, _, errors) = heatsplat(&["export", &packed, "-o", &points]);
    assert_eq!(code, 0, "{errors}");
    let after = pack(&[&points, "-o", &again], 2);
    assert_eq!(after["identity"], before["identity"]);
}

/// Lines of a CSV file with `number` points, some rows of which give none.
fn rows(number: usize) -> Vec<String> {
    let points = heatsplat::generate::points(number, 5);
    let row = |(i, (lon, lat, weight)): (usize, (f64, f64, f32))| match i % 1000 {
        999 => "?,?,1".to_owned(),
        _ => format!("{lon:.7},{lat:.7},{weight:.4}"),
    };
    points.into_iter().enumerate().map(row).collect()
}

/// Writes a CSV file. Returns its path.
fn csv<'a>(folder: &Path, name: &str, rows: impl Iterator<Item = &'a String>) -> String {
    let mut text = String::from("longitude,latitude,weight\n");
    for row in rows {
        writeln!(text, "{row}").unwrap();
    }
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Packs with `--json` and returns the report.
fn pack(arguments: &[&str], threads: u32) -> Value {
    let all = [&["pack", "--json"], arguments].concat();
    let out = command(&all)
        .env("RAYON_NUM_THREADS", threads.to_string())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{err}");
    serde_json::from_slice(&out.stdout).unwrap()
}

fn in_folder(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_identity_depends_on_the_points_alone() {
    let folder = folder("pack-order");
    let rows = rows(200_000);
    let source = csv(&folder, "a.csv", rows.iter());
    let one = in_folder(&folder, "one.heat");
    let report = pack(&[&source, "-o", &one, LITTLE], 1);
    assert_eq!(report["points"], 199_800);
    assert_eq!(report["sources"][0]["skipped"]["bad position"], 200);
    assert!(
        report["bytes"].as_u64().unwrap() < 13 * 199_800 + 65_536,
        "{report}"
    );
    // The rows from back to front, in two files.
    let (first, second) = rows.split_at(70_000);
    let back = csv(&folder, "back.csv", second.iter().rev());
    let front = csv(&folder, "front.csv", first.iter().rev());
    for (memory, threads) in [("--memory=1M", 2), ("--memory=1G", 8), ("--memory=3M", 1)] {
        let other = in_folder(&folder, "other.heat");
        let other = pack(
            &[&back, &front, "-o", &other, memory, "--overwrite"],
            threads,
        );
        assert_eq!(other["identity"], report["identity"], "{memory} {threads}");
        assert_eq!(
            other["bytes"].as_u64().unwrap() >> 10,
            report["bytes"].as_u64().unwrap() >> 10
        );
    }
    // Packs of the parts make the same pack, and so does a pack of the pack.
    let parts = [("p.heat", &back), ("q.heat", &front)].map(|(name, source)| {
        let path = in_folder(&folder, name);
        pack(&[source, "-o", &path], 2);
        path
    });
    for sources in [
        &[&*parts[0], &*parts[1]][..],
        &[&*one],
        &[&*parts[0], &*front],
    ] {
        let output = in_folder(&folder, "union.heat");
        let union = pack(
            &[sources, &["-o", &*output, LITTLE, "--overwrite"]].concat(),
            2,
        );
        assert_eq!(union["identity"], report["identity"], "{sources:?}");
    }
    assert!(names(&folder).iter().all(|name| !name.contains("partial")));
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Rows that a condition or a box leaves out are counted, and the rest is the pack of these rows
/// alone. A box divides packs too.
#[test]
fn conditions_and_boxes_leave_rows_out_and_count_them() {
    let folder = folder("pack-part");
    let rows = rows(20_000);
    let source = csv(&folder, "a.csv", rows.iter());
    let number = |row: &str, at: usize| -> Option<f64> { row.split(',').nth(at)?.parse().ok() };
    let inside = |row: &&String| number(row, 0).is_some_and(|lon| (0.0..=90.0).contains(&lon));
    let heavy = |row: &&String| number(row, 0).is_some() && number(row, 2).unwrap() > 3.0;
    let [all, east, both] = ["all.heat", "east.heat", "both.heat"].map(|n| in_folder(&folder, n));
    pack(&[&source, "-o", &all], 2);
    let some = csv(&folder, "east.csv", rows.iter().filter(inside));
    let wanted = pack(&[&some, "-o", &east], 2);
    let boxed = ["--within", "0,-85,90,85", "--overwrite"];
    for from in [&source, &all] {
        let report = pack(&[&[from, "-o", &*east], &boxed[..]].concat(), 2);
        let dry = pack(
            &[&[from, "-o", &*east, "--dry-run"], &boxed[..2]].concat(),
            2,
        );
        assert_eq!(report["identity"], wanted["identity"], "{from}");
        let left = 19_980 - wanted["points"].as_u64().unwrap();
        assert!(left > 1000, "{left}");
        for report in [&report, &dry] {
            assert_eq!(report["sources"][0]["filtered"], left, "{from}");
            assert_eq!(report["points"], wanted["points"]);
        }
    }
    let some = csv(&folder, "heavy.csv", rows.iter().filter(heavy));
    let wanted = pack(&[&some, "-o", &both], 2);
    let report = pack(
        &[
            &source,
            "-o",
            &both,
            "--overwrite",
            "--filter",
            "weight > 3",
        ],
        2,
    );
    assert_eq!(report["identity"], wanted["identity"]);
    let left = 20_000 - wanted["points"].as_u64().unwrap();
    let filtered = report["sources"][0]["filtered"].as_u64().unwrap();
    let skipped = report["sources"][0]["skipped"]["bad position"].as_u64();
    assert_eq!(filtered + skipped.unwrap_or(0), left);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Rows with columns of all kinds: texts, whole and other numbers, times, booleans, and a column
/// whose last value alone is no number. Some values are missing. One of `equal` rows is at one
/// place.
fn rows_with_columns(number: usize, equal: usize) -> Vec<String> {
    let points = heatsplat::generate::points(number, 9);
    let row = |(i, (lon, lat, weight)): (usize, (f64, f64, f32))| {
        let kind = ["theft", "", "fraud", "a, b", "007"][i * i % 5];
        let (day, cents) = (i % 28 + 1, i * 37 % 100_000);
        let mixed = if i + 1 == number {
            "x".to_owned()
        } else {
            format!("{}.50", i % 300)
        };
        let whole = if i % 11 == 0 {
            String::new()
        } else {
            (867_322_040_000_000_001 + i as u64 % 50).to_string()
        };
        let (lon, lat, weight) = match i % equal == 1 {
            true => (1.0, 2.0, 3.0),
            false => (lon, lat, weight),
        };
        format!(
            "{lon:.7},{lat:.7},{weight:.4},\"{kind}\",{}.{:02},2024-03-{day:02}T12:{:02}:00Z,{},{mixed},{whole}",
            cents / 100,
            cents % 100,
            i % 60,
            i % 2 == 0
        )
    };
    points.into_iter().enumerate().map(row).collect()
}

const COLUMNS: &str = "--keep=kind,price,at,yes,mixed,id";

fn csv_with_columns(folder: &Path, name: &str, rows: &[String]) -> String {
    let header = "longitude,latitude,weight,kind,price,at,yes,mixed,id";
    let text = format!("{header}\n{}\n", rows.join("\n"));
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Each row is in one of the shards, whatever the source, the memory and the threads are, and their
/// union is the pack of all rows.
#[test]
fn shards_make_the_pack_of_all_rows() {
    let folder = folder("pack-shards");
    let path = |name: &str| in_folder(&folder, name);
    let rows = rows_with_columns(60_000, 20);
    let source = csv_with_columns(&folder, "a.csv", &rows);
    let one = path("one.heat");
    let whole = pack(&[&source, "-o", &one, COLUMNS, "--counts"], 2);
    for flags in [
        &["--counts"][..],
        &["--filter=price < 500"],
        &["--keep=kind"],
    ] {
        let keep = match flags {
            ["--keep=kind"] => &[][..],
            _ => &[COLUMNS],
        };
        let words = [
            &[&*source, "-o", &*path("all.heat"), "--overwrite"],
            keep,
            flags,
        ];
        let wanted = pack(&words.concat(), 2);
        let mut points = 0;
        let parts = [1, 2, 3, 4].map(|number| {
            let (to, shard) = (path(&format!("{number}.heat")), format!("{number}/4"));
            let memory = format!("--memory={number}M");
            // Packs of all rows have the shards of their sources.
            let (from, keep) = match number % 2 {
                0 => (&one, &[][..]),
                _ => (&source, keep),
            };
            let words = [from, "-o", &to, "--overwrite", "--shard", &shard, &memory];
            let report = pack(&[&words[..], keep, flags].concat(), number);
            let dry = pack(&[&words[..], keep, flags, &["--dry-run"]].concat(), 2);
            assert_eq!(dry["points"], report["points"]);
            let part = report["points"].as_u64().unwrap();
            let equal = wanted["points"].as_u64().unwrap() / 4;
            assert!(part > equal * 3 / 4 && part < equal * 3 / 2, "{part}");
            let counted = &report["sources"][0];
            let rows = counted["kept"].as_u64().unwrap() + counted["filtered"].as_u64().unwrap();
            assert_eq!((counted["kept"].as_u64(), rows), (Some(part), 60_000));
            points += part;
            to
        });
        assert_eq!(wanted["points"], points);
        let union: Vec<&str> = parts.iter().map(String::as_str).collect();
        let all = path("all.heat");
        let union = pack(&[&union, &["-o", &*all, "--overwrite"][..]].concat(), 2);
        assert_eq!(union["identity"], wanted["identity"], "{flags:?}");
    }
    assert_ne!(whole["points"], 0);
    let words = ["pack", &source, "-o", &one, "--overwrite", "--shard", "4/3"];
    let (code, _, err) = heatsplat(&words);
    assert!(code != 0 && err.contains("from 1/4 to 4/4"), "{err}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Columns that are kept have the values, types and texts that they have in memory, and the pack
/// depends on the rows alone.
#[test]
fn kept_columns_are_those_of_memory() {
    let folder = folder("pack-columns");
    let path = |name: &str| in_folder(&folder, name);
    let rows = rows_with_columns(150_000, 1);
    let source = csv_with_columns(&folder, "a.csv", &rows);
    let heat = path("a.heat");
    let report = pack(&[&source, "-o", &heat, COLUMNS, LITTLE], 2);
    let bytes = report["columns_bytes"].as_u64().unwrap();
    assert!(bytes > 0 && bytes < 12 * 150_000, "{bytes}");
    let (code, out, err) = heatsplat(&["info", &heat, "--verify"]);
    assert!(code == 0, "{out}{err}");
    let (_, out, _) = heatsplat(&["info", &heat]);
    assert!(
        out.contains("\"kind\" (text), \"price\" (number), \"at\" (time)"),
        "{out}"
    );
    // The columns of memory, byte for byte.
    let exports = [(&source, Some(COLUMNS)), (&heat, None)].map(|(from, keep)| {
        let to = path("out.parquet");
        let words = ["export", from, "-o", &to, "--overwrite"];
        let (code, _, err) = heatsplat(&[&words, keep.as_slice()].concat());
        assert_eq!(code, 0, "{err}");
        std::fs::read(&to).unwrap()
    });
    assert!(exports[0] == exports[1]);
    // Another order, memory and division of the rows; packs of packs; and the way over Parquet.
    let rows = rows_with_columns(150_000, 20);
    let source = csv_with_columns(&folder, "b.csv", &rows);
    let one = path("one.heat");
    let report = pack(&[&source, "-o", &one, COLUMNS, LITTLE], 2);
    let same = |sources: &[&str], flags: &[&str]| {
        let output = path("other.heat");
        let other = pack(
            &[sources, &["-o", &output, "--overwrite"], flags].concat(),
            2,
        );
        assert_eq!(
            other["identity"], report["identity"],
            "{sources:?} {flags:?}"
        );
    };
    let back: Vec<String> = rows.iter().rev().cloned().collect();
    let (first, second) = back.split_at(40_000);
    let parts = [("c.csv", first), ("d.csv", second)];
    let parts = parts.map(|(name, rows)| csv_with_columns(&folder, name, rows));
    same(&[&parts[0], &parts[1]], &[COLUMNS, "--memory=1G"]);
    same(&[&parts[1], &parts[0]], &[COLUMNS, "--memory=3M"]);
    let packs = [("c.heat", &parts[0]), ("d.heat", &parts[1])].map(|(name, source)| {
        let to = path(name);
        pack(&[source, "-o", &to, COLUMNS], 2);
        to
    });
    same(&[&packs[0], &packs[1]], &[LITTLE]);
    same(&[&packs[0], &parts[1]], &[COLUMNS]);
    same(&[&one], &["--within=-180,-86,180,86", LITTLE]);
    let parquet = path("one.parquet");
    let (code, _, err) = heatsplat(&["export", &one, "-o", &parquet]);
    assert_eq!(code, 0, "{err}");
    same(&[&parquet], &[COLUMNS]);
    // Some of the columns, and none.
    let fewer = pack(&[&one, "-o", &path("few.heat"), "--keep", "kind"], 2);
    assert_ne!(fewer["identity"], report["identity"]);
    let wanted = pack(&[&source, "-o", &path("few2.heat"), "--keep", "kind"], 2);
    assert_eq!(fewer["identity"], wanted["identity"]);
    for (words, why) in [
        (vec![&*one, &*source], "name those to keep by --keep"),
        (vec![&*one, "--keep=colour"], "has no column \"colour\""),
    ] {
        let (code, _, err) = heatsplat(&[&["pack", "-o", &*path("no.heat")][..], &words].concat());
        assert!(code != 0 && err.contains(why), "{err}");
    }
    // More rows at one place than fit into memory are sorted by columns of one type only.
    let rows = rows_with_columns(150_000, 2);
    let source = csv_with_columns(&folder, "crowd.csv", &rows);
    let crowd = path("crowd.heat");
    let words = ["pack", &source, "-o", &crowd, LITTLE, COLUMNS];
    let (code, _, err) = heatsplat(&words);
    assert!(
        code == 1 && err.contains("values of several types"),
        "{err}"
    );
    let few = "--keep=kind,price,at,yes,id";
    let report = pack(&[&source, "-o", &crowd, few, LITTLE, "--overwrite"], 2);
    let wanted = pack(
        &[&source, "-o", &crowd, few, "--memory=1G", "--overwrite"],
        2,
    );
    assert_eq!(report["identity"], wanted["identity"]);
    pack(
        &[&source, "-o", &crowd, COLUMNS, "--memory=1G", "--overwrite"],
        2,
    );
    assert!(names(&folder).iter().all(|name| !name.contains("partial")));
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The number of moments at which a pack is killed. `HEATSPLAT_KILLS` may set a larger number.
fn kills() -> u32 {
    let asked = std::env::var("HEATSPLAT_KILLS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(4)
}

/// A pack may be killed at any moment. It leaves its target unchanged. The resumed pack is that of
/// an undisturbed one.
#[test]
fn a_killed_pack_is_resumed_to_the_same_identity() {
    let folder = folder("pack-kill");
    let rows = rows(400_000);
    let first = csv(&folder, "a.csv", rows[..150_000].iter());
    let second = csv(&folder, "b.csv", rows[150_000..].iter());
    let output = in_folder(&folder, "out.heat");
    let start = Instant::now();
    let whole = pack(&[&first, &second, "-o", &output, LITTLE], 2);
    let time = start.elapsed();
    let bytes = std::fs::read(&output).unwrap();
    let (mut random, mut killed, mut resumed) = (88_172_645_463_325_252u64, 0, 0);
    let mut sooner = 1.0;
    let arguments = ["pack", "--json", &first, &second, "-o", &output, LITTLE];
    let partial = folder.join("out.heat.partial");
    for round in 0..kills() {
        // In every other round there is an older target, which stays until the new one is whole.
        let older = round % 2 == 1;
        std::fs::remove_file(&output).unwrap();
        if older {
            std::fs::write(&output, "older").unwrap();
        }
        let out = loop {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let delay = time.mul_f64(sooner * (random % 1000) as f64 / 900.0);
            let flag = if partial.exists() {
                "--resume"
            } else {
                "--overwrite"
            };
            let mut pack = command(&[&arguments[..], &[flag]].concat());
            if random % 3 == 0 && killed > 0 {
                break Some(pack.output().unwrap());
            }
            let pack = pack.stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = pack.spawn().unwrap();
            std::thread::sleep(delay);
            child.kill().unwrap();
            let out: Output = child.wait_with_output().unwrap();
            if out.status.success() {
                break Some(out);
            }
            let err = String::from_utf8_lossy(&out.stderr);
            assert!(out.status.code().is_none(), "{err}");
            killed += 1;
            match std::fs::read(&output) {
                Ok(now) if now == bytes => break None,
                Ok(now) => assert!(older && now == b"older"),
                Err(_) => assert!(!older),
            }
        };
        if let Some(out) = out {
            let err = String::from_utf8_lossy(&out.stderr);
            assert!(out.status.success(), "{round}: {err}");
            resumed += u32::from(err.contains("points are in runs"));
            let report: Value = serde_json::from_slice(&out.stdout).unwrap();
            assert_eq!(report["identity"], whole["identity"]);
            assert!(!partial.exists());
        }
        // The metadata doesn't have the time of reading, so all bytes are equal.
        assert!(std::fs::read(&output).unwrap() == bytes);
        let _ = std::fs::remove_dir_all(&partial);
        // Other tests may have slowed down the first pack.
        if killed == 0 {
            sooner *= 0.6;
        }
    }
    assert!(killed > 0 || kills() < 3, "no pack was killed");
    println!("{killed} killed, {resumed} with runs");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_a_pack_cannot_hold_is_refused_by_name() {
    let folder = folder("pack-refused");
    let source = csv(&folder, "a.csv", rows(2000).iter());
    let output = in_folder(&folder, "a.heat");
    let refused = |arguments: &[&str], code: i32, words: &[&str]| {
        let all = [&["pack", &*source], arguments].concat();
        let (found, _, err) = heatsplat(&all);
        assert_eq!(found, code, "{arguments:?}: {err}");
        assert!(
            words.iter().all(|word| err.contains(word)),
            "{arguments:?}: {err}"
        );
    };
    refused(&["-o", &output, "--keep", "none"], 1, &["none"]);
    refused(
        &["-o", &output, "--keep", "weight,weight"],
        2,
        &["--keep", "twice"],
    );
    refused(&["-o", &output, "--by", "weight"], 2, &["--by", "--keep"]);
    refused(
        &["-o", &output, "--radius-column", "weight"],
        2,
        &["--radius-column"],
    );
    refused(
        &["-o", &in_folder(&folder, "a.bin")],
        2,
        &["--output", ".heat"],
    );
    refused(&["-o", &in_folder(&folder, "none/a.heat")], 1, &["none"]);
    assert_eq!(names(&folder), ["a.csv"]);
    // A dry run says what it would take, and writes nothing.
    let (code, out, err) = heatsplat(&["pack", &source, "-o", &output, "--dry-run"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("1,998 points, about ") && err.contains("2 bad position"),
        "{out}{err}"
    );
    assert_eq!(names(&folder), ["a.csv"]);
    let report = pack(&[&source, "-o", &output], 2);
    let dry = pack(&[&source, "-o", &output, "--dry-run"], 2);
    assert_eq!(dry["points"], report["points"]);
    let (guess, true_bytes) = (
        dry["bytes"].as_f64().unwrap(),
        report["bytes"].as_f64().unwrap(),
    );
    assert!(
        (0.7..1.5).contains(&(guess / true_bytes)),
        "{guess} {true_bytes}"
    );
    refused(&["-o", &output], 1, &["exists already", "--overwrite"]);
    refused(
        &[&output, "-o", &output, "--overwrite"],
        2,
        &["is a source too"],
    );
    let other = in_folder(&folder, "b.heat");
    refused(
        &[&output, "-o", &other, "--filter", "weight > 3"],
        1,
        &["--filter", "packed file has no columns"],
    );
    let (code, _, err) = heatsplat(&["pack", &source, "-o", &output, "--resume"]);
    assert!(code == 0 && err.contains("is whole already"), "{err}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Mounts an empty file system of a few MiB in the folder, for one command. `None` where this is
/// not allowed.
fn on_small_disk(folder: &Path, mebibytes: u32, arguments: &[&str]) -> Option<Output> {
    let mount = format!(
        "mount -t tmpfs -o size={mebibytes}m none \"$0\" && \"$@\"; code=$?; ls \"$0\"; exit $code"
    );
    let run = |before: &[&str]| {
        let program = command(&[]).get_program().to_owned();
        let (first, rest) = before.split_first().unwrap();
        let mut all = Command::new(first);
        all.args(rest)
            .arg(&mount)
            .arg(folder)
            .arg(program)
            .args(arguments);
        all.output().ok()
    };
    let can = run(&["unshare", "-m", "sh", "-c"]).filter(is_mounted);
    can.or_else(|| run(&["unshare", "-rm", "sh", "-c"]).filter(is_mounted))
}

fn is_mounted(out: &Output) -> bool {
    let err = String::from_utf8_lossy(&out.stderr);
    !err.contains("mount:") && !err.contains("unshare:")
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_names_the_bytes_that_are_needed() {
    let folder = folder("pack-full");
    let disk: PathBuf = folder.join("disk");
    std::fs::create_dir(&disk).unwrap();
    let source = csv(&folder, "a.csv", rows(400_000).iter());
    let output = in_folder(&disk, "a.heat");
    // On the first disk the runs don't fit, and on the second one the file beside them.
    for mebibytes in [2, 6] {
        let arguments = ["pack", &source, "-o", &output, LITTLE];
        let Some(out) = on_small_disk(&disk, mebibytes, &arguments) else {
            println!("no file system can be mounted here");
            return;
        };
        let (err, left) = (String::from_utf8_lossy(&out.stderr), out.stdout);
        assert_eq!(out.status.code(), Some(1), "{err}");
        assert!(err.contains("the disk is full; a pack of "), "{err}");
        let needed = err.split("points needs about ").nth(1).unwrap_or_default();
        let needed: u64 = needed.split(' ').next().unwrap().parse().unwrap();
        assert!((6_000_000..20_000_000).contains(&needed), "{err}");
        assert_eq!(String::from_utf8_lossy(&left), "a.heat.partial\n");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn verifying_finds_what_is_damaged() {
    let folder = folder("pack-verify");
    let source = csv(&folder, "a.csv", rows(100_000).iter());
    let output = in_folder(&folder, "a.heat");
    let packed = pack(&[&source, "-o", &output], 2);
    let verify = |code: i32| {
        let (found, out, err) = heatsplat(&["info", &output, "--verify", "--json"]);
        assert_eq!(found, code, "{out}{err}");
        (serde_json::from_str::<Value>(&out).unwrap_or_default(), err)
    };
    let (good, _) = verify(0);
    for number in ["points", "cells", "bytes", "identity"] {
        assert_eq!(good[number], packed[number], "{number}");
    }
    assert_eq!(good["faults"], 0);
    assert!(good["pages"].as_u64().unwrap() > 50);
    let whole = std::fs::read(&output).unwrap();
    // The first 64 KiB have other parts than pages, and zeros behind them.
    for at in (70_000..whole.len())
        .step_by(whole.len() / 9)
        .chain([whole.len() - 1])
    {
        let mut bytes = whole.clone();
        bytes[at] ^= 16;
        std::fs::write(&output, bytes).unwrap();
        let (bad, err) = verify(1);
        assert!(err.contains("damaged"), "{at}: {err}");
        // A damaged directory of pages is found when the file is opened, or as a fault.
        assert!(
            bad.is_null() || bad["faults"].as_u64().unwrap() > 0,
            "{at}: {bad}"
        );
    }
    std::fs::write(&output, &whole[..whole.len() - 1]).unwrap();
    let (_, err) = verify(1);
    assert!(err.contains("bytes"), "{err}");
    let (code, _, err) = heatsplat(&["info", &source, "--verify"]);
    assert!(code == 2 && err.contains("expected a .heat file"), "{err}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A source that has changed is read again, and one that hasn't is not.
#[test]
fn sources_that_have_changed_are_read_again() {
    let folder = folder("pack-changed");
    let rows = rows(300_000);
    let first = csv(&folder, "a.csv", rows[..200_000].iter());
    let second = csv(&folder, "b.csv", rows[200_000..].iter());
    let output = in_folder(&folder, "out.heat");
    let arguments = ["pack", "--json", &first, &second, "-o", &output, LITTLE];
    // The second source ends with an error, so the runs of the first stay.
    let good = std::fs::read(&second).unwrap();
    std::fs::remove_file(&second).unwrap();
    std::fs::create_dir(&second).unwrap();
    let (code, _, err) = heatsplat(&arguments);
    assert_eq!(code, 1, "{err}");
    let (code, _, err) = heatsplat(&arguments);
    assert!(code == 1 && err.contains("--resume finishes it"), "{err}");
    std::fs::remove_dir(&second).unwrap();
    std::fs::write(&second, good).unwrap();
    let other = [&arguments[..], &["--resume", "--weight", "none"]].concat();
    let (code, _, err) = heatsplat(&other);
    assert!(code == 1 && err.contains("other settings"), "{err}");
    // A file of the same size that is newer is another one.
    std::thread::sleep(Duration::from_millis(20));
    let text = std::fs::read_to_string(&first).unwrap();
    std::fs::write(&first, text.replace("?,?,1", "1,1,1")).unwrap();
    let resume = [&arguments[..], &["--resume"]].concat();
    let (code, out, err) = heatsplat(&resume);
    assert_eq!(code, 0, "{err}");
    assert!(!err.contains("points are in runs"), "{err}");
    let resumed: Value = serde_json::from_str(&out).unwrap();
    let fresh = pack(&[&arguments[2..], &["--overwrite"]].concat(), 2);
    assert_eq!(resumed["identity"], fresh["identity"]);
    assert_eq!(resumed["points"], 299_900);
    std::fs::remove_dir_all(&folder).unwrap();
}
