//! Remote addresses in the place of files, as a user of the program gives them.

#[cfg(not(feature = "remote"))]
#[test]
fn without_the_feature_an_address_says_so() {
    for address in [
        "https://host/a.parquet?sig=s3cret",
        "s3://bucket/a.csv",
        "https://host/a.heat?sig=s3cret",
    ] {
        let (code, _, error) = crate::program::heatsplat(&["info", address]);
        assert_eq!(code, 1, "{error}");
        assert!(error.contains("the feature `remote`"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[cfg(feature = "remote")]
mod served {
    use crate::program::{Server, command, folder, heatsplat};
    use crate::web::{Item, Web};
    use std::time::{Duration, Instant};

    fn csv(rows: usize) -> Vec<u8> {
        let rows = (0..rows).map(|_| "1,2,1\n");
        let text: String = std::iter::once("lon,lat,weight\n").chain(rows).collect();
        text.into_bytes()
    }

    fn count(server: &Server, layer: &str) -> u64 {
        let (status, _, body) = server.get(&format!("/{layer}/value?lon=1&lat=2&z=9"), "");
        assert_eq!(status, 200);
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        value["count"].as_u64().unwrap()
    }

    fn until(what: &str, done: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !done() {
            assert!(Instant::now() < end, "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[test]
    fn an_address_is_served_like_its_file_and_read_again_when_it_changes() {
        let dir = folder("remote-serve");
        let file = dir.join("grid.csv");
        std::fs::write(&file, csv(3)).unwrap();
        let web = Web::start();
        let address = web.put("/data/grid.csv?sig=s3cret", Item::of(csv(3)));
        let here = Server::start(&[file.to_str().unwrap()]);
        let server = Server::start(&[&address, "--reload", "1s"]);
        for tile in ["/grid/0/0/0.png", "/grid/5/16/15@2x.png"] {
            assert_eq!(server.get(tile, "").2, here.get(tile, "").2);
        }
        for path in ["/catalog", "/grid", "/metrics"] {
            let (_, _, body) = server.get(path, "");
            assert!(!String::from_utf8_lossy(&body).contains("s3cret"), "{path}");
        }
        // As long as the file is unchanged, the server answers 304 and doesn't send it again.
        web.asked();
        std::thread::sleep(Duration::from_millis(2500));
        let asked = web.asked();
        assert!(
            !asked.is_empty()
                && asked
                    .iter()
                    .all(|asked| asked.status == 304 && asked.bytes == 0),
            "{asked:?}"
        );
        let second = Item {
            e_tag: Some("second".into()),
            ..Item::of(csv(5))
        };
        web.put("/data/grid.csv?sig=s3cret", second);
        until("the new rows", || count(&server, "grid") == 5);
        // If the address can't be read any more, the layer stays unchanged.
        let away = Item {
            status: Some(404),
            ..Item::default()
        };
        web.put("/data/grid.csv?sig=s3cret", away);
        web.asked();
        until("a look", || !web.asked().is_empty());
        assert_eq!(count(&server, "grid"), 5);
    }

    #[test]
    fn addresses_stand_in_files_and_secrets_are_not_written_there() {
        let dir = folder("remote-config");
        let web = Web::start();
        let plain = web.put("/a.csv", Item::of(csv(2)));
        web.put("/b.csv?sig=s3cret", Item::of(csv(4)));
        let config = dir.join("heatsplat.toml");
        let text = format!(
            "[[layers]]\nfile = \"{plain}\"\n[[layers]]\nsource = \"{}/b.csv?sig=${{SIG}}\"\n",
            web.address
        );
        std::fs::write(&config, text).unwrap();
        let arguments = ["--config", config.to_str().unwrap()];
        let server = Server::start_with(&arguments, &[("SIG", "s3cret")]);
        assert_eq!((count(&server, "a"), count(&server, "b")), (2, 4));
        drop(server);

        let saved = dir.join("saved.toml");
        let save = |address: &str| {
            let saved = saved.to_str().unwrap();
            heatsplat(&["serve", address, "--save-config", saved, "--check"])
        };
        let (code, _, error) = save(&plain);
        assert_eq!(code, 0, "{error}");
        let text = std::fs::read_to_string(&saved).unwrap();
        assert!(text.contains(&format!("file = \"{plain}\"")), "{text}");
        std::fs::remove_file(&saved).unwrap();
        let with_user = plain.replace("://", "://ann:s3cret@");
        for secret in [format!("{plain}?sig=s3cret"), with_user] {
            let (code, _, error) = save(&secret);
            assert!(code == 1 && error.contains("--save-config"), "{error}");
            assert!(!error.contains("s3cret") && !saved.exists(), "{error}");
        }
    }

    #[test]
    fn s3_is_asked_with_the_keys_of_the_environment() {
        let web = Web::start();
        web.put("/heat/folder/a%20b.csv", Item::of(csv(7)));
        let info = |keys: bool, source: &str| {
            let mut command = command(&["info", source, "--json"]);
            for name in [
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN",
            ] {
                command.env_remove(name);
            }
            command.env("AWS_ENDPOINT_URL", &web.address);
            if keys {
                command.env("AWS_ACCESS_KEY_ID", "AKIDHEAT");
                command.env("AWS_SECRET_ACCESS_KEY", "s3cret");
            }
            let output = command.output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            (output.stdout, error)
        };
        for keys in [true, false] {
            let (out, error) = info(keys, "s3://heat/folder/a b.csv");
            let out: serde_json::Value = serde_json::from_slice(&out).expect(&error);
            assert_eq!(out["kept"], 7);
            let asked = web.asked();
            let signed =
                |head: &str| head.contains("authorization: aws4-hmac-sha256 credential=akidheat/");
            assert!(!asked.is_empty());
            assert!(
                asked.iter().all(|asked| signed(&asked.head) == keys),
                "{asked:?}"
            );
        }
        let (_, error) = info(true, "s3://heat/nothing.csv");
        assert!(
            error.contains("s3://heat/nothing.csv: cannot be opened"),
            "{error}"
        );
        assert!(
            error.contains("404") && !error.contains("AKIDHEAT"),
            "{error}"
        );
    }
}
