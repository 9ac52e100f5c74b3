//! Integers beyond 64 bits, and sums of integers: exact at any size.

use std::cmp::Ordering;

/// As many digits as Python reads as an integer.
pub const MOST_DIGITS: usize = 4300;
const PLACE_DIGITS: usize = 18;
const PLACE: i128 = 1_000_000_000_000_000_000; // 10^PLACE_DIGITS

/// An integer as its digits, of which the first is not 0.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Long<'a> {
    pub negative: bool,
    pub digits: &'a str,
}

impl<'a> Long<'a> {
    /// Of a sign and digits.
    pub fn parse(text: &'a str) -> Option<Long<'a>> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let digits = digits.trim_start_matches('0');
        let is_one = digits.bytes().all(|byte| byte.is_ascii_digit()) && (1..=MOST_DIGITS).contains(&digits.len());
        is_one.then(|| Long { negative, digits })
    }

    pub fn float(self) -> f64 {
        let value: f64 = self.digits.parse().unwrap_or(f64::INFINITY);
        if self.negative {
            -value
        } else {
            value
        }
    }

    pub fn compare(self, other: Long) -> Ordering {
        let size =
            |one: Long, other: Long| one.digits.len().cmp(&other.digits.len()).then_with(|| one.digits.cmp(other.digits));
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

/// A sum of integers. Those beyond 64 bits are added digit by digit: `places` are sums of 18 digits each, the last ones first,
/// and none is carried over before the end.
#[derive(Default)]
pub struct Integers {
    small: i128,
    places: Vec<i128>,
}

impl Integers {
    pub fn add(&mut self, value: i64) {
        self.small += i128::from(value);
    }

    pub fn add_long(&mut self, value: Long) {
        for (index, digits) in value.digits.as_bytes().rchunks(PLACE_DIGITS).enumerate() {
            let part = digits.iter().fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'));
            if index == self.places.len() {
                self.places.push(0);
            }
            self.places[index] += if value.negative { -part } else { part };
        }
    }

    /// The nearest float.
    pub fn float(&self) -> f64 {
        if self.places.is_empty() {
            return self.small as f64;
        }
        self.written().parse().unwrap_or(f64::NAN)
    }

    /// In decimal.
    pub fn written(&self) -> String {
        if self.places.is_empty() {
            return self.small.to_string();
        }
        let mut places = self.places.clone();
        places.resize(places.len().max(2), 0);
        places[0] += self.small % PLACE;
        places[1] += self.small / PLACE;
        let negated = || places.iter().map(|place| -place).collect();
        match carried(places.clone()) {
            Some(carried) => digits(&carried),
            None => format!("-{}", digits(&carried(negated()).unwrap_or_default())),
        }
    }
}

/// With 0 to 10^18 - 1 in each place; None if the sum is negative.
fn carried(mut places: Vec<i128>) -> Option<Vec<i128>> {
    let mut over = 0;
    for place in &mut places {
        let sum = *place + over;
        *place = sum.rem_euclid(PLACE);
        over = sum.div_euclid(PLACE);
    }
    while over > 0 {
        places.push(over % PLACE);
        over /= PLACE;
    }
    (over == 0).then(|| places)
}

fn digits(places: &[i128]) -> String {
    let written: String = places.iter().rev().map(|place| format!("{place:018}")).collect();
    let digits = written.trim_start_matches('0');
    if digits.is_empty() { "0" } else { digits }.into()
}
