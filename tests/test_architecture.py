"""Where a line of code lives: imports go one way, and each library is known to few."""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter

import pytest

from mmconform.paths import ROOT
from mmconform.plugin.collecting import SUITES_IN_TURN

FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "mmconform").rglob("*.py"))
}
SUITES = sorted((ROOT / "suites").rglob("*.py"))


@cache
def imported(path):
    """Every module, with names taken from a module written after it, that a file imports, wherever it does."""
    return [*_imported(ast.parse(path.read_text(encoding="utf-8")), path)]


def _imported(tree, path):
    for node in ast.walk(tree):
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


#: What lies in no room, and the rooms from the ground up: each knows itself and those before it.
FOUNDATION = ("errors", "version", "files", "paths", "json_schema", "knowledge")
GROUND = below(*FOUNDATION) | {"mmconform"}
ROOMS = (
    "documents",
    "contract",
    "wire",
    "world",
    "safety",
    "record",
    "reference",
    "servers",
    "judging",
    "driving",
    "principles",
    "report",
    "notebooks",
    "campaign",
    "prove",
    "commands",
    "plugin",
)
FOLDERS = {path.name for path in (ROOT / "mmconform").iterdir() if path.is_dir() and (path / "__init__.py").exists()}


def test_every_room_has_its_place():
    assert set(ROOMS) == FOLDERS
    assert {m.removeprefix("mmconform.") for m in FILES if m.count(".") == 1} - FOLDERS == {
        *FOUNDATION,
        "__main__",
    }


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_knows_only_what_is_before_it(room):
    allowed = GROUND | below(*ROOMS[: ROOMS.index(room) + 1])
    if room == "plugin":
        allowed -= below("commands") - {"mmconform.commands.cli"}  # which says whose option a slip is
    assert {(m, known) for m in below(room) for known in GRAPH[m] - allowed} == set()


def test_no_module_imports_itself_in_a_circle():
    try:
        order = list(TopologicalSorter(GRAPH).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
    assert len(order) == len(FILES)


def test_nobody_imports_the_plugin():
    assert {m for m, known in GRAPH.items() if known & below("plugin") and m not in below("plugin")} == set()


#: Who may import what. vcrpy's cassettes are YAML of its own, so the module about them knows what broken YAML raises.
LIBRARIES = {
    "yaml": {"mmconform.documents.reader", "mmconform.documents.json_reader", "mmconform.wire.tape.cassette"},
    "pytest": below("plugin"),
    "rich": below("report"),
    "pandas": {"mmconform.notebooks.tables", "mmconform.notebooks.draw"},
    "matplotlib": {"mmconform.notebooks.draw"},
    "nbclient": {"mmconform.notebooks.execute"},
    "requests": below(*(f"wire.{name}" for name in ("client", "connection", "origin", "reasons")))
    | {"mmconform.reference.operations"},
    "urllib3": {"mmconform.wire.connection"},
    "vcr": {"mmconform.wire.tape.cassette", "mmconform.plugin.verdicts"},
    "schemathesis": {"mmconform.driving.generate"},
    "waitress": {"mmconform.reference.server"},
    "jsonpath_rfc9535": {"mmconform.documents.overlay"},
    "openapi_spec_validator": {"mmconform.documents.validate"},
    "jsonschema": {"mmconform.json_schema"},
    "jsonschema_rs": {"mmconform.json_schema"},
    "distributed": {"mmconform.campaign.places"},
    "filelock": {"mmconform.files", "mmconform.servers.live.locks"},
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_known_to_few(library):
    assert {module for module, name in IMPORTS if name == library} <= LIBRARIES[library]


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.relative_to(ROOT / "suites").as_posix())
def test_a_suite_sends_no_request_validates_no_schema_and_compares_no_version_itself(path):
    names = set(imported(path))
    assert {n for n in names if n.split(".")[0] in ("requests", "jsonschema", "httpx", "urllib", "http", "yaml", "re")} == set()
    assert {
        n for n in names if n.startswith(("mmconform.version", "mmconform.judging.schemas", "mmconform.judging.deviations"))
    } == set()


def test_there_are_suites():
    assert SUITES


def test_each_suite_has_its_turn():
    assert sorted(SUITES_IN_TURN) == sorted({path.parent.name for path in SUITES})
