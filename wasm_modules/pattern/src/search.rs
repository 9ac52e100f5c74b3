//! The next match of a pattern, also with Unicode word boundaries.
//!
//! The engine's automaton gives up on `\b` at the first character that is not ASCII, and what takes its place is some
//! twenty times slower. So the text is searched for the pattern without its boundaries, which every match is a match of
//! too, and what is found is checked. A text in which most of that is in vain is left to the engine: linear time stays.

use crate::{width, Pattern};
use regex::Regex;
use regex_syntax::hir::{Hir, HirKind, WordBoundary};
use regex_syntax::is_word_character;

/// Bytes looked at in vain, beyond those passed, after which the engine searches itself.
const PATIENCE: usize = 1 << 20;

/// A pattern taken apart at its word boundaries.
pub struct Bounded {
    free: Regex,
    /// The pattern itself, behind one character, and at the beginning of a text.
    behind: Regex,
    at_start: Regex,
    /// The boundaries at its ends, where there are no others: whether each must be one, or none.
    edges: Option<(Vec<bool>, Vec<bool>)>,
}

impl Bounded {
    /// None for a pattern that needs no such help.
    pub fn new(hir: &Hir) -> Option<Bounded> {
        let free = without(hir);
        if !has_boundary(hir) || width::of(&free).least == 0 {
            return None;
        }
        let compiled = |pattern: String| Regex::new(&pattern).ok();
        Some(Bounded {
            free: compiled(free.to_string())?,
            behind: compiled(format!("\\A(?s:.)(?:{hir})"))?,
            at_start: compiled(format!("\\A(?:{hir})"))?,
            edges: edges(hir),
        })
    }
}

/// Searches one text after the other, which are one document.
pub struct Search<'p> {
    pattern: &'p Pattern,
    wasted: usize,
}

impl<'p> Search<'p> {
    pub fn new(pattern: &'p Pattern) -> Search<'p> {
        Search { pattern, wasted: 0 }
    }

    /// The first match that begins at `from` or later: [start, end).
    pub fn find(&mut self, text: &str, is_ascii: bool, from: usize) -> Option<(usize, usize)> {
        match &self.pattern.bounded {
            Some(bounded) if !is_ascii && self.wasted < PATIENCE => self.find_bounded(bounded, text, from),
            _ => self.pattern.engine(is_ascii).find_at(text, from).map(|found| (found.start(), found.end())),
        }
    }

    fn find_bounded(&mut self, bounded: &Bounded, text: &str, from: usize) -> Option<(usize, usize)> {
        let mut from = from;
        while self.wasted < PATIENCE {
            let begun = from;
            let found = bounded.free.find_at(text, from)?;
            if let Some(end) = self.checked(bounded, text, found.start(), found.end()) {
                return Some((found.start(), end));
            }
            from = found.start() + text[found.start()..].chars().next().map_or(1, char::len_utf8);
            self.wasted = (self.wasted + found.end() - found.start()).saturating_sub(from - begun);
        }
        self.find(text, false, from)
    }

    /// Where the match that begins at `start` ends, if there is one; without the boundaries it would end at `end`.
    fn checked(&mut self, bounded: &Bounded, text: &str, start: usize, end: usize) -> Option<usize> {
        if let Some((first, last)) = &bounded.edges {
            if first.iter().any(|&wanted| is_boundary(text, start) != wanted) {
                return None;
            }
            if last.iter().all(|&wanted| is_boundary(text, end) == wanted) {
                return Some(end);
            }
        }
        let stop = self.pattern.reach(text, start);
        self.wasted += stop - start;
        let found = match text[..start].chars().next_back() {
            Some(before) => bounded.behind.find(&text[start - before.len_utf8()..stop])?.end() - before.len_utf8(),
            None => bounded.at_start.find(&text[..stop])?.end(),
        };
        self.wasted = self.wasted.saturating_sub(stop - start);
        Some(start + found)
    }
}

fn is_boundary(text: &str, place: usize) -> bool {
    let is_word = |character: Option<char>| character.map_or(false, is_word_character);
    is_word(text[..place].chars().next_back()) != is_word(text[place..].chars().next())
}

/// Whether there is a Unicode word boundary in it.
pub fn has_boundary(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::WordBoundary(kind) => unicode(kind).is_some(),
        HirKind::Group(group) => has_boundary(&group.hir),
        HirKind::Repetition(repetition) => has_boundary(&repetition.hir),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_boundary),
        _ => false,
    }
}

/// Whether it must be a boundary, or none; None for those of ASCII, which need no help.
fn unicode(kind: &WordBoundary) -> Option<bool> {
    match kind {
        WordBoundary::Unicode => Some(true),
        WordBoundary::UnicodeNegate => Some(false),
        WordBoundary::Ascii | WordBoundary::AsciiNegate => None,
    }
}

/// The pattern without its Unicode word boundaries.
fn without(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::WordBoundary(kind) if unicode(kind).is_some() => Hir::empty(),
        HirKind::Group(group) => {
            let mut group = group.clone();
            group.hir = Box::new(without(&group.hir));
            Hir::group(group)
        }
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            repetition.hir = Box::new(without(&repetition.hir));
            Hir::repetition(repetition)
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(without).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(without).collect()),
        _ => hir.clone(),
    }
}

/// The boundaries before the first and behind the last other part, where there are none within.
fn edges(hir: &Hir) -> Option<(Vec<bool>, Vec<bool>)> {
    let parts = match hir.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        _ => return None,
    };
    let wanted = |part: &Hir| match part.kind() {
        HirKind::WordBoundary(kind) => unicode(kind),
        _ => None,
    };
    let first: Vec<bool> = parts.iter().map_while(wanted).collect();
    let last: Vec<bool> = parts.iter().rev().map_while(wanted).collect();
    let within = parts.get(first.len()..parts.len().checked_sub(last.len())?)?;
    (!within.iter().any(has_boundary)).then(|| (first, last))
}
