//! How much memory a module needs depends on its input. So memory is asked for here, and if there is none left, the end is a
//! message, not a trap.

use crate::{abi, Error};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// Whether who asks for memory right now can do without it.
static ASKING: AtomicBool = AtomicBool::new(false);

/// Memory for the last words, given back when there is none left.
static KEPT: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
const KEPT_LAYOUT: Layout = Layout::new::<[u64; 8192]>();

/// Called once, before the work begins.
pub fn keep_some() {
    KEPT.store(unsafe { System.alloc(KEPT_LAYOUT) }, Ordering::Relaxed);
}

/// The system's own, with a message at its end.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        or_end(System.alloc(layout), layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        or_end(System.alloc_zeroed(layout), layout.size())
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        or_end(System.realloc(old, layout, size), size)
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        System.dealloc(old, layout)
    }
}

/// The address, unless it is null and nobody can do without the memory.
fn or_end(address: *mut u8, size: usize) -> *mut u8 {
    if address.is_null() && !ASKING.load(Ordering::Relaxed) {
        ASKING.store(true, Ordering::Relaxed);
        let kept = KEPT.swap(std::ptr::null_mut(), Ordering::Relaxed);
        if !kept.is_null() {
            unsafe { System.dealloc(kept, KEPT_LAYOUT) };
        }
        abi::last_words(&format!("out of memory: {size} bytes more are not there; work on a part, or ask for less"));
        std::process::abort();
    }
    address
}

/// Makes room for `more` elements in a vector. If there is none, `needs` says in the error what it was for.
pub fn reserve<T>(vector: &mut Vec<T>, more: usize, needs: impl FnOnce() -> String) -> Result<(), Error> {
    keep(|| vector.try_reserve(more).is_ok(), needs)
}

/// Runs `grow`, which says whether there was room. If there was none, `needs` says in the error what it was for.
pub fn keep(grow: impl FnOnce() -> bool, needs: impl FnOnce() -> String) -> Result<(), Error> {
    ASKING.store(true, Ordering::Relaxed);
    let there_was = grow();
    ASKING.store(false, Ordering::Relaxed);
    if there_was {
        Ok(())
    } else {
        Err(Error(format!("out of memory: {}", needs())))
    }
}
