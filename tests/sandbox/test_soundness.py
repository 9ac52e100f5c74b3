"""A component whose memory is its whole state: what is refused, what is mended, and that the guest is one."""

import pytest
import wasmtime
from wasmtime.component import Component, Linker

from orchestrator.errors import SandboxError
from orchestrator.sandbox.build import cache, soundness
from orchestrator.sandbox.build.soundness import make_sound
from orchestrator.sandbox.engine import _configure
from orchestrator.sandbox.memory.memory import supplying

# A type number that reads like an instruction (i32.const), which takes what follows as its own.
TYPES, TYPED = " ".join(f"(type (func (param {'i32 ' * length})))" for length in range(66)), "(ref null 65)"


def of(*modules):
    """A component of core modules, as bytes."""
    inside = "".join(f"(core module {module})" for module in modules)
    return bytes(wasmtime.wat2wasm(f"(component {inside})"))


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("(memory 1) (table 1 funcref) (func (table.set (i32.const 0) (ref.null func)))", "an instruction is not allowed: 26 00"),
        ("(memory 1) (table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1))))", "an instruction is not allowed: fc 0f"),
        ("(memory 1) (table 1 funcref) (func (table.fill (i32.const 0) (ref.null func) (i32.const 1)))", "an instruction is not allowed: fc 11"),
        ("(memory 1) (table 2 funcref) (func (table.copy (i32.const 0) (i32.const 1) (i32.const 1)))", "an instruction is not allowed: fc 0e"),
        ("(memory 1) (table 1 funcref) (elem $e func 0) (func (table.init $e (i32.const 0) (i32.const 0) (i32.const 0)))", "an instruction is not allowed: fc 0c"),
        ("(memory 1) (table 1 funcref) (elem $e func 0) (func (elem.drop $e))", "an instruction is not allowed: fc 0d"),
        ('(memory 1) (func (data.drop 0)) (data "a")', "an instruction is not allowed: fc 09"),
        ('(memory 1) (func (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1))) (data "a")', "an instruction is not allowed: fc 08"),
        ("(memory 1) (func (result v128) (v128.const i64x2 0 0))", "an instruction is not allowed: fd 0c"),
        ("(memory 1) (func (drop (i32.atomic.load (i32.const 0))))", "an instruction is not allowed: fe 10"),
        ("(memory 1) (func $f (return_call $f))", "an instruction is not allowed: 12 00"),
        ("(memory 1) (tag $t) (func (throw $t))", "an instruction is not allowed: 08 00"),
        (f"(memory 1) {TYPES} (func (drop (select (result {TYPED}) (ref.null 65) (ref.null 65) (i32.const 0))))", "an instruction is not allowed: d0 c1"),
        (f"(memory 1) {TYPES} (func (drop (block (result {TYPED}) (ref.null 65))))", "an instruction is not allowed: 02 63"),
        (f"(memory 1) {TYPES} (func (local {TYPED}))", "a type is not allowed: 63"),
        ("(memory 1) (func $f) (start $f)", "a module has a start function"),
        ("(memory 1) (memory 1)", "a module has several memories"),
        ("(memory 1 2 shared)", "a memory is shared, or not of 32 bits"),
        ("(memory i64 1)", "a memory is shared, or not of 32 bits"),
        ('(memory 1) (data "passive")', "a data segment has no fixed place in the module's own memory"),
        ('(memory 1) (global i32 (i32.const 5)) (data (global.get 0) "a")', "a data segment has no fixed place in the module's own memory"),
        ('(memory 1) (data (i32.const 65535) "ab")', "a data segment lies outside the memory"),
        ('(import "env" "memory" (memory 1)) (data (i32.const 0) "a")', "a data segment has no fixed place in the module's own memory"),
        ("", "it has no memory"),
        ("(memory 4097)", "its memory begins with 4097 pages of 65536 bytes; 4096 is the limit"),
    ],
)  # fmt: skip
def test_a_component_with_other_state_is_refused(module, why):
    """The whole message."""
    with pytest.raises(SandboxError) as error:
        make_sound(of(module))
    assert str(error.value) == f"the guest cannot be forked: {why}"


