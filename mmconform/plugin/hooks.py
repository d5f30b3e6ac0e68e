"""What pytest has of us in every environment: next to nothing.

Beside somebody else's tests we add no option, marker, fixture or setting, and say nothing. Where a run is one of ours, an object
is registered whose methods are its hooks (:class:`mmconform.plugin.conformance.Conformance`).
"""

from collections.abc import Generator
from typing import NoReturn

import pytest

from mmconform.errors import MisuseError
from mmconform.paths import IS_CHECKOUT, ROOT, RUN
from mmconform.plugin import options


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """Add our options after everybody else's, whose names are theirs."""
    yield
    options.add(early_config, parser, args)


def pytest_configure(config: pytest.Config) -> None:
    if not options.is_asked(config):
        return
    config.addinivalue_line("markers", "clause(id): the one promise that a test proves")
    config.addinivalue_line("markers", "applies(since, until): the versions that a test is about")
    config.addinivalue_line("markers", "untaped: asked of live servers only, about documents that are given")
    config.addinivalue_line("markers", "kept: what a tape of the whole API is recorded of")
    config.addinivalue_line("markers", "whole: asked of tapes of the whole API only")
    config.addinivalue_line(
        "markers", "racing: many callers at once; asked where their file is named, of live servers that nobody else uses"
    )
    config.addinivalue_line("markers", "as_shipped: nothing is changed before, so the answers tell who may do what")
    for name in sorted(config.stash.get(options.TAKEN, ())):
        leave(MisuseError(f"{name} belongs to another plugin here; leave that plugin out with -p no:NAME"))
    if not IS_CHECKOUT and options.is_named(config) and not options.is_at_home(config):
        leave(MisuseError(f"the suites are inside the package: `{RUN} TARGET` finds them, and takes the same options"))
    # Before it knows any plugin's options pytest looks for its own settings, next to whatever might be a path.
    apart = [option for option in ("--spec", "--overlay", "--reports") if option in config.invocation_params.args]
    if apart and config.inipath != ROOT / "pyproject.toml":
        leave(MisuseError(f"pytest takes what follows {apart[0]} for a test to collect; write {apart[0]}=FILE"))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin a run of ours: not before it really begins, since that changes a live server."""
    config = session.config
    if not options.is_asked(config) or config.option.showfixtures or config.option.show_fixtures_per_test:
        return
    from mmconform.plugin.conformance import begin  # all of what a run needs, which is much

    try:
        begin(config)
    except MisuseError as error:
        if terminal := config.pluginmanager.get_plugin("terminalreporter"):
            config.pluginmanager.unregister(terminal)  # it would say the same once more
        leave(error)


def leave(error: MisuseError) -> NoReturn:
    """End the run before a test began, with the one line."""
    pytest.exit(str(error), returncode=2)
