//! The next match of a pattern, also if the pattern looks at what is before the match.
//!
//! The engine's automaton has faults with such patterns. It gives up on `\b` at the first character that is not ASCII, and
//! what takes its place is some twenty times slower. And if a search begins within a text, it takes that place for the text's
//! beginning when it looks for the beginning of a match, so that `\b` or `^` can be wrong right there. Nor does it find `$^`.
//!
//! So a text is searched for a pattern without its word boundaries, which every match is a match of too, and what is found is
//! checked; and a pattern with `^` in it is tried at the place itself first. A text in which most of that is in vain is left
//! to the engine without its automaton: linear time stays.

use crate::{width, Pattern};
use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Anchor, Hir, HirKind, WordBoundary};
use regex_syntax::is_word_character;
use rlm_module::Error;

/// Bytes looked at in vain, beyond those passed, after which the engine searches itself.
const PATIENCE: usize = 1 << 20;

/// What is needed beside a pattern that looks at what is before it.
pub struct Checks {
    /// The pattern without the automaton.
    exact: Regex,
    /// The pattern itself, behind one character, and at the beginning of a text.
    behind: Regex,
    at_start: Regex,
    boundaries: Option<Boundaries>,
}

/// How a pattern with Unicode word boundaries is searched for.
struct Boundaries {
    /// The pattern without them; None if that is no help.
    free: Option<Regex>,
    /// Those at its ends, if there are no others: whether each must be one, or none.
    edges: Option<(Vec<bool>, Vec<bool>)>,
}

impl Checks {
    /// None for a pattern that needs none.
    pub fn new(hir: &Hir) -> Result<Option<Checks>, Error> {
        let boundaries = has_boundary(hir);
        let ends_first = has_end_before_begin(hir);
        if !boundaries && !ends_first && !looks_back(hir) {
            return Ok(None);
        }
        let compiled = |pattern: String, automaton: usize| RegexBuilder::new(&pattern).dfa_size_limit(automaton).build();
        let free = without(hir);
        // What is ASCII's own is too rare for a way of its own.
        let left_to_engine = width::of(&free).least == 0 || has_boundary(&free);
        Ok(Some(Checks {
            exact: compiled(hir.to_string(), 0)?,
            behind: compiled(format!("\\A(?s:.)(?:{hir})"), crate::AUTOMATON)?,
            at_start: compiled(format!("\\A(?:{hir})"), crate::AUTOMATON)?,
            boundaries: match boundaries || ends_first {
                true if left_to_engine || ends_first => Some(Boundaries { free: None, edges: None }),
                true => Some(Boundaries { free: Some(compiled(free.to_string(), crate::AUTOMATON)?), edges: edges(hir) }),
                false => None,
            },
        }))
    }
}

