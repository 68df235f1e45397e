use super::ServeCommand;
use super::config::raw::RawConfig;
use super::config::{ConfigError, ServeConfig, from_args, to_toml};
use clap::{ArgMatches, Args as _, Command, FromArgMatches as _};
use std::path::Path;

fn environment(name: &str) -> Option<String> {
    match name {
        "URL" => Some("postgres://ann:s3cret@db/gis".to_owned()),
        "SECRET" => Some("s3cret".to_owned()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<RawConfig, ConfigError> {
    RawConfig::from_toml(text, Path::new("/d"), &environment)
}

fn check(text: &str) -> Result<ServeConfig, ConfigError> {
    parse(text).and_then(|config| ServeConfig::new(&config))
}

fn raw_config(line: &[&str]) -> RawConfig {
    let words = ["serve"].iter().chain(line);
    let matches: ArgMatches =
        ServeCommand::augment_args(Command::new("serve")).get_matches_from(words);
    from_args::raw_config(&ServeCommand::from_arg_matches(&matches).unwrap(), &matches).unwrap()
}

#[test]
fn what_is_saved_says_the_same() {
    for line in [
        &["/d/a.csv"][..],
        &[
            "/d/x/a.csv",
            "-",
            "--name",
            "true",
            "--name",
            "1",
            "--listen",
            "[::1]:0",
        ],
        &[
            "/e/it's \"here\"\\.csv",
            "--lon",
            "7",
            "--weight",
            "none",
            "--encoding",
            "latin1",
            "--strict",
        ],
        &[
            "/d/a.csv",
            "--filter",
            "kind = 'a\nb' and n > 5",
            "--time-format",
            "%d.%m.%Y, %H:%M",
            "--time-format=seconds",
            "--within=-1,2,3,4.5",
        ],
        &[
            "/d/a.csv",
            "--radius",
            "8",
            "--domain=-5,5",
            "--reverse",
            "--ramp",
            "red, blue",
        ],
        &[
            "/d/a.csv",
            "--watch",
            "--reload",
            "90s",
            "--backend",
            "cpu",
            "--gpu-memory",
            "1G",
        ],
        &[
            "/d/a.csv",
            "--renders",
            "3",
            "--cache-control",
            "no-store",
            "--delimiter",
            ";",
            "--quote",
            "none",
            "--order",
            "lat,lon",
            "--rows",
            "data.rows",
        ],
    ] {
        let config = raw_config(line);
        let text = to_toml(&config, Path::new("/d"));
        assert_eq!(parse(&text).unwrap(), config, "{text}");
    }
}

#[cfg(feature = "postgis")]
#[test]
fn databases_are_saved_without_their_passwords() {
    let line = [
        "postgres://ann@db/gis",
        "/d/a.csv",
        "--table=a",
        "--table=b.c",
        "--live",
        "--pool-size=3",
        "--auto-publish",
        "--allow-superuser",
        "--radius=9",
        "--weight=n",
    ];
    let config = raw_config(&line);
    let text = to_toml(&config, Path::new("/d"));
    assert_eq!(parse(&text).unwrap(), config, "{text}");
    let checked = ServeConfig::new(&config).unwrap();
    let names: Vec<_> = checked
        .layers
        .iter()
        .map(super::expand::layer_name)
        .collect();
    assert_eq!(names, ["a", "c", "a"]);
    assert!(checked.layers[0].live && checked.layers[1].live && !checked.layers[2].live);

    let config = raw_config(&[
        "postgres://ann:s3cret@db/gis",
        "--sql",
        "select 's3' || '${x}'",
    ]);
    let text = to_toml(&config, Path::new("/d"));
    assert!(
        !text.contains("s3cret") && text.contains("ann:${PGPASSWORD}@"),
        "{text}"
    );
}

#[test]
fn mistakes_have_their_line_and_say_what_to_do() {
    let layer = "[[layers]]\nfile = \"a.csv\"\n";
    for (line, text, hints) in [
        (
            1,
            "lisen = \"a\"\n",
            &["lisen", "did you mean `listen`"][..],
        ),
        (2, "watch = true\nlayer = 1\n", &["did you mean `layers`"]),
        (2, "[limits]\nrender = 3\n", &["did you mean `renders`"]),
        (2, "[limits]\nrenders = 0\n", &["renders", "1..=1024"]),
        (
            2,
            "[limits]\nrenders = \"${NOTHING}\"\n",
            &["renders", "NOTHING"],
        ),
        (2, "[cache]\ncache_control = \"\"\n", &["max-age"]),
        (1, "limits = 3\n", &["table"]),
        (1, "watch = 1\n", &["true or false"]),
        (1, "watch = \"yes\"\n", &["true or false"]),
        (1, "listen = { a = 1 }\n", &["not a table"]),
        (1, "listen = [[1]]\n", &["not this array"]),
        (2, "\nreload = \"5 lightyears\"\n", &["reload", "10m"]),
        (2, "[styles.a]\nradius = \"wide\"\n", &["radius", "16px"]),
        (2, "[styles.a]\ncolour = \"red\"\n", &["colour"]),
        (
            3,
            "[[layers]]\nfile = \"a\"\nstyle = \"hot\"\n",
            &["style `hot`", "there is none"],
        ),
        (
            5,
            "[styles.hot]\nradius = 3\n[[layers]]\nfile = \"a\"\nstyle = \"hto\"\n",
            &["did you mean `hot`"],
        ),
        (
            3,
            "[[layers]]\nfile = \"a\"\nwieght = \"n\"\n",
            &["did you mean `weight`"],
        ),
        (
            3,
            "[[layers]]\nfile = \"a\"\nfilter = \"n >\"\n",
            &["filter"],
        ),
        (
            3,
            "[[layers]]\nfile = \"a\"\ntime_format = [\"%d.%m.%Y\", \"%d.%m\"]\n",
            &["time_format", "%d.%m", "day, month and year"],
        ),
        (
            3,
            "[[layers]]\nfile = \"a\"\nformat = \"xls\"\n",
            &["format"],
        ),
        (
            3,
            "[[layers]]\nfile = \"a\"\nstyle = { radius = -1 }\n",
            &["radius"],
        ),
        (
            3,
            "[[layers]]\nfile = \"a\"\nmode = \"alive\"\n",
            &["snapshot or live"],
        ),
        (1, "[[layers]]\nname = \"a\"\n", &["file = …"]),
        (
            1,
            "[[layers]]\nfile = \"a\"\nmode = \"live\"\n",
            &["database"],
        ),
        (
            3,
            "[[layers]]\nname = \"a\"\nsource = \"gis\"\n",
            &["source `gis`"],
        ),
        (1, "[layers]\nfile = \"a\"\n", &["[[layers]]"]),
        (
            3,
            "[[layers]]\nfile = \"a\"\nfile = \"b\"\n",
            &["duplicate"],
        ),
        (1, "[[layers]\n", &[]),
        (2, "a = 1\nb = \"", &[]),
    ] {
        let error = check(text).err().unwrap_or_else(|| panic!("{text}"));
        assert_eq!(error.line, Some(line), "{text}{error}");
        for hint in hints {
            assert!(error.to_string().contains(hint), "{text}{error}");
        }
        assert!(!error.message.contains('\n'), "{error}");
    }
    assert!(
        check("")
            .err()
            .unwrap()
            .message
            .contains("nothing to serve")
    );
    assert!(check(&format!("{layer}{layer}")).is_ok());
    let twice = "[[layers]]\nfile = \"-\"\n";
    assert!(
        check(&format!("{twice}{twice}"))
            .err()
            .unwrap()
            .message
            .contains("standard input")
    );
}

#[cfg(feature = "postgis")]
#[test]
fn mistakes_of_databases_have_their_line() {
    let source = "[sources.gis]\nurl = \"${URL}\"\n";
    let layer = "[[layers]]\nsource = \"gis\"\n";
    for (line, text, hint) in [
        (2, "[sources.gis]\npool_size = 3\n".to_owned(), "url"),
        (
            2,
            "[sources.gis]\nurl = \"mysql://a\"\n".to_owned(),
            "postgres://",
        ),
        (
            2,
            "[sources.gis]\nurl = \"postgres://a:b@c/d\"\n".to_owned(),
            "PGPASSWORD",
        ),
        (3, format!("{source}pool_size = 0\n"), "1..=256"),
        (3, format!("{source}deadline = \"${{SECRET}}\"\n"), "10m"),
        (3, format!("{source}style = \"hot\"\n"), "style `hot`"),
        (3, format!("{source}{layer}"), "table = "),
        (
            4,
            format!("{source}{layer}table = \"a\"\nsql = \"b\"\n"),
            "together",
        ),
        (
            3,
            format!("{source}{layer}table = [\"a\", \"b\"]\n"),
            "one table",
        ),
        (
            3,
            format!("{source}{layer}table = \"a\"\nfilter = \"n > 1\"\n"),
            "sql",
        ),
        (
            4,
            format!("{source}[[layers]]\nsource = \"gsi\"\ntable = \"a\"\n"),
            "did you mean `gis`",
        ),
        (3, format!("{source}{layer}file = \"a\"\n"), "together"),
    ] {
        let error = check(&text).err().unwrap_or_else(|| panic!("{text}"));
        assert_eq!(error.line, Some(line), "{text}{error}");
        let message = error.to_string();
        assert!(
            message.contains(hint) && !message.contains("s3cret"),
            "{text}{message}"
        );
    }
    let fine = format!("{source}auto_publish = true\n{layer}table = \"a\"\nmode = \"live\"\n");
    assert!(check(&fine).is_ok());
    // The published table would need no key.
    let opened = format!("{fine}key = \"a key that is long enough\"\n");
    let error = check(&opened).err().unwrap().to_string();
    assert!(error.contains("without a key"), "{error}");
}

/// The key `style` of a layer or source names a section of `[styles]`, even if a file has the same
/// name.
#[test]
fn styles_are_found_by_name_beside_files_of_that_name() {
    let folder = std::env::temp_dir().join(format!("heatsplat-hot-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("hot"), "no style").unwrap();
    let text = "[styles.hot]\nradius = 3\n[sources.gis]\nstyle = \"hot\"\n\
                url = \"postgres://db/gis\"\n[[layers]]\nfile = \"a\"\nstyle = \"hot\"\n";
    let config = RawConfig::from_toml(text, &folder, &environment).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let style = config.sources[0].section.get("style").unwrap();
    assert_eq!((&*style.values[0], style.line), ("hot", Some(4)));
    if cfg!(feature = "postgis") {
        assert!(ServeConfig::new(&config).is_ok());
    }
}

/// A corrupted configuration file causes neither a panic nor a message that contains a secret.
#[test]
fn spoiled_files_are_mistakes_or_set_ups() {
    let page = include_str!("../../../docs/config.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let example = example.replace("DATABASE_URL", "URL");
    let bytes = example.as_bytes();
    let mut random = 7u64;
    let mut next = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) as usize % below.max(1)
    };
    let (mut mistakes, mut fine) = (0, 0);
    for _ in 0..600 {
        let mut spoiled = bytes.to_vec();
        for _ in 0..=next(3) {
            let (at, length) = (next(spoiled.len()), next(12));
            let end = (at + length).min(spoiled.len());
            let piece: Vec<u8> = match next(3) {
                0 => Vec::new(),
                1 => vec![b"\"'[]={}$#\n\\ 0"[next(13)]],
                _ => {
                    let from = next(bytes.len());
                    bytes[from..(from + next(40)).min(bytes.len())].to_vec()
                }
            };
            spoiled.splice(at..end, piece);
        }
        let text = String::from_utf8_lossy(&spoiled).into_owned();
        match check(&text) {
            Ok(_) => fine += 1,
            Err(error) => {
                mistakes += 1;
                assert!(!error.to_string().contains("s3cret"), "{error}");
            }
        }
    }
    assert!(mistakes > 100 && fine > 10, "{mistakes} {fine}");
}
