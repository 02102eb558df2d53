"""AWS's refusals: which right was lacking."""

import re

from botocore.exceptions import ClientError

from flows.deploy.iam import Account, policy

# Services have names of their own for the same refusal.
_CODES = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}


def lacking_right(error: Exception) -> str | None:
    """Return the right that whoever asked lacks, such as `iam:GetRole`; None if the request failed in another way."""
    if not isinstance(error, ClientError) or error.response.get("Error", {}).get("Code") not in _CODES:
        return None
    if told := re.search(r"to perform: ([\w-]+:\w+)", str(error)):
        return told[1]
    # Not every service says it. The right to an operation is called as the operation is.
    rights = {right for statement in policy("setup", Account("", "", ""))["Statement"] for right in statement["Action"]}
    return next((right for right in sorted(rights) if right.endswith(f":{error.operation_name}")), error.operation_name)
