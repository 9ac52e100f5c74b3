//! Statistics over the numbers in a text.

use pattern::{scan, Flags, Groups, Pattern};
use rlm_module::{json, reserve, Error, Request, Value};
use serde::Deserialize;
use table::{number, percentile, Cell, Range, Sum};

/// The pattern if none is given: a number that is no part of a word.
const ANY: &str = r"(?:^|[^\w.])(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\b";
const MOST_BINS: usize = 10_000;

/// The arguments of `numbers`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    pattern: Option<String>,
}

/// The arguments of `histogram`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    pattern: Option<String>,
    bins: usize,
}

/// Every number.
#[derive(Default)]
struct Found {
    values: Vec<f64>,
    sum: Sum,
    range: Range,
}

/// Count, sum, extremes, mean and percentiles.
pub fn numbers(request: &Request, args: &Numbers) -> Result<Value, Error> {
    let mut found = collect(request, args.pattern.as_deref())?;
    let count = found.values.len();
    if count == 0 {
        let none = Value::Null;
        return Ok(
            json!({"count": 0, "sum": 0, "min": none, "max": none, "mean": none, "p50": none, "p90": none, "p95": none, "p99": none}),
        );
    }
    let mut at = |share: f64| json!(percentile(&mut found.values, share));
    Ok(json!({
        "count": count,
        "sum": value(&found.sum.cell())?,
        "min": value(&found.range.least())?,
        "max": value(&found.range.most())?,
        "mean": found.sum.float() / count as f64,
        "p50": at(0.5),
        "p90": at(0.9),
        "p95": at(0.95),
        "p99": at(0.99),
    }))
}

fn value(computed: &Cell) -> Result<Value, Error> {
    let mut written = Vec::new();
    computed.write(&mut written);
    let value = String::from_utf8_lossy(&written).parse();
    value.map_err(|_| Error("the sum is beyond the range of floats".into()))
}

/// Ranges of equal width from the least to the greatest; the last one has its end.
pub fn histogram(request: &Request, args: &Histogram) -> Result<Value, Error> {
    if args.bins == 0 || args.bins > MOST_BINS {
        return Err(Error(format!("bins: from 1 to {MOST_BINS}, not {}", args.bins)));
    }
    let values = collect(request, args.pattern.as_deref())?.values;
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.is_empty() {
        return Ok(json!([]));
    }
    let width = (most - least) / args.bins as f64;
    if !width.is_finite() {
        return Err(Error(format!("the numbers are too far apart: from {least:e} to {most:e}")));
    }
    let mut counts = vec![0u64; args.bins];
    for value in values {
        let place = if width > 0.0 { ((value - least) / width) as usize } else { 0 };
        counts[place.min(args.bins - 1)] += 1;
    }
    let edge = |index: usize| if index == args.bins { most } else { least + width * index as f64 };
    Ok(counts
        .iter()
        .enumerate()
        .map(|(index, count)| json!({"from": edge(index), "to": edge(index + 1), "count": count}))
        .collect())
}

/// All numbers of the input: what the first group of the pattern matches, or the whole match.
fn collect(request: &Request, written: Option<&str>) -> Result<Found, Error> {
    let pattern = Pattern::new(written.unwrap_or(ANY), Flags { ignore_case: false, multi_line: true })?;
    let mut groups = Groups::new(&pattern);
    let group = groups.count().min(1);
    let mut found = Found::default();
    for document in request.documents() {
        scan(&pattern, &document, false, |matched| {
            let text = match groups.one(&matched, group) {
                Some(text) => text,
                None => return Ok(true),
            };
            let value = match number(text) {
                Some(value) => value,
                // 1e999 in a text is no number that anybody meant.
                None if written.is_none() => return Ok(true),
                None => return Err(Error(format!("{text:?} is not a number: let a group match the number alone"))),
            };
            found.sum.add(value);
            found.range.add(value);
            if found.values.len() == found.values.capacity() {
                let count = found.values.len();
                reserve(&mut found.values, count.max(16), || {
                    format!("exact percentiles keep 8 bytes for each number, {count} so far: narrow the pattern, or work on a part of the text")
                })?;
            }
            found.values.push(value.float());
            Ok(true)
        })?;
    }
    Ok(found)
}
