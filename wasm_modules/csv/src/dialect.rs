//! Which delimiter, where the header is, what the columns are: from the first rows, unless it is given.

use crate::reader::Reader;
use crate::{titles, Form};
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
            Some(Number::Integer(_) | Number::Long(_)) => Kind::Integer,
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

/// How a document is to be read: behind `skip` lines; `kinds` are what the columns of the sample hold. `title`: the first of
/// these lines, if nobody said that they are none of the table.
pub struct Dialect {
    pub delimiter: u8,
    pub skip: u64,
    pub title: Option<String>,
    pub header: bool,
    pub names: Vec<String>,
    pub kinds: Vec<Kind>,
}

/// One record of the sample, and the line on which it begins.
pub struct Record {
    pub fields: Vec<String>,
    line: u64,
}

impl Dialect {
    pub fn of(document: &Document, form: &Form) -> Result<Dialect, Error> {
        let given = form.skip.unwrap_or(0);
        let delimiter = match &form.delimiter {
            Some(given) => match given.as_bytes() {
                [byte] if !b"\r\n\"".contains(byte) && byte.is_ascii() => *byte,
                _ => return Err(Error(format!("delimiter: one ASCII character, not {given:?}"))),
            },
            None => find_delimiter(document, given)?,
        };
        let mut sample = sample(document, delimiter, given)?;
        let titles = match (form.skip, form.header) {
            (Some(_), _) | (None, Some(false)) => 0,
            (None, header) => titles::count(&sample, header),
        };
        let title = sample.drain(..titles).next().map(|record| record.fields[0].chars().take(80).collect());
        let skip = if title.is_some() { sample[0].line - 1 } else { given };
        let first = sample.first().map(|record| record.fields.as_slice());
        let header = form.header.unwrap_or_else(|| first.map_or(false, is_header));
        let width = match form.header {
            Some(false) => widest(document, delimiter, skip)?,
            _ => first.map_or(0, <[String]>::len),
        };
        let names = names(first.filter(|_| header), width);
        let mut kinds = vec![Kind::Empty; names.len()];
        for record in sample.iter().skip(usize::from(header)) {
            for (kind, value) in kinds.iter_mut().zip(&record.fields) {
                *kind = kind.and(value);
            }
        }
        Ok(Dialect { delimiter, skip, title, header, names, kinds })
    }

    /// Which field a column is.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

/// The first records; one that is broken ends the sample, and is told when it is read.
fn sample(document: &Document, delimiter: u8, skip: u64) -> Result<Vec<Record>, Error> {
    let mut reader = Reader::behind(document, delimiter, skip)?;
    let mut records = Vec::new();
    while records.len() < SAMPLE && matches!(reader.next(), Ok(true)) {
        let fields = (0..reader.len()).map(|index| reader.field(index).into_owned()).collect();
        records.push(Record { fields, line: reader.line() });
    }
    Ok(records)
}

/// The fields of the record that has the most: who says that there is no header wants them all.
fn widest(document: &Document, delimiter: u8, skip: u64) -> Result<usize, Error> {
    let mut reader = Reader::behind(document, delimiter, skip)?;
    let mut most = 0;
    while reader.next()? {
        most = most.max(reader.len());
    }
    Ok(most)
}

/// The one with which most records have the same number of fields, and more than one; the most fields win a tie.
fn find_delimiter(document: &Document, skip: u64) -> Result<u8, Error> {
    let mut best = (0, 0, DELIMITERS[0]);
    for delimiter in DELIMITERS {
        let widths: Vec<usize> = sample(document, delimiter, skip)?.iter().map(|record| record.fields.len()).collect();
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
pub fn is_header(record: &[String]) -> bool {
    let named: Vec<&String> = record.iter().filter(|value| !value.is_empty()).collect();
    let different = named.iter().enumerate().all(|(index, value)| !named[..index].contains(value));
    !named.is_empty() && different && named.iter().all(|value| number(value).is_none())
}

/// A name that is missing is column1, ...; one that repeats gets _1, ...
fn names(header: Option<&[String]>, width: usize) -> Vec<String> {
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
