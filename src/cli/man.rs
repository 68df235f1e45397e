//! `heatsplat man`: writes the manual pages.

use super::error::BoxError;
use super::output;
use crate::cli::logging::say;
use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::fs;
use std::io;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  heatsplat man /usr/local/share/man/man1
  heatsplat man pages && man pages/heatsplat-serve.1";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ManCommand {
    /// The folder for heatsplat.1 and a page for each command; it is made if it is missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl ManCommand {
    pub(super) fn run(&self, program: &Command) -> Result<(), BoxError> {
        let shown = self.folder.display();
        fs::create_dir_all(&self.folder).map_err(|e| format!("{shown}: can't be made: {e}"))?;
        let pages = pages(program);
        for (name, command) in &pages {
            let page = page(command)?;
            output::write(&self.folder.join(name), |file| file.write_all(&page))?;
        }
        say!("wrote {} pages to {shown}", pages.len());
        Ok(())
    }
}

/// The file name of each manual page, and the command that the page describes.
pub(super) fn pages(program: &Command) -> Vec<(String, Command)> {
    let name = program.get_name();
    // Each command gets its full name, and the flags that all commands have.
    let mut built = program.clone().disable_help_subcommand(true);
    built.build();
    let mut pages = vec![(format!("{name}.1"), built.clone())];
    for command in built.get_subcommands() {
        let page = command.clone().version(env!("CARGO_PKG_VERSION"));
        pages.push((format!("{name}-{}.1", command.get_name()), page));
    }
    pages
}

/// The manual page of a command, as troff. The lines of its examples are not reflowed.
pub(super) fn page(command: &Command) -> io::Result<Vec<u8>> {
    let source = concat!("heatsplat ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source);
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    // As the help page has it: `Man` would list all of a hundred flags.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]).text([roman(usage)]);
    roff.to_writer(&mut text)?;
    man.render_description_section(&mut text)?;
    if let Some(examples) = command.get_after_help() {
        let mut roff = Roff::new();
        roff.control("SH", ["EXAMPLES"]).control("nf", []);
        let examples = examples.to_string();
        for line in examples.lines().filter(|line| *line != "Examples:") {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
        roff.to_writer(&mut text)?;
    }
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    man.render_version_section(&mut text)?;
    Ok(text)
}
