//! The values of some paths of a row, without building the rest of it.

use crate::input::{NotRow, Row};
use crate::path::{Path, Step};
use crate::scan::{Broken, Scanner};
use rlm_module::{Error, Value};
use smallvec::SmallVec;
use std::borrow::Cow;
use table::{Cell, Number, Query};

/// A branching of a query's paths: the columns that want a value itself, and under which names and indexes of it there are
/// more.
#[derive(Default)]
struct Node {
    columns: Vec<usize>,
    names: Vec<(String, Node)>,
    items: Vec<(u64, Node)>,
}

/// What a query needs of each row.
pub struct Plan {
    root: Node,
    paths: Vec<Path>,
    /// The longest part of the paths that ends in [*]: a row is repeated for what it leads to.
    repeated: Vec<Step>,
}

impl Plan {
    pub fn new(columns: &[String]) -> Result<Plan, Error> {
        let paths: Vec<Path> = columns.iter().map(|column| Path::parse(column)).collect::<Result<_, _>>()?;
        let list = |path: &Path| {
            path.steps[..path.steps.iter().rposition(|step| *step == Step::All).map_or(0, |last| last + 1)].to_vec()
        };
        let repeated = paths.iter().map(list).max_by_key(Vec::len).unwrap_or_default();
        if let Some(other) = paths.iter().find(|path| !repeated.starts_with(&list(path))) {
            let one = paths.iter().find(|path| list(path) == repeated).map_or("", |path| &path.written);
            return Err(Error(format!(
                "{one:?} and {:?} repeat over two different lists: ask for one at a time",
                other.written
            )));
        }
        let mut root = Node::default();
        for (column, path) in paths.iter().enumerate() {
            root.add(&path.steps, column);
        }
        Ok(Plan { root, paths, repeated })
    }

    /// Gives the query what it wants of a row. `seen`: the columns that some row has had.
    pub fn feed(&self, row: &Row, seen: &mut [bool], query: &mut dyn Query) -> Result<bool, NotRow> {
        if !self.repeated.is_empty() {
            return self.feed_repeated(row, seen, query);
        }
        let mut cells: SmallVec<[Cell; 8]> = SmallVec::new();
        cells.resize_with(self.paths.len(), || Cell::Null);
        Scanner::new(row.text).whole(|scanner| take(scanner, &self.root, &mut cells, seen))?;
        Ok(query.take(&cells, &row.place)?)
    }

    fn feed_repeated(&self, row: &Row, seen: &mut [bool], query: &mut dyn Query) -> Result<bool, NotRow> {
        let value: Value = serde_json::from_str(row.text).map_err(|_| NotRow::Broken)?;
        let mut found: Vec<Option<&Value>> = vec![None; self.paths.len()];
        let paths: Vec<_> = self.paths.iter().enumerate().map(|(column, path)| (column, path.steps.as_slice())).collect();
        let mut each = |found: &[Option<&Value>]| {
            let cells: Vec<Cell> = found.iter().map(|value| value.map_or(Cell::Null, cell)).collect();
            query.take(&cells, &row.place)
        };
        for (path, seen) in self.paths.iter().zip(seen.iter_mut()) {
            *seen = *seen || crate::path::find(&value, &path.steps, &mut |_| {});
        }
        Ok(repeat(&value, &self.repeated, &paths, &mut found, &mut each)?)
    }
}

