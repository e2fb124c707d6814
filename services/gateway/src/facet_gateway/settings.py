"""Settings of the gateway beside those that all services share."""

from __future__ import annotations

from pydantic import BaseModel, Field

from facet_kit.settings import KitSettings


class OidcIssuer(BaseModel):
    """An OpenID Connect issuer whose access tokens are accepted."""

    url: str = Field(description="The issuer's name, exactly as in its tokens' iss")
    audience: str = Field(default="facet", description="Must be among the token's aud")
    subject_claim: str = Field(
        default="sub", description="Claim that names the person in the directory: sub or email"
    )


class GatewaySettings(KitSettings):
    """Settings of one gateway process."""

    http_port: int = Field(default=8080, description="Port of the HTTP edge, also of /livez and /readyz")
    grpc_port: int = Field(
        default=0, description="Port of the gateway's own gRPC server, on loopback; 0 for any free one"
    )
    public_url: str = Field(
        default="", description="Where clients reach the gateway; empty for http://<host>:<http_port>"
    )
    upstreams: dict[str, dict[str, str]] = Field(
        description='Services by cell as JSON, {"default": {"sales": "host:port", …}}; the first takes commands'
    )
    principal_key: str = Field(description="Private key (Ed25519, JWK as JSON) that signs principals")
    oidc_issuers: list[OidcIssuer] = Field(
        default=[], description='Trusted issuers as JSON, [{"url": …, "audience": …, "subject_claim": …}]'
    )
    dev_issuer: bool = Field(
        default=False,
        description="Offers /dev/issuer, which gives anybody a token for anyone: one machine and tests only",
    )
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024, description="Largest request body")
    max_body_depth: int = Field(default=64, ge=8, description="Deepest nesting of a request body")
    rate_limit: int = Field(default=2000, ge=1, description="Requests of one principal in a window")
    rate_window_seconds: int = Field(
        default=10, ge=1, description="Length of the sliding window of the rate limit"
    )
    daily_quota: int = Field(default=1_000_000, ge=1, description="Requests of one principal in a day (UTC)")
    cors_origins: list[str] = Field(
        default=[], description="Origins whose pages may call the API, as JSON; none by default"
    )
    view_deadline_seconds: float = Field(
        default=1.0, gt=0, description="Time that an owner has for its sections of a view"
    )
    health_interval_seconds: float = Field(
        default=0.5, gt=0, description="Pause between two looks at a service's health"
    )
    upstream_concurrency: int = Field(
        default=256, ge=1, description="Calls in flight to one service; more are refused"
    )
