//! The program with a GPU: the backends that it lists, and the pictures that it draws and serves.

use super::*;
use crate::compare::decode_png;
use crate::program::{Server, folder, heatsplat};

const CITIES: &str = "examples/cities.csv.gz";

#[test]
fn backends_are_listed_with_what_auto_takes_and_why() {
    let (code, out, _) = heatsplat(&["info", "--backends"]);
    assert!(
        code == 0 && out.contains("cpu ") && out.contains("auto  takes the cpu"),
        "{out}"
    );
    let (code, out, _) = heatsplat(&["info", "--backends", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(code == 0 && list["auto"]["why"].is_string(), "{out}");
    let adapters = heatsplat::render::gpu::adapters();
    assert_eq!(list["gpu"].as_array().unwrap().len(), adapters.len());
    for (number, adapter) in adapters.iter().enumerate() {
        assert_eq!(list["gpu"][number]["number"], number);
        assert_eq!(list["gpu"][number]["name"], adapter.name.as_str());
        let chosen = format!("gpu:{number}");
        let map = [
            "render",
            CITIES,
            "-o",
            "/dev/null",
            "--as",
            "png",
            "--size",
            "64",
        ];
        let (code, _, err) = heatsplat(&[&map[..], &["--backend", &chosen]].concat());
        assert_eq!(code, 0, "{err}");
    }
    let beyond = format!("gpu:{}", adapters.len());
    let (code, _, err) = heatsplat(&["render", CITIES, "-o", "-", "--backend", &beyond]);
    assert!(code == 1 && err.contains("info --backends"), "{code} {err}");
    let (code, _, err) = heatsplat(&["render", CITIES, "-o", "-", "--backend", "gpu:no such"]);
    assert!(code == 1 && err.contains("info --backends"), "{code} {err}");
}

#[test]
fn each_gpu_races_against_the_cpu_on_a_file() {
    let (code, out, err) = heatsplat(&["info", "--backends", CITIES, "--json"]);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    let races = list["races"].as_array().unwrap();
    assert_eq!(
        (code, races.len()),
        (0, list["gpu"].as_array().unwrap().len()),
        "{err}"
    );
    for race in races {
        let rate = |name: &str| race[name].as_f64().unwrap();
        let (cpu, gpu) = (rate("cpu_tiles_per_s"), rate("gpu_tiles_per_s"));
        assert!(cpu > 0.0 && gpu > 0.0, "{race}");
        let wins = gpu > 1.25 * cpu && race["gpu_failed"] == false;
        assert_eq!(race["gpu_wins"], wins, "{race}");
    }
}

/// The benchmark's report of the GPU that has number 0.
fn bench_of_a_gpu(flags: &[&str]) -> (i32, serde_json::Value, String) {
    let first = [
        "bench",
        "--json",
        "-",
        "--backend",
        "gpu:0",
        "--points",
        "5000",
        "--seconds",
        "0.1",
        "--tile",
        "0/0/0",
        "--tile",
        "3/4/2",
    ];
    let (code, out, err) = heatsplat(&[&first[..], flags].concat());
    (code, serde_json::from_str(&out).unwrap_or_default(), err)
}

#[test]
fn a_bench_of_a_gpu_shows_its_work() {
    if device(AdapterChoice::Any).is_none() {
        return;
    }
    let (code, report, err) = bench_of_a_gpu(&["--threads", "8", "--batch", "4"]);
    assert_eq!(code, 0, "{err}");
    let gpu = &report["backends"][0];
    let adapter = &heatsplat::render::gpu::adapters()[0];
    assert_eq!(gpu["adapter"]["name"], adapter.name.as_str());
    assert_eq!(gpu["adapter"]["driver"], adapter.driver.as_str());
    assert!(gpu["adapter"]["buffer_bytes"].as_u64().unwrap() > 0);
    let drawn = |when: &str| gpu[when]["drawn"].as_u64().unwrap();
    assert!(drawn("counters_after") > drawn("counters_before"));
    for row in gpu["tiles"].as_array().unwrap() {
        assert_eq!(
            (row["drawn_by"].as_str(), &row["fallbacks"]),
            (Some("gpu"), &serde_json::json!({}))
        );
        let work = |name: &str| row["together_device"][name].as_f64().unwrap();
        assert!((1.0..=4.0).contains(&work("batch")), "{row}");
        assert!(
            work("submissions_a_tile") > 0.0 && work("worker_us_a_tile") > 0.0,
            "{row}"
        );
        assert!(
            work("asker_us_a_tile") > 0.0 && work("sent_bytes_a_tile") > 0.0,
            "{row}"
        );
    }
    // Either the device has a clock, and then each pass has a time by it, or none has.
    let passes = gpu["passes"].as_array().unwrap();
    let has_clock = passes.iter().any(|pass| pass["device_ms"].is_number());
    for name in ["bin", "settle", "across", "down", "refine", "indices"] {
        let pass = passes.iter().find(|pass| pass["name"] == name).unwrap();
        let (wall, device) = (
            pass["wall_ms"].as_f64().unwrap(),
            pass["device_ms"].as_f64(),
        );
        assert!(wall > 0.0 && device.is_some() == has_clock, "{pass}");
        assert!(device.is_none_or(|device| device <= wall), "{pass}");
    }
    let last = err.trim_end().lines().last().unwrap_or("");
    assert!(last.starts_with("  bottleneck: "), "{err}");
}

/// The CPU draws kernels with an edge. These figures are not reported as those of the GPU.
#[test]
fn what_the_cpu_draws_is_no_figure_of_a_gpu() {
    if device(AdapterChoice::Any).is_none() {
        return;
    }
    let (code, report, err) = bench_of_a_gpu(&["--kernel", "uniform", "--radius", "20"]);
    assert!(
        code == 1 && err.contains("the CPU drew pictures of gpu:"),
        "{code} {err}"
    );
    assert!(err.contains("DRAWN BY THE CPU: beyond"), "{err}");
    let row = &report["backends"][0]["tiles"][0];
    assert_eq!(row["drawn_by"], "cpu");
    assert!(row["fallbacks"]["beyond"].as_u64().unwrap() > 0, "{row}");
}

/// Mesa prints an error for each of its drivers where there is no folder for the user's sockets.
#[cfg(target_os = "linux")]
#[test]
fn complaints_of_drivers_are_not_shown() {
    let absent = folder("runtime").join("absent");
    for arguments in [
        &["info", "--backends"][..],
        &[
            "render",
            CITIES,
            "-o",
            "/dev/null",
            "--as",
            "png",
            "--size",
            "64",
        ],
        &[
            "render",
            CITIES,
            "-o",
            "-",
            "--as",
            "png",
            "--backend",
            "gpu:no such",
        ],
    ] {
        for value in [None, Some(&absent)] {
            let mut command = crate::program::command(arguments);
            command.env_remove("XDG_RUNTIME_DIR");
            command.envs(value.map(|folder| ("XDG_RUNTIME_DIR", folder)));
            let err = String::from_utf8(command.output().unwrap().stderr).unwrap();
            assert!(!err.contains("XDG_RUNTIME_DIR"), "{err}");
            // What the program prints itself still arrives.
            assert!(err.is_empty() == (arguments[0] == "info"), "{err}");
        }
    }
}

#[test]
fn a_rendered_map_is_the_cpus() {
    let Some(_) = device(AdapterChoice::Any) else {
        return;
    };
    let dir = folder("gpu");
    let draw = |backend: &str| {
        let path = dir.join(backend);
        let out = path.to_str().unwrap();
        let words = [
            "--as",
            "png",
            "--size",
            "700",
            "--domain",
            "0,1e7",
            "--ramp",
            "black,white",
        ];
        let arguments = [
            &["render", CITIES, "-o", out, "--backend", backend],
            &words[..],
        ];
        let (code, _, err) = heatsplat(&arguments.concat());
        assert_eq!(code, 0, "{err}");
        decode_png(&std::fs::read(&path).unwrap())
    };
    let (cpu, gpu) = (draw("cpu"), draw("gpu"));
    assert_eq!(cpu.dimensions(), gpu.dimensions());
    let far = cpu.pixels().zip(gpu.pixels()).find(|(a, b)| {
        let mut channels = a.0.iter().zip(b.0);
        channels.any(|(a, b)| a.abs_diff(b) > 2)
    });
    assert_eq!(far, None);
}

#[test]
fn a_server_answers_many_at_once() {
    let Some(_) = device(AdapterChoice::Any) else {
        return;
    };
    let server = Server::start(&[CITIES, "--backend", "gpu", "--gpu-memory", "64M"]);
    let cpu = Server::start(&[CITIES, "--backend", "cpu"]);
    std::thread::scope(|scope| {
        for i in 0..48 {
            let (server, cpu) = (&server, &cpu);
            scope.spawn(move || {
                let path = format!("/cities/4/{}/{}.npy", 4 + i % 8, 4 + i / 8);
                let (status, _, drawn) = server.get(&path, "");
                let (_, _, truth) = cpu.get(&path, "");
                assert_eq!((status, drawn.len()), (200, truth.len()), "{path}");
                let floats = |bytes: &[u8]| -> Vec<f32> {
                    let tail = &bytes[bytes.len() - 4 * 65536..];
                    tail.as_chunks::<4>()
                        .0
                        .iter()
                        .map(|b| f32::from_le_bytes(*b))
                        .collect()
                };
                let density = |bytes: &[u8]| Density {
                    width: 256,
                    height: 256,
                    values: floats(bytes),
                };
                let (drawn, truth) = (density(&drawn), density(&truth));
                // The tolerance is a fraction of the tile's peak, or of 10⁴ if this is more. It
                // stands for the peak of the brightest tile of the zoom. A dark tile may only show
                // the outer part of a city's splat.
                let wrong = wrong_density(&drawn, &truth, peak(&truth).max(1e4));
                assert_eq!(wrong, None, "{path}");
            });
        }
    });
}
