"""Settings from config.toml. Unknown keys are errors; a secret is named by its environment variable, never written."""

import functools
import operator
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta

from orchestrator import shipped
from orchestrator.env_file import read_env_file
from orchestrator.errors import ConfigError
from orchestrator.presets import ANY, PRESETS, Preset, ResponseFormat
from orchestrator.server_settings import AuthSettings, Base, Dollars, NotEmpty, Positive, PositiveSeconds, ServerSettings

Protocol = Literal["python", "json"]
ProxyURL = Annotated[str, Meta(pattern="^(https?://.*)?\\Z")]
BaseURL = Annotated[str, Meta(pattern="^https?://.")]
MOST_DEEP = 8
ContextWindow = Annotated[int, Meta(ge=4096)]


class CellLimits(Base, frozen=True, kw_only=True):
    """Limits of one cell; guest_sdk/README.md says what each one counts."""

    fuel: Positive = 100_000_000_000
    seconds: PositiveSeconds = 30.0
    memory_bytes: Annotated[int, Meta(ge=33_554_432, le=4_294_967_296)] = 1_073_741_824
    output_chars: Annotated[int, Meta(ge=100, le=10_000_000)] = 1_000_000
    context_inline_limit: Positive = 1_073_741_824


class SandboxSettings(CellLimits, frozen=True, kw_only=True):
    """The limits of cells, and what is kept of contexts."""

    template_bytes: Positive = 4_294_967_296
    template_seconds: PositiveSeconds = 600.0


class ContextSettings(Base, frozen=True, kw_only=True):
    """What is kept of contexts, and where: `folder` is relative to config.toml; "" is the user's data folder."""

    folder: str = ""
    context_bytes: Positive = 53_687_091_200
    context_seconds: PositiveSeconds = 86_400.0


class CacheSettings(Base, frozen=True, kw_only=True):
    """How much is kept of the replies to sub-calls, in memory, and for how long."""

    cache_bytes: Positive = 268_435_456
    cache_seconds: PositiveSeconds = 3600.0


class StoreSettings(Base, frozen=True, kw_only=True):
    """Where runs last, and how much of those that have ended is kept: so many, so old (seconds), of so many bytes.

    `url`: of SQLAlchemy; "": a file of SQLite in the user's data folder. `url_env`: the environment variable that holds it.
    """

    url: str = ""
    url_env: str = ""
    kept_runs: Annotated[int, Meta(ge=0)] = 10_000
    kept_seconds: Annotated[float, Meta(ge=0)] = 2_592_000.0
    kept_bytes: Annotated[int, Meta(ge=0)] = 4_294_967_296

    @property
    def address(self) -> str:
        """Whichever of both is set."""
        return os.environ[self.url_env] if self.url_env else self.url


class OwnKeySettings(Base, frozen=True, kw_only=True):
    """Whether callers may bring models with keys of their own, and which hosts they may name beside the known providers."""

    allow_own_keys: bool = False
    own_key_hosts: tuple[NotEmpty, ...] = ()


class ProviderSettings(Base, frozen=True, kw_only=True, tag_field="provider_type"):
    """What every backend has. `max_tokens`: of one reply, reasoning included; `alias`: another name to choose it by.

    `max_concurrency` is that of its server; `weight`: its share of the calls, beside the others of its role.
    `cache`: whether replies to sub-calls are kept and given again; None: if its temperature is 0.
    """

    model: NotEmpty
    alias: NotEmpty | None = None
    role: Literal["root", "sub", "both"] = "both"
    max_concurrency: Positive = 16
    timeout_seconds: PositiveSeconds = 300.0
    max_tokens: Positive = 8192
    weight: Annotated[float, Meta(gt=0)] = 1.0
    cache: bool | None = None


class HTTPSettings(ProviderSettings, frozen=True, kw_only=True):
    """A backend behind a URL. The key is read from the environment variable `api_key_env` names, if it names one.

    `stall_seconds`: without a byte of a reply, its beginning included, after which the call has failed.
    `temperature`, `top_p` and `reasoning_effort` are sent if they are set, as is `seed`; `extra_body` and `headers` are
    put into each request.
    """

    base_url: BaseURL
    api_key_env: NotEmpty | None = None
    stall_seconds: PositiveSeconds = 120.0
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    reasoning_effort: NotEmpty | None = None
    extra_body: dict[str, Any] | None = None
    headers: dict[str, str] | None = None

    @property
    def api_key(self) -> str | None:
        return os.environ[self.api_key_env] if self.api_key_env else None


