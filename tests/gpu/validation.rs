//! Vulkan's validation and synchronisation layers have nothing to say about what a GPU is asked to
//! draw, and would say it if there were something.

use super::*;
use crate::program::{command, folder};
use std::path::{Path, PathBuf};
use std::process::Command;

const LAYER: &str = "VkLayer_khronos_validation.json";

/// Returns true if the layers are installed. If they aren't, and tests may be left out, prints a
/// message.
fn has_layers() -> bool {
    let places = [
        "/usr/share/vulkan",
        "/usr/local/share/vulkan",
        "/etc/vulkan",
    ];
    let mut found = places
        .iter()
        .map(|place| Path::new(place).join("explicit_layer.d").join(LAYER));
    let is_there = found.any(|file| file.is_file());
    if !is_there {
        left_out("the GPU's validation needs vulkan-validationlayers");
    }
    is_there
}

/// A folder in which the layers leave their messages.
struct LayerMessages(PathBuf);

impl LayerMessages {
    fn new(name: &str) -> Self {
        let folder = folder(name);
        let this = Self(folder.clone());
        let settings = [
            "debug_action = VK_DBG_LAYER_ACTION_LOG_MSG".to_owned(),
            "report_flags = error,warn,perf".to_owned(),
            format!("log_filename = {}", this.file().display()),
            "enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT".to_owned(),
        ];
        let lines = settings.map(|line| format!("khronos_validation.{line}\n"));
        std::fs::write(folder.join("vk_layer_settings.txt"), lines.concat()).unwrap();
        let _ = std::fs::remove_file(this.file());
        this
    }

    fn file(&self) -> PathBuf {
        self.0.join("messages.txt")
    }

    /// Runs a command under the layers, and returns its errors and the messages.
    fn of(&self, command: &mut Command) -> (bool, String, String) {
        command.env("VK_INSTANCE_LAYERS", "VK_LAYER_KHRONOS_validation");
        command.env("VK_LAYER_SETTINGS_PATH", &self.0);
        let ended = command.output().unwrap();
        let messages = std::fs::read_to_string(self.file()).unwrap_or_default();
        let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
        (ended.status.success(), errors, messages)
    }
}

#[test]
fn the_layers_see_a_hazard() {
    if !has_layers() || device(AdapterChoice::Any).is_none() {
        return;
    }
    let mut hazard = Command::new("python3");
    hazard.arg("tests/gpu/hazard.py");
    let (is_well, errors, messages) = LayerMessages::new("hazard").of(&mut hazard);
    assert!(is_well, "{errors}");
    assert!(
        messages.contains("SYNC-HAZARD-WRITE-AFTER-WRITE"),
        "{messages}"
    );
}

#[test]
fn the_layers_have_nothing_to_say() {
    if !has_layers() || device(AdapterChoice::Any).is_none() {
        return;
    }
    // All passes, timed and not, many pictures in a batch, and points that don't fit.
    let ways: [&[&str]; 3] = [
        &[
            "--also",
            "radius=1.2",
            "--also",
            "kernel=quartic radius=12",
            "--also",
            "radius=70",
        ],
        &[
            "--also",
            "radius=400km",
            "--also",
            "measure=mean",
            "--also",
            "scale=local",
        ],
        &[
            "--gpu-memory",
            "1M",
            "--points",
            "150000",
            "--format",
            "npy",
        ],
    ];
    for (number, flags) in ways.into_iter().enumerate() {
        let first = [
            "bench",
            "--backend",
            "gpu:0",
            "--seconds",
            "0.05",
            "--tile",
            "0/0/0",
            "--tile",
            "4/8/5",
            "--threads",
            "6",
        ];
        let points: &[&str] = if number < 2 {
            &["--points", "3000"]
        } else {
            &[]
        };
        let mut bench = command(&[&first[..], points, flags].concat());
        let messages = LayerMessages::new(&format!("layers-{number}"));
        let (is_well, errors, messages) = messages.of(&mut bench);
        assert!(is_well, "{flags:?}: {errors}");
        assert_eq!(messages, "", "{flags:?}");
    }
}
