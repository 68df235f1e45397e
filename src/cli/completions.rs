//! `heatsplat completions`: writes a script with which a shell completes commands and flags.

use super::error::BoxError;
use clap::{Args, Command};
use clap_complete::{Shell, generate};
use std::io::{self, Write as _};

const EXAMPLES: &str = "\
Examples:
  heatsplat completions bash > ~/.local/share/bash-completion/completions/heatsplat
  heatsplat completions zsh > ~/.zfunc/_heatsplat
  heatsplat completions fish > ~/.config/fish/completions/heatsplat.fish
  heatsplat completions powershell >> $PROFILE

A new shell completes then. zsh needs `fpath+=~/.zfunc` before `compinit` in ~/.zshrc.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CompletionsCommand {
    /// The shell that reads the script
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsCommand {
    pub(super) fn run(&self, program: &mut Command) -> Result<(), BoxError> {
        io::stdout()
            .lock()
            .write_all(&script(self.shell, program))?;
        Ok(())
    }
}

/// The script for a shell. It is made in memory, since the generator panics where it can't write.
fn script(shell: Shell, program: &mut Command) -> Vec<u8> {
    let mut text = Vec::new();
    generate(shell, program, "heatsplat", &mut text);
    text
}
