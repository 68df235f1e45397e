//! Notifications of changes, sent by `NOTIFY heatsplat`.

use super::connect::{Address, Purpose, runtime};
use crate::error::DatabaseError;
use futures_util::{StreamExt as _, stream};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_postgres::AsyncMessage;

/// The pause before the next attempt to reach a database that does not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// The subject of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Any layer may have changed: the notification names none, or some may have been missed.
    Everything,
    /// The layer of this name has changed.
    Layer(String),
}

/// Listens on the channel `heatsplat` and calls `on` with every change until `on` returns `false`.
/// It uses a separate connection, outside any transaction, and connects again if the connection
/// breaks. Blocks.
///
/// # Errors
/// No async runtime can be started.
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

/// Listens until the connection breaks or `on` returns `false`. Returns `false` in the second case.
/// `again` is true if an earlier connection broke.
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
    // Notifications were lost while no session listened, so anything may have changed.
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
