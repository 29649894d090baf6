"""The works that a report cites, as text, as LaTeX citations and as BibTeX.

Sentences carry a citation as ``[@key]``; only known keys are citations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from memanalysis._version import __version__
from memanalysis.exporting.print_tables import latex_text

_CITATION: Final = re.compile(r"\[@([a-z]+[0-9]{4})\]")


@dataclass(frozen=True)
class Work:
    """A work: how it is cited in text, its kind of BibTeX entry and the fields of that entry."""

    short: str
    kind: str
    fields: dict[str, str]


WORKS: Final = {
    "feldman2020": Work("Feldman and Zhang 2020", "inproceedings", {
        "author": "Feldman, Vitaly and Zhang, Chiyuan",
        "title": "What Neural Networks Memorize and Why: Discovering the Long Tail via "
                 "Influence Estimation",
        "booktitle": "Advances in Neural Information Processing Systems",
        "volume": "33",
        "year": "2020",
        "eprint": "2008.03703",
        "archiveprefix": "arXiv",
    }),
    "lukasik2023": Work("Lukasik et al. 2023", "misc", {
        "author": "Lukasik, Michal and Nagarajan, Vaishnavh and Rawat, Ankit Singh and "
                  "Menon, Aditya Krishna and Kumar, Sanjiv",
        "title": "What do larger image classifiers memorise?",
        "year": "2023",
        "eprint": "2310.05337",
        "archiveprefix": "arXiv",
    }),
    "newcombe1998": Work("Newcombe 1998", "article", {
        "author": "Newcombe, Robert G.",
        "title": "Interval estimation for the difference between independent proportions: "
                 "comparison of eleven methods",
        "journal": "Statistics in Medicine",
        "volume": "17",
        "number": "8",
        "pages": "873--890",
        "year": "1998",
    }),
    "agresti2005": Work("Agresti and Min 2005", "article", {
        "author": "Agresti, Alan and Min, Yongyi",
        "title": "Simple improved confidence intervals for comparing matched proportions",
        "journal": "Statistics in Medicine",
        "volume": "24",
        "number": "5",
        "pages": "729--740",
        "year": "2005",
    }),
    "benjamini1995": Work("Benjamini and Hochberg 1995", "article", {
        "author": "Benjamini, Yoav and Hochberg, Yosef",
        "title": "Controlling the False Discovery Rate: A Practical and Powerful Approach to "
                 "Multiple Testing",
        "journal": "Journal of the Royal Statistical Society: Series B",
        "volume": "57",
        "number": "1",
        "pages": "289--300",
        "year": "1995",
    }),
    "hinton2015": Work("Hinton et al. 2015", "misc", {
        "author": "Hinton, Geoffrey and Vinyals, Oriol and Dean, Jeff",
        "title": "Distilling the Knowledge in a Neural Network",
        "year": "2015",
        "eprint": "1503.02531",
        "archiveprefix": "arXiv",
    }),
    "he2016": Work("He et al. 2016", "inproceedings", {
        "author": "He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian",
        "title": "Deep Residual Learning for Image Recognition",
        "booktitle": "IEEE Conference on Computer Vision and Pattern Recognition",
        "pages": "770--778",
        "year": "2016",
    }),
    "xiao2017": Work("Xiao et al. 2017", "misc", {
        "author": "Xiao, Han and Rasul, Kashif and Vollgraf, Roland",
        "title": "Fashion-{MNIST}: a Novel Image Dataset for Benchmarking Machine Learning "
                 "Algorithms",
        "year": "2017",
        "eprint": "1708.07747",
        "archiveprefix": "arXiv",
    }),
    "lecun1998": Work("LeCun et al. 1998", "article", {
        "author": "LeCun, Yann and Bottou, L{\\'e}on and Bengio, Yoshua and Haffner, Patrick",
        "title": "Gradient-based learning applied to document recognition",
        "journal": "Proceedings of the IEEE",
        "volume": "86",
        "number": "11",
        "pages": "2278--2324",
        "year": "1998",
    }),
    "krizhevsky2009": Work("Krizhevsky 2009", "techreport", {
        "author": "Krizhevsky, Alex",
        "title": "Learning Multiple Layers of Features from Tiny Images",
        "institution": "University of Toronto",
        "year": "2009",
    }),
    "alpaydin1998": Work("Alpaydin and Kaynak 1998", "misc", {
        "author": "Alpaydin, E. and Kaynak, C.",
        "title": "Optical Recognition of Handwritten Digits",
        "howpublished": "UCI Machine Learning Repository",
        "doi": "10.24432/C50P49",
        "year": "1998",
    }),
}  # fmt: skip
# How the readers of data sets name their citations -> its key.
_DATA: Final = (
    ("Xiao, Rasul and Vollgraf", "xiao2017"),
    ("LeCun, Bottou", "lecun1998"),
    ("Krizhevsky", "krizhevsky2009"),
    ("Alpaydin and Kaynak", "alpaydin1998"),
)
_NOT_STATED: Final = frozenset({"", "not stated"})


def of_data(dataset: dict[str, Any]) -> str | None:
    """The key of the work that a data set asks to be cited, None if it is not among ``WORKS``."""
    citation = str(dataset.get("citation") or "")
    return next((key for begin, key in _DATA if citation.startswith(begin)), None)


def cited(sentences: Sequence[str]) -> list[str]:
    """The keys that sentences cite, in the order of their first mention."""
    found = [key for sentence in sentences for key in _CITATION.findall(sentence) if key in WORKS]
    return list(dict.fromkeys(found))


def as_text(sentence: str) -> str:
    """``sentence`` with citations by author and year."""
    return _CITATION.sub(lambda m: f"({WORKS[m[1]].short})" if m[1] in WORKS else m[0], sentence)


def as_latex(sentence: str) -> str:
    r"""``sentence`` escaped for LaTeX, with ``\citep``."""
    parts = _CITATION.split(sentence)  # text, key, text, key, ..., text
    return "".join(
        latex_part(part) if i % 2 == 0 else _cite(part) for i, part in enumerate(parts)
    ).strip()


def latex_part(text: str) -> str:
    """Text escaped for LaTeX, with the space at either end kept."""
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() and text.strip() else ""
    return before + latex_text(text) + after


def _cite(key: str) -> str:
    return rf"\citep{{{key}}}" if key in WORKS else latex_text(f"[@{key}]")


def bibtex(keys: Sequence[str], dataset: dict[str, Any]) -> str:
    """Entries of ``keys``, of this program, and of the data set where it is none of them."""
    entries = [_entry(WORKS[key].kind, key, WORKS[key].fields) for key in keys]
    software = {
        "title": "{memanalysis}",
        "note": f"Version {__version__}",
    }
    entries.append(_entry("misc", "memanalysis", software))
    if of_data(dataset) is None:
        entries.append(_of_dataset(dataset))
    return "\n\n".join(entries)


def _of_dataset(dataset: dict[str, Any]) -> str:
    name, citation = (str(dataset.get(key) or "").strip() for key in ("name", "citation"))
    if citation in _NOT_STATED:
        # Outside of an entry an @ begins one.
        shown = f" of {_field(name).replace('@', ' at ')}" if name else ""
        return f"% The store names no work to cite for the data set{shown}."
    fields = {"title": f"{{{_field(name or 'The data set')}}}", "note": _field(citation)}
    return _entry("misc", "dataset", fields)


def _field(text: str) -> str:
    """Text escaped for LaTeX in BibTeX, which counts braces even behind a backslash."""
    escaped = latex_text(text)
    return escaped.replace(r"\{", r"\textbraceleft{}").replace(r"\}", r"\textbraceright{}")


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    width = max(map(len, fields))
    lines = [f"  {name:{width}} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])
