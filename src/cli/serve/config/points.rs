//! The section `[points]` of the configuration: the settings of points that clients post.

use super::error::ConfigError;
use super::raw::ConfigSection;
use crate::cli::serve::flags::PointFlags;
use crate::cli::serve::regular_file;
use heatsplat::Backend;
use heatsplat_server::{BearerToken, PointPosting, PublicQuota};
use std::sync::Arc;
use std::time::Duration;

/// The largest number of layers of posted points that a server has at the same time. A choice.
const MAX_LAYERS: usize = 1000;

/// The longest time that reading the rows of one post may take. A choice.
const DEADLINE: Duration = Duration::from_secs(20);

/// The checked section `[points]`.
pub(crate) struct PointsConfig {
    flags: PointFlags,
    token: Option<BearerToken>,
}

impl PointsConfig {
    /// Checks the section and reads the token, from its file or the environment. The token is never
    /// an argument of the command line, which other users of the machine can see.
    pub(crate) fn new(section: &ConfigSection) -> Result<Self, ConfigError> {
        let flags: PointFlags = section.parse(&[])?;
        let wrong = |message: String| match section.get("points_token_file") {
            Some(entry) => entry.error(message),
            None => ConfigError::new(section.line(), format!("HEATSPLAT_POINTS_TOKEN: {message}")),
        };
        let text = match &flags.points_token_file {
            Some(file) => {
                let read = regular_file::open(file).and_then(std::io::read_to_string);
                Some(read.map_err(|e| wrong(format!("{} can't be read: {e}", file.display())))?)
            }
            None => std::env::var("HEATSPLAT_POINTS_TOKEN").ok(),
        };
        let token = text.map(|text| {
            let short = || wrong("the token must have 16 characters at least".to_owned());
            BearerToken::new(&text).ok_or_else(short)
        });
        Ok(Self {
            token: token.transpose()?,
            flags,
        })
    }

    /// Returns true if any client may post points.
    pub(crate) fn is_on(&self) -> bool {
        self.token.is_some() || self.flags.public_points > 0
    }

    /// The server's settings for posted points; `None` if no client may post any.
    pub(crate) fn posting(&self, backend: &Arc<dyn Backend>) -> Option<PointPosting> {
        let flags = &self.flags;
        let quota = PublicQuota {
            layers: usize::from(flags.public_points),
            rows: flags.public_rows as u64,
            lifetime: flags.public_for,
        };
        self.is_on().then(|| PointPosting {
            token: self.token.clone(),
            public: (quota.layers > 0).then_some(quota),
            lifetime: flags.points_for,
            most: MAX_LAYERS,
            rows: flags.points_rows as u64,
            body: flags.points_body,
            memory: flags.points_memory,
            deadline: DEADLINE,
            backend: Arc::clone(backend),
        })
    }
}
