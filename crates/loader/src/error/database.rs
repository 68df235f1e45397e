//! Errors of databases, grouped by what can be done about them.

use tokio_postgres::error::{ErrorPosition, SqlState};

/// The reason why a database gave no points.
///
/// The messages are meant for the operator of the program. They hold no password. They may hold
/// names of tables and texts of the database, so HTTP clients don't get them in full.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The database's address is not valid. The field is the reason.
    #[error("the database's address: {0}")]
    Address(String),
    /// The server doesn't answer, or the connection broke. The field is the driver's or the
    /// system's message.
    #[error("the database does not answer: {0}")]
    Away(String),
    /// The server rejects the role or the password. The field is the server's message. For a layer
    /// that is already served this counts as an outage, since credentials may be changed in the
    /// database first and in this program later.
    #[error("the database refuses the connection: {0}")]
    Denied(String),
    /// Every connection of the pool is in use.
    #[error("every connection to the database is in use")]
    Busy,
    /// The query took longer than its time limit allows.
    #[error("the database took longer than it may")]
    Deadline,
    /// The query returned more rows or bytes than the limits allow. The field is the message.
    #[error("{0}")]
    TooMuch(String),
    /// The database rejects the statement.
    #[error("the database refuses the query: {message} (SQLSTATE {code})")]
    Refused {
        /// PostgreSQL's SQLSTATE, five characters.
        code: String,
        /// The text of the database's error.
        message: String,
        /// The number of the character in the statement at which the database sees the fault,
        /// counted from 1. `None` if the database names no position.
        position: Option<u32>,
    },
    /// The layer's definition is at fault: its table, query or columns can't be read as a layer.
    /// The field is the message.
    #[error("{0}")]
    Definition(String),
    /// The database role has privileges beyond reading. An option of the caller can permit such a
    /// role. The field is the message.
    #[error("{0}")]
    Role(String),
}

impl DatabaseError {
    /// Returns whether the connection is at fault and not the statement, so that another try may
    /// succeed.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Denied(_))
    }

    /// Returns whether the error is temporary: the database is away, all connections are in use, or
    /// the query exceeded its time limit.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Busy | Self::Deadline)
    }

    /// The error with its position counted from the beginning of the user's query. `start` is the
    /// number of characters of the statement before this query. A position before the query becomes
    /// `None`.
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
            // The error's cause holds the reason: "connection refused" or "certificate expired".
            let text = with_cause(&error);
            if text.contains("password missing") {
                let advice = "it asks for a password; set PGPASSWORD, or write user:password@host";
                return Self::Denied(advice.to_owned());
            }
            return Self::Away(text);
        };
        let code = said.code();
        if *code == SqlState::QUERY_CANCELED {
            return Self::Deadline;
        }
        if *code == SqlState::INVALID_PASSWORD {
            let advice = "set PGPASSWORD, or write user:password@host";
            return Self::Denied(format!("{}; {advice}", said.message()));
        }
        // No role or no database of this name, or the server's rules keep the role out.
        let advice = match code.code() {
            "3D000" => "; the end of the address names the database, and `psql -l` lists them",
            "28000" => "; the part of the address before @ names the role",
            _ => "",
        };
        if !advice.is_empty() {
            let message = said.message();
            return Self::Definition(format!(
                "the database refuses the connection: {message}{advice}"
            ));
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

/// Returns whether an error comes from the state of the server and not from the statement: a lost
/// connection, a shutdown, or too many connections.
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
