//! Which value comes first: numbers, then false and true, then texts by code point, then lists and objects; null is last.

use crate::Cell;
use std::cmp::Ordering;

pub fn compare(one: &Cell, other: &Cell, descending: bool) -> Ordering {
    match (one.is_null(), other.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if descending => ascending(other, one),
        (false, false) => ascending(one, other),
    }
}

fn ascending(one: &Cell, other: &Cell) -> Ordering {
    match (one.as_number(), other.as_number()) {
        (Some(one), Some(other)) => one.compare(other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => rank(one).cmp(&rank(other)).then_with(|| one.bytes().cmp(other.bytes())),
    }
}

fn rank(cell: &Cell) -> u8 {
    match cell {
        Cell::Boolean(_) => 1,
        Cell::Text(_) | Cell::Field { .. } => 2,
        _ => 3,
    }
}
