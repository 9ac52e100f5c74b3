"""Attacks by what a model writes, and by JSON wherever it is read."""

from besieging import check, python

LIE = """
import json
from rlm_guest import runner
honest = json.dumps
def lie(report, **others):
    if isinstance(report, dict) and "head" in report:
        report |= {"head": "x" * 10_000_000, "tail": "y" * 10_000_000, "length": 5}
    return honest(report, **others)
runner.json.dumps = lie
print("z" * 10_000_000)
"""
NESTED_MODULE = """
(module (import "rlm" "emit" (func $emit (param i32 i32)))
  (memory (export "memory") 100)
  (func (export "rlm_abi_version") (result i32) (i32.const 1))
  (func (export "alloc") (param i32) (result i32) (i32.const 0))
  (func (export "nested") (param i32 i32) (result i32)
    (memory.fill (i32.const 1024) (i32.const 91) (i32.const 5000000))
    (call $emit (i32.const 1024) (i32.const 5000000))
    (i32.const 0)))
"""


async def liar(siege):
    """A cell that replaces what reports, and prints ten million characters: the model is told as much as it ever is."""
    answer = (await siege.ask(python(LIE), python("FINAL({told})"))).json()
    told = int(answer["answer"] or 0)
    check(1000 < told < 100_000, f"the model was told {told} characters: {answer['error']}")


async def many_blocks(siege, blocks):
    """A reply of many blocks: none is run."""
    many = {"text": python("print(len(context))") + "\n", "times": blocks}
    answer = (await siege.ask(many, python("FINAL(1)"))).json()
    found = answer["answer"], answer["iterations"]
    check(found == ("1", 2), f"{found}: {answer['error']}")


async def nested_json(siege, depth):
    """Deep and endless JSON, of a cell's call, an answer, commands, a module and a body."""
    deep = f"'[' * {depth}"
    cells = [
        f"import wit_world\ntry: wit_world.call('llm_query', '{{\"prompts\": ' + {deep})\nexcept Exception as e: print(e)",
        f"import wit_world\ntry: wit_world.call('llm_query', '{{\"prompts\": [' + '[],' * {depth} + '1]}}')\nexcept Exception as e: print(e)",
        f"x = []\nfor _ in range({depth}): x = [x]\nanswer['content'] = x",
        "answer['content'] = x = None",
        f"import json\ntry: json.loads({deep})\nexcept RecursionError: print('deep')",
    ]
    commands = [
        {"text": "```json\n" + '[{"op": "set", "value": ', "times": 1},
        {"text": "[", "times": depth},
        {"text": '{"op": ', "times": depth},
    ]
    module = f'```json\n[{{"op": "wasm_wat", "function": "nested", "args": {{}}, "wat": {_quoted(NESTED_MODULE)}}}]\n```'
    answer = (await siege.ask(*map(python, cells), *commands, module, python("FINAL('whole')"))).json()
    check(answer["answer"] == "whole", f"the run ended as {answer['stopped']}: {answer['error']}")
    for body in (b"[" * depth, b'{"query": "q", "context": ' + b"[" * depth, b'{"query": ' + b'{"a":' * depth):
        answer = await siege.client.post("/query", content=body, headers={"content-type": "application/json"})
        check(answer.status_code in (400, 413), f"a body: {answer.status_code}: {answer.text[:200]}")


def _quoted(text):
    return '"' + text.replace("\n", " ").replace('"', '\\"') + '"'
