//! An index of terms: how often each occurs, and on which lines first.

use pattern::{scan, Counter, Flags, Pattern};
use rlm_module::{json, Error, Map, Request, Value};
use serde::Deserialize;
use std::collections::HashMap;

/// Lines that are named for each term.
const LINES: usize = 10;
/// Patterns that are asked for by name.
const NAMED: [(&str, &str); 3] = [
    ("proper_nouns", r"\b\p{Lu}\p{Ll}+(?:[ \t]+\p{Lu}\p{Ll}+)*\b"),
    ("titles", r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Lord|Lady|Prince|Princess|Count|Countess|King|Queen|General|Captain)\.? \w+"),
    ("all_caps", r"\b[A-Z][A-Z0-9_]+\b"),
];

/// The arguments of `terms`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    pattern: String,
    min_count: u64,
    max_terms: usize,
    lines: bool,
}

pub fn terms(request: &Request, args: &Terms) -> Result<Value, Error> {
    let written = NAMED.iter().find(|(name, _)| *name == args.pattern).map_or(args.pattern.as_str(), |(_, pattern)| pattern);
    let pattern = Pattern::new(written, Flags { ignore_case: false, multi_line: true })?;
    let mut counter = Counter::default();
    for document in request.documents() {
        scan(&pattern, &document, false, |found| {
            if found.start < found.end {
                counter.add(found.as_str())?;
            }
            Ok(true)
        })?;
    }
    let kept: Vec<(&str, u64)> =
        counter.top(args.max_terms).into_iter().filter(|(_, count)| *count >= args.min_count).collect();
    let places = if args.lines { places(request, &pattern, &kept)? } else { HashMap::new() };
    Ok(kept
        .into_iter()
        .map(|(term, count)| {
            let mut row = Map::from_iter([("term".to_string(), json!(term)), ("count".to_string(), json!(count))]);
            if let Some(lines) = places.get(term) {
                row.insert("lines".into(), json!(lines));
            }
            Value::Object(row)
        })
        .collect())
}

/// The first lines of each term, from 1; from documents each as [document, line].
fn places<'t>(request: &Request, pattern: &Pattern, kept: &[(&'t str, u64)]) -> Result<HashMap<&'t str, Vec<Value>>, Error> {
    let mut places: HashMap<&str, Vec<Value>> = kept.iter().map(|(term, _)| (*term, Vec::new())).collect();
    for document in request.documents() {
        scan(pattern, &document, true, |mut found| {
            let (line, _) = found.place();
            if let Some(lines) = places.get_mut(found.as_str()) {
                let place = document.number.map_or_else(|| json!(line), |number| json!([number, line]));
                if lines.len() < LINES && lines.last() != Some(&place) {
                    lines.push(place);
                }
            }
            Ok(true)
        })?;
    }
    Ok(places)
}
