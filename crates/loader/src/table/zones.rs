//! Zone maps: for each page of rows, the least and the greatest value and the number of nulls. They
//! show which pages have no row that fulfils a filter, and which have no row that doesn't.

use super::column::{Column, Values};
use super::select::WordResults;
use super::stored::{StoredColumn, StoredForm, StoredKind};
use crate::filter::{Comparable as _, CompareResult, Condition, Literal, Tree};
use std::cmp::Ordering;

/// The zone map of a page of a column. Its values are the integers of a [`StoredColumn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowZone {
    /// The least value other than null; greater than `greatest` if all values are null.
    pub least: u64,
    /// The greatest value other than null.
    pub greatest: u64,
    /// The number of rows without a value.
    pub nulls: u32,
    /// Bit v mod 64 is set if a value v may be in the page.
    pub bits: u64,
}

/// The results that a condition may have for the rows of a page: no row has a result that isn't
/// among them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Outcomes {
    pub(super) holds: bool,
    pub(super) fails: bool,
    pub(super) unknown: bool,
}

impl Outcomes {
    const ALL: Self = Self {
        holds: true,
        fails: true,
        unknown: true,
    };

    fn add(&mut self, verdict: Option<bool>) {
        match verdict {
            Some(true) => self.holds = true,
            Some(false) => self.fails = true,
            None => self.unknown = true,
        }
    }

    /// Returns true if the condition holds for every row.
    pub(super) fn is_certain(self) -> bool {
        self.holds && !self.fails && !self.unknown
    }
}

/// The results of a condition for the entries of a dictionary, prepared for zone maps.
#[derive(Debug)]
struct WordZones {
    /// The result for rows without a value.
    null: Option<bool>,
    /// For each of [`RESULTS`], facts about the values (places in the dictionary, counted from 1)
    /// for which the condition has this result: their bits, as in [`RowZone::bits`]; and a list
    /// whose item `v` is the number of them that are at most `v`.
    results: [(u64, Vec<u32>); 3],
}

const RESULTS: [Option<bool>; 3] = [Some(true), Some(false), None];

impl WordZones {
    fn new(results: &WordResults) -> Self {
        let (null, words) = results.split_last().unwrap_or((&None, &[]));
        Self {
            null: *null,
            results: RESULTS.map(|wanted| {
                let (mut bits, mut number, mut up_to) = (0, 0, vec![0]);
                for (value, result) in (1u64..).zip(words) {
                    if *result == wanted {
                        bits |= 1 << (value % 64);
                        number += 1;
                    }
                    up_to.push(number);
                }
                (bits, up_to)
            }),
        }
    }

    fn outcomes(&self, zone: &RowZone) -> Outcomes {
        let mut found = Outcomes::default();
        if zone.nulls > 0 {
            found.add(self.null);
        }
        for (result, (bits, up_to)) in RESULTS.iter().zip(&self.results) {
            let number = |value: u64| {
                let last = up_to.len().saturating_sub(1);
                let at = usize::try_from(value).map_or(last, |value| value.min(last));
                up_to.get(at).copied().unwrap_or(0)
            };
            let is_between = number(zone.greatest) > number(zone.least.saturating_sub(1));
            if zone.bits & bits != 0 && is_between {
                found.add(*result);
            }
        }
        found
    }
}

/// A filter that is compared with zone maps.
#[derive(Debug)]
pub(super) struct ZoneFilter<'t> {
    tree: &'t Tree,
    /// The samples of the columns that the filter names.
    columns: &'t [&'t Column],
    /// The results of the conditions on columns with a dictionary, in the order of the tree.
    words: Vec<WordZones>,
}

