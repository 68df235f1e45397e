//! Notifications of changes in the database, which its users send by `NOTIFY heatsplat`.

use super::connect::{Address, Purpose, runtime};
use crate::error::DatabaseError;
use futures_util::{StreamExt as _, stream};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_postgres::AsyncMessage;

/// The pause before the next attempt to connect. A choice.
const AGAIN: Duration = Duration::from_secs(1);

/// The data that a notification is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A change of any layer: the notification names no layer, or notifications may have been
    /// missed.
    Everything,
    /// A change of the layer of this name.
    Layer(String),
}

/// Listens on the channel `heatsplat` and calls `on` with every change, until `on` returns `false`.
/// Opens a separate connection for this, and opens it again if it breaks. Blocks the thread.
///
/// # Errors
/// The async runtime can't be started.
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

/// Listens until the connection breaks or `on` returns `false`. Returns `true` if the connection
/// broke, and `false` if `on` returned `false`. `again` must be true if an earlier connection
/// broke: then `on` is first called with [`Change::Everything`], since notifications may have been
/// missed.
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
    // Notifications are lost while no session listens, so anything may have changed since the
    // earlier connection broke.
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
