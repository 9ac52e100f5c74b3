//! What is computed of a column, and the running statistics that it takes.

use crate::{Cell, Number, Place};
use rlm_module::{json, keep, reserve, Error, Quick, Value};
use std::collections::HashSet;

/// What is asked of a column.
#[derive(Clone, Copy, PartialEq)]
pub enum Measure {
    Count,
    Sum,
    Min,
    Max,
    Mean,
    Distinct,
    /// From 0 to 1.
    Percentile(f64),
}

impl Measure {
    pub fn parse(name: &str) -> Result<Measure, Error> {
        let percentile = || name.strip_prefix('p')?.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
        Ok(match name {
            "count" => Measure::Count,
            "sum" => Measure::Sum,
            "min" => Measure::Min,
            "max" => Measure::Max,
            "mean" => Measure::Mean,
            "distinct" => Measure::Distinct,
            _ => match percentile() {
                Some(percent) => Measure::Percentile(percent / 100.0),
                None => return Err(Error(format!("{name:?} is none of count, sum, min, max, mean, distinct, p50 to p99.9"))),
            },
        })
    }

    fn needs_numbers(self) -> bool {
        matches!(self, Measure::Sum | Measure::Mean | Measure::Percentile(_))
    }
}

/// A column that is measured: what its statistics must keep, and what its values have been in all groups.
pub struct Measured {
    pub column: usize,
    pub name: String,
    numbers: bool,
    values: bool,
    distinct: bool,
    extremes: bool,
    all_integers: bool,
    all_numbers: bool,
}

impl Measured {
    pub fn new(column: usize, name: &str) -> Measured {
        let name = name.to_string();
        let (numbers, values, distinct, extremes) = (false, false, false, false);
        Measured { column, name, numbers, values, distinct, extremes, all_integers: true, all_numbers: true }
    }

    pub fn add(&mut self, measure: Measure) {
        self.numbers |= measure.needs_numbers();
        self.values |= matches!(measure, Measure::Percentile(_));
        self.distinct |= measure == Measure::Distinct;
        self.extremes |= matches!(measure, Measure::Min | Measure::Max);
    }
}

/// What is kept of one column in one group.
#[derive(Default)]
pub struct Statistics {
    count: u64,
    integers: i128,
    sum: f64,
    lost: f64,
    integer_range: Option<(i64, i64)>,
    range: Option<(f64, f64)>,
    text_range: Option<(Box<str>, Box<str>)>,
    values: Vec<f64>,
    distinct: HashSet<Box<[u8]>, Quick>,
}

impl Statistics {
    pub fn take(&mut self, cell: &Cell, measured: &mut Measured, place: &Place) -> Result<(), Error> {
        if cell.is_null() {
            return Ok(());
        }
        self.count += 1;
        if measured.distinct {
            self.take_distinct(cell, measured, place)?;
        }
        if measured.numbers {
            match cell.number() {
                Some(number) => self.take_number(number, measured, place)?,
                None => {
                    let shown: String = cell.value().to_string().chars().take(80).collect();
                    return Err(Error(format!("{place}, column {}: {shown} is not a number", measured.name)));
                }
            }
        }
        if measured.extremes {
            self.take_extremes(cell, measured);
        }
        Ok(())
    }

    fn take_extremes(&mut self, cell: &Cell, measured: &mut Measured) {
        match cell.as_number() {
            Some(number) => {
                let value = number.float();
                let (least, most) = self.range.unwrap_or((value, value));
                self.range = Some((least.min(value), most.max(value)));
                if let Number::Integer(integer) = number {
                    let (least, most) = self.integer_range.unwrap_or((integer, integer));
                    self.integer_range = Some((least.min(integer), most.max(integer)));
                } else {
                    measured.all_integers = false;
                }
            }
            None => measured.all_numbers = false,
        }
        self.take_text(cell);
    }

