//! Tests of the order in which requests are admitted: some cases, and random events beside a plain
//! model of the rule.

use super::admission::*;
use futures_util::FutureExt as _;
use proptest::prelude::*;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn client(n: u8) -> ClientKey {
    IpAddr::from([10, 0, 0, n]).into()
}

fn place(entry: AdmissionDecision) -> Place {
    match entry {
        AdmissionDecision::Wait(place) => place,
        AdmissionDecision::Begin(_) => panic!("began"),
        AdmissionDecision::Refused => panic!("refused"),
    }
}

fn turn(place: &mut Place) -> Option<Turns> {
    place.turns().now_or_never().flatten()
}

#[test]
fn a_network_is_one_client() {
    let key = |text: &str| ClientKey::from(text.parse::<IpAddr>().unwrap());
    assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
    assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
    assert_eq!(key("::ffff:10.0.0.1"), client(1));
    assert_ne!(client(1), client(2));
}

#[test]
fn the_cheapest_client_is_next_and_a_busy_one_waits_for_itself() {
    let admission = Admission::new(1, 100, 1000 * SECOND);
    let enter = |n, seconds| admission.enter(client(n), 1, seconds * SECOND, SECOND);
    let AdmissionDecision::Begin(first) = enter(1, 5) else {
        panic!("a free turn is not given");
    };
    let mut busy: Vec<Place> = (0..3).map(|_| place(enter(1, 5))).collect();
    let (mut dear, mut cheap) = (place(enter(2, 4)), place(enter(3, 2)));
    assert_eq!((admission.waiting(), admission.running()), (5, 1));
    drop(first);
    let turns = turn(&mut cheap).expect("the cheapest comes first");
    drop(turns);
    let turns = turn(&mut dear).expect("a client that asked once comes before a busy one");
    drop(turns);
    for place in &mut busy {
        drop(turn(place).expect("a client's own requests come in their order"));
    }
    assert_eq!((admission.waiting(), admission.running()), (0, 0));
}

#[test]
fn a_busy_client_is_refused_while_others_are_admitted() {
    let admission = Admission::new(2, 100, SECOND);
    let enter = |n| admission.enter(client(n), 1, SECOND / 2, SECOND);
    let running: Vec<AdmissionDecision> = (0..2).map(|_| enter(1)).collect();
    let waiting: Vec<Place> = (0..3).map(|_| place(enter(1))).collect();
    assert!(matches!(enter(1), AdmissionDecision::Refused));
    assert!(matches!(enter(2), AdmissionDecision::Wait(_)));
    drop((running, waiting));
    assert_eq!((admission.waiting(), admission.running()), (0, 0));
    assert!(matches!(enter(1), AdmissionDecision::Begin(_)));
}

#[test]
fn who_leaves_gives_up_the_place_even_if_the_turn_has_come() {
    let admission = Admission::new(1, 2, 100 * SECOND);
    let enter = || admission.enter(client(1), 1, SECOND, SECOND);
    let first = enter();
    let (second, mut third) = (place(enter()), place(enter()));
    assert!(
        matches!(enter(), AdmissionDecision::Refused),
        "there are two places"
    );
    drop(first);
    assert!(turn(&mut third).is_none());
    drop(second);
    assert!(turn(&mut third).is_some());
    assert_eq!((admission.waiting(), admission.running()), (0, 0));
}

#[test]
fn large_pictures_wait_for_several_turns() {
    let admission = Admission::new(3, 9, 100 * SECOND);
    let enter = |n, turns| admission.enter(client(n), turns, SECOND, SECOND);
    let small: Vec<AdmissionDecision> = (0..2).map(|_| enter(1, 1)).collect();
    let mut large = place(enter(2, 99));
    let mut after = place(enter(1, 1));
    drop(small);
    let turns = turn(&mut large).expect("all turns are free");
    assert!(admission.running() == 3 && turn(&mut after).is_none());
    drop(turns);
    assert!(turn(&mut after).is_some());
}

