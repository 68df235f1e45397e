//! The render queue: at most as many pictures are drawn at the same time as the configuration
//! allows, by default the number of cores.
//!
//! [`admission`] decides which request draws next. Work that draws has a [`CancelToken`]: it ends
//! at the request's deadline, when its client has left, and when the server ends.
//!
//! Handing work to another thread and getting the result back takes a tenth of the time of drawing
//! a tile. So quick work is done on the runtime's worker that has the request. All other work is
//! done on blocking threads: a worker that draws doesn't look for new requests, and possibly no
//! other worker is awake to do so.

mod admission;
#[cfg(test)]
mod admission_tests;
#[cfg(test)]
mod deadline_tests;

use crate::http::error::ApiError;
use crate::http::timing::RequestTiming;
pub(crate) use admission::ClientKey;
use admission::{Admission, AdmissionDecision, Turns};
use axum::http::StatusCode;
use heatsplat_points::cancel::{CancelToken, Cancelled};
use heatsplat_render::{Phase, Timings};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The longest expected wait with which a request is admitted. A choice: a map feels slow after it.
const MAX_EXPECTED_WAIT: Duration = Duration::from_millis(250);

/// The longest wait in the queue; a request that has waited this long is refused. Such a refusal
/// happens only if the requests before it take far longer than expected. A choice.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The longest expected time of work that is done on the runtime's worker that has the request.
/// Longer work goes to a blocking thread, since the worker answers no other requests meanwhile. A
/// choice.
pub(crate) const QUICK: Duration = Duration::from_millis(2);

/// The longest time between two checks, by a waiting request, whether another request has prepared
/// the scale or the filter's points that it waits for. The end of queued work causes a check too,
/// but some things are prepared outside the queue. A choice.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The time after its deadline within which work usually ends by itself. If it hasn't ended by
/// then, its request is answered without it. A choice.
const LATE: Duration = Duration::from_millis(100);

tokio::task_local! {
    /// The client of the request that the present task answers.
    pub(crate) static CLIENT: ClientKey;
}

/// The size of a piece of work, which is estimated before the work waits in the render queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkSize {
    /// The number of turns that the work holds at the same time: 1 for a tile, more for pictures
    /// that need more memory, so that the memory of all pictures together stays bounded.
    pub(crate) turns: u32,
    /// The expected time of the whole work on one core. `None` if it is not estimated: then the
    /// expected time is [`before`](Self::before), plus [`turn`](Self::turn) for each of the turns.
    pub(crate) expected: Option<Duration>,
    /// The expected time of preparations, for example of measuring a scale. It counts only if
    /// `expected` is `None`.
    pub(crate) before: Duration,
    /// The expected time of drawing for each of the work's turns: the mean of the recent pictures
    /// of the same layer. `None` if the mean of the recent pictures of all layers is expected.
    pub(crate) turn: Option<Duration>,
    /// True if other pictures of the layer take about as long as this work, so that the work's time
    /// is added to the layer's running mean.
    pub(crate) is_typical: bool,
    /// True if the work may need something that is not made yet, like statistics or the points
    /// of a filter.
    pub(crate) prepares: bool,
    /// The number of units of work (about a nanosecond of one core each) beyond which the work is
    /// ended; `u64::MAX` for no limit. See [`heatsplat_points::cancel`].
    pub(crate) most: u64,
    /// The time at which the request began, from which its deadline counts. `None` if the deadline
    /// counts from the request's arrival in the queue, since it comes there only once.
    pub(crate) since: Option<Instant>,
}

impl WorkSize {
    /// The size of a small piece of work: it takes one turn, for which the mean time of all recent
    /// pictures is expected.
    pub(crate) const SMALL: Self = Self {
        turns: 1,
        expected: None,
        before: Duration::ZERO,
        turn: None,
        is_typical: false,
        prepares: false,
        most: u64::MAX,
        since: None,
    };

    /// This size of work, but without the assumption that other pictures of the layer take
    /// about as long.
    pub(crate) fn untypical(self) -> Self {
        Self {
            is_typical: false,
            ..self
        }
    }
}

