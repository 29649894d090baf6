"""The list of formats: what is listed exists, and the help names it."""

from memanalysis.cli import cli
from memanalysis.importing import FORMATS


def test_every_format_has_a_reader_and_is_in_the_help() -> None:
    """Names on the command line are the keys; each module has a documented ``read``."""
    text = " ".join(cli.commands["import"].help.split())
    for name, format_ in FORMATS.items():
        assert format_.name == name
        assert format_.read.__doc__, name
        assert f"{name}," in text or f"{name}." in text, name
