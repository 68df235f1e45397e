//! Admission control: the order in which requests draw, and the refusal of those that would wait
//! too long.
//!
//! There is a fixed number of turns, of which each piece of drawing takes one or more. A request
//! that finds too few free turns waits in a queue. If the requests before it are expected to take
//! longer than a request may wait, it is refused at once, since it would most likely wait in vain.
//!
//! The order is that of self-clocked fair queuing (Golestani 1994). Each client has a clock, which
//! advances by the cost of each of the client's requests: the nanoseconds of work that it is
//! expected to take. The clock's new time is the request's place in the queue, and lower places
//! come first. So among waiting clients, those with cheap requests come first, and a client with
//! many requests delays itself and not the other clients. A request that finds no other one
//! waiting, and enough free turns, begins at once, whatever its client's clock shows.

use crate::sync::{Mutex, MutexGuard, PoisonError};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// A client: an IPv4 address, or the first 64 bits of an IPv6 address, since one network has all
/// the addresses that begin with them. `None` for a client without an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ClientKey(Option<IpAddr>);

impl From<IpAddr> for ClientKey {
    fn from(address: IpAddr) -> Self {
        Self(Some(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            v4 => v4,
        }))
    }
}

/// The largest number of clients whose clocks are remembered while none of their requests waits. A
/// choice.
pub(super) const MAX_CLIENTS: usize = 4096;

/// The free turns, each of which lets a request draw, and the requests that wait for turns.
#[derive(Debug)]
pub(super) struct Admission {
    state: Mutex<QueueState>,
    turns: u32,
    places: usize,
    max_wait: Duration,
}

#[derive(Debug, Default)]
struct QueueState {
    free: u32,
    /// The queue's clock in nanoseconds of work: the highest place of any request that has begun.
    /// It never goes back. When a client sends a request, the client's clock is raised to at least
    /// this time.
    now: u64,
    /// The clock, in nanoseconds of work, of each client that has sent a request since the server
    /// was last idle. It advances by the expected work of each of the client's requests. If there
    /// are too many clients, those of which no request waits are dropped.
    clients: HashMap<ClientKey, u64>,
    /// The waiting requests, sorted by place: a time in nanoseconds of work and, for equal times,
    /// the number of requests that began to wait earlier. The time is the client's clock before the
    /// request plus the request's cost, of which at most `max_wait` counts.
    waiting: BTreeMap<(u64, u64), WaitingRequest>,
    arrived: u64,
}

#[derive(Debug)]
struct WaitingRequest {
    client: ClientKey,
    turns: u32,
    cost: u64,
    wake: oneshot::Sender<Turns>,
}

/// The turns that a request holds. They are free again when this is dropped.
#[derive(Debug)]
pub(super) struct Turns {
    admission: Arc<Admission>,
    count: u32,
}

impl Drop for Turns {
    fn drop(&mut self) {
        if self.count > 0 {
            self.admission.release(self.count);
        }
    }
}

/// A waiting request's place in the queue. The request gives it up when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    admission: Arc<Admission>,
    place: (u64, u64),
    turns: oneshot::Receiver<Turns>,
}

impl Place {
    /// Waits until the request gets its turns, with which it may draw; `None` if the queue drops
    /// the request instead.
    pub(super) async fn turns(&mut self) -> Option<Turns> {
        (&mut self.turns).await.ok()
    }
}

impl Drop for Place {
    /// Gives up the place if the request still waits. Its cost is then taken from its client's
    /// clock, and the requests after it may begin.
    fn drop(&mut self) {
        let mut state = self.admission.lock();
        let Some(left) = state.waiting.remove(&self.place) else {
            return;
        };
        if let Some(clock) = state.clients.get_mut(&left.client) {
            *clock = clock.saturating_sub(left.cost);
        }
        drop(state);
        self.admission.release(0);
    }
}

/// The queue's decision about a request that arrives.
pub(super) enum AdmissionDecision {
    Begin(Turns),
    Wait(Place),
    /// A refusal, since the queue is full or the wait would be too long.
    Refused,
}

