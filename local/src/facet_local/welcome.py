"""What is printed when the platform is ready: where it is, who can sign in, and a first call."""

from __future__ import annotations

from facet_local.home import Home
from facet_local.jsonfile import read_json
from facet_local.signins import PEOPLE

_TITLES = {
    "executive": "executive",
    "key_account_manager": "key account manager",
    "sales_rep": "sales representative of one region",
    "finance": "finance clerk",
    "service_agent": "service agent",
    "customer": "a customer's own user",
}


def text(home: Home) -> str:
    """The welcome for the platform that runs in the home, from its run.json."""
    document = read_json(home.run_file)
    gateway, group, tokens = document.get("gateway"), document.get("group_id"), document.get("tokens")
    lines = ["", f"Facet runs at {gateway}   (documentation: {gateway}/docs)", ""]
    if isinstance(tokens, dict) and tokens:
        lines += ["Sign-ins:"]
        lines += [f"  {_TITLES[role]:<36} {PEOPLE[role]}" for role in PEOPLE]
        lines += [
            "",
            f"Their tokens are in {home.run_file}. A new one:",
            f"  curl -s {gateway}/dev/issuer/token -H 'Content-Type: application/json' "
            f'-d \'{{"subject": "{PEOPLE["executive"]}"}}\'',
            "",
            "The unified view of a group with its subsidiaries:",
            f"  curl -s '{gateway}/v1/customers/{group}/unifiedView' "
            f"-H 'Authorization: Bearer {tokens['key_account_manager']}'",
        ]
    lines += ["", "Stop with Ctrl-C or `make stop`; `make status` and `make logs S=sales` show more.", ""]
    return "\n".join(lines)