/// The queue of pictures to draw. A picture takes one or more turns; there are as many turns as
/// pictures that the server may draw at the same time.
#[derive(Debug)]
pub(crate) struct RenderQueue {
    admission: Arc<Admission>,
    turns: u32,
    deadline: Duration,
    /// The token that ends all work when the server ends.
    end: CancelToken,
    counters: Arc<QueueCounters>,
    /// Wakes the requests that wait for a scale or a filter's points, whenever work ends that may
    /// have prepared them.
    prepared: Arc<Notify>,
    /// The number of requests that wait for another request to prepare a scale or a filter's
    /// points.
    awaiting: AtomicUsize,
    places: usize,
}

/// Counters of the pictures that went through the queue, and of the time spent on them.
#[derive(Debug, Default)]
struct QueueCounters {
    done: AtomicU64,
    refused: AtomicU64,
    /// The number of pictures whose drawing was ended early, by the reason for it, in the order of
    /// [`ENDED`].
    ended: [AtomicU64; ENDED.len()],
    /// The running mean of the drawing times of pictures. Each is divided by the picture's number
    /// of turns before it is added.
    usual: RunningMean,
    /// Nanoseconds spent in each stage of drawing, summed over all pictures, in the order of
    /// [`Phase::ALL`].
    stages: [AtomicU64; Phase::ALL.len()],
    queued: AtomicU64,
}

/// The names, in metrics, of the reasons for ending work early.
pub(crate) const ENDED: [&str; 4] = ["deadline", "limit", "client_left", "unreadable"];

/// The name of a reason in [`ENDED`].
fn name_of(reason: &Cancelled) -> &'static str {
    match reason {
        Cancelled::Deadline => "deadline",
        Cancelled::TooMuchWork => "limit",
        Cancelled::Unwanted => "client_left",
        Cancelled::Unreadable(_) => "unreadable",
    }
}

/// The values of the render queue's counters at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueStats {
    pub(crate) running: u64,
    pub(crate) waiting: u64,
    pub(crate) done: u64,
    pub(crate) refused: u64,
    /// The number of pictures whose drawing was ended early, by the reason for it, in the order of
    /// [`ENDED`].
    pub(crate) ended: [u64; ENDED.len()],
    pub(crate) queued: Duration,
    pub(crate) stages: [Duration; Phase::ALL.len()],
}

impl RenderQueue {
    /// Makes an empty queue of `renders` turns, in which at most `waiting` requests wait.
    /// `deadline` is the longest time from a request's beginning to the end of its work, which is
    /// ended then.
    pub(crate) fn new(renders: usize, waiting: usize, deadline: Duration) -> Self {
        let turns = renders.clamp(1, 1024) as u32;
        Self {
            admission: Admission::new(turns, waiting.min(1 << 20), MAX_EXPECTED_WAIT),
            turns,
            deadline,
            end: CancelToken::default(),
            counters: Arc::default(),
            prepared: Arc::default(),
            awaiting: AtomicUsize::new(0),
            places: waiting,
        }
    }

    /// Ends the work that is running, and ends all later work as soon as it begins.
    pub(crate) fn end(&self) {
        self.end.cancel();
    }

    /// Waits for the turns of a piece of work, and then does the work. Returns the result and its
    /// times.
    ///
    /// The returned future is dropped when no client waits for the result any more. Then work that
    /// still waits for its turns never begins, and work on a blocking thread is ended.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        size: WorkSize,
        work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<(T, RequestTiming), ApiError> {
        let (done, timing) = self.run_unless(size, || work().map(Some)).await?;
        Ok((done.ok_or_else(ApiError::internal)?, timing))
    }

