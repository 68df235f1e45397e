//! Tables that become layers by themselves: whatever the role may read.

use super::Failure;
use super::live::LiveRows;
use super::live_flags::LiveFlags;
use heatsplat::Style;
use heatsplat_loader::postgis::{Address, Database, published};
use heatsplat_server::{LayerId, Layers, Live};
use std::sync::Arc;

/// Tables that became layers by themselves.
pub(super) struct Published<'a> {
    address: Option<&'a Address>,
    known: Vec<(String, LayerId)>,
}

impl<'a> Published<'a> {
    pub(super) fn new(address: Option<&'a Address>) -> Self {
        Self {
            address,
            known: Vec::new(),
        }
    }

    /// Serves those that are new, and lets the others' scales be measured anew.
    pub(super) fn find(
        &mut self,
        layers: &Layers,
        style: &Style,
        flags: &LiveFlags,
        allow: bool,
    ) -> Result<(), Failure> {
        let Some(address) = self.address else {
            return Ok(());
        };
        self.known.iter().for_each(|(_, id)| layers.renew(id));
        let tables = match published(address) {
            Ok(tables) => tables,
            Err(error) if error.is_away() => {
                eprintln!("heatsplat: nothing is published for now: {error}");
                return Ok(());
            }
            Err(error) => return Err(Box::new(error)),
        };
        let database = Arc::new(Database::new(address.clone(), flags.limits())?);
        for table in tables {
            if self.known.iter().any(|(name, _)| *name == table.name) {
                continue;
            }
            let id = layers.announce(&table.name);
            let rows = LiveRows::new(&table.name, Arc::clone(&database), table.ask, allow);
            layers.put_live(&id, Live::new(&table.name, style.clone(), Arc::new(rows)));
            self.known.push((table.name, id));
        }
        Ok(())
    }
}
