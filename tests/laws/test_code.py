"""Laws about the code that need nothing but reading it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "wasl"
MODULES = sorted(p for p in SOURCE.rglob("*.py") if not re.fullmatch(r"0001_\w+\.py", p.name))
LIMIT = 400


def test_no_module_is_two_ideas() -> None:
    long = {str(p.relative_to(ROOT)): n for p in MODULES if (n := len(p.read_text().splitlines())) > LIMIT}
    assert long == {}


def test_imports_respect_the_floors() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_nobody_reacts_through_django_signals_or_save_hooks() -> None:
    found = []
    for path in MODULES:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "django.db.models.signals"
            ):
                found.append(str(path))
            if isinstance(node, ast.ClassDef):
                models = any("Model" in ast.unparse(base) for base in node.bases)
                hooks = {n.name for n in node.body if isinstance(n, ast.FunctionDef)} & {"save", "delete"}
                found += [f"{path}:{node.name}.{hook}" for hook in hooks if models]
    assert found == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(p.relative_to(ROOT))
        for p in MODULES
        if p.name not in ("__init__.py", "apps.py")
        and "migrations" not in p.parts
        and ast.get_docstring(ast.parse(p.read_text())) is None
    ]
    assert silent == []


TEXTS = [
    p
    for pattern in (
        "**/*.py",
        "**/*.html",
        "**/*.css",
        "**/*.js",
        "**/*.md",
        "**/*.sh",
        "**/*.toml",
        "**/Makefile",
    )
    for p in ROOT.glob(pattern)
    if not {".venv", ".tools", "data", "demo-data", "node_modules"} & set(p.relative_to(ROOT).parts)
]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (r"\bTODO\b|\bFIXME\b|\bXXX\b", "a promise in a comment is kept by nobody"),
        (r"/work/(main|shared)|/root/", "paths of a machine do not belong in the project"),
    ],
)
def test_what_does_not_belong_in_the_project(words: str, why: str) -> None:
    own = Path(__file__)
    found = [str(p.relative_to(ROOT)) for p in TEXTS if p != own and re.search(words, p.read_text())]
    assert found == [], why


def test_every_claimed_queue_has_a_worker() -> None:
    """A table whose rows are claimed with SKIP LOCKED is named in a module that the worker runs."""
    claimed = {
        table
        for p in MODULES
        for table in re.findall(r"FROM (\w+)(?:(?!FROM)[^\"])*?SKIP LOCKED", p.read_text())
    }
    assert {"intake_inboundqueue", "delivery_delivery", "timeline_follower"} <= claimed
    worker = "".join((SOURCE / "config" / name).read_text() for name in ("worker.py", "loops.py"))
    served = {
        "intake_awaiting": "awaiting.step",
        "intake_inboundqueue": "understand.step",
        "delivery_delivery": "Sender(",
        "delivery_attempt": "Sender(",
        "timeline_follower": "run_once(",
        "conversations_waking": "waking.step",
        "conversations_fetching": "MEDIA.step",
        "channels_mailbox": "FETCHER.step",
        "webhooks_call": "CALLER.step",
        "desk_due": "TELLER.step",
        "devices_push": "RINGER.step",
    }
    swept = {"api_idempotency"}  # old answers, forgotten by the requests that come later
    assert claimed - swept <= set(served), "a queue that nobody works on"
    assert all(call in worker for call in served.values())


TAG = re.compile(r'<[a-z]+\b(?:[^<>"]|"[^"]*")*>')


def test_what_reads_itself_again_takes_no_click_of_anybody_with_it() -> None:
    """A part's own `hx-sync` counts for the forms in it, too, unless it says so: a click made while the part is read
    again would be dropped, or pushed out of the queue by the next reading."""
    selfish = [
        f"{page.name}: {tag[:60]}"
        for page in SOURCE.rglob("*.html")
        for tag in TAG.findall(page.read_text("utf-8"))
        if "hx-sync=" in tag and ("data-live=" in tag or "every " in tag)
        if not re.search(r'hx-disinherit="[^"]*hx-sync', tag)
        and page.name != "mails.html"  # holds links only
    ]
    assert selfish == []
