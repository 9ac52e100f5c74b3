//! Numbers as Python has them: integers of any size, and floats.

use crate::long::Long;
use std::cmp::Ordering;

/// `Long` only if it is none of 64 bits.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Number<'a> {
    Integer(i64),
    Long(Long<'a>),
    Float(f64),
}

impl<'a> Number<'a> {
    /// Of what JSON takes for a number: beyond the range of floats it is infinite.
    pub fn of_json(written: &'a str) -> Number<'a> {
        number(written).unwrap_or_else(|| Number::Float(written.parse().unwrap_or(f64::NAN)))
    }

    #[inline]
    pub fn float(self) -> f64 {
        match self {
            Number::Integer(value) => value as f64,
            Number::Long(value) => value.float(),
            Number::Float(value) => value,
        }
    }

    /// As Python and JSON write it; what is not finite as Python does.
    pub fn written(self) -> String {
        match self {
            Number::Integer(value) => value.to_string(),
            Number::Long(value) => format!("{}{}", if value.negative { "-" } else { "" }, value.digits),
            Number::Float(value) if value.is_finite() => rlm_module::json!(value).to_string(),
            Number::Float(value) if value.is_nan() => "NaN".into(),
            Number::Float(value) => if value > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        }
    }

    /// Exactly: an integer is not made a float for it.
    pub fn compare(self, other: Number) -> Ordering {
        use Number::{Float, Integer, Long};
        match (self, other) {
            (Integer(one), Integer(other)) => one.cmp(&other),
            (Float(one), Float(other)) => one.partial_cmp(&other).unwrap_or_else(|| one.total_cmp(&other)),
            (Float(one), other) => compare_float(one, other),
            (one, Float(other)) => compare_float(other, one).reverse(),
            (Long(one), Long(other)) => one.compare(other),
            (Long(one), Integer(_)) => sign(one),
            (Integer(_), Long(other)) => sign(other).reverse(),
        }
    }
}

fn compare_float(float: f64, integer: Number) -> Ordering {
    const EXACT: i64 = 1 << 53;
    match integer {
        Number::Integer(value) if (-EXACT..=EXACT).contains(&value) => float.partial_cmp(&(value as f64)),
        _ if !float.is_finite() => float.partial_cmp(&0.0),
        _ => {
            // Rust writes all digits of a float.
            let whole = format!("{:.0}", float.trunc());
            let order = number(&whole).map(|whole| whole.compare(integer));
            order.map(|order| order.then_with(|| float.fract().partial_cmp(&0.0).unwrap_or(Ordering::Equal)))
        }
    }
    .unwrap_or(Ordering::Greater) // NaN, which is last
}

fn sign(long: Long) -> Ordering {
    if long.negative {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

/// A number that is kept.
#[derive(Clone)]
pub enum Kept {
    Number(Number<'static>),
    Long { negative: bool, digits: Box<str> },
}

impl Kept {
    pub fn of(number: Number) -> Kept {
        match number {
            Number::Integer(value) => Kept::Number(Number::Integer(value)),
            Number::Float(value) => Kept::Number(Number::Float(value)),
            Number::Long(Long { negative, digits }) => Kept::Long { negative, digits: digits.into() },
        }
    }

    pub fn number(&self) -> Number {
        match self {
            Kept::Number(number) => *number,
            Kept::Long { negative, digits } => Number::Long(Long { negative: *negative, digits }),
        }
    }
}

/// The number that a text stands for: decimal digits, a sign, a point, an exponent; spaces around it do not count.
#[inline]
pub fn number(text: &str) -> Option<Number> {
    short(text.as_bytes()).or_else(|| any(text.trim_matches(|character| character == ' ' || character == '\t')))
}

#[inline(never)]
fn any(text: &str) -> Option<Number> {
    // What Rust reads beyond this (inf, nan) is a word here.
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) {
        return None;
    }
    if let Ok(value) = text.parse::<i64>() {
        return Some(Number::Integer(value));
    }
    if text.bytes().all(|byte| !matches!(byte, b'.' | b'e' | b'E')) {
        return Long::parse(text).map(Number::Long);
    }
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(Number::Float)
}

/// Up to 15 digits, a sign, a point. These digits and 10^15 are exact floats, so their quotient is rounded correctly
/// (Clinger, "How to read floating point numbers accurately", 1990).
#[inline]
fn short(text: &[u8]) -> Option<Number<'static>> {
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

/// Whether a number is written as Python writes it, so that nothing of the text is lost with it. None with an exponent.
pub fn is_plain(text: &str) -> bool {
    !text.contains('e') && number(text).map_or(false, |number| number.written() == text)
}
