"""How the files of one message are shown: 3D models with their pictures, a set of pictures, and the rest. Pure.

The first picture sent along with a model is its poster, the second that of the second model. A USDZ beside a glTF is
the same model for Apple's viewer: the one of the same name, or else the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from wasl.kit.scenes import DRAWN, MODELS, USDZ

F = TypeVar("F")
"""A file of a message or a draft: it has a `filename` and a `content_type`."""


@dataclass(frozen=True, slots=True)
class Model(Generic[F]):
    """A model: what our viewer draws, what Apple's opens, and the picture that stands for it."""

    drawn: F | None
    apple: F | None
    poster: F | None

    @property
    def file(self) -> F:
        """The one to keep."""
        found = self.drawn or self.apple
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Arranged(Generic[F]):
    """Models, pictures (several of them are one set) and other files, each in the order they were sent."""

    models: Sequence[Model[F]]
    pictures: Sequence[F]
    files: Sequence[F]


def arrange(files: Sequence[F], pictures: frozenset[str]) -> Arranged[F]:
    """The files of a message; `pictures` are the content types that a page shows in their place."""
    apple = [each for each in files if _type(each) == USDZ]
    shown = [each for each in files if _type(each) in pictures]
    drawn = [each for each in files if _type(each) in DRAWN]
    models = [Model(each, _twin(each, apple), shown.pop(0) if shown else None) for each in drawn]
    models += [Model(None, each, shown.pop(0) if shown else None) for each in apple]
    rest = [each for each in files if _type(each) not in MODELS | pictures]
    return Arranged(models, shown, rest)


def _twin(drawn: F, apple: list[F]) -> F | None:
    """Taken out of what is left for Apple's viewer."""
    if not apple:
        return None
    same = (at for at, each in enumerate(apple) if _stem(each) == _stem(drawn))
    return apple.pop(next(same, 0))


def _stem(file: Any) -> str:
    return str(file.filename).rpartition(".")[0].casefold()


def _type(file: Any) -> str:
    return str(file.content_type)