impl<'t> ZoneFilter<'t> {
    pub(super) fn new(tree: &'t Tree, columns: &'t [&'t Column], known: &[WordResults]) -> Self {
        Self {
            tree,
            columns,
            words: known.iter().map(WordZones::new).collect(),
        }
    }

    /// Finds the results that the filter may have for a page of `rows` rows. `zones` has the zone
    /// map of each column that the filter names.
    pub(super) fn outcomes(&self, zones: &[&RowZone], rows: u64) -> Outcomes {
        self.part(self.tree, zones, rows, &mut self.words.iter())
    }

    fn part(
        &self,
        tree: &Tree,
        zones: &[&RowZone],
        rows: u64,
        words: &mut std::slice::Iter<'_, WordZones>,
    ) -> Outcomes {
        let none = Outcomes::default();
        match tree {
            Tree::And(parts) => {
                let all = Outcomes {
                    holds: true,
                    ..none
                };
                parts.iter().fold(all, |all, part| {
                    let part = self.part(part, zones, rows, words);
                    Outcomes {
                        holds: all.holds && part.holds,
                        fails: all.fails || part.fails,
                        unknown: all.unknown || part.unknown,
                    }
                })
            }
            Tree::Or(parts) => {
                let all = Outcomes {
                    fails: true,
                    ..none
                };
                parts.iter().fold(all, |all, part| {
                    let part = self.part(part, zones, rows, words);
                    Outcomes {
                        holds: all.holds || part.holds,
                        fails: all.fails && part.fails,
                        unknown: all.unknown || part.unknown,
                    }
                })
            }
            Tree::Not(inner) => {
                let inner = self.part(inner, zones, rows, words);
                Outcomes {
                    holds: inner.fails,
                    fails: inner.holds,
                    ..inner
                }
            }
            Tree::Of(at, condition) => {
                let (Some(column), Some(zone)) = (self.columns.get(*at), zones.get(*at)) else {
                    return Outcomes::ALL;
                };
                match &column.values {
                    Values::Words(..) => words.next().map_or(Outcomes::ALL, |w| w.outcomes(zone)),
                    _ => of_values(column, condition, zone, rows),
                }
            }
        }
    }
}

/// Finds the results that a condition on a column without a dictionary may have for a page of
/// `rows` rows.
fn of_values(column: &Column, condition: &Condition, zone: &RowZone, rows: u64) -> Outcomes {
    let has_values = u64::from(zone.nulls) < rows;
    let mut found = Outcomes {
        unknown: zone.nulls > 0,
        ..Outcomes::default()
    };
    let Some(ends) = column.of_ends(zone).filter(|_| has_values) else {
        let is_null = matches!(condition, Condition::IsNull);
        return match has_values {
            true => Outcomes::ALL,
            false if is_null => Outcomes {
                holds: true,
                ..Outcomes::default()
            },
            false => found,
        };
    };
    if let Condition::IsNull = condition {
        return Outcomes {
            holds: zone.nulls > 0,
            fails: true,
            unknown: false,
        };
    }
    let only_ends = matches!(ends.values, Values::Bools(_)) || zone.least == zone.greatest;
    if only_ends {
        found.add(condition.holds(&ends.cell(0), &ends.times));
        found.add(condition.holds(&ends.cell(1), &ends.times));
        return found;
    }
    match condition {
        Condition::Compare(op, literal) => match orderings(&ends, literal) {
            Some(orderings) => {
                for ordering in orderings {
                    found.add(op.holds(CompareResult::Is(ordering)));
                }
                found
            }
            None => Outcomes::ALL,
        },
        condition => {
            let may_equal = |literal: &Literal| {
                let mut orderings = orderings(&ends, literal).into_iter().flatten().peekable();
                orderings.peek().is_none() || orderings.any(Ordering::is_eq)
            };
            Outcomes {
                holds: condition.literals().iter().any(may_equal),
                ..Outcomes::ALL
            }
        }
    }
}

/// Returns the orderings that the values of a page may have relative to a literal. `ends` has the
/// least and the greatest value. Returns `None` if the values, when they are compared with the
/// literal, aren't in the order of their integers: numbers in a column of texts are compared with
/// other texts as texts, for example.
fn orderings(ends: &Column, literal: &Literal) -> Option<impl Iterator<Item = Ordering> + use<>> {
    let in_order = matches!(
        (&ends.values, literal),
        (Values::Numbers(_) | Values::Whole(_), Literal::Number(_))
            | (Values::Times(_), Literal::Time(_))
    );
    // A NaN has no ordering; it would be at an end.
    let compare = |row: usize| match ends.cell(row).compare_to(literal, &ends.times) {
        CompareResult::Is(ordering) if in_order => Some(ordering),
        _ => None,
    };
    let (least, greatest) = (compare(0)?, compare(1)?);
    let all = [Ordering::Less, Ordering::Equal, Ordering::Greater];
    Some(
        all.into_iter()
            .filter(move |o| (least..=greatest).contains(o)),
    )
}

impl Column {
    /// Makes a column of two rows: the least and the greatest value of a page of this column.
    /// `None` for a column with a dictionary.
    fn of_ends(&self, zone: &RowZone) -> Option<Column> {
        let kind = match &self.values {
            Values::Numbers(_) => StoredKind::Number,
            Values::Whole(_) => StoredKind::Whole,
            Values::Times(_) => StoredKind::Time,
            Values::Bools(_) => StoredKind::Bool,
            Values::Words(..) => return None,
        };
        let stored = StoredColumn {
            form: StoredForm::new(kind, self.written),
            words: Vec::new(),
            values: vec![zone.least, zone.greatest],
        };
        stored.into_column(String::new(), &self.times)
    }
}
