"""``manifest.json``: what a store says of itself, validated whole when it is read.

Whoever wrote it may be a stranger, and names in it become paths, so nothing of it is used before
all of it is known to be what it should be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    Strict,
    TypeAdapter,
    ValidationError,
    with_config,
)
from typing_extensions import TypedDict

from memanalysis.errors import StoreError
from memanalysis.storage.schema.names import (
    CONTRACT_VERSION,
    OBJECTIVES,
    is_objective,
    is_size,
    variant_objective,
)

MANIFEST: Final = "manifest.json"
# Larger counts of anything in a store are slips or malice; tables count rows in 64 bits.
_MOST: Final = 2**31 - 1
_MOST_SUBSETS: Final = 10**6  # each takes a bit per example, whether it was trained or not
_SHOWN: Final = 60  # characters of a value in a message


def _require(holds: bool, expected: str) -> None:
    if not holds:
        raise ValueError(expected)


def _size(name: str) -> str:
    _require(is_size(name), "a size of at most 64 letters, digits and _ . + -, no path")
    return name


def _sizes(names: list[str]) -> list[str]:
    _require(len(set(names)) == len(names), "different sizes")
    return names


def _objective(name: str) -> str:
    _require(is_objective(name), f"{', '.join(OBJECTIVES)} or distilled_<variant>")
    return name


def _file(name: str) -> str:
    path = PurePosixPath(name)
    inside = not path.is_absolute() and all(not part.startswith(".") for part in path.parts)
    plain = name.isprintable() and "\\" not in name and ":" not in name and str(path) == name
    _require(bool(path.parts) and inside and plain, "the path of a file inside the store")
    return name


_Text = Annotated[str, Strict()]
_Flag = Annotated[bool, Strict()]
_Count = Annotated[int, Strict(), Field(ge=0, le=_MOST)]
_Positive = Annotated[int, Strict(), Field(ge=1, le=_MOST)]
_Bytes = Annotated[int, Strict(), Field(ge=0, le=2**63 - 1)]
_Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
_Share = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
_Checksum = Annotated[str, Strict(), Field(pattern=r"^[0-9a-f]{64}$")]
_Size = Annotated[str, Strict(), AfterValidator(_size)]
_Objective = Annotated[str, Strict(), AfterValidator(_objective)]
_Table = dict[_Text, Any]
_OPEN: Final = ConfigDict(extra="allow")


@with_config(_OPEN)
class _File(TypedDict):
    """What is noted of one file of the store."""

    sha256: _Checksum
    bytes: _Bytes
    rows: _Bytes


@with_config(_OPEN)
class _Distillation(TypedDict, total=False):
    students: list[_Size] | None
    subsets: _Count | None
    variants: dict[_Text, _Table] | None


@with_config(_OPEN)
class _Subsets(TypedDict, total=False):
    design: _Text
    repeats: _Count


@with_config(_OPEN)
class _Training(TypedDict, total=False):
    epochs: _Positive
    batch_size: _Positive
    learning_rate: _Number
    momentum: _Number | None
    weight_decay: _Number
    warmup_epochs: _Number | None
    schedule: _Text
    precision: _Text
    augment_until: _Number


@with_config(_OPEN)
class _Data(TypedDict, total=False):
    augmentation: _Text | None
    whitening: _Text | None
    image_size: _Positive | list[_Positive] | None


@with_config(_OPEN)
class _World(TypedDict, total=False):
    name: _Text


@with_config(_OPEN)
class _Settings(TypedDict, total=False):
    """The parts of a study file that readers of a store use; the rest is shown as it is."""

    objectives: list[_Objective]
    data: _Data
    subsets: _Subsets
    sizes: list[_Table]
    training: _Training
    distillation: _Distillation | None
    observe: _Table
    world: _World
    text: _Text


@with_config(_OPEN)
class _Dataset(TypedDict, total=False):
    name: _Text | None
    licence: _Text | None
    citation: _Text | None
    fingerprint: _Text | None
    planted: _Table
    judged: _Table
    test_examples: _Count
    official: _Flag | None


@with_config(_OPEN)
class _Import(TypedDict):
    sizes: list[_Size]
    source: _Text
    format: _Text


@with_config(_OPEN)
class _Proxy(TypedDict, total=False):
    hard_is: _Text | None
    source: _Text | None
    formula: _Text | None


@with_config(_OPEN)
class _Added(TypedDict, total=False):
    source: _Text
    column: _Text


@dataclass
class Manifest:
    """What a store says of itself; ``manifest.json``.

    ``sizes`` are all that the study plans, trained or not; ``settings`` is the study file as a
    dictionary, where there is one. ``files`` maps each table's path to its SHA-256, size and row
    count. ``layers`` are those that prediction depth probes: for each size, name and numbers per
    image, first to last. ``outcomes_fingerprint`` is the checksum of ``outcomes.parquet``, with
    which derived files are stamped. ``annotations`` and ``attributions`` say of each where it came
    from; ``dropped_proxies`` names those whose values of single examples a packed store no longer
    has.
    """

    study: str
    title: str
    contract: int = CONTRACT_VERSION
    settings: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    ratio: float | None = None
    group_size: int | None = None
    n_subsets: int = 0
    sizes: list[str] = field(default_factory=list)
    families: dict[str, str] = field(default_factory=dict)
    layers: dict[str, dict[str, int]] = field(default_factory=dict)
    class_names: list[str] = field(default_factory=list)
    dataset: dict[str, Any] = field(default_factory=dict)
    n_train: int = 0
    n_test: int = 0
    packed: bool = False
    code: dict[str, Any] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    created_at: str = ""
    built_at: str = ""
    outcomes_fingerprint: str = ""
    imports: list[dict[str, Any]] = field(default_factory=list)
    proxies: dict[str, dict[str, Any]] = field(default_factory=dict)
    annotations: dict[str, dict[str, Any]] = field(default_factory=dict)
    attributions: dict[str, dict[str, Any]] = field(default_factory=dict)
    dropped_proxies: list[str] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def objectives(self) -> list[str]:
        """All objectives that the study plans, trained or not; empty where it does not say."""
        return list(self.settings.get("objectives", []))

    def planned_subsets(self, objective: str, size: str) -> int:
        """How many subsets, from the first, the study trains ``size`` on by an objective."""
        main = self.settings.get("distillation") or {}
        by_name = {OBJECTIVES[1]: main} | {
            variant_objective(name): variant
            for name, variant in (main.get("variants") or {}).items()
        }
        setting = by_name.get(objective, {})
        students, subsets = setting.get("students"), setting.get("subsets")
        if students is not None and size not in students:
            return 0
        return self.n_subsets if subsets is None else int(subsets)

    @property
    def design(self) -> str:
        """How subsets were drawn, ``balanced`` or ``independent``; empty where nobody says."""
        return str(self.settings.get("subsets", {}).get("design", ""))

    def to_json(self) -> bytes:
        """The manifest as the text of its file."""
        content = asdict(self)
        for later in ("annotations", "attributions", "dropped_proxies"):
            if not content[later]:  # stores from before stay as they are, to the byte
                del content[later]
        return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


class _Content(TypedDict, total=False):
    """``Manifest`` as a stranger's file has to give it."""

    study: _Text
    title: _Text
    contract: _Count
    settings: _Settings
    seed: Annotated[int, Strict(), Field(ge=-(2**63), lt=2**63)] | None
    ratio: _Share | None
    group_size: _Positive | None
    n_subsets: Annotated[int, Strict(), Field(ge=0, le=_MOST_SUBSETS)]
    sizes: Annotated[list[_Size], AfterValidator(_sizes)]
    families: dict[_Size, _Text]
    layers: dict[_Size, dict[_Text, _Count]]
    class_names: list[_Text]
    dataset: _Dataset
    n_train: _Count
    n_test: _Count
    packed: _Flag
    code: _Table
    packages: dict[_Text, _Text]
    machine: _Table
    created_at: _Text
    built_at: _Text
    outcomes_fingerprint: Annotated[str, Strict(), Field(pattern=r"^([0-9a-f]{64})?$")]
    imports: list[_Import]
    proxies: dict[_Text, _Proxy]
    annotations: dict[_Text, _Added]
    attributions: dict[_Text, _Added]
    dropped_proxies: list[_Text]
    files: dict[Annotated[str, Strict(), AfterValidator(_file)], _File]


