"""Keys of a study file: their types, what values they take, and one message for each fault.

A section is a frozen dataclass whose fields are annotated with a ``Key`` and followed by a string
that says what they mean. Pydantic validates its table, and ``validated`` turns what pydantic
objects to into our messages, all of them at once.
"""

from __future__ import annotations

import ast
import inspect
import json
import math
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Any, Final, NamedTuple, TypeVar, get_type_hints

from pydantic import ConfigDict, GetCoreSchemaHandler, Strict, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from memanalysis.errors import did_you_mean

CLOSED: Final = ConfigDict(extra="forbid")  # of a section: an unknown key is a fault
# bool is an int to Python and never one to the writer of a study file.
Int = Annotated[int, Strict()]
Float = Annotated[float, Strict()]
Number = Int | Float  # stays what it was written as
Text = Annotated[str, Strict()]
Flag = Annotated[bool, Strict()]
T = TypeVar("T")

_INT64: Final = 2**63
_SHOWN: Final = 100  # characters of a value in a message


@dataclass(frozen=True)
class Key:
    """Meaning of a key and the values it takes.

    Attributes
    ----------
    expected
        What a value must be, for messages; empty for a table with keys of its own.
    valid
        Whether a value of the right type is.
    parts
        Whether faults are told of the parts of a list or table, each by its own type.
    default
        What is taken by default, in words, where that is not the field's.
    """

    expected: str = ""
    valid: Callable[[Any], bool] = lambda _value: True
    parts: bool = False
    default: str = ""

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's way in: the type's own validation, then ``valid``."""
        return core_schema.no_info_wrap_validator_function(self._validate, handler(kind))

    def _validate(self, value: Any, inner: Callable[[Any], Any]) -> Any:
        try:
            result = inner(value)
        except ValidationError as error:
            if not self.expected or (self.parts and any(e["loc"] for e in error.errors())):
                raise
            raise unexpected(_limit(value) or self.expected) from error
        if limit := _limit(value) or ("" if self.valid(result) else self.expected):
            raise unexpected(limit)
        return result


class Entry(NamedTuple):
    """A key in the reference of study files.

    ``key`` has its section before it; ``type`` is TOML's; ``values`` and ``default`` are words, or
    values as TOML writes them.
    """

    key: str
    type: str
    values: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Read:
    """A field that is read as another type and then converted."""

    kind: Any
    convert: Callable[[Any], Any]
    before: Callable[[Any], Any] = field(default=lambda value: value)

    def __get_pydantic_core_schema__(self, _kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's way in."""
        inner = core_schema.no_info_before_validator_function(
            self.before, handler.generate_schema(self.kind)
        )
        return core_schema.no_info_after_validator_function(self.convert, inner)


def listed(value: Any) -> Any:
    """A single value as a list of one."""
    return value if isinstance(value, list | tuple) else [value]


TABLE: Final = Key()
TRUTH: Final = Key("true or false")
FROM_ZERO: Final = Key("a whole number from 0", lambda value: value >= 0)
FROM_ONE: Final = Key("a whole number from 1", lambda value: value >= 1)


def one_of(names: tuple[str, ...]) -> Key:
    """A key that takes one of these names."""
    few = len(names) < 3
    expected = " or ".join(names) if few else f"one of {', '.join(names)}"
    return Key(expected, lambda value: value in names)


