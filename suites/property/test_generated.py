"""Whatever Schemathesis makes of the document, sent by every persona: the contract holds."""

import pytest

from mmconform.driving.sender import Sender


@pytest.mark.vcr
def test_the_contract_holds(operation, cases, world, client, judge):
    """No shape of a request gets anybody more than the documentation allows, or an answer that it does not describe."""
    Sender(operation, world, client, judge).ask_all(cases)
