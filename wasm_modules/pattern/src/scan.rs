//! Every match of a pattern in a document, in order, as if the whole text were at hand.
//!
//! A match that begins before `settled` cannot change by what is read later: it ends before a line end that the pattern
//! cannot match, or so far before the window's end that no match is long enough to reach it. If neither holds, the
//! window grows, up to the whole text. A search begins behind the character before it, which `^` and `\b` look at.

use crate::search::Search;
use crate::Pattern;
use rlm_module::{Document, Error, Window};

/// Longer matches are not waited for with a margin: their text is taken whole.
const MARGIN: usize = 1 << 16;
/// What a word boundary looks at behind a match.
const CHARACTER: usize = 4;

/// One match.
pub struct Found<'t> {
    /// What is at hand around it; the match is [start, end) of it, in bytes.
    pub text: &'t str,
    pub start: usize,
    pub end: usize,
    position: &'t mut Position,
}

/// Counts what is before a place of the document; each byte is looked at once, and only if somebody asks.
struct Position {
    /// How far it has counted, in bytes of the document, and of the window.
    counted: usize,
    code_points: u64,
    lines: u64,
}

impl Position {
    fn advance(&mut self, text: &[u8], to: usize) {
        if let Some(part) = text.get(self.counted..to) {
            self.code_points += count(part, |byte| byte & 0xC0 != 0x80);
            self.lines += count(part, |byte| byte == b'\n');
            self.counted = to;
        }
    }
}

/// In blocks whose count fits into a byte: sixteen bytes are then looked at at once.
fn count(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> u64 {
    bytes.chunks(255).map(|block| u64::from(block.iter().map(|&byte| u8::from(wanted(byte))).sum::<u8>())).sum()
}

impl<'t> Found<'t> {
    pub fn as_str(&self) -> &'t str {
        &self.text[self.start..self.end]
    }

    /// The line on which it begins, from 1, and where it begins in code points of the document.
    pub fn place(&mut self) -> (u64, u64) {
        self.position.advance(self.text.as_bytes(), self.start);
        (self.position.lines + 1, self.position.code_points)
    }
}

/// Calls `each` for every match, until it returns false. `places`: whether it will ask where they are.
pub fn scan(
    pattern: &Pattern,
    document: &Document,
    places: bool,
    each: impl FnMut(Found) -> Result<bool, Error>,
) -> Result<(), Error> {
    scan_behind(pattern, document, 0, places, each)
}

/// The same for matches that begin behind the first `seen` characters, which `^` and `\b` may look at.
pub fn scan_behind(
    pattern: &Pattern,
    document: &Document,
    seen: usize,
    places: bool,
    mut each: impl FnMut(Found) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut window = document.open()?;
    let explained = |Error(message)| Error(format!("{message}{}", pattern.advice()));
    if pattern.spans_lines && pattern.longest.map_or(true, |longest| longest > MARGIN) {
        window.fill(document.length).map_err(explained)?;
    }
    let mut search = Search::new(pattern);
    let mut position = Position { counted: 0, code_points: 0, lines: 0 };
    // Where the next search begins.
    let mut next = window.text().chars().take(seen).map(char::len_utf8).sum();
    loop {
        let text = window.text();
        let settled = find_settled(pattern, &window);
        while next <= text.len() && next < settled {
            let (start, end) = match search.find(text, next) {
                Some(found) if found.0 < settled => found,
                _ => break,
            };
            next = end;
            // Right behind a match an empty one is one too, as in `re`.
            if start == end {
                next = after(text, next);
            }
            let found = Found { text, start, end, position: &mut position };
            if !each(found)? {
                return Ok(());
            }
        }
        if window.at_end() {
            return Ok(());
        }
        next = next.max(settled);
        let done = before(text, next.min(text.len()));
        if places {
            position.advance(text.as_bytes(), done);
            position.counted -= done;
        }
        next -= done;
        window.advance(done).map_err(explained)?;
    }
}

/// The place before which matches are settled.
fn find_settled(pattern: &Pattern, window: &Window) -> usize {
    let bytes = window.text().as_bytes();
    if window.at_end() {
        return usize::MAX;
    }
    let by_line = if pattern.spans_lines { None } else { bytes.iter().rposition(|&byte| byte == b'\n').map(|last| last + 1) };
    let by_length = pattern
        .longest
        .filter(|&longest| longest <= MARGIN)
        .and_then(|longest| bytes.len().checked_sub(longest + CHARACTER))
        .map(|end| rlm_module::boundary(bytes, end));
    by_line.into_iter().chain(by_length).max().unwrap_or(0)
}

/// One character on; behind the end if there is none.
fn after(text: &str, place: usize) -> usize {
    place + text[place..].chars().next().map_or(1, char::len_utf8)
}

/// One character back.
fn before(text: &str, place: usize) -> usize {
    place - text[..place].chars().next_back().map_or(0, char::len_utf8)
}

impl Pattern {
    /// Behind this no match that begins at `start` looks.
    pub(crate) fn reach(&self, text: &str, start: usize) -> usize {
        let by_length = self.longest.and_then(|longest| start.checked_add(longest + CHARACTER));
        let by_line = || if self.spans_lines { None } else { text[start..].find('\n').map(|end| start + end + 1) };
        let end = by_length.or_else(by_line).unwrap_or(text.len());
        rlm_module::boundary(text.as_bytes(), end.min(text.len()))
    }

    fn advice(&self) -> String {
        let pattern = &self.text;
        if self.spans_lines {
            format!(
                ". {pattern:?} can match line ends, without a limit, so it needs the whole text at once: write [ \\t] for \\s, \
                 [^...\\n] for [^...], or {{1,100}} for +"
            )
        } else {
            format!(". {pattern:?} has no limit to its length, so it needs whole lines: write {{1,100}} for +")
        }
    }
}
