"""Shapes of JSON values: what fits yields nothing, what does not is named by its place."""

import math

import pytest

from memanalysis.storage.shapes import (
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

SHORT = text_that("a short text", lambda value: len(value) < 3)


@pytest.mark.parametrize(
    ("shape", "fits", "others"),
    [
        (text, "x", {3: "a text", "\ud800": "a text of whole characters"}),
        (SHORT, "ab", {"abc": "a short text", None: "a text"}),
        (flag, True, {1: "true or false", None: "true or false"}),
        (whole(1, 9), 9, {0: "greater than or equal to 1", 10: "less than or equal to 9"}),
        (whole(1, 9), 1, {True: "a whole number", 2.0: "a whole number"}),
        (number(0, 1), 1, {1.5: "less than or equal to 1", math.nan: "a finite number"}),
        (number(), -1e300, {math.inf: "a finite number", False: "a number", "1": "a number"}),
        (optional(flag), None, {0: "true or false"}),
        (list_of(flag), [], {"x": "a list"}),
        (table(), {}, {0: "a table of keys and values"}),
    ],
)
def test_a_value_fits_or_is_told_what_was_expected(shape, fits, others):
    """Numbers are no flags, flags no numbers, and bounds belong to what fits."""
    assert list(shape(fits)) == []
    for value, expected in others.items():
        (fault,) = shape(value)
        assert (fault.place, fault.expected) == ((), expected)
        assert fault.value is value


def test_every_fault_has_its_place():
    """Keys and positions from the outside in, in the order of the declaration."""
    shape = table(b=list_of(whole(0, 1)), a=table_of(SHORT, text), c=anything)
    found = [(f.place, f.expected) for f in shape({"a": {"long": 1}, "b": [0, 5], "d": 1})]
    assert found == [
        (("b", 1), "less than or equal to 1"),
        (("a", "long"), "a short text"),
        (("a", "long"), "a text"),
    ]


def test_a_record_misses_its_keys():
    """A table does without keys, a record does not; neither minds more of them."""
    assert list(table(a=text)({"b": 1})) == []
    (fault,) = record(a=text)({"b": 1})
    assert (fault.place, fault.is_missing) == (("a",), True)


def test_one_of_several_shapes_is_enough():
    """If none fits, each says what it expected."""
    shape = either(flag, list_of(flag))
    assert list(shape([True])) == []
    assert [(f.place, f.expected) for f in shape([1])] == [
        ((), "true or false"),
        ((0,), "true or false"),
    ]
