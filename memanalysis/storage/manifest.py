"""``manifest.json``: what a store says of itself, validated whole when it is read.

Whoever wrote it may be a stranger, and names in it become paths, so nothing of it is used before
all of it is known to be what it should be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any, Final

from memanalysis.errors import StoreError
from memanalysis.storage.names import (
    CONTRACT_VERSION,
    OBJECTIVES,
    is_objective,
    is_size,
    variant_objective,
)
from memanalysis.storage.shapes import (
    Fault,
    anything,
    either,
    flag,
    list_of,
    number,
    optional,
    record,
    table,
    table_of,
    text,
    text_that,
    whole,
)

MANIFEST: Final = "manifest.json"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
# Larger counts of anything in a store are slips or malice; tables count rows in 64 bits.
_MOST: Final = 2**31 - 1
_MOST_SUBSETS: Final = 10**6  # each takes a bit per example, whether it was trained or not
_SHOWN: Final = 60  # characters of a value in a message


def _is_file(name: str) -> bool:
    path = PurePosixPath(name)
    inside = not path.is_absolute() and all(not part.startswith(".") for part in path.parts)
    plain = name.isprintable() and "\\" not in name and ":" not in name and str(path) == name
    return bool(path.parts) and inside and plain


def _sizes(value: object) -> Iterator[Fault]:
    faults = list(list_of(_SIZE)(value))
    yield from faults
    if not faults and isinstance(value, list) and len(set(value)) != len(value):
        yield Fault((), value, "different sizes")


_COUNT: Final = whole(0, _MOST)
_POSITIVE: Final = whole(1, _MOST)
_BYTES: Final = whole(0, 2**63 - 1)
_CHECKSUM: Final = text_that(
    "a SHA-256 of 64 hexadecimal digits", lambda value: bool(_SHA256.fullmatch(value))
)
_CHECKSUM_OR_EMPTY: Final = text_that(
    "a SHA-256 of 64 hexadecimal digits", lambda value: not value or bool(_SHA256.fullmatch(value))
)
_SIZE: Final = text_that("a size of at most 64 letters, digits and _ . + -, no path", is_size)
_OBJECTIVE: Final = text_that(f"{', '.join(OBJECTIVES)} or distilled_<variant>", is_objective)
_FILE: Final = text_that("the path of a file inside the store", _is_file)
_TABLE: Final = table_of(text, anything)
# The parts of a study file that readers of a store use; the rest is shown as it is.
_SETTINGS: Final = table(
    objectives=list_of(_OBJECTIVE),
    data=table(
        augmentation=optional(text),
        whitening=optional(text),
        image_size=optional(either(_POSITIVE, list_of(_POSITIVE))),
    ),
    subsets=table(design=text, repeats=_COUNT),
    sizes=list_of(_TABLE),
    training=table(
        epochs=_POSITIVE,
        batch_size=_POSITIVE,
        learning_rate=number(),
        momentum=optional(number()),
        weight_decay=number(),
        warmup_epochs=optional(number()),
        schedule=text,
        precision=text,
        augment_until=number(),
    ),
    distillation=optional(
        table(
            students=optional(list_of(_SIZE)),
            subsets=optional(_COUNT),
            variants=optional(table_of(text, _TABLE)),
        )
    ),
    observe=_TABLE,
    world=table(name=text),
    text=text,
)
# ``Manifest`` as a stranger's file has to give it.
_CONTENT: Final = table(
    study=text,
    title=text,
    contract=_COUNT,
    settings=_SETTINGS,
    seed=optional(whole(-(2**63), 2**63 - 1)),
    ratio=optional(number(0, 1)),
    group_size=optional(_POSITIVE),
    n_subsets=whole(0, _MOST_SUBSETS),
    sizes=_sizes,
    families=table_of(_SIZE, text),
    layers=table_of(_SIZE, table_of(text, _COUNT)),
    class_names=list_of(text),
    dataset=table(
        name=optional(text),
        licence=optional(text),
        citation=optional(text),
        fingerprint=optional(text),
        planted=_TABLE,
        judged=_TABLE,
        test_examples=_COUNT,
        official=optional(flag),
    ),
    n_train=_COUNT,
    n_test=_COUNT,
    packed=flag,
    code=_TABLE,
    packages=table_of(text, text),
    machine=_TABLE,
    created_at=text,
    built_at=text,
    outcomes_fingerprint=_CHECKSUM_OR_EMPTY,
    imports=list_of(record(sizes=list_of(_SIZE), source=text, format=text)),
    proxies=table_of(
        text, table(hard_is=optional(text), source=optional(text), formula=optional(text))
    ),
    annotations=table_of(text, table(source=text, column=text)),
    attributions=table_of(text, table(source=text, column=text)),
    dropped_proxies=list_of(text),
    files=table_of(_FILE, record(sha256=_CHECKSUM, bytes=_BYTES, rows=_BYTES)),
)


@dataclass
class Manifest:
    """The store's description of itself; ``manifest.json``.

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
        """Number of subsets, from the first, the study trains ``size`` on by an objective."""
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
        """Design of the subsets, ``balanced`` or ``independent``; empty where nobody says."""
        return str(self.settings.get("subsets", {}).get("design", ""))

    def to_json(self) -> bytes:
        """The manifest as the text of its file."""
        content = asdict(self)
        for later in ("annotations", "attributions", "dropped_proxies"):
            if not content[later]:  # stores from before stay as they are, to the byte
                del content[later]
        return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


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
    if faults := list(_CONTENT(content)):
        raise _invalid(path, faults)
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


def _invalid(path: Path, faults: list[Fault]) -> ManifestError:
    problems = [
        (
            ".".join(_shown_key(part) for part in fault.place),
            "nothing" if fault.is_missing else _shown(fault.value),
            fault.expected,
        )
        for fault in faults
    ]
    listed = "\n".join(
        f"  - {key}: {found}; expected {expected}" for key, found, expected in problems
    )
    message = (
        f"'{path}' is not the manifest of a store:\n{listed}\n"
        "Restore it, or get another copy of the store."
    )
    return ManifestError(message, problems)


def _shown_key(part: object) -> str:
    text = str(part)
    return text if text.isprintable() and len(text) <= _SHOWN else _shown(text)


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # integers of thousands of digits have no decimal text
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
