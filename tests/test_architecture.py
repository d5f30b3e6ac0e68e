"""Where a line of code lives: imports go one way, and each library is known to few."""

import ast
from graphlib import CycleError, TopologicalSorter

import pytest

from mmconform.spec.load import ROOT

FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "mmconform").rglob("*.py"))
}
SUITES = sorted((ROOT / "suites").rglob("*.py"))


def imported(path):
    """Every module, with names taken from a module written after it, that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def ours(name):
    """The module of ours that an imported name belongs to."""
    while name and name not in FILES:
        name = name.rpartition(".")[0]
    return name


GRAPH = {module: {ours(n) for n in imported(path) if n.split(".")[0] == "mmconform"} - {module} for module, path in FILES.items()}
IMPORTS = {(module, name.split(".")[0]) for module, path in FILES.items() for name in imported(path)}


def below(*names):
    return {m for m in FILES if any(m == f"mmconform.{n}" or m.startswith(f"mmconform.{n}.") for n in names)}


BASE = below("errors", "version", "files") | {"mmconform"}
#: What the modules of a package may know beside each other.
KNOWS = {
    "spec": BASE,
    "contract": BASE | below("spec"),
    "checks": BASE | below("contract", "exchange", "persona", "routes", "schemas"),
    "tape": BASE | below("spec"),
    "report": BASE
    | below("access_matrix", "contract", "deviations", "exchange", "persona", "record", "summary", "changes", "history"),
    "persona": BASE | below("spec", "contract"),
    "deviations": BASE | below("spec", "contract", "persona"),
    "record": BASE,
    "summary": BASE | below("contract", "deviations", "record"),
    "exchange": BASE,
    "reference": BASE | below("spec", "contract", "persona", "expectation"),
}


@pytest.mark.parametrize("package", KNOWS)
def test_a_package_knows_only_what_is_below_it(package):
    own = below(package)
    assert own
    assert {(m, known) for m in own for known in GRAPH[m] - own - KNOWS[package]} == set()


def test_no_module_imports_itself_in_a_circle():
    try:
        order = list(TopologicalSorter(GRAPH).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
    assert len(order) == len(FILES)


def test_nobody_imports_the_plugin():
    assert {m for m, known in GRAPH.items() if "mmconform.plugin" in known} == set()


#: Who may import what. vcrpy's cassettes are YAML of its own, so the module about them knows what broken YAML raises.
LIBRARIES = {
    "yaml": {"mmconform.spec.reader", "mmconform.tape.cassette"},
    "pytest": {"mmconform.plugin", "mmconform.session", "mmconform.stagecraft", "mmconform.suite"},
    "rich": below("report"),
    "pandas": {"mmconform.frame", "mmconform.report.draw"},
    "matplotlib": {"mmconform.report.draw"},
    "nbclient": {"mmconform.notebooks"},
    "requests": {"mmconform.client"},
    "vcr": {"mmconform.tape.cassette", "mmconform.plugin"},
    "schemathesis": {"mmconform.generate"},
    "waitress": {"mmconform.reference.server"},
    "jsonpath_rfc9535": {"mmconform.spec.overlay"},
    "openapi_spec_validator": {"mmconform.spec.merge"},
    "jsonschema": {"mmconform", "mmconform.schemas", "mmconform.record"},
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_known_to_few(library):
    assert {module for module, name in IMPORTS if name == library} <= LIBRARIES[library]


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.relative_to(ROOT / "suites").as_posix())
def test_a_suite_sends_no_request_validates_no_schema_and_compares_no_version_itself(path):
    names = set(imported(path))
    assert {n for n in names if n.split(".")[0] in ("requests", "jsonschema", "httpx", "urllib", "http", "yaml", "re")} == set()
    assert {n for n in names if n.startswith(("mmconform.version", "mmconform.schemas", "mmconform.deviations"))} == set()


def test_there_are_suites():
    assert SUITES