class OpenAISettings(HTTPSettings, frozen=True, kw_only=True, tag="openai"):
    """Any server with POST {base_url}/chat/completions, OpenAI itself without base_url, which goes up to and including /v1.

    response_format: how the server can hold a reply of JSON commands to their schema; context_window: in tokens.
    """

    base_url: BaseURL = PRESETS["openai"].base_url
    seed: int | None = None
    context_window: ContextWindow | None = None
    response_format: ResponseFormat = "json_schema"

    def __post_init__(self) -> None:
        # OpenAI always wants a key; another server is sent the one that is named, never this one.
        if type(self) is OpenAISettings and self.preset.key and self.api_key_env is None:
            msgspec.structs.force_setattr(self, "api_key_env", self.preset.key)

    @property
    def preset(self) -> Preset:
        """How the server differs from others."""
        preset = PRESETS[str(self.__struct_config__.tag)]
        return ANY if type(self) is OpenAISettings and self.base_url.rstrip("/") != preset.base_url else preset


def _make_settings(name: str, preset: Preset) -> type[OpenAISettings]:
    """OpenAISettings with the defaults of a preset; base_url has none if each user has an own one."""
    address: Any = ("base_url", BaseURL, preset.base_url) if preset.base_url else ("base_url", BaseURL)
    key = ("api_key_env", NotEmpty | None, preset.key or None)
    form = ("response_format", ResponseFormat, preset.response_format)
    made = msgspec.defstruct(name, [address, key, form], bases=(OpenAISettings,), tag=name, frozen=True, kw_only=True)
    return cast("type[OpenAISettings]", made)


class AnthropicSettings(HTTPSettings, frozen=True, kw_only=True, tag="anthropic"):
    """Anthropic's own protocol: POST {base_url}/messages. context_window: in tokens."""

    base_url: BaseURL = "https://api.anthropic.com/v1"
    api_key_env: NotEmpty | None = "ANTHROPIC_API_KEY"
    context_window: ContextWindow | None = None


class OllamaSettings(HTTPSettings, frozen=True, kw_only=True, tag="ollama"):
    """base_url is the server's root. num_ctx: the window in tokens; without it, as large as the prompts need."""

    base_url: BaseURL = "http://127.0.0.1:11434"
    seed: int | None = None
    num_ctx: Positive | None = None
    keep_alive: NotEmpty = "5m"


class ScriptedSettings(ProviderSettings, frozen=True, kw_only=True, tag="scripted"):
    """No model: replies from a file, or the files of a folder. `model` is its path, relative to config.toml."""


PROVIDER_TYPES: dict[str, type[Any]] = {
    "openai": OpenAISettings,
    **{name: _make_settings(name, preset) for name, preset in PRESETS.items() if name != "openai"},
    "anthropic": AnthropicSettings,
    "ollama": OllamaSettings,
    "scripted": ScriptedSettings,
}
if TYPE_CHECKING:  # the type of each preset is an OpenAISettings
    AnyProvider = OpenAISettings | AnthropicSettings | OllamaSettings | ScriptedSettings
else:
    AnyProvider = functools.reduce(operator.or_, PROVIDER_TYPES.values())


