//! The elements of XML whose texts are read.

use super::append;
use crate::columns::{self, selection::RowSelection};
use crate::options::LoadOptions;
use crate::value::Value;
use std::borrow::Cow;

/// The XML elements whose texts are read, by their names. Each has a slot: its index in this list,
/// counted from 0.
#[derive(Default)]
pub(in crate::records) struct Slots {
    names: Vec<String>,
    /// The index, among the source's columns, of the column that each element gives. Empty while
    /// names are collected.
    columns: Vec<usize>,
    /// True while the names of the first records' elements are collected: each new name then gets a
    /// slot.
    collects: bool,
}

impl Slots {
    /// An empty list, for collecting names: [`of`](Self::of) adds each name that it is called with.
    pub(in crate::records) fn collecting() -> Self {
        Self {
            collects: true,
            ..Self::default()
        }
    }

    /// The elements that a source needs: the elements of the weight, of the filter and of the kept
    /// columns. `seen` are the names of the source's columns.
    pub(in crate::records) fn wanted(
        seen: &[String],
        weight: Option<usize>,
        selection: &RowSelection,
    ) -> Self {
        let mut slots = Self::default();
        for at in weight.into_iter().chain(selection.places()) {
            if let Some(name) = seen.get(at).filter(|_| !slots.columns.contains(&at)) {
                slots.names.push(name.clone());
                slots.columns.push(at);
            }
        }
        slots
    }

    /// The slot of the element called `name`; `None` if its text is not read. While names are
    /// collected, a new name is added.
    pub(in crate::records) fn of(&mut self, name: &str) -> Option<usize> {
        let found = self.names.iter().position(|known| known == name);
        if found.is_none() && self.collects {
            self.names.push(name.to_owned());
            return Some(self.names.len() - 1);
        }
        found
    }

    /// The index, among the source's columns, of the column that the element called `name` gives;
    /// `None` if its text is not read.
    pub(in crate::records) fn column(&self, name: &str) -> Option<usize> {
        let at = self.names.iter().position(|known| known == name)?;
        self.columns.get(at).copied()
    }

    /// Returns whether the element in a slot gives the column with the index `column`.
    pub(in crate::records) fn is_of(&self, slot: usize, column: usize) -> bool {
        self.columns.get(slot) == Some(&column)
    }

    /// The number of elements that have a slot.
    pub(in crate::records) fn len(&self) -> usize {
        self.names.len()
    }

    /// The names of the source's columns: the collected names, and then further names in the
    /// options for the weight, the filter and kept columns.
    pub(in crate::records) fn into_columns(self, options: &LoadOptions) -> Vec<String> {
        let mut seen = self.names;
        let weight = options
            .weight
            .as_ref()
            .filter(|name| !name.eq_ignore_ascii_case("none"));
        let filter = options.filter.iter().flat_map(|filter| filter.columns());
        for name in weight.into_iter().chain(filter).chain(&options.keep) {
            if columns::named(&seen, name).is_none() {
                seen.push(name.clone());
            }
        }
        seen
    }

    /// A record's value in the column with the index `column`: the text in `texts` of the element
    /// that gives this column. Null if this text is missing or blank.
    pub(in crate::records) fn value<'t>(&self, texts: &'t SlotTexts, column: usize) -> Value<'t> {
        let at = self.columns.iter().position(|known| *known == column);
        let text = at.and_then(|at| texts.get(at));
        let text = text.filter(|text| !text.trim().is_empty());
        text.map_or(Value::Null, |text| Value::Text(Cow::Borrowed(text)))
    }
}

/// The texts of a record, by the slots of their elements. The memory of the texts is used again for
/// the next record.
#[derive(Default)]
pub(in crate::records) struct SlotTexts(Vec<SlotText>);

/// The text of a slot. The flag `is_known` is false until a part of the text was read.
#[derive(Clone, Default)]
struct SlotText {
    text: String,
    is_known: bool,
}

impl SlotTexts {
    /// Begins a record that has `count` slots, whose texts are not known.
    pub(in crate::records) fn begin(&mut self, count: usize) {
        self.0.resize(count, SlotText::default());
        for slot in &mut self.0 {
            slot.is_known = false;
        }
    }

    /// The text in a slot; `None` if there is no such slot or if its text is not known.
    pub(in crate::records) fn get(&self, slot: usize) -> Option<&str> {
        let slot = self.0.get(slot).filter(|slot| slot.is_known)?;
        Some(&slot.text)
    }

    /// Returns true if there is such a slot and its text is not known.
    pub(in crate::records) fn is_free(&self, slot: usize) -> bool {
        self.0.get(slot).is_some_and(|slot| !slot.is_known)
    }

    /// Appends `text` to the text in a slot. Does nothing if there is no such slot.
    pub(in crate::records) fn append(&mut self, slot: usize, text: &str) {
        let Some(slot) = self.0.get_mut(slot) else {
            return;
        };
        if !slot.is_known {
            slot.text.clear();
            slot.is_known = true;
        }
        append(&mut slot.text, text);
    }
}
