//! The memory of the machine, of which a pack takes a quarter unless `--memory` sets it.

use std::fs;

/// The bytes that are assumed where the machine's memory is not known: a choice.
const UNKNOWN: u64 = 4 << 30;

/// A quarter of the machine's memory, in bytes. In a container with a lower limit it is a quarter
/// of the limit.
pub(super) fn quarter() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| total(&text));
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|text| text.trim().parse::<u64>().ok());
    let known = [machine, container].into_iter().flatten();
    known.min().unwrap_or(UNKNOWN) / 4
}

/// The bytes of memory that the text of `/proc/meminfo` states.
fn total(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_system() {
        let text = "MemTotal:       24587432 kB\nMemFree:         1234 kB\n";
        assert_eq!(total(text), Some(24_587_432 << 10));
        assert_eq!(total("MemFree: 12 kB\n"), None);
        assert!(quarter() > 1 << 20);
    }
}