_CONTENT: Final = TypeAdapter(_Content)
# Messages of pydantic by kind of fault, where a user has better words.
_WORDS: Final = {
    "bool_type": "true or false",
    "dict_type": "a table of keys and values",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "string_pattern_mismatch": "a SHA-256 of 64 hexadecimal digits",
    "string_type": "a text",
}


class ManifestError(StoreError):
    """A manifest that is not what it should be.

    ``problems`` are (key, what is there, what is expected), the key empty for the file as a whole.
    """

    def __init__(self, message: str, problems: list[tuple[str, str, str]]) -> None:
        super().__init__(message)
        self.problems = problems


def read_manifest(path: Path) -> Manifest:
    """The manifest in the file ``path``.

    Raises
    ------
    ManifestError
        If it is missing, no JSON, of another contract or wrong anywhere; with every problem.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise _whole(path, "is a link or no file", "a file of its own", "is no file of its own.")
    if not path.exists():
        parent = path.parent
        message = f"'{parent}' is not a store: it has no {path.name}."
        raise ManifestError(message, [("", "no such file", "a manifest")])
    content = _json(path)
    contract = content.get("contract") if isinstance(content, dict) else None
    if not isinstance(content, dict) or contract is True or contract != CONTRACT_VERSION:
        found = f"contract version {_shown(contract)}"
        raise _whole(
            path, found, str(CONTRACT_VERSION),
            f"follows {found}; this program reads {CONTRACT_VERSION}.",
        )  # fmt: skip
    if missing := sorted({"study", "title"} - content.keys()):
        listed = ", ".join(missing)
        raise _whole(path, f"no {listed}", "every key of the contract", f"lacks {listed}.")
    try:
        _CONTENT.validate_python(content)
    except ValidationError as error:
        raise _invalid(path, error) from error
    known = {f.name for f in fields(Manifest)}
    return Manifest(**{key: value for key, value in content.items() if key in known})


def _json(path: Path) -> Any:
    try:
        return json.loads(
            path.read_text(encoding="utf-8"), parse_constant=_no_number, parse_int=_whole_number
        )
    except RecursionError as error:
        message = "is nested more deeply than any manifest."
        raise _whole(path, "JSON nested too deeply", "a manifest", message) from error
    except (ValueError, OSError) as error:
        text = str(error).partition(";")[0]
        raise _whole(path, text, "JSON", f"is not valid JSON: {text}") from error


def _no_number(name: str) -> float:
    """JSON has no such number; it is kept, so that its key can be named."""
    return float(name.replace("Infinity", "inf"))


def _whole_number(text: str) -> float:
    """Python refuses to read thousands of digits; no count has a hundred."""
    return int(text) if len(text) <= _SHOWN else float("inf")


def _whole(path: Path, found: str, expected: str, message: str) -> ManifestError:
    return ManifestError(f"'{path}' {message}", [("", found, expected)])


def _invalid(path: Path, error: ValidationError) -> ManifestError:
    problems = list(dict.fromkeys(_problems(error)))
    listed = "\n".join(
        f"  - {key}: {found}; expected {expected}" for key, found, expected in problems
    )
    message = (
        f"'{path}' is not the manifest of a store:\n{listed}\n"
        "Restore it, or get another copy of the store."
    )
    return ManifestError(message, problems)


def _problems(error: ValidationError) -> Iterator[tuple[str, str, str]]:
    for fault in error.errors(include_url=False):
        parts = [part for part in fault["loc"] if not _is_branch(part)]
        key = ".".join(_shown_key(part) for part in parts)
        if fault["type"] == "missing":
            yield key, "nothing", "a value"
            continue
        expected = fault["ctx"]["error"] if fault["type"] == "value_error" else fault["msg"]
        text = _WORDS.get(fault["type"], str(expected).removeprefix("Input should be "))
        yield key, _shown(fault["input"]), text


def _is_branch(part: object) -> bool:
    """Whether a part of a place names pydantic's own branch of a union, and no key."""
    text = str(part)
    return text in ("[key]", "float", "int", "str") or "[" in text


def _shown_key(part: object) -> str:
    text = str(part)
    return text if text.isprintable() and len(text) <= _SHOWN else _shown(text)


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # integers of thousands of digits have no decimal text
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
