"""Finding the study file that an argument names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from memanalysis.errors import SettingsError, did_you_mean

if TYPE_CHECKING:
    from memanalysis.settings import Study


def load_study(argument: str) -> Study:
    """The study of a TOML file, or of the name of a shipped one.

    Raises
    ------
    SettingsError
        If there is neither, or the file is no study.
    """
    from memanalysis import bundled_studies, settings

    file = Path(argument)
    if file.is_file():
        return settings.load(file)
    folder = bundled_studies.find(argument, "study.toml") if argument.isprintable() else None
    if folder is not None and "/" not in argument and argument not in (".", ".."):
        return settings.load(folder / "study.toml")
    names = bundled_studies.studies()
    raise SettingsError(
        f"There is no study file '{argument}'. Expected a TOML file or the name of a study that "
        f"comes with memanalysis: {', '.join(names)}.{did_you_mean(argument, names)}"
    )
