//! One row for each group. From documents, rows of different documents are in different groups.

use crate::measure::{Measure, Measured, Statistics};
use crate::order::compare;
use crate::{Cell, Columns, Condition, Place, Query};
use rlm_module::{json, keep, Error, Map, Quick, Value};
use serde::Deserialize;
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
    keys: Vec<Value>,
    rows: u64,
    statistics: Vec<Statistics>,
}

impl Group {
    fn new(document: Option<usize>, keys: Vec<Value>, measured: &[Measured]) -> Group {
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
        if let Some(document) = place.document {
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
        let keys = self.by.iter().map(|(_, column)| cells[*column].value()).collect();
        groups.push(Group::new(place.document, keys, &self.measured));
        index.insert(self.key.as_slice().into(), count);
        Ok(count)
    }

    fn row(&self, group: &mut Group) -> (Vec<Value>, Map<String, Value>) {
        let mut row = Map::new();
        let mut order = Vec::new();
        if let Some(document) = group.document {
            row.insert("document".into(), document.into());
            order.push(document.into());
        }
        order.extend(group.keys.iter().cloned());
        for ((name, _), key) in self.by.iter().zip(&group.keys) {
            row.insert(name.clone(), key.clone());
        }
        for output in &self.outputs {
            let value = match output.measured {
                None => json!(group.rows),
                Some(place) => group.statistics[place].value(output.measure, &self.measured[place]),
            };
            row.insert(output.name.clone(), value);
        }
        (order, row)
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
    fn rows(mut self: Box<Self>) -> Result<Vec<Value>, Error> {
        if self.by.is_empty() && self.groups.is_empty() {
            self.groups.push(Group::new(None, Vec::new(), &self.measured));
        }
        let mut groups = std::mem::take(&mut self.groups);
        let mut rows: Vec<_> = groups.iter_mut().map(|group| self.row(group)).collect();
        let by_keys = |one: &Vec<Value>, other: &Vec<Value>, descending: bool| {
            let orders = one.iter().zip(other).map(|(one, other)| compare(one, other, descending));
            orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        rows.sort_by(|one, other| match &self.order_by {
            Some(name) => compare(&one.1[name], &other.1[name], self.descending).then_with(|| by_keys(&one.0, &other.0, false)),
            None => by_keys(&one.0, &other.0, self.descending),
        });
        rows.truncate(self.limit);
        Ok(rows.into_iter().map(|(_, row)| Value::Object(row)).collect())
    }
}
