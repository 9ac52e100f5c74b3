//! modules.text: describe, words, terms, numbers, histogram.

mod numbers;
mod terms;

use pattern::Counter;
use rlm_module::{json, Document, Error, Map, Request, Value};
use serde::Deserialize;

/// The arguments of `words`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    k: usize,
}

rlm_module::export!(answer);

fn answer(request: &Request) -> Result<Value, Error> {
    match request.function.as_str() {
        "describe" => {
            request.no_args()?;
            request.each(describe)
        }
        "words" => words(request, request.args()?),
        "terms" => terms::terms(request, &request.args()?),
        "numbers" => numbers::numbers(request, &request.args()?),
        "histogram" => numbers::histogram(request, &request.args()?),
        _ => request.unknown(&["describe", "words", "terms", "numbers", "histogram"]),
    }
}

fn describe(document: &Document) -> Result<Map<String, Value>, Error> {
    let (mut characters, mut lines, mut empty, mut words) = (0u64, 0u64, 0u64, 0u64);
    let (mut longest, mut longest_line) = (0, 0u64);
    document.open()?.lines(|line, number| {
        let length = line.chars().count() as u64;
        lines = number;
        empty += u64::from(line.trim().is_empty());
        words += line.split_whitespace().count() as u64;
        if length > longest {
            (longest, longest_line) = (length, number);
        }
        Ok(true)
    })?;
    let mut window = document.open()?;
    while !window.bytes().is_empty() {
        characters += window.bytes().iter().filter(|&&byte| byte & 0xC0 != 0x80).count() as u64;
        window.advance(window.bytes().len())?;
    }
    let found = json!({
        "characters": characters,
        "bytes": document.length,
        "lines": lines,
        "empty_lines": empty,
        "words": words,
        "longest_line": {"line": longest_line, "characters": longest},
    });
    Ok(Map::deserialize(found)?)
}

/// Letters, digits, _ and ' within: in lower case.
fn words(request: &Request, args: Words) -> Result<Value, Error> {
    let mut counter = Counter::default();
    let mut lower = String::new();
    for document in request.documents() {
        document.open()?.lines(|line, _| {
            for part in line.split(|character: char| !(character.is_alphanumeric() || matches!(character, '_' | '\'' | '’')))
            {
                let word = part.trim_matches(|character| matches!(character, '\'' | '’'));
                if word.is_empty() {
                    continue;
                }
                if word.is_ascii() {
                    lower.clear();
                    lower.push_str(word);
                    lower.make_ascii_lowercase();
                } else {
                    lower = word.to_lowercase();
                }
                counter.add(&lower)?;
            }
            Ok(true)
        })?;
    }
    Ok(json!(counter.pairs(args.k)))
}
