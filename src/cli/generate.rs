//! `heatsplat generate`: made-up points as CSV.

use super::Failure;
use super::output;
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  heatsplat generate 1M -o points.csv
  heatsplat generate 50k | heatsplat serve -

The same number and seed always give the same points.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Generate {
    /// How many: 1000, 250k, 10M
    #[arg(value_parser = number)]
    number: usize,
    /// The CSV file; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Another seed gives other points
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Generate {
    pub(super) fn run(self) -> Result<(), Failure> {
        let points = heatsplat::generate::points(self.number, self.seed);
        output::write(&self.output, |file| {
            writeln!(file, "longitude,latitude,weight")?;
            for (lon, lat, weight) in points {
                // Seven decimals are a centimetre.
                writeln!(file, "{lon:.7},{lat:.7},{weight:.4}")?;
            }
            Ok(())
        })
    }
}

fn number(text: &str) -> Result<usize, &'static str> {
    let (digits, times) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (text.trim_end_matches(['k', 'K']), 1_000),
        Some(b'm' | b'M') => (text.trim_end_matches(['m', 'M']), 1_000_000),
        _ => (text, 1),
    };
    let number = digits.replace('_', "").parse().ok();
    number
        .and_then(|n: usize| n.checked_mul(times))
        .ok_or("expected a number, like 1000, 250k or 10M")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, n) in [
            ("0", 0),
            ("1_000", 1000),
            ("250k", 250_000),
            ("10M", 10_000_000),
        ] {
            assert_eq!(number(text), Ok(n));
        }
        for bad in ["", "k", "-1", "1.5", "99999999999999999999M", "ten"] {
            assert!(number(bad).is_err(), "{bad}");
        }
    }
}
