"""The Jinja2 environment of every page."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import get_script_prefix, reverse
from django.utils import translation
from jinja2 import Environment, StrictUndefined, select_autoescape
from markupsafe import Markup

from wasl.workspace import assets, bodies, words
from wasl.workspace import format as shown
from wasl.workspace.shapes.scenes import SOUND_TYPES


def environment(**options: Any) -> Environment:
    """Jinja2 with our functions, translations, and undefined names as errors."""
    options["autoescape"] = select_autoescape(("html", "svg"), default_for_string=True)
    options.setdefault("undefined", StrictUndefined)
    env = Environment(  # noqa: S701 - autoescape is among the options
        **options,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        translation.gettext, translation.ngettext, newstyle=True, pgettext=translation.pgettext
    )
    env.policies["ext.i18n.trimmed"] = True
    env.globals.update(
        m=_Macros(env),
        url=_url,
        asset=assets.url,
        sprite=_sprite(),
        styles=assets.STYLES,
        languages=settings.LANGUAGES,
        sandbox=settings.ENV.sandbox,
        direction=shown.direction,
        reading=bodies.reading,
        language=shown.language,
        number=shown.number,
        digits=shown.digits,
        size=shown.size,
        day=shown.day,
        moment=shown.moment,
        full=shown.full,
        time_tag=shown.time_tag,
        file_kind=shown.file_kind,
        sounds=SOUND_TYPES,
        initials=shown.initials,
        first_name=shown.first_name,
        language_name=words.language_name,
    )
    env.tests["typed"] = words.typed
    return env


class _Macros:
    """Icons, and the macros of `parts/macros.html`, as `m.empty(…)`, in every template without an import."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    @staticmethod
    @lru_cache(maxsize=1024)
    def icon(name: str, kind: str = "") -> Markup:
        """An icon of the sprite, with further classes; a page has a hundred, of a few dozen sorts."""
        classes = f"icon {kind}" if kind else "icon"
        return Markup('<svg class="{}" aria-hidden="true"><use href="#i-{}"/></svg>').format(classes, name)

    def __getattr__(self, name: str) -> Any:
        macro = getattr(self._env.get_template("parts/macros.html").module, name)
        if not self._env.auto_reload:
            setattr(self, name, macro)
        return macro


def _url(name: str, *args: Any) -> str:
    return _address(get_script_prefix(), name, args)


@lru_cache(maxsize=4096)
def _address(_prefix: str, name: str, args: tuple[Any, ...]) -> str:
    """Kept, because a page has over a hundred and most are the same on every page."""
    return reverse(name, args=args)


def _sprite() -> Markup:
    text = (Path(__file__).parent / "static" / "icons" / "icons.svg").read_text("utf-8")
    body = text[text.index(">") + 1 : text.rindex("</svg>")]
    return Markup(f'<svg hidden aria-hidden="true">{body}</svg>')  # noqa: S704 - our own file
