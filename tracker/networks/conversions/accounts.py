"""What it takes to speak to the conversions APIs, beside the accounts for audiences. Pure."""

from __future__ import annotations

from tracker.networks.accounts import ACCOUNTS, GOOGLE, Account, read_elements, read_google, read_meta, read_tiktok

CONVERSION_ACCOUNTS: dict[str, Account] = {
    "google_conversions": Account(
        ids=("CUSTOMER_ID",),
        maybe=("LOGIN_CUSTOMER_ID",),
        scope="https://www.googleapis.com/auth/datamanager",
        read=read_google,
        carries="events",
        note="ids without hyphens; the conversion action is that of each event",
        **GOOGLE,
    ),
    "meta_conversions": Account(
        auth="bearer",
        ids=("PIXEL_ID",),
        maybe=("TEST_EVENT_CODE",),
        more=("app_secret",),
        read=read_meta,
        carries="data",
        note="with `app_secret` every request carries its proof",
    ),
    "tiktok_conversions": Account(
        auth="header",
        ids=("PIXEL_CODE",),
        maybe=("TEST_EVENT_CODE",),
        headers=(("Access-Token", "access_token"),),
        read=read_tiktok,
        carries="data",
    ),
    "linkedin_conversions": Account(auth="bearer", ids=("AD_ACCOUNT_ID",), read=read_elements, carries="elements"),
}

ALL_ACCOUNTS = {**ACCOUNTS, **CONVERSION_ACCOUNTS}
"""Every account that a destination of the kind `network` can be."""
