"""The secret in the forms of our pages, which forms of other sites do not have.

Each page masks it in another way. Pages are compressed, and an attacker who makes a browser request many
pages and sees the lengths of the answers could learn a text that is the same in all of them (BREACH).
"""

import base64
import binascii
import secrets


def masked(secret: str, user_id: str = "") -> str:
    """The masked secret for a page: random bytes, and the secret XORed with them.

    In front of it is the id of the signed-in user, if there is one.
    """
    plain = secret.encode()
    mask = secrets.token_bytes(len(plain))
    shown = base64.urlsafe_b64encode(mask + _xor(plain, mask)).decode()
    return f"{user_id}.{shown}" if user_id else shown


def user_of(sent: str) -> str:
    """The id of the user whose page it was; empty if none was signed in."""
    return sent.rpartition(".")[0]


def carries(sent: str, secret: str) -> bool:
    """Whether the sent text is the secret, masked or unmasked."""
    known, sent = secret.encode(), sent.rpartition(".")[2]
    return secrets.compare_digest(sent.encode(), known) or secrets.compare_digest(_unmasked(sent), known)


def _unmasked(sent: str) -> bytes:
    try:
        both = base64.b64decode(sent.encode("ascii"), b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""
    half = len(both) // 2
    return _xor(both[:half], both[half:]) if len(both) == 2 * half else b""


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(len(one))
