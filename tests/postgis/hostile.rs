use super::cluster::shared;
use super::http::{SOON, body, eventually, post, serve};
use crate::program::Server;
use serde_json::json;
use std::process::Command;
use std::time::{Duration, Instant};

/// Queries that try to do something other than read points. Each of them must be refused, or change
/// nothing and end in time.
const HOSTILE: &[&str] = &[
    // These are several statements, or a statement that is not a query.
    "select 1; drop table treasure",
    "select geom from treasure; commit; drop table treasure",
    "select 1) as q; drop table treasure; --",
    "commit",
    "rollback; drop table treasure",
    "begin; delete from treasure",
    "drop table treasure",
    "delete from treasure returning geom",
    "insert into treasure select * from treasure returning geom",
    "update treasure set secret = 'x' returning geom",
    "truncate treasure",
    "create table loot (a int)",
    "create temp table loot as select * from treasure",
    "select * into loot from treasure",
    "alter table treasure disable row level security",
    "grant all on treasure to public",
    "do $$ begin delete from treasure; end $$",
    "prepare p as delete from treasure",
    "execute p",
    "deallocate all",
    "listen heatsplat",
    "notify heatsplat, 'treasure'",
    "load 'auto_explain'",
    "lock table treasure",
    "vacuum treasure",
    "checkpoint",
    "reset all",
    "discard all",
    "set role postgres",
    "set session authorization postgres",
    "set transaction read write",
    "copy treasure to '/tmp/heatsplat-loot'",
    "copy treasure to program 'id'",
    "copy treasure from program 'id'",
    "explain analyze delete from treasure",
    "table treasure; table treasure",
    // These do harm within a query.
    "with gone as (delete from treasure returning geom) select geom from gone",
    "with new as (insert into treasure values (9) returning geom) select geom from new",
    "select geom from treasure for update",
    "select geom from treasure for share",
    "select geom, nextval('treasure_id_seq') from treasure",
    "select geom, setval('treasure_id_seq', 999) from treasure",
    "select geom, set_config('transaction_read_only', 'off', false) from treasure",
    "select geom, set_config('default_transaction_read_only', 'off', false) from treasure",
    "select geom, set_config('statement_timeout', '0', false) from treasure",
    "select geom, set_config('search_path', 'pg_temp', false) from treasure",
    "select geom, set_config('role', 'postgres', false) from treasure",
    "select geom, set_config('session_authorization', 'postgres', false) from treasure",
    "select geom, set_config('application_name', 'somebody else', false) from treasure",
    "select geom, set_config('work_mem', '2GB', false) from treasure",
    "select geom, set_config('log_statement', 'none', false) from treasure",
    "select geom, pg_read_file('/etc/passwd') from treasure",
    "select geom, pg_read_binary_file('/etc/passwd') from treasure",
    "select geom, pg_ls_dir('/') from treasure",
    "select geom, pg_stat_file('/etc/passwd') from treasure",
    "select geom, lo_import('/etc/passwd') from treasure",
    "select geom, lo_export(1, '/tmp/heatsplat-loot') from treasure",
    "select geom, lo_create(0) from treasure",
    "select geom, pg_terminate_backend(pid) from treasure, pg_stat_activity",
    "select geom, pg_cancel_backend(pid) from treasure, pg_stat_activity where usename = 'postgres'",
    "select geom, pg_reload_conf() from treasure",
    "select geom, pg_rotate_logfile() from treasure",
    "select geom, pg_switch_wal() from treasure",
    "select geom, pg_create_restore_point('x') from treasure",
    "select geom, pg_notify('heatsplat', 'treasure') from treasure",
    "select geom, pg_advisory_lock(42) from treasure",
    "select geom, pg_try_advisory_lock_shared(43) from treasure",
    "select geom, dblink('dbname=postgres', 'drop table treasure') from treasure",
    "select geom, query_to_xml('delete from treasure', true, true, '') from treasure",
    "select geom, secret from treasure, pg_authid",
    "select geom from treasure where secret ~ '((((a{1,99}){1,99}){1,99}){1,99}){1,9}b'",
];

