//! A test of deadlines that pass, and clients that leave, at any moment of a request: while it
//! waits for turns, between getting them and beginning to draw, and while it draws.

use super::{RenderQueue, WorkSize};
use heatsplat_points::cancel;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_turn_is_lost_whichever_moment_a_deadline_passes() {
    const DEADLINE: Duration = Duration::from_millis(2);
    const TURNS: usize = 3;
    let queue = Arc::new(RenderQueue::new(TURNS, 32, DEADLINE));
    let (mut failed, mut late, mut left) = (0, 0, 0);
    for round in 0..40u64 {
        let requests: Vec<_> = (0..24u64)
            .map(|i| {
                let queue = Arc::clone(&queue);
                let n = (round * 24 + i).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                // Of some requests the deadline has passed, or passes at once, when they come.
                let age = Duration::from_micros(n % 2100);
                let size = WorkSize {
                    turns: (n / 7 % 4) as u32 + 1,
                    prepares: n.is_multiple_of(3),
                    since: Instant::now().checked_sub(age),
                    ..WorkSize::SMALL
                };
                let work = move || {
                    assert!(!n.is_multiple_of(11), "on purpose");
                    for _ in 0..n % 400 {
                        cancel::check(1 << 20);
                        std::hint::black_box(0..1000u64).for_each(|n| _ = std::hint::black_box(n));
                    }
                    Ok(())
                };
                let request = tokio::spawn(async move { queue.run(size, work).await });
                if n.is_multiple_of(10) {
                    request.abort();
                }
                (n, request)
            })
            .collect();
        for (n, request) in requests {
            if n.is_multiple_of(5) {
                tokio::time::sleep(Duration::from_micros(n / 5 % 500)).await;
                request.abort();
            }
            match request.await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) if error.status() == 504 => late += 1,
                Ok(Err(_)) => failed += 1,
                Err(_) => left += 1,
            }
        }
    }
    // Some of each has happened, whatever the machine's speed: work that panicked, deadlines that
    // had passed when the request came, and clients that left at once.
    assert!(failed > 0 && late > 0 && left > 0, "{failed} {late} {left}");
    let end = Instant::now() + Duration::from_secs(60);
    while queue.stats().running > 0 && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let stats = queue.stats();
    assert_eq!((stats.running, stats.waiting), (0, 0));
}
