use super::cluster::{Cluster, shared};
use super::http::{TOKEN, post};
use crate::program::{Server, command, folder, heatsplat};
use serde_json::json;
use std::process::Stdio;

const SQL: &str = "select geom from plain";

/// Makes a table, and roles that may read it. All but one of the roles may do something else too.
fn roles(cluster: &Cluster) {
    cluster.run(
        "CREATE TABLE plain AS SELECT ST_SetSRID(ST_MakePoint(1, 2), 4326)::geometry(Point, 4326) AS geom; \
         CREATE SCHEMA locked; CREATE SCHEMA loose; \
         CREATE TABLE locked.written (a int, b int); \
         CREATE ROLE boss SUPERUSER; CREATE ROLE middle; GRANT boss TO middle; \
         CREATE ROLE by_two LOGIN; GRANT middle TO by_two; \
         CREATE ROLE by_none LOGIN NOINHERIT; GRANT boss TO by_none; \
         CREATE ROLE files; GRANT pg_read_server_files TO files; \
         CREATE ROLE reads_files LOGIN; GRANT files TO reads_files; \
         CREATE ROLE makes_roles LOGIN CREATEROLE; \
         CREATE ROLE inserts LOGIN; GRANT INSERT ON locked.written TO inserts; \
         CREATE ROLE updates LOGIN; GRANT UPDATE (b) ON locked.written TO updates; \
         CREATE ROLE owner; ALTER TABLE locked.written OWNER TO owner; \
         CREATE ROLE of_owner LOGIN NOINHERIT; GRANT owner TO of_owner; \
         GRANT USAGE ON SCHEMA locked TO of_owner, inserts, updates; \
         CREATE ROLE creates LOGIN; GRANT USAGE, CREATE ON SCHEMA loose TO creates; \
         CREATE ROLE harmless LOGIN; GRANT reader TO harmless; \
         GRANT SELECT ON plain TO by_two, by_none, reads_files, makes_roles, inserts, updates, \
           of_owner, creates, harmless",
    );
}

#[test]
fn a_role_is_all_that_it_may_become() {
    let Some(cluster) = shared() else { return };
    roles(cluster);
    let at = |role: &str| cluster.url_at(role, cluster.port);
    for (role, hint) in [
        ("by_two", "is a superuser, by \"boss\""),
        ("by_none", "is a superuser, by \"boss\""),
        ("reads_files", "the server's files"),
        ("makes_roles", "make roles"),
        ("inserts", "may write to locked.written"),
        ("updates", "may write to locked.written"),
        ("of_owner", "may write to locked.written"),
        ("creates", "may create in the schema loose"),
    ] {
        let ask = ["info", &at(role), "--sql", SQL];
        let (code, _, err) = heatsplat(&ask);
        assert!(code == 1 && err.contains(hint), "{role}: {code} {err}");
        let allowed = [&ask[..], &["--allow-superuser"]].concat();
        assert_eq!(heatsplat(&allowed).0, 0, "{role}");
    }
    // A superuser who takes the role of a reader can go back to being a superuser.
    let disguised = format!("{}&options=-c%20role%3Dreader", at("postgres"));
    let (code, _, err) = heatsplat(&["info", &disguised, "--sql", SQL]);
    assert!(code == 1 && err.contains("is a superuser"), "{code} {err}");
    // If a layer is a table, its role must not be able to write to this table.
    let table = ["--table", "locked.written"];
    for role in ["of_owner", "inserts", "updates"] {
        let (code, _, err) = heatsplat(&[&["info", &at(role)], &table[..]].concat());
        assert!(
            code == 1 && err.contains("may write to"),
            "{role}: {code} {err}"
        );
    }
    for role in ["harmless", "reader"] {
        let (code, _, err) = heatsplat(&["info", &at(role), "--sql", SQL]);
        assert_eq!(code, 0, "{role}: {err}");
    }
    for (role, status) in [("by_two", 400), ("inserts", 400), ("harmless", 201)] {
        let environment = [("HEATSPLAT_TOKEN", TOKEN)];
        let (server, heard) = Server::start_heard(&[&at(role)], &environment);
        let (got, answer) = post(&server, &json!({ "sql": SQL }));
        assert_eq!(got, status, "{role}: {answer}");
        let text = answer.to_string();
        assert!(!text.contains("boss") && !text.contains("locked"), "{text}");
        if status == 400 {
            let wait = std::time::Duration::from_secs(20);
            let mut lines = std::iter::from_fn(|| heard.recv_timeout(wait).ok());
            assert!(lines.any(|line| line.contains("a posted query")), "{role}");
        }
    }
}