/// Calls `each` with what the paths lead to, once for every item that the steps in common lead to.
fn repeat<'v>(
    value: &'v Value,
    common: &[Step],
    paths: &[(usize, &[Step])],
    found: &mut Vec<Option<&'v Value>>,
    each: &mut dyn FnMut(&[Option<&'v Value>]) -> Result<bool, Error>,
) -> Result<bool, Error> {
    // A path that leaves the steps in common has its one value here.
    let stays = |steps: &[Step]| !common.is_empty() && steps.first() == common.first() && steps.contains(&Step::All);
    let (deeper, own): (Vec<_>, Vec<_>) = paths.iter().copied().partition(|(_, steps)| stays(steps));
    for (column, steps) in own {
        found[column] = None;
        crate::path::find(value, steps, &mut |inner| found[column] = Some(inner));
    }
    let (step, rest) = match common.split_first() {
        Some(split) => split,
        None => return each(found),
    };
    let deeper: Vec<(usize, &[Step])> = deeper.into_iter().map(|(column, steps)| (column, &steps[1..])).collect();
    let inner: Vec<&Value> = match (step, value) {
        (Step::All, Value::Array(items)) => items.iter().collect(),
        (Step::Name(name), Value::Object(members)) => members.get(name).into_iter().collect(),
        (Step::Index(index), Value::Array(items)) => items.get(*index as usize).into_iter().collect(),
        _ => Vec::new(),
    };
    for value in inner {
        if !repeat(value, rest, &deeper, found, each)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn cell(value: &Value) -> Cell<'static> {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(value) => Cell::Boolean(*value),
        Value::String(text) => Cell::Text(Cow::Owned(text.clone())),
        Value::Number(number) => Cell::Number(match number.as_i64() {
            Some(integer) => Number::Integer(integer),
            None => Number::Float(number.as_f64().unwrap_or(f64::MAX)),
        }),
        nested => Cell::Nested(Cow::Owned(nested.to_string())),
    }
}

/// Passes a value, and keeps of it what the node wants.
fn take<'a>(scanner: &mut Scanner<'a>, node: &Node, cells: &mut [Cell<'a>], seen: &mut [bool]) -> Result<(), Broken> {
    let first = scanner.peek();
    let start = scanner.place;
    match first {
        b'{' if !node.names.is_empty() => members(scanner, node, cells, seen)?,
        b'[' if !node.items.is_empty() => items(scanner, node, cells, seen)?,
        _ => drop(scanner.value()?),
    }
    for &column in &node.columns {
        cells[column] = parse(&scanner.text[start..scanner.place])?;
        seen[column] = true;
    }
    Ok(())
}

fn members<'a>(scanner: &mut Scanner<'a>, node: &Node, cells: &mut [Cell<'a>], seen: &mut [bool]) -> Result<(), Broken> {
    let mut more = scanner.open(b'{', b'}')?;
    let mut had = 0u64;
    while more {
        let (written, escapes) = scanner.string()?;
        let name = text(written, escapes)?;
        scanner.expect(b':')?;
        match node.names.iter().position(|(wanted, _)| *wanted == name) {
            Some(place) => {
                let inner = &node.names[place].1;
                // Of a name that occurs twice the last one counts, whole.
                if had >> (place & 63) & 1 == 1 {
                    inner.clear(cells);
                }
                had |= 1 << (place & 63);
                take(scanner, inner, cells, seen)?;
            }
            None => drop(scanner.value()?),
        }
        more = scanner.more(b'}')?;
    }
    Ok(())
}

fn items<'a>(scanner: &mut Scanner<'a>, node: &Node, cells: &mut [Cell<'a>], seen: &mut [bool]) -> Result<(), Broken> {
    let mut more = scanner.open(b'[', b']')?;
    let mut index = 0;
    while more {
        match node.items.iter().find(|(wanted, _)| *wanted == index) {
            Some((_, inner)) => take(scanner, inner, cells, seen)?,
            None => drop(scanner.value()?),
        }
        index += 1;
        more = scanner.more(b']')?;
    }
    Ok(())
}

/// The cell of a value that was passed.
fn parse(written: &str) -> Result<Cell, Broken> {
    Ok(match written.as_bytes()[0] {
        b'"' => Cell::Text(text(&written[1..written.len() - 1], written.contains('\\'))?),
        b't' => Cell::Boolean(true),
        b'f' => Cell::Boolean(false),
        b'n' => Cell::Null,
        b'{' | b'[' => Cell::Nested(Cow::Borrowed(written)),
        _ => Cell::Number(table::number(written).ok_or(Broken)?),
    })
}

/// A string's text, from what is written between its quotes.
pub fn text(written: &str, escapes: bool) -> Result<Cow<str>, Broken> {
    if !escapes {
        return Ok(Cow::Borrowed(written));
    }
    serde_json::from_str(&format!("\"{written}\"")).map(Cow::Owned).map_err(|_| Broken)
}

impl Node {
    /// Nothing of it is there.
    fn clear(&self, cells: &mut [Cell]) {
        self.columns.iter().for_each(|&column| cells[column] = Cell::Null);
        let inner = self.names.iter().map(|(_, inner)| inner).chain(self.items.iter().map(|(_, inner)| inner));
        inner.for_each(|inner| inner.clear(cells));
    }

    fn add(&mut self, steps: &[Step], column: usize) {
        let (step, rest) = match steps.split_first() {
            Some(split) => split,
            None => return self.columns.push(column),
        };
        let next = match step {
            Step::Name(name) => entry(&mut self.names, name.clone()),
            Step::Index(index) => entry(&mut self.items, *index),
            Step::All => return,
        };
        next.add(rest, column);
    }
}

fn entry<K: PartialEq>(nodes: &mut Vec<(K, Node)>, key: K) -> &mut Node {
    let place = nodes.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
        nodes.push((key, Node::default()));
        nodes.len() - 1
    });
    &mut nodes[place].1
}
