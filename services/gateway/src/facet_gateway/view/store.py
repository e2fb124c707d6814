"""Prepared answers in Redis: one hash an account for everybody who sees all, one hash an account and narrower scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis

from facet_gateway.redis_access import RedisAccess
from facet_gateway.view.plan import Origin, Slot
from facet_gateway.view.sections import Answer

_PREFIX: Final = "facet:view:"
_KEPT_SECONDS: Final = 7 * 24 * 3600
_SLICE_SECONDS: Final = 600
_BASIS: Final = "basis"
_ABSENT: Final = b"-"

# ARGV: seconds to keep, field of the version, version, then field and value of every section; "" removes a section
# that the source no longer has. Newest wins.
_PUT: Final = """
local present = redis.call('HGET', KEYS[1], ARGV[2])
if present and present > ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
for i = 4, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[1], ARGV[i])
  else redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is prepared of an account: versions by origin, fragments by slot."""

    versions: Mapping[Origin, bytes]
    fragments: Mapping[Slot, bytes]


@dataclass(frozen=True, slots=True)
class StoredSlice:
    """A scope's slice of an account.

    Attributes:
        basis: versions of the shared answers at present.
        made_on: the basis on which the slice was made; None where there is no slice.
        stored: the slice.
    """

    basis: bytes
    made_on: bytes | None
    stored: Stored

    @property
    def holds(self) -> bool:
        """Whether nothing has changed since the slice was made."""
        return self.made_on == self.basis and is_complete(self.basis)


class SectionStore:
    """Reads and writes prepared answers. Every method raises RedisAway when there is no Redis.

    Args:
        origins: everything an account can have answers from.
        slots: everything an account can have sections in.
    """

    def __init__(self, redis: RedisAccess, origins: Sequence[Origin], slots: Sequence[Slot]) -> None:
        self._redis = redis
        self._origins = origins
        self._slots = slots
        self._version_fields = [_version_field(origin) for origin in origins]

    async def read(self, account: str, slots: Sequence[Slot]) -> Stored:
        """What is prepared of an account, in one round trip: all versions, and the sections asked for."""
        names = [*self._version_fields, *(_section_field(slot.origin, slot.section) for slot in slots)]
        return self._stored(await self._redis.run(lambda redis: _hmget(redis, _key(account), names)), slots)

    async def write(self, account: str, origin: Origin, names: Sequence[str], answer: Answer) -> None:
        """Stores a source's answer, unless a newer one is stored already.

        Args:
            names: all sections that the source can have.
        """
        arguments: list[str | bytes | int] = [_KEPT_SECONDS, _version_field(origin), answer.version]
        for name in names:
            arguments += [_section_field(origin, name), answer.fragments.get(name, b"")]
        await self._redis.run(lambda redis: redis.eval(_PUT, 1, _key(account), *arguments))

    async def drop(self, account: str) -> None:
        """Forgets what is prepared of an account; its slices lose their basis with it."""
        await self._redis.run(lambda redis: redis.delete(_key(account)))

    async def drop_all(self) -> None:
        """Forgets everything prepared."""

        async def sweep(redis: Redis) -> None:
            async for key in redis.scan_iter(match=f"{_PREFIX}*", count=1000):
                await redis.unlink(key)

        await self._redis.run(sweep)

    async def read_slice(self, account: str, scope: str) -> StoredSlice:
        """A scope's slice and what tells whether it still holds, in one round trip."""
        names = [_section_field(slot.origin, slot.section) for slot in self._slots]

        async def both(redis: Redis) -> list[list[bytes | None]]:
            pipeline = redis.pipeline(transaction=False)
            pipeline.hmget(_key(account), self._version_fields)
            pipeline.hmget(_key(account, scope), [_BASIS, *self._version_fields, *names])
            return await pipeline.execute()

        versions, (made_on, *values) = await self._redis.run(both)
        basis = b"|".join(version or _ABSENT for version in versions)
        return StoredSlice(basis, made_on, self._stored(values, self._slots))

    async def write_slice(
        self, account: str, scope: str, basis: bytes, answers: Mapping[Origin, Answer]
    ) -> None:
        """Stores a scope's slice, made on a basis; without answers it says that the scope sees nothing."""
        values: dict[str, bytes] = {_BASIS: basis}
        for origin, answer in answers.items():
            values[_version_field(origin)] = answer.version
            values |= {_section_field(origin, name): fragment for name, fragment in answer.fragments.items()}

        async def replace(redis: Redis) -> None:
            key = _key(account, scope)
            pipeline = redis.pipeline(transaction=True)
            pipeline.delete(key)
            pipeline.hset(key, items=[part for pair in values.items() for part in pair])
            pipeline.expire(key, _SLICE_SECONDS)
            await pipeline.execute()

        await self._redis.run(replace)

    def _stored(self, values: Sequence[bytes | None], slots: Sequence[Slot]) -> Stored:
        split = len(self._origins)
        versions = {
            origin: value for origin, value in zip(self._origins, values[:split], strict=True) if value
        }
        fragments = {slot: value for slot, value in zip(slots, values[split:], strict=True) if value}
        return Stored(versions, fragments)


async def _hmget(redis: Redis, key: str, names: Sequence[str]) -> list[bytes | None]:
    values = await redis.hmget(key, list(names))
    return [value if isinstance(value, bytes) else None for value in values]


def is_complete(basis: bytes) -> bool:
    """Whether every shared answer was prepared: only then does a change of any of them change the basis."""
    return _ABSENT not in basis.split(b"|")


def _version_field(origin: Origin) -> str:
    return f"v:{origin.cell}/{origin.service}"


def _section_field(origin: Origin, section: str) -> str:
    return f"d:{origin.cell}/{section}"


def _key(account: str, scope: str = "") -> str:
    return f"{_PREFIX}{{{account}}}" + (f":{scope}" if scope else "")