class Settings(Base, frozen=True, kw_only=True):
    """The whole of config.toml.

    retry_seconds: that a model call is tried again after a failure that may pass.
    module_folder: of modules beside the shipped ones, with a manifest.toml, relative to config.toml; "" for none.
    proxy: to model servers on other machines; "" for none, whatever the environment says.
    prices: a file of prices that win over the shipped ones, relative to config.toml; "" for none.
    """

    max_iterations: Positive = 20
    max_sub_calls: Annotated[int, Meta(ge=0)] = 500
    max_depth: Annotated[int, Meta(ge=0, le=MOST_DEEP)] = 2  # of child runs; the root's is 0
    max_parallel_children: Annotated[int, Meta(ge=1, le=1000)] = 8  # of one run
    max_seconds: PositiveSeconds = 3600.0
    max_fuel: Positive = 1_000_000_000_000
    max_total_tokens: Positive | None = None  # of prompts and replies of one run
    max_cost: Dollars | None = None  # of one run
    retry_seconds: Annotated[float, Meta(ge=0)] = 30.0
    output_limit: Annotated[int, Meta(ge=100)] = 10_000
    history_chars: Annotated[int, Meta(ge=1000)] = 60_000
    protocol: Protocol = "python"
    module_folder: str = ""
    prices: str = ""
    proxy: ProxyURL = ""
    server: ServerSettings = ServerSettings()
    auth: AuthSettings = AuthSettings()
    sandbox: SandboxSettings = SandboxSettings()
    contexts: ContextSettings = ContextSettings()
    cache: CacheSettings = CacheSettings()
    store: StoreSettings = StoreSettings()
    own_keys: OwnKeySettings = OwnKeySettings()
    providers: Annotated[tuple[AnyProvider, ...], Meta(min_length=1)]


DEFAULTS = Settings(providers=(ScriptedSettings(model=str(shipped.SCRIPTS)),))


def load(path: Path) -> Settings:
    """Read config.toml. Raises ConfigError with the key's path."""
    settings = read(path)
    check(settings, str(path))
    return settings


def read(path: Path) -> Settings:
    """The same, but its providers need not be usable: a caller may replace them. Raises ConfigError.

    A file .env beside it is read into the environment.
    """
    read_env_file(path.parent)
    try:
        settings = msgspec.toml.decode(path.read_bytes(), type=Settings)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_put_key_first(str(error))}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    return _locate(settings, path.parent)


def data_folder() -> Path:
    """The user's, for what this program keeps (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".local" / "share") / "rlm"


def _put_key_first(message: str) -> str:
    problem, _, place = message.partition(" - at `$")
    key = place.rstrip("`").lstrip(".")
    unknown = re.search(r"unknown field `(.+)`$", problem)
    if unknown:
        return f"{f'{key}.' if key else ''}{unknown[1]}: unknown key"
    kind = re.search(r"Invalid value '(.*)'$", problem)
    if kind and key.endswith(".provider_type"):
        problem = f"there is no {kind[1]!r}; these exist: {', '.join(PROVIDER_TYPES)}"
    return f"{key or 'top level'}: {problem}"


def check(settings: Settings, where: str) -> None:
    """What no type can say. Raises ConfigError, which begins with `where` the settings are from."""
    roles = {provider.role for provider in settings.providers}
    for role in ("root", "sub"):
        if not roles & {role, "both"}:
            raise ConfigError(f'{where}: providers: none has role "{role}" or "both"')
    check_keys(settings, where)


def check_keys(settings: Settings, where: str) -> None:
    """Raises ConfigError if the environment does not have a key that a provider names."""
    for index, provider in enumerate(settings.providers):
        name = getattr(provider, "api_key_env", None)
        if name and not os.environ.get(name):
            raise ConfigError(f"{where}: providers[{index}].api_key_env: the environment variable {name} is not set")
    if (name := settings.store.url_env) and not os.environ.get(name):
        raise ConfigError(f"{where}: store.url_env: the environment variable {name} is not set")


def _locate(settings: Settings, folder: Path) -> Settings:
    """Relative paths start at the configuration, wherever the server was started."""
    providers = tuple(_locate_script(each, folder) for each in settings.providers)
    modules = str(folder / settings.module_folder) if settings.module_folder else ""
    prices = str(folder / settings.prices) if settings.prices else ""
    contexts = settings.contexts
    if contexts.folder:
        contexts = msgspec.structs.replace(contexts, folder=str(folder / contexts.folder))
    return msgspec.structs.replace(settings, providers=providers, module_folder=modules, prices=prices, contexts=contexts)


def _locate_script(provider: AnyProvider, folder: Path) -> AnyProvider:
    if isinstance(provider, ScriptedSettings):
        return msgspec.structs.replace(provider, model=str(folder / provider.model))
    return provider
