"""What to do about trouble with a source, and whether it may pass; both follow from the fault that a reason tells."""

import re

RECOVERED = "Run again when the source has recovered."

_ADDRESS = "base_url (--source, the parameter source.base_url, or the source block)"

# The first that fits; the reasons are those of `FetchError`, and of listings that do not add up. With each stands
# whether the same run may go well a while later, without anybody mending something.
_KINDS = tuple(
    (re.compile(reason), may_pass, advice)
    for reason, may_pass, advice in (
        (r"\bstatus 429\b|\bcome back in ", True, "Run again later, or lower requests_per_second."),
        (
            r"\bstatus (401|403|407)\b",
            False,
            "Check the source's key (api_key_block and api_key_in in the source block, and what goes with that) and"
            " user_agent, then run again.",
        ),
        (r"\bstatus (408|425|5\d\d)\b", True, RECOVERED),
        (
            r"\bstatus 4\d\d\b|\bredirect|expected a URL below|expected an HTTP address|\bInvalidURL\b",
            False,
            f"Check {_ADDRESS}, and the paths in its settings `rest` if it has any, then run again.",
        ),
        (r"\bcontent type: ", True, f"Check {_ADDRESS}, or run again when the source has recovered."),
        (r"\bmore than [\d,]+ bytes\b", False, "Raise max_document_bytes in the source block, then run again."),
        (r"\bno whole answer within\b", True, "Run again when the source has recovered, or raise deadline_seconds."),
        (
            r"\bSSL\b|\bcertificate\b",
            False,
            f"Check {_ADDRESS}, whether it is https or http, and the certificates that this machine trusts"
            " (SSL_CERT_FILE), then run again.",
        ),
        (r"\[Errno -\d+\]|\bgetaddrinfo\b", True, f"Check {_ADDRESS}, and the network, then run again."),
        (r"\bProxyError\b", False, "Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY, then run again."),
        (r"settings `rest`|\bcheck rest\.", False, "Check the settings `rest` in the source block, then run again."),
    )
)


def advice(reason: str, otherwise: str = RECOVERED) -> str:
    """Return what to do about a fault, as a sentence, by the reason for which something could not be fetched.

    >>> advice("pokemon/25 (more than 33,554,432 bytes)")
    'Raise max_document_bytes in the source block, then run again.'
    >>> advice("status 502")
    'Run again when the source has recovered.'
    """
    return next((advice for kind, _, advice in _KINDS if kind.search(reason)), otherwise)


def may_pass(reason: str) -> bool:
    """Tell whether a fault may be gone a while later, by the reason for which something could not be fetched.

    >>> may_pass("status 502"), may_pass("pokemon/25 (status 401)")
    (True, False)
    """
    return next((may_pass for kind, may_pass, _ in _KINDS if kind.search(reason)), True)
