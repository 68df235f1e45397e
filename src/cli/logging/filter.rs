//! The levels of log lines. A level may differ by target, the part of the program that logs the
//! line.

use std::str::FromStr;
use tracing_core::LevelFilter;

/// The least severe level of the log lines that are written, by target. A target is a part of a
/// program, like `heatsplat_server`, that logs a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogFilter {
    /// The level of heatsplat's own crates and of the access log. Other crates are only logged if
    /// `targets` names them.
    default: LevelFilter,
    targets: Vec<(String, LevelFilter)>,
}

impl Default for LogFilter {
    fn default() -> Self {
        Self {
            default: LevelFilter::INFO,
            targets: Vec::new(),
        }
    }
}

impl FromStr for LogFilter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected off, error, warn, info, debug or trace, \
                                or parts like heatsplat_server=debug";
        let level = |text: &str| {
            let is_word = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic());
            text.parse().ok().filter(|_| is_word).ok_or(EXPECTED)
        };
        let mut filter = Self::default();
        for part in text.split(',').map(str::trim) {
            match part.split_once('=') {
                Some((target, text)) => {
                    let target = target.trim().to_owned();
                    filter.targets.push((target, level(text.trim())?));
                }
                None => filter.default = level(part)?,
            }
        }
        Ok(filter)
    }
}

impl LogFilter {
    pub(super) fn level(&self, target: &str) -> LevelFilter {
        let named = self.targets.iter().rev();
        let mut named = named.filter(|(name, _)| target.starts_with(name.as_str()));
        match named.next() {
            Some((_, level)) => *level,
            None if target.starts_with("heatsplat") || target == "access" => self.default,
            None => LevelFilter::OFF,
        }
    }

    pub(super) fn most(&self) -> LevelFilter {
        let levels = self.targets.iter().map(|(_, level)| *level);
        levels.fold(self.default, LevelFilter::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_has_a_level_and_parts() {
        let filter: LogFilter = "warn,heatsplat_server=debug, hyper = trace"
            .parse()
            .unwrap();
        for (target, level) in [
            ("heatsplat", LevelFilter::WARN),
            ("heatsplat_loader::csv", LevelFilter::WARN),
            ("heatsplat_server::listen", LevelFilter::DEBUG),
            ("hyper::proto", LevelFilter::TRACE),
            ("wgpu", LevelFilter::OFF),
        ] {
            assert_eq!(filter.level(target), level, "{target}");
        }
        assert_eq!(filter.most(), LevelFilter::TRACE);
        for wrong in ["", "loud", "a=", "warn,,", "3"] {
            assert!(wrong.parse::<LogFilter>().is_err(), "{wrong}");
        }
    }
}
