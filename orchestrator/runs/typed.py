"""Sub-calls whose reply has to fit a JSON Schema: asked again with what is wrong, as one call."""

from collections.abc import Awaitable, Callable

import msgspec

from orchestrator.dialogue import typed
from orchestrator.errors import ProviderError
from orchestrator.providers.attempts import Request
from orchestrator.providers.messages import FailedAttempt, Message, Reply, Schema, add_costs
from orchestrator.runs.fitting import Misfit, fit

MOST_ASKED = 3  # times, the first one included

Ask = Callable[[Request], Awaitable[Reply]]


def first_request(request: Request, schema: Schema) -> Request:
    """What is asked first: held to the schema, and told so."""
    form = typed.form(schema)
    *before, last = request.messages
    messages = (*before, Message(last.role, f"{last.content}\n\n{typed.instruction(form)}"))
    return msgspec.structs.replace(request, messages=messages, schema=form)


async def ask_typed(ask: Ask, request: Request, schema: Schema) -> Reply:
    """The reply whose text is the JSON value; what was said around it is in its reasoning. It has what all askings cost.

    Raises ProviderError, also if none fits.
    """
    form = typed.form(schema)
    asked = first_request(request, schema)
    spent: Reply | None = None
    for _ in range(MOST_ASKED):
        try:
            reply = await ask(asked)
        except ProviderError as error:
            error.reply = spent if error.reply is None else _added(spent, error.reply)
            raise
        came = _added(spent, reply)
        if not reply.text.strip():
            return came
        try:
            return _with_value(came, await _value(reply, schema, form))
        except Misfit as misfit:
            wrong = str(misfit)
        spent = msgspec.structs.replace(came, failed=(*came.failed, _failed(reply, wrong)))
        said = (Message("assistant", reply.text), Message("user", typed.again(wrong)))
        asked = msgspec.structs.replace(asked, messages=(*asked.messages, *said))
    raise ProviderError(f"{came.provider}: the reply does not fit the schema, asked {MOST_ASKED} times: {wrong}", reply=came)


async def _value(reply: Reply, schema: Schema, form: Schema) -> str:
    """Its JSON. Raises Misfit."""
    text = typed.json_in(reply.text)
    try:
        value = await fit(form, text)
    except Misfit as misfit:
        if reply.cut:
            raise Misfit(typed.CUT) from None
        if form is schema:
            raise
        try:
            value = {"value": await fit(schema, text)}  # a model that was not held to the form may give it without the field
        except Misfit:
            raise misfit from None
    return msgspec.json.encode(value if form is schema else value["value"]).decode()


def _with_value(reply: Reply, value: str) -> Reply:
    around = "" if typed.json_in(reply.text) == reply.text.strip() else reply.text
    reasoning = "\n".join(filter(None, [reply.reasoning, around]))
    return msgspec.structs.replace(reply, text=value, reasoning=reasoning)


def _failed(reply: Reply, wrong: str) -> FailedAttempt:
    """What its last attempt brought, and cost: nothing, if it was paid for before."""
    return FailedAttempt(
        provider=reply.provider,
        error=f"the reply does not fit the schema: {wrong}",
        times=reply.attempts - sum(each.times for each in reply.failed),
        usage=reply.last_usage,
        cost=reply.last_cost,
    )


def _added(spent: Reply | None, reply: Reply) -> Reply:
    """The reply with what was spent before it."""
    if spent is None:
        return reply
    return msgspec.structs.replace(
        reply,
        usage=spent.usage + reply.usage,
        attempts=spent.attempts + reply.attempts,
        seconds=spent.seconds + reply.seconds,
        waited=spent.waited + reply.waited,
        failed=(*spent.failed, *reply.failed),
        cost=add_costs([spent.cost, reply.cost]),
    )
