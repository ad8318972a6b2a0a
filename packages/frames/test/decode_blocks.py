"""Decodes HPACK blocks with python3-hpack, for the tests: a second opinion on what our encoder writes.

stdin:  JSON, a list of conversations; each is a list of steps, {"tableBytes": n} (the decoder's setting, acknowledged)
        or {"block": hex}.
stdout: JSON, for every conversation the field lists of its blocks, as pairs of latin1 strings.
"""

import json
import sys

from hpack import Decoder


def decode(conversation):
    decoder = Decoder(max_header_list_size=1 << 20)
    lists = []
    for step in conversation:
        if "tableBytes" in step:
            decoder.max_allowed_table_size = step["tableBytes"]
            continue
        fields = decoder.decode(bytes.fromhex(step["block"]), raw=True)
        lists.append([[name.decode("latin1"), value.decode("latin1")] for name, value in fields])
    return lists


json.dump([decode(conversation) for conversation in json.load(sys.stdin)], sys.stdout)
