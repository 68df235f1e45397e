//! Layers of posted points in the registry: requests add them, replace their rows and remove them.

use super::entry::ServedLayer;
use super::layer_id::LayerId;
use super::point_posting::MemoryShare;
use super::posting::BearerToken;
use super::registry::{Registry, State};
use crate::render_queue::ClientKey;
use std::sync::Arc;
use std::time::SystemTime;

/// The facts about a layer whose points were posted.
#[derive(Debug)]
pub(crate) struct PostedPoints {
    /// The secret that the answer to the first post contains. With it a client may replace the rows
    /// or remove the layer.
    pub(crate) owner: BearerToken,
    /// The client, if it has posted the points without the operator's token; such a layer is in no
    /// list. `None` if the client has sent the token.
    pub(crate) public: Option<ClientKey>,
    /// The memory that the points take.
    pub(crate) memory: MemoryShare,
}

/// The largest numbers of layers of posted points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PointLimits {
    /// The largest number of layers of posted points of all clients together.
    pub(crate) most: usize,
    /// The largest number of layers of posted points of one client without the operator's token.
    pub(crate) of_client: usize,
}

/// The reason why there can't be one more layer of posted points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooManyPoints {
    /// All clients together have [`PointLimits::most`] layers.
    All,
    /// The client has [`PointLimits::of_client`] layers.
    OfClient,
}

/// The reason why the rows of a layer of posted points are not replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotReplaced {
    /// The layer was removed, or has expired.
    Gone,
    /// Another request has replaced the rows meanwhile.
    Overtaken,
}

/// A layer of posted points, as seen by a client that has sent a token.
#[derive(Debug)]
pub(crate) struct FoundPoints {
    pub(crate) layer: Arc<ServedLayer>,
    /// True if the layer was posted without the operator's token.
    pub(crate) is_public: bool,
    /// True if the client has sent the token of the layer's owner.
    pub(crate) is_owner: bool,
}

impl State {
    fn check_room(
        &self,
        public: Option<ClientKey>,
        limits: PointLimits,
    ) -> Result<(), TooManyPoints> {
        let points = || self.layers.values().filter_map(|e| e.points.as_ref());
        if points().count() >= limits.most {
            return Err(TooManyPoints::All);
        }
        let is_same = |points: &&PostedPoints| points.public.is_some() && points.public == public;
        match points().filter(is_same).count() >= limits.of_client {
            true if public.is_some() => Err(TooManyPoints::OfClient),
            _ => Ok(()),
        }
    }
}

impl Registry {
    /// Returns an error if there can't be one more layer of posted points. `public` is the client;
    /// `None` if it has sent the operator's token.
    pub(crate) fn check_room(
        &self,
        public: Option<ClientKey>,
        limits: PointLimits,
    ) -> Result<(), TooManyPoints> {
        self.remove_expired();
        self.read().check_room(public, limits)
    }

    /// Adds a layer of posted points, which expires at `until`. Returns an error if there can't be
    /// one more layer.
    pub(crate) fn insert_points(
        &self,
        id: &str,
        until: SystemTime,
        limits: PointLimits,
        (layer, points): (ServedLayer, PostedPoints),
    ) -> Result<(), TooManyPoints> {
        let mut state = self.write();
        // Other posts may have been faster since the first check.
        state.check_room(points.public, limits)?;
        let entry = state.layers.entry(LayerId::of_posted(id)).or_default();
        entry.layer = Some(Arc::new(layer));
        entry.points = Some(points);
        entry.expires = Some(until);
        Ok(())
    }

    /// Finds a layer of posted points. `token` is the secret that the client has sent, if any.
    /// `None` if there is no such layer with this id, or if it has expired.
    pub(crate) fn find_points(&self, id: &str, token: Option<&str>) -> Option<FoundPoints> {
        let state = self.read();
        let entry = state.layers.get(id)?;
        let points = entry.points.as_ref()?;
        let layer = entry.layer.clone()?;
        let is_there = !entry.is_expired(SystemTime::now());
        is_there.then(|| FoundPoints {
            layer,
            is_public: points.public.is_some(),
            is_owner: token.is_some_and(|token| points.owner.matches(token)),
        })
    }

    /// Replaces the rows of a layer of posted points, and postpones its expiry to `until`. Requests
    /// that are drawing the earlier rows finish with these. The epoch of `layer` must be greater by
    /// 1 than the epoch with the earlier rows: URLs contain it, so that clients don't use stale
    /// copies.
    ///
    /// # Errors
    /// The layer is gone, or another request has replaced its rows since `layer` was begun.
    pub(crate) fn replace_points(
        &self,
        id: &str,
        until: SystemTime,
        layer: ServedLayer,
        memory: MemoryShare,
    ) -> Result<(), NotReplaced> {
        let mut state = self.write();
        let entry = state.layers.get_mut(id).ok_or(NotReplaced::Gone)?;
        let points = entry.points.as_mut().ok_or(NotReplaced::Gone)?;
        let epoch = entry.layer.as_ref().map_or(0, |before| before.epoch());
        if epoch + 1 != layer.epoch() {
            return Err(NotReplaced::Overtaken);
        }
        let before = entry.layer.replace(Arc::new(layer));
        let memory = std::mem::replace(&mut points.memory, memory);
        entry.expires = entry.expires.max(Some(until));
        // The earlier points are freed without the lock, which every request takes.
        drop(state);
        drop((before, memory));
        Ok(())
    }

    /// Returns true if lists of layers show the layer. They leave out layers of points that were
    /// posted without the operator's token.
    pub(crate) fn is_listed(&self, id: &LayerId) -> bool {
        let state = self.read();
        let points = state.layers.get(id).and_then(|entry| entry.points.as_ref());
        points.is_none_or(|points| points.public.is_none())
    }
}
