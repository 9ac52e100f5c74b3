//! One row for each group. From documents, rows of different documents are in different groups, unless they are taken together.

use crate::measure::{Measure, Measured, Statistics};
use crate::number::is_plain;
use crate::order::compare;
use crate::select::Row;
use crate::{Cell, Columns, Condition, Number, Place, Query, Rows};
use rlm_module::{json, keep, Error, Map, Quick, Value};
use serde::Deserialize;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

/// The arguments of an aggregation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    by: Option<Vec<String>>,
    values: Option<Map<String, Value>>,
    #[serde(rename = "where")]
    conditions: Option<Vec<Value>>,
    order_by: Option<String>,
    descending: bool,
    limit: Option<u64>,
    together: bool,
}

/// A named result: a measure of a measured column, or the number of rows.
struct Output {
    name: String,
    measure: Measure,
    measured: Option<usize>,
}

/// The rows that have the same keys, counted and measured.
struct Group {
    document: Option<usize>,
    keys: Vec<Cell<'static>>,
    rows: u64,
    statistics: Vec<Statistics>,
}

impl Group {
    fn new(document: Option<usize>, keys: Vec<Cell<'static>>, measured: &[Measured]) -> Group {
        Group { document, keys, rows: 0, statistics: measured.iter().map(|_| Statistics::default()).collect() }
    }
}

/// An aggregation under way: `index` finds a group by its keys, written one behind the other.
struct Aggregation {
    by: Vec<(String, usize)>,
    outputs: Vec<Output>,
    measured: Vec<Measured>,
    conditions: Vec<Condition>,
    order_by: Option<String>,
    descending: bool,
    limit: usize,
    together: bool,
    key: Vec<u8>,
    index: HashMap<Box<[u8]>, usize, Quick>,
    groups: Vec<Group>,
}

impl Aggregate {
    pub fn query(self, columns: &mut Columns) -> Result<Box<dyn Query>, Error> {
        let by: Vec<_> = self.by.unwrap_or_default().into_iter().map(|name| (name.clone(), columns.index(&name))).collect();
        let mut measured = Vec::new();
        let mut outputs = Vec::new();
        let values = self.values.filter(|values| !values.is_empty());
        for (name, asked) in values.unwrap_or_else(|| Map::from_iter([("count".into(), json!(["count"]))])) {
            outputs.push(output(name, &asked, columns, &mut measured)?);
        }
        if let Some(taken) =
            outputs.iter().find(|output| output.name == "document" || by.iter().any(|(name, _)| *name == output.name))
        {
            return Err(Error(format!("values: {:?} is the name of a column that the rows have already", taken.name)));
        }
        if let Some(order) = &self.order_by {
            if !by.iter().any(|(name, _)| name == order) && !outputs.iter().any(|output| &output.name == order) {
                return Err(Error(format!("order_by: {order:?} is neither in by nor in values")));
            }
        }
        Ok(Box::new(Aggregation {
            by,
            outputs,
            measured,
            conditions: Condition::all(self.conditions.unwrap_or_default(), columns)?,
            order_by: self.order_by,
            descending: self.descending,
            limit: self.limit.map_or(usize::MAX, |limit| limit as usize),
            together: self.together,
            key: Vec::new(),
            index: HashMap::default(),
            groups: Vec::new(),
        }))
    }
}

fn output(name: String, asked: &Value, columns: &mut Columns, all: &mut Vec<Measured>) -> Result<Output, Error> {
    let (measure, column) = match asked.as_array().map(Vec::as_slice) {
        Some([Value::String(measure)]) => (measure, None),
        Some([Value::String(measure), Value::String(column)]) => (measure, Some(column)),
        _ => return Err(Error(format!("values: {name:?} is [measure, column] or [\"count\"], not {asked}"))),
    };
    let measure = Measure::parse(measure)?;
    let column = match column {
        Some(column) => column,
        None if measure == Measure::Count => return Ok(Output { name, measure, measured: None }),
        None => return Err(Error(format!("values: {name:?} needs a column: [measure, column]"))),
    };
    let index = columns.index(column);
    let place = all.iter().position(|known| known.column == index).unwrap_or_else(|| {
        all.push(Measured::new(index, column));
        all.len() - 1
    });
    all[place].add(measure);
    Ok(Output { name, measure, measured: Some(place) })
}

impl Aggregation {
    /// The group of a row, which is made if there is none.
    fn group(&mut self, cells: &[Cell], place: &Place) -> Result<usize, Error> {
        self.key.clear();
        let document = place.document.filter(|_| !self.together);
        if let Some(document) = document {
            self.key.extend_from_slice(&document.to_le_bytes());
        }
        for (_, column) in &self.by {
            cells[*column].write_key(&mut self.key);
        }
        if let Some(&found) = self.index.get(self.key.as_slice()) {
            return Ok(found);
        }
        let count = self.groups.len();
        let (index, groups) = (&mut self.index, &mut self.groups);
        keep(
            || index.try_reserve(1).is_ok() && groups.try_reserve(1).is_ok(),
            || format!("{place} begins group {}: group by fewer columns, or narrow it with where", count + 1),
        )?;
        let keys = self.by.iter().map(|(_, column)| cells[*column].clone().into_owned()).collect();
        groups.push(Group::new(document, keys, &self.measured));
        index.insert(self.key.as_slice().into(), count);
        Ok(count)
    }