#[test]
fn a_large_picture_whose_client_leaves_keeps_nobody_waiting() {
    let admission = Admission::new(3, 9, 100 * SECOND);
    let enter = |n, turns| admission.enter(client(n), turns, SECOND, SECOND);
    let running = enter(1, 1);
    let large = place(enter(2, 3));
    let mut after = place(enter(3, 1));
    assert!(turn(&mut after).is_none());
    drop(large);
    let turns = turn(&mut after).expect("two turns are free");
    drop((turns, running));
    assert_eq!(admission.running(), 0);
}

#[test]
fn a_dear_request_has_its_turn_among_ever_new_clients() {
    let admission = Admission::new(1, 10_000, SECOND);
    let ask = |i: u32, cost| {
        let key = ClientKey::from(IpAddr::from(i.to_be_bytes()));
        admission.enter(key, 1, cost, Duration::ZERO)
    };
    let mut running = Some(ask(0, SECOND));
    let mut dear = place(ask(1, 100 * SECOND));
    let mut before = 0;
    let mut waiting = std::collections::VecDeque::new();
    while turn(&mut dear).is_none() {
        // A client that comes after the dear request would wait too long, so it is refused.
        if let AdmissionDecision::Wait(place) = ask(2 + before, SECOND / 10) {
            waiting.push_back(place);
        }
        // The turn goes on to the next, which is the dear request in the end.
        drop(running.take());
        running = waiting
            .front_mut()
            .and_then(turn)
            .map(AdmissionDecision::Begin);
        if running.is_some() {
            waiting.pop_front();
        }
        before += 1;
        assert!(before < 1000, "the dear request never has its turn");
    }
    assert!(before > 0);
}

#[test]
fn an_idle_server_knows_no_clients() {
    let admission = Admission::new(2, 100, SECOND);
    for i in 0..100_000u32 {
        let key = ClientKey::from(IpAddr::from(i.to_be_bytes()));
        let first = admission.enter(key, 1, SECOND, SECOND);
        assert!(matches!(first, AdmissionDecision::Begin(_)));
    }
    assert_eq!(admission.clients(), 0);
    let held = admission.enter(client(1), 1, SECOND, SECOND);
    for i in 0..3 * MAX_CLIENTS as u32 {
        let key = ClientKey::from(IpAddr::from(i.to_be_bytes()));
        drop(admission.enter(key, 1, SECOND, SECOND));
    }
    assert!(admission.clients() <= MAX_CLIENTS + 1);
    drop(held);
}

/// A request in the plain model.
#[derive(Clone, Copy, Debug)]
struct Request {
    client: u8,
    turns: u32,
    cost: u64,
    /// Its place in the queue; the second number is that of its arrival.
    place: (u64, usize),
}

/// The rule of admission in plain words: a list that is searched anew for each event.
struct Model {
    turns: u32,
    places: usize,
    max_wait: u64,
    now: u64,
    clocks: HashMap<u8, u64>,
    waiting: Vec<Request>,
    running: Vec<Request>,
}

impl Model {
    fn free(&self) -> u32 {
        self.turns - self.running.iter().map(|r| r.turns).sum::<u32>()
    }

    /// Lets a request arrive; returns false if it is refused. `running` is the expected rest of
    /// the work that is being done.
    fn enter(&mut self, mut request: Request, running: u64) -> bool {
        request.turns = request.turns.min(self.turns);
        let clock = self.clocks.get(&request.client).copied().unwrap_or(0);
        let start = clock.max(self.now);
        if self.waiting.is_empty() && self.free() >= request.turns {
            self.now = start + request.cost;
            self.running.push(request);
        } else {
            request.place.0 = start + request.cost.min(self.max_wait);
            let sooner = self.waiting.iter().filter(|r| r.place < request.place);
            let wait = (running + sooner.map(|r| r.cost).sum::<u64>()) / u64::from(self.turns);
            if self.waiting.len() >= self.places || wait > self.max_wait {
                return false;
            }
            self.waiting.push(request);
            self.waiting.sort_by_key(|r| r.place);
        }
        self.clocks.insert(request.client, start + request.cost);
        true
    }

