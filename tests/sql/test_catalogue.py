"""The catalogue, and what every relation must say of itself."""

import re

import pytest

from memanalysis.sql.catalogue import Relation, as_frame, catalogue, overview
from memanalysis.sql.connection import connect
from memanalysis.sql.scripts import scripts
from memanalysis.storage.schema import TABLES
from memanalysis.storage.store import Store

# Relations and columns that other people's SQL relies on (README, section on tables).
PUBLIC = {
    "memorization": "objective size size_rank example_id label n_in n_out accuracy_in accuracy_out "
    "memorization std_error ci_low ci_high",
    "memorization_by": "objective size size_rank example_id label n_in n_out accuracy_in "
    "accuracy_out memorization std_error ci_low ci_high",
    "trajectories": "objective example_id shape direction change change_se change_in change_out "
    "p_value q_value peak_size peak trough_size trough paired",
    "trajectories_at": "objective example_id shape direction",
    "accuracy": "objective size accuracy_in accuracy_in_low accuracy_in_high accuracy_out "
    "accuracy_out_low accuracy_out_high accuracy_test accuracy_test_low accuracy_test_high "
    "memorization memorization_low memorization_high n_models parameters saturated",
    "bimodality": "objective size polarisation low_mass high_mass upper_mode_ratio "
    "bimodality_coefficient dip dip_plain",
    "proxy_correlations": "objective size quantity stratum proxy method estimate ci_low ci_high "
    "reliability corrected_estimate",
    "proxy_trends": "objective proxy auc auc_low auc_high share_rising polarisation_first "
    "polarisation_last verdict",
    "distillation": "size size_rank teacher_size gap example_id memorization_one_hot "
    "memorization_distilled change change_se change_in change_out",
    "influence": "train_id test_id objective size influence n_in n_out std_error q_value",
    "findings": "finding claim verdict estimate ci_low ci_high sentence query",
}


@pytest.fixture(scope="module")
def relations(random_store: Store) -> dict[str, Relation]:
    """The catalogue by name."""
    return {relation.name: relation for relation in catalogue(random_store, count=True)}


def test_the_catalogue_lists_every_script(relations: dict[str, Relation]) -> None:
    """Every file is one relation of the catalogue, in load order."""
    assert list(relations) == [script.name for script in scripts()]


def test_the_overview_says_what_the_catalogue_says(
    random_store: Store, relations: dict[str, Relation]
) -> None:
    """Without a connection it has the same comments and calls, and rows as they are counted."""
    for brief in overview(random_store):
        whole = relations[brief.name]
        assert (brief.comment, brief.call, brief.folder) == (
            whole.comment, whole.call, whole.folder
        )  # fmt: skip
        assert brief.rows == (whole.rows if brief.name in TABLES else None)


def test_comments_are_those_of_the_database(random_store: Store) -> None:
    """What is read from the files is what any client reads by ``duckdb_views()``."""
    with connect(random_store) as engine:
        said = engine.sql(
            "select view_name, comment from duckdb_views() where not internal union all "
            "select function_name, comment from duckdb_functions() "
            "where function_type = 'table_macro' and not internal"
        ).fetchall()
    assert dict(said) == {brief.name: brief.comment for brief in overview(random_store)}


def test_every_stored_table_is_a_relation(relations: dict[str, Relation]) -> None:
    """Each table of a store can be read under its own name with its columns, in their order, and
    only ``outcomes`` has more: the other half of the groups is computed.
    """
    for name, (_, schema) in TABLES.items():
        found = [column.name for column in relations[name].columns]
        computed = [column for column in found if re.fullmatch(r".*_sum_b", column)]
        assert [column for column in found if column not in computed] == schema.names
        assert len(computed) == (6 if name == "outcomes" else 0)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_columns_are_there(relations: dict[str, Relation], name: str) -> None:
    """The columns that users' SQL relies on exist."""
    assert set(PUBLIC[name].split()) <= {column.name for column in relations[name].columns}


def test_everything_is_documented(relations: dict[str, Relation]) -> None:
    """Every relation says what a row is, and every column what it means."""
    for relation in relations.values():
        assert relation.comment.startswith("One row"), relation.name
        for column in relation.columns:
            assert column.comment.strip().endswith((".", ")")), f"{relation.name}.{column.name}"


def test_headers_say_what_a_row_is() -> None:
    """Each file starts with a comment that says what a row is."""
    for script in scripts():
        assert script.text.startswith("-- One row"), script.name


def test_files_use_relations_of_earlier_folders_only() -> None:
    """No file reads a relation of its own folder or of a later one, so folders are the order."""
    order = {"tables": 0, "scores": 1, "changes": 2, "summaries": 3, "checks": 4}
    level = {script.name: order[script.folder] for script in scripts()}
    for script in scripts():
        code = re.sub(r"--.*|'[^']*'", "", script.text.partition("comment on")[0])
        local = set(re.findall(r"^(\w+) as \($", code, re.MULTILINE))
        used = set(re.findall(r"\b(?:from|join)\s+(\w+)", code)) & level.keys() - local
        for name in used:
            assert level[name] < order[script.folder], f"{script.name} uses {name}"


def test_only_tables_name_files() -> None:
    """Paths stand in tables/ alone, by the variable `store`; no file uses another variable."""
    for script in scripts():
        variables = set(re.findall(r"getvariable\('(\w+)'\)", script.text))
        assert variables == ({"store"} if script.folder == "tables" else set()), script.name
        assert not re.search(r"\$\w", script.text), f"{script.name} uses a prepared parameter"


def test_macro_parameters_do_not_shadow_columns(random_store: Store) -> None:
    """No parameter has the name of a column that its macro can see: it would silently win."""
    with connect(random_store) as engine:
        macros = engine.sql(
            "select function_name, unnest(parameters) from duckdb_functions() "
            "where function_type = 'table_macro' and not internal"
        ).fetchall()
        columns = engine.sql(
            "select table_name, column_name from duckdb_columns() where not internal"
        ).fetchall()
    text = {script.name: script.text for script in scripts()}
    assert len(macros) >= 3
    for macro, parameter in macros:
        sources = set(re.findall(r"\b(?:from|join)\s+(\w+)", text[macro]))
        seen = {column for table, column in columns if table in sources}
        assert parameter not in seen, f"{macro}({parameter})"


def test_calls_show_parameters_with_defaults(relations: dict[str, Relation]) -> None:
    """A macro is listed the way it is called, with types and defaults."""
    assert relations["trajectories_at"].call == "trajectories_at(alpha double := 0.2)"
    assert "signal varchar := 'probability'" in relations["memorization_by"].call
    assert relations["accuracy"].call == "accuracy"


def test_summaries_are_small(relations: dict[str, Relation]) -> None:
    """Relations for one chart stay below the rows that a chart takes."""
    assert all(r.rows <= 5000 for r in relations.values() if r.folder == "summaries")


def test_the_catalogue_is_a_frame(relations: dict[str, Relation]) -> None:
    """As a frame it has one row per relation and column."""
    frame = as_frame(list(relations.values()))
    assert frame.height == sum(len(relation.columns) for relation in relations.values())
    assert frame.filter(relation="classes")["column"].to_list() == ["label", "class_name"]
