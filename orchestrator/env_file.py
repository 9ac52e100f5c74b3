""".env: environment variables in a file beside config.toml, for keys. What the environment has already stays as it is."""

import io
from pathlib import Path

from orchestrator.errors import ConfigError

NAME = ".env"


def read_env_file(folder: Path) -> None:
    """Into the environment of this process, if there is such a file. Raises ConfigError, which shows no value."""
    path = folder / NAME
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8") from None
    _load(path, text)


def _load(path: Path, text: str) -> None:
    # Most have no such file, and need not wait for the library.
    from dotenv import load_dotenv  # noqa: PLC0415
    from dotenv.parser import parse_stream  # noqa: PLC0415

    # load_dotenv goes on behind a line that it does not understand, and only logs that.
    for statement in parse_stream(io.StringIO(text)):
        if statement.error:
            raise ConfigError(f"{path}: line {statement.original.line} is no NAME=VALUE")
    try:
        load_dotenv(stream=io.StringIO(text), override=False)
    except (ValueError, OSError):
        raise ConfigError(f"{path}: a name or a value has a character that no environment variable can have") from None
