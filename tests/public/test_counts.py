"""What takes long to count is kept, and counted once for all who ask."""

import asyncio

from contactory.base.caches import Costly


def test_what_is_costly_to_count_is_kept_and_what_is_cheap_is_not() -> None:
    async def play() -> list[int]:
        counts: Costly[str] = Costly(10)
        begun = 0

        async def count(seconds: float) -> int:
            nonlocal begun
            begun += 1
            await asyncio.sleep(seconds)
            return begun

        slow = await asyncio.gather(*(counts.get("slow", lambda: count(0.05)) for _ in range(5)))
        later = await counts.get("slow", lambda: count(0.05))
        quick = await counts.get("quick", lambda: count(0))
        await asyncio.sleep(0.05)
        return [*slow, later, quick, await counts.get("quick", lambda: count(0))]

    assert asyncio.run(play()) == [1, 1, 1, 1, 1, 1, 2, 3]
