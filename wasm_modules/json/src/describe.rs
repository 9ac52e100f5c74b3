//! Which paths there are, how often, and with what types.

use crate::input::{rows, BrokenLines};
use rlm_module::{json, Error, Map, Request, Value};
use table::scan::{Broken, Scanner};
use table::Text;

/// Names are often data: a list of all would be as large as the input.
const MOST_PATHS: usize = 200;
/// In the order of `kind`.
const KINDS: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];

/// What there is at one path, and below it.
#[derive(Default)]
struct Node {
    kinds: [u64; KINDS.len()],
    members: Vec<(Text<'static>, Node)>,
    items: Option<Box<Node>>,
}

/// The root, and how many paths there are.
#[derive(Default)]
struct Paths {
    root: Node,
    count: usize,
    left_out: bool,
}

pub fn describe(request: &Request) -> Result<Value, Error> {
    request.each(|document| {
        let mut broken = BrokenLines::default();
        let mut paths = Paths::default();
        let mut count = 0u64;
        let (_, form) = rows(document, &mut broken, |row| {
            Scanner::new(row.text).whole(|scanner| scanner.value().map(drop))?;
            let mut root = std::mem::take(&mut paths.root);
            let passed = paths.pass(&mut Scanner::new(row.text), &mut root);
            paths.root = root;
            passed?;
            count += 1;
            Ok(true)
        })?;
        let mut found = Vec::new();
        paths.root.write("", &mut found);
        let mut described = Map::new();
        described.insert("format".into(), form.name().into());
        described.insert("rows".into(), count.into());
        described.insert("paths".into(), found.into());
        if paths.left_out {
            described.insert("more_paths".into(), true.into());
        }
        described.insert("broken".into(), broken.report());
        Ok(described)
    })
}

impl Paths {
    fn pass(&mut self, scanner: &mut Scanner, node: &mut Node) -> Result<(), Broken> {
        let first = scanner.peek();
        match first {
            b'{' => self.members(scanner, node)?,
            b'[' => self.items(scanner, node)?,
            _ => node.kinds[kind(first, scanner.value()?)] += 1,
        }
        Ok(())
    }

    fn members(&mut self, scanner: &mut Scanner, node: &mut Node) -> Result<(), Broken> {
        node.kinds[6] += 1;
        let mut more = scanner.open(b'{', b'}')?;
        let mut place = 0;
        while more {
            let (written, escapes) = scanner.string()?;
            let name = Text::of_json(written, escapes);
            scanner.expect(b':')?;
            // Rows of one kind have their members in one order.
            let known = match node.members.get(place) {
                Some((at_place, _)) if *at_place == name => Some(place),
                _ => node.members.iter().position(|(known, _)| *known == name),
            };
            match known {
                Some(known) => self.pass(scanner, &mut node.members[known].1)?,
                None if self.is_full() => drop(scanner.value()?),
                None => {
                    let mut inner = Node::default();
                    self.pass(scanner, &mut inner)?;
                    node.members.push((name.into_owned(), inner));
                }
            }
            place += 1;
            more = scanner.more(b'}')?;
        }
        Ok(())
    }

    fn items(&mut self, scanner: &mut Scanner, node: &mut Node) -> Result<(), Broken> {
        node.kinds[5] += 1;
        let mut more = scanner.open(b'[', b']')?;
        while more {
            if node.items.is_some() || !self.is_full() {
                let mut inner = node.items.take().unwrap_or_default();
                self.pass(scanner, &mut inner)?;
                node.items = Some(inner);
            } else {
                scanner.value()?;
            }
            more = scanner.more(b']')?;
        }
        Ok(())
    }

    /// Whether no new path is taken; if not, there is one more now.
    fn is_full(&mut self) -> bool {
        self.left_out |= self.count == MOST_PATHS;
        self.count += usize::from(self.count < MOST_PATHS);
        self.left_out
    }
}

impl Node {
    fn write(&self, path: &str, found: &mut Vec<Value>) {
        let kinds: Map<String, Value> = KINDS
            .iter()
            .zip(self.kinds)
            .filter(|(_, times)| *times > 0)
            .map(|(kind, times)| (kind.to_string(), times.into()))
            .collect();
        if !path.is_empty() {
            found.push(json!({"path": path, "types": kinds, "count": self.kinds.iter().sum::<u64>()}));
        }
        for (name, inner) in &self.members {
            match (plain(name), path.is_empty()) {
                (Some(name), true) => inner.write(name, found),
                (Some(name), false) => inner.write(&format!("{path}.{name}"), found),
                (None, _) => {
                    let mut written = Vec::new();
                    name.write(&mut written);
                    inner.write(&format!("{path}[{}]", String::from_utf8_lossy(&written)), found);
                }
            }
        }
        if let Some(inner) = &self.items {
            inner.write(&format!("{path}[*]"), found);
        }
    }
}

/// A name that needs no brackets in a path.
fn plain<'t>(name: &'t Text) -> Option<&'t str> {
    let name = std::str::from_utf8(name.bytes()).ok()?;
    let is_special = |character| matches!(character, '.' | '[' | ']' | '"');
    (!name.is_empty() && !name.contains(is_special)).then(|| name)
}

fn kind(first: u8, written: &str) -> usize {
    match first {
        b'n' => 0,
        b't' | b'f' => 1,
        b'"' => 4,
        _ if written.contains(|character| matches!(character, '.' | 'e' | 'E')) => 3,
        _ => 2,
    }
}
