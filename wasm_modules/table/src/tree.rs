//! A JSON value with what is inside it, each as it is written.

use crate::scan::{Broken, Scanner};
use crate::{Cell, Text};
use std::borrow::Cow;
use std::collections::HashMap;

/// One value.
pub struct Tree<'a> {
    pub written: &'a str,
    pub inside: Inside<'a>,
}

/// What a value has in it. Of members with one name the last one counts.
pub enum Inside<'a> {
    Nothing,
    Items(Vec<Tree<'a>>),
    Members(Vec<(Text<'a>, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    pub fn read(scanner: &mut Scanner<'a>) -> Result<Tree<'a>, Broken> {
        let first = scanner.peek();
        let start = scanner.place;
        let inside = match first {
            b'[' => {
                let mut items = Vec::new();
                let mut more = scanner.open(b'[', b']')?;
                while more {
                    items.push(Tree::read(scanner)?);
                    more = scanner.more(b']')?;
                }
                Inside::Items(items)
            }
            b'{' => {
                let mut members = Vec::new();
                let mut more = scanner.open(b'{', b'}')?;
                while more {
                    let (written, escapes) = scanner.string()?;
                    scanner.expect(b':')?;
                    members.push((Text::of_json(written, escapes), Tree::read(scanner)?));
                    more = scanner.more(b'}')?;
                }
                Inside::Members(members)
            }
            _ => {
                scanner.value()?;
                Inside::Nothing
            }
        };
        Ok(Tree { written: &scanner.text[start..scanner.place], inside })
    }

    pub fn cell(&self) -> Cell<'a> {
        Cell::of_json(self.written)
    }

    pub fn member(&self, name: &Text) -> Option<&Tree<'a>> {
        match &self.inside {
            Inside::Members(members) => members.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn is_list(&self) -> bool {
        matches!(self.inside, Inside::Items(_))
    }

    pub fn items(&self) -> &[Tree<'a>] {
        match &self.inside {
            Inside::Items(items) => items,
            _ => &[],
        }
    }

    /// 1 is 1.0, also within lists and objects.
    pub fn is_same(&self, other: &Tree) -> bool {
        match (&self.inside, &other.inside) {
            (Inside::Items(one), Inside::Items(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.is_same(other))
            }
            (Inside::Members(one), Inside::Members(other)) => {
                let one: HashMap<&Text, &Tree> = one.iter().map(|(name, value)| (name, value)).collect();
                let other: HashMap<&Text, &Tree> = other.iter().map(|(name, value)| (name, value)).collect();
                let has = |(name, value): (&&Text, &&Tree)| other.get(*name).map_or(false, |other| value.is_same(other));
                one.len() == other.len() && one.iter().all(has)
            }
            (Inside::Nothing, Inside::Nothing) => self.cell().is_same(&other.cell()),
            _ => false,
        }
    }

    /// Without spaces, and texts in one form.
    pub fn write(&self, out: &mut Vec<u8>) {
        match &self.inside {
            Inside::Nothing => self.cell().write(out),
            Inside::Items(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Inside::Members(members) => {
                out.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    name.write(out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

/// The tree of JSON that was scanned already.
pub fn tree<'a>(written: &'a Cow<str>) -> Option<Tree<'a>> {
    Scanner::new(written).whole(Tree::read).ok()
}
