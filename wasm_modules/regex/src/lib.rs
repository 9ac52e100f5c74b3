//! modules.regex: count, find, lines, top, extract, count_many; and spans, for the guest's own search in large texts.
//!
//! Every argument comes with each call: their defaults are those of guest_sdk/python/rlm_guest/modules.py.

use pattern::{scan, scan_behind, Counter, Flags, Groups, Pattern};
use rlm_module::{json, row, Error, Request, Value};
use serde::Deserialize;

/// The arguments of `count`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    pattern: String,
    ignore_case: bool,
    multi_line: bool,
}

/// The arguments of `count_many`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountMany {
    patterns: Vec<String>,
    ignore_case: bool,
    multi_line: bool,
}

/// The arguments of `find` and `extract`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Find {
    pattern: String,
    limit: Option<u64>,
    ignore_case: bool,
    multi_line: bool,
}

/// The arguments of `lines`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    pattern: String,
    limit: Option<u64>,
    ignore_case: bool,
}

/// The arguments of `top`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Top {
    pattern: String,
    group: usize,
    k: usize,
    ignore_case: bool,
    multi_line: bool,
}

/// The arguments of `spans`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spans {
    pattern: String,
    /// Code points before the place from which matches are looked for.
    seen: usize,
    limit: u64,
}

rlm_module::export!(answer);

fn answer(request: &Request) -> Result<Value, Error> {
    match request.function.as_str() {
        "count" => {
            let Count { pattern, ignore_case, multi_line } = request.args()?;
            Ok(json!(count(request, &Pattern::new(&pattern, Flags { ignore_case, multi_line })?)?))
        }
        "count_many" => count_many(request, &request.args()?),
        "find" => find(request, &request.args()?),
        "lines" => lines(request, &request.args()?),
        "top" => top(request, &request.args()?),
        "extract" => extract(request, &request.args()?),
        "spans" => spans(request, &request.args()?),
        _ => request.unknown(&["count", "find", "lines", "top", "extract", "count_many"]),
    }
}

/// Whether a result may have another row.
fn wants_more(rows: &[Value], limit: Option<u64>) -> bool {
    limit.map_or(true, |limit| (rows.len() as u64) < limit)
}

fn count(request: &Request, pattern: &Pattern) -> Result<u64, Error> {
    let mut count = 0;
    for document in request.documents() {
        scan(pattern, &document, false, |_| {
            count += 1;
            Ok(true)
        })?;
    }
    Ok(count)
}

fn count_many(request: &Request, args: &CountMany) -> Result<Value, Error> {
    let flags = Flags { ignore_case: args.ignore_case, multi_line: args.multi_line };
    let counts: Result<Vec<u64>, Error> =
        args.patterns.iter().map(|pattern| count(request, &Pattern::new(pattern, flags)?)).collect();
    Ok(json!(counts?))
}

fn find(request: &Request, args: &Find) -> Result<Value, Error> {
    let pattern = Pattern::new(&args.pattern, Flags { ignore_case: args.ignore_case, multi_line: args.multi_line })?;
    let mut groups = Groups::new(&pattern);
    let mut rows = Vec::new();
    for document in request.documents() {
        if !wants_more(&rows, args.limit) {
            break;
        }
        scan(&pattern, &document, true, |mut found| {
            let (line, start) = found.place();
            let texts = groups.read(&found, 1..groups.count() + 1);
            let mut found_row = row(&document);
            found_row.insert("start".into(), start.into());
            found_row.insert("end".into(), (start + found.as_str().chars().count() as u64).into());
            found_row.insert("line".into(), line.into());
            found_row.insert("match".into(), found.as_str().into());
            found_row.insert("groups".into(), json!(texts));
            rows.push(Value::Object(found_row));
            Ok(wants_more(&rows, args.limit))
        })?;
    }
    Ok(json!(rows))
}

/// Where the first matches are: [[start, end], ...], in code points of a document.
fn spans(request: &Request, args: &Spans) -> Result<Value, Error> {
    let pattern = Pattern::new(&args.pattern, Flags::default())?;
    let mut rows = Vec::new();
    for document in request.documents() {
        scan_behind(&pattern, &document, args.seen, true, |mut found| {
            let (_, start) = found.place();
            rows.push(json!([start, start + found.as_str().chars().count() as u64]));
            Ok(wants_more(&rows, Some(args.limit)))
        })?;
    }
    Ok(json!(rows))
}

/// Each line is searched by itself: `^` and `$` are its beginning and its end.
fn lines(request: &Request, args: &Lines) -> Result<Value, Error> {
    let pattern = Pattern::new(&args.pattern, Flags { ignore_case: args.ignore_case, multi_line: false })?;
    let mut rows = Vec::new();
    for document in request.documents() {
        if !wants_more(&rows, args.limit) {
            break;
        }
        document.open()?.lines(|line, number| {
            if pattern.regex.is_match(line) {
                let mut found_row = row(&document);
                found_row.insert("line".into(), number.into());
                found_row.insert("text".into(), line.into());
                rows.push(Value::Object(found_row));
            }
            Ok(wants_more(&rows, args.limit))
        })?;
    }
    Ok(json!(rows))
}

fn top(request: &Request, args: &Top) -> Result<Value, Error> {
    let pattern = Pattern::new(&args.pattern, Flags { ignore_case: args.ignore_case, multi_line: args.multi_line })?;
    let mut groups = Groups::new(&pattern);
    // As everywhere in Python: if there is no group, the whole match is meant.
    let group = if groups.count() == 0 && args.group == 1 { 0 } else { args.group };
    if group > groups.count() {
        return Err(Error(format!("the pattern has {} groups, not {group}", groups.count())));
    }
    let mut counter = Counter::default();
    for document in request.documents() {
        scan(&pattern, &document, false, |found| {
            if let Some(value) = groups.one(&found, group) {
                counter.add(value)?;
            }
            Ok(true)
        })?;
    }
    Ok(json!({"distinct": counter.distinct(), "total": counter.total(), "top": counter.pairs(args.k)}))
}

/// Without groups in the pattern the whole match; from documents, the number of the document is first.
fn extract(request: &Request, args: &Find) -> Result<Value, Error> {
    let pattern = Pattern::new(&args.pattern, Flags { ignore_case: args.ignore_case, multi_line: args.multi_line })?;
    let mut groups = Groups::new(&pattern);
    let wanted = if groups.count() == 0 { 0..1 } else { 1..groups.count() + 1 };
    let mut rows = Vec::new();
    for document in request.documents() {
        if !wants_more(&rows, args.limit) {
            break;
        }
        scan(&pattern, &document, false, |found| {
            let texts = groups.read(&found, wanted.clone()).into_iter().map(Value::from);
            rows.push(document.number.map(Value::from).into_iter().chain(texts).collect());
            Ok(wants_more(&rows, args.limit))
        })?;
    }
    Ok(json!(rows))
}
