"""What the functions of modules take that is more than a text or a number: checked here, where a wrong one has its name."""

from collections.abc import Callable
from typing import Any

# In both languages.
_COLUMNS = '["level"]'
_CONDITIONS = '[["level", "==", "ERROR"]]'
_MEASURES = '{"total": ["sum", "amount"], "rows": ["count"]}'


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _is_list_of_lists(value: Any) -> bool:
    return _is_list(value) and all(map(_is_list, value))


def _is_dict_of_lists(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_list, value.values()))


_FORMS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "columns": (_is_list, f"a list of columns, such as {_COLUMNS}"),
    "by": (_is_list, f"a list of columns, such as {_COLUMNS}"),
    "where": (_is_list_of_lists, f"a list of conditions, such as {_CONDITIONS}"),
    "values": (_is_dict_of_lists, f"measures by name, such as {_MEASURES}"),
}


def check(function: str, arguments: dict[str, Any]) -> None:
    """Raises TypeError, with an example of what is right."""
    for name, (is_right, form) in _FORMS.items():
        value = arguments.get(name)
        if value is not None and not is_right(value):
            raise TypeError(f"{function}: {name} must be {form}")
