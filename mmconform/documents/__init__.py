"""From source files to one valid OpenAPI document that knows where each of its parts comes from."""

import mmconform.json_schema  # noqa: F401  (before the libraries that import jsonschema themselves)
