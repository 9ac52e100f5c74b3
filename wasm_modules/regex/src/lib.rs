//! modules.regex: count, find, lines, top, extract, count_many; and for the guest itself count_lines, has_any, and spans, of
//! which it makes its own search in large texts.
//!
//! Every argument comes with each call: their defaults are those of guest_sdk/python/rlm_guest/modules.py.

use pattern::{scan, scan_behind, Counter, Flags, Groups, Pattern};
use rlm_module::{json, row, Document, Error, List, Request, Value, Written};
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

/// The arguments of `has_any`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HasAny {
    /// A class of characters, none of ASCII.
    pattern: String,
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

fn answer(request: &Request) -> Result<Written, Error> {
    match request.function.as_str() {
        "count" => {
            let Count { pattern, ignore_case, multi_line } = request.args()?;
            let counted = count(request, &Pattern::new(&pattern, Flags { ignore_case, multi_line })?)?;
            Ok(json!(counted).into())
        }
        "count_many" => count_many(request, &request.args()?).map(Written::from),
        "find" => find(request, &request.args()?),
        "lines" => lines(request, &request.args()?),
        "top" => top(request, &request.args()?).map(Written::from),
        "extract" => extract(request, &request.args()?),
        "count_lines" => count_lines(request, &request.args()?).map(Written::from),
        "has_any" => has_any(request, &request.args()?).map(Written::from),
        "spans" => spans(request, &request.args()?).map(Written::from),
        _ => request.unknown(&["count", "find", "lines", "top", "extract", "count_many"]),
    }
}

/// Whether a result may have another row.
fn wants_more(rows: u64, limit: Option<u64>) -> bool {
    limit.map_or(true, |limit| rows < limit)
}

/// A list of matches; if it is too long, how to ask for less.
fn matches(rows: List) -> Result<Written, Error> {
    rows.end("matches", "pass limit=, narrow the pattern, or take modules.regex.count or .top").map(Written)
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

fn find(request: &Request, args: &Find) -> Result<Written, Error> {
    let pattern = Pattern::new(&args.pattern, Flags { ignore_case: args.ignore_case, multi_line: args.multi_line })?;
    let mut groups = Groups::new(&pattern);
    let mut rows = List::default();
    for document in request.documents() {
        if !wants_more(rows.count(), args.limit) {
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
            rows.add(&Value::Object(found_row))?;
            Ok(wants_more(rows.count(), args.limit))
        })?;
    }
    matches(rows)
}

/// Whether a character of the class is anywhere. What is ASCII is passed over quickly.
fn has_any(request: &Request, args: &HasAny) -> Result<Value, Error> {
    let pattern = Pattern::new(&args.pattern, Flags::default())?;
    for document in request.documents() {
        let mut window = document.open()?;
        while !window.bytes().is_empty() {
            let text = window.text();
            let mut rest = text.as_bytes();
            while let Some(start) = first_beyond_ascii(rest) {
                // Bytes that are not ASCII are whole characters, up to the next that is.
                let length = rest[start..].iter().position(u8::is_ascii).unwrap_or(rest.len() - start);
                let others = unsafe { std::str::from_utf8_unchecked(&rest[start..start + length]) };
                if pattern.regex.is_match(others) {
                    return Ok(json!(true));
                }
                rest = &rest[start + length..];
            }
            let done = text.len();
            window.advance(done)?;
        }
    }
    Ok(json!(false))
}

/// In blocks, which are looked at several bytes at once.
fn first_beyond_ascii(bytes: &[u8]) -> Option<usize> {
    let block = bytes.chunks(256).position(|block| !block.is_ascii())? * 256;
    bytes[block..].iter().position(|byte| !byte.is_ascii()).map(|place| block + place)
}

/// Where the first matches are: [[start, end], ...], in code points of a document.
fn spans(request: &Request, args: &Spans) -> Result<Value, Error> {
    let pattern = Pattern::new(&args.pattern, Flags::default())?;
    let mut rows = Vec::new();
    for document in request.documents() {
        scan_behind(&pattern, &document, args.seen, true, |mut found| {
            let (_, start) = found.place();
            rows.push(json!([start, start + found.as_str().chars().count() as u64]));
            Ok(wants_more(rows.len() as u64, Some(args.limit)))
        })?;
    }
    Ok(json!(rows))
}

fn lines(request: &Request, args: &Lines) -> Result<Written, Error> {
    let mut rows = List::default();
    each_line(request, args, |document, line, number| {
        let mut found_row = row(document);
        found_row.insert("line".into(), number.into());
        found_row.insert("text".into(), line.into());
        rows.add(&Value::Object(found_row))?;
        Ok(wants_more(rows.count(), args.limit))
    })?;
    rows.end("lines", "pass limit=, narrow the pattern, or take modules.regex.count").map(Written)
}

fn count_lines(request: &Request, args: &Lines) -> Result<Value, Error> {
    let mut count = 0u64;
    each_line(request, args, |_, _, _| {
        count += 1;
        Ok(wants_more(count, args.limit))
    })?;
    Ok(json!(count))
}

/// Calls `found` for every line that matches, until it returns false. Each is searched by itself: `^` and `$` are its beginning
/// and its end.
fn each_line(
    request: &Request,
    args: &Lines,
    mut found: impl FnMut(&Document, &str, u64) -> Result<bool, Error>,
) -> Result<(), Error> {
    let pattern = Pattern::new(&args.pattern, Flags { ignore_case: args.ignore_case, multi_line: false })?;
    let mut wants_more = wants_more(0, args.limit);
    for document in request.documents() {
        if !wants_more {
            break;
        }
        document.open()?.lines(|line, number| {
            wants_more = !pattern.regex.is_match(line) || found(&document, line, number)?;
            Ok(wants_more)
        })?;
    }
    Ok(())
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
fn extract(request: &Request, args: &Find) -> Result<Written, Error> {
    let pattern = Pattern::new(&args.pattern, Flags { ignore_case: args.ignore_case, multi_line: args.multi_line })?;
    let mut groups = Groups::new(&pattern);
    let wanted = if groups.count() == 0 { 0..1 } else { 1..groups.count() + 1 };
    let mut rows = List::default();
    for document in request.documents() {
        if !wants_more(rows.count(), args.limit) {
            break;
        }
        scan(&pattern, &document, false, |found| {
            let texts = groups.read(&found, wanted.clone()).into_iter().map(Value::from);
            rows.add(&document.number.map(Value::from).into_iter().chain(texts).collect())?;
            Ok(wants_more(rows.count(), args.limit))
        })?;
    }
    matches(rows)
}
