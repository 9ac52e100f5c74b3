"""What GET /schema/openapi.json says, and whether it is so."""

import asyncio

import pytest
import schemathesis
from fakes import FakeModel
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.schemas import OpenApiSchema
from serving import serving, serving_app

from orchestrator.config import ScriptedSettings, Settings
from orchestrator.opening import Orchestrator
from orchestrator.server_settings import ServerSettings

EXAMPLES = 25  # of each operation
BOUNDED = hypothesis_settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
load_all_checks()
# All but one: that every request which the description allows is answered. Some have nothing to ask about, which is 400.
CHECKS = [each for each in schemathesis.checks.CHECKS.get_all() if each.__name__ != "positive_data_acceptance"]
SCRIPT = '[[rules]]\nquery = ""\nreplies = ["FINAL(1)"]\n'


@pytest.fixture
async def client(engine, tmp_path):
    """A server whose model answers every query."""
    (tmp_path / "script.toml").write_text(SCRIPT)
    settings = Settings(
        providers=(ScriptedSettings(model=str(tmp_path / "script.toml")),), server=ServerSettings(max_request_bytes=1_000_000)
    )
    async with serving_app(Orchestrator(settings, print, engine=engine)) as client:
        yield client


def operations(described, url):
    schema: OpenApiSchema = schemathesis.openapi.from_dict(
        described
    )  # imported above: here, pytest would rewrite it amid threads
    schema.config.update(base_url=url)
    return [found.ok() for found in schema.get_all_operations()]


def attack(operation, mode):
    """How many requests were sent."""
    sent = []

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        sent.append(case)
        case.call_and_validate(checks=CHECKS, timeout=30)

    send()
    return len(sent)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
async def test_schemathesis_finds_nothing(client, mode):
    """Requests that the description allows, and such that it does not: each answer is one that it lists, of the type that it says."""
    described = (await client.get("/schema/openapi.json")).json()
    found = operations(described, str(client.base_url))
    assert len(found) == 24
    if mode is schemathesis.GenerationMode.NEGATIVE:
        # Of what takes nothing, or any text in its path, nothing can be wrong.
        found = [each for each in found if each.body or each.query]
        assert len(found) == 11
    for operation in found:
        try:
            assert await asyncio.to_thread(attack, operation, mode) > 0
        except Exception as error:
            raise AssertionError(f"{operation.label}: {error}") from error


async def test_a_query_needs_exactly_one_context(engine):
    """The description says so, and which endings a run has."""
    async with serving(engine, FakeModel()) as client:
        described = (await client.get("/schema/openapi.json")).json()
    body = described["paths"]["/query"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    ways = [{"required": [name]} for name in ("context", "context_id", "documents", "messages", "after")]
    in_session = {"required": ["session_id"], "not": {"anyOf": ways}}
    assert body == {"allOf": [{"$ref": "#/components/schemas/QueryRequest"}, {"anyOf": [{"oneOf": ways}, in_session]}]}
    schemas = described["components"]["schemas"]
    assert schemas["QueryRequest"]["properties"]["query"]["minLength"] == 1
    assert schemas["RunResult"]["properties"]["stopped"]["enum"] == [
        *(
            "answered",
            "max_iterations",
            "max_sub_calls",
            "max_seconds",
            "max_fuel",
            "max_journal",
            "store_full",
            "repeated_reply",
            "provider_error",
        ),
        *("cancelled", "not_resumable", "internal_error", "running"),
    ]


async def test_every_error_is_a_problem(engine):
    """One schema for all, in each operation."""
    async with serving(engine, FakeModel()) as client:
        described = (await client.get("/schema/openapi.json")).json()
    errors = [
        response["content"]
        for path in described["paths"].values()
        for operation in path.values()
        for status, response in operation["responses"].items()
        if status >= "400"
    ]
    assert len(errors) > 100
    for each in errors:
        assert each == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert {tag for path in described["paths"].values() for each in path.values() for tag in each["tags"]} == {
        *("queries", "runs", "contexts", "server"),
    }


@pytest.mark.parametrize("path", ["/schema", "/schema/swagger", "/schema/redoc", "/schema/scalar", "/schema/elements"])
async def test_there_is_no_viewer(engine, path):
    """It would be a script of another site in the origin of this one: /schema is the description itself."""
    async with serving(engine, FakeModel()) as client:
        response = await client.get(path)
    assert (response.status_code, "<script" in response.text) == (200 if path == "/schema" else 404, False)


async def test_the_description_is_there_as_yaml(engine):
    """The same."""
    async with serving(engine, FakeModel()) as client:
        response = await client.get("/schema/openapi.yaml")
    assert response.text.startswith("components:")


@pytest.mark.parametrize(
    "path", ["/", "/health", "/runs", "/nowhere", "/visualize", "/visualize/assets/visualize.css", "/schema/openapi.json"]
)
async def test_each_response_has_the_headers_of_safety(engine, path):
    """Errors and files, too; HEAD says the same as GET, without a body."""
    async with serving(engine, FakeModel()) as client:
        got, head = await client.get(path), await client.head(path)
    assert "frame-ancestors 'none'" in got.headers["content-security-policy"]
    assert (got.headers["x-content-type-options"], got.headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert (head.status_code, head.content, head.headers.get("content-type")) == (
        got.status_code,
        b"",
        got.headers.get("content-type"),
    )


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/query", "OPTIONS, POST"),
        ("PUT", "/runs", "GET, HEAD, OPTIONS, POST"),
        ("PUT", "/contexts", "GET, HEAD, OPTIONS, POST"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(engine, method, path, allow):
    """405 with Allow."""
    async with serving(engine, FakeModel()) as client:
        response = await client.request(method, path)
    assert (response.status_code, ", ".join(sorted(response.headers["allow"].split(", ")))) == (405, allow)


async def test_the_root_leads_to_the_page(engine):
    """Whoever types the address sees the runs."""
    async with serving(engine, FakeModel()) as client:
        response = await client.get("/")
    assert (response.is_redirect, response.headers["location"]) == (True, "/visualize")
