//! A limit for the memory that the allocator holds besides what is in use.
//!
//! glibc's allocator gives threads arenas of their own, up to eight for each core, and each keeps
//! what was freed in it. A server whose pictures are drawn by many threads then holds a third more
//! memory than with an arena for each core: 210 MiB instead of 158 MiB after five minutes of
//! `scripts/soak` on two cores. A tile that isn't in the cache takes 0.95 ms either way. The
//! allocator reads its limit when a program starts, so the program starts itself once more, in the
//! same process.

/// Starts the program again with a limit for the number of the allocator's arenas, unless there is
/// such a limit already. Returns only if the new start isn't needed or not possible.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn limit() {
    use std::env;
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;
    use std::thread::available_parallelism;

    const LIMIT: &str = "MALLOC_ARENA_MAX";
    // Marks the second start. The limit alone can't: glibc deletes it from the environment of a
    // program with file capabilities, which would then start itself again and again.
    const RESTARTED: &str = "_HEATSPLAT_RESTARTED";
    let is_set = env::var_os(LIMIT).is_some()
        || env::var_os(RESTARTED).is_some()
        || env::var("GLIBC_TUNABLES").is_ok_and(|tunables| tunables.contains("arena_max"));
    if is_set {
        return;
    }
    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    let cores = available_parallelism().map_or(2, |cores| cores.get().max(2));
    let error = command
        .args(arguments)
        .env(LIMIT, cores.to_string())
        .env(RESTARTED, "1")
        .exec();
    // Without the limit the server works as well, with more memory.
    tracing::debug!("the program can't start itself again: {error}");
}

/// Does nothing: other allocators than glibc's have no such arenas.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn limit() {}
