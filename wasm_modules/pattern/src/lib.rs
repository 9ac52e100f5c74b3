//! Regular expressions over documents of any size, read piece by piece.
//!
//! syntax   what is not supported, and its message
//! width    how many bytes a match can have, and whether it can have a line end
//! search   the next match
//! scan     every match, in order, whatever the pieces
//! groups   the texts of a match's groups; split: without following the pattern again
//! counter  how often each value occurs

mod counter;
mod groups;
mod scan;
mod search;
mod split;
mod syntax;
mod width;

pub use counter::Counter;
pub use groups::Groups;
pub use scan::{scan, scan_behind, Found};

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::translate::TranslatorBuilder;
use regex_syntax::hir::Hir;
use rlm_module::Error;

/// Above this a compiled pattern is refused (bytes).
const PROGRAM: usize = 16 << 20;
/// What its automaton may take while it runs (bytes).
const AUTOMATON: usize = 16 << 20;

/// Characters of a pattern that a message shows.
const SHOWN: usize = 200;

/// How a pattern is compiled.
#[derive(Clone, Copy, Default)]
pub struct Flags {
    pub ignore_case: bool,
    pub multi_line: bool,
}

/// A compiled pattern.
pub struct Pattern {
    pub regex: Regex,
    hir: Hir,
    /// The longest match in bytes, if there is a longest.
    longest: Option<usize>,
    /// Whether a match can have a line end in it.
    spans_lines: bool,
    checks: Option<search::Checks>,
    text: String,
}

impl Pattern {
    /// An error names the construct that is not supported, and what to write instead.
    pub fn new(pattern: &str, flags: Flags) -> Result<Pattern, Error> {
        let tree = syntax::parse(pattern)?;
        let hir = TranslatorBuilder::new()
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.multi_line)
            .build()
            .translate(pattern, &tree)
            .map_err(|error| syntax::explain(pattern, &error.into()))?;
        let too_large =
            |_| Error(format!("{:?} is too large when it is compiled: use smaller repetition counts", shown(pattern)));
        let regex = RegexBuilder::new(pattern)
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.multi_line)
            .size_limit(PROGRAM)
            .dfa_size_limit(AUTOMATON)
            .build()
            .map_err(too_large)?;
        let width = width::of(&hir);
        Ok(Pattern {
            regex,
            longest: width.most,
            spans_lines: width::spans_lines(&hir),
            checks: search::Checks::new(&hir)?,
            hir,
            text: shown(pattern),
        })
    }
}

/// For a message.
fn shown(pattern: &str) -> String {
    match pattern.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &pattern[..end]),
        None => pattern.into(),
    }
}
