"""The report's page in a browser: Debian's Chromium, headless, if it is installed."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from genetic_udfs.reporting.report.page import page
from tests.reporting.report.figures import FIGURES

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

# What is looked at in the page, written where --dump-dom shows it. The page's rules let it run by its hash.
LOOK = """
const seen = {errors: [], drawn: 0, empty: 0, filtered: {}};
addEventListener("error", (event) => seen.errors.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => seen.errors.push(event.violatedDirective + event.blockedURI));
addEventListener("load", () => {
  const shown = () => [...document.querySelectorAll("article")].filter((one) => one.offsetHeight > 0);
  for (const drawing of document.querySelectorAll("figure .scroll > svg")) {
    const bars = [...drawing.querySelectorAll("rect")].filter((one) => one.getBoundingClientRect().height > 0);
    seen[bars.length ? "drawn" : "empty"] += 1;
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
  seen.status = document.getElementById("shown").textContent;
  seen.title = document.title;
  seen.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  seen.requests = performance.getEntriesByType("resource").map((one) => one.name);
  document.body.dataset.seen = JSON.stringify(seen);
});
"""


@pytest.mark.parametrize("width", [500, 1280])
def test_charts_are_drawn_filters_filter_and_nothing_is_asked_for(tmp_path: Path, width: int) -> None:
    text = page([FIGURES])
    digest = base64.b64encode(hashlib.sha256(LOOK.encode()).digest()).decode()
    looked = text.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    looked = looked.replace("<style>", f"<script>{LOOK}</script><style>", 1)
    (tmp_path / "report.html").write_text(looked)
    command = [
        *(str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *(f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900", "--virtual-time-budget=10000"),
        *("--dump-dom", (tmp_path / "report.html").as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    found = re.search(r'data-seen="([^"]+)"', done.stdout)
    assert found is not None, done.stderr
    seen = json.loads(html.unescape(found[1]))
    assert (seen["errors"], seen["requests"], seen["wide"]) == ([], [], 0)
    assert (seen["drawn"], seen["empty"], seen["all"]) == (6, 0, 10)
    assert seen["title"] == "/data/<store> - report"
    assert seen["filtered"] == {
        "end": {"all": 10, "accepted": 4, "judged_no": 6},
        "operator": {"all": 10, "crossover": 4, "mutation": 6},
        "task": {"all": 10, "reasoning": 6},
        "generation": {"all": 10, "1": 5, "2": 5},
    }
    assert seen["status"] == "10 of 10 shown"
