//! `where`: [column, operator, value]. As in SQL, null (an empty field) is equal to null alone, and in no other relation.

use crate::tree::tree;
use crate::{Cell, Columns};
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
    /// Of `in` there may be several.
    values: Vec<Cell<'static>>,
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
        let values = match (operator, value) {
            (Operator::In, Value::Array(values)) => values.iter().map(Cell::of).collect(),
            (Operator::In, _) => return Err(Error(format!("where: \"in\" needs a list of values, not {value}"))),
            _ => vec![Cell::of(value)],
        };
        Ok(Condition { column: columns.index(column), operator, values })
    }

    pub fn holds(&self, cells: &[Cell]) -> bool {
        let cell = &cells[self.column];
        if self.operator == Operator::In {
            return self.values.iter().any(|value| is_equal(cell, value));
        }
        let value = &self.values[0];
        match self.operator {
            Operator::Different if value.is_null() => !cell.is_null(),
            Operator::Different => !cell.is_null() && !is_equal(cell, value),
            Operator::Contains => contains(cell, value),
            Operator::Less => compare(cell, value) == Some(Ordering::Less),
            Operator::More => compare(cell, value) == Some(Ordering::Greater),
            Operator::AtMost => matches!(compare(cell, value), Some(Ordering::Less | Ordering::Equal)),
            Operator::AtLeast => matches!(compare(cell, value), Some(Ordering::Greater | Ordering::Equal)),
            Operator::Equal | Operator::In => is_equal(cell, value),
        }
    }
}

fn is_equal(cell: &Cell, value: &Cell) -> bool {
    match (cell, value) {
        (_, Cell::Null) => cell.is_null(),
        (Cell::Field { text, .. }, Cell::Boolean(value)) => text.eq_ignore_ascii_case(if *value { "true" } else { "false" }),
        (Cell::Field { .. }, Cell::Number(_) | Cell::Text(_)) => compare(cell, value) == Some(Ordering::Equal),
        _ => cell.is_same(value),
    }
}

/// Numbers with numbers, texts with texts; None for anything else.
fn compare(cell: &Cell, value: &Cell) -> Option<Ordering> {
    match value {
        _ if cell.is_null() => None,
        Cell::Number(_) => Some(cell.number()?.compare(value.number()?)),
        Cell::Text(other) => cell.text().map(|text| text.bytes().cmp(other.bytes())),
        _ => None,
    }
}

fn contains(cell: &Cell, value: &Cell) -> bool {
    match cell {
        Cell::Nested(written) => tree(written).map_or(false, |tree| tree.items().iter().any(|item| item.cell().is_same(value))),
        _ => cell.text().zip(value.text()).map_or(false, |(text, part)| text.contains(&part)),
    }
}
