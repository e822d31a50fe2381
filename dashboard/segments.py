"""The RFM segments of the API in words, and what to do about each. Pure."""

from __future__ import annotations

from dashboard import formats

ADVICE = {
    "champions": "Thank them: first look at what is new, and ask for a review.",
    "loyal": "Offer more of what they like, and a reason to come back sooner.",
    "potential_loyalists": "Suggest what goes with the last purchase; a third one makes a habit.",
    "new_customers": "Welcome them, and help with the first purchase before selling the second.",
    "promising": "Stay in mind: show what others bought next.",
    "need_attention": "Remind them with something for a short time, about what they looked at.",
    "about_to_sleep": "Bring back the best sellers now; a month later it costs more.",
    "cannot_lose": "Your best, and they are leaving: write in person, ask what went wrong.",
    "at_risk": "Win them back with a good offer, before they have forgotten you.",
    "hibernating": "A light reminder with what is new; do not spend much.",
    "lost": "Leave them out of paid campaigns, or try one last cheap offer.",
}


def title(segment: str) -> str:
    """`cannot_lose` -> `Cannot lose`."""
    return formats.event_title(segment)


def advice(segment: str) -> str:
    """One sentence of what to do; nothing for a segment that is not known here."""
    return ADVICE.get(segment, formats.NONE)