    fn take_number(&mut self, number: Number, measured: &mut Measured, place: &Place) -> Result<(), Error> {
        let value = number.float();
        match number {
            Number::Integer(integer) => self.integers += i128::from(integer),
            Number::Float(_) => measured.all_integers = false,
        }
        // Neumaier's summation: what rounding loses is kept beside the sum.
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
        if measured.values {
            if self.values.len() == self.values.capacity() {
                let more = self.values.len().max(16);
                let name = &measured.name;
                reserve(&mut self.values, more, || {
                    format!("exact percentiles of {name} keep 8 bytes for each value; {}", estimate_need(place, 8))
                })?;
            }
            self.values.push(value);
        }
        Ok(())
    }

    fn take_text(&mut self, cell: &Cell) {
        let written;
        let text = match cell.text() {
            Some(text) => text,
            None => {
                written = cell.value().to_string();
                &written
            }
        };
        match &mut self.text_range {
            None => self.text_range = Some((text.into(), text.into())),
            Some((least, _)) if text < least => *least = text.into(),
            Some((_, most)) if text > most => *most = text.into(),
            Some(_) => {}
        }
    }

    fn take_distinct(&mut self, cell: &Cell, measured: &Measured, place: &Place) -> Result<(), Error> {
        let mut key = Vec::new();
        cell.write_key(&mut key);
        if self.distinct.contains(key.as_slice()) {
            return Ok(());
        }
        let each = key.len() + 40;
        keep(
            || self.distinct.try_reserve(1).is_ok(),
            || {
                format!(
                    "the distinct values of {} are kept, some {each} bytes for each; {}",
                    measured.name,
                    estimate_need(place, each)
                )
            },
        )?;
        self.distinct.insert(key.into_boxed_slice());
        Ok(())
    }

    /// The value of a measure.
    pub fn value(&mut self, measure: Measure, measured: &Measured) -> Value {
        match measure {
            Measure::Count => json!(self.count),
            Measure::Distinct => json!(self.distinct.len()),
            Measure::Sum | Measure::Mean if self.count == 0 => Value::Null,
            Measure::Sum if measured.all_integers => {
                i64::try_from(self.integers).map_or_else(|_| json!(self.integers as f64), Value::from)
            }
            Measure::Sum => json!(self.sum + self.lost),
            Measure::Mean if measured.all_integers => json!(self.integers as f64 / self.count as f64),
            Measure::Mean => json!((self.sum + self.lost) / self.count as f64),
            Measure::Percentile(share) => percentile(&mut self.values, share).map_or(Value::Null, Value::from),
            Measure::Min | Measure::Max => self.extreme(measure == Measure::Min, measured).unwrap_or(Value::Null),
        }
    }

    fn extreme(&self, least: bool, measured: &Measured) -> Option<Value> {
        if !measured.all_numbers {
            return self.text_range.as_ref().map(|range| json!(if least { &range.0 } else { &range.1 }));
        }
        if measured.all_integers {
            return self.integer_range.map(|range| json!(if least { range.0 } else { range.1 }));
        }
        self.range.map(|range| json!(if least { range.0 } else { range.1 }))
    }
}

/// By linear interpolation between the two nearest values, as SQL's quantile_cont.
pub fn percentile(values: &mut [f64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let place = share * last as f64;
    let (below, above, part) = (place.floor() as usize, place.ceil() as usize, place.fract());
    let (_, &mut low, rest) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = if above == below { low } else { rest.iter().copied().fold(f64::INFINITY, f64::min) };
    Some(low + (high - low) * part)
}

/// What the whole input would take, from how far it has been read.
fn estimate_need(place: &Place, bytes: usize) -> String {
    let share = (place.read.max(1) as f64 / place.total.max(1) as f64).min(1.0);
    format!(
        "{place} is {:.0} % of the input, whose all values would take up to {:.0} MB: narrow it with where, or take mean, min, max",
        share * 100.0,
        place.number as f64 / share * bytes as f64 / 1e6
    )
}