/// Queries that never end by themselves, or that return too many rows.
const ENDLESS: &[&str] = &[
    "select geom from treasure, pg_sleep(1e9)",
    "select geom from treasure, generate_series(1, 1000000000000)",
    "with recursive r(n) as (select 1 union all select n + 1 from r) \
     select geom from treasure, r where n < 0",
    "select geom from treasure a, treasure b, treasure c, treasure d, treasure e, treasure f, \
     treasure g, generate_series(1, 1000000) where secret = 'none'",
    "select geom from treasure where length(repeat('x', 900000000)) + \
     length(repeat('y', 900000000)) = id and pg_sleep(100) is not null",
];

/// A query whose weight changes if the state of the session does: settings, locks, channels or
/// prepared statements.
const SESSION: &str = "select ST_SetSRID(ST_MakePoint(0, 0), 4326) as geom, (\
    select abs(hashtext(string_agg(name || '=' || setting, ',' order by name))) % 100000 \
    + 100000 * (select count(*) from pg_locks where locktype = 'advisory') \
    + 100000 * (select count(*) from pg_listening_channels()) \
    + 100000 * (select count(*) from pg_prepared_statements) \
    from pg_settings where name not in ('seed'))::float8 as weight";

fn session(server: &Server, id: &str) -> serde_json::Value {
    let path = format!("/{id}/value?lon=0&lat=0&z=0");
    // On a busy machine a new connection may take longer than a request waits for it. The answer
    // 503 is then no effect of the query before.
    eventually(server, &path);
    serde_json::from_slice(&body(server, &path)).unwrap()
}

#[test]
fn hostile_queries_change_nothing_and_leave_no_trace() {
    let Some(cluster) = shared() else { return };
    cluster.run(
        "CREATE TABLE treasure (id serial, geom geometry(Point,4326), secret text); \
         INSERT INTO treasure (geom, secret) SELECT ST_SetSRID(ST_MakePoint(i, i), 4326), \
         repeat('a', 40) FROM generate_series(0, 40) i",
    );
    let server = serve(&[&cluster.url(), "--pool-size", "1", "--deadline", "1s"]);
    let dump = || {
        let port = cluster.port.to_string();
        let mut dump = Command::new(cluster.program("pg_dump"));
        dump.args([
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-p",
            &port,
            "-t",
            "treasure*",
            "postgres",
        ]);
        let out = dump.output().unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        // Each dump contains a random key, which is left out of the comparison.
        let text = String::from_utf8(out.stdout).unwrap();
        text.lines()
            .filter(|l| !l.starts_with("\\restrict") && !l.starts_with("\\unrestrict"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let before = dump();
    let probe = super::http::posted(&server, SESSION);
    let clean = session(&server, &probe);
    assert!(HOSTILE.len() + ENDLESS.len() >= 60);
    for sql in HOSTILE.iter().chain(ENDLESS) {
        let started = Instant::now();
        let (status, answer) = post(
            &server,
            &json!({ "sql": sql, "style": { "domain": "0,1" } }),
        );
        if let Some(id) = answer["id"].as_str() {
            let (status, _, _) = server.get(&format!("/{id}/0/0/0.png"), "");
            let endless = ENDLESS.contains(sql);
            assert!(
                if endless {
                    status == 503 || status == 422
                } else {
                    status == 200 || status == 503
                },
                "{sql}: {status}"
            );
        } else {
            assert!(status == 400 || status == 503, "{sql}: {status} {answer}");
        }
        let took = started.elapsed();
        assert!(took < SOON, "{sql} took {took:?}");
        assert_eq!(session(&server, &probe), clean, "{sql}");
    }
    assert_eq!(dump(), before);
    assert!(!std::path::Path::new("/tmp/heatsplat-loot").exists());
    let left = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader' AND state <> 'idle'";
    // A string of 900 MB can't be interrupted while it is made, but it ends by itself.
    let started = Instant::now();
    while cluster.run(left) != "0" {
        assert!(started.elapsed() < SOON, "a query runs on");
        std::thread::sleep(Duration::from_millis(100));
    }
}
