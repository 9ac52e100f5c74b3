"""The arguments of the shipped modules: the guest says their names and defaults; whoever says them too says the same."""

import json
import re
import tomllib

import msgspec
import pytest
from fuzz_cases import FUNCTIONS
from pieces import Cut

from orchestrator.dialogue.commands import IndexTerms
from orchestrator.errors import ModuleError
from orchestrator.shipped import MODULES

SIGNATURES = """
import inspect, json
from rlm_guest import modules
print(json.dumps({
    name: [[each.name, [] if each.default is each.empty else [each.default]] for each in inspect.signature(call).parameters.values()]
    for name, call in modules.functions().items()
}))
"""
# For those without a default.
NEEDED = {"pattern": "(a)", "patterns": ["a"], "path": "[0].a"}
TABLES = {"csv": "a,b\n1,x\n2,y\n", "json": '[{"a": 1}, {"a": 2}]'}
FOUND_OUT = {"delimiter", "header", "skip"}  # what csv takes beside the arguments of a query


@pytest.fixture
async def signatures(run_cells):
    """{"regex.count": {"pattern": [] or [default], ...}, ...}, without `text`, as a cell has them."""
    found = json.loads((await run_cells(SIGNATURES)).head)
    assert all(parameters[-1] == ["text", [None]] for parameters in found.values())
    return {name: dict(parameters[:-1]) for name, parameters in found.items()}


@pytest.fixture
def call(run_module):
    """call("regex.count", args): what the module itself answers, or the message of its error."""

    def called(name, args):
        module, _, function = name.partition(".")
        try:
            return run_module(module, function, args, Cut(TABLES.get(module, "a 1\na 2\n")))
        except ModuleError as error:
            return str(error)

    return called


def usual(parameters):
    """A value for each argument: the guest's default, if it has one."""
    return {name: default[0] if default else NEEDED[name] for name, default in parameters.items()}


def manifest():
    modules = tomllib.loads((MODULES / "manifest.toml").read_text())["module"]
    return {each["name"]: each["functions"] for each in modules}


async def test_the_functions_of_the_guest_are_those_of_the_manifest(signatures):
    """In the same order."""
    assert list(signatures) == [f"{name}.{function}" for name, functions in manifest().items() for function in functions]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("regex.count()", "Regex.count() missing 1 required positional argument: 'pattern'"),
        ("regex.count('a', True, True, 'text', 5)", "Regex.count() takes from 2 to 5 positional arguments but 6 were given"),
        ("regex.count('a', patern='b')", "Regex.count() got an unexpected keyword argument 'patern'. Did you mean 'pattern'?"),
        ("regex.count('a', module=1, stub=2)", "Regex.count() got an unexpected keyword argument 'module'"),
        (
            "json.get('a', text=b'{}')",
            "text must be a str, not bytes; without it the module works on the context",
        ),
    ],
)
async def test_a_wrong_argument_is_an_error_in_pythons_words(failure, call, message):
    """Before the host is asked."""
    assert await failure(f"modules.{call}") == f"TypeError: {message}"


@pytest.mark.parametrize(
    "call", ["count('a', text='aXa')", "count(pattern='a', text='aXa', multi_line=True)", "count('a', False, False, 'aXa')"]
)
async def test_arguments_may_stand_in_any_way_that_python_has(ask, call):
    """By place, by name, or left out."""
    assert await ask(f"modules.regex.{call}", text="the context") == 2


def test_the_readme_lists_the_functions_of_the_manifest():
    """A row for each module."""
    text = (MODULES.parent / "README.md").read_text()
    rows = dict(re.findall(r"^\| `\w+/` \| `modules\.(\w+)`: ([\w, ]+) \|$", text, re.MULTILINE))
    assert {name: functions.split(", ") for name, functions in rows.items()} == manifest()


async def test_the_readme_has_every_signature_with_its_defaults(signatures):
    """In the order of the manifest."""
    text = (MODULES.parent / "README.md").read_text()

    def written(name, default):
        return f"{name}={default[0]!r}" if default else name

    expected = [
        f"modules.{name}({', '.join(written(*each) for each in [*parameters.items(), ('text', [None])])})"
        for name, parameters in signatures.items()
    ]
    assert re.findall(r"^modules\.\w+\.\w+\(.*\)$", text, re.MULTILINE) == expected


@pytest.mark.parametrize("module", manifest())
def test_a_module_names_the_functions_of_the_manifest(call, module):
    """To who asks for another."""
    assert call(f"{module}.zz", {}) == f'there is no function "zz"; there are: {", ".join(manifest()[module])}'


async def test_every_function_takes_what_the_guest_gives(signatures, call):
    """No default is refused."""
    answers = {name: call(name, usual(parameters)) for name, parameters in signatures.items()}
    assert {name: answer for name, answer in answers.items() if isinstance(answer, str)} == {}


async def test_a_module_takes_the_arguments_of_the_guest_and_no_other(signatures, call):
    """The error at another one names those that there are."""
    expected, found = {}, {}
    for name, parameters in signatures.items():
        message = call(name, usual(parameters) | {"zz": 1})
        assert re.match('(unknown argument `zz`, (expected|there are none)|it has no argument "zz")', message), message
        found[name] = set(re.findall("`(\\w+)`", message)) - {"zz"}
        expected[name] = set(parameters) - (FOUND_OUT if name.startswith("csv.") else set())
    assert found == expected


async def test_a_module_has_no_defaults_of_its_own(signatures, call):
    """An argument that is left out is missing, or is the same as None."""
    for name, parameters in signatures.items():
        for left_out in parameters:
            given = usual(parameters)
            without = {each: value for each, value in given.items() if each != left_out}
            found = call(name, without)
            assert found in (f"missing argument `{left_out}`", call(name, without | {left_out: None})), (name, left_out)


async def test_the_fuzzer_gives_the_arguments_of_the_guest(signatures):
    """And asks for two functions that are not there."""
    known = {name: list(parameters) for name, parameters in signatures.items()}
    assert {name: sorted(names) for name, names in FUNCTIONS.items() if name in known} == {
        name: sorted(names) for name, names in known.items()
    }
    assert FUNCTIONS.keys() - known == {"regex.no_such", "nothing.run"}


async def test_the_command_index_terms_has_the_defaults_of_terms(signatures):
    """It asks the module; only the name of the last argument is its own."""
    fields = {each.name: each.default for each in msgspec.structs.fields(IndexTerms)}
    renamed = {
        name.replace("include_lines", "lines"): default for name, default in fields.items() if name not in ("on", "store")
    }
    assert renamed == {name: default for name, [default] in signatures["text.terms"].items()}
