"""How large the page is, how soon it is seen, and its picture for the README: `python benchmarks/page.py`.

Needs the records of a run over every tape, Debian's `chromium` and the dev dependencies. Prints one JSON object.
"""

import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.judging import deviations
from mmconform.paths import REPORTS, ROOT
from mmconform.record import choose
from mmconform.report.page import as_html
from mmconform.wire.tape import tape

TIMES = 7
#: Milliseconds from the beginning of the navigation until something is painted, and until the script has drawn the matrix.
SEEN = """() => [performance.getEntriesByName("first-contentful-paint")[0].startTime,
               performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd]"""


def picture(address: str, path: Path) -> None:
    """Write a picture of the first view, light, as tall as it is."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 600}, color_scheme="light")
        page.goto(address)
        page.screenshot(path=path, full_page=True)
        browser.close()


def first_view(address: str, slowed: int) -> list[float]:
    """Return the medians of both over some cold loads, in a processor that many times slower."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        seen = []
        for _ in range(TIMES):
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowed})
            page.goto(address)
            while not page.evaluate("performance.getEntriesByName('first-contentful-paint').length"):
                page.wait_for_timeout(20)
            seen.append(page.evaluate(SEEN))
            page.context.close()
        browser.close()
    return [round(statistics.median(column)) for column in zip(*seen, strict=True)]


def main() -> None:
    contract = build(load().document)
    start = time.perf_counter()
    records, _ = choose.current(REPORTS, tape.every(), contract)
    read = time.perf_counter()
    html = as_html(contract, records, deviations.load(contract))
    made = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.html"
        path.write_text(html, encoding="utf-8")
        figures = {
            "records": len(records),
            "bytes": len(html.encode()),
            "seconds to read the records": round(read - start, 1),
            "seconds to make the page": round(made - read, 1),
            "ms until painted, until drawn": first_view(path.as_uri(), 1),
            "the same with a processor four times slower": first_view(path.as_uri(), 4),
        }
        picture(path.as_uri(), ROOT / "docs" / "page.png")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
