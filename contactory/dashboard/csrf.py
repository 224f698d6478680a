"""What the forms of our pages carry, so that no other site's pass for them: a secret, as each page writes it.

Each page writes it another way. Pages are compressed, and from how well that goes one who can make a browser
ask for many of them, and sees how long the answers are, could learn what stands in all of them (BREACH).
"""

import base64
import binascii
import secrets


def masked(secret: str) -> str:
    """The secret as a page may carry it: random bytes, and the secret xor these."""
    plain = secret.encode()
    mask = secrets.token_bytes(len(plain))
    return base64.urlsafe_b64encode(mask + _xor(plain, mask)).decode()


def carries(sent: str, secret: str) -> bool:
    """Whether what was sent is the secret, masked or as it is."""
    known = secret.encode()
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
