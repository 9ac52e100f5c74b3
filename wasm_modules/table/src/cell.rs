//! One value of a row.

use rlm_module::{json, Value};
use std::borrow::Cow;

/// A value of a row. A `Field` is text that may stand for a number; if it is `numeric`, as its column's values seem to be, it
/// is one.
pub enum Cell<'a> {
    Null,
    Boolean(bool),
    Number(Number),
    Text(Cow<'a, str>),
    Field {
        text: Cow<'a, str>,
        numeric: bool,
    },
    /// A list or an object, as JSON.
    Nested(Cow<'a, str>),
}

/// An integer of 64 bits, or any other number.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Number {
    Integer(i64),
    Float(f64),
}

impl Number {
    pub fn float(self) -> f64 {
        match self {
            Number::Integer(value) => value as f64,
            Number::Float(value) => value,
        }
    }

    pub fn value(self) -> Value {
        match self {
            Number::Integer(value) => json!(value),
            Number::Float(value) => json!(value),
        }
    }
}

/// The number that a text stands for: decimal digits, a sign, a point, an exponent; spaces around it do not count.
pub fn number(text: &str) -> Option<Number> {
    short(text.as_bytes()).or_else(|| any(text.trim_matches(|character| character == ' ' || character == '\t')))
}

fn any(text: &str) -> Option<Number> {
    // What Rust reads beyond this (inf, nan) is a word here.
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) {
        return None;
    }
    if let Ok(value) = text.parse::<i64>() {
        return Some(Number::Integer(value));
    }
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(Number::Float)
}

/// Up to 15 digits, a sign, a point. These digits and 10^15 are exact floats, so their quotient is rounded correctly
/// (Clinger, "How to read floating point numbers accurately", 1990).
fn short(text: &[u8]) -> Option<Number> {
    const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let negative = text.first() == Some(&b'-');
    let text = &text[usize::from(negative)..];
    if text.len() > 16 {
        return None;
    }
    let (mut digits, mut point) = (0i64, None);
    for (place, &byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(place),
            _ => return None,
        }
    }
    let count = text.len() - usize::from(point.is_some());
    if count == 0 || count > 15 {
        return None;
    }
    let signed = if negative { -digits } else { digits };
    Some(match point {
        None => Number::Integer(signed),
        // -0.0 keeps its sign.
        Some(place) => {
            let value = digits as f64 / POWERS[count - place];
            Number::Float(if negative { -value } else { value })
        }
    })
}

/// 00501 is a code that is written in digits: as a number it would lose its zeros.
pub fn is_code(text: &str) -> bool {
    let digits = text.trim_start_matches(|character| matches!(character, ' ' | '-' | '+'));
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

impl<'a> Cell<'a> {
    pub fn is_null(&self) -> bool {
        match self {
            Cell::Null => true,
            Cell::Field { text, .. } => text.is_empty(),
            _ => false,
        }
    }

    /// The number that it is.
    pub fn as_number(&self) -> Option<Number> {
        match self {
            Cell::Number(value) => Some(*value),
            Cell::Field { text, numeric: true } if !is_code(text) => number(text),
            _ => None,
        }
    }

    /// The number that it is, or that its text can be read as.
    pub fn number(&self) -> Option<Number> {
        match self {
            Cell::Number(value) => Some(*value),
            Cell::Field { text, .. } => number(text),
            _ => None,
        }
    }

    /// The text that it is.
    pub fn text(&self) -> Option<&str> {
        match self {
            Cell::Text(text) | Cell::Field { text, .. } => Some(text),
            _ => None,
        }
    }

    /// As JSON.
    pub fn value(&self) -> Value {
        match self {
            _ if self.is_null() => Value::Null,
            Cell::Boolean(value) => json!(value),
            Cell::Number(value) => value.value(),
            Cell::Text(text) | Cell::Field { text, .. } => self.as_number().map_or_else(|| json!(text), Number::value),
            Cell::Nested(written) => serde_json::from_str(written).unwrap_or(Value::Null),
            Cell::Null => Value::Null,
        }
    }

    /// Appends what tells it from every other value, whatever is appended next.
    pub fn write_key(&self, key: &mut Vec<u8>) {
        let mut tagged = |tag: u8, bytes: &[u8]| {
            key.push(tag);
            key.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            key.extend_from_slice(bytes);
        };
        match (self, self.as_number()) {
            _ if self.is_null() => tagged(0, b""),
            (_, Some(Number::Integer(value))) => tagged(2, &value.to_le_bytes()),
            // 2.0 is the value 2, and so the same key.
            (_, Some(Number::Float(value))) if value.fract() == 0.0 && value.abs() < 9e18 => {
                tagged(2, &(value as i64).to_le_bytes())
            }
            (_, Some(Number::Float(value))) => tagged(3, &value.to_le_bytes()),
            (Cell::Text(text) | Cell::Field { text, .. }, None) => tagged(1, text.as_bytes()),
            (other, None) => tagged(4, other.value().to_string().as_bytes()),
        }
    }
}
