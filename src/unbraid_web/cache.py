"""The shared cache; while Redis is unreachable, each process counts separately, and nobody is kept out."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
AGAIN_SECONDS = 10  # so long Redis is not asked again
PATIENCE = {"socket_connect_timeout": 1, "socket_timeout": 1}


def or_memory(name: str) -> Callable[..., Any]:
    """Return the method of that name, which falls back to the process's own memory if Redis does not answer."""

    def method(self: "RedisOrMemory", *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= self.away_until:
            try:
                return getattr(RedisCache, name)(self, *args, **kwargs)
            except RedisError as error:
                self.away_until = time.monotonic() + AGAIN_SECONDS
                logger.warning("the cache is away, limits are counted in each process: %s", error)
        return getattr(self.memory, name)(*args, **kwargs)

    return method


class RedisOrMemory(RedisCache):
    """A cache that never fails."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params | {"OPTIONS": PATIENCE | params.get("OPTIONS", {})})
        self.memory, self.away_until = LocMemCache("while-redis-is-away", params), 0.0

    add = or_memory("add")
    get = or_memory("get")
    set = or_memory("set")
    touch = or_memory("touch")
    delete = or_memory("delete")
    get_many = or_memory("get_many")
    has_key = or_memory("has_key")
    incr = or_memory("incr")
    set_many = or_memory("set_many")
    delete_many = or_memory("delete_many")
    clear = or_memory("clear")