impl Pattern {
    /// What follows a match to its groups.
    pub(crate) fn follower(&self) -> &Regex {
        match &self.checks {
            Some(checks) if checks.boundaries.is_some() => &checks.exact,
            _ => &self.regex,
        }
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
    pub fn find(&mut self, text: &str, from: usize) -> Option<(usize, usize)> {
        let checks = match &self.pattern.checks {
            Some(checks) => checks,
            None => return ends(self.pattern.regex.find_at(text, from)),
        };
        match &checks.boundaries {
            Some(Boundaries { free: Some(free), edges }) if self.wasted < PATIENCE => {
                self.find_bounded(checks, free, edges.as_ref(), text, from)
            }
            Some(_) => ends(checks.exact.find_at(text, from)),
            None if from == 0 => ends(self.pattern.regex.find_at(text, from)),
            None => self.find_anchored(checks, text, from),
        }
    }

    fn find_anchored(&mut self, checks: &Checks, text: &str, from: usize) -> Option<(usize, usize)> {
        if let Some(end) = self.match_at(checks, text, from) {
            return Some((from, end));
        }
        match ends(self.pattern.regex.find_at(text, from)) {
            // It has just been seen not to be so.
            Some((start, _)) if start == from => ends(checks.exact.find_at(text, from)),
            found => found,
        }
    }

    fn find_bounded(
        &mut self,
        checks: &Checks,
        free: &Regex,
        edges: Option<&(Vec<bool>, Vec<bool>)>,
        text: &str,
        from: usize,
    ) -> Option<(usize, usize)> {
        let mut from = from;
        while self.wasted < PATIENCE {
            let begun = from;
            let found = free.find_at(text, from)?;
            if let Some(end) = self.check(checks, edges, text, found.start(), found.end()) {
                return Some((found.start(), end));
            }
            from = found.start() + text[found.start()..].chars().next().map_or(1, char::len_utf8);
            self.wasted = (self.wasted + found.end() - found.start()).saturating_sub(from - begun);
        }
        ends(checks.exact.find_at(text, from))
    }

    /// Where the match that begins at `start` ends, if there is one; without its boundaries it would end at `end`.
    fn check(
        &mut self,
        checks: &Checks,
        edges: Option<&(Vec<bool>, Vec<bool>)>,
        text: &str,
        start: usize,
        end: usize,
    ) -> Option<usize> {
        if let Some((first, last)) = edges {
            if first.iter().any(|&wanted| is_boundary(text, start) != wanted) {
                return None;
            }
            if last.iter().all(|&wanted| is_boundary(text, end) == wanted) {
                return Some(end);
            }
        }
        self.wasted += self.pattern.reach(text, start) - start;
        let found = self.match_at(checks, text, start)?;
        self.wasted = self.wasted.saturating_sub(self.pattern.reach(text, start) - start);
        Some(found)
    }

    /// Where the match that begins at `start` ends, if there is one.
    fn match_at(&self, checks: &Checks, text: &str, start: usize) -> Option<usize> {
        let stop = self.pattern.reach(text, start);
        match text[..start].chars().next_back() {
            Some(before) => {
                let begin = start - before.len_utf8();
                Some(begin + checks.behind.find(&text[begin..stop])?.end())
            }
            None => Some(checks.at_start.find(&text[..stop])?.end()),
        }
    }
}

fn ends(found: Option<regex::Match>) -> Option<(usize, usize)> {
    found.map(|found| (found.start(), found.end()))
}

/// Whether `^` can be wrong within a text: if it does not begin the whole pattern, or if a match can go on behind a line end.
fn looks_back(hir: &Hir) -> bool {
    let begins = match hir.kind() {
        HirKind::Concat(parts) => matches!(parts[0].kind(), HirKind::Anchor(Anchor::StartText)),
        _ => false,
    };
    (has_anchor(hir, &Anchor::StartText) && !begins) || (has_anchor(hir, &Anchor::StartLine) && width::spans_lines(hir))
}

/// Whether a `^` can stand behind a `$`, as in `$^`: the automaton does not find an empty line so.
fn has_end_before_begin(hir: &Hir) -> bool {
    let ends = |part: &Hir| has_anchor(part, &Anchor::EndLine);
    let begins = |part: &Hir| has_anchor(part, &Anchor::StartLine);
    match hir.kind() {
        HirKind::Group(group) => has_end_before_begin(&group.hir),
        HirKind::Repetition(repetition) => ends(&repetition.hir) && begins(&repetition.hir),
        HirKind::Alternation(parts) => parts.iter().any(has_end_before_begin),
        HirKind::Concat(parts) => {
            let behind_end = parts.iter().skip_while(|part| !ends(part)).skip(1);
            parts.iter().any(has_end_before_begin) || behind_end.into_iter().any(begins)
        }
        _ => false,
    }
}

fn has_anchor(hir: &Hir, wanted: &Anchor) -> bool {
    match hir.kind() {
        HirKind::Anchor(anchor) => anchor == wanted,
        HirKind::Group(group) => has_anchor(&group.hir, wanted),
        HirKind::Repetition(repetition) => has_anchor(&repetition.hir, wanted),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(|part| has_anchor(part, wanted)),
        _ => false,
    }
}

fn is_boundary(text: &str, place: usize) -> bool {
    let is_word = |character: Option<char>| character.map_or(false, is_word_character);
    is_word(text[..place].chars().next_back()) != is_word(text[place..].chars().next())
}

fn has_boundary(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::WordBoundary(_) => true,
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

/// The boundaries before the first and behind the last other part, if there are none within.
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
