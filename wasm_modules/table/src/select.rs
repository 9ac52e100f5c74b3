//! Rows as they are: some columns of those that a condition lets through, in order if one is asked for.

use crate::order::compare;
use crate::{Cell, Columns, Condition, Place, Query, Rows, Text};
use rlm_module::{reserve, Error, Value, MOST_OF_LIST};
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

/// What is shown of a row.
pub enum Shown {
    /// Some columns, each with its name.
    Columns(Vec<(String, usize)>),
    /// The members of a column, or what it has as "value".
    Whole(usize),
}

/// A selection under way: `rows` are those so far, each behind the value that orders it; of `bytes` in all. If they are
/// `too_many`, none is kept any more, and they are only counted.
struct Selection {
    shown: Shown,
    conditions: Vec<Condition>,
    order: Option<usize>,
    descending: bool,
    limit: usize,
    rows: Vec<(Cell<'static>, Box<[u8]>)>,
    bytes: usize,
    count: u64,
    too_many: bool,
}

impl Select {
    /// The query for rows of `columns`, which must hold what is shown.
    pub fn query(self, shown: Shown, columns: &mut Columns) -> Result<Box<dyn Query>, Error> {
        Ok(Box::new(Selection {
            shown,
            conditions: Condition::all(self.conditions.unwrap_or_default(), columns)?,
            order: self.order_by.map(|name| columns.index(&name)),
            descending: self.descending,
            limit: self.limit.map_or(usize::MAX, |limit| limit as usize),
            rows: Vec::new(),
            bytes: 0,
            count: 0,
            too_many: false,
        }))
    }
}

impl Selection {
    fn shown(&self, cells: &[Cell], place: &Place) -> Box<[u8]> {
        let mut row = Row::of(place.document);
        match &self.shown {
            Shown::Columns(columns) => {
                for (name, column) in columns {
                    // The number of the document stands before a column of that name.
                    if place.document.is_none() || name != "document" {
                        row.add(name, &cells[*column]);
                    }
                }
            }
            Shown::Whole(column) => match &cells[*column] {
                Cell::Nested(written) if written.starts_with('{') => row.extend(written),
                other => row.add("value", other),
            },
        }
        row.end()
    }

    /// In order, and no more than are wanted.
    fn sort(&mut self) {
        let descending = self.descending;
        self.rows.sort_by(|one, other| compare(&one.0, &other.0, descending));
        self.rows.truncate(self.limit);
        self.bytes = self.rows.iter().map(|(_, row)| row.len() + 1).sum();
    }

    fn keep(&mut self, key: Cell<'static>, row: Box<[u8]>) -> Result<(), Error> {
        let count = self.count;
        reserve(&mut self.rows, 1, || format!("{count} rows are selected so far: ask for fewer (limit, where, columns)"))?;
        self.bytes += row.len() + 1;
        self.rows.push((key, row));
        // Only the first `limit` are kept; sorting now and then is cheaper than at every row.
        let is_sorted_out = self.order.is_some() && self.rows.len() > self.limit;
        let many = self.rows.len() > self.limit.saturating_mul(2).saturating_add(1000) || self.bytes > 2 * MOST_OF_LIST;
        if is_sorted_out && many {
            self.sort();
        }
        if self.bytes > MOST_OF_LIST && !is_sorted_out {
            self.too_many = true;
            self.rows = Vec::new();
        }
        Ok(())
    }
}

/// An object that is being written.
pub struct Row(Vec<u8>);

impl Row {
    pub fn of(document: Option<usize>) -> Row {
        let mut row = Row(vec![b'{']);
        if let Some(number) = document {
            row.add("document", &Cell::Number(number.to_string().into()));
        }
        row
    }

    pub fn add(&mut self, name: &str, cell: &Cell) {
        self.separate();
        Text::from(name).write(&mut self.0);
        self.0.push(b':');
        cell.write(&mut self.0);
    }

    /// The members of an object, after what there is.
    fn extend(&mut self, object: &str) {
        let inside = object[1..object.len() - 1].trim();
        if !inside.is_empty() {
            self.separate();
            self.0.extend_from_slice(inside.as_bytes());
        }
    }

    pub fn end(mut self) -> Box<[u8]> {
        self.0.push(b'}');
        self.0.into_boxed_slice()
    }

    fn separate(&mut self) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
    }
}

impl Query for Selection {
    fn take(&mut self, cells: &[Cell], place: &Place) -> Result<bool, Error> {
        if !self.conditions.iter().all(|condition| condition.holds(cells)) {
            return Ok(self.limit > 0);
        }
        if self.order.is_none() && self.count >= self.limit as u64 {
            return Ok(false);
        }
        self.count += 1;
        if !self.too_many {
            let key = self.order.map_or(Cell::Null, |column| cells[column].clone().into_owned());
            self.keep(key, self.shown(cells, place))?;
        }
        Ok(self.order.is_some() || self.count < self.limit as u64)
    }

    fn rows(mut self: Box<Self>) -> Result<Rows, Error> {
        if self.order.is_some() {
            self.sort();
        }
        if self.too_many || self.bytes > MOST_OF_LIST {
            let count = self.count.min(self.limit as u64);
            return Err(Error(format!(
                "{count} rows are more than the 16 MiB that a result may have: pass limit=, columns= or where=, or take aggregate"
            )));
        }
        Ok(Rows { rows: self.rows.into_iter().map(|(_, row)| row).collect(), beyond: false })
    }
}