    /// The measures of a group, in the order in which they were asked for.
    fn outputs(&self, group: &mut Group) -> Vec<Cell<'static>> {
        let output = |output: &Output| match output.measured {
            None => Cell::of_number(Number::Integer(group.rows as i64)),
            Some(place) => group.statistics[place].value(output.measure, &self.measured[place]),
        };
        self.outputs.iter().map(output).collect()
    }

    fn compare(&self, one: &Outcome, other: &Outcome) -> Ordering {
        let by_keys = |descending| {
            let numbers = one.document.cmp(&other.document);
            let documents = if descending { numbers.reverse() } else { numbers };
            let orders = one.keys.iter().zip(&other.keys).map(|(one, other)| compare(one, other, descending));
            documents.then_with(|| orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
        };
        let name = match &self.order_by {
            Some(name) => name,
            None => return by_keys(self.descending),
        };
        let column = match self.by.iter().position(|(by, _)| by == name) {
            Some(place) => (&one.keys[place], &other.keys[place]),
            None => {
                let place = self.outputs.iter().position(|output| &output.name == name).unwrap_or(0);
                (&one.values[place], &other.values[place])
            }
        };
        compare(column.0, column.1, self.descending).then_with(|| by_keys(false))
    }
}

/// A group with its measures computed.
struct Outcome {
    document: Option<usize>,
    keys: Vec<Cell<'static>>,
    values: Vec<Cell<'static>>,
}

/// Whether one column of keys can be shown as numbers: each is written as Python writes it, and no two are equal.
fn are_numbers<'a>(keys: impl Iterator<Item = &'a Cell<'static>>) -> bool {
    let mut written = HashMap::new();
    for key in keys.filter(|key| !key.is_null()) {
        let text = match key {
            Cell::Field { numeric: false, .. } => return false,
            Cell::Field { text, .. } | Cell::Number(text) => text,
            _ => continue,
        };
        // 1.0 is equal to 1.
        let plain = text.strip_suffix(".0").unwrap_or(text);
        if !is_plain(text) || written.insert(plain, text).map_or(false, |known| known != text) {
            return false;
        }
    }
    true
}

/// A key as its text.
fn as_text(key: Cell) -> Cell {
    match key {
        Cell::Number(digits) => Cell::Field { text: Cow::Owned(digits.into_owned()), numeric: false },
        Cell::Field { text, .. } => Cell::Field { text, numeric: false },
        other => other,
    }
}

impl Query for Aggregation {
    fn take(&mut self, cells: &[Cell], place: &Place) -> Result<bool, Error> {
        if !self.conditions.iter().all(|condition| condition.holds(cells)) {
            return Ok(true);
        }
        let index = self.group(cells, place)?;
        let group = &mut self.groups[index];
        group.rows += 1;
        for (statistics, measured) in group.statistics.iter_mut().zip(&mut self.measured) {
            statistics.take(&cells[measured.column], measured, place)?;
        }
        Ok(true)
    }

    /// By the groups' own values, unless another order is asked for.
    fn rows(mut self: Box<Self>) -> Result<Rows, Error> {
        if self.by.is_empty() && self.groups.is_empty() {
            self.groups.push(Group::new(None, Vec::new(), &self.measured));
        }
        let groups = std::mem::take(&mut self.groups).into_iter();
        let mut outcomes: Vec<Outcome> = groups
            .map(|mut group| Outcome { values: self.outputs(&mut group), document: group.document, keys: group.keys })
            .collect();
        let numbers: Vec<bool> =
            (0..self.by.len()).map(|place| are_numbers(outcomes.iter().map(|outcome| &outcome.keys[place]))).collect();
        outcomes.sort_by(|one, other| self.compare(one, other));
        outcomes.truncate(self.limit);
        let beyond = outcomes.iter().flat_map(|outcome| &outcome.values).any(Cell::is_beyond_floats);
        let written = |outcome: Outcome| {
            let mut row = Row::of(outcome.document);
            for (((name, _), key), number) in self.by.iter().zip(outcome.keys).zip(&numbers) {
                row.add(name, &if *number { key } else { as_text(key) });
            }
            self.outputs.iter().zip(&outcome.values).for_each(|(output, value)| row.add(&output.name, value));
            row.end()
        };
        Ok(Rows { rows: outcomes.into_iter().map(written).collect(), beyond })
    }
}
