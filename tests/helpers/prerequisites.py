"""A browser and Fashion-MNIST, which no Python package brings: looked for, installed, asked for.

``python tests/helpers/prerequisites.py browser data`` installs what lacks on Debian and Ubuntu, as
root or with passwordless sudo. Elsewhere it says what lacks, and how to install it, and returns 1.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from playwright.sync_api import sync_playwright

from memanalysis.errors import DataError
from memanalysis.producer.data import idx
from memanalysis.settings import Data

BROWSER_VARIABLE = "MEMANALYSIS_BROWSER"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC_APPLICATIONS = ("Google Chrome", "Chromium")


def driver() -> str | None:
    """The version of Playwright, if its program that drives browsers starts."""
    version = subprocess.run(
        [sys.executable, "-m", "playwright", "--version"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return version.stdout if version.returncode == 0 else None


def browser() -> str | None:
    """The path of a Chromium or Chrome that starts: MEMANALYSIS_BROWSER, or the first one here.

    Looked for are those of the search path, of macOS, and the one that Playwright installs.
    """
    if given := os.environ.get(BROWSER_VARIABLE):
        return _starting(given)
    return next(filter(None, map(_starting, _browsers())), None)


def data() -> str | None:
    """The name of the data set, if it can be read."""
    try:
        return idx.fashion_mnist(Data("fashion-mnist")).name
    except DataError:
        return None


@dataclass(frozen=True)
class Prerequisite:
    """Something to be looked for, its package by system, and a line that installs it elsewhere.

    ``variable`` of the environment names the place of one that is there already.
    """

    title: str
    find: Callable[[], str | None]
    elsewhere: str
    packages: dict[str, str]
    variable: str = ""


PREREQUISITES = {
    "browser": (
        Prerequisite(
            title="libatomic, for Playwright",
            find=driver,
            elsewhere="dnf install libatomic",
            packages=dict.fromkeys(("debian", "ubuntu"), "libatomic1"),
        ),
        Prerequisite(
            title="Chromium or Chrome",
            find=browser,
            elsewhere=f"{shlex.quote(sys.executable)} -m playwright install "
            + "--with-deps " * (shutil.which("apt-get") is not None)
            + "chromium",
            packages={"debian": "chromium"},  # Ubuntu's is a snap, which cannot read our files
            variable=BROWSER_VARIABLE,
        ),
    ),
    "data": (
        Prerequisite(
            title="Fashion-MNIST (four idx files)",
            find=data,
            elsewhere="git clone --depth 1 https://github.com/zalandoresearch/fashion-mnist && "
            f'export {idx.FOLDER_VARIABLE}="$PWD/fashion-mnist/data/fashion"',
            packages=dict.fromkeys(("debian", "ubuntu"), "dataset-fashion-mnist"),
            variable=idx.FOLDER_VARIABLE,
        ),
    ),
}


def main(names: list[str]) -> int:
    """Look for the prerequisites named and install what lacks, if that can be done; the exit code.

    What a variable of the environment names is not replaced.
    """
    lacking = _lacking([one for name in names for one in PREREQUISITES[name]])
    if not lacking:
        return 0
    misplaced = [one for one in lacking if os.environ.get(one.variable)]
    for one in misplaced:
        _say(
            f"{one.variable} is '{os.environ[one.variable]}', which is not {one.title}. "
            "Correct or unset it."
        )
    if misplaced:
        return 1
    line = _installing(lacking)
    if _may_install():
        _say(f"Installing {_listed(lacking)}:\n    {line}")
        subprocess.run(["sh", "-c", line], stdout=sys.stderr, check=False)
        lacking = _lacking(lacking)
        if not lacking:
            return 0
    _say(f"Missing: {_listed(lacking)}. Give this command, then the same one again:\n    {line}")
    if variables := [one.variable for one in lacking if one.variable]:
        _say(f"Or set {' and '.join(variables)} to where you have it.")
    return 1


def _browsers() -> Iterator[str]:
    yield from _NAMES
    for name in _MAC_APPLICATIONS:
        yield f"/Applications/{name}.app/Contents/MacOS/{name}"
    if driver():
        with sync_playwright() as playwright:
            yield playwright.chromium.executable_path


def _starting(name: str) -> str | None:
    """The path of the program ``name``, if it starts and is no snap."""
    path = shutil.which(name)
    if path is None or os.path.basename(os.path.realpath(path)) == "snap":
        return None
    version = subprocess.run([path, "--version"], capture_output=True, check=False)
    return path if version.returncode == 0 else None


def _lacking(wanted: list[Prerequisite]) -> list[Prerequisite]:
    return [one for one in wanted if one.find() is None]


def _listed(some: list[Prerequisite]) -> str:
    return " and ".join(one.title for one in some)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _installing(lacking: list[Prerequisite]) -> str:
    """One line for the shell that installs what lacks on this system."""
    system = _system()
    packages = [one.packages[system] for one in lacking if system in one.packages]
    lines = [one.elsewhere for one in lacking if system not in one.packages]
    if packages:
        sudo = "" if _is_root() else "sudo "
        install = f"apt-get install -qq --yes --no-install-recommends {' '.join(packages)}"
        lines[:0] = [f"{sudo}apt-get update -qq", f"{sudo}{install}"]
    return " && ".join(lines)


def _system() -> str:
    """``debian`` or ``ubuntu``, also for what derives from them, or else nothing."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ""
    alike = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    return next((name for name in ("ubuntu", "debian") if name in alike), "")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _may_install() -> bool:
    """True on Debian or Ubuntu if the user is root or one whom sudo asks for no password."""
    if not _system() or _is_root():
        return bool(_system())
    sudo = shutil.which("sudo")
    if sudo is None:
        return False
    return subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
