"""The languages of Wasl, each with everything the others have: codes of ISO 639-1 and what each calls itself."""

from typing import Final, Literal, get_args

Code = Literal["ar", "fr", "it", "en"]
CODES: Final[tuple[Code, ...]] = get_args(Code)
LANGUAGES: Final = [("ar", "العربية"), ("fr", "Français"), ("it", "Italiano"), ("en", "English")]
"""As choices of a form and of `settings.LANGUAGES`."""
