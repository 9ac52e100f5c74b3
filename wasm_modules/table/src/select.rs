//! Rows as they are: some columns of those that a condition lets through, in order if one is asked for.

use crate::order::compare;
use crate::{Cell, Columns, Condition, Place, Query};
use rlm_module::{reserve, Error, Map, Value};
use serde::Deserialize;

/// The arguments of a selection.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Select {
    pub columns: Option<Vec<String>>,
    #[serde(rename = "where")]
    conditions: Option<Vec<Value>>,
    order_by: Option<String>,
    descending: bool,
    limit: Option<u64>,
}

/// A selection under way: `rows` are those so far, each behind the value that orders it.
struct Selection {
    shown: Vec<(String, usize)>,
    conditions: Vec<Condition>,
    order: Option<usize>,
    descending: bool,
    limit: usize,
    rows: Vec<(Value, Value)>,
}

impl Select {
    /// The query for rows of `columns`, which must hold `shown`: what is given out under which name.
    pub fn query(self, shown: Vec<(String, usize)>, columns: &mut Columns) -> Result<Box<dyn Query>, Error> {
        Ok(Box::new(Selection {
            shown,
            conditions: Condition::all(self.conditions.unwrap_or_default(), columns)?,
            order: self.order_by.map(|name| columns.index(&name)),
            descending: self.descending,
            limit: self.limit.map_or(usize::MAX, |limit| limit as usize),
            rows: Vec::new(),
        }))
    }
}

impl Selection {
    fn shown(&self, cells: &[Cell], place: &Place) -> Value {
        let mut row = Map::new();
        if let Some(document) = place.document {
            row.insert("document".into(), document.into());
        }
        for (name, column) in &self.shown {
            // The number of the document stands before a column of that name.
            if place.document.is_none() || name != "document" {
                row.insert(name.clone(), cells[*column].value());
            }
        }
        Value::Object(row)
    }

    fn sort(&mut self) {
        let descending = self.descending;
        self.rows.sort_by(|one, other| compare(&one.0, &other.0, descending));
        self.rows.truncate(self.limit);
    }
}

impl Query for Selection {
    fn take(&mut self, cells: &[Cell], place: &Place) -> Result<bool, Error> {
        if !self.conditions.iter().all(|condition| condition.holds(cells)) {
            return Ok(self.limit > 0);
        }
        if self.order.is_none() && self.rows.len() >= self.limit {
            return Ok(false);
        }
        let key = self.order.map_or(Value::Null, |column| cells[column].value());
        let row = self.shown(cells, place);
        let rows = self.rows.len();
        reserve(&mut self.rows, 1, || format!("{rows} rows are selected so far: ask for fewer (limit, where, columns)"))?;
        self.rows.push((key, row));
        // Only the first `limit` are kept; sorting now and then is cheaper than at every row.
        if self.order.is_some() && self.rows.len() > self.limit.saturating_mul(2).saturating_add(1000) {
            self.sort();
        }
        Ok(self.order.is_some() || self.rows.len() < self.limit)
    }

    fn rows(mut self: Box<Self>) -> Result<Vec<Value>, Error> {
        if self.order.is_some() {
            self.sort();
        }
        Ok(self.rows.into_iter().map(|(_, row)| row).collect())
    }
}
