//! Layers whose sources could not be read so far, and the times at which they are tried again.

use super::config::LayerConfig;
use super::expand::is_pipe;
use super::loaded_layer::{LoadedLayer, Reload};
use super::reconcile::Action;
use heatsplat_loader::is_remote;
use std::time::{Duration, Instant};

/// A layer whose source has not been read successfully so far, and the reason as text.
pub(super) struct FailedLayer {
    pub(super) layer: LoadedLayer,
    pub(super) why: String,
}

/// The time after which a database or a remote address that could not be read is tried again,
/// unless the layer's reload period is shorter. A choice.
const RETRY: Duration = Duration::from_secs(30);

impl FailedLayer {
    /// The time from one attempt to read the layer to the next.
    pub(super) fn retry_after(&self) -> Duration {
        self.layer.config.reload.map_or(RETRY, |r| r.min(RETRY))
    }

    /// The action that `reload` causes for this layer, whose configuration is now `config`. A pipe
    /// is never tried again, since it can be read only once. Any other layer is tried again:
    ///
    /// * by [`Reload::All`], always;
    /// * by [`Reload::Due`], a local file only if it has changed, since reading may take long, and
    ///   all else after [`retry_after`](Self::retry_after);
    /// * otherwise if `reload` concerns the layer ([`LoadedLayer::is_in`]).
    pub(super) fn action(&self, config: LayerConfig, reload: &Reload) -> Action {
        let is_due = self.layer.at.elapsed() >= self.retry_after();
        let is_local = !config.is_without_file() && !is_remote(&config.source);
        let is_tried = match reload {
            _ if config.source == "-" || is_pipe(&config.source) => false,
            Reload::All => true,
            Reload::Due => is_due && (!is_local || self.layer.is_in(&Reload::Files)),
            _ => self.layer.is_in(reload),
        };
        let at = match is_due {
            true => Instant::now(),
            false => self.layer.at,
        };
        let layer = LoadedLayer {
            id: self.layer.id.clone(),
            config,
            validator: None,
            at,
            ..self.layer.clone()
        };
        let why = self.why.clone();
        let failed = Self { layer, why };
        match is_tried {
            true => Action::Retry(failed),
            false => Action::Leave(failed),
        }
    }
}
