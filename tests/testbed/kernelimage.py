# SPDX-License-Identifier: Apache-2.0
"""The guest's kernel without its wrapper: QEMU starts an uncompressed one directly (PVH).

Debian's vmlinuz decompresses itself, which takes an emulated processor seconds at each boot. This machine does it once.
"""

import lzma
import struct
import subprocess
from pathlib import Path

from testbed.errors import TestbedError
from testbed.filelock import locked

# Offsets of the setup header: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
_MAGIC_AT, _MAGIC = 0x202, b"HdrS"
_SETUP_SECTS_AT, _PAYLOAD_AT = 0x1F1, 0x248
_ARM_MAGIC_AT, _ARM_MAGIC = 0x38, b"ARM\x64"  # Documentation/arch/arm64/booting.rst
_SECTOR = 512
_SIZE_BYTES = 4  # behind a zstd payload, the size of what it holds
_ZSTD, _XZ, _ELF = b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"\x7fELF"


def startable(packed: Path) -> Path:
    """What QEMU starts: on x86_64 an uncompressed kernel, made on first use beside what Debian ships; on arm64 that."""
    with packed.open("rb") as file:
        head = file.read(_ARM_MAGIC_AT + len(_ARM_MAGIC))
    if head.endswith(_ARM_MAGIC):
        return packed
    target = packed.with_name(packed.name.replace("vmlinuz", "vmlinux", 1))
    with locked(target.with_name(f"{target.name}.lock")):
        if not target.exists():
            part = target.with_name(f"{target.name}.part")
            part.write_bytes(unpack(packed.read_bytes(), packed.name))
            part.rename(target)
    return target


def unpack(image: bytes, name: str) -> bytes:
    """The ELF file inside a bzImage. Raises TestbedError when the bytes are not what their header says."""
    if image[_MAGIC_AT:_MAGIC_AT + 4] != _MAGIC:
        raise TestbedError(f"{name} is not a bzImage: it lacks the mark {_MAGIC.decode()}")
    offset, length = struct.unpack_from("<II", image, _PAYLOAD_AT)
    begin = (image[_SETUP_SECTS_AT] + 1) * _SECTOR + offset
    payload = image[begin:begin + length]
    if payload.startswith(_ZSTD):
        done = subprocess.run(["zstd", "--decompress", "--stdout"], input=payload[:-_SIZE_BYTES], capture_output=True,
                              check=False, timeout=120)
        if done.returncode != 0:
            raise TestbedError(f"{name} could not be decompressed: {done.stderr.decode(errors='replace').strip()}")
        kernel = done.stdout
    elif payload.startswith(_XZ):
        kernel = lzma.LZMADecompressor().decompress(payload)
    else:
        raise TestbedError(f"{name} is compressed in a way that is not known here (it begins with {payload[:6].hex()})")
    if not kernel.startswith(_ELF):
        raise TestbedError(f"{name} holds no ELF file")
    return kernel
