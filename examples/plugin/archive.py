#!/usr/bin/env python3
"""Makes entries of the type acme,archive: see archive.json."""

import json
import struct
import sys

MAGIC = b"ACMEARC1"
ROW = struct.Struct("<32sII")  # name, offset, size


def main():
    request = json.load(sys.stdin)
    align = request["properties"].get("align-parts", 1)
    if align < 1:
        return {"error": "align-parts is 0, and must be at least 1"}
    parts = request.get("entries", [])
    table, body, places = b"", b"", []
    start = len(MAGIC) + 4 + ROW.size * len(parts)
    for part in parts:
        name = part["name"].encode()
        if len(name) > 32:
            return {"error": f"the name '{part['name']}' has more than 32 bytes"}
        body += b"\0" * (-(start + len(body)) % align)
        offset = start + len(body)
        with open(part["path"], "rb") as file:
            data = file.read()
        table += ROW.pack(name, offset, len(data))
        body += data
        places.append({"name": part["name"], "offset": offset, "size": len(data)})
    with open(request["output"], "wb") as file:
        file.write(MAGIC + struct.pack("<I", len(parts)) + table + body)
    return {"contents": request["output"], "entries": places}


print(json.dumps(main()))
