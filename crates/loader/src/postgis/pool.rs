//! A pool of connections. A session is lent for one query; after it, the session is either reset
//! for the next query or thrown away.

use super::connect::{Address, CONNECT, Purpose, cancel};
use crate::error::DatabaseError;
use deadpool_postgres::{
    Hook, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio_postgres::Client;

/// The longest time that a request waits for a free connection, before it fails with
/// [`DatabaseError::Busy`]. A choice.
const WAIT: Duration = Duration::from_millis(250);
/// The longest time that the reset of a connection may take. A connection that takes longer counts
/// as broken. A choice.
const RECYCLE: Duration = Duration::from_secs(1);
/// The pause after a failed attempt to connect. During the pause, requests fail immediately instead
/// of trying to connect too. A choice.
const AWAY: Duration = Duration::from_millis(500);

/// An SQL query that makes the server load PostGIS and its library GEOS for a new connection,
/// before a query that may be cancelled.
const LOAD_POSTGIS: &str = "SELECT ST_IsValid(ST_MakePoint(0, 0))";

/// Limits that protect a database from too many or too heavy requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseLimits {
    /// The largest number of connections to one database that are open at the same time.
    pub connections: usize,
    /// The longest time that one request may take in the database.
    pub deadline: Duration,
    /// The largest number of rows that one request may read.
    pub rows: u64,
    /// The largest number of bytes that one request may read, counted as they are transferred.
    pub bytes: u64,
}

impl Default for DatabaseLimits {
    fn default() -> Self {
        Self {
            connections: 8,
            deadline: Duration::from_secs(5),
            rows: 5_000_000,
            bytes: 512 << 20,
        }
    }
}

/// A database with a pool of connections to it, for live layers.
#[derive(Debug)]
pub struct Database {
    pub(super) address: Address,
    pub(super) limits: DatabaseLimits,
    pool: Pool,
    circuit: CircuitBreaker,
}

impl Database {
    /// Creates a pool that has no connections yet. Each connection is opened when it is needed, so
    /// a database that doesn't answer delays nothing here.
    ///
    /// # Errors
    /// The pool can't be built. No cause of this is known.
    pub fn new(address: Address, limits: DatabaseLimits) -> Result<Self, DatabaseError> {
        let config = address.session(Purpose::Read(limits.deadline));
        // `DISCARD ALL` resets a session before the next query uses it.
        let recycling_method = RecyclingMethod::Custom("DISCARD ALL".to_owned());
        let manager = Manager::from_config(
            config,
            address.tls.clone(),
            ManagerConfig { recycling_method },
        );
        let pool = Pool::builder(manager)
            .max_size(limits.connections.clamp(1, 1024))
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(RECYCLE))
            .runtime(Runtime::Tokio1)
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move {
                    // The server loads PostGIS now, since no query that could be cancelled is
                    // running yet. A cancellation that arrives while the library is being loaded
                    // may abort the server's process, and with it every session. If PostGIS is
                    // missing, the request's query will report that.
                    let _ = client.simple_query(LOAD_POSTGIS).await;
                    Ok(())
                })
            }))
            .build()
            .map_err(|e| DatabaseError::Address(e.to_string()))?;
        Ok(Self {
            address,
            limits,
            pool,
            circuit: CircuitBreaker::default(),
        })
    }

    /// The database's address. Its `Display` shows no secrets.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns false if the last attempt to use the database failed because it didn't answer.
    pub fn is_reachable(&self) -> bool {
        self.circuit.is_closed()
    }

    /// Returns false if the last attempt to use the database failed because it didn't answer. In
    /// that case it also starts a new attempt, as a task on the caller's runtime, so that a later
    /// call may return true.
    pub fn is_reachable_or_retry(self: &Arc<Self>) -> bool {
        if self.is_reachable() {
            return true;
        }
        if let Ok(runtime) = Handle::try_current() {
            let database = Arc::clone(self);
            runtime.spawn(async move {
                // `borrow` fails at once if the last attempt was made less than [`AWAY`] ago, so
                // these tasks can't become many.
                if let Ok(session) = database.borrow().await {
                    let _ = session.give_back().await;
                }
            });
        }
        false
    }

    /// Records that the database did not answer on a connection outside the pool.
    pub fn mark_away(&self) {
        self.circuit.open();
    }

    /// Lends a connection for one query.
    pub(super) async fn borrow(&self) -> Result<Session, DatabaseError> {
        self.circuit.pass()?;
        // The pool may try several broken connections, one after the other. So the total time is
        // limited here.
        let lent = tokio::time::timeout(CONNECT + RECYCLE, self.pool.get()).await;
        match lent {
            Ok(Ok(object)) => {
                self.circuit.close();
                Ok(Session {
                    object: Some(object),
                    address: self.address.clone(),
                })
            }
            Ok(Err(PoolError::Timeout(TimeoutType::Wait))) => Err(DatabaseError::Busy),
            Ok(Err(PoolError::Backend(error))) => Err(self.fails(error.into())),
            Ok(Err(error)) => Err(self.fails(DatabaseError::Away(error.to_string()))),
            Err(_) => Err(self.fails(DatabaseError::Away("it does not answer".to_owned()))),
        }
    }

    fn fails(&self, error: DatabaseError) -> DatabaseError {
        self.circuit.open();
        // Idle connections are probably broken too. Without them the next attempt fails sooner.
        self.pool.retain(|_, _| false);
        match error {
            DatabaseError::Refused { message, .. } => DatabaseError::Denied(message),
            other => other,
        }
    }
}

