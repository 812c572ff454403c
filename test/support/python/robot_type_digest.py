"""The digest of a robot type's document, from the text of a file, by docs/data.md alone.

sha256 of the document as canonical JSON (RFC 8785): keys sorted, no white space, numbers as ECMAScript prints them.
"""

import hashlib
import json
import sys


def canonical(value):
    if isinstance(value, dict):
        # RFC 8785 sorts by UTF-16 code units; the keys of these documents are ASCII.
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


with open(sys.argv[1], encoding="utf-8") as file:
    text = canonical(json.load(file))
print(json.dumps(hashlib.sha256(text.encode("utf-8")).hexdigest()))
