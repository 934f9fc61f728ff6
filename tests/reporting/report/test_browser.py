"""The report's page in a browser: Debian's Chromium, headless, if it is installed."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from genetic_udfs.reporting.report.charts import Table
from genetic_udfs.reporting.report.page import page
from tests.reporting.report.figures import FIGURES, OTHER

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

# What is looked at in the page, which says it to the document around it. The page's rules let it run by its hash.
LOOK = """
const seen = {errors: [], drawn: 0, empty: 0, filtered: {}};
console.error = (...words) => seen.errors.push(words.join(" "));
addEventListener("error", (event) => seen.errors.push(String(event.message)));
addEventListener("unhandledrejection", (event) => seen.errors.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => seen.errors.push(event.violatedDirective + event.blockedURI));
addEventListener("load", () => {
  const shown = () => [...document.querySelectorAll("article")].filter((one) => one.offsetHeight > 0);
  for (const drawing of document.querySelectorAll("figure .scroll > svg")) {
    const marks = [...drawing.querySelectorAll("rect, circle")];
    seen[marks.some((one) => one.getBoundingClientRect().height > 0) ? "drawn" : "empty"] += 1;
  }
  seen.all = shown().length;
  for (const select of document.querySelectorAll("select")) {
    const counts = {};
    for (const option of select.options) {
      select.value = option.value;
      select.dispatchEvent(new Event("change", {bubbles: true}));
      counts[option.textContent] = shown().length;
    }
    seen.filtered[select.dataset.by] = counts;
    select.value = "";
    select.dispatchEvent(new Event("change", {bubbles: true}));
  }
  const closed = () => document.querySelectorAll("details:not([open])").length;
  seen.closed = [closed()];
  for (const moment of ["beforeprint", "afterprint"]) {
    dispatchEvent(new Event(moment));
    seen.closed.push(closed());
  }
  seen.status = document.getElementById("shown").textContent;
  seen.title = document.title;
  seen.width = innerWidth;
  seen.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  seen.requests = performance.getEntriesByType("resource").map((one) => one.name);
  parent.postMessage(seen, "*");
});
"""
# No window is narrower than 500 pixels; a frame is. What is said is written where --dump-dom shows it.
FRAME = """<!doctype html><body><iframe style="border: 0; width: {width}px; height: 844px" srcdoc="{page}"></iframe>
<script>addEventListener("message", (event) => document.body.dataset.seen = JSON.stringify(event.data));</script>"""


def look(folder: Path, text: str, width: int) -> dict[str, Any]:
    """Open a page in a frame of a width, and return what is seen of it."""
    digest = base64.b64encode(hashlib.sha256(LOOK.encode()).digest()).decode()
    looked = text.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    looked = looked.replace("<style>", f"<script>{LOOK}</script><style>", 1)
    file = folder / "report.html"
    file.write_text(FRAME.format(width=width, page=html.escape(looked)))
    command = [
        *(str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *(f"--user-data-dir={folder / 'profile'}", "--window-size=1400,900", "--virtual-time-budget=10000"),
        *("--dump-dom", file.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    found = re.search(r'data-seen="([^"]+)"', done.stdout)
    assert found is not None, done.stderr
    seen: dict[str, Any] = json.loads(html.unescape(found[1]))
    assert (seen["errors"], seen["requests"], seen["wide"], seen["width"]) == ([], [], 0, width)
    return seen


@pytest.mark.parametrize("width", [390, 1280])
def test_charts_are_drawn_filters_filter_and_nothing_is_asked_for(tmp_path: Path, width: int) -> None:
    seen = look(tmp_path, page([FIGURES]), width)
    assert (seen["drawn"], seen["empty"], seen["all"]) == (8, 0, 10)
    assert seen["title"] == "/data/<store> - report"
    assert seen["filtered"] == {
        "end": {"all": 10, "accepted": 4, "judged_no": 6},
        "operator": {"all": 10, "crossover": 4, "mutation": 6},
        "task": {"all": 10, "reasoning": 6},
        "generation": {"all": 10, "1": 5, "2": 5},
    }
    assert seen["status"] == "10 of 10 shown"
    assert seen["closed"] == [19, 0, 19]  # the configuration, 8 tables and the parents of 10 candidates


@pytest.mark.parametrize("width", [390, 1280])
def test_two_stores_fit_and_are_filtered_apart(tmp_path: Path, width: int) -> None:
    seen = look(tmp_path, page([FIGURES, OTHER], Table(("", "A", "B"), [("pairs", "8", "8")])), width)
    assert (seen["drawn"], seen["empty"], seen["all"]) == (16, 0, 11)
    assert seen["filtered"]["store"] == {"all": 11, "A": 10, "B": 1}
