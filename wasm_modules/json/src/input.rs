//! The rows of a document: its lines, if it is JSON Lines; the items of its list; or the one value that it is.
//!
//! Lines and lists are read piece by piece.

use rlm_module::{json, Document, Error, Value, Window};
use std::borrow::Cow;
use table::scan::{Broken, Scanner};
use table::Place;

/// Broken lines that are named; all are counted.
const NAMED: usize = 10;
/// How much of a document says whether it is JSON Lines.
const LOOKED_AT: u64 = 1 << 16;
/// Bytes of the longest escape, a pair of \u: if one is cut, the scanner stops so far before the end.
const ESCAPE: usize = 12;

/// One row as text. `of_several`: whether it is one of a list or of lines; `index` from 0.
pub struct Row<'a> {
    pub text: &'a str,
    pub of_several: bool,
    pub index: u64,
    pub place: Place,
}

/// Why a row could not be taken.
pub enum NotRow {
    /// It is not JSON.
    Broken,
    Failed(Error),
}

impl From<Error> for NotRow {
    fn from(error: Error) -> Self {
        NotRow::Failed(error)
    }
}

impl From<Broken> for NotRow {
    fn from(_: Broken) -> Self {
        NotRow::Broken
    }
}

/// The lines that are not JSON.
#[derive(Default)]
pub struct BrokenLines {
    count: u64,
    first: Vec<Value>,
}

impl BrokenLines {
    fn add(&mut self, row: &str, place: &Place) {
        self.count += 1;
        if self.first.len() < NAMED {
            let mut named = json!({"line": place.number, "error": why(row)});
            if let Some(document) = place.document {
                named["document"] = document.into();
            }
            self.first.push(named);
        }
    }

    pub fn report(&self) -> Value {
        json!({"count": self.count, "first": self.first})
    }
}

/// What is wrong with a row, and where in it.
fn why(row: &str) -> String {
    match serde_json::from_str::<Value>(&without_halves(row)) {
        // The line that serde_json names is that of the row, which is always 1.
        Err(error) => {
            let message = error.to_string();
            format!("{} at column {}", message.split(" at line ").next().unwrap_or_default(), error.column())
        }
        Ok(_) => "an integer of more than 4300 digits".into(),
    }
}

/// Every \uD800 to \uDFFF is another escape, of the same length: to serde_json a half of a pair is an error, here not.
fn without_halves(row: &str) -> Cow<str> {
    if !row.contains("\\ud") && !row.contains("\\uD") {
        return Cow::Borrowed(row);
    }
    let mut parts = row.split("\\u");
    let mut without = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let is_half = |unit: &str| matches!(u32::from_str_radix(unit, 16), Ok(0xD800..=0xDFFF));
        let half = part.get(..4).map_or(false, is_half);
        without.push_str(if half { "\\u0041" } else { "\\u" });
        without.push_str(if half { &part[4..] } else { part });
    }
    Cow::Owned(without)
}

/// What a document is.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    Lines,
    List,
    Value,
}

impl Form {
    pub fn name(self) -> &'static str {
        match self {
            Form::Lines => "lines",
            Form::List => "list",
            Form::Value => "document",
        }
    }
}

/// Calls `each` for every row, until it returns false. Gives whether it never did, and what the document is. A broken line is
/// noted and passed over.
pub fn rows(
    document: &Document,
    broken: &mut BrokenLines,
    each: impl FnMut(Row) -> Result<bool, NotRow>,
) -> Result<(bool, Form), Error> {
    let mut window = document.open()?;
    let form = form(&mut window, document.length)?;
    let complete = match form {
        Form::Lines => lines(document, window, broken, each),
        Form::List => list(document, window, each),
        Form::Value => value(document, window, each),
    };
    Ok((complete?, form))
}

/// JSON Lines begin with a value on a line of its own, or have such a line behind a broken first one.
fn form(window: &mut Window, length: u64) -> Result<Form, Error> {
    window.fill(LOOKED_AT)?;
    loop {
        let text = without_bom(window.text());
        let mut scanner = Scanner::new(text);
        let alone = if scanner.peek() == b'[' { Form::List } else { Form::Value };
        let begins = scanner.place;
        match scanner.value() {
            Ok(first) => {
                let rest = &text[begins + first.len()..];
                let ends_line = rest.trim_start_matches(|character| matches!(character, ' ' | '\t' | '\r')).starts_with('\n');
                let more = !trim(rest).is_empty() || !window.at_end();
                return Ok(if ends_line && more && !first.contains('\n') { Form::Lines } else { alone });
            }
            // The value may go on behind what was looked at; a long list is never taken whole.
            Err(_) if !window.at_end() && scanner.place + ESCAPE >= text.len() => {
                if alone == Form::List {
                    return Ok(alone);
                }
                let looked_at = window.bytes().len() as u64;
                window.fill((looked_at * 2).min(length))?;
            }
            Err(_) => {
                let mut others = text[begins..].split('\n').skip(1).take(20).map(trim);
                let is_row =
                    |line: &str| line.starts_with('{') && Scanner::new(line).whole(|scanner| scanner.value().map(drop)).is_ok();
                return Ok(if text[begins..].starts_with('{') && others.any(is_row) { Form::Lines } else { alone });
            }
        }
    }
}

