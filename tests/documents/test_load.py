"""The overlay of facts for the official description, on descriptions of other dates than its own."""

import re

from mmconform.contract.build import build
from mmconform.documents.load import OFFICIAL_OVERLAY, load
from mmconform.documents.reader import dump

NAMES = sorted(set(re.findall(r"@\.operationId=='(\w+)'", OFFICIAL_OVERLAY.read_text(encoding="utf-8"))))


def test_operations_may_lack_all_that_our_overlay_says_of_them(write):
    operations = {f"/{name}": {"post": {"operationId": name, "responses": {"200": {"description": "ok"}}}} for name in NAMES}
    document = {"openapi": "3.0.0", "info": {"title": "Mattermost API", "version": "4.0.0"}, "paths": operations}
    loaded = load([write("official.yaml", dump(document))])
    contract = build(loaded.document)
    assert loaded.is_official and len(NAMES) > 200 and set(contract.operations) == set(NAMES)
    asked = [operation for operation in contract.operations.values() if operation.sample.path or operation.sample.query]
    assert [operation.id for operation in asked if not operation.departs] == [], (
        "of what is not declared, only what departs is sent"
    )
