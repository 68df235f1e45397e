//! `heatsplat generate`: writes made-up points as CSV.

use super::error::BoxError;
use super::output;
use super::units::count;
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  heatsplat generate 1M -o points.csv
  heatsplat generate 50k | heatsplat serve -

The same number and seed always give the same points.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct GenerateCommand {
    /// Number of points: 1000, 250k, 10M
    #[arg(value_parser = count)]
    number: usize,
    /// The CSV file; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Seed of the random numbers: another one gives other points
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl GenerateCommand {
    pub(super) fn run(self) -> Result<(), BoxError> {
        let points = heatsplat::generate::points(self.number, self.seed);
        output::write(&self.output, |file| {
            writeln!(file, "longitude,latitude,weight")?;
            for (lon, lat, weight) in points {
                // Seven decimals of a degree are about a centimetre on the ground.
                writeln!(file, "{lon:.7},{lat:.7},{weight:.4}")?;
            }
            Ok(())
        })
    }
}
