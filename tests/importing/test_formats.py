"""The list of formats: what is listed exists, and the help names it."""

from memanalysis.cli import cli
from memanalysis.importing import FORMATS


def test_every_format_has_a_reader_and_is_in_the_help() -> None:
    """Names on the command line are the keys; each module has a documented ``read``."""
    table = {line.split()[0] for line in cli.commands["import"].help.splitlines() if line.strip()}
    for name, format_ in FORMATS.items():
        assert format_.name == name
        assert format_.read.__doc__, name
        assert name in table, name