@dataclass
class Faults:
    """The faults of a study file so far."""

    messages: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Note one fault."""
        self.messages.append(text)

    def unexpected(self, label: str, value: Any, expected: str) -> None:
        """Note a value that is not what it should be."""
        self.add(f"{label} = {shown(value)}: expected {expected}")

    def unknown(self, label: str, key: str, known: list[str]) -> None:
        """Note a key that nobody knows."""
        hint = did_you_mean(key, known) or f" Known: {', '.join(known)}."
        self.add(f"unknown key {_joined(label, key)}.{hint}")


def validated(
    kind: type[T],
    table: Any,
    label: str,
    faults: Faults,
    default: Mapping[str, Any] = MappingProxyType({}),
) -> T | None:
    """The section ``kind`` of a table, with its faults noted under ``label``.

    Faulty keys are left at their default, that of the type or in ``default``, so that the rest can
    be checked; None where there is none.
    """
    if not isinstance(table, Mapping):
        faults.add(f"[{label}] must be a table, not {shown(table)}")
        return None
    adapter = TypeAdapter(kind)
    try:
        return adapter.validate_python({**default, **table})
    except ValidationError as error:
        objections = error.errors(include_url=False)
    faulty = {fault["loc"][0] for fault in objections if fault["loc"]}
    for fault in objections:
        _translate(fault, kind, label, faults)
    try:
        sound = {key: value for key, value in table.items() if key not in faulty}
        return adapter.validate_python({**default, **sound})
    except ValidationError:
        return None


def keys_of(kind: Any) -> dict[str, Key]:
    """The ``Key`` of each field of a section."""
    hints = get_type_hints(kind, include_extras=True)
    extras = {part.name: getattr(hints[part.name], "__metadata__", ()) for part in fields(kind)}
    return {
        name: next((extra for extra in metadata if isinstance(extra, Key)), TABLE)
        for name, metadata in extras.items()
    }


def reference(kind: Any, label: str) -> Iterator[Entry]:
    """The reference of a section: its keys, in the order of their declaration."""
    schema = TypeAdapter(kind).json_schema()
    properties = schema.get("properties") or schema["$defs"][kind.__name__]["properties"]
    meanings = _meanings(kind)
    for part in fields(kind):
        key = keys_of(kind)[part.name]
        type_ = _toml_type(properties[part.name])
        yield Entry(
            _joined(label, part.name),
            type_,
            key.expected or "a table",
            key.default or _default(part, type_),
            meanings.get(part.name, ""),
        )


def _meanings(kind: Any) -> dict[str, str]:
    """The string that follows each field in the source of ``kind``, none where it was made."""
    if kind.__module__ == "types":
        return {}
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    return {
        before.target.id: " ".join(after.value.value.split())
        for before, after in pairwise(getattr(body, "body", ()))
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(after.value.value, str)
    }


def _toml_type(schema: Mapping[str, Any]) -> str:
    """The type, or types, of a JSON Schema in TOML's words; what has none is a table."""
    parts = [part.get("type", "object") for part in schema.get("anyOf", (schema,))]
    words = {"object": "table", "integer": "integer", "number": "float"}
    types = [words.get(part, part) for part in parts if part != "null"]
    return " or ".join(types).replace("integer or float", "number")


def _default(part: Field[Any], type_: str) -> str:
    """The default of a field as TOML writes it."""
    if part.default_factory is not MISSING or (type_ == "table" and part.default == ()):
        return "{}"
    if part.default is MISSING:
        return "required"
    return "not set" if part.default is None else json.dumps(part.default)


def _translate(fault: ErrorDetails, kind: Any, label: str, faults: Faults) -> None:
    """One objection of pydantic's in our words."""
    *path, last = (part for part in fault["loc"])
    where = _joined(label, *(part for part in fault["loc"] if isinstance(part, str)))
    for part in path:
        kind = _nested(kind, part)
    keys = keys_of(kind) if kind else {}
    match fault["type"]:
        case "missing":
            expected = keys[str(last)].expected
            faults.add(
                f"{where} is missing: expected {expected}" if expected else f"[{where}] is missing"
            )
        case "unexpected_keyword_argument":
            faults.unknown(_joined(label, *map(str, path)), str(last), list(keys))
        case "dataclass_type" | "dict_type":
            faults.add(f"[{where}] must be a table, not {shown(fault['input'])}")
        case _:
            sign = "has" if isinstance(last, int) else "="
            expected = fault.get("ctx", {}).get("text") or fault["msg"]
            faults.add(f"{where} {sign} {shown(fault['input'])}: expected {expected}")


def _nested(kind: Any, name: str | int) -> Any:
    """The section under a field of a section, None where there is none."""
    hint = get_type_hints(kind).get(str(name)) if kind else None
    kinds = getattr(hint, "__args__", (hint,))
    return next((k for k in kinds if hasattr(k, "__dataclass_fields__")), None)


def _joined(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def unexpected(text: str) -> PydanticCustomError:
    """Error of a validator for a value that is not ``text``."""
    return PydanticCustomError("unexpected", "{text}", {"text": text})


def _limit(value: Any) -> str:
    """Limit on any value of its type, empty where it holds."""
    if isinstance(value, float) and not math.isfinite(value):
        return "a finite number"
    if isinstance(value, int) and abs(value) >= _INT64:
        return "a number of 64 bits"
    if isinstance(value, str) and not (value.strip() and value.isprintable()):
        return "a text of characters that can be printed"
    return ""


def shown(value: Any) -> str:
    """A value of a study file in a message."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # integers of thousands of digits have no decimal text
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
