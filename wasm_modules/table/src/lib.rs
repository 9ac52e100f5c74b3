//! Rows to select from and to aggregate, wherever they come from: CSV and JSON share this.
//!
//! cell       one value of a row
//! filter     `where`
//! order      which value comes first
//! select     rows as they are
//! aggregate  one row for each group; measure: what is computed of a column

mod aggregate;
mod cell;
mod filter;
mod measure;
mod order;
mod select;

pub use aggregate::Aggregate;
pub use cell::{is_code, number, Cell, Number};
pub use filter::Condition;
pub use measure::percentile;
pub use select::Select;

use rlm_module::{Error, Value};
use std::fmt;

/// The columns that a query reads, each once: rows come with the values of these.
#[derive(Default)]
pub struct Columns(pub Vec<String>);

impl Columns {
    pub fn index(&mut self, name: &str) -> usize {
        self.0.iter().position(|known| known == name).unwrap_or_else(|| {
            self.0.push(name.into());
            self.0.len() - 1
        })
    }
}

/// Where a row comes from, for messages; `read` of `total` bytes are behind it.
#[derive(Clone, Copy)]
pub struct Place {
    pub document: Option<usize>,
    pub kind: &'static str,
    pub number: u64,
    pub line: Option<u64>,
    pub read: u64,
    pub total: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        if let Some(document) = self.document {
            write!(out, "document {document}, ")?;
        }
        write!(out, "{} {}", self.kind, self.number)?;
        match self.line {
            Some(line) => write!(out, " (line {line})"),
            None => Ok(()),
        }
    }
}

/// What rows are given to.
pub trait Query {
    /// Takes a row; false if no more are wanted.
    fn take(&mut self, cells: &[Cell], place: &Place) -> Result<bool, Error>;

    /// What came of all rows.
    fn rows(self: Box<Self>) -> Result<Vec<Value>, Error>;
}
