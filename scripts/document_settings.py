"""Write the tables of settings into docs/operating.md, from the one place where settings are declared."""

from pathlib import Path

from wasl.cli.show import markdown

MANUAL = Path(__file__).resolve().parents[1] / "docs" / "operating.md"
BEGIN, END = "<!-- settings -->\n", "<!-- end of settings -->"

if __name__ == "__main__":
    before, _, rest = MANUAL.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    MANUAL.write_text(f"{before}{BEGIN}{markdown()}\n{END}{after}")
