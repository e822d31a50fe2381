"""LiveRamp: a CSV for SFTP or S3, compressed. First `audience_key`, then the other columns in order; all in quotes.

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
    compression="gzip",
    options=("delimiter", "compression"),
    minimum=25,
    note="no API: the file, compressed unless you say otherwise, goes to files.liveramp.com by SFTP, or to S3",
)
