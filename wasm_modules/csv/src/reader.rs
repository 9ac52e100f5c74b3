//! Records, as Python's csv module and RFC 4180 have them: "quoted", with "" for a quote; \n, \r\n or \r ends a record.
//!
//! Fields are places in what was read, not copies: most of a query over a table is this.

use crate::dialect::Dialect;
use rlm_module::{Document, Error, Window};
use std::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_splat, v128_load, v128_or};
use std::borrow::Cow;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// [start, end) of the bytes. `quotes`: quotes in it are those of CSV, to be taken away.
#[derive(Clone, Copy)]
struct Field {
    start: usize,
    end: usize,
    quotes: bool,
}

/// What one attempt to read a record came to.
enum Attempt {
    /// Where the next one begins, and how many line ends it has in quotes.
    Record(usize, u64),
    /// There is more of it behind what was read; if a quote is open, its column.
    Unfinished(Option<usize>),
}

/// Reads one record after the other.
pub struct Reader {
    window: Window,
    delimiter: u8,
    next: usize,
    fields: Vec<Field>,
    /// Of the record, and of the one after it.
    line: u64,
    next_line: u64,
}

impl Reader {
    /// At the first row, behind the header.
    pub fn open(document: &Document, dialect: &Dialect) -> Result<Reader, Error> {
        let mut reader = Reader::behind(document, dialect.delimiter, dialect.skip)?;
        if dialect.header {
            reader.next()?;
        }
        Ok(reader)
    }

    /// At the first record behind so many lines.
    pub fn behind(document: &Document, delimiter: u8, lines: u64) -> Result<Reader, Error> {
        let window = document.open()?;
        let next = if window.bytes().starts_with(BOM) { BOM.len() } else { 0 };
        let mut reader = Reader { window, delimiter, next, fields: Vec::new(), line: 1, next_line: 1 };
        let mut left = lines;
        while left > 0 && !reader.is_at_end() {
            reader.skip_line()?;
            left -= 1;
        }
        Ok(reader)
    }

    fn is_at_end(&self) -> bool {
        self.next == self.window.bytes().len() && self.window.at_end()
    }

    /// Quotes do not count in a line that is none of the table.
    fn skip_line(&mut self) -> Result<(), Error> {
        loop {
            let bytes = self.window.bytes();
            let end = self.next
                + bytes[self.next..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len() - self.next);
            let is_cut = end + 1 >= bytes.len() && !self.window.at_end();
            if !is_cut {
                self.next = (end + if bytes[end..].starts_with(b"\r\n") { 2 } else { 1 }).min(bytes.len());
                self.next_line += 1;
                return Ok(());
            }
            self.window.advance(self.next)?;
            self.next = 0;
        }
    }

    /// How many fields the record has.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether it has a value behind so many fields.
    #[inline]
    pub fn is_wider(&self, width: usize) -> bool {
        self.fields.len() > width && self.fields[width..].iter().any(|field| field.start != field.end)
    }

    pub fn field(&self, index: usize) -> Cow<str> {
        let field = self.fields[index];
        // Fields begin and end at ASCII characters of valid UTF-8.
        let text = unsafe { std::str::from_utf8_unchecked(&self.window.bytes()[field.start..field.end]) };
        if field.quotes {
            Cow::Owned(unquote(text))
        } else {
            Cow::Borrowed(text)
        }
    }

    /// The line on which the record begins, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Bytes of the document behind it.
    pub fn read(&self) -> u64 {
        self.window.offset() + self.next as u64
    }

    /// Goes to the next record; false behind the last. Empty lines are none.
    pub fn next(&mut self) -> Result<bool, Error> {
        loop {
            if self.is_at_end() {
                return Ok(false);
            }
            match attempt(self.window.bytes(), self.next, self.window.at_end(), self.delimiter, &mut self.fields) {
                Attempt::Record(end, line_ends) => {
                    self.line = self.next_line;
                    self.next_line += line_ends;
                    self.next = end;
                    let is_empty = matches!(self.fields.as_slice(), [only] if only.start == only.end && !only.quotes);
                    if !is_empty {
                        return Ok(true);
                    }
                }
                Attempt::Unfinished(Some(column)) if self.window.at_end() => {
                    return Err(Error(format!("line {}, column {column}: a quote is opened and never closed", self.next_line)));
                }
                Attempt::Unfinished(_) => {
                    self.window.advance(self.next)?;
                    self.next = 0;
                }
            }
        }
    }
}

