"""Every setting that all services share, read from FACET_… variables. A service adds its own in its settings.py."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class KitSettings(BaseSettings):
    """Addresses, keys and limits of one service process. Secrets have no defaults."""

    model_config = SettingsConfigDict(env_prefix="FACET_", extra="ignore")

    database_url: str = Field(
        description="PostgreSQL of this service, postgresql+asyncpg://user:password@host:port/database"
    )
    nats_url: str = Field(description="NATS server or servers, nats://host:port, comma-separated")
    redis_url: str = Field(
        default="", description="Redis, redis://host:port/db; empty where the service uses none"
    )
    principal_jwks: str = Field(
        description="The gateway's public keys as a JWK set (JSON): signers of principals"
    )
    page_token_key: str = Field(
        description="Secret that signs page tokens; the same in every replica of a service"
    )
    role: Literal["api", "worker", "all"] = Field(
        default="all", description="api serves gRPC, worker runs relay, consumers and timers, all does both"
    )
    host: str = Field(default="127.0.0.1", description="Interface the gRPC and health servers listen on")
    grpc_port: int = Field(default=50051, description="Port of the gRPC server")
    http_port: int = Field(default=8081, description="Port of /livez and /readyz; 0 turns them off")
    deadline_seconds: float = Field(default=5.0, gt=0, description="Deadline of a call that brings none")
    drain_seconds: float = Field(default=10.0, gt=0, description="How long SIGTERM waits for calls in flight")
    database_pool_size: int = Field(default=10, ge=1, description="Connections kept to PostgreSQL")
    database_pool_overflow: int = Field(
        default=10, ge=0, description="Connections opened beyond the pool under load"
    )
    stream_replicas: int = Field(
        default=1, ge=1, le=5, description="JetStream replicas of this service's stream"
    )
    stream_max_age_days: int = Field(
        default=0, ge=0, description="Days a stream keeps its events; 0 keeps them for good"
    )
    backdating: bool = Field(
        default=False, description="Principals may set the clock of their calls; only to load history"
    )
    otlp_endpoint: str = Field(default="", description="OTLP/gRPC collector; empty exports nothing")
    trace_sample_ratio: float = Field(default=1.0, ge=0, le=1, description="Share of traces kept at the head")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Lowest level that is logged"
    )