/// Without the spaces that JSON allows around a value.
fn trim(text: &str) -> &str {
    text.trim_matches(|character| matches!(character, ' ' | '\t' | '\r' | '\n'))
}

fn place(document: &Document, kind: &'static str) -> Place {
    Place { document: document.number, kind, number: 0, line: None, read: 0, total: document.length }
}

fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn lines(
    document: &Document,
    window: Window,
    broken: &mut BrokenLines,
    mut each: impl FnMut(Row) -> Result<bool, NotRow>,
) -> Result<bool, Error> {
    let mut place = place(document, "line");
    let mut index = 0;
    let mut complete = true;
    window.lines(|line, number| {
        let line = if number == 1 { without_bom(line) } else { line };
        place.number = number;
        place.read += line.len() as u64 + 1;
        let text = trim(line);
        if text.is_empty() {
            return Ok(true);
        }
        complete = match each(Row { text, of_several: true, index, place }) {
            Err(NotRow::Broken) => {
                broken.add(text, &place);
                true
            }
            Err(NotRow::Failed(error)) => return Err(error),
            Ok(more) => {
                index += 1;
                more
            }
        };
        Ok(complete)
    })?;
    Ok(complete)
}

/// A value that is not a list: JSON has no end to it but the text's, so it is taken whole.
fn value(document: &Document, mut window: Window, mut each: impl FnMut(Row) -> Result<bool, NotRow>) -> Result<bool, Error> {
    window.fill(document.length)?;
    let text = without_bom(window.text());
    if document.number.is_some() && trim(text).is_empty() {
        // Of several documents one may be empty.
        return Ok(true);
    }
    let place = Place { number: 1, read: document.length, ..place(document, "value") };
    each(Row { text, of_several: false, index: 0, place }).map_err(|refused| match refused {
        NotRow::Broken => not_json(document, &why(text)),
        NotRow::Failed(error) => error,
    })
}

/// The items of a list, each with the comma or the bracket behind it; one that is not finished is looked at again.
fn list(document: &Document, mut window: Window, mut each: impl FnMut(Row) -> Result<bool, NotRow>) -> Result<bool, Error> {
    let mut place = place(document, "item");
    let mut begun = false;
    loop {
        let text = window.text();
        let mut scanner = Scanner::new(text);
        scanner.place = text.len() - without_bom(text).len();
        let mut done = scanner.place;
        while let Ok((item, more)) = next_item(&mut scanner, begun) {
            begun = true;
            done = scanner.place;
            place.read = window.offset() + done as u64;
            if let Some(item) = item {
                place.number += 1;
                match each(Row { text: item, of_several: true, index: place.number - 1, place }) {
                    Ok(true) => {}
                    Ok(false) => return Ok(false),
                    Err(NotRow::Failed(error)) => return Err(error),
                    Err(NotRow::Broken) => return Err(not_json(document, &format!("{place}: {}", why(item)))),
                }
            }
            if !more {
                return only_spaces(document, window, done).map(|()| true);
            }
        }
        if window.at_end() {
            let first = serde_json::Deserializer::from_str(&text[done..]).into_iter::<Value>().next();
            let why =
                first.and_then(Result::err).map_or_else(|| "a comma or a bracket is missing".into(), |error| error.to_string());
            let message = format!("item {}, behind byte {}: {why}", place.number + 1, window.offset() + done as u64);
            return Err(not_json(document, &message));
        }
        window.advance(done)?;
    }
}

/// The next item, if there is one, and whether another follows.
fn next_item<'a>(scanner: &mut Scanner<'a>, begun: bool) -> Result<(Option<&'a str>, bool), Broken> {
    if !begun && !scanner.open(b'[', b']')? {
        return Ok((None, false));
    }
    let item = scanner.value()?;
    Ok((Some(item), scanner.more(b']')?))
}

fn only_spaces(document: &Document, mut window: Window, mut done: usize) -> Result<(), Error> {
    loop {
        if !trim(&window.text()[done..]).is_empty() {
            return Err(not_json(document, "something follows its list"));
        }
        if window.at_end() {
            return Ok(());
        }
        done = window.text().len();
        window.advance(done)?;
        done = 0;
    }
}

fn not_json(document: &Document, why: &str) -> Error {
    match document.number {
        Some(number) => Error(format!("document {number} is not JSON: {why}")),
        None => Error(format!("it is not JSON: {why}")),
    }
}
