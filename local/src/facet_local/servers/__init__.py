"""Real servers out of wheels, on the loopback address: PostgreSQL, NATS with JetStream, Redis."""

from facet_local.servers.nats import NatsServer
from facet_local.servers.postgres import PostgresServer
from facet_local.servers.redis import RedisServer

__all__ = ["NatsServer", "PostgresServer", "RedisServer"]
