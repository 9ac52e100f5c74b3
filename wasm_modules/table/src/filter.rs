//! `where`: [column, operator, value]. As in SQL, null (an empty field) is equal to null alone, and in no other relation.

use crate::{Cell, Columns, Number};
use rlm_module::{Error, Value};
use std::cmp::Ordering;

/// How a condition compares.
#[derive(Clone, Copy, PartialEq)]
enum Operator {
    Equal,
    Different,
    Less,
    AtMost,
    More,
    AtLeast,
    Contains,
    In,
}

/// One condition on a column.
pub struct Condition {
    column: usize,
    operator: Operator,
    value: Value,
}

impl Condition {
    pub fn all(wanted: Vec<Value>, columns: &mut Columns) -> Result<Vec<Condition>, Error> {
        wanted.into_iter().map(|each| Condition::new(each, columns)).collect()
    }

    fn new(wanted: Value, columns: &mut Columns) -> Result<Condition, Error> {
        let (column, operator, value) = match wanted.as_array().map(Vec::as_slice) {
            Some([Value::String(column), Value::String(operator), value]) => (column, operator, value),
            _ => return Err(Error(format!("where: each condition is [column, operator, value], not {wanted}"))),
        };
        let operator = match operator.as_str() {
            "==" | "=" => Operator::Equal,
            "!=" => Operator::Different,
            "<" => Operator::Less,
            "<=" => Operator::AtMost,
            ">" => Operator::More,
            ">=" => Operator::AtLeast,
            "contains" => Operator::Contains,
            "in" => Operator::In,
            _ => return Err(Error(format!("where: {operator:?} is none of == != < <= > >= contains in"))),
        };
        if operator == Operator::In && !value.is_array() {
            return Err(Error(format!("where: \"in\" needs a list of values, not {value}")));
        }
        Ok(Condition { column: columns.index(column), operator, value: value.clone() })
    }

    pub fn holds(&self, cells: &[Cell]) -> bool {
        let cell = &cells[self.column];
        match self.operator {
            Operator::Equal => is_equal(cell, &self.value),
            Operator::Different if self.value.is_null() => !cell.is_null(),
            Operator::Different => !cell.is_null() && !is_equal(cell, &self.value),
            Operator::In => self.value.as_array().map_or(false, |values| values.iter().any(|value| is_equal(cell, value))),
            Operator::Contains => contains(cell, &self.value),
            Operator::Less => compare(cell, &self.value) == Some(Ordering::Less),
            Operator::More => compare(cell, &self.value) == Some(Ordering::Greater),
            Operator::AtMost => matches!(compare(cell, &self.value), Some(Ordering::Less | Ordering::Equal)),
            Operator::AtLeast => matches!(compare(cell, &self.value), Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

fn is_equal(cell: &Cell, value: &Value) -> bool {
    match (cell, value) {
        (_, Value::Null) => cell.is_null(),
        (Cell::Boolean(one), Value::Bool(other)) => one == other,
        (Cell::Field { text, .. }, Value::Bool(other)) => text.eq_ignore_ascii_case(if *other { "true" } else { "false" }),
        (Cell::Nested(_), Value::Array(_) | Value::Object(_)) => is_same(&cell.value(), value),
        _ => compare(cell, value) == Some(Ordering::Equal),
    }
}

/// 1 is 1.0, also within lists and objects.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).map_or(false, |other| is_same(value, other)))
        }
        _ => one == other,
    }
}

/// Numbers with numbers, texts with texts; None for anything else.
fn compare(cell: &Cell, value: &Value) -> Option<Ordering> {
    match value {
        _ if cell.is_null() => None,
        Value::Number(other) => match (cell.number()?, other.as_i64()) {
            (Number::Integer(one), Some(other)) => Some(one.cmp(&other)),
            (one, _) => one.float().partial_cmp(&other.as_f64()?),
        },
        Value::String(other) => cell.text().map(|text| text.cmp(other)),
        _ => None,
    }
}

fn contains(cell: &Cell, value: &Value) -> bool {
    match cell {
        Cell::Nested(_) => cell.value().as_array().map_or(false, |items| items.iter().any(|item| is_same(item, value))),
        _ => cell.text().zip(value.as_str()).map_or(false, |(text, part)| text.contains(part)),
    }
}