    /// Waits for the turns of a piece of work, and then does the work, as [`run`](Self::run) does.
    /// Work that returns `None` could not begin; it doesn't count as a picture.
    pub(crate) async fn run_unless<T: Send + 'static>(
        &self,
        size: WorkSize,
        work: impl FnOnce() -> Result<Option<T>, ApiError> + Send + 'static,
    ) -> Result<(Option<T>, RequestTiming), ApiError> {
        let since = Instant::now();
        let turns = self.turns(size).await.ok_or_else(|| self.refused())?;
        let queued = since.elapsed();
        let begun = size.since.unwrap_or(since);
        let token = self.end.child(begun.checked_add(self.deadline), size.most);
        let (counters, span) = (Arc::clone(&self.counters), tracing::Span::current());
        let notice = size
            .prepares
            .then(|| NoticeOnDrop(Arc::clone(&self.prepared)));
        let given = self.deadline;
        let work = {
            let token = token.clone();
            move || {
                // Those that wait are woken also if the work ends by a panic.
                let _notice = notice;
                let _request = span.enter();
                let _render = tracing::debug_span!("render", turns = size.turns).entered();
                let start = Instant::now();
                // A panic ends this picture, not the server. The panic hook has logged it already.
                let result =
                    catch_unwind(AssertUnwindSafe(|| Timings::measure(|| token.run(work))));
                let (done, stages) = result.map_err(|_| ApiError::internal())?;
                let turn = start.elapsed() / size.turns.max(1);
                let timing = RequestTiming {
                    queued,
                    turn,
                    stages,
                };
                if !matches!(done, Ok(Ok(None))) {
                    counters.add(turn, &timing, done.as_ref().err());
                }
                drop(turns);
                Ok((done.map_err(|reason| ended(reason, given))??, timing))
            }
        };
        if self.is_quick(&size) && Handle::current().metrics().num_workers() > self.turns as usize {
            return work();
        }
        // Work that waits for the work of another request doesn't look at its token meanwhile.
        let rest = self.deadline.saturating_sub(begun.elapsed()) + LATE;
        let guard = CancelOnDrop(token);
        let done = timeout(rest, spawn_blocking(work)).await;
        drop(guard);
        match done {
            Ok(done) => done.unwrap_or_else(|_| Err(ApiError::internal())),
            Err(_) => Err(ended(Cancelled::Deadline, self.deadline)),
        }
    }

    /// Waits until a piece of work gets its turns; `None` if the work is refused.
    async fn turns(&self, size: WorkSize) -> Option<Turns> {
        let turn = || size.turn.unwrap_or_else(|| self.usual());
        let cost = size
            .expected
            .unwrap_or_else(|| size.before + turn() * size.turns);
        // On average, half of the running work is done.
        let running = self.usual() * self.admission.running() / 2;
        let client = CLIENT.try_with(|client| *client).unwrap_or_default();
        match self.admission.enter(client, size.turns, cost, running) {
            AdmissionDecision::Begin(turns) => Some(turns),
            AdmissionDecision::Wait(mut place) => timeout(MAX_WAIT, place.turns()).await.ok()?,
            AdmissionDecision::Refused => None,
        }
    }

    fn is_quick(&self, size: &WorkSize) -> bool {
        let expected = size.expected.or(size.turn);
        size.turns <= 1 && !size.prepares && expected.unwrap_or_else(|| self.usual()) < QUICK
    }

    fn usual(&self) -> Duration {
        self.counters.usual.get().unwrap_or_default()
    }

    /// Waits as long as `is_busy` returns true, on behalf of a request that began at `since`. The
    /// request holds no turn meanwhile.
    ///
    /// # Errors
    /// An error if the request's deadline passes, or if as many requests wait here already as may
    /// wait in the queue.
    pub(crate) async fn wait_while(
        &self,
        since: Instant,
        is_busy: impl Fn() -> bool,
    ) -> Result<(), ApiError> {
        if !is_busy() {
            return Ok(());
        }
        let place = CountedPlace::new(&self.awaiting);
        if place.number > self.places {
            return Err(self.refused());
        }
        loop {
            let mut notice = pin!(self.prepared.notified());
            // A notice from now on is not missed.
            notice.as_mut().enable();
            if !is_busy() {
                return Ok(());
            }
            if since.elapsed() >= self.deadline {
                return Err(ended(Cancelled::Deadline, self.deadline));
            }
            _ = timeout(BETWEEN_LOOKS, notice).await;
        }
    }

    /// Counts a refused request, and returns the error for it.
    fn refused(&self) -> ApiError {
        self.counters.refused.fetch_add(1, Ordering::Relaxed);
        ApiError::unavailable("too many requests at once; try again in a second")
    }

    pub(crate) fn stats(&self) -> QueueStats {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let time = |nanoseconds| Duration::from_nanos(count(nanoseconds));
        let counters = &self.counters;
        QueueStats {
            running: u64::from(self.admission.running()),
            waiting: (self.admission.waiting() + self.awaiting.load(Ordering::Relaxed)) as u64,
            done: count(&counters.done),
            refused: count(&counters.refused),
            ended: counters.ended.each_ref().map(count),
            queued: time(&counters.queued),
            stages: counters.stages.each_ref().map(time),
        }
    }
}

