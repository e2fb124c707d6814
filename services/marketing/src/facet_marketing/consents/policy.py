"""Whether the statements that were made allow a contact: pure (CUS-18)."""

from __future__ import annotations

from collections.abc import Collection

from facet_contracts.facet.marketing.v1.resources_pb import ConsentState, ContactPurpose, DenialReason


def refusal(purpose: ContactPurpose, statements: Collection[ConsentState]) -> DenialReason | None:
    """Why the statements about one channel and purpose forbid a contact; None when they allow it.

    `statements` are those of the account and, for a contact with a person, of that person. One withdrawal forbids it;
    marketing needs a grant besides, the other purposes do not.
    """
    if ConsentState.WITHDRAWN in statements:
        return DenialReason.CONSENT_WITHDRAWN
    if purpose is ContactPurpose.MARKETING and ConsentState.GRANTED not in statements:
        return DenialReason.NO_CONSENT
    return None
