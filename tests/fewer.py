"""A pytest plugin: fewer generated requests, for tests that need a whole run and not what its many requests meet."""

from mmconform.plugin import run, session

run.MAX_EXAMPLES = session.MAX_EXAMPLES = 5
