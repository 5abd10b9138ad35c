"""The check bytes of the vendors' frames."""


def crc8(covered: bytes) -> int:
    """Return the CRC-8 of Viatom's and Lepu's frames: polynomial 0x07, from 0, not reflected."""
    crc = 0
    for byte in covered:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ (0x07 if crc & 0x80 else 0)) & 0xFF
    return crc


def crc8_maxim(covered: bytes) -> int:
    """Return the CRC-8/MAXIM of a PC-60FW's frames: polynomial 0x31 reflected, from 0."""
    crc = 0
    for byte in covered:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc


def sum7(covered: bytes) -> int:
    """Return the lowest seven bits of the sum: Contec's. No byte's highest bit changes it."""
    return sum(covered) & 0x7F