/// Reads the fields of the record that begins at `place`.
fn attempt(bytes: &[u8], mut place: usize, at_end: bool, delimiter: u8, fields: &mut Vec<Field>) -> Attempt {
    fields.clear();
    let mut line_ends = 0;
    loop {
        let start = place;
        let quotes = bytes.get(place) == Some(&b'"');
        if quotes {
            match find_close(bytes, place + 1) {
                Some(end) if end < bytes.len() || at_end => {
                    line_ends += count_line_ends(&bytes[place..end]);
                    place = end;
                }
                Some(_) => return Attempt::Unfinished(None),
                None => return Attempt::Unfinished(Some(fields.len() + 1)),
            }
        }
        place = find_end(bytes, place, delimiter);
        fields.push(Field { start, end: place, quotes });
        match bytes.get(place) {
            Some(&byte) if byte == delimiter => place += 1,
            Some(b'\n') => return Attempt::Record(place + 1, line_ends + 1),
            Some(_) => match bytes.get(place + 1) {
                Some(b'\n') => return Attempt::Record(place + 2, line_ends + 1),
                None if !at_end => return Attempt::Unfinished(None),
                _ => return Attempt::Record(place + 1, line_ends + 1),
            },
            None if at_end => return Attempt::Record(place, line_ends),
            None => return Attempt::Unfinished(None),
        }
    }
}

/// \r\n is one, as in `skip_line`.
fn count_line_ends(bytes: &[u8]) -> u64 {
    let count = bytes.iter().filter(|&&byte| byte == b'\n').count();
    let alone = |pair: &[u8]| pair[0] == b'\r' && pair[1] != b'\n';
    let others = if bytes.contains(&b'\r') { bytes.windows(2).filter(|pair| alone(pair)).count() } else { 0 };
    (count + others) as u64
}

/// The first delimiter or line end at `place` or later, or the end; sixteen bytes at a time.
fn find_end(bytes: &[u8], mut place: usize, delimiter: u8) -> usize {
    let wanted = [u8x16_splat(delimiter), u8x16_splat(b'\n'), u8x16_splat(b'\r')];
    while place + 16 <= bytes.len() {
        // The sixteen bytes are there.
        let found = unsafe { v128_load(bytes.as_ptr().add(place).cast()) };
        let mask =
            u8x16_bitmask(v128_or(v128_or(u8x16_eq(found, wanted[0]), u8x16_eq(found, wanted[1])), u8x16_eq(found, wanted[2])));
        if mask != 0 {
            return place + mask.trailing_zeros() as usize;
        }
        place += 16;
    }
    let is_end = |&byte: &u8| byte == delimiter || byte == b'\n' || byte == b'\r';
    place + bytes[place..].iter().position(is_end).unwrap_or(bytes.len() - place)
}

/// The place behind the quote that closes what is opened before `place`; two quotes are one of the text.
fn find_close(bytes: &[u8], mut place: usize) -> Option<usize> {
    loop {
        place += bytes.get(place..)?.iter().position(|&byte| byte == b'"')? + 1;
        if bytes.get(place) != Some(&b'"') {
            return Some(place);
        }
        place += 1;
    }
}

/// The text of a field that begins with a quote. What follows the closing quote belongs to it, as in Python.
fn unquote(field: &str) -> String {
    let end = find_close(field.as_bytes(), 1).unwrap_or(field.len());
    let inside = &field[1..end - 1];
    let inside = if inside.contains('"') { inside.replace("\"\"", "\"") } else { inside.into() };
    inside + &field[end..]
}
