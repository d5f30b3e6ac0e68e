"""The page in a real browser: Debian's Chromium, driven by Playwright.

Without Chromium these tests are skipped, but where CI or MMCONFORM_BROWSER=required is set that is a failure.
"""

import json
import os
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import get_args
from urllib.parse import unquote

import pytest
from msgspec import structs

from mmconform.commands.cli import main
from mmconform.contract.clause import Contract
from mmconform.paths import RUN
from mmconform.record.rows import FindingStanding, NotPlayedRow
from mmconform.report.marks import FINDING_MARKS, OF_BOTS, WHY_SKIPPED
from mmconform.report.neighbours import side_by_side
from mmconform.report.page import as_html, page_data
from mmconform.report.summary import summarise
from mmconform.version import Version
from mmconform.world.people import MADE, PERSONAS, PROBING, TEAM_BOT
from tests import rows as lines
from tests.conftest import flaw
from tests.report.test_page import CONTRADICTION, GET, of_retired, probed, served_and_refused, switched_off, wide

try:
    import axe_playwright_python
    from playwright.sync_api import expect, sync_playwright
except ModuleNotFoundError:
    sync_playwright = None

#: What `not-in-version` says.
ABSENT = "this version does not have the operation, or what is asked about it"
CHROMIUM = shutil.which("chromium")
HOSTILE = '</script><img src=x onerror="window.hurt=1"> \x1b[31mred\x1b[0m \u202eback`code`'
#: Elements that the page has none of: what a server says would have made them.
NOT_TEXT = "img, iframe, object, embed, link, svg"
WHERE = ["versions", "personas", "deviations", "principles", "trust"]
#: Who may call one operation, in every version.
WHO_MAY = "personas?operation=GetUserAccessToken"

EVIDENCE = {
    "method": "POST",
    "url": "/api/v4/jobs?a=b",
    "body": '{"type": "it\'s"}',
    "status": 500,
    "media": "application/json",
    "answer": '{"id": "app.job.save.app_error"}',
    "about": "other",
    "which": "a team of theirs",
}
KNOWN = {
    "clause": "CreateJob.status",
    "outcome": "fail",
    "standing": "known",
    "signature": "500 app.job.save.app_error",
    "seen": "answered 500; declared are 201, 400, 401, 403",
    "evidence": EVIDENCE,
}
NEW = {
    "clause": "GetUserAccessToken.secret",
    "outcome": "fail",
    "standing": "new",
    "signature": HOSTILE,
    "seen": HOSTILE,
    "evidence": {**EVIDENCE, "url": "/api/v4/users/tokens/" + HOSTILE, "answer": HOSTILE},
}
REFUSED = {
    "clause": "GetUserAccessToken.permission",
    "persona": "member",
    "outcome": "fail",
    "standing": "new",
    "signature": "200 without permission",
    "evidence": {**EVIDENCE, "status": 200},
}


CHANGED = {
    "against": "recorded:5.36.1",
    "operation": "CreateJob",
    "clause": "CreateJob.status",
    "of": "answer",
    "personas": ["member"],
    "before": "403 before",
    "after": "404 after" + HOSTILE,
    "effect": "worse",
    "count": 2,
    "standing": "known",
    "reason": "for a `reason`",
}


FLAWS = (
    flaw(
        "CreateJob",
        *("CreateJob.permission", "GetUserAccessToken.secret"),
        flaw="A flaw" + HOSTILE,
        schemathesis=["POST /jobs: Server error" + HOSTILE],
    ),
    flaw("RegenCommandToken", flaw="Another.", blind="nobody looks" + HOSTILE, schemathesis=[]),
)


def answers(status):
    get = {"operation": "GetUserAccessToken", "error": ""}
    return [
        {**get, "persona": "member", "about": "other", "status": status},
        {**get, "persona": "token_user", "about": "self", "status": 200},
        {**get, "persona": "token_user", "about": "other", "status": 403},
    ]


def judged(name, *personas, operation="GetUserAccessToken"):
    """What the checks saw that were asked about such answers: all as documented."""
    test = f"suites/permissions/test_matrix.py::test_who_may_call[{name}-x]"
    rules = {persona: "auth" if persona == "anonymous" else "permission" for persona in personas}
    return [{"clause": f"{operation}.{rule}", "persona": who, "test": test, "outcome": "pass"} for who, rule in rules.items()]


