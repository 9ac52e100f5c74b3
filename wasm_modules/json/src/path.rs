//! Paths into JSON values: names with points between them, [0] for an item, [*] for every item, ["a.b"] for any name.

use rlm_module::Error;
use table::scan::Scanner;
use table::{Text, Tree};

/// From a value to one inside it, or to all.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Name(Text<'static>),
    Index(u64),
    All,
}

/// As it is written, and the steps that it stands for.
pub struct Path {
    pub written: String,
    pub steps: Vec<Step>,
}

impl Path {
    /// "" is the whole value.
    pub fn parse(written: &str) -> Result<Path, Error> {
        let wrong = || Error(format!("{written:?} is not a path like user.address.city, items[*].price or [\"a.b\"]"));
        let mut steps = Vec::new();
        let mut rest = written;
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let (step, length) = bracket(inside).ok_or_else(wrong)?;
                steps.push(step);
                rest = &inside[length..];
                continue;
            }
            let name = match rest.strip_prefix('.') {
                Some(behind) if !steps.is_empty() => behind,
                None if steps.is_empty() => rest,
                _ => return Err(wrong()),
            };
            let end = name.find(|character| character == '.' || character == '[').unwrap_or(name.len());
            if end == 0 {
                return Err(wrong());
            }
            steps.push(Step::Name(Text::from(name[..end].to_string())));
            rest = &name[end..];
        }
        Ok(Path { written: written.into(), steps })
    }

    pub fn has_all(&self) -> bool {
        self.steps.contains(&Step::All)
    }
}

/// A step in brackets, and how long it is with the closing one.
fn bracket(inside: &str) -> Option<(Step, usize)> {
    if inside.starts_with('"') {
        let mut scanner = Scanner::new(inside);
        let (written, escapes) = scanner.string().ok()?;
        let name = Text::of_json(written, escapes).into_owned();
        return inside[scanner.place..].starts_with(']').then(|| (Step::Name(name), scanner.place + 1));
    }
    let end = inside.find(']')?;
    let step = match &inside[..end] {
        "*" => Step::All,
        index => Step::Index(index.parse().ok()?),
    };
    Some((step, end + 1))
}

/// Calls `each` for every value that the steps lead to. Gives whether they lead somewhere, if only to an empty list.
pub fn find<'t, 'a>(value: &'t Tree<'a>, steps: &[Step], each: &mut dyn FnMut(&'t Tree<'a>)) -> bool {
    let (step, rest) = match steps.split_first() {
        Some(split) => split,
        None => {
            each(value);
            return true;
        }
    };
    match step {
        Step::All if value.is_list() => {
            let items = value.items();
            items.iter().fold(items.is_empty(), |led, inner| find(inner, rest, each) || led)
        }
        Step::All => false,
        one => step_into(value, one).map_or(false, |inner| find(inner, rest, each)),
    }
}

/// The value that a name or an index leads to.
pub fn step_into<'t, 'a>(value: &'t Tree<'a>, step: &Step) -> Option<&'t Tree<'a>> {
    match step {
        Step::Name(name) => value.member(name),
        Step::Index(index) => value.items().get(*index as usize),
        Step::All => None,
    }
}
