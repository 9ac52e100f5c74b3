"""Attacks by a server of models: answers that are too large, never end, or are nested."""

from besieging import check, python


async def failing(siege, how):
    """A reply that is none: the run ends with an error of its provider, which says so in a line."""
    answer = await siege.ask({"how": how, "text": "x"})
    check(answer.status_code == 200, f"{answer.status_code}: {answer.text[:200]}")
    result = answer.json()
    check(result["stopped"] == "provider_error", f"it ended as {result['stopped']}: {result['error']}")
    check(len(result["error"]) < 1000 and "\n" not in result["error"], f"the error: {result['error'][:300]}")


async def cut_characters(siege):
    """An emoji whose bytes come in pieces: whole."""
    answer = (await siege.ask({"how": "cut_anywhere", "text": python("FINAL('\U0001f600\u2028\u00e9')")})).json()
    check(answer["answer"] == "\U0001f600\u2028\u00e9", f"it was read as {answer['answer']!r}: {answer['error']}")
