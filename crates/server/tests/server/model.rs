//! A model of the cache while data change and clients leave. It is run in ten thousand random
//! orders of events.

use crate::cache::{Cache, CacheOutcome, Weigh};
use crate::sync::{AtomicU64, Mutex, Ordering};
use shuttle::future::{block_on, spawn, yield_now};
use shuttle::{check_random, rand};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The number of random orders that are tried.
pub(crate) const ORDERS: usize = 10_000;

/// A tile that was drawn from this version of the data.
#[derive(Clone, Debug, PartialEq)]
struct Drawn(u64);

impl Weigh for Drawn {
    fn bytes(&self) -> usize {
        8
    }
}

impl Weigh for u64 {
    fn bytes(&self) -> usize {
        8
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Failed;

#[derive(Default)]
struct World {
    /// The version of the data. Each change increases it by 1.
    version: AtomicU64,
    /// The number of times that the tile was drawn, by version.
    drawn: Mutex<HashMap<u64, usize>>,
    left: AtomicU64,
}

type Shared = Arc<(World, Cache<u64, Drawn, Failed>)>;

fn shared() -> Shared {
    Arc::new((World::default(), Cache::new(1 << 20, 8)))
}

/// Requests the tile of the current version from the cache. If it must be drawn and `fails` is
/// true, drawing fails.
async fn ask(shared: &Shared, fails: bool) -> Result<(Drawn, CacheOutcome), Failed> {
    let (world, cache) = &**shared;
    let seen = world.version.load(Ordering::SeqCst);
    let make = || {
        let shared = Arc::clone(shared);
        async move {
            *shared.0.drawn.lock().unwrap().entry(seen).or_default() += 1;
            yield_now().await;
            if fails { Err(Failed) } else { Ok(Drawn(seen)) }
        }
    };
    cache.get(&seen, |_| true, make).await
}

/// A request whose client leaves after it was polled a number of times.
pub(crate) struct Impatient<F>(Pin<Box<F>>, u32);

impl<F> Impatient<F> {
    pub(crate) fn new(request: F, polls: u32) -> Self {
        Self(Box::pin(request), polls)
    }
}

impl<F: Future> Future for Impatient<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(output) = self.0.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        if self.1 == 0 {
            return Poll::Ready(None);
        }
        self.1 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn nobody_sees_data_from_before_a_change_that_was_over_when_he_asked() {
    check_random(
        || {
            let shared = shared();
            let writer = spawn({
                let shared = Arc::clone(&shared);
                async move {
                    for _ in 0..2 {
                        shared.0.version.fetch_add(1, Ordering::SeqCst);
                        yield_now().await;
                    }
                }
            });
            let readers = [(); 4].map(|()| {
                let shared = Arc::clone(&shared);
                spawn(async move {
                    let mut last = 0;
                    for _ in 0..2 {
                        let least = shared.0.version.load(Ordering::SeqCst).max(last);
                        let (Drawn(version), _) = ask(&shared, false).await.unwrap();
                        assert!(version >= least, "{version} after {least}");
                        last = version;
                    }
                })
            });
            block_on(writer).unwrap();
            for reader in readers {
                block_on(reader).unwrap();
            }
            let drawn = shared.0.drawn.lock().unwrap();
            assert!(drawn.values().all(|times| *times == 1), "{drawn:?}");
            assert_eq!(shared.1.stats().in_flight, 0);
        },
        ORDERS,
    );
}

#[test]
fn whoever_leaves_the_others_are_answered_and_nothing_is_left_behind() {
    check_random(
        || {
            let shared = shared();
            let clients = [(); 5].map(|()| {
                let shared = Arc::clone(&shared);
                spawn(async move {
                    let patience = rand::Rng::gen_range(&mut rand::thread_rng(), 0..6);
                    let answer = Impatient::new(ask(&shared, false), patience).await;
                    match answer {
                        Some(answer) => assert_eq!(answer.unwrap().0, Drawn(0)),
                        None => _ = shared.0.left.fetch_add(1, Ordering::SeqCst),
                    }
                })
            });
            for client in clients {
                block_on(client).unwrap();
            }
            let drawn = shared.0.drawn.lock().unwrap().get(&0).copied();
            let left = shared.0.left.load(Ordering::SeqCst) as usize;
            assert!(drawn.unwrap_or(0) <= 1 + left, "{drawn:?} for {left}");
            assert_eq!(shared.1.stats().in_flight, 0);
        },
        ORDERS,
    );
}

#[test]
fn a_failure_is_told_to_those_who_wait_and_to_no_others() {
    check_random(
        || {
            let shared = shared();
            let clients = [(); 4].map(|()| {
                let shared = Arc::clone(&shared);
                spawn(async move { ask(&shared, true).await })
            });
            for client in clients {
                assert_eq!(block_on(client).unwrap(), Err(Failed));
            }
            assert_eq!(
                (shared.1.stats().in_flight, shared.1.stats().entries),
                (0, 0)
            );
            let after = block_on(ask(&shared, false));
            assert_eq!(after, Ok((Drawn(0), CacheOutcome::Made)));
        },
        ORDERS,
    );
}
