"""Laws of templates, stylesheets and scripts."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines
from django.test import Client

from tests.workspace.stage import Browser, Known
from tests.worlds import Shop
from wasl.workspace import assets
from wasl.workspace.assets import OWN

ROOMS = Path(settings.PACKAGE)
TEMPLATES = sorted(p for p in ROOMS.glob("*/templates/**/*") if p.is_file())
PAGES = [p for p in TEMPLATES if p.suffix == ".html"]
SHEETS = sorted(OWN.rglob("*.css"))
SCRIPTS = sorted(OWN.rglob("*.js"))

PHYSICAL = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border|inset|scroll-margin|scroll-padding)-(?:left|right|top|bottom)"
    r"(?:-\w+)*|border-(?:top|bottom)-(?:left|right)-radius|left|right|top|bottom|width|height|(?:min|max)-width"
    r"|(?:min|max)-height)\s*:|(?:text-align|float|clear)\s*:\s*(?:left|right)",
)


def _ids(paths: list[Path]) -> list[str]:
    return [p.relative_to(ROOMS).as_posix() for p in paths]


@pytest.mark.parametrize("sheet", SHEETS, ids=_ids(SHEETS))
def test_stylesheets_know_no_left_and_right(sheet: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
    text = re.sub(r"@media[^{]*", "", text)
    assert not PHYSICAL.findall(text)
    assert "url(" not in text
    assert "@import" not in text
    assert "http" not in text


@pytest.mark.parametrize("sheet", [s for s in SHEETS if s.name != "tokens.css"], ids=lambda s: s.name)
def test_colours_are_only_in_the_tokens(sheet: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
    allowed = {"#1d2327", "#ebe9e4", "#f6f4ef", "#8ad3e1", "#0b6075"}  # the toast, which is the other theme
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", text)) <= allowed


@pytest.mark.parametrize("page", PAGES, ids=_ids(PAGES))
def test_templates_hold_no_style_and_no_script(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"<style", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert "javascript:" not in text
    for tag in re.findall(r"<[a-z][^>]*\shx-select=[^>]*>", text):
        assert re.search(r'hx-disinherit="[^"]*hx-select', tag), "what is inside would inherit it"
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in script, script


@pytest.mark.parametrize("path", TEMPLATES + SCRIPTS, ids=_ids(TEMPLATES + SCRIPTS))
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", text), "an address of another site"


@pytest.mark.parametrize("path", SCRIPTS, ids=_ids(SCRIPTS))
def test_scripts_import_only_their_neighbours_and_run_no_text(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"(?:from|import)\s+\"([^\"]+)\"", text):
        assert (path.parent / target).is_file(), target
    assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", text)


@pytest.mark.parametrize("path", [*PAGES, *SHEETS, *SCRIPTS], ids=_ids([*PAGES, *SHEETS, *SCRIPTS]))
def test_no_file_is_two_ideas_long(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("page", PAGES, ids=_ids(PAGES))
def test_every_template_compiles_and_every_icon_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    engines["jinja2"].env.parse(text)  # type: ignore[attr-defined]
    known = set(re.findall(r'id="i-([a-z]+)"', (OWN / "icons" / "icons.svg").read_text("utf-8")))
    assert set(re.findall(r'm\.icon\("([a-z]+)"', text)) <= known


def test_icons_named_in_code_exist() -> None:
    known = set(re.findall(r'id="i-([a-z]+)"', (OWN / "icons" / "icons.svg").read_text("utf-8")))
    from wasl.channels.registry import channels
    from wasl.workspace.shapes import events

    assert {*(channel.icon for channel in channels().values()), *events.ICONS.values()} <= known


def test_every_interface_text_is_translatable() -> None:
    """Words between tags that are not a macro's, a mark or a name stand in `_()`."""
    loose = {}
    for page in PAGES:
        if page.parts[-3:-1] and "workspace" not in page.parts:
            continue
        text = re.sub(
            r"{#.*?#}|{%.*?%}|{{.*?}}|<code.*?</code>|<kbd.*?</kbd>",
            " ",
            page.read_text("utf-8"),
            flags=re.DOTALL,
        )
        found = [
            w.strip()
            for w in re.findall(r">([^<>]*[A-Za-z]{2}[^<>]*)<", text)
            if '="' not in w and "='" not in w
        ]
        if found:
            loose[page.name] = found
    assert not loose


def test_a_whole_page_asks_only_its_own_server(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    asked = set()
    for path in (
        "/sign-in",
        "/all",
        f"/all/{known.conversation}",
        f"/customers/{known.customer}",
        "/settings",
    ):
        text = (Client() if path == "/sign-in" else client).get(path).text
        asked |= set(re.findall(r'<(?:script|link|img|iframe)[^>]*?(?:src|href)="([^"]+)"', text))
        assert not re.search(r'\ssrc="(?!/)', text)
        assert not re.search(r"<[a-z][^>]*\sstyle=", text)
    assert asked
    assert all(each.startswith("/") and not each.startswith("//") for each in asked)
    for each in asked:
        if each.startswith("/static/"):
            found = assets.find(each.removeprefix("/static/"))
            assert found, each


def test_static_files_are_kept_for_ever_under_their_fingerprint_only(db: None) -> None:
    fixed = Client().get(assets.url("css/base.css"))
    assert fixed.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert fixed.headers["Content-Type"] == "text/css; charset=utf-8"
    fixed.close()
    loose = Client().get("/static/js/main.js")
    assert loose.headers["Cache-Control"] == "no-cache"
    assert loose.headers["Content-Type"] == "text/javascript; charset=utf-8"
    loose.close()
    for name in ("../settings.py", "css/../../views/desk.py", "htmx/../jinja.py", "css", "", "css/none.css"):
        assert assets.find(name) is None, name


def test_the_viewer_of_models_stays_small() -> None:
    """It is loaded when somebody opens a model, and counts apart from the widget."""
    weight = sum(len(gzip.compress(path.read_bytes(), 9)) for path in (OWN / "js" / "view").glob("*.js"))
    assert weight <= 16_000
