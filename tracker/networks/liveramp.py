"""LiveRamp: a CSV for SFTP or S3. First `audience_key`, then the other columns in order; every cell in quotes.

A phone is the SHA-1 of the ten national digits (United States), an e-mail address the SHA-256.
"""

from __future__ import annotations

from tracker.networks.network import Column, Network

NETWORK = Network(
    name="liveramp",
    title="LiveRamp",
    file=(
        Column("audience_key", ("person.pseudonym",)),
        Column("email", ("email.e2",)),
        Column("phone_number", ("phone.p5",)),
    ),
    needs=(("email",), ("phone_number",)),
    quoted=True,
    minimum=25,
    note="no API: the file goes to files.liveramp.com by SFTP, or to S3",
)
