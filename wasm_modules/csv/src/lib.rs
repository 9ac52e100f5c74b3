//! modules.csv: describe, select, aggregate.
//!
//! reader   fields of one record after the other
//! dialect  which delimiter, where the header is, what the columns are
//! titles   lines above a header
//! ragged   rows that are not as wide as the table

mod dialect;
mod ragged;
mod reader;
mod titles;

use dialect::{Dialect, Kind};
use ragged::Ragged;
use reader::Reader;
use rlm_module::{arguments, json, Document, Error, Map, Request, Value, Written};
use serde::Deserialize;
use smallvec::SmallVec;
use table::{Aggregate, Cell, Columns, Place, Query, Select, Shown};

/// What every function takes beside its own arguments.
#[derive(Deserialize, Default)]
pub struct Form {
    pub delimiter: Option<String>,
    pub header: Option<bool>,
    pub skip: Option<u64>,
}

rlm_module::export!(answer);

fn answer(request: &Request) -> Result<Written, Error> {
    let mut args: Map<String, Value> = request.args()?;
    let form: Form = take_form(&mut args)?;
    match request.function.as_str() {
        "describe" if args.is_empty() => request.each(|document| describe(document, &form)).map(Written::from),
        "select" => {
            let select: Select = arguments(args.into())?;
            let mut columns = Columns::default();
            let tables = tables(request, &form)?;
            let names = select.columns.clone().unwrap_or_else(|| all_names(&tables));
            let shown = names.into_iter().map(|name| (name.clone(), columns.index(&name))).collect();
            let query = select.query(Shown::Columns(shown), &mut columns)?;
            run(&tables, &columns, query)
        }
        "aggregate" => {
            let aggregate: Aggregate = arguments(args.into())?;
            let mut columns = Columns::default();
            let query = aggregate.query(&mut columns)?;
            run(&tables(request, &form)?, &columns, query)
        }
        "describe" => Err(Error(format!("it has no argument {:?}", args.keys().next().unwrap()))),
        _ => request.unknown(&["describe", "select", "aggregate"]),
    }
}

/// Takes out what every function has; the rest are the function's own arguments.
fn take_form(args: &mut Map<String, Value>) -> Result<Form, Error> {
    let own = ["delimiter", "header", "skip"].iter().filter_map(|&name| Some((name.to_string(), args.remove(name)?)));
    arguments(Map::from_iter(own.collect::<Vec<_>>()).into())
}

/// Each document, with what is found out of it.
fn tables(request: &Request, form: &Form) -> Result<Vec<(Document, Dialect)>, Error> {
    request.documents().into_iter().map(|document| Ok((document, Dialect::of(&document, form)?))).collect()
}

/// The columns of all documents, in the order in which they come.
fn all_names(tables: &[(Document, Dialect)]) -> Vec<String> {
    let mut names = Columns::default();
    for name in tables.iter().flat_map(|(_, dialect)| &dialect.names) {
        names.index(name);
    }
    names.0
}

fn describe(document: &Document, form: &Form) -> Result<Map<String, Value>, Error> {
    let dialect = Dialect::of(document, form)?;
    let mut kinds = vec![Kind::Empty; dialect.names.len()];
    let mut rows = 0u64;
    let mut ragged = Ragged::default();
    let mut reader = Reader::open(document, &dialect)?;
    while reader.next()? {
        rows += 1;
        if reader.len() != kinds.len() {
            ragged.add(&reader);
        }
        for (index, kind) in kinds.iter_mut().enumerate().take(reader.len()) {
            // Nothing is more general than a text.
            if *kind != Kind::Text {
                *kind = kind.and(&reader.field(index));
            }
        }
    }
    let columns: Vec<Value> =
        dialect.names.iter().zip(kinds).map(|(name, kind)| json!({"name": name, "type": kind.name()})).collect();
    let found = json!({
        "delimiter": (dialect.delimiter as char).to_string(),
        "skip": dialect.skip,
        "header": dialect.header,
        "columns": columns,
        "rows": rows,
        "ragged": ragged.report(),
    });
    Ok(Map::deserialize(found)?)
}

/// A column that only some documents have is null in the others; one that none has is an error.
fn run(tables: &[(Document, Dialect)], columns: &Columns, mut query: Box<dyn Query>) -> Result<Written, Error> {
    let names = all_names(tables);
    if let Some(missing) = columns.0.iter().find(|column| !names.contains(column)) {
        let shown = names[..names.len().min(50)].join(", ");
        return Err(Error(format!(
            "there is no column {missing:?}; there are: {}",
            if shown.is_empty() { "none" } else { &shown }
        )));
    }
    for (document, dialect) in tables {
        if !feed(document, dialect, columns, query.as_mut())? {
            break;
        }
    }
    Ok(query.rows()?.answer("titles", &titles::report(tables)))
}

/// Gives the query every row of a document; false if it wants no more.
fn feed(document: &Document, dialect: &Dialect, columns: &Columns, query: &mut dyn Query) -> Result<bool, Error> {
    let places: Vec<usize> = columns.0.iter().map(|name| dialect.place(name).unwrap_or(usize::MAX)).collect();
    let mut reader = Reader::open(document, dialect)?;
    let mut place = Place { document: document.number, kind: "row", number: 0, line: None, read: 0, total: document.length };
    while reader.next()? {
        place.number += 1;
        place.line = Some(reader.line());
        place.read = reader.read();
        if reader.is_wider(dialect.names.len()) {
            return Err(ragged::refuse(document, dialect, &mut reader));
        }
        let cells: SmallVec<[Cell; 8]> = places
            .iter()
            .map(|&index| {
                if index < reader.len() {
                    Cell::Field { text: reader.field(index), numeric: dialect.kinds[index].is_numeric() }
                } else {
                    Cell::Null
                }
            })
            .collect();
        if !query.take(&cells, &place)? {
            return Ok(false);
        }
    }
    Ok(true)
}
