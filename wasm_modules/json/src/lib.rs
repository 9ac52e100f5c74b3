//! modules.json: describe, get, select, aggregate.
//!
//! path      user.address.city, items[*].price
//! input     rows of JSON Lines, of a list, or of one value
//! extract   the values of some paths of a row, without building the rest
//! scan      passes over what is not wanted
//! describe  which paths there are

mod describe;
mod extract;
mod input;
mod path;
mod scan;

use extract::Plan;
use input::{rows, BrokenLines, Form, Row};
use path::{Path, Step};
use rlm_module::{json, Document, Error, Map, Request, Value};
use serde::Deserialize;
use table::{Aggregate, Columns, Query, Select};

/// The arguments of `get`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Get {
    path: String,
}

rlm_module::export!(answer);

fn answer(request: &Request) -> Result<Value, Error> {
    match request.function.as_str() {
        "describe" => {
            request.no_args()?;
            describe::describe(request)
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

fn select(request: &Request, select: Select) -> Result<Value, Error> {
    let mut columns = Columns::default();
    let whole = select.columns.is_none();
    let names = select.columns.clone().unwrap_or_else(|| vec![String::new()]);
    let shown = names.into_iter().map(|name| (name.clone(), columns.index(&name))).collect();
    let query = select.query(shown, &mut columns)?;
    let mut found = run(request, &columns, query)?;
    if whole {
        for each in found["rows"].as_array_mut().into_iter().flatten() {
            let given = each.take();
            *each = spread(given);
        }
    }
    Ok(found)
}

/// A row that was selected whole, as itself: its members beside the document's number; what has none is its "value".
fn spread(mut selected: Value) -> Value {
    let value = selected[""].take();
    let mut members = Map::new();
    if let Some(number) = selected.get("document") {
        members.insert("document".into(), number.clone());
    }
    match value {
        Value::Object(own) => members.extend(own),
        other => drop(members.insert("value".into(), other)),
    }
    Value::Object(members)
}

fn run(request: &Request, columns: &Columns, mut query: Box<dyn Query>) -> Result<Value, Error> {
    let plan = Plan::new(&columns.0)?;
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
    Ok(json!({"rows": query.rows()?, "broken": broken.report()}))
}

fn get(request: &Request, path: &Path) -> Result<Value, Error> {
    let mut broken = BrokenLines::default();
    let value = request.each(|document| {
        let (value, found) = get_one(document, path, &mut broken)?;
        if !found && document.number.is_none() {
            return Err(Error(format!("there is nothing at {:?}: modules.json.describe() lists the paths", path.written)));
        }
        Ok(Map::from_iter([("value".to_string(), value)]))
    })?;
    let value = if value.is_array() { value } else { value["value"].clone() };
    Ok(json!({"value": value, "broken": broken.report()}))
}

/// The value, and whether there is one. Of several rows it is the value at an index, or a list of the values of those that
/// have one.
fn get_one(document: &Document, path: &Path, broken: &mut BrokenLines) -> Result<(Value, bool), Error> {
    let mut values = Vec::new();
    let mut found = false;
    let first = path.steps.first();
    let (_, form) = rows(document, broken, |row: Row| {
        let parsed = row.value()?;
        let rest = match first {
            Some(Step::Index(wanted)) if row.of_several && row.index != *wanted => return Ok(true),
            Some(Step::Index(_) | Step::All) if row.of_several => &path.steps[1..],
            _ => &path.steps[..],
        };
        found |= path::find(&parsed, rest, &mut |value| values.push(value.clone()));
        Ok(!(row.of_several && matches!(first, Some(Step::Index(_)))))
    })?;
    let of_rows = form != Form::Value && !matches!(first, Some(Step::Index(_)));
    if path.has_all() || of_rows {
        return Ok((Value::Array(values), found || of_rows));
    }
    Ok((values.pop().unwrap_or(Value::Null), found))
}
