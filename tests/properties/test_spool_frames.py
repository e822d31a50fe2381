import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from tracker.spool import record
from tracker.spool.record import Header, Trailer, contents, frame, unframe

bodies_of = st.lists(
    st.dictionaries(
        st.text(max_size=8), st.one_of(st.integers(-9, 9), st.text(max_size=40)), min_size=1, max_size=4
    ).map(lambda value: msgspec.json.encode({"q": value})),
    max_size=8,
)


def segment(bodies: list[bytes], *, sealed: bool) -> bytes:
    blob = frame(msgspec.json.encode(Header(lineage="c0", segment=7, start=100)))
    blob += b"".join(frame(body) for body in bodies)
    if sealed:
        blob += frame(msgspec.json.encode(Trailer(lineage="c0", segment=7, start=100, count=len(bodies))))
    return blob


@given(bodies_of, st.integers(min_value=0))
def test_a_torn_tail_costs_only_the_torn_record(bodies, cut):
    blob = segment(bodies, sealed=False)
    kept = contents(blob[: cut % (len(blob) + 1)])
    assert kept.bodies == bodies[: len(kept.bodies)]
    assert kept.damaged == 0
    whole = contents(blob[: kept.good_end])
    assert whole.bodies == kept.bodies


@given(bodies_of, st.integers(min_value=0), st.integers(0, 7), st.booleans())
def test_a_flipped_bit_costs_at_most_one_record_and_the_count_stays_exact(bodies, at, bit, sealed):
    blob = bytearray(segment(bodies, sealed=sealed))
    blob[at % len(blob)] ^= 1 << bit
    found = contents(bytes(blob))
    lost = [body for body in bodies if body not in found.bodies]
    assert len(lost) <= 1
    assert [body for body in found.bodies if body not in bodies] == []
    if sealed:
        assert found.header is not None
        assert found.header.start == 100
        assert len(found.bodies) + found.corrupt == len(bodies)


@given(bodies_of, st.integers(min_value=0), st.integers(0, 7))
def test_an_open_segment_with_a_flipped_bit_counts_every_record_before_the_last_good_one(bodies, at, bit):
    blob = bytearray(segment(bodies, sealed=False))
    blob[at % len(blob)] ^= 1 << bit
    found = contents(bytes(blob))
    assume(found.bodies and found.bodies[-1] == bodies[-1] and len(set(bodies)) == len(bodies))
    assert len(found.bodies) + found.damaged == len(bodies)


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(blob):
    for _, body in unframe(blob):
        assert body is None or frame(body) in blob + b"\n"


@given(bodies_of, st.binary(max_size=60).filter(lambda junk: b"\n" not in junk))
def test_junk_between_records_costs_nothing_else(bodies, junk):
    half = len(bodies) // 2
    blob = segment(bodies[:half], sealed=False) + junk + b"\n" + b"".join(frame(body) for body in bodies[half:])
    assert contents(blob).bodies == bodies


@given(bodies_of, st.lists(st.tuples(st.integers(min_value=0), st.integers(1, 255)), max_size=2), st.booleans())
def test_the_short_cut_through_a_flawless_segment_finds_what_the_long_way_finds(bodies, damage, sealed):
    blob = bytearray(segment(bodies, sealed=sealed))
    for at, mask in damage:
        blob[at % len(blob)] ^= mask
    assert contents(bytes(blob)) == record._whatever_is_there(bytes(blob))
    assert (record._undamaged(bytes(blob)) is not None) >= (sealed and not damage)
