//! `heatsplat ramps`: lists the colour ramps, as text, in the colours of the terminal, or as a
//! picture.

use super::error::BoxError;
use super::output;
use clap::Args;
use heatsplat::Ramp;
use heatsplat::render::ramps::check::{DISTINGUISHABLE, RampCheck};
use heatsplat::render::ramps::{self, NamedRamp};
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  heatsplat ramps
  heatsplat ramps -o ramps.png
  heatsplat ramps --check
  heatsplat ramps --check \"white, orange, darkred\"
  heatsplat render examples/cities.csv.gz -o map.png --ramp viridis
  heatsplat render examples/cities.csv.gz -o map.png --ramp \"transparent, navy, #ff0\"";

/// The number of characters in the row of colours that shows a ramp on a terminal. Each character
/// has another colour of the ramp.
const SWATCH: usize = 32;

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RampsCommand {
    /// Draw all ramps into a PNG file; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Check a ramp, or all: whether its lightness goes one way, how even its steps are, and
    /// whether people with each kind of colour vision can distinguish its colours
    #[arg(long, value_name = "RAMP", num_args = 0..=1, default_missing_value = EVERY, conflicts_with = "output")]
    check: Option<String>,
}

/// The value of `--check` that stands for all ramps. No ramp has this name.
const EVERY: &str = "every";

impl RampsCommand {
    pub(super) fn run(self) -> Result<(), BoxError> {
        if let Some(wanted) = &self.check {
            let text = checked(wanted)?;
            return Ok(io::stdout().lock().write_all(text.as_bytes())?);
        }
        match self.output {
            Some(output) => {
                let picture = heatsplat::render::legend::ramp_sheet()?;
                output::write(&output, |file| file.write_all(&picture))
            }
            None => Ok(io::stdout().lock().write_all(list(in_color()).as_bytes())?),
        }
    }
}

/// The results of `--check` as a table in text: for the ramp named `wanted`, or for all ramps if
/// `wanted` is [`EVERY`].
fn checked(wanted: &str) -> Result<String, BoxError> {
    let ramps: Vec<(&str, Ramp)> = if wanted == EVERY {
        let all = ramps::all().iter();
        all.map(|named| (named.name, Ramp::from_collection(named)))
            .collect()
    } else {
        vec![(wanted, Ramp::parse(wanted)?)]
    };
    let mut text = format!(
        "{:<12} {:<9} {:<11} {:<14} told apart by all  protanopes  deuteranopes  tritanopes\n",
        "ramp", "lightness", "from, to", "steps",
    );
    for (name, ramp) in ramps {
        let RampCheck {
            lightness,
            reach: (dark, light),
            steps: (least, most),
            apart,
            ..
        } = RampCheck::new(&ramp);
        let reach = format!("{dark:.2}, {light:.2}");
        let steps = format!("{least:.3}–{most:.3}");
        let [all, protan, deutan, tritan] = apart.map(|least| {
            let mark = if least > DISTINGUISHABLE { ' ' } else { '!' };
            format!("{least:.3}{mark}")
        });
        let _ = writeln!(
            text,
            "{name:<12} {lightness:<9} {reach:<11} {steps:<14} {all:<18} {protan:<11} {deutan:<13} {tritan}",
        );
    }
    let _ = writeln!(
        text,
        "\nDistances are in Oklab. Steps are between neighbours of 17 colours; the last four columns are\n\
         the least between others, as people with that colour vision see them. ! is {DISTINGUISHABLE} or less:\n\
         some values look like others."
    );
    Ok(text)
}

fn list(in_color: bool) -> String {
    let mut text = String::new();
    let mut group = None;
    for named in ramps::all() {
        if group != Some(named.group) {
            let gap = if group.is_some() { "\n" } else { "" };
            let _ = writeln!(text, "{gap}{}", named.group);
            group = Some(named.group);
        }
        let swatch = if in_color {
            swatch(named)
        } else {
            String::new()
        };
        let _ = writeln!(text, "  {:<12} {swatch}{}", named.name, named.about);
    }
    text.push_str("\nAny name with _r at its end has its colours turned around.\n");
    text
}

/// A row of spaces in the colours of a ramp, from its first colour to its last, by escape sequences
/// of the terminal.
fn swatch(named: &NamedRamp) -> String {
    let ramp = Ramp::from_collection(named);
    let mut text = String::new();
    for i in 0..SWATCH {
        let position = (i * 255 / (SWATCH - 1)) as u8;
        let [r, g, b, a] = ramp.color(position).map(u32::from);
        // Translucent colours are blended with black, the background of most terminals.
        let [r, g, b] = [r, g, b].map(|c| c * a / 255);
        let _ = write!(text, "\x1b[48;2;{r};{g};{b}m ");
    }
    text + "\x1b[0m  "
}

/// Tests whether standard output is a terminal with 16 million colours and the variable `NO_COLOR`
/// isn't set.
fn in_color() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let many = std::env::var("COLORTERM").is_ok_and(|v| v == "truecolor" || v == "24bit");
    io::stdout().is_terminal() && many && !set("NO_COLOR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ramp_is_listed_with_or_without_colour() {
        for in_color in [false, true] {
            let text = list(in_color);
            assert!(ramps::all().iter().all(|ramp| text.contains(ramp.name)));
            assert_eq!(text.contains('\x1b'), in_color);
        }
    }

    #[test]
    fn checks_mark_what_cannot_be_told_apart() {
        let all = checked(EVERY).unwrap();
        assert!(ramps::all().iter().all(|ramp| all.contains(ramp.name)));
        let line = |name: &str| all.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line("beacon").contains("rises") && !line("beacon").contains('!'));
        let poor = checked("blue, cyan, lime, yellow, red").unwrap();
        assert!(poor.contains("wavers"), "{poor}");
        assert!(checked("no-such-ramp").is_err());
    }
}
