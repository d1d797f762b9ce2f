"""Units of published figures, as factors to base units."""

from __future__ import annotations

from itertools import product

BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
BYTES_PER_SECOND = {f"{unit}/s": factor for unit, factor in BYTES.items()} | {"TB/s": 10**12}
HERTZ = {"Hz": 1, "kHz": 10**3, "MHz": 10**6, "GHz": 10**9}
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
JOULES = {"J": 1.0, "mJ": 1e-3, "uJ": 1e-6, "nJ": 1e-9, "pJ": 1e-12, "fJ": 1e-15}
JOULES_PER_BYTE = {f"{joule}/{byte}": factor / BYTES[byte] for (joule, factor), byte in product(JOULES.items(), BYTES)}
JOULES_PER_MAC = {f"{joule}/MAC": factor for joule, factor in JOULES.items()}
MACS_PER_CYCLE = {"MAC/cycle": 1}
MACS_PER_SECOND = {"MAC/s": 1, "MMAC/s": 10**6, "GMAC/s": 10**9, "TMAC/s": 10**12}
CHANNELS = {"channels": 1}
ROWS = {"rows": 1}