    /// Lets the request of this arrival leave, whether it waits or draws.
    fn leave(&mut self, arrival: usize) {
        if let Some(i) = self.waiting.iter().position(|r| r.place.1 == arrival) {
            let request = self.waiting.remove(i);
            *self.clocks.get_mut(&request.client).unwrap() -= request.cost;
        }
        self.running.retain(|r| r.place.1 != arrival);
        while let Some(next) = self.waiting.first().copied()
            && next.turns <= self.free()
        {
            self.waiting.remove(0);
            self.now = self.now.max(next.place.0);
            self.running.push(next);
        }
        if self.running.is_empty() && self.waiting.is_empty() {
            self.clocks.clear();
        }
    }
}

/// A request that was admitted, with its turns or its place.
enum Admitted {
    Waits(Place),
    Draws(#[expect(dead_code, reason = "dropping it frees the turns")] Turns),
}

#[derive(Clone, Debug)]
enum Event {
    Arrives {
        client: u8,
        turns: u32,
        cost: u64,
    },
    /// One of the requests that draw or wait leaves; which, as a share of their number.
    Leaves(f64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let arrives = (0..4u8, 1..5u32, 1..400u64).prop_map(|(client, turns, cost)| Event::Arrives {
        client,
        turns,
        cost,
    });
    let leaves = (0.0..1.0).prop_map(Event::Leaves);
    prop::collection::vec(prop_oneof![3 => arrives, 2 => leaves], 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// After each event exactly those requests draw that the rule lets draw: so none has a turn too
    /// early, none waits while the turns that it needs are free and it is next, and no turn is
    /// lost.
    #[test]
    fn requests_are_admitted_by_the_rule(turns in 1..4u32, places in 0..8usize, events in events()) {
        let max_wait = 600;
        let admission = Admission::new(turns, places, Duration::from_nanos(max_wait));
        let mut model = Model {
            turns,
            places,
            max_wait,
            now: 0,
            clocks: HashMap::new(),
            waiting: Vec::new(),
            running: Vec::new(),
        };
        let mut admitted: Vec<(usize, Admitted)> = Vec::new();
        for (arrival, event) in events.into_iter().enumerate() {
            match event {
                Event::Arrives { client: n, turns, cost } => {
                    let rest = 50 * u64::from(admission.running());
                    let nanoseconds = Duration::from_nanos;
                    let entry = admission.enter(client(n), turns, nanoseconds(cost), nanoseconds(rest));
                    let request = Request { client: n, turns, cost, place: (0, arrival) };
                    let is_refused = !model.enter(request, rest);
                    prop_assert_eq!(is_refused, matches!(entry, AdmissionDecision::Refused));
                    match entry {
                        AdmissionDecision::Begin(turns) => admitted.push((arrival, Admitted::Draws(turns))),
                        AdmissionDecision::Wait(place) => admitted.push((arrival, Admitted::Waits(place))),
                        AdmissionDecision::Refused => {}
                    }
                }
                Event::Leaves(share) if !admitted.is_empty() => {
                    let (left, _) = admitted.remove((share * admitted.len() as f64) as usize);
                    model.leave(left);
                }
                Event::Leaves(_) => {}
            }
            for (_, request) in &mut admitted {
                if let Admitted::Waits(place) = request
                    && let Some(turns) = turn(place)
                {
                    *request = Admitted::Draws(turns);
                }
            }
            let draws = admitted.iter().filter(|(_, a)| matches!(a, Admitted::Draws(_)));
            let draws: Vec<usize> = draws.map(|(arrival, _)| *arrival).collect();
            let mut expected: Vec<usize> = model.running.iter().map(|r| r.place.1).collect();
            expected.sort_unstable();
            prop_assert_eq!(draws, expected);
            prop_assert_eq!(admission.running(), turns - model.free());
            prop_assert_eq!(admission.waiting(), model.waiting.len());
        }
        drop(admitted);
        prop_assert_eq!((admission.running(), admission.waiting()), (0, 0));
    }
}
