"""Bring the catalogues up to the sources (`make texts`): new texts in, gone ones out, translations kept.

Entries stand in the order of the sources, under the names of the files that use them: no line numbers, no dates and
no wrapping, so that a change of a text is a change of its own lines only. Ends with what is left to translate.
"""

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_from_file
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "src" / "wasl" / "locale"
SOURCES = ROOT / "src" / "wasl"
BORROWED = ROOT / "scripts" / "borrowed.py"
# What is marked only to be found here, and translated where it is shown.
KEYWORDS = {**DEFAULT_KEYWORDS, "gettext_noop": None}
# The Arabic rule is written as allauth writes it. Django searches catalogues whose rules differ one after the other,
# and ours would come last.
PLURALS = {
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5)",
    "fr": "nplurals=2; plural=(n > 1)",
    "it": "nplurals=2; plural=(n != 1)",
    "en": "nplurals=2; plural=(n != 1)",
}
HEADER = r"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Language: {language}\n"
"Plural-Forms: {plurals};\n"

"""


def extract() -> Catalog:
    """Every text of the sources, and the borrowed ones after them."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = Catalog()
    every = extract_from_dir(str(SOURCES), methods, options, KEYWORDS)
    for filename, line, message, _comments, context in every:
        found.add(message, locations=[(f"src/wasl/{filename}", line)], context=context)
    for line, message, _comments, context in extract_from_file("python", str(BORROWED)):
        found.add(message, locations=[("scripts/borrowed.py", line)], context=context)
    return found


def path(language: str) -> Path:
    """Where a language's catalogue lies."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """A language's catalogue; an empty one when there is none. Raises ValueError with the line of a mistake."""
    text = path(language).read_text("utf-8") if path(language).exists() else ""
    begun = text or HEADER.format(language=language, plurals=PLURALS[language])
    return read_po(io.StringIO(begun), locale=language, abort_invalid=True)


def render(language: str, template: Catalog) -> str:
    """The language's catalogue with exactly the texts of the template. English repeats them where it has no other."""
    catalogue = read(language)
    catalogue.update(template, no_fuzzy_matching=True)
    for message in catalogue:
        message.flags.discard("fuzzy")
        if language == "en" and message.id and not any(_forms(message.string)):
            message.string = message.id
    entries = io.BytesIO()
    write_po(entries, catalogue, width=0, omit_header=True, ignore_obsolete=True, include_lineno=False)
    head = HEADER.format(language=language, plurals=PLURALS[language])
    return head + entries.getvalue().decode("utf-8").strip("\n") + "\n"


def _forms(string: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(string) if isinstance(string, list | tuple) else (string or "",)


def main() -> None:
    """Write all four; list what has no translation yet."""
    template = extract()
    missing = []
    for language in PLURALS:
        text = render(language, template)
        path(language).parent.mkdir(parents=True, exist_ok=True)
        path(language).write_text(text, "utf-8")
        missing += [
            f"{language}: {message.id}"
            for message in read(language)
            if message.id and not all(_forms(message.string))
        ]
    if missing:
        sys.exit("Not translated yet:\n" + "\n".join(missing))


if __name__ == "__main__":
    main()
