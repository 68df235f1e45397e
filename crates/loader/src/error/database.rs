//! Errors of databases, sorted by their remedy.

use tokio_postgres::error::{ErrorPosition, SqlState};

/// The reason why a database gave no points.
///
/// The messages are for the operator of the program. They hold no password; they may hold names of
/// tables and the database's own messages, so HTTP clients are shown less.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The address is not valid.
    #[error("the database's address: {0}")]
    Address(String),
    /// The server doesn't answer, or the connection broke.
    #[error("the database is away: {0}")]
    Away(String),
    /// The server rejects the role or the password. While layers are served this counts as an
    /// outage, since credentials may be changed in the database first and in this program later.
    #[error("the database refuses the connection: {0}")]
    Denied(String),
    /// Every connection is in use.
    #[error("every connection to the database is in use")]
    Busy,
    /// The query took longer than its time limit.
    #[error("the database took longer than it may")]
    Deadline,
    /// The query gave more rows or bytes than the limits allow.
    #[error("{0}")]
    TooMuch(String),
    /// The database rejects the statement.
    #[error("the database refuses the query: {message} (SQLSTATE {code})")]
    Refused {
        /// PostgreSQL's SQLSTATE, five characters.
        code: String,
        /// The database's message.
        message: String,
        /// The character of the statement that the message points to, counted from 1.
        position: Option<u32>,
    },
    /// The layer can't be read by its definition.
    #[error("{0}")]
    Definition(String),
    /// The database role may do more than read, which only an option permits.
    #[error("{0}")]
    Role(String),
}

impl DatabaseError {
    /// Returns whether another try may succeed, since the connection is at fault and not the
    /// statement.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Denied(_))
    }

    /// Returns whether the error is temporary: the database is away, or too busy.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Busy | Self::Deadline)
    }

    /// The error with its position counted from `start`, the place in the statement where the
    /// user's own query begins.
    pub(crate) fn counted_from(self, start: usize) -> Self {
        match self {
            Self::Refused {
                code,
                message,
                position,
            } => Self::Refused {
                code,
                message,
                position: position.and_then(|p| p.checked_sub(start as u32).filter(|&p| p > 0)),
            },
            other => other,
        }
    }
}

impl From<tokio_postgres::Error> for DatabaseError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            // The cause has the reason: "connection refused", "certificate expired".
            return Self::Away(with_cause(&error));
        };
        let code = said.code();
        if *code == SqlState::QUERY_CANCELED {
            return Self::Deadline;
        }
        if *code == SqlState::INVALID_PASSWORD {
            return Self::Denied(said.message().to_owned());
        }
        if is_of_the_server(code) {
            return Self::Away(said.message().to_owned());
        }
        let position = match said.position() {
            Some(ErrorPosition::Original(at)) => Some(*at),
            _ => None,
        };
        Self::Refused {
            code: code.code().to_owned(),
            message: said.message().to_owned(),
            position,
        }
    }
}

/// Returns whether an error is the server's and not the statement's: a lost connection, a shutdown
/// or too many connections.
fn is_of_the_server(code: &SqlState) -> bool {
    let code = code.code();
    code.starts_with("08") || code.starts_with("57P") || code == "53300"
}

fn with_cause(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}