/// A guard that wakes the requests in [`RenderQueue::wait_while`] when it is dropped.
struct NoticeOnDrop(Arc<Notify>);

impl Drop for NoticeOnDrop {
    fn drop(&mut self) {
        self.0.notify_waiters();
    }
}

/// A request's share in a count of waiting requests: the count rises by one when this is made, and
/// falls by one when this is dropped.
struct CountedPlace<'a> {
    places: &'a AtomicUsize,
    /// The count just after this request's share was added to it.
    number: usize,
}

impl<'a> CountedPlace<'a> {
    fn new(places: &'a AtomicUsize) -> Self {
        let number = places.fetch_add(1, Ordering::Relaxed) + 1;
        Self { places, number }
    }
}

impl Drop for CountedPlace<'_> {
    fn drop(&mut self) {
        self.places.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A guard that ends work when it is dropped.
struct CancelOnDrop(CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Makes the error for work that was ended early. `deadline` is the time that the message states if
/// the deadline is the reason.
fn ended(reason: Cancelled, deadline: Duration) -> ApiError {
    match reason {
        Cancelled::Deadline => ApiError::with_status(
            StatusCode::GATEWAY_TIMEOUT,
            format!(
                "this took longer than {} s; give fewer pixels, a smaller radius or a greater zoom",
                deadline.as_secs_f64()
            ),
        ),
        Cancelled::TooMuchWork => ApiError::with_status(
            StatusCode::GATEWAY_TIMEOUT,
            "this took more work than a request may cause; give fewer pixels, a smaller radius, a \
             greater zoom, or domain=lo,hi",
        ),
        Cancelled::Unwanted => {
            ApiError::unavailable("no client waits for this any more, or the server ends")
        }
        Cancelled::Unreadable(error) => {
            ApiError::with_status(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
        }
    }
}

impl QueueCounters {
    /// Adds a picture and its times to the counters. `turn` is the drawing time divided by the
    /// picture's number of turns. `ended` is the reason if the drawing was ended early; `None` if
    /// it was finished.
    fn add(&self, turn: Duration, timing: &RequestTiming, ended: Option<&Cancelled>) {
        let add = |sum: &AtomicU64, took: Duration| {
            sum.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
        };
        for (sum, (_, took)) in self.stages.iter().zip(timing.stages.all()) {
            add(sum, took);
        }
        add(&self.queued, timing.queued);
        match ended {
            None => _ = self.done.fetch_add(1, Ordering::Relaxed),
            Some(reason) => {
                let counts = self.ended.iter().zip(ENDED);
                let mut counts = counts.filter(|(_, known)| *known == name_of(reason));
                if let Some((count, _)) = counts.next() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        match self.usual.get() {
            // The time of work that was ended early is no measure of the time that work takes.
            Some(usual) if ended.is_some() && turn < usual => {}
            Some(_) => self.usual.add(turn),
            // The first pictures measure scales, which takes far longer than the pictures.
            None => self.usual.add(turn / 16),
        }
    }
}

/// A running mean of about the last sixteen times that were added, in nanoseconds; 0 before the
/// first. If two threads add a time in the same moment, one of the two is lost, which does no harm.
#[derive(Debug, Default)]
pub(crate) struct RunningMean(AtomicU64);

impl RunningMean {
    /// The mean of the times that were added; `None` before the first.
    pub(crate) fn get(&self) -> Option<Duration> {
        let mean = self.0.load(Ordering::Relaxed);
        (mean > 0).then(|| Duration::from_nanos(mean))
    }

    pub(crate) fn add(&self, time: Duration) {
        let time = (time.as_nanos() as u64).max(1);
        let mean = match self.0.load(Ordering::Relaxed) {
            0 => time,
            mean => (mean - mean / 16 + time / 16).max(1),
        };
        self.0.store(mean, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::cancel;
    use std::sync::atomic::AtomicU32;

    const SECOND: Duration = Duration::from_secs(1);

    fn large(turns: u32) -> WorkSize {
        WorkSize {
            turns,
            prepares: true,
            ..WorkSize::SMALL
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_and_frees_its_turn() {
        panics().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn a_panic_on_a_worker_too() {
        panics().await;
    }

    async fn panics() {
        let queue = RenderQueue::new(1, 0, SECOND);
        for size in [WorkSize::SMALL, large(1)].repeat(5) {
            let answer = queue
                .run(size, || -> Result<(), _> { panic!("on purpose") })
                .await;
            assert_eq!(answer.err(), Some(ApiError::internal()));
        }
        assert_eq!(queue.run(WorkSize::SMALL, || Ok(7)).await.unwrap().0, 7);
        assert_eq!(queue.stats().running, 0);
    }

    #[tokio::test]
    async fn over_the_limit_is_later_and_more_turns_than_all_are_all() {
        let queue = Arc::new(RenderQueue::new(2, 2, 60 * SECOND));
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let holder = Arc::clone(&queue);
        let slow =
            tokio::spawn(
                async move { holder.run(large(99), move || Ok(gate.recv().is_ok())).await },
            );
        while queue.stats().running < 2 {
            tokio::task::yield_now().await;
        }
        let ran = Arc::new(AtomicU32::new(0));
        let work = |ran: &Arc<AtomicU32>| {
            let ran = Arc::clone(ran);
            move || Ok(ran.fetch_add(1, Ordering::SeqCst))
        };
        // Two more requests find a place in the queue; a third one finds none.
        let run = || Box::pin(queue.run(WorkSize::SMALL, work(&ran)));
        let mut waiting: Vec<_> = (0..2).map(|_| run()).collect();
        for future in &mut waiting {
            let soon = timeout(Duration::from_millis(5), future);
            assert!(soon.await.is_err());
        }
        assert_eq!(queue.stats().waiting, 2);
        assert!(run().await.is_err());
        // The client of this request leaves.
        waiting.pop();
        open.send(()).unwrap();
        assert!(slow.await.unwrap().unwrap().0);
        let (first, timing) = waiting.pop().unwrap().await.unwrap();
        assert!(first == 0 && timing.queued >= Duration::from_millis(5));
        assert_eq!(ran.load(Ordering::SeqCst), 1);
        let stats = queue.stats();
        assert_eq!(
            (stats.running, stats.waiting, stats.done, stats.refused),
            (0, 0, 2, 1)
        );
    }

    /// Work that never ends by itself.
    fn endless() -> Result<(), ApiError> {
        loop {
            cancel::check(1 << 10);
        }
    }

    #[tokio::test]
    async fn work_ends_at_its_deadline_and_at_its_limit() {
        let queue = RenderQueue::new(1, 0, Duration::from_millis(20));
        let late = queue.run(large(1), endless).await.err().unwrap();
        let most = WorkSize {
            most: 1 << 24,
            ..WorkSize::SMALL
        };
        let queue = RenderQueue::new(1, 0, 60 * SECOND);
        let much = queue.run(most, endless).await.err().unwrap();
        assert_eq!(queue.stats().ended, [0, 1, 0, 0]);
        for error in [late, much] {
            assert_eq!(error.status(), StatusCode::GATEWAY_TIMEOUT);
        }
        assert_eq!(queue.stats().running, 0);
    }

    #[tokio::test]
    async fn work_ends_when_its_client_leaves_and_when_the_server_ends() {
        let queue = Arc::new(RenderQueue::new(1, 9, 60 * SECOND));
        let running = Arc::clone(&queue);
        let client = tokio::spawn(async move { running.run(large(1), endless).await });
        while queue.stats().running == 0 {
            tokio::task::yield_now().await;
        }
        client.abort();
        while queue.stats().running > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(queue.stats().ended, [0, 0, 1, 0]);
        let running = Arc::clone(&queue);
        let last = tokio::spawn(async move { running.run(large(1), endless).await });
        while queue.stats().running == 0 {
            tokio::task::yield_now().await;
        }
        queue.end();
        assert!(last.await.unwrap().is_err());
    }
}
