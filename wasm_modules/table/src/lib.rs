//! Rows to select from and to aggregate, wherever they come from: CSV and JSON share this.
//!
//! cell       one value of a row; number, long: the number that it is; text: the text
//! scan       passes over JSON; tree: what is inside a value of it
//! filter     `where`
//! order      which value comes first
//! select     rows as they are
//! aggregate  one row for each group; measure: what is computed of a column

mod aggregate;
mod cell;
mod filter;
mod long;
mod measure;
mod number;
mod order;
pub mod scan;
mod select;
mod text;
mod tree;

pub use aggregate::Aggregate;
pub use cell::Cell;
pub use filter::Condition;
pub use measure::{percentile, Range, Sum};
pub use number::{is_code, number, Number};
pub use select::{Select, Shown};
pub use text::Text;
pub use tree::{Inside, Tree};

use rlm_module::{json, Error, Value, Written};
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
    fn rows(self: Box<Self>) -> Result<Rows, Error>;
}

/// Objects of JSON. `beyond`: JSON as such has no form for something in them, an infinite number or a half of a surrogate
/// pair; Python's has.
pub struct Rows {
    pub rows: Vec<Box<[u8]>>,
    pub beyond: bool,
}

impl Rows {
    /// {"rows": [...], and what else is said}.
    pub fn answer(self, name: &str, said: &Value) -> Written {
        let mut list = vec![b'['];
        for row in self.rows {
            if list.len() > 1 {
                list.push(b',');
            }
            list.extend_from_slice(&row);
        }
        list.push(b']');
        answer("rows", list, self.beyond, name, said)
    }
}

/// {what: JSON, name: said}; what is beyond JSON is a text, {what_json: text}, which Python's json reads.
pub fn answer(what: &str, json: Vec<u8>, beyond: bool, name: &str, said: &Value) -> Written {
    let mut written = Vec::with_capacity(json.len() + 100);
    let mut text = Vec::new();
    if beyond {
        Text::of_bytes(&json).write(&mut text);
    }
    written.extend_from_slice(format!("{{\"{what}{}\":", if beyond { "_json" } else { "" }).as_bytes());
    written.extend_from_slice(if beyond { &text } else { &json });
    written.extend_from_slice(format!(",{}:{said}}}", json!(name)).as_bytes());
    Written(written)
}
