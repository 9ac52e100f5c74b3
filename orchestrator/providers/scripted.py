"""Not a model: replies from a TOML file of rules, so that everything runs with no model at hand.

[[rules]]      query: the rule is for queries that contain this text; replies: the root's replies, in order
[[sub_calls]]  pattern: a regular expression searched in the prompt; reply: a template, ${name} is a named group of it
"""

import re
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


class _SubCallRule(Base, frozen=True, kw_only=True):
    """The reply to the prompts that match `pattern`."""

    pattern: str
    reply: str


class _Script(Base, frozen=True, kw_only=True):
    """The whole file."""

    rules: tuple[_Rule, ...] = ()
    sub_calls: tuple[_SubCallRule, ...] = ()


class ScriptedProvider:
    """Stateless: which reply comes next is counted in the messages themselves."""

    def __init__(self, settings: ScriptedSettings) -> None:
        self.settings = settings
        self.name = f"scripted:{Path(settings.model).name}"
        self._script = _load(Path(settings.model))
        self._sub_calls = _compile(self._script, settings.model)

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
        return next((rule for rule in self._script.rules if rule.query in text), None)

    def _root_reply(self, messages: tuple[Message, ...]) -> str:
        rule = self._rule(messages[1].content)
        turn = sum(message.role == "assistant" for message in messages)
        if rule is None or turn >= len(rule.replies):
            raise ProviderError(f"{self.name}: the script has no reply {turn + 1} for this query")
        return rule.replies[turn]

    def _sub_reply(self, prompt: str) -> str:
        for pattern, template in self._sub_calls:
            if found := pattern.search(prompt):
                return template.safe_substitute(found.groupdict(default=""))
        raise ProviderError(f"{self.name}: the script has no rule for this sub-call")


def _load(path: Path) -> _Script:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_Script)
    except OSError as error:
        raise ConfigError(f"providers: the script {path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"providers: the script {path}: {error}") from None


def _compile(script: _Script, path: str) -> list[tuple[re.Pattern[str], Template]]:
    """The patterns are the operator's, not a model's. Raises ConfigError."""
    compiled = []
    for index, each in enumerate(script.sub_calls):
        try:
            compiled.append((re.compile(each.pattern), Template(each.reply)))
        except re.error as error:
            raise ConfigError(f"providers: the script {path}: sub_calls[{index}].pattern: {error}") from None
    return compiled
