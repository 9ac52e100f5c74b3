"""GET /schema/openapi.json and .yaml: what this interface takes and answers. No viewer: it would be another site's script."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import (
    Components,
    Example,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
    SecurityScheme,
    Tag,
)
from msgspec import Meta, Struct

from orchestrator import __version__
from orchestrator.api.tokens import Tokens

QUERIES, RUNS, CONTEXTS, SERVER = "queries", "runs", "contexts", "server"
_TAGS = {
    QUERIES: "A question over a context, answered while the caller waits.",
    RUNS: "What runs did, also while they go on.",
    CONTEXTS: "Inputs that are sent once, and asked about by their id.",
    SERVER: "How the server and its providers are.",
}


class Problem(Struct, frozen=True):
    """Every error (RFC 9457)."""

    type: Annotated[str, Meta(examples=["about:blank"])]
    title: Annotated[str, Meta(description="The status in words.", examples=["Not Found"])]
    status: Annotated[int, Meta(ge=400, le=599, examples=[404])]
    detail: Annotated[
        str, Meta(description="What is wrong, and what to do.", examples=["there is no run 'x'; the last 200 are kept"])
    ]


@dataclass
class Asking(Operation):
    """A question with exactly one of the ways to give a context, or with none in a session, which no struct can say."""

    def __post_init__(self) -> None:
        body = self.request_body
        if isinstance(body, RequestBody):
            for content in body.content.values():
                ways = [Schema(required=[name]) for name in ("context", "context_id", "documents", "messages", "after")]
                in_session = Schema(required=["session_id"], schema_not=Schema(any_of=ways))
                exactly_one = Schema(any_of=[Schema(one_of=ways), in_session])
                content.schema = Schema(all_of=[content.schema, exactly_one]) if content.schema else None
                content.examples = {
                    "text": Example(value={"query": "Who wrote it?", "context": "Dear Jane, ... Elizabeth"}),
                    "documents": Example(value={"query": "Who wrote most?", "documents": [{"name": "a.txt", "text": "..."}]}),
                }


@dataclass
class Sending(Operation):
    """A body that is a context."""

    def __post_init__(self) -> None:
        text = Schema(type=OpenAPIType.STRING, min_length=1)
        document = Schema(type=OpenAPIType.STRING)  # may be empty beside others
        ways = [Schema(required=[name]) for name in ("context", "documents", "messages")]
        self.request_body = RequestBody(
            required=True,
            content={
                "text/plain": OpenAPIMediaType(schema=text),
                "multipart/form-data": OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT, additional_properties=document)),
                "application/json": OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT, one_of=ways)),
            },
        )


# What can be said of any request, beside what its own path says.
_ALWAYS = (400, 401, 403, 405, 429, 500, 503)


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The errors of a path: those that all have, and its own."""
    return {
        status: ResponseSpec(
            Problem, description=HTTPStatus(status).phrase, media_type="application/problem+json", generate_examples=False
        )
        for status in sorted({*_ALWAYS, *statuses})
    }


ASKING_PROBLEMS = problems(404, 408, 409, 413, 415, 422, 507)  # of all that begins a run


def describe(tokens: Tokens) -> OpenAPIConfig:
    """The description's frame; the rest is what the handlers say."""
    scheme = SecurityScheme(type="http", scheme="bearer", description="A token of [[auth.tokens]].")
    return OpenAPIConfig(
        title="Recursive language models",
        version=__version__,
        description="Questions over inputs far larger than any model's window.",
        tags=[Tag(name=name, description=text) for name, text in _TAGS.items()],
        render_plugins=[JsonRenderPlugin(path="/openapi.json"), YamlRenderPlugin(path=["/openapi.yaml", "/openapi.yml"])],
        components=Components(security_schemes={"token": scheme}) if tokens.callers else Components(),
        security=[{"token": []}] if tokens.callers and not tokens.is_open else None,
    )
