#!/usr/bin/env python3
"""Reads a .heat file without any library, after docs/heat-format.md, and prints sums of it as JSON.

    read_heat.py FILE

`points`, `cells` and `nodes` are generators of all that a file has: other programs may import them.
"""

import json
import struct
import sys
import zlib

POINTS, CELLS, NODES = 1, 2, 3


def checked(data, crc, what):
    if zlib.crc32(data) != crc:
        raise ValueError(f"{what} is damaged")
    return data


class Heat:
    def __init__(self, path):
        self.file = open(path, "rb")
        header = self.read(0, 256)
        if header[:8] != b"\x89HEAT\r\n\x1a":
            raise ValueError("no .heat file")
        if struct.unpack_from("<H", header, 8)[0] != 1:
            raise ValueError("another version of .heat")
        checked(header[:252], struct.unpack_from("<I", header, 252)[0], "the header")
        self.length, self.points_len = struct.unpack_from("<QQ", header, 16)
        self.identity = header[32:64].hex()
        self.page_entries, self.page_nodes = struct.unpack_from("<II", header, 64)
        sections = {}
        for at in range(80, 224, 24):
            tag, required, offset, length, crc = struct.unpack_from("<4sIQII", header, at)
            if tag == bytes(4):
                break
            if required & 1 and tag not in (b"ROOT", b"META"):
                raise ValueError(f"needs section {tag}")
            sections[tag] = checked(self.read(offset, length), crc, f"section {tag}")
        self.metadata = json.loads(sections.get(b"META", b"{}"))
        self.read_root(sections[b"ROOT"])

    def read(self, offset, length):
        self.file.seek(offset)
        return self.file.read(length)

    def read_root(self, root):
        names = ["count", "without_weight", "weight_sum", "mass", "weight_min", "weight_max", "mass_min", "flags"]
        self.summary = dict(zip(names, struct.unpack_from("<QQddfffI", root, 0)))
        flags = self.summary.pop("flags")
        self.summary["bounds"] = struct.unpack_from("<4d", root, 48) if flags & 1 else None
        at = 48 + 32 + 33 * 8 + (33 * 8 if flags & 4 else 0) + (56 if flags & 2 else 0)
        (count,) = struct.unpack_from("<Q", root, at)
        at += 8
        self.streams = {}
        for _ in range(count):
            kind, depth, part, required, directories, entries = struct.unpack_from("<BBBBIQ", root, at)
            at += 16
            places = [struct.unpack_from("<QQI", root, at + 20 * i) for i in range(directories)]
            at += 20 * directories
            if part == 0 and kind in (POINTS, CELLS, NODES):
                self.streams[kind, depth] = entries, places
            elif required:
                raise ValueError(f"needs pages of kind {kind}")

    def pages(self, kind, depth):
        """The checked pages of a kind and depth."""
        entries, directories = self.streams.get((kind, depth), (0, []))
        pages = -(-entries // (self.page_nodes if kind == NODES else self.page_entries))
        for offset, first, crc in directories:
            count = min(pages, 4096)
            pages -= count
            directory = checked(self.read(offset, count * 8), crc, "a directory")
            for length, crc in struct.iter_unpack("<II", directory):
                yield checked(self.read(first, length), crc, "a page")
                first += length

    def points(self):
        """Each point as (x, y, weight); the weight is None where it is missing."""
        for page in self.pages(POINTS, 0):
            for x, y, weight, _ in entries_of(page, POINTS):
                yield x, y, weight

    def cells(self, depth):
        """Each cell of the blocks of a depth as (x, y, weight, count)."""
        for page in self.pages(CELLS, depth):
            yield from entries_of(page, CELLS)

    def nodes(self, depth):
        """Each node of a depth: points of its quarters, bits of quarters with nodes, cells."""
        for page in self.pages(NODES, depth):
            count, at = struct.unpack_from("<H", page)[0], 20
            for _ in range(count):
                numbers = []
                for _ in range(5):
                    number, shift = 0, 0
                    while True:
                        byte = page[at]
                        at += 1
                        number |= (byte & 0x7F) << shift
                        shift += 7
                        if byte < 0x80:
                            break
                    numbers.append(number)
                yield numbers[1:], numbers[0] & 15, numbers[0] >> 4


def unpack(page, at, bits):
    """128 integers of some bits each: integer i is the (i / 4)th of lane i % 4."""
    words = struct.unpack_from(f"<{4 * bits}I", page, at)
    lanes = [sum(word << 32 * i for i, word in enumerate(words[lane::4])) for lane in range(4)]
    mask = (1 << bits) - 1
    return [lanes[i % 4] >> (i // 4 * bits) & mask for i in range(128)]


def entries_of(page, kind):
    count = struct.unpack_from("<H", page)[0]
    head = 24 if kind == CELLS else 16
    at = 4 + -(-count // 128) * head
    for group in range(0, count, 128):
        x0, y0, w0, bx, by, bw, mode = struct.unpack_from("<IIIBBBB", page, 4 + group // 128 * head)
        c0, bc = struct.unpack_from("<IB", page, 4 + group // 128 * head + 16) if kind == CELLS else (1, 0)
        columns = []
        for bits in (bx, by, bw, bc):
            columns.append(unpack(page, at, bits))
            at += 16 * bits
        for x, y, w, c in list(zip(*columns))[: count - group]:
            yield x0 + x, y0 + y, weight_of(w, w0, bw, mode), c0 + c


def weight_of(number, base, bits, mode):
    """A weight as a float of 32 bits; None where it is missing."""
    if mode & 0x80 and number == (1 << bits) - 1:
        return None
    number = (number + base) & 0xFFFFFFFF
    if mode == 15:
        number = number & 0x7FFFFFFF if number >> 31 else ~number & 0xFFFFFFFF
        return None if number == 1 << 31 else struct.unpack("<f", struct.pack("<I", number))[0]
    if number >> 31:
        number -= 1 << 32
    tenths = [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6][mode & 0x0F]
    return struct.unpack("<f", struct.pack("<f", number * tenths))[0]


def main():
    heat = Heat(sys.argv[1])
    points = list(heat.points())
    cells = [cell for depth in range(27) for cell in heat.cells(depth)]
    nodes = [node for depth in range(27) for node in heat.nodes(depth)]
    weights = [weight for _, _, weight in points if weight is not None]
    print(json.dumps({
        "name": heat.metadata.get("name"),
        "identity": heat.identity,
        "points": len(points),
        "without_weight": len(points) - len(weights),
        "weight_sum": sum(weights),
        "x_sum": sum(x for x, _, _ in points),
        "y_sum": sum(y for _, y, _ in points),
        "cells": len(cells),
        "cell_weight_sum": sum(weight or 0.0 for _, _, weight, _ in cells),
        "cell_counts": sum(count for _, _, _, count in cells),
        "nodes": len(nodes),
        "node_points": sum(sum(quarters) for quarters, _, _ in nodes),
    }))


if __name__ == "__main__":
    main()
