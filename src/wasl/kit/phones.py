"""Telephone numbers: one spelling of each, so that one person's is recognised on every channel.

Source: ITU-T E.164; the national plans are those of Google's libphonenumber (`phonenumbers`).
"""

import re
from functools import lru_cache

_WRITTEN = re.compile(
    r"[\d\s()./+\-\u2010-\u2015\u2212\u00b7\uff0b\u200e\u200f\u202a-\u202e\u2066-\u2069]{3,40}"
)
_SCHEME = re.compile(r"^\s*(?:tel|sms|whatsapp):", re.IGNORECASE)


@lru_cache(4096)
def e164(text: str, region: str = "") -> str:
    """A number as `+` and up to fifteen digits; '' for what is none: short codes, names, extensions, other text.

    `region` (ISO 3166, two letters) says in which country a number without `+` was written down; without it such a
    number is ''. Spaces, punctuation, direction marks and any script's digits are fine, and a `tel:`, `sms:` or
    `whatsapp:` before it. It is only asked whether there can be such a number: plans change faster than their lists.
    """
    written = _SCHEME.sub("", text, count=1)
    if not _WRITTEN.fullmatch(written):
        return ""
    import phonenumbers  # 7 MB, which a process that never sees a number does not need

    try:
        number = phonenumbers.parse(written, region.upper() or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
