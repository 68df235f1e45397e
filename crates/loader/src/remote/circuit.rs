//! A circuit breaker: while a server fails, few requests wait for it, so that it doesn't keep all
//! threads busy.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The number of failures in succession after which the server counts as away: a choice. It is more
/// than three, since one read tries three times.
const FAILURES: u32 = 5;
/// The first pause in which nothing is requested of a server that is away, and the longest pause:
/// choices. Each pause is twice as long as the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A circuit breaker. After [`FAILURES`] failures in succession the circuit is open: requests fail
/// at once. After a pause one request at a time is let through. When such a request succeeds, the
/// circuit is closed: all requests are sent.
#[derive(Debug, Default)]
pub(super) struct Circuit(Mutex<CircuitState>);

/// A permission to send requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// A permission that any number of requests may have: as far as is known, the server is there.
    Usual,
    /// A permission that only one request has at a time: it finds out whether the server is there
    /// again.
    Probe,
}

#[derive(Debug, Default)]
struct CircuitState {
    failures: u32,
    /// The pause before the next attempt; zero if the circuit is closed.
    pause: Duration,
    until: Option<Instant>,
    /// The message of the last failure.
    why: String,
}

impl Circuit {
    /// Asks for permission to send requests that take at most `limit`. If the permission is a
    /// [`Pass::Probe`], no other request gets a permission for the time `limit`.
    ///
    /// # Errors
    /// The message of the last failure, if the circuit is open.
    pub(super) fn enter(&self, limit: Duration) -> Result<Pass, String> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = state.until else {
            return Ok(Pass::Usual);
        };
        let now = Instant::now();
        if now < until {
            return Err(state.why.clone());
        }
        state.until = Some(now + limit);
        Ok(Pass::Probe)
    }

    /// Records the result of requests that were sent with `pass`. `failure` is `None` if at least
    /// one of them succeeded; otherwise it is the message of one that failed.
    pub(super) fn record(&self, pass: Pass, failure: Option<&str>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(why) = failure else {
            *state = CircuitState::default();
            return;
        };
        if pass == Pass::Usual && state.until.is_some() {
            // It was sent before the circuit opened, so it says nothing new.
            return;
        }
        state.failures += 1;
        if pass == Pass::Usual && state.failures < FAILURES {
            return;
        }
        state.pause = match state.pause {
            Duration::ZERO => FIRST_PAUSE,
            pause => (pause * 2).min(LONGEST_PAUSE),
        };
        state.until = Some(Instant::now() + state.pause);
        why.clone_into(&mut state.why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_fails_is_left_alone_and_one_request_looks_for_it() {
        let limit = Duration::from_secs(5);
        let circuit = Circuit::default();
        for _ in 1..FAILURES {
            circuit.record(Pass::Usual, Some("500"));
            assert_eq!(circuit.enter(limit), Ok(Pass::Usual));
        }
        circuit.record(Pass::Usual, None);
        for _ in 0..FAILURES {
            assert_eq!(circuit.enter(limit), Ok(Pass::Usual));
            circuit.record(Pass::Usual, Some("500"));
        }
        assert_eq!(circuit.enter(limit), Err("500".to_owned()));
        // Requests that were under way meanwhile don't make the pause longer.
        for _ in 0..8 {
            circuit.record(Pass::Usual, Some("late"));
        }
        assert_eq!(circuit.0.lock().unwrap().pause, FIRST_PAUSE);
        // When the pause is over, one request is let through.
        circuit.0.lock().unwrap().until = Some(Instant::now());
        assert_eq!(circuit.enter(limit), Ok(Pass::Probe));
        assert_eq!(circuit.enter(limit), Err("500".to_owned()));
        circuit.record(Pass::Probe, Some("503"));
        assert_eq!(circuit.0.lock().unwrap().pause, 2 * FIRST_PAUSE);
        assert_eq!(circuit.enter(limit), Err("503".to_owned()));
        circuit.record(Pass::Probe, None);
        assert_eq!(circuit.enter(limit), Ok(Pass::Usual));
        assert_eq!(circuit.enter(limit), Ok(Pass::Usual));
    }
}
