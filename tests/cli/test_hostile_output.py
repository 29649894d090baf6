"""Names that steer a terminal, in every command: shown as escapes wherever they come out."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import odd_stores
import pytest

from memanalysis.cli import cli
from memanalysis.storage.store import Store

# Escape sequences that clear the screen and set its title, a bell, a return, an override, a line.
NASTY = "a\x1b[2J\x1b]0;b\x07\r\u202ec\u2028d\x9b1m"
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
# What each command is given; {s} is the store, {n} a name that nothing has, {d} an empty folder.
LINES: dict[str, tuple[str, ...]] = {
    "report": ("report|{n}", "report|{s}|--out|{d}/{n}.html|--nasty{n}"),
    "suspects": ("suspects|{s}", "suspects|{n}", "suspects|{s}|--out|{d}/{n}.csv"),
    "sql": (
        "sql|{s}|from examples limit 8",
        "sql|{s}|select example_id as \"{n}\", '{n}' as t",
        "sql|{s}|select '{n}' from nothing",
        "sql|{s}|from examples|--format|json",
        "sql|{s}|from examples|--out|{d}/{n}.csv",
    ),
    "tables": ("tables|{s}|{n}", "tables|{s}|examples|--format|table"),
    "init": ("init|{n}", "init|{d}|--out|{d}/{n}.toml"),
    "produce": ("produce|{n}|--out|{d}/x",),
    "plan": ("plan|{n}", "plan|{d}/study.toml"),
    "build": ("build|{n}", "build|{s}"),
    "import": (
        "import|npz|{n}|--out|{d}/x",
        "import|{n}|x",
        "import|scores|{d}/s.csv|--id-column|{n}|--out|{d}/x",
        "import|npz|{d}/{n}.npz|--out|{d}/y|--size|tiny",
        "import|npz|{d}/{n}.npz|--out|{d}/y|--size|{n}",
    ),
    "check": ("check|{n}", "check|{s}"),
    "compare": ("compare|{s}|{n}", "compare|{s}|{s}|--out|{d}/{n}.html"),
    "export": ("export|{s}|--to|npz|--out|{d}/{n}", "export|{s}|--to|{n}|--out|{d}/e"),
    "judge": ("judge|{n}", "judge|{s}|--nasty{n}"),
    "removal": ("removal|{n}", "removal|{s}|--nasty{n}"),
    "reproduce": ("reproduce|{n}", "reproduce|{s}"),
    "images": ("images|{n}|--from|{d}", "images|{s}|--from|{d}/{n}"),
    "notebooks": ("notebooks|{d}/{n}",),
    "simulate": ("simulate|--world|{n}|--out|{d}/z", "simulate|--out|{d}/s.csv/{n}|--train|20"),
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Hostile classes, sources and titles, in a folder whose name is hostile as well."""
    store = odd_stores.small(tmp_path_factory.mktemp("nasty") / NASTY)
    n_all = odd_stores.N_TRAIN + odd_stores.N_TEST
    names = [f"{NASTY}{i}" for i in range(3)]
    odd_stores.relabel(store, [i % 3 for i in range(n_all)], names)
    odd_stores.set_column(store, "examples", "source_id", [f"{i}{NASTY}" for i in range(n_all)])
    store.manifest.study = store.manifest.title = NASTY
    return odd_stores.derived(store)


def test_every_command_is_walked() -> None:
    """A new command must be given hostile names, too."""
    assert set(LINES) == set(cli.commands)


@pytest.mark.parametrize("name", LINES)
def test_nothing_steers_the_terminal(
    name: str, hostile: Store, tmp_path: Path, memanalysis: Callable[..., object]
) -> None:
    """No control or direction character comes out of a command, in results and in errors."""
    (tmp_path / "s.csv").write_text("a,b\n1,2\n")
    (tmp_path / "study.toml").write_text(
        f'study = {{ name = "{NASTY.encode("unicode_escape")!r}" }}'
    )
    masks = np.random.default_rng(1).random((4, 9)) < 0.5
    np.savez(tmp_path / f"{NASTY}.npz", masks=masks, correctness=masks)
    shown = 0
    for line in LINES[name]:
        fields = {"s": str(hostile.path), "n": NASTY, "d": str(tmp_path)}
        result = memanalysis(*(part.format(**fields) for part in line.split("|")))
        text = result.out + result.err
        assert not STEERING.findall(text), (line, text[:500])
        assert "internal error" not in text, (line, text)
        shown += r"\x1b[2J" in text or r"\u001b[2J" in text
    assert shown, name


def test_scripts_stay_scripts(hostile: Store, memanalysis: Callable[..., object]) -> None:
    """Relations for another program name the folder as it is called."""
    assert NASTY in memanalysis("sql", "--print-relations", hostile.path).out


def test_commands_print_by_one_function() -> None:
    """Only ``say`` prints lines, so that no command forgets the escapes."""
    folder = Path(cli.callback.__code__.co_filename).parent
    printing = {
        path.name
        for path in folder.glob("*.py")
        if re.search(r"click\.s?echo|\bprint\(", path.read_text())
    }
    assert printing == {"terminal.py"}
