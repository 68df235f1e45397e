//! Posted layers in the registry: requests add them, and they are removed when their time is over.

use super::entry::ServedLayer;
use super::layer_id::LayerId;
use super::registry::{Registry, RegistryEntry};
use std::sync::Arc;
use std::time::SystemTime;

impl Registry {
    /// Postpones the expiry of a posted layer to `until`; an expiry that is later already stays.
    /// Also removes posted layers that have expired. Returns false if there is no posted layer with
    /// this id.
    pub(crate) fn extend_posted(&self, id: &str, until: SystemTime) -> bool {
        self.remove_expired();
        let mut state = self.write();
        let Some(entry) = state.layers.get_mut(id) else {
            return false;
        };
        entry.expires = entry.expires.map(|before| before.max(until));
        true
    }

    /// Removes the posted layers that have expired.
    pub(super) fn remove_expired(&self) {
        let (mut state, now) = (self.write(), SystemTime::now());
        let ids = state.layers.iter();
        let ids = ids.filter(|(_, entry)| entry.is_expired(now));
        let ids: Vec<LayerId> = ids.map(|(id, _)| id.clone()).collect();
        let removed: Vec<_> = ids.iter().map(|id| state.layers.shift_remove(id)).collect();
        // The points are freed without the lock, which every request takes.
        drop(state);
        drop(removed);
    }

    /// Adds a layer of a posted query, which expires at `until`. If there is a layer with this id
    /// already, only its expiry is postponed. Returns false if a new layer can't be added, since
    /// there are `most` layers of posted queries already.
    pub(crate) fn insert_posted(
        &self,
        id: &str,
        until: SystemTime,
        most: usize,
        layer: ServedLayer,
    ) -> bool {
        if self.extend_posted(id, until) {
            return true;
        }
        let layer = Some(Arc::new(layer));
        let mut state = self.write();
        let is_query = |e: &&RegistryEntry| e.expires.is_some() && e.points.is_none();
        let posted = state.layers.values().filter(is_query);
        if posted.count() >= most {
            return false;
        }
        // Another request may have posted this query meanwhile.
        let entry = state.layers.entry(LayerId::of_posted(id)).or_default();
        if entry.layer.is_none() {
            entry.layer = layer;
        }
        entry.expires = entry.expires.max(Some(until));
        true
    }

    /// Removes a posted layer. Returns false if there is no posted layer with this id. Layers that
    /// are computed from the removed one stay as they are, with its data.
    pub(crate) fn remove_posted(&self, id: &str) -> bool {
        let mut state = self.write();
        let posted = state.layers.get(id);
        if posted.is_none_or(|entry| entry.expires.is_none() || entry.is_expired(SystemTime::now()))
        {
            return false;
        }
        let removed = state.layers.shift_remove(id);
        // The points of a layer are freed without the lock, which every request takes.
        drop(state);
        removed.is_some()
    }

    /// The number of posted layers, of queries and of points, that have not expired.
    pub(crate) fn posted(&self) -> usize {
        let (state, now) = (self.read(), SystemTime::now());
        let posted = state.layers.values().filter(|e| e.expires.is_some());
        posted.filter(|entry| !entry.is_expired(now)).count()
    }

    /// The time when a posted layer expires; `None` for other layers.
    pub(crate) fn expires(&self, id: &LayerId) -> Option<SystemTime> {
        self.read().layers.get(id)?.expires
    }
}
