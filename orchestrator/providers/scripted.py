"""Not a model: replies from a TOML file of rules, or a folder of such files, so that everything runs with no model at hand.

[[rules]]            query: the rule is for queries that contain this text; replies: the root's replies, in order
[[sub_calls]]        pattern: a regular expression searched in the prompt; reply: a template, ${name} is a named group of it
[[sub_calls.lines]]  the same for each line of that prompt, the first that matches; ${lines} is all their replies, with commas

The first rule that matches is taken; the files of a folder are in the order of their names.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from string import Template

import msgspec

from orchestrator.config import ScriptedSettings
from orchestrator.errors import ConfigError, NotScripted, ProviderError
from orchestrator.providers.messages import Message, Received, Schema
from orchestrator.server_settings import Base


class _Rule(Base, frozen=True, kw_only=True):
    """The root's replies to the queries that contain `query`."""

    query: str
    replies: tuple[str, ...]


class _LineRule(Base, frozen=True, kw_only=True):
    """What is replied to a line that matches `pattern`."""

    pattern: str
    reply: str


class _SubCallRule(_LineRule, frozen=True, kw_only=True):
    """The reply to the prompts that match `pattern`."""

    lines: tuple[_LineRule, ...] = ()


class _Script(Base, frozen=True, kw_only=True):
    """A whole file."""

    rules: tuple[_Rule, ...] = ()
    sub_calls: tuple[_SubCallRule, ...] = ()


class _Filled:
    """A template for the texts that a pattern is found in. The patterns are the operator's, not a model's."""

    def __init__(self, rule: _LineRule) -> None:
        """Raises re.error."""
        self._pattern = re.compile(rule.pattern)
        self._reply = Template(rule.reply)

    def reply(self, text: str, **more: str) -> str | None:
        found = self._pattern.search(text)
        return self._reply.safe_substitute(found.groupdict(default=""), **more) if found else None


class _SubCall:
    """A rule for sub-calls."""

    def __init__(self, rule: _SubCallRule) -> None:
        """Raises re.error."""
        self._whole = _Filled(rule)
        self._lines = [_Filled(each) for each in rule.lines]

    def reply(self, prompt: str) -> str | None:
        if self._whole.reply(prompt) is None:
            return None
        replies = (_first(self._lines, line) for line in prompt.split("\n"))
        return self._whole.reply(prompt, lines=", ".join(filter(None, replies)))


class ScriptedProvider:
    """Stateless: which reply comes next is counted in the messages themselves."""

    def __init__(self, settings: ScriptedSettings) -> None:
        self.settings = settings
        self.name = f"scripted:{Path(settings.model).name}"
        scripts = {path: _load(path) for path in _files(Path(settings.model))}
        self._rules = [rule for script in scripts.values() for rule in script.rules]
        self._sub_calls = [rule for path, script in scripts.items() for rule in _compile(script, path)]

    def check(self, query: str) -> None:
        """Raises NotScripted."""
        if self._rule(query) is None:
            raise NotScripted(
                "the scripted model has no rule for this query; it knows only those of its script. "
                "To ask anything, name a real model: `rlm init` writes a config.toml with one that it finds."
            )

    async def list_models(self) -> None:
        """It has no server."""

    async def find_window(self) -> None:
        """It reads anything."""

    async def complete(
        self, messages: tuple[Message, ...], received: Received, schema: Schema | None = None, max_tokens: int | None = None
    ) -> None:
        """Raises ProviderError if the script has no reply. The script's replies are what they are, whatever the schema."""
        # A sub-call may have a system's message too; what was asked first is what its rules are for.
        asked = next(each.content for each in messages if each.role == "user")
        is_root = messages[0].role == "system" and self._rule(asked) is not None
        received.add(self._root_reply(messages) if is_root else self._sub_reply(asked))

    def _rule(self, text: str) -> _Rule | None:
        return next((rule for rule in self._rules if rule.query in text), None)

    def _root_reply(self, messages: tuple[Message, ...]) -> str:
        rule = self._rule(messages[1].content)
        turn = sum(message.role == "assistant" for message in messages)
        if rule is None or turn >= len(rule.replies):
            raise ProviderError(f"{self.name}: the script has no reply {turn + 1} for this query")
        return rule.replies[turn]

    def _sub_reply(self, prompt: str) -> str:
        reply = _first(self._sub_calls, prompt)
        if reply is not None:
            return reply
        raise ProviderError(f"{self.name}: the script has no rule for this sub-call")


def _first(rules: Sequence[_Filled] | Sequence[_SubCall], text: str) -> str | None:
    """What the first rule for this text replies."""
    return next((reply for rule in rules if (reply := rule.reply(text)) is not None), None)


def _files(path: Path) -> list[Path]:
    """Raises ConfigError."""
    if not path.is_dir():
        return [path]
    if files := sorted(path.glob("*.toml")):
        return files
    raise ConfigError(f"providers: the folder {path} has no script, which would be a file NAME.toml")


def _load(path: Path) -> _Script:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_Script)
    except OSError as error:
        raise ConfigError(f"providers: the script {path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"providers: the script {path}: {error}") from None


def _compile(script: _Script, path: Path) -> list[_SubCall]:
    """Raises ConfigError."""
    compiled = []
    for index, rule in enumerate(script.sub_calls):
        try:
            compiled.append(_SubCall(rule))
        except re.error as error:
            where = f"providers: the script {path}: sub_calls[{index}]"
            raise ConfigError(f"{where}: pattern {error.pattern!r}: {error}") from None
    return compiled