/// A circuit breaker, which remembers that a database doesn't answer. If it holds a time, the
/// circuit is open: all requests fail until that time. If it holds none, the circuit is closed, and
/// all requests pass.
#[derive(Debug, Default)]
struct CircuitBreaker(Mutex<Option<Instant>>);

impl CircuitBreaker {
    fn until(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.until().is_none()
    }

    /// Returns an error while requests must not use the database. After each pause of [`AWAY`] one
    /// request may try it again.
    fn pass(&self) -> Result<(), DatabaseError> {
        let mut until = self.until();
        match *until {
            Some(end) if Instant::now() < end => {
                Err(DatabaseError::Away("it was away a moment ago".to_owned()))
            }
            Some(_) => {
                *until = Some(Instant::now() + AWAY);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn open(&self) {
        *self.until() = Some(Instant::now() + AWAY);
    }

    fn close(&self) {
        *self.until() = None;
    }
}

/// A lent connection. If it is dropped without [`give_back`](Self::give_back), its statement is
/// cancelled in the database and the connection is thrown away. So no later query gets a connection
/// that is still busy, and no late cancellation stops another query.
pub(super) struct Session {
    object: Option<Object>,
    address: Address,
}

impl Session {
    /// The connection's client. An error would mean that the session was given back before, which
    /// can't happen: [`give_back`](Self::give_back) consumes the session.
    pub(super) fn client(&self) -> Result<&Client, DatabaseError> {
        let object = self.object.as_ref();
        let gone = || DatabaseError::Away("the connection is gone".to_owned());
        object.map(|object| &***object).ok_or_else(gone)
    }

    /// Ends the transaction and gives the connection back to the pool.
    pub(super) async fn give_back(mut self) -> Result<(), DatabaseError> {
        self.client()?.batch_execute("ROLLBACK").await?;
        // Dropping the object returns the connection to the pool.
        drop(self.object.take());
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else {
            return;
        };
        let client = Object::take(object);
        if client.is_closed() {
            return;
        }
        let (token, tls) = (client.cancel_token(), self.address.tls.clone());
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                cancel(token, tls).await;
                drop(client);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_circuit_lets_one_through_to_look() {
        let circuit = CircuitBreaker::default();
        assert!(circuit.pass().is_ok());
        circuit.open();
        assert!(circuit.pass().is_err() && !circuit.is_closed());
        *circuit.until() = Some(Instant::now());
        assert!(circuit.pass().is_ok());
        assert!(circuit.pass().is_err());
        circuit.close();
        assert!(circuit.pass().is_ok() && circuit.is_closed());
    }
}
