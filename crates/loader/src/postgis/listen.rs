//! Notifications of changes: `NOTIFY heatsplat`.

use super::connect::{Address, Purpose, runtime};
use crate::error::DatabaseError;
use futures_util::{StreamExt as _, stream};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_postgres::AsyncMessage;

/// The pause between two tries to reach a database that is away.
const AGAIN: Duration = Duration::from_secs(1);

/// The subject of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Possibly everything: no layer was named, or notifications may have been missed.
    Everything,
    /// One layer.
    Layer(String),
}

/// Listens on the channel `heatsplat`, on a connection of its own and outside any transaction, and
/// calls `on` with every change until that returns `false`. Blocks; it reconnects by itself.
///
/// # Errors
/// The system gives no runtime.
pub fn listen(address: &Address, mut on: impl FnMut(Change) -> bool) -> Result<(), DatabaseError> {
    runtime()?.block_on(async {
        let mut again = false;
        loop {
            let heard = hear(address, again, &mut on).await;
            if let Ok(false) = heard {
                return;
            }
            again = true;
            tokio::time::sleep(AGAIN).await;
        }
    });
    Ok(())
}

/// Listens until the connection breaks; `false` if `on` wants no more.
async fn hear(
    address: &Address,
    again: bool,
    on: &mut impl FnMut(Change) -> bool,
) -> Result<bool, DatabaseError> {
    let config = address.session(Purpose::Listen);
    let (client, mut connection) = config.connect(address.tls.clone()).await?;
    let (sender, mut notes) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(note) = message
                && sender.send(note.payload().trim().to_owned()).is_err()
            {
                return;
            }
        }
    });
    client.batch_execute("LISTEN heatsplat").await?;
    // Notifications are lost while no session listens.
    if again && !on(Change::Everything) {
        return Ok(false);
    }
    while let Some(name) = notes.recv().await {
        let change = match name.as_str() {
            "" => Change::Everything,
            _ => Change::Layer(name),
        };
        if !on(change) {
            return Ok(false);
        }
    }
    Ok(true)
}
