"""A hand-written module over a memory that the host supplies."""

import wasmtime

from orchestrator.sandbox.memory.memory import supplying

WAT = """
(module (memory 2 1000)
  (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "set") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
"""


class Guest:
    """A module over a supplied memory; its exports as methods."""

    def __init__(self, engine, module, image=None, limit=-1):
        self.store = wasmtime.Store(engine)
        self.store.set_limits(memory_size=limit)
        self.store.set_fuel(10**12)
        self.store.set_epoch_deadline(10**9)
        with supplying(image) as made:
            self.exports = wasmtime.Instance(self.store, module, []).exports(self.store)
        [self.memory] = made

    def __getattr__(self, name):
        return lambda *arguments: self.exports[name](self.store, *arguments)

    def snapshot(self, **options):
        return self.memory.snapshot("c", **options)
