"""Prerequisites that no Python package brings: found, installed, or asked for in time."""

from collections.abc import Callable
from pathlib import Path

import prerequisites
import pytest

STARTS = "#!/bin/sh\necho Chromium 1.0\n"
Machine = Callable[..., Path]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with nothing but a folder of programs and, for root, an apt-get that installs."""

    def make(system: str, *, root: bool) -> Path:
        programs = tmp_path / "bin"
        programs.mkdir()
        # A shell's own commands alone: nothing else is on the search path.
        apt = f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n[ $1 = update ] && exit\n'
        apt += (
            f"printf '#!/bin/sh\\n' > {programs}/chromium\nexec /bin/chmod +x {programs}/chromium"
        )
        write_program(programs / "apt-get", apt)
        write_program(programs / "sh", '#!/bin/sh\nexec /bin/sh "$@"\n')
        monkeypatch.setenv("PATH", str(programs))
        monkeypatch.delenv(prerequisites.BROWSER_VARIABLE, raising=False)
        monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
        monkeypatch.setattr(prerequisites, "_MAC_APPLICATIONS", ())
        monkeypatch.setattr(prerequisites, "_system", lambda: system)
        monkeypatch.setattr(prerequisites, "_is_root", lambda: root)
        return programs

    return make


def write_program(path: Path, content: str) -> None:
    """Write a program that can be started."""
    path.write_text(content)
    path.chmod(0o755)


@pytest.mark.parametrize(("root", "sudo"), [(True, ""), (False, "sudo ")])
def test_debian_installs_it_by_the_command_that_is_printed(
    machine: Machine, tmp_path: Path, capfd: pytest.CaptureFixture[str], root: bool, sudo: str
) -> None:
    """For root, or by a sudo that asks for no password; what it installed is found."""
    programs = machine("debian", root=root)
    if not root:
        write_program(programs / "sudo", '#!/bin/sh\n[ "$1" = -n ] && exit\nexec "$@"\n')
    assert prerequisites.main(["browser"]) == 0
    said = capfd.readouterr().err
    assert f"\n    {sudo}apt-get update -qq && {sudo}apt-get install" in said
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[1].endswith("--no-install-recommends chromium")


@pytest.mark.parametrize(
    ("system", "line"),
    [
        ("debian", "sudo apt-get install -qq --yes --no-install-recommends chromium"),
        ("", "-m playwright install"),
    ],
)
def test_elsewhere_one_message_says_what_lacks_and_what_installs_it(
    machine: Machine, tmp_path: Path, capfd: pytest.CaptureFixture[str], system: str, line: str
) -> None:
    """Without the right to install, and on other systems, nothing is run."""
    machine(system, root=False)
    assert prerequisites.main(["browser"]) == 1
    said = capfd.readouterr().err
    assert said.startswith("Missing: Chromium or Chrome. Give this command")
    assert line in said
    assert "Or set MEMANALYSIS_BROWSER" in said
    assert not (tmp_path / "asked").exists()


def test_a_variable_that_names_nothing_is_said_to(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Nothing is installed in place of what somebody named."""
    machine("debian", root=True)
    monkeypatch.setenv("MEMANALYSIS_BROWSER", "/nowhere/chrome")
    monkeypatch.setenv("MEMANALYSIS_DATA", str(tmp_path))
    assert prerequisites.main(["browser", "data"]) == 1
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 2
    assert "MEMANALYSIS_BROWSER is '/nowhere/chrome', which is not" in said[0]
    assert f"MEMANALYSIS_DATA is '{tmp_path}', which is not" in said[1]
    assert not (tmp_path / "asked").exists()


def test_programs_that_do_not_start_are_passed_over(machine: Machine) -> None:
    """A stand-in that only says what to install, and a snap, are no browsers."""
    programs = machine("ubuntu", root=False)
    write_program(programs / "chromium", "#!/bin/sh\nexit 1\n")
    write_program(programs / "snap", STARTS)
    (programs / "chromium-browser").symlink_to(programs / "snap")
    assert prerequisites.browser() is None
    write_program(programs / "google-chrome-stable", STARTS)
    assert prerequisites.browser() == str(programs / "google-chrome-stable")
