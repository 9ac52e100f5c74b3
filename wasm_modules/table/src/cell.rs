//! One value of a row.

use crate::number::{is_code, number, Number};
use crate::tree::tree;
use crate::Text;
use rlm_module::Value;
use std::borrow::Cow;

/// A value of a row. A `Field` is text that may stand for a number; if it is `numeric`, as its column's values seem to be, it
/// is one.
#[derive(Clone)]
pub enum Cell<'a> {
    Null,
    Boolean(bool),
    /// As JSON writes it.
    Number(Cow<'a, str>),
    Text(Text<'a>),
    Field {
        text: Cow<'a, str>,
        numeric: bool,
    },
    /// A list or an object, as JSON.
    Nested(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// Of JSON that was scanned.
    pub fn of_json(written: &'a str) -> Cell<'a> {
        match written.as_bytes()[0] {
            b'"' => Cell::Text(Text::of_json(&written[1..written.len() - 1], written.contains('\\'))),
            b't' => Cell::Boolean(true),
            b'f' => Cell::Boolean(false),
            b'n' => Cell::Null,
            b'{' | b'[' => Cell::Nested(Cow::Borrowed(written)),
            _ => Cell::Number(Cow::Borrowed(written)),
        }
    }

    /// Of a value in a request.
    pub fn of(value: &Value) -> Cell<'static> {
        match value {
            Value::Null => Cell::Null,
            Value::Bool(value) => Cell::Boolean(*value),
            Value::Number(number) => Cell::Number(Cow::Owned(number.to_string())),
            Value::String(text) => Cell::Text(Text::from(text.clone())),
            nested => Cell::Nested(Cow::Owned(nested.to_string())),
        }
    }

    /// A number that was computed.
    pub fn of_number(number: Number) -> Cell<'static> {
        Cell::Number(Cow::Owned(number.written()))
    }

    pub fn into_owned(self) -> Cell<'static> {
        let owned = |text: Cow<str>| Cow::Owned(text.into_owned());
        match self {
            Cell::Null => Cell::Null,
            Cell::Boolean(value) => Cell::Boolean(value),
            Cell::Number(written) => Cell::Number(owned(written)),
            Cell::Text(text) => Cell::Text(text.into_owned()),
            Cell::Field { text, numeric } => Cell::Field { text: owned(text), numeric },
            Cell::Nested(written) => Cell::Nested(owned(written)),
        }
    }

    #[inline]
    pub fn is_null(&self) -> bool {
        match self {
            Cell::Null => true,
            Cell::Field { text, .. } => text.is_empty(),
            _ => false,
        }
    }

    /// Whether it is computed, and infinite or no number.
    pub fn is_beyond_floats(&self) -> bool {
        matches!(self, Cell::Number(written) if matches!(written.as_ref(), "Infinity" | "-Infinity" | "NaN"))
    }

    /// The number that it is.
    pub fn as_number(&self) -> Option<Number> {
        match self {
            Cell::Number(written) => Some(Number::of_json(written)),
            Cell::Field { text, numeric: true } if !is_code(text) => number(text),
            _ => None,
        }
    }

    /// The number that it is, or that its text can be read as.
    #[inline]
    pub fn number(&self) -> Option<Number> {
        match self {
            Cell::Number(written) => Some(Number::of_json(written)),
            Cell::Field { text, .. } => number(text),
            _ => None,
        }
    }

    /// The text that it is.
    pub fn text(&self) -> Option<Text> {
        match self {
            Cell::Text(text) => Some(Text::of_bytes(text.bytes())),
            Cell::Field { text, .. } => Some(Text::from(text.as_ref())),
            _ => None,
        }
    }

    /// Its text, or how it is written.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Cell::Null => b"null",
            Cell::Boolean(true) => b"true",
            Cell::Boolean(false) => b"false",
            Cell::Text(text) => text.bytes(),
            Cell::Number(text) | Cell::Field { text, .. } | Cell::Nested(text) => text.as_bytes(),
        }
    }

    /// As JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            _ if self.is_null() => out.extend_from_slice(b"null"),
            Cell::Text(text) => text.write(out),
            Cell::Field { text, .. } => match self.as_number() {
                Some(number) => out.extend_from_slice(number.written().as_bytes()),
                None => Text::from(text.as_ref()).write(out),
            },
            _ => out.extend_from_slice(self.bytes()),
        }
    }

    /// Numbers by value, texts by their characters, lists and objects by what is in them; no two of different kinds are the same.
    pub fn is_same(&self, other: &Cell) -> bool {
        match (self, other) {
            (Cell::Null, Cell::Null) => true,
            (Cell::Boolean(one), Cell::Boolean(other)) => one == other,
            (Cell::Number(one), Cell::Number(other)) => Number::of_json(one).compare(Number::of_json(other)).is_eq(),
            (Cell::Text(one), Cell::Text(other)) => one == other,
            (Cell::Nested(one), Cell::Nested(other)) => match (tree(one), tree(other)) {
                (Some(one), Some(other)) => one.is_same(&other),
                _ => false,
            },
            _ => false,
        }
    }

    /// Appends what tells it from every other value, whatever is appended next. A number is its digits: 1.1 is not 1.10.
    pub fn write_key(&self, key: &mut Vec<u8>) {
        let mut tagged = |tag: u8, bytes: &[u8]| {
            key.push(tag);
            key.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            key.extend_from_slice(bytes);
        };
        match self {
            _ if self.is_null() => tagged(0, b""),
            Cell::Text(_) | Cell::Field { .. } => tagged(1, self.bytes()),
            Cell::Number(_) => tagged(2, self.bytes()),
            Cell::Nested(written) => {
                let mut normal = Vec::new();
                tree(written).iter().for_each(|tree| tree.write(&mut normal));
                tagged(4, &normal);
            }
            _ => tagged(3, self.bytes()),
        }
    }
}
