//! modules.regex: count, find, lines, top, extract, count_many.

use pattern::{scan, Counter, Flags, Groups, Pattern};
use rlm_module::{json, row, Error, Request, Value};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    #[serde(default)]
    pattern: String,
    #[serde(default)]
    patterns: Vec<String>,
    #[serde(default)]
    ignore_case: bool,
    #[serde(default)]
    multi_line: bool,
    #[serde(default = "most_rows")]
    limit: Option<u64>,
    #[serde(default = "first_group")]
    group: usize,
    #[serde(default = "most_values")]
    k: usize,
}

fn most_rows() -> Option<u64> {
    Some(100)
}

fn first_group() -> usize {
    1
}

fn most_values() -> usize {
    10
}

impl Args {
    fn compiled(&self) -> Result<Pattern, Error> {
        Pattern::new(&self.pattern, Flags { ignore_case: self.ignore_case, multi_line: self.multi_line })
    }

    fn wants_more(&self, rows: &[Value]) -> bool {
        self.limit.map_or(true, |limit| (rows.len() as u64) < limit)
    }
}

rlm_module::export!(answer);

fn answer(request: &Request) -> Result<Value, Error> {
    let args: Args = request.args()?;
    match request.function.as_str() {
        "count" => Ok(json!(count(request, &args.compiled()?)?)),
        "count_many" => count_many(request, &args),
        "find" => find(request, &args),
        "lines" => lines(request, &args),
        "top" => top(request, &args),
        "extract" => extract(request, &args),
        _ => request.unknown(&["count", "find", "lines", "top", "extract", "count_many"]),
    }
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

fn count_many(request: &Request, args: &Args) -> Result<Value, Error> {
    let flags = Flags { ignore_case: args.ignore_case, multi_line: args.multi_line };
    let counts: Result<Vec<u64>, Error> =
        args.patterns.iter().map(|pattern| count(request, &Pattern::new(pattern, flags)?)).collect();
    Ok(json!(counts?))
}

fn find(request: &Request, args: &Args) -> Result<Value, Error> {
    let pattern = args.compiled()?;
    let mut groups = Groups::new(&pattern);
    let mut rows = Vec::new();
    for document in request.documents() {
        if !args.wants_more(&rows) {
            break;
        }
        scan(&pattern, &document, true, |mut found| {
            let (line, start) = found.place();
            let texts = groups.read(&found, 1..groups.count() + 1);
            let mut found_row = row(&document);
            found_row.insert("start".into(), start.into());
            found_row.insert("end".into(), (start + found.matched().chars().count() as u64).into());
            found_row.insert("line".into(), line.into());
            found_row.insert("match".into(), found.matched().into());
            found_row.insert("groups".into(), json!(texts));
            rows.push(Value::Object(found_row));
            Ok(args.wants_more(&rows))
        })?;
    }
    Ok(json!(rows))
}

/// Each line is searched by itself: `^` and `$` are its beginning and its end.
fn lines(request: &Request, args: &Args) -> Result<Value, Error> {
    let pattern = args.compiled()?;
    let mut rows = Vec::new();
    for document in request.documents() {
        if !args.wants_more(&rows) {
            break;
        }
        document.open()?.lines(|line, number| {
            if pattern.regex.is_match(line) {
                let mut found_row = row(&document);
                found_row.insert("line".into(), number.into());
                found_row.insert("text".into(), line.into());
                rows.push(Value::Object(found_row));
            }
            Ok(args.wants_more(&rows))
        })?;
    }
    Ok(json!(rows))
}

fn top(request: &Request, args: &Args) -> Result<Value, Error> {
    let pattern = args.compiled()?;
    let mut groups = Groups::new(&pattern);
    // As everywhere in Python: where there is no group, the whole match is meant.
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
fn extract(request: &Request, args: &Args) -> Result<Value, Error> {
    let pattern = args.compiled()?;
    let mut groups = Groups::new(&pattern);
    let wanted = if groups.count() == 0 { 0..1 } else { 1..groups.count() + 1 };
    let mut rows = Vec::new();
    for document in request.documents() {
        if !args.wants_more(&rows) {
            break;
        }
        scan(&pattern, &document, false, |found| {
            let texts = groups.read(&found, wanted.clone()).into_iter().map(Value::from);
            rows.push(document.number.map(Value::from).into_iter().chain(texts).collect());
            Ok(args.wants_more(&rows))
        })?;
    }
    Ok(json!(rows))
}