@pytest.fixture(scope="session")
def chromium():
    """A running Chromium."""
    missing = "no Chromium (apt-get install chromium)" if not CHROMIUM else "no Playwright" if not sync_playwright else ""
    if missing and (os.environ.get("CI") or os.environ.get("MMCONFORM_BROWSER") == "required"):
        pytest.fail(f"the page was not tried in a browser: {missing}", pytrace=False)
    if missing:
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(contract, known, record_of, proof, tmp_path_factory):
    """The page about four versions, of which the newest is red."""
    records = [
        record_of("4.0.5"),
        record_of("5.36.1", KNOWN, *judged("5.36.1", "member", "token_user"), answers=answers(403)),
        record_of("9.11.2", KNOWN, *judged("9.11.2", "member", "token_user"), answers=answers(403), changes=[CHANGED]),
        record_of("11.0.3", KNOWN, NEW, REFUSED, *judged("11.0.3", "token_user"), answers=answers(200), selection=HOSTILE),
    ]
    told = {**CONTRADICTION, "seen": HOSTILE, "field": HOSTILE}
    records[1].findings.extend(lines.findings({**CONTRADICTION, "standing": "known", "deviation": "deviations/a.yaml:3"}))
    records[3].findings.extend(lines.findings(CONTRADICTION, told, {**told, "standing": "gap", "field": "a gap"}))
    path = tmp_path_factory.mktemp("page") / "index.html"
    # All else that is known of these versions was not met either; that is told of elsewhere.
    listed = [replace(deviation, is_rare=True) for deviation in known]
    path.write_text(as_html(contract, records, listed, proof(*FLAWS)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def visit(chromium, address):
    """Open the page at a fragment. Nothing may go to the console or to a network, and no text may become an element."""
    opened, said, asked = [], [], []

    def visit(fragment="", **options):
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        shown = context.new_page()
        shown.set_default_timeout(5000)
        shown.on("console", lambda message: said.append(message.text))
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(address + fragment)
        opened.append((context, shown))
        return shown

    def views(*places, **options):
        """Open the page once, and go to one place of it after the other; each is told, for whoever reads why a test failed."""
        shown = visit(f"#{places[0]}", **options)
        for place in places:
            shown.goto(f"{address}#{place}")
            expect(shown.locator("#views [aria-current]")).to_have_attribute("href", re.compile(f"#{place.partition('?')[0]}\\b"))
            yield place, shown

    visit.said, visit.views = said, views
    yield visit
    for context, shown in opened:
        assert shown.evaluate("window.hurt") is None
        assert shown.locator(NOT_TEXT).count() == 0
        assert not re.search("[\x1b\u202e]", shown.evaluate("document.documentElement.outerHTML"))
        context.close()
    assert said == []
    assert set(asked) <= {address}


@pytest.fixture
def page_of(chromium, contract, tmp_path):
    """Open the page about some records at a place."""
    opened = []

    def page_of(place, *records, known=(), **options):
        (tmp_path / "page.html").write_text(as_html(contract, records, known), encoding="utf-8")
        opened.append(chromium.new_page(**options))
        opened[-1].goto((tmp_path / "page.html").as_uri() + f"#{place}")
        return opened[-1]

    yield page_of
    for page in opened:
        page.close()


def panel(shown):
    return shown.locator("#panel")


def cell(shown, name):
    return shown.get_by_role("gridcell", name=name)


def field(shown, name):
    return shown.locator("#filters").get_by_label(name, exact=True)


def rows(shown):
    """The operations, and the unfolded promises, whose rows are shown."""
    return shown.locator(".row.operation .name, .row.child .name").all_inner_texts()


def signs(cell):
    """What is drawn in a cell of who may: what was answered, and a mark where that is not as documented."""
    return cell.locator("i, .m").all_inner_texts()


def copied(shown):
    return shown.evaluate("navigator.clipboard.readText()")


# -- first view ----------------------------------------------------------------------------------------------------


def test_the_first_view_says_what_the_newest_run_says_without_a_percentage(visit):
    shown = visit()
    assert shown.locator("h1").inner_text() == "Does this server keep the promises of the Mattermost REST API v4?"
    headline = shown.locator("#headline").inner_text()
    assert headline.startswith("Mattermost 11.0.3: verified 89 of 96 promises, 2 new, 1 known, 7 skipped.")
    assert "Red: 11.0.3 (2 new)." in headline and "✖" not in headline, "a mark is of a promise, a run has a word"
    assert re.search(r"recorded:11\.0\.3, judged \d{4}-\d\d-\d\d, only ", headline), "which target, when, and that it was a part"
    assert "%" not in shown.locator("body").inner_text()
    assert len(rows(shown)) == 11


def test_a_version_under_development_is_shown_but_is_never_the_newest(chromium, contract, record_of, tmp_path):
    records = [record_of(name, answers=answers(403)) for name in ("4.0.5", "11.0.3", "11.6.0-dev")]
    (tmp_path / "page.html").write_text(as_html(contract, records, []), encoding="utf-8")
    page = chromium.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert page.get_by_role("columnheader").all_inner_texts() == ["4.0.5", "11.0.3", "11.6.0-dev"]
    assert page.locator("#headline").inner_text().startswith("Mattermost 11.0.3: verified")
    for view in ("personas", "trust"):
        page.locator(f"#views [href='#{view}']").click()
        assert "Mattermost 11.0.3" in page.locator("#main").inner_text(), view
        assert field(page, "Version").locator(":checked").inner_text() == "11.0.3"
    field(page, "Version").select_option(label="11.6.0-dev")
    assert page.url.endswith("#trust?at=11.6.0-dev") and "Mattermost 11.6.0-dev" in page.locator("#main h2").first.inner_text()
    page.locator("#views [href^='#versions']").click()
    field(page, "From version").select_option(label="11.6.0-dev")
    assert "at=" not in page.url, "the only one there is"
    page.close()


@pytest.mark.parametrize("width", [1280, 900, 390])
def test_the_head_of_a_column_has_the_whole_name_however_many_there_are(chromium, contract, record_of, tmp_path, width):
    names = [*(f"{major}.10.11" for major in range(1, 23)), "23.10.1-dev"]
    (tmp_path / "page.html").write_text(as_html(contract, [record_of(name) for name in names], []), encoding="utf-8")
    page = chromium.new_page(viewport={"width": width, "height": 844})
    page.goto((tmp_path / "page.html").as_uri())
    heads = "[...document.querySelectorAll('.version button')]"
    assert page.evaluate(f"{heads}.map((one) => one.textContent)") == names
    cut = "(one) => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1"
    assert page.evaluate(f"{heads}.filter({cut}).map((one) => one.textContent)") == []
    page.close()


CUT = "(one) => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1"


@pytest.mark.parametrize("width", [1280, 900, 390])
@pytest.mark.parametrize("before", [[], ["5.36.1"], [f"{major}.10.11" for major in range(1, 23)]], ids=["2", "3", "24"])
def test_the_heads_of_two_live_servers_of_one_version_tell_which_is_which(page_of, record_of, before, width):
    live = ["http://127.0.0.1:8065", "http://192.168.100.200:18066/chat"]
    records = [*map(record_of, before), *(record_of("25.0.3", target=target) for target in live)]
    page = page_of("versions", *records, viewport={"width": width, "height": 844})
    heads = page.locator(".version button")
    assert [" ".join(text.split()) for text in heads.all_text_contents()] == [
        *(f"{name} recorded" for name in before),
        "25.0.3 127.0.0.1:8065",
        "25.0.3 192.168.100.200:18066/chat",
    ]
    for places in ("versions", "personas?operation=CreateJob"):
        page.goto(page.url.partition("#")[0] + f"#{places}")
        cut = page.evaluate(
            f"[...document.querySelectorAll('.version button, .over thead button')].filter({CUT}).map((one) => one.textContent)"
        )
        assert cut == [], places
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_beside_recordings_the_readers_own_server_comes_first(page_of, record_of):
    """As notebooks choose (`tables.newest`): a server rather than a recording, and of several the newest release."""
    live = [record_of(name, KNOWN, target=f"http://{name}.test") for name in ("9.11.2", "10.5.0", "10.6.0-dev")]
    page = page_of("versions", record_of("5.36.1"), *live, record_of("11.0.3"))
    assert (
        page.locator("#headline")
        .inner_text()
        .startswith("Mattermost 10.5.0 10.5.0.test: verified 89 of 96 promises, 0 new, 1 known")
    )
    for view in ("personas", "trust"):
        page.locator(f"#views [href='#{view}']").click()
        assert "Mattermost 10.5.0 10.5.0.test" in page.locator("#main").inner_text(), view
        assert field(page, "Version").locator(":checked").inner_text() == "10.5.0 10.5.0.test"
    names = ["5.36.1 recorded", *(f"{name} {name}.test" for name in ("9.11.2", "10.5.0", "10.6.0-dev")), "11.0.3 recorded"]
    assert field(page, "Version").locator("option").all_inner_texts() == names
    page.locator("#views [href='#versions']").click()
    assert page.get_by_role("columnheader").all_inner_texts() == [name.replace(" ", "\n") for name in names]
    for which in ("from", "to"):
        assert page.locator(f"#by-{which} option").all_inner_texts() == names
    cell(page, "CreateJob, 10.5.0").or_(cell(page, "CreateJob, 9.11.2 to 10.6.0-dev")).click()
    assert panel(page).locator(".verdict").inner_text().startswith("▲ Mattermost 10.6.0-dev 10.6.0-dev.test: 1 known")
    cell(page, "CreateJob, 11.0.3").click()
    assert panel(page).locator(".verdict").inner_text() == "● Mattermost 11.0.3 recorded: 8 kept"


def test_beside_recordings_the_reference_is_not_what_is_told_of(page_of, record_of):
    """It is no news about Mattermost; with nothing else it is all there is."""
    page = page_of("versions", record_of("5.36.1"), record_of("11.0.3", target="reference"))
    assert page.locator("#headline").inner_text().startswith("Mattermost 5.36.1 recorded: verified")
    page = page_of("versions", record_of("11.0.3", target="reference:some-flaw"))
    assert page.locator("#headline").inner_text().startswith("Mattermost 11.0.3: verified")


def test_all_filters_stand_in_one_row_of_a_desktop_and_the_names_of_versions_are_whole(page_of, record_of):
    """With every filter there is, the button that clears them too, where versions have addresses."""
    live = [record_of("11.0.3", target=target) for target in ("http://127.0.0.1:8065", "http://127.0.0.1:18066")]
    page = page_of("versions?q=token", record_of("11.0.3"), *live, viewport={"width": 1280, "height": 900})
    assert page.locator("#clear").is_visible() and page.locator("#filters .field").count() == 7
    for place in ("versions?q=token", "personas?q=token", "trust?q=token"):
        page.goto(page.url.partition("#")[0] + f"#{place}")
        for name in ("From version", "To version", "Version"):
            for option in field(page, name).locator("option").all_inner_texts() if field(page, name).count() else ():
                field(page, name).select_option(label=option)
                assert field(page, name).evaluate(ROOM) >= 0, f"{place}: {option} is cut off"
        bottoms = [box["y"] + box["height"] for box in (one.bounding_box() for one in page.locator("#filters > *").all())]
        assert max(bottoms) - min(bottoms) < 12, place


#: By how many pixels a choice is wider than its text and the arrow beside it.
ROOM = """(select) => {
  const style = getComputedStyle(select), context = document.createElement("canvas").getContext("2d");
  context.font = style.font;
  const arrow = 18;
  return select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - arrow
    - context.measureText(select.selectedOptions[0].text).width;
}"""


@pytest.mark.parametrize("width", [390, 1280])
def test_a_long_address_and_a_long_operation_are_whole_in_a_closed_picker(page_of, record_of, width):
    """Nothing is wider than the window for them; what is longer than any room is short of its middle, and a title has it all."""
    targets = ["http://192.168.100.200:18066/chat", "https://mattermost.internal.example.com/team", f"http://{'a' * 60}.test/b"]
    records = [record_of("11.0.3"), *(record_of("11.0.3", target=target) for target in targets)]
    page = page_of("versions", *records, viewport={"width": width, "height": 844})
    whole = sorted(f"11.0.3 {target.removeprefix('http://')}" for target in targets)
    for place in ("versions", "personas", "personas?operation=GetUserAccessTokensForUser", "trust"):
        page.goto(page.url.partition("#")[0] + f"#{place}")
        told = set()
        for name in ("From version", "To version", "Version"):
            for option in field(page, name).locator("option").all_inner_texts() if field(page, name).count() else ():
                field(page, name).select_option(label=option)
                title = field(page, name).get_attribute("title")
                told.add(title)
                assert option == title or (title.startswith(option.split("…")[0]) and title.endswith(option.split("…")[1]))
                assert field(page, name).evaluate(ROOM) >= 0, f"{place}: {option} is cut off"
                assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{place}: {option}"
        assert told >= set(whole), place
        assert field(page, "Operation").evaluate(ROOM) >= 0, place


def test_the_headline_counts_versions_and_records_apart(page_of, record_of):
    live = [record_of("11.0.3", target=f"http://127.0.0.1:{port}") for port in (8065, 8066)]
    for records, says in (
        (live, "2 records of Mattermost 11.0.3, all green"),
        ([record_of("5.36.1"), *live], "3 records of 2 versions from 5.36.1 on, all green"),
        ([record_of("5.36.1"), live[0]], "2 versions from 5.36.1 on, all green"),
    ):
        assert says in page_of("versions", *records).locator("#headline").inner_text()


def test_changed_answers_are_counted_where_the_page_has_what_they_were_compared_with(page_of, record_of):
    older, newer = record_of("9.11.2"), record_of("11.0.3", changes=[{**CHANGED, "against": "recorded:9.11.2"}])
    page = page_of("versions", older, newer)
    assert cell(page, "11.0.3: 1 worse").inner_text() == "▼1"
    cell(page, "11.0.3: 1 worse").click()
    middle = record_of("10.11.6", changes=[{**CHANGED, "against": "recorded:10.8.1"}])
    page = page_of("versions", older, middle, newer)
    assert cell(page, "10.11.6: compared with 10.8.1, which is not on this page").inner_text() == ""
    page = page_of("versions", older, middle)
    assert page.locator(".row.sum", has_text="changed answers").count() == 0
    page.get_by_role("columnheader", name="10.11.6").get_by_role("button").click()
    expect(page.locator("#panel")).to_contain_text("Answers since 10.8.1")
    expect(panel(page)).to_contain_text("our lists know to have changed beside")
    expect(panel(page)).to_contain_text("mmconform compare 10.8.1 10.11.6")


def test_what_our_lists_alone_know_to_be_worse_is_counted_apart_in_its_version(page_of, contract, record_of):
    """A comparison of the two says so and ends with 1; and it must fit beside very many others."""
    others = map(record_of, ("4.0.5", "4.10.10", "5.6.5", "5.12.6", "5.22.3", "5.36.1", "6.7.2", "7.10.5", "8.1.9", "9.11.2"))
    records = side_by_side(contract, [], [*others, *of_retired(record_of)])
    page = page_of("versions?from=11.1.0", *records)
    told = cell(
        page, "11.2.0: 1 different in the 2 of 10 operations that were judged on both; and 1 worse that our lists alone know"
    )
    assert "".join(told.inner_text().split()) == "≠1&▼1"
    told.click()
    assert "Our lists know these changes between the two as well" in panel(page).inner_text()
    worse = panel(page).locator("details[open]", has_text="1 worse that our lists alone know")
    assert "`" not in worse.inner_text() and "manage_slash_commands was retired" in worse.inner_text()
    assert "model/permission.go" in worse.inner_text(), "the source"
    assert "mmconform compare" not in panel(page).inner_text()
    worse.get_by_role("button", name="RegenCommandToken").click()
    assert panel(page).locator("h2").inner_text() == "RegenCommandToken" and page.url.endswith("@11.2.0")
    cut = "[...document.querySelectorAll('.cell .parts')].filter((one) => one.scrollWidth > one.parentElement.clientWidth)"
    for width in (390, 820, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(page.url.partition("#")[0] + "#versions")
        assert page.evaluate(f"{cut}.map((one) => one.textContent)") == [], width
        assert told.locator(".m").all_inner_texts() == ["≠", "▼"]
    opened = page_of("versions?open=@11.2.0", *records)
    panel(opened).get_by_text("1 different").click()
    expect(panel(opened)).to_contain_text(
        "member: 1 of 2 requests that had the old answer: about somebody else in a public channel"
    )


def test_in_how_many_operations_nothing_changed_is_said_where_others_were_not_compared(page_of, contract, record_of):
    """Eight of eleven were switched off on the older server, and the cell said 0, the panel that no answer had changed."""
    same = [{"operation": name, "persona": "member", "about": "nobody", "status": 403} for name in contract.operations]
    older = record_of("11.0.1", *switched_off(contract, GET), answers=same[1:], target="http://127.0.0.1:8065")
    others = map(record_of, ("4.0.5", "4.10.10", "5.6.5", "5.12.6", "5.22.3", "5.36.1", "6.7.2", "7.10.5", "8.1.9", "9.11.2"))
    newer, newest = record_of("11.0.3", answers=same), record_of("11.0.4", answers=same)
    page = page_of("versions", *side_by_side(contract, [], [*others, older, newer, newest]))
    where = "in the 9 of 10 operations that were judged on both"
    told = cell(page, f"11.0.3: no changed answers {where}")
    why = f"Not compared: {GET}: not judged on http://127.0.0.1:8065, where what they need is switched off"
    assert why in told.get_attribute("title") and told.get_attribute("title") == told.get_attribute("aria-label")
    assert cell(page, "11.0.4: no changed answers").get_attribute("title") == "11.0.4: no changed answers"
    cut = "[...document.querySelectorAll('.row.sum .parts')].filter((one) => one.scrollWidth > one.parentElement.clientWidth)"
    for width, opened in ((390, ""), (1280, "?open=@11.0.3"), (1280, "?from=11.0.1 127.0.0.1:8065"), (1280, "")):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(page.url.partition("#")[0] + f"#versions{opened}")
        assert page.evaluate(f"{cut}.map((one) => one.textContent)") == [], (width, opened)
        assert "".join(told.inner_text().split()).startswith("0in9"), (width, opened)
    told.click()
    assert f"No changed answers {where}." in panel(page).inner_text() and why in panel(page).inner_text()
    panel(page).get_by_role("button", name=GET, exact=True).click()
    assert panel(page).locator("h2").inner_text() == GET


def test_before_the_first_version_of_a_page_there_is_none_that_it_was_not_compared_with(page_of, contract, record_of):
    page = page_of("versions", *side_by_side(contract, [], [record_of("11.0.1"), record_of("11.0.3")]))
    assert cell(page, "11.0.1: the first on this page").inner_text() == ""
    assert cell(page, "not compared with").count() == 0


def test_of_one_server_before_and_after_an_upgrade_it_is_said_since_which_version(page_of, record_of):
    """Both have one address; and the answers came after all the promises that only one of the two was asked about."""
    at = "http://127.0.0.1:8065"
    changed = {**CHANGED, "against": at, "after": "404 after"}
    older, newer = record_of("9.11.2", target=at), record_of("11.0.3", target=at, changes=[changed])
    page = page_of("versions?open=@11.0.3", older, newer)
    heads = [text.lower() for text in panel(page).locator("h3").all_inner_texts()]
    assert heads[:2] == ["answers since 9.11.2 127.0.0.1:8065", "promises since 9.11.2 127.0.0.1:8065"]
    assert "403 before → 404 after" in panel(page).inner_text()


@pytest.mark.parametrize("count", [20, 21])
def test_very_many_promises_that_stand_otherwise_are_folded(page_of, contract, record_of, count):
    ids = [*contract.clauses][:count]
    seen = [{"clause": id_, "outcome": "pass"} for id_ in ids]
    skipped = [{**row, "outcome": "skip", "signature": "needs-licence"} for row in seen]
    page = page_of("versions?open=@11.0.3", record_of("11.0.2", *skipped), record_of("11.0.3", *seen))
    section = panel(page).locator("section", has=page.get_by_role("heading", name="Promises since"))
    assert section.locator("li").count() == count
    assert section.locator("li").first.is_visible() == (count == 20)
    if count == 21:
        section.get_by_text("21 promises stand otherwise").click()
        assert section.locator("li").last.is_visible()


def test_any_two_columns_are_compared(page_of, record_of):
    kept = {"clause": "CreateJob.status", "outcome": "pass", "persona": "member"}
    broken = {**kept, "outcome": "fail", "standing": "new", "signature": "500", "seen": "500", "evidence": EVIDENCE}
    records = [record_of("5.36.1", kept), record_of("9.11.2", broken), record_of("11.0.3", kept)]
    page = page_of("versions", *records)
    page.get_by_role("columnheader", name="11.0.3").get_by_role("button").click()
    expect(panel(page)).to_contain_text("CreateJob.status")
    panel(page).get_by_label("Compared with").select_option("5.36.1")
    expect(panel(page)).to_contain_text("Every promise counts as before, which says nothing of answers: see above.")
    expect(panel(page)).to_contain_text("mmconform report 5.36.1 11.0.3 --output page.html")
    assert unquote(page.url).endswith("#versions?open=@11.0.3~5.36.1")
    page.get_by_role("columnheader", name="5.36.1").get_by_role("button").click()
    panel(page).get_by_label("Compared with").select_option("9.11.2")
    expect(panel(page)).to_contain_text("the two were not asked the same requests")  # a page of these two says the same
    assert panel(page).get_by_role("img", name="new, now kept").count() == 1


def test_a_promise_is_told_with_the_tests_of_that_version_and_repeated_by_one_of_them(page_of, record_of):
    kept = {"clause": "CreateJob.status", "outcome": "pass", "persona": "member"}
    one, other = ({**kept, "test": f"suites/some/test_{name}.py::test_it[{name}]"} for name in ("a", "b"))
    page = page_of("versions?open=CreateJob.status@11.0.3", record_of("9.11.2", one, other), record_of("11.0.3", other))
    expect(panel(page)).to_contain_text("member, 1 time, in 1 test")
    expect(panel(page)).to_contain_text("suites/some/test_b.py::test_it")
    expect(panel(page)).not_to_contain_text("test_a.py")


def test_each_test_that_showed_a_promise_broken_is_repeated_and_each_once(page_of, record_of):
    """What only the second of them shows was not seen by who ran the command."""
    broken = {"clause": "CreateJob.status", "outcome": "fail", "persona": "member", "standing": "new", "evidence": EVIDENCE}
    kept = {
        "clause": "CreateJob.status",
        "outcome": "pass",
        "persona": "system_admin",
        "test": "suites/some/test_c.py::test_it[c]",
    }
    seen = [("500 a", "a"), ("500 b", "b"), ("500 c", "a")]
    rows = [{**broken, "signature": what, "seen": what, "test": f"suites/some/test_{name}.py::test_it[x]"} for what, name in seen]
    page = page_of("versions?open=CreateJob.status@11.0.3", record_of("11.0.3", *rows, kept))
    command = panel(page).locator("section", has=page.get_by_role("heading", name="Repeat")).locator("pre").inner_text()
    assert command == f"{RUN} recorded:11.0.3 suites/some/test_a.py::test_it suites/some/test_b.py::test_it"


@pytest.mark.parametrize(
    ("clause", "personas", "asks"),
    [
        ("CreateJob.permission", ["system_admin", "member"], "member"),
        ("CreateJob.status", ["member", "system_admin"], "system_admin"),
        ("CreateJob.auth", ["team_admin", "anonymous"], "anonymous"),
        ("CreateJob.input", ["member"], ""),
    ],
)
def test_what_is_tried_with_curl_has_a_body_and_says_as_whom(clause, personas, asks, page_of, record_of):
    """It named nobody and sent nothing: whoever tried it was refused for that, whatever the promise."""
    rows = [{"clause": clause, "outcome": "pass", "persona": persona} for persona in personas]
    page = page_of(f"versions?open={clause}@11.0.3", record_of("11.0.3", *rows))
    tried = panel(page).locator("details", has_text="try it with curl")
    assert tried.count() == bool(asks)
    if asks:
        tried.locator("summary").click()
        words = shlex.split(tried.locator("pre").inner_text())
        assert "Content-Type: application/json" in words
        assert json.loads(words[words.index("--data-raw") + 1]) == {"type": "data_retention"}
        session = [word for word in words if word.startswith("Authorization")]
        assert session == ([] if asks == "anonymous" else [f"Authorization: Bearer ${asks.upper()}"])
        assert ("Without a session." in tried.inner_text()) == (asks == "anonymous")


@pytest.mark.parametrize("changes", [[], [CHANGED], [CHANGED, CHANGED]])
def test_that_every_promise_stands_as_before_does_not_say_that_no_answer_changed(changes, page_of, record_of):
    kept = {"clause": "CreateJob.status", "outcome": "pass", "persona": "member"}
    effect = f"{len(changes)} {CHANGED['effect']}"
    changes = [{**one, "against": "recorded:10.8.1"} for one in changes]
    records = [record_of("9.11.2", kept), record_of("10.8.1", kept), record_of("11.0.3", kept, changes=changes)]
    page = page_of("versions?open=@11.0.3", *records)
    told = f"though answers changed ({effect}): see above" if changes else "as before, which says nothing of answers"
    expect(panel(page)).to_contain_text(told)
    panel(page).get_by_label("Compared with").select_option("9.11.2")
    expect(panel(page)).to_contain_text("Every promise counts as before, which says nothing of answers: see above.")


@pytest.mark.parametrize("place", ["versions?open=CreateJob.status@11.0.3", "versions?open=@11.0.3~9.11.2", "trust"])
def test_each_command_of_a_record_of_other_documents_names_them(page_of, record_of, place):
    """Without them it asked nothing: the tests are about what the documents describe."""
    named = {"documents": ("--spec=my api.yaml", "--overlay=o.yaml")}
    kept = {"clause": "CreateJob.status", "outcome": "pass", "persona": "member"}
    page = page_of(place, record_of("9.11.2", kept, **named), record_of("11.0.3", kept, **named))
    said = page.locator("pre").all_text_contents()
    commands = [text for text in said if text.startswith((RUN, "mmconform"))]
    assert commands and all({*named["documents"]} <= {*shlex.split(text)} for text in commands), said


def test_equal_neighbours_are_one_cell_and_others_are_not(visit, contract):
    shown = visit()
    spans = {
        name: [int(c.get_attribute("aria-colspan")) for c in shown.locator(f'.row.operation:has-text("{name}") .cell').all()]
        for name in ("CreateJob", "RegenCommandToken", "SearchUserAccessTokens")
    }
    assert spans == {"CreateJob": [1, 3], "RegenCommandToken": [4], "SearchUserAccessTokens": [1, 3]}
    assert cell(shown, "CreateJob, 5.36.1 to 11.0.3: 1 known, 7 kept").count() == 1


def test_a_tick_stands_where_the_documentation_says_that_an_operation_begins(visit):
    shown = visit()
    track = shown.locator(".row.operation", has_text="CreateJob").locator(".track")
    edge = track.locator(".cell").nth(1).bounding_box()["x"]
    assert abs(track.locator(".tick.since").bounding_box()["x"] - edge) < 4
    webrtc = shown.locator(".row.operation", has_text="GetWebrtcToken").locator(".track")
    assert webrtc.locator(".tick.since").count() == 0
    assert webrtc.locator(".tick.removed").count() == 1


def test_a_state_is_a_shape_not_only_a_colour(visit):
    shown = visit("#versions?unfolded=GetUserAccessToken,CreateJob")
    marks = {name: set(shown.locator(f".cell .m.{name}").all_inner_texts()) for name in "nkps"}
    assert marks == {"n": {"✖"}, "k": {"▲"}, "p": {"●"}, "s": {"○"}}


# -- the panel -----------------------------------------------------------------------------------------------------


def test_a_cell_opens_the_panel_with_the_promise_and_what_was_seen(visit, contract):
    shown = visit("#versions?unfolded=CreateJob")
    assert panel(shown).is_hidden()
    cell(shown, "CreateJob.status, 5.36.1 to 11.0.3").click()
    expect(panel(shown)).to_be_visible()
    said = panel(shown).inner_text()
    clause = contract.clauses["CreateJob.status"]
    for part in (
        clause.text,
        clause.place,
        clause.evidence,
        KNOWN["seen"],
        "system admin",
        "POST /api/v4/jobs?a=b",
        EVIDENCE["body"],
    ):
        assert part in said
    assert "Ambiguous" in said
    assert "once; about somebody else's, in a team of theirs" in said
    panel(shown).get_by_text("as curl").click()
    expect(panel(shown)).to_contain_text(
        """curl -i -X POST "$SERVER"'/api/v4/jobs?a=b' -H "Authorization: Bearer $SYSTEM_ADMIN\""""
    )
    expect(panel(shown)).to_contain_text("$SERVER is the address of a server of yours.")
    panel(shown).get_by_role("button", name="Copy curl").first.click()
    expect(shown.locator("#said")).to_contain_text("clipboard")
    assert copied(shown).startswith("curl -i -X POST ")
    assert "4.0.5 skipped" in said
    assert "5.36.1 to 11.0.3 known" in said


def test_beside_a_curl_and_in_an_issue_stands_what_has_to_be_so_for_it_to_show_the_same(page_of, record_of):
    settings = ["the role team_user has manage_slash_commands too"]
    evidence = {**EVIDENCE, "credential": "member u1", "headers": {"Authorization": "Bearer <member u1>"}, "settings": settings}
    broken = {
        **NEW,
        "clause": "RegenCommandToken.permission",
        "persona": "slash_manager",
        "signature": "403",
        "evidence": evidence,
    }
    shown = page_of(
        "versions?open=RegenCommandToken.permission@5.36.1",
        record_of("5.36.1", broken),
        permissions=["clipboard-read", "clipboard-write"],
    )
    so = f"slash_manager is {MADE['slash_manager']}, while {settings[0]}"
    expect(panel(shown)).to_contain_text(f"{so}.")
    panel(shown).get_by_text("as curl").click()
    expect(panel(shown)).to_contain_text('-H "Authorization: Bearer $SLASH_MANAGER"')
    shown.goto(shown.url.replace("#versions", "#deviations"))
    shown.get_by_role("button", name="Copy as issue").first.click()
    expect(shown.locator("#said")).to_contain_text("clipboard")
    assert so in copied(shown).replace("\\", "").replace("`", "")


def test_versions_in_which_a_promise_is_broken_otherwise_are_different_lines_of_its_history(page_of, record_of):
    """All ways of all versions stood in one line, as if each of these had served people without permission."""
    refused = {**REFUSED, "signature": "403, not served"}
    places = [("9.11.2", [refused]), ("10.8.1", [refused]), ("11.0.3", [REFUSED, {**refused, "persona": "editor"}])]
    runs = [record_of(name, *broken) for name, broken in places]
    shown = page_of("versions?open=GetUserAccessToken.permission@9.11.2", *runs)
    history = panel(shown).locator("section", has_text="Over the versions").locator("li")
    assert [" ".join(line.inner_text().split()) for line in history.all()] == [
        "✖ 9.11.2 to 10.8.1 new 403, not served",
        "✖ 11.0.3 new 200 without permission 403, not served",
    ]
    shown = page_of("versions?persona=editor&open=GetUserAccessToken.permission@11.0.3", *runs)
    history = panel(shown).locator("section", has_text="Over the versions").locator("li")
    assert "200 without" not in "".join(history.all_inner_texts()), "nor did whom the filter names see it"


@pytest.mark.parametrize("view", ["versions", "personas", "deviations"])
def test_the_filter_of_callers_offers_those_whom_some_record_has(page_of, record_of, view):
    """Twelve callers of other documents stood there, of whom nothing is told."""
    some = [{**NEW, "persona": persona} for persona in ("member", "editor")]
    shown = page_of(view, record_of("5.36.1", *some, answers=[{**answers(200)[1], "persona": "token_user"}]))
    offered = field(shown, "Who").locator("option").all_inner_texts()
    assert offered == ["everybody", "member", "token_user", "system_admin", "editor"]
    shown = page_of(f"{view}?persona=guest", record_of("5.36.1", *some))
    assert field(shown, "Who").input_value() == "guest", "what an address names is said all the same"


def test_the_panel_of_an_operation_leads_to_its_promises(visit):
    shown = visit()
    cell(shown, "GetUserAccessToken, 11.0.3").click()
    first = panel(shown).locator("ul").first.locator("li").first
    assert first.inner_text().startswith("✖")
    first.get_by_role("button").click()
    expect(panel(shown).locator("h2")).to_have_text("GetUserAccessToken.secret")


def test_the_head_of_a_version_opens_what_its_run_says(visit):
    shown = visit()
    shown.get_by_role("columnheader", name="5.36.1").click()
    said = panel(shown).inner_text()
    assert "green: verified 89 of 96 promises, 0 new, 1 known, 7 skipped" in said
    assert "pytest --target recorded:5.36.1" in said
    assert "c" * 40 in said
    panel(shown).get_by_text("promises stand otherwise").click()
    assert "GetWebrtcToken.status" in panel(shown).locator(".list").first.inner_text()


def test_changed_answers_stand_in_their_version_with_the_reason(visit):
    shown = visit()
    assert shown.locator(".row.sum", has_text="changed answers").locator(".cell .m").all_inner_texts() == ["▼"]
    cell(shown, "9.11.2: 1 worse").click()
    expect(panel(shown)).to_contain_text("Answers since 5.36.1")
    assert "Not compared with the version before." not in panel(shown).inner_text()
    assert cell(shown, "11.0.3: not compared with the version before").inner_text() == ""
    assert cell(shown, "no changed answers").count() == 0
    for part in ("▼ 1 worse", "403 before → 404 after</script>", "member, 2 times. for a reason"):
        expect(panel(shown)).to_contain_text(part)


def test_a_skipped_promise_says_why(visit):
    shown = visit("#versions?open=CreateJob.status@4.0.5")
    expect(panel(shown)).to_contain_text(f"not-in-version: {ABSENT} (documented since 4.1.0)")


def test_what_looks_kept_and_is_known_to_be_broken_says_so(page_of, known, record_of):
    """A server on which little may be asked does not look better than the recording of its version."""
    listed = [d for d in known if d.clause == "CreateJob.status" and d.is_in(Version(11, 0, 3))]
    assert listed and not any(d.is_rare for d in listed), "the document is known to be broken there"
    live, tape = record_of("11.0.3", target="http://127.0.0.1:8065"), record_of("11.0.3", KNOWN)
    page = page_of("versions?unfolded=CreateJob", tape, live, known=listed)
    says = "kept by what was asked here; known to be broken in this version, and not met"
    of_live = cell(page, f"CreateJob.status, 11.0.3 127.0.0.1:8065: {says}")
    assert (
        of_live.inner_text() == "◑" and cell(page, "CreateJob.status, 11.0.3 recorded: broken, known and explained").count() == 1
    )
    assert cell(page, "CreateJob, 11.0.3 127.0.0.1:8065: 1 kept though known, 7 kept").count() == 1
    sums = page.locator(".row.sum", has_text="kept though known").locator(".parts")
    assert [text.split()[0] for text in sums.all_inner_texts()] == ["1", "0"], "beside the number of what is known, that was met"
    both = page.locator(".row.sum", has_text="verified promises").get_by_role("gridcell")
    titles = [cell_.get_attribute("title") for cell_ in both.all()]
    assert len(titles) == 1 and re.search(r": verified \d+ of \d+ promises$", titles[0]), "of both, so only what is true of both"
    assert f"◑ {says}" in page.locator(".legend").inner_text()
    of_live.click()
    said = panel(page).inner_text()
    assert says in said and "KNOWN TO BE BROKEN, AND NOT MET HERE, BECAUSE" in said
    assert " ".join(listed[0].evidence.split()) in " ".join(said.split())
    page.goto(page.url.partition("#")[0] + "#trust?at=11.0.3 127.0.0.1:8065")
    assert "0 new, 0 known, 1 kept though known" in page.locator("#main h2 + p").first.inner_text()
    field(page, "Version").select_option(label="11.0.3 recorded")
    assert "though known" not in page.locator("#main h2 + p").first.inner_text()


# -- filters, search, address --------------------------------------------------------------------------------------


def test_filters_leave_what_fits(visit):
    shown = visit("#versions?unfolded=GetUserAccessToken,CreateJob")
    field(shown, "Rule").select_option("paging")
    assert rows(shown) == ["GetUserAccessTokensForUser", "GetUserAccessTokens"]
    shown.get_by_role("button", name="Clear").click()
    field(shown, "State").select_option("k")
    assert rows(shown) == ["CreateJob", "status"]
    shown.get_by_role("button", name="Clear").click()
    field(shown, "Who").select_option("member")
    assert rows(shown) == ["GetUserAccessToken", "permission"]
    shown.get_by_role("button", name="Clear").click()
    field(shown, "Operation").select_option("CreateJob")
    assert rows(shown)[0] == "CreateJob"
    assert len(rows(shown)) == 9


def test_only_new_leaves_what_is_new_and_says_when_nothing_is(visit):
    shown = visit("#versions?unfolded=GetUserAccessToken")
    field(shown, "only new").check()
    assert rows(shown) == ["GetUserAccessToken", "secret", "permission"]
    field(shown, "To version").select_option(label="9.11.2")
    assert rows(shown) == []
    expect(shown.locator(".none")).to_contain_text("Nothing new")


def test_a_range_of_versions_leaves_their_columns(visit):
    shown = visit()
    field(shown, "From version").select_option(label="5.36.1")
    field(shown, "To version").select_option(label="9.11.2")
    assert shown.get_by_role("columnheader").all_inner_texts() == ["5.36.1", "9.11.2"]
    assert cell(shown, "CreateJob, 5.36.1 to 9.11.2").count() == 1


def test_search_looks_into_promises_and_errors_and_keeps_the_cursor(visit):
    shown = visit()
    shown.keyboard.press("/")
    shown.keyboard.type("JOB.SAVE", delay=5)
    assert rows(shown) == ["CreateJob"]
    expect(field(shown, "Search")).to_be_focused()
    field(shown, "Search").fill("nothing says this")
    expect(shown.locator(".none")).to_be_visible()


def test_an_address_shows_again_what_it_was_taken_from(visit):
    other = visit()
    for view, shown in visit.views(*WHERE):
        field(shown, "Operation").select_option("GetUserAccessToken")
        field(shown, "Search").fill("token")
        opener = shown.locator("#main button:visible").last
        opener.click()
        again = anew(other, shown.url)
        for part in ("#main", "#panel", "#headline"):
            assert again.locator(part).inner_text() == shown.locator(part).inner_text(), view
        assert field(again, "Search").input_value() == "token", view


def anew(shown, url):
    """Open an address as whoever was sent it does, not as one who has the page open already."""
    shown.goto("about:blank")
    shown.goto(url)
    return shown


def test_an_address_of_nonsense_shows_the_first_view(visit):
    shown = visit("#nonsense?rule=x&from=1&open=a@b&at=<b>&unfolded=../..&q=")
    assert len(rows(shown)) == 11
    assert panel(shown).is_hidden()


def test_back_closes_what_was_opened(visit):
    shown = visit()
    cell(shown, "CreateJob, 5.36.1").click()
    expect(panel(shown)).to_be_visible()
    shown.go_back()
    expect(panel(shown)).to_be_hidden()


# -- keyboard and screen reader ------------------------------------------------------------------------------------


def test_everything_can_be_done_with_the_keyboard(visit):
    shown = visit()
    cell(shown, "GetUserAccessTokensForUser, 4.0.5").focus()
    shown.keyboard.press("ArrowRight")
    shown.keyboard.press("ArrowDown")
    expect(cell(shown, "CreateUserAccessToken, 5.36.1 to 11.0.3")).to_be_focused()
    shown.keyboard.press("Home")
    shown.keyboard.press("Enter")
    expect(shown.get_by_role("button", name="the promises of CreateUserAccessToken")).to_have_attribute("aria-expanded", "true")
    expect(shown.get_by_role("button", name="the promises of CreateUserAccessToken")).to_be_focused()
    shown.keyboard.press("ArrowDown")
    shown.keyboard.press("End")
    opened = cell(shown, "CreateUserAccessToken.status, 5.36.1 to 11.0.3")
    expect(opened).to_be_focused()
    shown.keyboard.press("Enter")
    expect(panel(shown).locator("h2")).to_be_focused()
    shown.keyboard.press("Escape")
    expect(panel(shown)).to_be_hidden()
    expect(opened).to_be_focused()


@pytest.mark.parametrize("where", ["#versions?unfolded=CreateJob", "#personas", f"#{WHO_MAY}"])
def test_a_matrix_is_one_stop_of_the_tab_key(visit, where):
    shown = visit(where)
    buttons = shown.locator(".grid button, .who button")
    assert sorted(b.get_attribute("tabindex") for b in buttons.all()) == ["-1"] * (buttons.count() - 1) + ["0"]


def test_arrows_walk_through_the_personas(visit):
    shown = visit("#personas")
    shown.get_by_role("button", name="by member about somebody else's").focus()
    shown.keyboard.press("ArrowRight")
    expect(shown.get_by_role("button", name="by token_user about their own")).to_be_focused()
    shown.keyboard.press("End")
    expect(shown.get_by_role("button", name="by token_user about somebody else's")).to_be_focused()


def test_whatever_can_be_pressed_has_a_name(visit):
    for view, shown in visit.views(*(f"{view}?open=GetUserAccessToken@11.0.3" for view in WHERE)):
        expect(panel(shown)).to_be_visible()
        assert shown.get_by_role("button").count() > 5, view
        nameless = [b for b in shown.get_by_role("button").all() if not (b.get_attribute("aria-label") or b.inner_text()).strip()]
        assert nameless == [], view
        unlabelled = shown.evaluate("[...document.querySelectorAll('input, select')].filter((one) => !one.labels.length).length")
        assert unlabelled == 0, view


def test_a_screen_reader_hears_what_a_cell_is_about(visit):
    shown = visit()
    grid = shown.get_by_role("grid", name="Operations and versions")
    assert grid.get_by_role("row", name="CreateJob, documented since 4.1.0").count() == 1
    assert grid.get_by_role("columnheader").count() == 4
    assert grid.locator(".m:not([aria-hidden])").count() == 0


# -- the other views -----------------------------------------------------------------------------------------------


def test_a_mark_and_a_frame_stand_where_the_server_does_otherwise_than_documented(visit):
    shown = visit("#personas")
    broken = shown.get_by_role(
        "button", name="GetUserAccessToken by member about somebody else's: served, not as documented (new)"
    )
    assert signs(broken) == ["✓", "✖"] and "inset" in broken.evaluate("(one) => getComputedStyle(one).boxShadow")
    plain = shown.get_by_role("button", name="GetUserAccessToken by token_user about somebody else's: refused, as documented")
    assert signs(plain) == ["–"] and plain.evaluate("(one) => getComputedStyle(one).boxShadow") == "none"
    broken.click()
    expect(panel(shown)).to_contain_text("200 without permission")
    field(shown, "Version").select_option(label="9.11.2")
    assert shown.get_by_role("button", name="by member about somebody else's: refused, as documented").count() == 1


def test_who_may_call_an_operation_stands_in_one_place_for_every_persona_and_version(visit, contract):
    shown = visit(f"#{WHO_MAY}")
    heads = shown.locator(".over thead th").all_inner_texts()
    assert heads == ["who", "4.0.5", "5.36.1", "9.11.2", "11.0.3"]
    told = {
        row.locator(".name").inner_text(): [
            (cell.get_attribute("aria-label").partition(": ")[2], cell.locator("..").get_attribute("colspan"))
            for cell in row.get_by_role("button").all()
        ]
        for row in shown.locator(".over tbody tr").all()
    }
    missing = "not judged: not-in-version: this version does not have the operation, or what is asked about it, 4.0.5"
    assert told == {
        "member, others'": [
            (missing, "1"),
            ("refused, as documented, 5.36.1 to 9.11.2", "2"),
            ("served, not as documented (new); 200 without permission, 11.0.3", "1"),
        ],
        "token user, own": [(missing, "1"), ("served, as documented, 5.36.1 to 11.0.3", "3")],
        "token user, others'": [(missing, "1"), ("refused, as documented, 5.36.1 to 11.0.3", "3")],
    }
    assert [signs(one) for one in shown.locator(".over .is-n").all()] == [["✓", "✖"]]
    said = shown.locator("#main").inner_text()
    assert contract.clauses["GetUserAccessToken.permission"].text.replace("`", "") in said
    field(shown, "Search").fill("200 without")
    assert shown.locator(".over tbody .name").all_inner_texts() == ["member, others'"]
    field(shown, "Search").fill("")
    field(shown, "To version").select_option(label="4.0.5")
    assert (
        "not judged: not-in-version: this version does not have the operation, or what is asked about it."
        in shown.locator(".none").inner_text()
    )
    shown.get_by_role("button", name="All operations").click()
    assert shown.locator(".who:not(.over) tbody tr").count() == 11


@pytest.mark.parametrize("open_", ["GetUserAccessToken.permission", "GetUserAccessToken", "GetUserAccessToken:member:other"])
def test_a_promise_about_who_may_leads_to_all_versions_and_back(visit, open_):
    shown = visit(f"#versions?q=token&from=9.11.2&open={open_}@11.0.3")
    panel(shown).get_by_role("button", name="Who may, in every version").click()
    assert shown.url.endswith(f"#{WHO_MAY}") and panel(shown).is_hidden()
    expect(shown.locator("#main")).to_be_focused()
    assert shown.locator(".over").count() == 1
    shown.go_back()
    expect(panel(shown)).to_be_visible()
    shown.goto(shown.url.partition("#")[0] + "#versions?open=GetUserAccessToken.secret@11.0.3")
    assert panel(shown).get_by_role("button", name="Who may, in every version").count() == 0


def test_a_cell_that_is_opened_beside_very_many_callers_is_seen_in_full_beside_the_first_column(page_of, record_of):
    """The panel took its room, or the column that stands still half of it; and the head of that one went away."""
    asked = [
        {"operation": GET, "persona": name, "about": about, "status": 403} for name in PERSONAS for about in ("self", "other")
    ]
    page = page_of("personas", record_of("11.0.3", answers=asked), viewport={"width": 1000, "height": 900})
    first, head = page.locator(".who tbody th").first, page.locator(".who thead th").first
    cells, window = page.locator(".who button.access"), page.locator("main .scroll")
    for n in (cells.count() - 1, 0, cells.count() // 2):
        cells.nth(n).press("Enter")
        expect(cells.nth(n)).to_have_attribute("aria-current", re.compile(".+"))
        page.wait_for_timeout(100)
        shown, still, room = (one.bounding_box() for one in (cells.nth(n), first, window))
        assert still["x"] + still["width"] <= shown["x"] + 1 and shown["x"] + shown["width"] <= room["x"] + room["width"] + 1, n
        assert abs(head.bounding_box()["x"] - still["x"]) < 1 and abs(still["x"] - room["x"]) <= 1, n
    assert window.evaluate("(one) => one.scrollWidth > one.clientWidth")


def test_the_name_of_an_operation_among_the_personas_leads_to_all_its_versions(visit):
    shown = visit("#personas?q=create&at=5.36.1")
    shown.get_by_role("button", name="CreateJob", exact=True).click()
    assert "#personas?operation=CreateJob" in shown.url and "q=" not in shown.url


def test_arrows_walk_through_personas_and_versions(visit):
    shown = visit(f"#{WHO_MAY}")
    cells = shown.locator(".over tbody button")
    cells.nth(0).focus()
    for key, expected in (("End", 2), ("ArrowDown", 4), ("Home", 3), ("ArrowUp", 0)):
        shown.keyboard.press(key)
        expect(cells.nth(expected)).to_be_focused()
    shown.keyboard.press("ArrowUp")
    expect(shown.get_by_role("columnheader", name="4.0.5").get_by_role("button")).to_be_focused()
    shown.keyboard.press("ArrowDown")
    shown.keyboard.press("Enter")
    expect(panel(shown)).to_contain_text(ABSENT)
    assert panel(shown).locator(".verdict .m").inner_text() == "○", "what is not judged is not kept"
    shown.keyboard.press("Escape")
    expect(cells.nth(0)).to_be_focused()


def test_whether_an_answer_is_as_documented_is_told_only_where_it_was_judged(page_of, record_of):
    """The documentation lets nobody but the owner in, and no verdict is about those who were let in all the same."""
    page = page_of("personas", record_of("11.0.3", *judged("11.0.3", "token_user"), answers=answers(200)))
    others = page.get_by_role("button", name="GetUserAccessToken by member about somebody else's: served")
    assert others.get_attribute("aria-label").endswith(": served, not judged whether as documented")
    assert signs(others) == ["✓", "?"]
    assert "✓? nobody judged whether as documented" in "".join(page.locator(".legend").last.inner_text().split("\n"))
    others.click()
    said = page.locator("#panel .verdict").inner_text()
    assert said == "? Mattermost 11.0.3: served, not judged whether as documented; documented: may not"
    page.locator("#close").click()
    page.get_by_role("button", name="by token_user about their own: served, as documented").click()
    assert page.locator("#panel .verdict").inner_text().startswith("● Mattermost 11.0.3: served, as documented")


def test_an_answer_as_documented_of_which_every_check_abstained_was_not_judged_and_its_panel_says_why(page_of, record_of):
    """As of what is not asked on a server with people: it was said to be as documented, and its promise to be skipped."""
    skipped = {
        "clause": "GetUserAccessToken.permission",
        "persona": "everyone",
        "outcome": "skip",
        "signature": "not-on-this-target",
    }
    page = page_of("personas", record_of("11.0.3", skipped, answers=answers(200)))
    own = page.get_by_role("button", name="by token_user about their own: served, not judged whether as documented")
    assert signs(own) == ["✓", "?"]
    own.click()
    said = "? Mattermost 11.0.3: served, not judged whether as documented; documented: may"
    assert panel(page).locator(".verdict").inner_text() == said
    assert f"not-on-this-target: {WHY_SKIPPED['not-on-this-target']}" in panel(page).inner_text()


def test_where_no_promise_says_who_may_nothing_is_said_to_be_documented(contract, record_of, chromium, tmp_path):
    """A session is demanded, and that is all: so who was served was not served as documented."""
    silent = Contract(contract.base, contract.digest, contract.components, contract.operations)
    silent.add(clause for clause in contract.clauses.values() if clause.id != "CreateJob.permission")
    asked = {"operation": "CreateJob", "error": "", "about": "other"}
    told = [("system_admin", 201), ("member", 201), ("member", 403), ("anonymous", 401)]
    seen = judged("11.0.3", "anonymous", operation="CreateJob")
    run = record_of("11.0.3", *seen, answers=[{**asked, "persona": persona, "status": status} for persona, status in told])
    run = replace(run, observations=[row for row in run.observations if row.clause in silent.clauses])
    rows = {row["persona"]: row for row in page_data(silent, [run], [])["access"] if row["operation"] == "CreateJob"}
    assert {persona: row["documented"] + row["state"] for persona, row in rows.items()} == {
        "system_admin": "-u",
        "member": "-u",
        "anonymous": "dp",
    }
    (tmp_path / "page.html").write_text(as_html(silent, [run], []), encoding="utf-8")
    page = chromium.new_page()
    page.goto((tmp_path / "page.html").as_uri() + "#personas?open=CreateJob:member:any@11.0.3")
    assert panel(page).locator(".verdict").inner_text() == "? Mattermost 11.0.3: served and refused, no promise says who may"
    page.goto((tmp_path / "page.html").as_uri() + "#personas?operation=CreateJob")
    expect(page.locator("main .note").first).to_have_text(re.compile("^read as: .*; no promise says who may$"))
    page.close()


def test_who_was_neither_served_nor_refused_is_not_said_to_be_as_documented(contract, record_of, chromium, tmp_path):
    """Nor where the documents are not understood, which is put into the page's data: of these operations all is."""
    text = as_html(contract, [record_of("11.0.3", answers=answers(500))], [])
    assert text.count('"documented":"d","answered":"o"') == 1
    page = chromium.new_page()
    for documented in ("d", "-"):
        (tmp_path / "page.html").write_text(
            text.replace('"d","answered":"o"', f'"{documented}","answered":"o"'), encoding="utf-8"
        )
        page.goto(f"{(tmp_path / 'page.html').as_uri()}#personas")
        cell_ = page.get_by_role("button", name="GetUserAccessToken by member about somebody else's")
        assert cell_.get_attribute("title").endswith(": neither served nor refused, not judged whether as documented")
        assert signs(cell_) == ["~", "?"]
    page.close()


def test_what_a_bot_was_answered_is_shown_though_nobody_judged_it_and_the_page_says_why(page_of, record_of):
    """Of few operations as of many: the cell was empty, as if nobody had asked."""
    page = page_of("personas", probed(record_of))
    row = page.locator(".who tbody tr", has_text="CreateJob")
    told = {cell_.get_attribute("data-head"): signs(cell_) for cell_ in row.locator("td:has(button)").all()}
    assert told == {name.replace("_", " "): ["–", "?"] if name == TEAM_BOT else ["–"] for name in PROBING}
    assert OF_BOTS in page.locator("#main").inner_text()
    assert "? nobody judged whether as documented; the cell says why" in " ".join(
        page.locator(".legend").last.inner_text().split()
    )
    row.get_by_role("button", name="by team_bot").click()
    said = panel(page).inner_text()
    beside = panel(page).locator(".list.over li > span").last.bounding_box()
    assert beside["width"] > 150, "what is told over the versions stands beside its mark"
    assert OF_BOTS in said and f"unknown-relation: {WHY_SKIPPED['unknown-relation']}" in said
    assert "lies in many places" in page.locator("#main .lead").inner_text(), "these are no callers whom single tests make"
    field(page, "Who").select_option("member")
    assert OF_BOTS not in page.locator("#main").inner_text()


@pytest.mark.parametrize(
    ("status", "says"),
    [(200, "served"), (403, "refused"), (404, "neither served nor refused"), (500, "neither served nor refused")],
    ids=["in", "out", "nothing there", "broken"],
)
def test_what_breaks_a_promise_for_a_caller_whom_a_test_made_says_whether_they_were_let_in(page_of, record_of, status, says):
    told = {**REFUSED, "persona": "editor", "signature": str(status), "evidence": {**EVIDENCE, "status": status}}
    page = page_of("personas", record_of("11.0.3", told))
    cell_ = page.get_by_role("button", name="by editor")
    assert cell_.get_attribute("aria-label") == f"GetUserAccessToken by editor: {says}, not as documented (new); {status}"
    assert signs(cell_) == [{"served": "✓", "refused": "–"}.get(says, "~"), "✖"]


def test_what_broke_a_promise_is_shown_though_no_answer_to_a_valid_request_tells_of_that_caller(page_of, record_of):
    elsewhere = {"operation": "CreateJob", "error": "", "persona": "member", "about": "other", "status": 403}
    seen = judged("11.0.3", "member", operation="CreateJob")
    page = page_of("personas", record_of("11.0.3", REFUSED, *seen, answers=[elsewhere]))
    says = [one.get_attribute("aria-label").partition(" by ")[2] for one in page.get_by_role("button", name="by member").all()]
    assert says == [
        "member about somebody else's: served, not as documented (new); 200 without permission",
        "member: refused, as documented",
    ]


def test_the_mark_of_what_nobody_judged_is_of_answers_and_a_cell_without_a_valid_request_is_empty(page_of, record_of):
    """It meant both: that nobody judged what was answered, and that nobody asked."""
    bots = [
        {"operation": "CreateJob", "persona": TEAM_BOT, "about": "other", "status": 403, "error": "x", "as_shipped": True},
    ]
    shown = page_of("personas?operation=CreateJob", record_of("10.8.1"), record_of("11.0.3", answers=bots))
    cells = shown.get_by_role("button", name=f"CreateJob by {TEAM_BOT}")
    assert [signs(one) for one in cells.all()] == [[], ["–", "?"]]
    assert cells.first.get_attribute("title").startswith(
        f"CreateJob by {TEAM_BOT}: not judged: such a caller sent no valid request"
    )
    legend = " ".join(" ".join(shown.locator(".legend").all_inner_texts()).split())
    assert "empty: no valid request of theirs" in legend and legend.count("?") == 1
    cells.first.click()
    assert panel(shown).locator(".verdict").inner_text().startswith("Mattermost 10.8.1: not judged")


def test_the_panel_of_who_was_served_and_refused_says_what_was_served_with_an_exchange_of_it(page_of, record_of):
    """Whose tokens somebody got stood nowhere: what is kept of a record are the refusals, which break a promise."""
    shown = page_of("personas", served_and_refused(record_of))
    shown.get_by_role("button", name="RegenCommandToken by slash_manager").click()
    told = [row.inner_text().split() for row in panel(shown).locator("table.data tr").all()]
    assert [" ".join(words) for words in told] == [
        "200 “for a while” (answer 1) 1 time",
        "403 x “for a while” (answer 2), “others commands” 2 times",
    ]
    expect(panel(shown).get_by_text("one that was served").locator("xpath=..")).to_contain_text("200 application/json")
    expect(panel(shown)).to_contain_text('cassette="permissions/commands/for_a_while")')


BOT = "suites/permissions/test_bots.py::test_a_bot[{}-RegenCommandToken]"
MANAGER = "suites/permissions/test_commands.py::test_others_commands[{}]"
REGEN = {"operation": "RegenCommandToken", "about": "other", "as_shipped": False}
HIDDEN = {"status": 404, "error": "store.sql_command.save.get.app_error"}
NOT_SERVED = {
    "clause": "RegenCommandToken.permission",
    "persona": "slash_manager",
    "outcome": "fail",
    "standing": "known",
    "signature": "404 store.sql_command.save.get.app_error, not served",
    "evidence": {**EVIDENCE, "status": 404},
}


@pytest.fixture
def regen(page_of, record_of):
    """Open who may call RegenCommandToken: a bot at times, as documented; whoever has the permission is refused in 11.6.0-dev."""

    def of(name):
        told = {"clause": "RegenCommandToken.permission", "outcome": "pass", "persona": "bot", "test": BOT.format(name)}
        manager = {"test": MANAGER.format(name)}
        manager = {**NOT_SERVED, **manager} if name == "11.6.0-dev" else {**told, "persona": "slash_manager", **manager}
        asked = [("bot", "bots/a_bot/RegenCommandToken", HIDDEN), ("bot", "bots/a_bot/RegenCommandToken", {"status": 200})]
        asked.append(("slash_manager", "commands/others_commands", HIDDEN if name == "11.6.0-dev" else {"status": 200}))
        asked.append(("slash_manager", "commands/of_something_else", {"status": 403}))
        rows = [{**REGEN, "persona": who, "request": f"permissions/{test}", **answer} for who, test, answer in asked]
        return record_of(name, told, manager, answers=rows)

    def open_(**options):
        names = ["9.11.2", "10.8.1", "11.0.3", "11.6.0-dev"]
        return page_of("personas?operation=RegenCommandToken", *map(of, names), **options)

    return open_


def test_a_cell_says_first_who_is_served_then_whether_that_is_as_documented(regen):
    """Of whom a test makes too; a refusal that is known for no promise kept is a refusal first."""
    page = regen(viewport={"width": 1600, "height": 900})
    bot, manager = (page.locator(".over tbody tr", has_text=who).locator("button") for who in ("bot", "slash manager"))
    assert [signs(one) for one in bot.all()] == [["±"]]
    assert [signs(one) for one in manager.all()] == [["✓"], ["–", "▲"]]
    assert bot.inner_text() == "±\nserved and refused, as documented"
    assert manager.first.inner_text() == "✓\nserved, as documented"
    assert manager.last.get_attribute("title").endswith(
        "slash_manager: refused, not as documented (known); 404 store.sql_command.save.get.app_error, not served, 11.6.0-dev"
    )
    legend = " ".join(" ".join(page.locator(".legend").all_inner_texts()).split())
    for part in ("✓ may: was served", "– may not: was refused", "± both: ", "▲ otherwise than documented, known"):
        assert part in legend
    manager.last.click()
    assert page.locator("#panel .verdict").inner_text() == "▲ Mattermost 11.6.0-dev: refused, not as documented (known)"
    assert "404 store.sql_command.save.get.app_error\t1 time" in page.locator("#panel table").inner_text()


def test_the_page_says_as_whom_nobody_asked_and_what_the_suites_left_out(page_of, record_of):
    one = record_of("11.0.3")
    left = NotPlayedRow("suites/generated/test_principles.py::test_forbidden[x]", "not-on-this-target", "it changes settings")
    told = {"absent": {"guest": "tokens are off"}, "not_played": (left,), "unanswered": {"GetUser": 2}}
    one = replace(one, footer=structs.replace(one.footer, **told))
    assert "Nobody asked as guest: tokens are off." in page_of("personas", one).locator("main").inner_text()
    gap = page_of("trust", one).locator("details", has_text="left out by the suites, not-on-this-target")
    assert "test_forbidden, it changes settings" in gap.text_content()
    silent = page_of("trust", one).locator("details", has_text="1 operation no answer in time")
    assert "GetUser, 2 requests" in silent.text_content()
    assert "Nobody asked as" not in page_of("personas", record_of("11.0.3")).locator("main").inner_text()


@pytest.mark.parametrize("width", [390, 1280])
def test_words_in_a_cell_of_who_may_are_whole_or_left_out(regen, width):
    page = regen(viewport={"width": width, "height": 844})
    assert page.locator(".over .says:visible").count() > 0
    cut = f"[...document.querySelectorAll('.access')].filter({CUT}).map((one) => one.outerHTML)"
    for first in ("9.11.2", "10.8.1", "11.0.3", "11.6.0-dev"):
        page.goto(page.url.partition("#")[0] + f"#personas?operation=RegenCommandToken&from={first}")
        assert page.evaluate(cut) == []


@pytest.mark.parametrize("place", ["personas", WHO_MAY])
def test_what_explains_the_cells_of_who_may_is_drawn_as_they_are(visit, place):
    """By the same rules: whatever sets the look of a cell sets that of its sample."""
    shown = visit(f"#{place}")
    look = (
        "(one) => ['backgroundColor', 'boxShadow', 'outline', 'borderRadius', 'height'].map((key) => getComputedStyle(one)[key])"
    )
    samples = {tuple(one.evaluate(look)) for one in shown.locator(".legend .access").all()}
    cells = {tuple(one.evaluate(look)) for one in shown.locator("td .access").all()}
    assert len(cells) >= 3 and cells <= samples


def test_deviations_stand_by_verdict_the_new_ones_first(visit, known):
    shown = visit("#deviations")
    heads = shown.locator("main h2").all_inner_texts()
    assert [head.split(" ")[0] for head in heads] == ["New", "Ambiguous"]
    entries = len({d.place for d in known})
    assert shown.locator(".card").count() == entries + 2
    assert shown.locator("main summary").first.inner_text() == f"{entries - 1} known deviations that none of these records shows"
    assert shown.locator(".card.new").count() == 2
    said = f"of {entries} known deviations on our list these records show 1; 2 new."
    assert said in shown.locator("main .lead").inner_text()
    assert shown.locator("#views [aria-current]").inner_text() == f"Deviations (1 of {entries} seen, 2 new)"
    field(shown, "only new").check()
    assert shown.locator(".card").count() == 2


def test_the_count_of_deviations_is_of_what_the_list_has_and_follows_every_filter(visit, known, capsys):
    """The page said 39 and `mmconform deviations` 41, with a filter too, and neither what it counts."""
    entries = len({d.place for d in known})
    assert main(["deviations"]) == 0
    assert f"\n{entries} known deviations on our list, about " in capsys.readouterr().out
    of_jobs = {d.place for d in known if d.clause.startswith("CreateJob.")}
    assert main(["deviations", "--operation", "CreateJob"]) == 0
    assert f"\n{len(of_jobs)} of {entries} known deviations on our list, about " in capsys.readouterr().out
    met = next(d for d in known if (d.clause, d.signature) == (KNOWN["clause"], KNOWN["signature"]))
    for place, seen in (
        ("deviations?operation=CreateJob", f"1 of {entries} seen"),
        ("deviations?operation=GetUserAccessToken", f"0 of {entries} seen, 2 new"),
        ("deviations?q=no+such+word", f"0 of {entries} seen"),
        ("deviations?state=k", f"1 of {entries} seen"),
        ("deviations?new", f"0 of {entries} seen, 2 new"),
        ("deviations?to=4.0.5", f"0 of {entries} seen"),
        (f"versions?operation=CreateJob&rule={met.clause.partition('.')[2]}", f"1 of {entries} seen"),
        ("trust", f"1 of {entries} seen, 2 new"),
        ("principles?state=g", f"1 of {entries} seen, 2 new"),
    ):
        shown = visit(f"#{place}")
        assert shown.get_by_role("link", name="Deviations").inner_text() == f"Deviations ({seen})", place
        if place.startswith("deviations"):
            assert f"With these filters: {seen}." in shown.locator("main .lead").inner_text(), place


def test_a_card_begins_with_what_tells_it_from_others(visit, known):
    shown = visit("#deviations")
    shown.locator("main summary").first.click()
    first = "h3, h3 ~ :is(.names, .small, .mono):not(blockquote ~ *)"
    heads = [" ".join(card.locator(first).all_inner_texts()) for card in shown.locator(".card:not(.new)").all()]
    assert len(heads) == len({d.place for d in known}) == len(set(heads))
    (entry,) = [d for d in known if d.signature == NOT_SERVED["signature"]]
    (head,) = [head for head in heads if entry.signature in head]
    assert head.split("\n")[0] == f"▲ permission of RegenCommandToken for slash manager, {entry.versions} {entry.signature}"


def test_what_contradicts_a_principle_stands_with_both_sides(visit):
    shown = visit("#principles")
    card = shown.locator("article", has_text="`token`").or_(shown.locator("article", has_text="token is shown")).first
    assert "5.36.1, 11.0.3" in card.inner_text() and card.locator("pre").count() == 2
    assert "member's session: 200" in card.locator("pre").first.inner_text()
    shown.goto(shown.url.replace("#principles", "#principles?to=9.11.2"))
    assert shown.locator("article").count() == 1 and "deviations/a.yaml:3" in shown.locator("article").inner_text()
    card.get_by_role("button", name="GetUserAccessToken").first.click()
    assert panel(shown).get_by_role("heading", name="GetUserAccessToken").count() == 1


def test_a_finding_of_every_standing_has_a_mark_and_words(page_of, record_of):
    """Each that a line of a record may have (`mmconform.record.rows`)."""
    run = record_of("11.0.3")
    every = get_args(FindingStanding)
    run.findings.extend(lines.findings(*({**CONTRADICTION, "standing": one, "field": f"field of {one}"} for one in every)))
    page, errors = page_of("principles", run), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    marks = [page.locator("article", has_text=f"field of {one}").locator("h3 .m").inner_text() for one in every]
    assert len(set(marks)) == len(every) == page.locator("article").count() and all(marks)
    legend = page.locator(".legend").inner_text()
    assert all(f"{FINDING_MARKS[one].sign} {FINDING_MARKS[one].meaning}" in legend for one in every)
    for one, mark in zip(every, marks, strict=True):
        field(page, "State").select_option(label=f"{mark} {FINDING_MARKS[one].word}")
        assert page.locator("article h3").all_inner_texts() == [f"{mark} GetUserAccessToken: field of {one}"]
    page.locator("#views a", has_text="Versions").click()
    assert len(rows(page)) == 11, "that is no state of a promise"
    assert errors == []


def test_a_view_that_cannot_be_drawn_leaves_nothing_of_another(chromium, contract, record_of, tmp_path):
    """What no record can say is put into the page's data, as a mistake of ours would."""
    run = record_of("11.0.3")
    run.findings.extend(lines.findings({**CONTRADICTION, "standing": "gap"}))
    text = as_html(contract, [run], [])
    assert text.count('"state":"g"') == 1
    (tmp_path / "page.html").write_text(text.replace('"state":"g"', '"state":"nonsense"'), encoding="utf-8")
    page, errors = chromium.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri())
    assert len(rows(page)) == 11
    page.locator("#views a", has_text="Principles").click()
    assert page.locator("#main").inner_text().startswith("This cannot be drawn: ") and rows(page) == []
    assert page.locator("#views [aria-current]").inner_text() == "Principles" and len(errors) == 1
    page.locator("#views a", has_text="Versions").click()
    assert len(rows(page)) == 11
    page.close()


def test_a_deviation_is_copied_as_an_issue(visit, contract):
    shown = visit("#deviations?q=job.save&state=k")
    shown.get_by_role("button", name="Copy as issue").click()
    expect(shown.locator("#said")).to_have_text("The issue is in the clipboard.")
    issue = copied(shown)
    assert issue.startswith("# CreateJob.status: `500 app.job.save.app_error`\n")
    clause = contract.clauses["CreateJob.status"]
    for part in (
        f"> {clause.text}",
        f"(`{clause.place}`",
        "by system_admin, in Mattermost 5.36.1 to 11.0.3.",
        "**Verdict**: ambiguous",
    ):
        assert part in issue
    assert "```sh\ncurl -i -X POST" in issue
    assert "pytest --target recorded:11.0.3" in issue


def test_what_a_server_says_is_code_in_an_issue(visit):
    shown = visit("#deviations?new&q=secret")
    shown.get_by_role("button", name="Copy as issue").click()
    expect(shown.locator("#said")).to_have_text("The issue is in the clipboard.")
    issue = copied(shown)
    assert issue.count("<img") == 5
    outside = re.sub(r"(?s)(`{3,}).*?\n\1|(`+) .*? \2", "", issue)
    assert "<img" not in outside
    assert "\x1b" not in issue


def test_trust_gives_a_reason_for_every_gap_and_the_way_to_repeat(visit, contract):
    shown = visit("#trust?at=4.0.5")
    said = shown.locator("main").inner_text()
    gone = sum(1 for c in contract.clauses.values() if c.rule != "since" and contract.operations[c.operation].since)
    assert f"{gone} promises ○ skipped, not-in-version: {ABSENT}" in said
    for part in (
        "pytest --target recorded:4.0.5",
        "sha256 " + contract.digest,
        "c" * 40,
        "pytest 9",
        "7, 100 fuzzed",
    ):
        assert part in said


def test_a_promise_that_is_skipped_for_several_reasons_is_counted_with_each_as_the_run_counts_it(chromium, contract, tmp_path):
    reasons = {"needs-licence": ["CreateJob.media"], "unknown-request": ["CreateJob.media", "CreateJob.schema"]}
    rows = [{"clause": c, "outcome": "skip", "signature": why, "seen": why} for why, of in reasons.items() for c in of]
    common = {"operation": "CreateJob", "persona": "member", "test": "suites/a/test_b.py::c", "count": 1}
    seen = lines.observations(*({**common, "rule": row["clause"].partition(".")[2], **row} for row in rows))
    told = {"errors": 0, "not_taped": 0, "is_whole": False, "finished": "2026-11-22T00:01:00Z"}
    footer = summarise(contract, Version(11, 0, 3), seen, [], [], **told)
    run = lines.make_record(lines.header("11.0.3", spec=contract.digest), seen, [], footer)
    (tmp_path / "page.html").write_text(as_html(contract, [run], []), encoding="utf-8")
    page = chromium.new_page()
    page.goto((tmp_path / "page.html").as_uri() + "#trust")
    said = page.locator("main").inner_text()
    assert footer.reasons == {why: len(of) for why, of in reasons.items()}
    assert "1 promise ○ skipped, needs-licence: " in said and "2 promises ○ skipped, unknown-request: " in said
    page.goto((tmp_path / "page.html").as_uri() + "#trust?open=CreateJob.media@11.0.3")
    assert all(why in page.locator("#panel").inner_text() for why in reasons)
    page.close()


def test_red_says_why_in_the_headline_and_first_where_it_is_told_how_sure_one_can_be(page_of, contract, record_of):
    """A server on which something was not exercised: nothing new, and red all the same."""
    run = record_of(
        "11.0.3", {"clause": "CreateJob.media", "outcome": "skip", "signature": "needs-licence", "persona": "everyone"}
    )
    footer = structs.replace(run.footer, not_exercised=("RegenCommandToken",), not_taped=2, green=False)
    page = page_of("trust", record_of("5.36.1"), replace(run, footer=footer))
    why = "1 operation not exercised, 2 requests not taped"
    assert f"Red: 11.0.3 ({why})." in page.locator("#headline").inner_text()
    assert page.locator("#main h2 + p").first.inner_text().startswith(f"red ({why}): verified ")
    first = page.locator("section", has_text="Not verified, and why").locator("details").first
    assert first.locator("summary").inner_text().startswith("1 operation not exercised: ")
    expect(first.get_by_role("button", name="RegenCommandToken")).to_be_visible()
    assert page.locator("main details").nth(1).get_attribute("open") is None
    page.locator("table").last.get_by_role("button", name="11.0.3").click()
    assert panel(page).locator(".verdict").inner_text().startswith(f"red ({why}): ")


def test_trust_says_in_words_why_an_operation_was_not_asked(page_of, contract, record_of):
    jobs = [c.id for c in contract.of("CreateJob")]
    skipped = [{"clause": id_, "outcome": "skip", "signature": "would-do-harm", "persona": "everyone"} for id_ in jobs]
    skipped[0]["signature"] = "undeclared-refusal"  # one promise's reason is not the operation's
    run = record_of("11.0.3", *skipped)
    out = {"CreateJob": 0, "RegenCommandToken": 0, "GetUserAccessToken": 5}  # requests that were sent
    rows = [
        structs.replace(row, in_scope=False, sent=out[row.operation], reached=0, served=0) if row.operation in out else row
        for row in run.operations
    ]
    page = page_of("trust", replace(run, operations=rows))
    table = page.locator("section", has_text="How far the requests got").locator("tbody tr")
    said = {row.locator("th").inner_text(): row.locator("td").last.inner_text() for row in table.all()}
    assert {name: text for name, text in said.items() if text} == {
        "GetWebrtcToken": ABSENT,
        "CreateJob": "it would change a server, or could not be undone, and was not sent (--dry-run says more)",
        "RegenCommandToken": "nobody asked for it in this run",
        "GetUserAccessToken": "no request was about something that is known to exist",
    }


def test_trust_tells_which_flaws_the_suites_were_shown_to_notice(visit):
    shown = visit("#trust")
    said = shown.locator("main").inner_text()
    assert "2 servers of ours have a flaw each. 1 is noticed, by exactly the promises that it breaks; 1 is not." in said
    assert "notices 1. Run on 2026-11-22" in said
    shown.get_by_text("CreateJob: 1 of 1").click()
    assert "GetUserAccessToken.secret" in shown.locator("details[open]", has_text="CreateJob: 1 of 1").inner_text()
    assert "not noticed: nobody looks" in shown.locator("main").inner_text()
    shown.locator("#by-operation").select_option("CreateJob")
    assert "1 server of ours has a flaw. 1 is noticed" in shown.locator("main").inner_text()


# -- hostile, narrow, dark, printed --------------------------------------------------------------------------------


def test_what_a_server_says_stays_text(visit):
    for view, shown in visit.views(*WHERE, "versions?open=GetUserAccessToken.secret@11.0.3", "trust?open=@11.0.3"):
        if "open=GetUser" in view:
            expect(panel(shown)).to_contain_text('</script><img src=x onerror="window.hurt=1"> \\u001b[31mred')
        assert shown.evaluate("window.hurt") is None, view
        assert shown.locator(NOT_TEXT).count() == 0, view
        assert visit.said == [], view
    # The policy would stop it even if the script made elements of text.
    shown.evaluate("document.body.insertAdjacentHTML('beforeend', '<p id=tried><b onclick=\"window.hurt=1\">x</b></p>')")
    shown.evaluate("document.querySelector('#tried b').click()")
    assert shown.evaluate("window.hurt") is None
    assert ["Content Security Policy" in text for text in visit.said] == [True]
    visit.said.clear()


def test_on_a_telephone_nothing_makes_the_page_wider_than_the_screen(visit):
    opened = ("versions?open=GetUserAccessToken.secret@11.0.3&unfolded=GetUserAccessToken", "personas?open=@11.0.3")
    for view, shown in visit.views(*WHERE, WHO_MAY, *opened, viewport={"width": 400, "height": 800}):
        assert shown.evaluate("document.documentElement.scrollWidth") <= 400, view
        assert shown.evaluate("document.body.scrollWidth") <= 400, view


def test_on_a_telephone_a_table_is_a_list_whose_entries_are_named(visit):
    """Nothing but source text and code is wider than the screen, not even within a frame that scrolls."""
    for view, shown in visit.views(
        *WHERE, WHO_MAY, "personas?open=GetUserAccessToken:member:other@11.0.3", viewport={"width": 390, "height": 844}
    ):
        for folded in shown.locator("main details > summary").all():
            folded.click()
        is_wide = "(one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth"
        wide = f"[...document.querySelectorAll('.scroll, table, td, th')].filter({is_wide})"
        assert shown.evaluate(f"{wide}.map((one) => one.outerHTML.slice(0, 90))") == [], view
        bare = "[...document.querySelectorAll('main td')].filter((one) => one.checkVisibility() && !one.dataset.head).length"
        assert shown.evaluate(bare) == 0, view
    shown = visit("#personas", viewport={"width": 390, "height": 844})
    entry = shown.locator(".who td[data-head='member, others\\'']", has=shown.get_by_role("button")).first
    assert entry.evaluate("(one) => getComputedStyle(one, '::after').content") == '"member, others\'"'
    sides = "['Top', 'Right', 'Bottom', 'Left']"
    has_line = f"(one) => {sides}.some((side) => parseFloat(getComputedStyle(one)[`border${{side}}Width`]) > 0)"
    for place in ("personas", WHO_MAY):
        shown.goto(shown.url.partition("#")[0] + f"#{place}")
        inner = f"[...document.querySelectorAll('.who tbody :is(th, td)')].filter({has_line})"
        assert shown.evaluate(f"{inner}.length") == 0, "lines stand between entries, not in them"


def test_on_a_telephone_each_mark_of_who_may_has_its_word(page_of, record_of):
    """Nobody can point there without pressing, so that a title says nothing; and the legend is out of sight."""
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    plain = {"operation": "CreateJob", "error": "", "persona": "member", "about": "other", "status": 403}
    seen = [*judged("11.0.3", "token_user"), *judged("11.0.3", "member", operation="CreateJob")]
    of_people = page_of("personas", record_of("11.0.3", REFUSED, *seen, answers=[*answers(200), plain]), **options)
    of_all = page_of("personas", probed(record_of), **options)
    for page, told in (
        (of_people, {"✖": "served, not as documented (new)", "✓": "served", "–": "refused"}),
        (of_all, {"–": "refused", "?": "refused, not judged whether as documented", "~": "neither served nor refused"}),
    ):
        cells = page.locator(".who td button").all()
        says = {signs(cell_)[-1]: cell_.locator(".says").inner_text() for cell_ in cells if cell_.locator(".says").is_visible()}
        assert len(cells) > 3 and says == told
        assert page.evaluate(f"[...document.querySelectorAll('.who .access')].filter({CUT}).length") == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_whatever_a_panel_tells_lies_inside_it(visit, width):
    """Names of operations and what a server says may have no place to break, and be wider than it."""
    opened = ["@9.11.2", "GetUserAccessTokensForUser.effect.lists-the-user@5.36.1", "GetUserAccessToken.secret@11.0.3"]
    opened += ["GetUserAccessTokensForUser@11.0.3", "GetUserAccessToken:member:other@11.0.3", "CreateJob.status@5.36.1"]
    for view, shown in visit.views(*(f"personas?open={what}" for what in opened), viewport={"width": width, "height": 900}):
        expect(panel(shown)).to_be_visible()
        edge = "document.getElementById('panel').getBoundingClientRect().right"
        is_outside = f"(one) => one.getBoundingClientRect().right > {edge}"
        outside = f"[...document.querySelectorAll('#panel :not(pre, pre *)')].filter({is_outside})"
        assert shown.evaluate(f"{outside}.map((one) => one.outerHTML.slice(0, 90))") == [], view
        wide = "[...document.querySelectorAll('#panel, #panel .over')].filter((one) => one.scrollWidth > one.clientWidth)"
        assert shown.evaluate(f"{wide}.length") == 0, view


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_all_tabs_stand_in_one_row_that_does_not_scroll(chromium, grouped_address, width):
    """With tags and principles there are six."""
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto(grouped_address)
    tabs = page.locator("#views a")
    assert tabs.count() == 6 and len({tab.bounding_box()["y"] for tab in tabs.all()}) == 1
    last = tabs.last.bounding_box()
    assert last["x"] + last["width"] <= width
    size = page.locator("nav").evaluate("(one) => [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight]")
    assert size == [0, 0]
    page.close()


def test_on_a_telephone_the_signs_of_changed_answers_have_words(visit):
    heard = {}
    for width in (390, 1280):
        shown = visit("#versions", viewport={"width": width, "height": 800})
        heard[width] = shown.locator(".row.sum .side", has_text="changed answers").inner_text()
    assert heard == {390: "changed answers: ▼ worse ≠ different + better", 1280: "changed answers"}


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_view(visit, scheme, width):
    opened = ["@11.0.3", "CreateJob@11.0.3", "GetUserAccessToken.secret@11.0.3", "GetUserAccessToken:member:other@11.0.3"]
    places = [
        *WHERE,
        WHO_MAY,
        f"{WHO_MAY}&open=GetUserAccessToken:member:other@4.0.5",
        *(f"versions?unfolded=CreateJob&open={what}" for what in opened),
    ]
    # The page's policy keeps axe out as it does all else; it alone is let in here.
    for view, shown in visit.views(
        *places, color_scheme=scheme, reduced_motion="reduce", viewport={"width": width, "height": 844}, bypass_csp=True
    ):
        assert violations(shown) == [], view


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_two_servers_and_a_recording_are_beside_one_another(page_of, record_of, scheme, width):
    """Heads with addresses, and what nobody judged."""
    records = [
        record_of("11.0.3", *judged(f"127.0.0.1-{p}", "token_user"), target=f"http://127.0.0.1:{p}", answers=answers(200))
        for p in (8065, 8066)
    ]
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 844}, "bypass_csp": True}
    page = page_of("versions", record_of("11.0.3", KNOWN), *records, **options)
    for place in ("versions", "personas?at=11.0.3 127.0.0.1:8066", WHO_MAY, "trust"):
        page.goto(page.url.partition("#")[0] + f"#{place}")
        assert page.locator("button.access.is-u").count() == {"versions": 0, "trust": 0}.get(place, 1), place
        assert violations(page) == [], place
    page = page_of("personas?open=CreateJob:team_bot:any@11.0.3", probed(record_of), **options)
    assert page.locator("button.access.is-u").count() == 1 and violations(page) == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_operations_are_grouped_by_tag(chromium, grouped_address, scheme, width):
    context = chromium.new_context(
        color_scheme=scheme, reduced_motion="reduce", viewport={"width": width, "height": 844}, bypass_csp=True
    )
    shown = context.new_page()
    for place in ("tags", "tags?open=tag.1@11.1.0", "versions?unfolded=tag.1", *WHERE[1:], f"{WHO_MAY}0"):
        shown.goto(f"{grouped_address}#{place}")
        assert violations(shown) == [], place
    context.close()


#: Nothing is told of what it finds right but how many rules: to bring that here takes longer than to find it.
AXE = "axe.run(document, {resultTypes: ['violations']}).then((done) => [done.passes.length, done.violations])"


def violations(shown):
    """What axe-core finds by all its rules, those of good practice too, when all is unfolded."""
    shown.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
    if shown.evaluate("typeof axe") == "undefined":
        shown.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    passed, found = shown.evaluate(AXE)
    assert passed > 20, "it looked"
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def background(shown):
    return sum(map(int, re.findall(r"\d+", shown.evaluate("getComputedStyle(document.body).backgroundColor"))))


def test_dark_is_dark_as_the_system_has_it_and_as_it_is_chosen(visit):
    assert background(visit(color_scheme="light")) > 600
    shown = visit(color_scheme="dark")
    assert background(shown) < 200
    shown.get_by_role("button", name="system").click()
    assert background(shown) > 600
    shown.get_by_role("button", name="light").click()
    assert background(shown) < 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(visit, scheme):
    """WCAG 2.2, 1.4.3: a ratio of at least 4.5."""
    opened = "?unfolded=GetUserAccessToken&open=GetUserAccessToken@11.0.3"
    one = f"{WHO_MAY}&open=GetUserAccessToken:member:other@5.36.1"
    for view, shown in visit.views(*(f"{view}{opened}" for view in WHERE), one, color_scheme=scheme):
        expect(panel(shown)).to_be_visible()
        assert shown.evaluate(CONTRAST) == [], view


#: Texts whose colour differs too little from the nearest background behind them, with the ratio.
CONTRAST = """() => {
  const parse = (colour) => {
    const numbers = colour.match(/[\\d.]+/g).map(Number);
    return numbers.length < 4 ? [...numbers, 1] : numbers;
  };
  const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim();
    if (!text || !element.checkVisibility() || ["SCRIPT", "NOSCRIPT", "OPTION"].includes(element.tagName)) continue;
    const cell = element.closest(".cell");
    const backs = [...(cell ? cell.querySelectorAll(".fill") : [])].map((fill) => parse(getComputedStyle(fill).backgroundColor));
    for (let at = element; at && !backs.length; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0.5) backs.push(colour);
    }
    const ink = light(parse(getComputedStyle(element).color));
    for (const back of backs) {
      const [dim, bright] = [ink, light(back)].sort((a, b) => a - b);
      const ratio = (bright + 0.05) / (dim + 0.05);
      if (ratio < 4.5) found.push(`${text.slice(0, 30)}: ${ratio.toFixed(2)}`);
    }
  }
  return [...new Set(found)];
}"""


def test_it_prints_without_what_only_a_screen_needs(visit):
    for view, shown in visit.views(*WHERE, WHO_MAY):
        shown.emulate_media(media="print")
        assert shown.locator("#filters").is_hidden(), view
        assert shown.locator("nav").is_hidden(), view
        assert shown.get_by_role("button", name="All operations").is_hidden(), view
        assert shown.locator("main").is_visible(), view
        assert shown.pdf(prefer_css_page_size=True).startswith(b"%PDF"), view


@pytest.fixture(scope="session")
def wide_address(contract, tmp_path_factory):
    """The page about very many operations."""
    large, run = wide(contract)
    path = tmp_path_factory.mktemp("wide") / "page.html"
    path.write_text(as_html(large, [run], []), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="session")
def grouped_address(contract, tmp_path_factory):
    """The page about so many operations that they are grouped by tag."""
    large, run = wide(contract, 3)
    run.findings.extend(lines.findings({**CONTRADICTION, "operation": "GetUserAccessToken0", "beside": "GetUserAccessTokens1"}))
    path = tmp_path_factory.mktemp("grouped") / "page.html"
    path.write_text(as_html(large, [run], []), encoding="utf-8")
    return path.as_uri()


def test_what_a_cell_says_fits_into_it(chromium, contract, tmp_path):
    large, run = wide(contract, 3)
    skipped = structs.replace(
        run.observations[0], clause="CreateJob1.media", outcome="skip", standing="", signature="needs-licence"
    )
    run.observations.append(skipped)
    about = structs.replace(run.header, server=structs.replace(run.header.server, name="10.8.1", version="10.8.1"))
    older = replace(run, header=about, observations=[o for o in run.observations if o.rule != "status"])
    (tmp_path / "page.html").write_text(as_html(large, [older, run], []), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto((tmp_path / "page.html").as_uri() + "#versions?unfolded=tag.0,tag.1")
    assert page.locator(".cell .parts.several").count() > 2
    names = "[...document.querySelectorAll('.side .name')].filter((one) => one.scrollWidth > one.clientWidth + 1)"
    assert page.evaluate(f"{names}.map((one) => one.textContent)") == []
    cut = "[...document.querySelectorAll('.cell .parts')].filter((one) => one.scrollWidth > one.parentElement.clientWidth)"
    assert page.evaluate(f"{cut}.map((one) => one.textContent)") == []
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_what_a_cell_says_fits_into_it_however_many_neighbours_it_is_of(page_of, known, record_of, width):
    """Of these versions much is known and was not met; the longest words that there are."""
    names = ["4.0.5", "4.10.10", "5.6.5", "5.12.6", "5.22.3", "5.36.1", "6.7.2", "7.10.5", "8.1.9", "9.11.2", "10.5.0"]
    records = [*map(record_of, names), *(record_of("11.0.3", KNOWN, NEW, target=f"http://127.0.0.1:{port}") for port in (1, 2))]
    cut = "[...document.querySelectorAll('.cell .parts')].filter((one) => one.scrollWidth > one.parentElement.clientWidth)"
    page = page_of("versions", *records, known=known, viewport={"width": width, "height": 844})
    for first in (*names, "11.0.3 127.0.0.1:1"):
        page.goto(page.url.partition("#")[0] + f"#versions?from={first}")
        assert "kept though known" in page.locator(".grid").inner_text(), first
        assert page.evaluate(f"{cut}.map((one) => one.textContent)") == [], first


def test_very_many_operations_begin_with_a_table_by_tag(chromium, wide_address):
    page = chromium.new_page(viewport={"width": 400, "height": 800})
    page.goto(wide_address)
    assert page.locator("table.tags tbody tr").count() == 40
    sums = page.locator("table.tags tfoot td").all_inner_texts()
    assert sums[0] == "506" and "51" in sums
    assert page.locator(".gates .link").count() == 51 and page.locator(".gates").get_by_text("api.license_error").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.locator("table.tags tbody .link").first.click()
    assert page.locator("#panel h2").inner_text() == "tag 0"
    assert "not judged, and why" in page.locator("#panel").inner_text().lower()
    page.close()


def test_very_many_operations_are_folded_by_tag_where_all_is_well(chromium, wide_address):
    page = chromium.new_page()
    page.goto(wide_address + "#versions")
    bad = page.locator(".row.operation.inside").count()
    assert page.locator(".row.tag").count() == 40 and 0 < bad < 506 / 5
    page.locator(".row.tag .opener").first.click()
    assert page.locator(".row.tag").count() == 40 and page.locator(".row.operation.inside").count() > bad + 5
    page.locator("#by-q").fill("regencommandtoken3")
    inside = page.locator(".row.operation.inside .name").all_inner_texts()
    assert "RegenCommandToken3" in inside and len(inside) <= 20, "few are shown one by one"
    page.close()


def test_each_view_of_very_many_operations_is_drawn(chromium, wide_address):
    page, errors = chromium.new_page(viewport={"width": 400, "height": 800}), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for where in ("tags", "versions", "personas", "deviations", "trust"):
        page.goto(f"{wide_address}#{where}")
        for details in page.locator("main details > summary").all()[:3]:
            details.click()
        assert errors == [] and len(page.locator("main").inner_text()) > 500, where
        assert page.evaluate("document.documentElement.scrollWidth") == 400, where
    page.close()