# What the instructions after 70 types and 66 locals are read as, one byte later: call 65, i32.const 32, i32.const 38, ...
HIDDEN = "(table.set (i32.const -63) (local.get 65))"


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (f"(local (ref null 16)) {HIDDEN}", "a type is not allowed: 63"),
        (f"(drop (block (result (ref null 16)) {HIDDEN} (ref.null 16)))", "an instruction is not allowed: 02 63"),
        (f"(loop (result (ref 16)) {HIDDEN} unreachable) drop", "an instruction is not allowed: 03 64"),
        (f"local.get 66 local.get 66 (select (result (ref null 16)) (i32.const 0)) {HIDDEN} drop", "an instruction is not allowed: 1c 01"),
    ],
)  # fmt: skip
def test_no_instruction_hides_behind_a_type_of_two_bytes(function, why):
    """The second byte would be read as a call, whose function is the first byte of the next instruction."""
    types = "".join(f"(type (func (param {'i32 ' * count})))" for count in range(70))
    with pytest.raises(SandboxError) as error:
        make_sound(of(f"(memory 1) (table 1 funcref) {types} (func (local {'funcref ' * 66}) {function})"))
    assert str(error.value) == f"the guest cannot be forked: {why}"


@pytest.mark.parametrize("import_", ["(table 1 (ref null 0))", "(global (mut (ref null 0)))", "(global v128)"])
def test_an_import_of_another_type_is_refused(import_):
    """The number of the stack pointer is counted from the imports."""
    with pytest.raises(SandboxError) as error:
        make_sound(of(f'(type (func)) (import "a" "b" {import_}) (memory 1)'))
    assert str(error.value).startswith("the guest cannot be forked: a type is not allowed: ")


def test_two_modules_with_a_memory_each_are_refused():
    """A fork maps one."""
    with pytest.raises(SandboxError) as error:
        make_sound(of("(memory 1)", "(memory 1)"))
    assert str(error.value) == "the guest cannot be forked: it has several memories"


@pytest.mark.parametrize(
    "content", [b"", b"\0asm\x01\0\0\0", b"not wasm at all", bytes(wasmtime.wat2wasm("(module (memory 1))"))]
)
def test_what_is_no_component_is_refused(content):
    """A module, an empty file, anything."""
    with pytest.raises(SandboxError) as error:
        make_sound(content)
    assert str(error.value) == "the guest cannot be forked: it is no WebAssembly component"


@pytest.mark.parametrize("damage", [lambda whole: whole[:-3], lambda whole: whole[:8] + b"\x01" + b"\x80" * 1_000_000 + b"\0"])
def test_what_is_cut_off_or_damaged_is_refused(damage):
    """Also a length of a million digits, without counting them."""
    with pytest.raises(SandboxError) as error:
        make_sound(damage(of("(memory 1)")))
    assert str(error.value) == "the guest cannot be forked: it is cut off or damaged"


def test_data_becomes_the_memory_of_a_new_guest():
    """It stands where the segments put it, and is in the component no more."""
    sound = make_sound(of('(memory 2) (data (i32.const 10) "hello") (data (i32.const 70000) "world")'))
    assert len(sound.memory) == 2 * soundness.WASM_PAGE
    assert (sound.memory[10:15], sound.memory[70000:70005], sum(map(bool, sound.memory))) == (b"hello", b"world", 10)
    assert b"hello" not in sound.component


SETTERS = """
(component
  (core module $m (memory 1)
    (global $__stack_pointer (export "__stack_pointer") (mut i32) (i32.const 8)) (global $other (mut i32) (i32.const 0))
    (func (export "balanced") (global.set $__stack_pointer (i32.const 8)))
    (func (export "other") (br_table 0 0 (i32.const 1)) (global.set $other (i32.const 1))))
  (core instance $i (instantiate $m))
  (func (export "balanced") (canon lift (core func $i "balanced")))
  (func (export "other") (canon lift (core func $i "other"))))
"""


def test_a_function_that_sets_another_global_becomes_a_trap():
    """One that only moves the stack pointer stays."""
    engine = wasmtime.Engine()
    made = Component(engine, make_sound(bytes(wasmtime.wat2wasm(SETTERS))).component)
    store = wasmtime.Store(engine)
    instance = Linker(engine).instantiate(store, made)
    instance.get_func(store, "balanced")(store)
    with pytest.raises(wasmtime.WasmtimeError, match="unreachable"):
        instance.get_func(store, "other")(store)


async def test_the_guest_begins_with_the_memory_of_its_full_component(engine):
    """The stripped component over the mapped image is the full one, byte for byte."""
    content = (cache.folder() / f"{engine.sha256}.wasm").read_bytes()

    def memory_of_full():
        full = wasmtime.Engine(_configure())
        store = wasmtime.Store(full)
        store.set_fuel(10**9)
        store.set_epoch_deadline(10**6)
        linker = Linker(full)
        compiled = Component(full, content)
        linker.define_unknown_imports_as_traps(compiled)
        with supplying(None) as made:
            linker.instantiate(store, compiled)
        return bytes(made[0].view())

    assert engine.enter(memory_of_full).result() == make_sound(content).memory
