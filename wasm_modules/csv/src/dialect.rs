//! Which delimiter, whether there is a header, what the columns are: from the first rows, unless it is given.

use crate::reader::Reader;
use crate::Form;
use rlm_module::{Document, Error};
use std::collections::HashSet;
use table::{is_code, number, Number};

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
const SAMPLE: usize = 200; // records

/// What the values of a column are, from the most special to the most general.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Empty,
    Integer,
    Number,
    Text,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Empty => "empty",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Text => "text",
        }
    }

    /// Whether its fields are numbers, as far as can be seen.
    pub fn is_numeric(self) -> bool {
        self != Kind::Text
    }

    /// With one value more.
    pub fn and(self, value: &str) -> Kind {
        let kind = match number(value) {
            _ if value.is_empty() => return self,
            Some(_) if is_code(value) => Kind::Text,
            Some(Number::Integer(_)) => Kind::Integer,
            Some(Number::Float(_)) => Kind::Number,
            None => Kind::Text,
        };
        if kind as u8 > self as u8 {
            kind
        } else {
            self
        }
    }
}

/// How a document is to be read: `kinds` are what the columns of the sample hold.
pub struct Dialect {
    pub delimiter: u8,
    pub header: bool,
    pub names: Vec<String>,
    pub kinds: Vec<Kind>,
}

impl Dialect {
    pub fn of(document: &Document, form: &Form) -> Result<Dialect, Error> {
        let delimiter = match &form.delimiter {
            Some(given) => match given.as_bytes() {
                [byte] if !b"\r\n\"".contains(byte) && byte.is_ascii() => *byte,
                _ => return Err(Error(format!("delimiter: one ASCII character, not {given:?}"))),
            },
            None => find_delimiter(document)?,
        };
        let sample = sample(document, delimiter)?;
        let header = form.header.unwrap_or_else(|| sample.first().map_or(false, |first| is_header(first)));
        let width = sample.iter().map(Vec::len).next().unwrap_or(0);
        let names = names(if header { sample.first() } else { None }, width);
        let mut kinds = vec![Kind::Empty; names.len()];
        for record in sample.iter().skip(usize::from(header)) {
            for (kind, value) in kinds.iter_mut().zip(record) {
                *kind = kind.and(value);
            }
        }
        Ok(Dialect { delimiter, header, names, kinds })
    }

    /// Which field a column is.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

/// The first records; one that is broken ends the sample, and is told when it is read.
fn sample(document: &Document, delimiter: u8) -> Result<Vec<Vec<String>>, Error> {
    let mut reader = Reader::raw(document, delimiter)?;
    let mut records = Vec::new();
    while records.len() < SAMPLE && matches!(reader.next(), Ok(true)) {
        records.push((0..reader.len()).map(|index| reader.field(index).into_owned()).collect());
    }
    Ok(records)
}

/// The one with which most records have the same number of fields, and more than one; the most fields win a tie.
fn find_delimiter(document: &Document) -> Result<u8, Error> {
    let mut best = (0, 0, DELIMITERS[0]);
    for delimiter in DELIMITERS {
        let widths: Vec<usize> = sample(document, delimiter)?.iter().map(Vec::len).collect();
        for &width in widths.iter().filter(|&&width| width > 1) {
            let alike = widths.iter().filter(|&&other| other == width).count() * 100 / widths.len();
            if (alike, width) > (best.0, best.1) {
                best = (alike, width, delimiter);
            }
        }
    }
    Ok(best.2)
}

/// No numbers, nothing twice, not all empty.
fn is_header(record: &[String]) -> bool {
    let named: Vec<&String> = record.iter().filter(|value| !value.is_empty()).collect();
    let different = named.iter().enumerate().all(|(index, value)| !named[..index].contains(value));
    !named.is_empty() && different && named.iter().all(|value| number(value).is_none())
}

/// A name that is missing is column1, ...; one that repeats gets _1, ...
fn names(header: Option<&Vec<String>>, width: usize) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut taken = HashSet::new();
    for index in 0..width {
        let written = header.and_then(|header| header.get(index)).filter(|name| !name.is_empty());
        let base = written.cloned().unwrap_or_else(|| format!("column{}", index + 1));
        let mut name = base.clone();
        let mut repeat = 0;
        while !taken.insert(name.clone()) {
            repeat += 1;
            name = format!("{base}_{repeat}");
        }
        names.push(name);
    }
    names
}
