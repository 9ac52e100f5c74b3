//! What is computed of a column, and the running statistics that it takes.

use crate::long::Integers;
use crate::number::Kept;
use crate::{Cell, Number, Place, Text};
use rlm_module::{keep, reserve, Error, Quick};
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
    all_numbers: bool,
}

impl Measured {
    pub fn new(column: usize, name: &str) -> Measured {
        let name = name.to_string();
        let (numbers, values, distinct, extremes) = (false, false, false, false);
        Measured { column, name, numbers, values, distinct, extremes, all_numbers: true }
    }

    pub fn add(&mut self, measure: Measure) {
        self.numbers |= measure.needs_numbers();
        self.values |= matches!(measure, Measure::Percentile(_));
        self.distinct |= measure == Measure::Distinct;
        self.extremes |= matches!(measure, Measure::Min | Measure::Max);
    }
}

/// A sum of numbers: as long as all are integers, exact.
#[derive(Default)]
pub struct Sum {
    integers: Integers,
    floats: bool,
    float: f64,
    lost: f64,
}

impl Sum {
    #[inline]
    pub fn add(&mut self, number: Number) {
        let value = match number {
            Number::Float(value) => {
                self.floats = true;
                value
            }
            Number::Integer(value) => {
                self.integers.add(value);
                value as f64
            }
            Number::Long(value) => {
                self.integers.add_long(value);
                value.float()
            }
        };
        // Neumaier's summation: what rounding loses is kept beside the sum.
        let sum = self.float + value;
        self.lost += if self.float.abs() >= value.abs() { (self.float - sum) + value } else { (value - sum) + self.float };
        self.float = sum;
    }

    pub fn float(&self) -> f64 {
        match (self.floats, self.float.is_finite()) {
            (false, _) => self.integers.float(),
            (true, true) => self.float + self.lost,
            (true, false) => self.float,
        }
    }

    pub fn cell(&self) -> Cell<'static> {
        if self.floats {
            Cell::of_number(Number::Float(self.float()))
        } else {
            Cell::Number(self.integers.written().into())
        }
    }
}

/// The least and the greatest of some numbers, as they are.
#[derive(Default)]
pub struct Range(Option<(Kept, Kept)>);

impl Range {
    pub fn add(&mut self, number: Number) {
        match &mut self.0 {
            None => self.0 = Some((Kept::of(number), Kept::of(number))),
            Some((least, _)) if number.compare(least.number()).is_lt() => *least = Kept::of(number),
            Some((_, most)) if number.compare(most.number()).is_gt() => *most = Kept::of(number),
            Some(_) => {}
        }
    }

    pub fn least(&self) -> Cell<'static> {
        self.0.as_ref().map_or(Cell::Null, |(least, _)| Cell::of_number(least.number()))
    }

    pub fn most(&self) -> Cell<'static> {
        self.0.as_ref().map_or(Cell::Null, |(_, most)| Cell::of_number(most.number()))
    }
}

/// What is kept of one column in one group.
#[derive(Default)]
pub struct Statistics {
    count: u64,
    sum: Sum,
    range: Range,
    text_range: Option<(Box<[u8]>, Box<[u8]>)>,
    values: Vec<f64>,
    distinct: HashSet<Box<[u8]>, Quick>,
    /// Of the last value: with memory of its own, a new one needs none that is not asked for.
    key: Vec<u8>,
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
                    let mut written = Vec::new();
                    cell.write(&mut written);
                    let shown: String = String::from_utf8_lossy(&written).chars().take(80).collect();
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
            Some(number) => self.range.add(number),
            None => measured.all_numbers = false,
        }
        self.take_text(cell);
    }

    fn take_number(&mut self, number: Number, measured: &mut Measured, place: &Place) -> Result<(), Error> {
        self.sum.add(number);
        if measured.values {
            if self.values.len() == self.values.capacity() {
                let more = self.values.len().max(16);
                let name = &measured.name;
                reserve(&mut self.values, more, || {
                    format!("exact percentiles of {name} keep 8 bytes for each value; {}", estimate_need(place, 8))
                })?;
            }
            self.values.push(number.float());
        }
        Ok(())
    }

    fn take_text(&mut self, cell: &Cell) {
        let text = cell.bytes();
        match &mut self.text_range {
            None => self.text_range = Some((text.into(), text.into())),
            Some((least, _)) if text < least => *least = text.into(),
            Some((_, most)) if text > most => *most = text.into(),
            Some(_) => {}
        }
    }

    fn take_distinct(&mut self, cell: &Cell, measured: &Measured, place: &Place) -> Result<(), Error> {
        self.key.clear();
        cell.write_key(&mut self.key);
        if self.distinct.contains(self.key.as_slice()) {
            return Ok(());
        }
        let each = self.key.len() + 40;
        let mut kept = Vec::new();
        keep(
            || kept.try_reserve_exact(self.key.len()).is_ok() && self.distinct.try_reserve(1).is_ok(),
            || {
                format!(
                    "the distinct values of {} are kept, some {each} bytes for each; {}",
                    measured.name,
                    estimate_need(place, each)
                )
            },
        )?;
        kept.extend_from_slice(&self.key);
        self.distinct.insert(kept.into_boxed_slice());
        Ok(())
    }

    /// The value of a measure.
    pub fn value(&mut self, measure: Measure, measured: &Measured) -> Cell<'static> {
        let count = |count: usize| Cell::of_number(Number::Integer(count as i64));
        match measure {
            Measure::Count => count(self.count as usize),
            Measure::Distinct => count(self.distinct.len()),
            _ if self.count == 0 => Cell::Null,
            Measure::Sum => self.sum.cell(),
            Measure::Mean => Cell::of_number(Number::Float(self.sum.float() / self.count as f64)),
            Measure::Percentile(share) => {
                percentile(&mut self.values, share).map_or(Cell::Null, |value| Cell::of_number(Number::Float(value)))
            }
            Measure::Min if measured.all_numbers => self.range.least(),
            Measure::Max if measured.all_numbers => self.range.most(),
            Measure::Min | Measure::Max => self.text_range.as_ref().map_or(Cell::Null, |(least, most)| {
                Cell::Text(Text::of_bytes(if measure == Measure::Min { least } else { most }).into_owned())
            }),
        }
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