impl Admission {
    /// Makes an empty queue. `turns` is the number of turns, all of them free, and `places` the
    /// largest number of requests that may wait. A request whose expected wait is over `max_wait`
    /// is refused.
    pub(super) fn new(turns: u32, places: usize, max_wait: Duration) -> Arc<Self> {
        let state = QueueState {
            free: turns,
            ..QueueState::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            turns,
            places,
            max_wait,
        })
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of requests that wait for turns.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// The number of turns that requests hold.
    pub(super) fn running(&self) -> u32 {
        self.turns - self.lock().free
    }

    /// The number of clients whose clocks are remembered.
    #[cfg(test)]
    pub(super) fn clients(&self) -> usize {
        self.lock().clients.len()
    }

    /// Lets a request begin, lets it wait, or refuses it. `turns` is the number of turns that it
    /// needs, and `cost` its expected time on one core. `running` is the expected rest of the work
    /// that is being done now: for each turn that is held, the time until it is free, summed.
    pub(super) fn enter(
        self: &Arc<Self>,
        client: ClientKey,
        turns: u32,
        cost: Duration,
        running: Duration,
    ) -> AdmissionDecision {
        let turns = turns.clamp(1, self.turns);
        let cost = (cost.as_nanos() as u64).max(1);
        let mut state = self.lock();
        let start = state.clients.get(&client).copied().unwrap_or(0);
        let start = start.max(state.now);
        let clock = start.saturating_add(cost);
        if state.waiting.is_empty() && state.free >= turns {
            state.free -= turns;
            state.begin(clock);
            state.clients.insert(client, clock);
            return AdmissionDecision::Begin(self.turns(turns));
        }
        // A dear request waits no longer for cheaper ones than a request may wait at all.
        let place = start.saturating_add(cost.min(self.max_wait.as_nanos() as u64));
        let place = (place, state.arrived);
        let before = state.waiting.range(..place).map(|(_, other)| other.cost);
        let before = before.fold(running.as_nanos() as u64, u64::saturating_add);
        let wait = Duration::from_nanos(before / u64::from(self.turns));
        if state.waiting.len() >= self.places || wait > self.max_wait {
            return AdmissionDecision::Refused;
        }
        state.arrived += 1;
        state.clients.insert(client, clock);
        let (wake, receiver) = oneshot::channel();
        let waiting = WaitingRequest {
            client,
            turns,
            cost,
            wake,
        };
        state.waiting.insert(place, waiting);
        AdmissionDecision::Wait(Place {
            admission: Arc::clone(self),
            place,
            turns: receiver,
        })
    }

    fn turns(self: &Arc<Self>, count: u32) -> Turns {
        Turns {
            admission: Arc::clone(self),
            count,
        }
    }

    /// Frees `count` turns. Then lets the first waiting requests begin, in order, as long as there
    /// are enough free turns.
    fn release(self: &Arc<Self>, count: u32) {
        let mut state = self.lock();
        state.free += count;
        while let Some((_, next)) = state.waiting.first_key_value()
            && next.turns <= state.free
            && let Some(((clock, _), next)) = state.waiting.pop_first()
        {
            state.free -= next.turns;
            state.begin(clock);
            if let Err(mut turns) = next.wake.send(self.turns(next.turns)) {
                // The request has left, so its turns come back. Dropping them would lock the state
                // again, which this function has locked; so they are emptied first.
                state.free += std::mem::take(&mut turns.count);
            }
        }
        if state.free == self.turns && state.waiting.is_empty() {
            // The server is idle: what clients have asked for before counts no longer.
            state.clients.clear();
        }
    }
}

impl QueueState {
    /// Raises the queue's clock to `clock`, the place of a request that begins, unless it is later
    /// already. If too many clients are remembered, also forgets those of which no request waits.
    fn begin(&mut self, clock: u64) {
        self.now = self.now.max(clock);
        // With many requests in the queue it is done the less often.
        if self.clients.len() > MAX_CLIENTS.max(2 * self.waiting.len()) {
            let waiting: HashSet<_> = self.waiting.values().map(|w| w.client).collect();
            self.clients.retain(|client, _| waiting.contains(client));
        }
    }
}
