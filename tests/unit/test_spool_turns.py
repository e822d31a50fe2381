"""What the committing thread gets at once, and who is told."""

import asyncio

from tracker.spool.disk import Disk
from tracker.spool.writer import SpoolWriter


class Counting(Disk):
    """A disk that keeps the sizes of what was appended."""

    def __init__(self) -> None:
        self.lines: list[int] = []

    def append(self, fd, data, offset):
        self.lines.append(bytes(data).count(b"\n"))
        super().append(fd, data, offset)


def writer_on(tmp_path, disk: Disk) -> SpoolWriter:
    return SpoolWriter(tmp_path, "c0", segment_age=60, disk=disk)


def test_everybody_of_one_turn_of_the_loop_shares_one_sync(tmp_path):
    disk = Counting()
    writer = writer_on(tmp_path, disk)

    async def crowd() -> None:
        await asyncio.gather(*[writer.append([b'{"n":%d}' % n, b"{}"]) for n in range(50)])
        await asyncio.gather(*[writer.append([b"{}"]) for n in range(7)])

    asyncio.run(crowd())
    writer.close()
    assert disk.lines == [100, 7]


def test_a_loop_that_ends_without_its_answer_holds_nobody_up(tmp_path):
    disk = Counting()
    writer = writer_on(tmp_path, disk)

    async def leave() -> None:
        writer.append([b'{"left":1}'])

    async def ask() -> None:
        await asyncio.wait_for(writer.append([b'{"asked":1}']), 20)

    asyncio.run(leave())
    asyncio.run(ask())
    writer.append_now([b'{"last":1}'])
    asyncio.run(leave())
    writer.close()
    assert sum(disk.lines) == 4


def test_many_arrivals_are_taken_at_once_and_never_twice(tmp_path):
    writer = writer_on(tmp_path, Disk())
    some, more = writer.arrivals(3), writer.arrivals(2)
    lone = writer.next_arrival()
    numbers = [some(), some(), some(), more(), more(), lone, writer.next_arrival()]
    writer.close()
    assert numbers == sorted(set(numbers))
    assert {number % 16 for number in numbers} == {0}
