//! Lines above a header: a title, a date, blank cells.

use crate::dialect::{is_header, Dialect, Record};
use rlm_module::{json, row, Document, Value};

/// Documents that are named; all are counted.
const NAMED: usize = 3;

/// How many records at the top are titles: one value each at most, above a header of several columns.
pub fn count(sample: &[Record], header: Option<bool>) -> usize {
    let width = usual_width(sample);
    let count = sample.iter().take_while(|record| is_title(&record.fields, width)).count();
    let is_first = |first: &Record| first.fields.len() == width && (header == Some(true) || is_header(&first.fields));
    if sample.get(count).map_or(false, is_first) {
        count
    } else {
        0
    }
}

/// What was left out, for the cell to print.
pub fn report(tables: &[(Document, Dialect)]) -> Value {
    let titled: Vec<_> = tables.iter().filter(|(_, dialect)| dialect.title.is_some()).collect();
    let first = titled.iter().take(NAMED).map(|(document, dialect)| {
        let mut named = row(document);
        named.insert("lines".into(), dialect.skip.into());
        named.insert("text".into(), json!(dialect.title));
        named
    });
    json!({"count": titled.len(), "first": first.collect::<Vec<_>>()})
}

/// The number of fields that most records have, of those with more than one.
fn usual_width(sample: &[Record]) -> usize {
    let widths = || sample.iter().map(|record| record.fields.len()).filter(|&width| width > 1);
    widths().max_by_key(|&width| widths().filter(|&other| other == width).count()).unwrap_or(0)
}

/// Of two columns, a second one without a name is no sign of a title; nor is a first one, as that of an index.
fn is_title(fields: &[String], width: usize) -> bool {
    width > 1 && fields[1..].iter().all(String::is_empty) && (fields.len() == 1 || width > 2)
}
