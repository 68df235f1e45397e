//! Manual pages and completions: they can be read by the programs that they are for.

use crate::program::{folder, heatsplat};
use crate::requirements::left_out;
use std::fs;
use std::process::Command;

/// The commands that the help page lists.
fn commands() -> Vec<String> {
    let (code, help, _) = heatsplat(&["--help"]);
    assert_eq!(code, 0);
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn shells_can_read_their_completions() {
    let folder = folder("completions");
    let mut read = 0;
    for (shell, check) in [
        ("bash", &["bash", "-n"][..]),
        ("zsh", &["zsh", "-n"]),
        ("fish", &["fish", "--no-execute"]),
        ("elvish", &["elvish", "-compileonly"]),
        ("powershell", &[]),
    ] {
        let (code, script, err) = heatsplat(&["completions", shell]);
        assert!(code == 0 && err.is_empty(), "{shell}: {err}");
        for word in commands() {
            assert!(script.contains(&word), "{shell}: {word}");
        }
        let file = folder.join(shell);
        fs::write(&file, script).unwrap();
        let Some((program, arguments)) = check.split_first() else {
            continue;
        };
        if let Ok(run) = Command::new(program).args(arguments).arg(&file).output() {
            let said = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success() && said.is_empty(), "{shell}: {said}");
            read += 1;
        }
    }
    assert!(read > 0, "there is no shell, not even bash");
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let folder = folder("completes");
    let (_, script, _) = heatsplat(&["completions", "bash"]);
    let file = folder.join("heatsplat");
    fs::write(&file, script).unwrap();
    let complete = |words: &[&str]| {
        let last = words.len() - 1;
        let line = format!(
            "source {}; COMP_WORDS=({}); COMP_CWORD={last}; \
             _heatsplat heatsplat '{}' '{}'; echo \"${{COMPREPLY[*]}}\"",
            file.display(),
            words.join(" "),
            words[last],
            words[last - 1],
        );
        let run = Command::new("bash").args(["-c", &line]).output().unwrap();
        String::from_utf8(run.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete(&["heatsplat", "ser"]), "serve");
    assert_eq!(complete(&["heatsplat", "serve", "--por"]), "--port");
    assert_eq!(complete(&["heatsplat", "bench", "--gpu", "a"]), "any");
    assert_eq!(complete(&["heatsplat", "completions", "fi"]), "fish");
}

#[test]
fn each_command_has_a_manual_page() {
    let folder = folder("man").join("new/folder");
    let (code, out, err) = heatsplat(&["man", folder.to_str().unwrap()]);
    assert!(code == 0 && out.is_empty(), "{err}");
    let mut pages = vec!["heatsplat.1".to_owned()];
    pages.extend(commands().iter().map(|name| format!("heatsplat-{name}.1")));
    pages.sort();
    let mut found: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, pages);
    let serve = fs::read_to_string(folder.join("heatsplat-serve.1")).unwrap();
    for part in [
        ".TH heatsplat-serve 1",
        ".SH EXAMPLES\n.nf\n",
        "heatsplat serve examples/cities.csv.gz\n",
        "\\-\\-port",
        "heatsplat serve [OPTIONS] [SOURCE]...\n",
    ] {
        assert!(serve.contains(part), "{part}");
    }
    if Command::new("mandoc").arg("-h").output().is_err() {
        return left_out("manual pages are read by mandoc, which is missing");
    }
    for page in pages {
        let file = folder.join(&page);
        let lint = Command::new("mandoc")
            .args(["-Tlint", "-Werror"])
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&lint.stdout);
        assert!(lint.status.success(), "{said}");
        let text = Command::new("mandoc").arg(&file).output().unwrap();
        // Bold letters are written twice, with a backspace between.
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        assert!(text.contains("E\u{8}EX\u{8}XA\u{8}A"), "{page}");
    }
}
