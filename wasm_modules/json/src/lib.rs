//! modules.json: describe, get, select, aggregate.
//!
//! path      user.address.city, items[*].price
//! input     rows of JSON Lines, of a list, or of one value
//! extract   the values of some paths of a row, without building the rest
//! describe  which paths there are

mod describe;
mod extract;
mod input;
mod path;

use extract::Plan;
use input::{rows, BrokenLines, Form, Row};
use path::{Path, Step};
use rlm_module::{Document, Error, Request, Written};
use serde::Deserialize;
use table::scan::Scanner;
use table::{Aggregate, Columns, Query, Select, Shown, Tree};

/// The arguments of `get`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Get {
    path: String,
}

rlm_module::export!(answer);

fn answer(request: &Request) -> Result<Written, Error> {
    match request.function.as_str() {
        "describe" => {
            request.no_args()?;
            describe::describe(request).map(Written::from)
        }
        "get" => get(request, &Path::parse(&request.args::<Get>()?.path)?),
        "select" => select(request, request.args()?),
        "aggregate" => {
            let aggregate: Aggregate = request.args()?;
            let mut columns = Columns::default();
            let query = aggregate.query(&mut columns)?;
            run(request, &columns, query)
        }
        _ => request.unknown(&["describe", "get", "select", "aggregate"]),
    }
}

/// Some columns of the rows; or each row whole: its members beside the document's number, or its "value" if it has none.
fn select(request: &Request, select: Select) -> Result<Written, Error> {
    let mut columns = Columns::default();
    let shown = match select.columns.clone() {
        None => Shown::Whole(columns.index("")),
        Some(names) => Shown::Columns(names.into_iter().map(|name| (name.clone(), columns.index(&name))).collect()),
    };
    let query = select.query(shown, &mut columns)?;
    run(request, &columns, query)
}

fn run(request: &Request, columns: &Columns, mut query: Box<dyn Query>) -> Result<Written, Error> {
    let mut plan = Plan::new(&columns.0)?;
    let mut broken = BrokenLines::default();
    let mut seen = vec![false; columns.0.len()];
    let mut count = 0u64;
    let mut complete = true;
    for document in request.documents() {
        let (wants_more, _) = rows(&document, &mut broken, |row| {
            count += 1;
            plan.feed(&row, &mut seen, query.as_mut())
        })?;
        complete = wants_more;
        if !complete {
            break;
        }
    }
    if let Some(place) = seen.iter().position(|&seen| !seen).filter(|_| complete && count > 0) {
        return Err(Error(format!("no row has {:?}: modules.json.describe() lists the paths", columns.0[place])));
    }
    let mut found = query.rows()?;
    found.beyond |= plan.beyond;
    Ok(found.answer("broken", &broken.report()))
}

/// What is found at a path: JSON, whether there is anything, and whether it is beyond other JSON than Python's.
#[derive(Default)]
struct Found {
    written: Vec<u8>,
    is_there: bool,
    beyond: bool,
}

fn get(request: &Request, path: &Path) -> Result<Written, Error> {
    let mut broken = BrokenLines::default();
    let mut all = Vec::new();
    let mut beyond = false;
    let documents = request.documents();
    for document in &documents {
        let found = get_one(document, path, &mut broken)?;
        beyond |= found.beyond;
        if let Some(number) = document.number {
            all.push(if number == 0 { b'[' } else { b',' });
            all.extend_from_slice(format!("{{\"document\":{number},\"value\":").as_bytes());
            all.extend(found.written);
            all.push(b'}');
        } else if found.is_there {
            all = found.written;
        } else {
            return Err(Error(format!("there is nothing at {:?}: modules.json.describe() lists the paths", path.written)));
        }
    }
    match documents.last() {
        Some(Document { number: Some(_), .. }) => all.push(b']'),
        Some(_) => {}
        None => all.extend_from_slice(b"[]"),
    }
    Ok(table::answer("value", all, beyond, "broken", &broken.report()))
}

/// Of several rows it is the value at an index, or a list of the values of those that have one.
fn get_one(document: &Document, path: &Path, broken: &mut BrokenLines) -> Result<Found, Error> {
    let mut values: Vec<Box<str>> = Vec::new();
    let mut found = Found::default();
    let first = path.steps.first();
    let (_, form) = rows(document, broken, |row: Row| {
        let mut scanner = Scanner::new(row.text);
        let tree = scanner.whole(Tree::read)?;
        let rest = match first {
            Some(Step::Index(wanted)) if row.of_several && row.index != *wanted => return Ok(true),
            Some(Step::Index(_) | Step::All) if row.of_several => &path.steps[1..],
            _ => &path.steps[..],
        };
        found.beyond |= scanner.beyond;
        found.is_there |= path::find(&tree, rest, &mut |value| values.push(value.written.into()));
        Ok(!(row.of_several && matches!(first, Some(Step::Index(_)))))
    })?;
    let of_rows = form != Form::Value && !matches!(first, Some(Step::Index(_)));
    found.is_there |= of_rows;
    found.written = match path.has_all() || of_rows {
        true => format!("[{}]", values.join(",")),
        false => values.pop().map_or_else(|| "null".into(), String::from),
    }
    .into_bytes();
    Ok(found)
}
