//! The values of some paths of a row, without building the rest of it.

use crate::input::{NotRow, Row};
use crate::path::{step_into, Path, Step};
use rlm_module::Error;
use smallvec::SmallVec;
use table::scan::{Broken, Scanner};
use table::{Cell, Query, Text, Tree};

/// A branching of a query's paths: the columns that want a value itself, and under which names and indexes of it there are
/// more.
#[derive(Default)]
struct Node {
    columns: Vec<usize>,
    names: Vec<(Text<'static>, Node)>,
    items: Vec<(u64, Node)>,
}

/// What a query needs of each row. `beyond`: some row had what only Python's JSON can hold.
pub struct Plan {
    pub beyond: bool,
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
        Ok(Plan { beyond: false, root, paths, repeated })
    }

    /// Gives the query what it wants of a row. `seen`: the columns that some row has had.
    pub fn feed(&mut self, row: &Row, seen: &mut [bool], query: &mut dyn Query) -> Result<bool, NotRow> {
        let mut scanner = Scanner::new(row.text);
        if !self.repeated.is_empty() {
            let value = scanner.whole(Tree::read)?;
            self.beyond |= scanner.beyond;
            return Ok(self.feed_repeated(&value, row, seen, query)?);
        }
        let mut cells: SmallVec<[Cell; 8]> = SmallVec::new();
        cells.resize_with(self.paths.len(), || Cell::Null);
        scanner.whole(|scanner| take(scanner, &self.root, &mut cells, seen))?;
        self.beyond |= scanner.beyond;
        Ok(query.take(&cells, &row.place)?)
    }

    fn feed_repeated(&self, value: &Tree, row: &Row, seen: &mut [bool], query: &mut dyn Query) -> Result<bool, Error> {
        let mut found: Vec<Option<&Tree>> = vec![None; self.paths.len()];
        let paths: Vec<_> = self.paths.iter().enumerate().map(|(column, path)| (column, path.steps.as_slice())).collect();
        let mut each = |found: &[Option<&Tree>]| {
            let cells: Vec<Cell> = found.iter().map(|value| value.map_or(Cell::Null, Tree::cell)).collect();
            query.take(&cells, &row.place)
        };
        for (path, seen) in self.paths.iter().zip(seen.iter_mut()) {
            *seen = *seen || crate::path::find(value, &path.steps, &mut |_| {});
        }
        repeat(value, &self.repeated, &paths, &mut found, &mut each)
    }
}

/// Calls `each` with what the paths lead to, once for every item that the steps in common lead to.
fn repeat<'t, 'a>(
    value: &'t Tree<'a>,
    common: &[Step],
    paths: &[(usize, &[Step])],
    found: &mut Vec<Option<&'t Tree<'a>>>,
    each: &mut dyn FnMut(&[Option<&'t Tree<'a>>]) -> Result<bool, Error>,
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
    let inner: Vec<&Tree> = match step {
        Step::All => value.items().iter().collect(),
        one => step_into(value, one).into_iter().collect(),
    };
    for value in inner {
        if !repeat(value, rest, &deeper, found, each)? {
            return Ok(false);
        }
    }
    Ok(true)
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
        cells[column] = Cell::of_json(&scanner.text[start..scanner.place]);
        seen[column] = true;
    }
    Ok(())
}

fn members<'a>(scanner: &mut Scanner<'a>, node: &Node, cells: &mut [Cell<'a>], seen: &mut [bool]) -> Result<(), Broken> {
    let mut more = scanner.open(b'{', b'}')?;
    let mut had = 0u64;
    while more {
        let (written, escapes) = scanner.string()?;
        let name = Text::of_json(written, escapes);
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
