"""What a site may say about its widgets: surveys, feedback, call-back, consent banner; one look, the site's own words.

All of it is told to browsers as it stands, so it is checked here: nothing in it can end a style rule or name a script.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Id = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{1,40}\Z", description="1 to 40 letters, digits, - and _")]
Language = Annotated[str, msgspec.Meta(pattern=r"\A[a-z]{2,3}\Z", examples=["de"])]
Plain = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Text = Plain | Annotated[dict[Language, Plain], msgspec.Meta(min_length=1, max_length=50)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    pass


class Option(_Part, frozen=True, kw_only=True):
    """One of several answers: `id` is stored, `text` is read."""

    id: Id
    text: Text


class Question(_Part, frozen=True, kw_only=True):
    """A site's own question. Its answer is the property `answer_ID`.

    many         choice: any number of the options
    least, most  scale: first and last number
    """

    id: Id
    type: Literal["choice", "text", "scale"]
    text: Text
    options: Annotated[tuple[Option, ...], msgspec.Meta(max_length=20)] = ()
    many: bool = False
    least: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    most: Annotated[int, msgspec.Meta(ge=2, le=10)] = 5

    def __post_init__(self) -> None:
        if (self.type == "choice") != bool(self.options):
            raise ValueError(f"question {self.id}: options are for a choice, and a choice needs them")


class Survey(_Part, frozen=True, kw_only=True):
    """Asked by `jt("survey", id)`; with `after` or `on` also by itself.

    question  instead of the kind's own; the title of a custom survey
    comment   an open question after the score
    after     seconds on the page, or after the event
    on        name of an event
    share     of the visitors, always the same ones
    days      not by itself again within so many
    """

    id: Id
    kind: Literal["nps", "csat", "custom"]
    question: Text | None = None
    questions: Annotated[tuple[Question, ...], msgspec.Meta(max_length=10)] = ()
    comment: bool = True
    after: Annotated[int, msgspec.Meta(ge=0, le=3600)] | None = None
    on: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    share: Share = 1.0
    days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 90

    def __post_init__(self) -> None:
        if self.kind == "custom" and not (self.question and self.questions):
            raise ValueError(f"survey {self.id}: a custom survey needs a question as its title, and questions")
        if self.kind != "custom" and self.questions:
            raise ValueError(f"survey {self.id}: questions are for a custom survey")
        _unique("question", [question.id for question in self.questions])


class Feedback(_Part, frozen=True, kw_only=True):
    """The feedback form. Without `topics` it asks for idea, problem, praise or other."""

    topics: Annotated[tuple[Option, ...], msgspec.Meta(max_length=20)] = ()
    rating: bool = False
    email: bool = False


class Callback(_Part, frozen=True, kw_only=True):
    """The call-back request. `slots` are times of a day in `timezone`; without them it is "as soon as possible"."""

    slots: Annotated[
        tuple[
            Annotated[
                str,
                msgspec.Meta(pattern=r"\A([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d\Z", examples=["09:00-12:00"]),
            ],
            ...,
        ],
        msgspec.Meta(max_length=12),
    ] = ()
    days: Annotated[int, msgspec.Meta(ge=1, le=14)] = 5
    weekends: bool = False
    timezone: Annotated[
        str, msgspec.Meta(max_length=64, pattern=r"\A[A-Za-z]+([/_+-][A-Za-z0-9]+)*\Z", examples=["Europe/Berlin"])
    ] = "UTC"


class Banner(_Part, frozen=True, kw_only=True):
    """The consent banner. `days` is how long a choice is remembered: six months at least, thirteen at most."""

    ads: bool = True
    policy: (
        Annotated[str, msgspec.Meta(max_length=500, pattern=r"\A(https?://|/)[^\s\"<>]*\Z", examples=["/privacy"])]
        | None
    ) = None
    days: Annotated[int, msgspec.Meta(ge=180, le=395)] = 180


class Look(_Part, frozen=True, kw_only=True):
    """One look for all widgets. `start` and `end` are left and right, in Arabic right and left."""

    colour: Annotated[str, msgspec.Meta(pattern=r"\A#[0-9a-fA-F]{6}\Z", examples=["#1f5fd0"])] = "#1f5fd0"
    radius: Annotated[int, msgspec.Meta(ge=0, le=32)] = 12
    font: Annotated[
        str, msgspec.Meta(max_length=200, pattern=r"\A[A-Za-z0-9 ,_'-]+\Z", examples=["system-ui, sans-serif"])
    ] = "system-ui,sans-serif"
    position: Literal["start", "end"] = "end"
    scheme: Literal["auto", "light", "dark"] = "auto"


Texts = dict[
    Annotated[str, msgspec.Meta(pattern=r"\A([a-z]{2,3}|\*)\Z")],
    dict[Annotated[str, msgspec.Meta(pattern=r"\A(survey|feedback|callback|banner|optout)\.[a-z]+\Z")], Plain],
]


def check_surveys(surveys: tuple[Survey, ...]) -> None:
    """Raises ValueError when two have the same id."""
    _unique("survey", [survey.id for survey in surveys])


def _unique(what: str, ids: list[str]) -> None:
    for name in ids:
        if ids.count(name) > 1:
            raise ValueError(f"{what} {name} is there twice")
