//! `heatsplat ramps`: which colours there are, in words, in the terminal and as a picture.

use super::Failure;
use super::output;
use clap::Args;
use heatsplat::Ramp;
use heatsplat::render::ramps::{self, NamedRamp};
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  heatsplat ramps
  heatsplat ramps -o ramps.png
  heatsplat render examples/cities.csv.gz -o map.png --ramp viridis
  heatsplat render examples/cities.csv.gz -o map.png --ramp \"transparent, navy, #ff0\"";

/// Characters of a swatch, each with a colour of its own.
const SWATCH: usize = 32;

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Ramps {
    /// Draw all ramps into a PNG file; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Ramps {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.output {
            Some(output) => {
                let picture = ramps::picture()?;
                output::write(&output, |file| file.write_all(&picture))
            }
            None => Ok(io::stdout()
                .lock()
                .write_all(list(in_colour()).as_bytes())?),
        }
    }
}

fn list(in_colour: bool) -> String {
    let mut text = String::new();
    let mut group = None;
    for named in ramps::all() {
        if group != Some(named.group) {
            let gap = if group.is_some() { "\n" } else { "" };
            let _ = writeln!(text, "{gap}{}", named.group);
            group = Some(named.group);
        }
        let swatch = if in_colour {
            swatch(named)
        } else {
            String::new()
        };
        let _ = writeln!(text, "  {:<12} {swatch}{}", named.name, named.about);
    }
    text.push_str("\nAny name with _r at its end has its colours turned around.\n");
    text
}

/// The ramp as a bar of coloured spaces.
fn swatch(named: &NamedRamp) -> String {
    let ramp = Ramp::of_collection(named);
    let mut text = String::new();
    for i in 0..SWATCH {
        let position = (i * 255 / (SWATCH - 1)) as u8;
        let [r, g, b, a] = ramp.color(position).map(u32::from);
        // What is translucent is shown over black, where most terminals are.
        let [r, g, b] = [r, g, b].map(|c| c * a / 255);
        let _ = write!(text, "\x1b[48;2;{r};{g};{b}m ");
    }
    text + "\x1b[0m  "
}

/// Whether standard output is a terminal of 16 million colours that is asked for none of less.
fn in_colour() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let many = std::env::var("COLORTERM").is_ok_and(|v| v == "truecolor" || v == "24bit");
    io::stdout().is_terminal() && many && !set("NO_COLOR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ramp_is_listed_with_or_without_colour() {
        for in_colour in [false, true] {
            let text = list(in_colour);
            assert!(ramps::all().iter().all(|ramp| text.contains(ramp.name)));
            assert_eq!(text.contains('\x1b'), in_colour);
        }
    }
}
