//! A model of admission control while clients leave at any moment and deadlines pass: the queue of
//! the server, compiled with the synchronization primitives of `sync.rs` in this folder, in ten
//! thousand random orders of events.

#[path = "../../src/render_queue/admission.rs"]
mod admission;

use crate::model::{Impatient, ORDERS};
use crate::sync::{AtomicU64, Ordering};
use admission::{Admission, AdmissionDecision, ClientKey, Turns};
use shuttle::check_random;
use shuttle::future::{block_on, spawn, yield_now};
use shuttle::rand::{Rng as _, thread_rng};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

const TURNS: u32 = 3;
const SECOND: Duration = Duration::from_secs(1);

struct World {
    admission: Arc<Admission>,
    /// The number of turns with which requests draw.
    drawing: AtomicU64,
    /// The number of requests that drew to their end.
    done: AtomicU64,
    refused: AtomicU64,
}

/// Work that draws. It may be dropped at any moment, as the work of a request whose deadline passes
/// just when it was admitted.
struct Drawing<'a>(
    &'a World,
    u64,
    #[expect(dead_code, reason = "freed by dropping")] Turns,
);

impl<'a> Drawing<'a> {
    fn new(world: &'a World, count: u32, turns: Turns) -> Self {
        let count = u64::from(count);
        let before = world.drawing.fetch_add(count, Ordering::SeqCst);
        assert!(
            before + count <= u64::from(TURNS),
            "more turns than there are"
        );
        Self(world, count, turns)
    }
}

impl Drop for Drawing<'_> {
    fn drop(&mut self) {
        self.0.drawing.fetch_sub(self.1, Ordering::SeqCst);
    }
}

/// A request that waits for `turns` turns, at most as long as `patience` polls if there is one, and
/// then draws.
async fn request(world: &World, client: u8, turns: u32, patience: Option<u32>) {
    let key = ClientKey::from(IpAddr::from([10, 0, 0, client]));
    let cost = SECOND * thread_rng().gen_range(1..4);
    let turns_of = match world.admission.enter(key, turns, cost, Duration::ZERO) {
        AdmissionDecision::Begin(given) => Some(given),
        AdmissionDecision::Wait(mut place) => match patience {
            Some(polls) => Impatient::new(place.turns(), polls).await.flatten(),
            None => {
                let given = place.turns().await;
                assert!(given.is_some(), "a waiting request was forgotten");
                given
            }
        },
        AdmissionDecision::Refused => {
            world.refused.fetch_add(1, Ordering::SeqCst);
            None
        }
    };
    let Some(turns_of) = turns_of else { return };
    let drawing = Drawing::new(world, turns, turns_of);
    for _ in 0..thread_rng().gen_range(0..3) {
        yield_now().await;
    }
    drop(drawing);
    world.done.fetch_add(1, Ordering::SeqCst);
}

/// Whatever clients leave, at whatever moment: no turn is lost, those that stay have their turns
/// (shuttle finds it if one waits for ever), and the queue is empty in the end.
#[test]
fn no_turn_is_lost_and_no_request_forgotten_whoever_leaves() {
    check_random(
        || {
            let world = Arc::new(World {
                admission: Admission::new(TURNS, 4, 4 * SECOND),
                drawing: AtomicU64::new(0),
                done: AtomicU64::new(0),
                refused: AtomicU64::new(0),
            });
            let stay = (0..3u8).map(|client| (client, None, None));
            let leave = (0..4u8).map(|i| {
                // The first two give up their wait, as at the deadline of the queue; the clients of
                // the others leave, whatever their requests do then.
                let polls = Some(thread_rng().gen_range(0..5));
                if i < 2 {
                    (i, polls, None)
                } else {
                    (i, None, polls)
                }
            });
            let requests: Vec<_> = stay
                .chain(leave)
                .map(|(client, patience, leaves)| {
                    let world = Arc::clone(&world);
                    let turns = thread_rng().gen_range(1..=TURNS);
                    spawn(async move {
                        let request = request(&world, client, turns, patience);
                        match leaves {
                            None => request.await,
                            Some(polls) => _ = Impatient::new(request, polls).await,
                        }
                    })
                })
                .collect();
            for request in requests {
                block_on(request).unwrap();
            }
            let count = |count: &AtomicU64| count.load(Ordering::SeqCst);
            assert!(count(&world.done) + count(&world.refused) >= 3);
            assert_eq!(
                (world.admission.running(), world.admission.waiting()),
                (0, 0)
            );
            assert_eq!(
                world.admission.clients(),
                0,
                "an idle server knows no clients"
            );
            let all = world
                .admission
                .enter(ClientKey::default(), TURNS, SECOND, Duration::ZERO);
            assert!(matches!(all, AdmissionDecision::Begin(_)), "a turn is lost");
        },
        ORDERS,
    );
}
