//! Rows that are not as wide as the table. What a short one has not is null; of one with values behind the last column nothing
//! is dropped: it is refused.

use crate::dialect::Dialect;
use crate::reader::Reader;
use rlm_module::{json, Document, Error, Value};

/// Rows that are named; all are counted.
const NAMED: usize = 10;

/// How many there are, and the first of them: each line, and how many fields it has.
#[derive(Default)]
pub struct Ragged {
    count: u64,
    first: Vec<(u64, usize)>,
}

impl Ragged {
    pub fn add(&mut self, reader: &Reader) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push((reader.line(), reader.len()));
        }
    }

    pub fn report(&self) -> Value {
        let first: Vec<Value> = self.first.iter().map(|(line, fields)| json!({"line": line, "fields": fields})).collect();
        json!({"count": self.count, "first": first})
    }
}

/// The error for a table with rows that are too wide; the reader is at the first of them, and finds the others.
#[cold]
pub fn refuse(document: &Document, dialect: &Dialect, reader: &mut Reader) -> Error {
    let width = dialect.names.len();
    let mut wide = Ragged::default();
    let mut most = width;
    loop {
        if reader.is_wider(width) {
            wide.add(reader);
            most = most.max(reader.len());
        }
        // A quote that is never closed ends the search: this error comes first.
        if !matches!(reader.next(), Ok(true)) {
            break;
        }
    }
    let (line, fields) = wide.first[0];
    let place = document.number.map_or_else(String::new, |number| format!("document {number}, "));
    let top = if dialect.header { "header" } else { "first row" };
    let lines: Vec<String> = wide.first.iter().map(|(line, _)| line.to_string()).collect();
    let more = if wide.count > NAMED as u64 { ", ..." } else { "" };
    let all = match wide.count {
        1 => "the only such row".to_string(),
        count => format!("{count} rows are so: lines {}{more}", lines.join(", ")),
    };
    Error(format!(
        "{place}line {line} has {fields} fields, the {top} {width} ({all}). A delimiter within a field needs quotes around the field; \
         skip=N leaves out N lines above the header; header=False keeps every field, as column1 to column{most}"
    ))
}