/// Makes a role that can only log in with its password.
fn with_password(cluster: &Cluster, role: &str) {
    let file = cluster.run("SHOW hba_file");
    cluster.run(&format!(
        "SET password_encryption = 'scram-sha-256'; \
         CREATE ROLE {role} LOGIN PASSWORD 'right'; GRANT reader TO {role}; \
         COPY (VALUES ('host all {role} 127.0.0.1/32 scram-sha-256'), \
           ('host all all 127.0.0.1/32 trust'), ('local all all trust')) TO '{file}'; \
         SELECT pg_reload_conf()"
    ));
}

#[test]
fn a_check_asks_the_database() {
    let Some(cluster) = shared() else { return };
    cluster.run(
        "CREATE TABLE looked (geom geometry(Point, 4326), mag float8); \
         INSERT INTO looked VALUES (ST_SetSRID(ST_MakePoint(1, 2), 4326), 3)",
    );
    with_password(cluster, "pass");
    let port = cluster.port;
    let dir = folder("postgis-check");
    let file = dir.join("heatsplat.toml");
    let check = |url: &str, layer: &str| {
        let text =
            format!("[sources.db]\nurl = \"${{URL}}\"\n[[layers]]\nsource = \"db\"\n{layer}\n");
        std::fs::write(&file, text).unwrap();
        let out = command(&["serve", "--check", "--config", file.to_str().unwrap()])
            .env("URL", url)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.code(), text(&out.stdout) + &text(&out.stderr))
    };
    let reader = cluster.url();
    let (code, said) = check(&reader, "table = \"looked\"\nweight = \"mag\"");
    assert!(code == Some(0) && said.contains("is well"), "{said}");
    let wrong = cluster.url_at("pass:wrong", port);
    for (url, layer, hint) in [
        (&reader, "table = \"nosuch\"", "no table or view"),
        (&reader, "table = \"looked\"\nweight = \"nosuch\"", "nosuch"),
        (
            &reader,
            "table = \"looked\"\ngeom = \"mag\"\nmode = \"live\"",
            "is no geometry",
        ),
        (
            &reader,
            "sql = \"select geom frm looked\"\nmode = \"live\"",
            "42601",
        ),
        (
            &cluster.url_at("postgres", port),
            "table = \"looked\"",
            "superuser",
        ),
        (
            &cluster.url_at("nobody", port),
            "table = \"looked\"",
            "nobody",
        ),
        (
            &reader.replace("/postgres?", "/nosuchbase?"),
            "table = \"looked\"",
            "database \"nosuchbase\" does not exist; the end of the address names",
        ),
        (&wrong, "table = \"looked\"", "refuses the connection"),
        (
            &wrong,
            "table = \"looked\"\nmode = \"live\"",
            "refuses the connection",
        ),
    ] {
        let (code, said) = check(url, layer);
        assert!(
            code == Some(1) && said.contains(hint),
            "{layer}: {code:?} {said}"
        );
        assert!(said.contains("heatsplat.toml"), "{said}");
        assert!(!said.contains("wrong"), "{said}");
    }
    assert_eq!(
        check(&cluster.url_at("pass:right", port), "table = \"looked\"").0,
        Some(0)
    );
    // A database that doesn't answer is no error, since it may answer later.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = closed.local_addr().unwrap().port();
    let (code, said) = check(&cluster.url_at("reader", closed), "table = \"looked\"");
    assert!(code == Some(0) && said.contains("not looked at"), "{said}");
}

/// A table of rasters that can't be written is found before the source is read. The source here is
/// a pipe without a writer, so reading it would take forever.
#[test]
fn a_table_of_rasters_that_cannot_be_is_found_before_anything_is_read() {
    let Some(cluster) = shared() else { return };
    cluster.run("CREATE TABLE o_2_stands (a int); CREATE ROLE shut LOGIN PASSWORD 'x'");
    let at = |role: &str| cluster.url_at(role, cluster.port);
    for (url, table, hint) in [
        (at("reader"), "here", "may not create tables in"),
        (at("postgres"), "nowhere.here", "there is no schema"),
        (at("postgres"), "stands", "o_2_stands\" is there already"),
        (at("nobody:hidden"), "here", "nobody"),
    ] {
        let output = format!("{url}&table={table}");
        let arguments = ["export", "-", "-o", &output, "--zoom", "0-1"];
        let mut child = command(&arguments)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let started = std::time::Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(started.elapsed().as_secs() < 30, "{table} is read for");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        drop(input);
        let out = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&out.stderr);
        assert!(
            out.status.code() == Some(1) && err.contains(hint),
            "{table}: {err}"
        );
        assert!(!err.contains("hidden"), "{err}");
    }
}
