"""A second opinion on HPACK blocks for the fuzzing: python3-hpack, in one process that lives as long as the hunt.

stdin:  a conversation a line, as JSON: a list of steps, each a number (the decoder's setting, acknowledged) or the hex
        of a block.
stdout: a line for each: a list with, for every block, [fields, table], both lists of [name, value] in latin1, the
        table newest first; or a text when the block was refused, which ends the list.
"""

import json
import sys

from hpack import Decoder


def pairs(fields):
    return [[bytes(name).decode("latin1"), bytes(value).decode("latin1")] for name, value in fields]


def answer(steps):
    decoder = Decoder(max_header_list_size=1 << 30)
    answers = []
    for step in steps:
        if isinstance(step, int):
            decoder.max_allowed_table_size = step
            continue
        try:
            fields = decoder.decode(bytes.fromhex(step), raw=True)
        except Exception as error:
            answers.append(f"{type(error).__name__}: {error}")
            break
        answers.append([pairs(fields), pairs(decoder.header_table.dynamic_entries)])
    return answers


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
