"""Reading of journals: other files, damaged lines and newer versions are refused, and left unchanged."""

import pickle

import numpy as np
import pytest

from skhpt.journal import open_journal
from skhpt.journal.records import MAGIC
from tests.journal.examples import CODEC, HEADER, append_lines, as_format_1, candidates, write


def check_refused(path, data, match):
    path.write_bytes(data)
    with pytest.raises(ValueError, match=match) as caught:
        open_journal(path, HEADER, CODEC)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == data


def test_a_newer_format_says_which_version_it_needs(path):
    data = write(path)
    data = b'{"journal": "skhpt", "format": 3, "skhpt": "7.8.9", "anything": 1}\n' + data.split(b"\n", 1)[1]
    check_refused(path, data, r"line 1: its format is 3, which needs skhpt 7\.8\.9 or newer")


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps({"a": np.arange(1000)}),
        b"a,b,c\n1,2,3\n",
        b"a,b,c",
        b"\n",
        b'{"journal": "another"}\n',
        b'{"journal": "another"',
        b"[]\n",
        b"\xef\xbb\xbf" + MAGIC,
        b"\x89PNG\r\n\x1a\n\0\0\0",
        b"x" + b"\0" * 100,
        b" " + MAGIC,
    ],
    ids=lambda data: repr(data[:20]),
)
def test_files_of_other_kinds_are_refused(path, data):
    check_refused(path, data, "is not a journal of skhpt")


@pytest.mark.parametrize(
    "line",
    [
        MAGIC + b"1}",
        MAGIC + b"true}",
        MAGIC + b"1e999}",
        MAGIC + b"1" * 5000 + b"}",
        MAGIC + b"[" * 100_000,
        MAGIC + b'1, "parts": {"a": 1}, "facts": {}, "time": 1, "n_known": 0}',
        MAGIC + b'1, "parts": {}, "facts": [], "time": 1, "n_known": 0}',
        MAGIC + b'1, "parts": {}, "facts": {}, "time": 1, "n_known": -1}',
        MAGIC + b'1, "parts": {}, "facts": {}, "time": 1e300, "n_known": 0}',
        MAGIC + b'1, "parts": {}, "facts": {"n_splits": 1e9}, "time": 1, "n_known": 0}',
        MAGIC + b'1, "parts": {}, "facts": {"n_splits": 1000000000}, "time": 1, "n_known": 0}',
        MAGIC + b'1, "parts": {}, "facts": {"space": 5}, "time": 1, "n_known": 0}',
        MAGIC + b'1, "parts": {}, "facts": {"space": [{"dict": {"C": 5}}]}, "time": 1, "n_known": 0}',
        MAGIC + b'1, "parts": {}, "facts": {"own": []}, "time": 1, "n_known": 0}',
        MAGIC + b'1, "parts": {}, "facts": {"error_score": 1%b}, "time": 1, "n_known": 0}' % (b"0" * 400),
        MAGIC + b'1, "parts": {}, "facts": {}, "time": 1, "n_known": 0, "crc": "00000000"}',
        MAGIC + b'2, "parts": {}, "facts": {}, "time": 1, "n_known": 0}',
        MAGIC + b'2, "parts": {}, "facts": {}, "time": 1, "n_known": 0, "id": "a", "crc": "00000000"}',
    ],
    ids=lambda line: line[len(MAGIC) :][:60].decode(),
)
def test_invalid_headers_are_refused(path, line):
    check_refused(path, line + b"\n", "line 1: ")


SCORED = '{"scored": 0, "split": 0, "test": 0.5}'
POINT = '"point": {"params": {"C": 0.5, "kernel": {"choice": 1}}}'
#: Rest of the position of a candidate in a plan.
RUNG = '"bracket": 0, "candidate_id": 0, "n_folds": 1'


@pytest.mark.parametrize(
    "line",
    [
        "null",
        "[]",
        "{}",
        '{"other": 1}',
        '{"scored": 0',
        "[" * 100_000,
        '{"event": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"event": "x", "time": 1, "facts": {"x": ' + "[" * 5000 + "]" * 5000 + "}}",
        '{"event": "x", "time": "now", "facts": {}}',
        '{"event": 1, "time": 1, "facts": {}}',
        '{"event": "x", "time": 1, "facts": 1}',
        '{"event": "begun", "time": 1, "facts": {"n_planned": "many"}}',
        '{"event": "begun", "time": 1, "facts": {"n_planned": -1}}',
        '{"event": "begun", "time": 1, "facts": {"plan": 5}}',
        '{"event": "begun", "time": 1, "facts": {"plan": [[0, 0, 1]]}}',
        '{"event": "begun", "time": 1, "facts": {"plan": [[0, 0, 1, 0, 1]]}}',
        '{"event": "begun", "time": 1, "facts": {"plan": [["a", 0, 1, 1, 1]]}}',
        '{"scored": ' + "9" * 5000 + ', "split": 0}',
        '{"scored": 7, "split": 0, "test": 1.0}',
        '{"scored": -1, "split": 0, "test": 1.0}',
        '{"scored": true, "split": 0, "test": 1.0}',
        '{"scored": 0, "split": 3, "test": 1.0}',
        '{"scored": 0, "split": -1, "test": 1.0}',
        '{"scored": 0, "test": 1.0}',
        '{"scored": 0, "split": 0, "test": "1.0"}',
        '{"scored": 0, "split": 0, "test": NaN}',
        '{"scored": 0, "split": 0, "test": 1e999}',
        '{"scored": 0, "split": 0, "test": {"dict": {"a": null}}}',
        '{"scored": 0, "split": 0, "train": [1]}',
        '{"scored": 0, "split": 0, "test": 1.0, "fit_time": null}',
        '{"scored": 0, "split": 0, "test": 1.0, "state": "great"}',
        '{"scored": 0, "split": 0, "test": 1.0, "state": []}',
        '{"scored": 0, "split": 0, "test": 1.0, "error": 5}',
        '{"scored": 0, "split": 0, "test": 1.0, "converged": 1}',
        '{"scored": 0, "split": 0, "test": 1.0, "resumed_from": "x"}',
        '{"scored": 0, "split": 0, "test": 1.0, "surprise": 1}',
        '{"scored": 0, "split": 0, "test": {"dict": {}}}',
        '{"scored": 0, "split": 0, "test": 1' + "0" * 400 + "}",
        '{"scored": 0, "split": 0, "test": 1.0, "started": -1}',
        '{"scored": 0, "split": 0, "test": 1.0, "ended": {"float": "nan"}}',
        '{"scored": 0, "split": 0, "test": 1.0, "fit_time": 1.0, "score_time": 1.0, "started": 1.0, '
        '"ended": 999999999999.0, "worker": "1"}',
        '{"asked": 1}',
        '{"asked": [1]}',
        '{"asked": [], "more": 1}',
        '{"asked": [{"id": 1}]}',
        '{"asked": [{"id": 0, POINT}]}',
        '{"asked": [{"id": 2, POINT}]}',
        '{"asked": [{"id": 1.0, POINT}]}',
        '{"asked": [{"id": 1, POINT, "note": []}]}',
        '{"asked": [{"id": 1, POINT, "note": {"rung": "first", "n_resources": 1, RUNG}}]}',
        '{"asked": [{"id": 1, POINT, "note": {"rung": 0, "n_resources": null, RUNG}}]}',
        '{"asked": [{"id": 1, POINT, "lane": "x"}]}',
        '{"asked": [{"id": 1, POINT, "parent": 1}]}',
        '{"asked": [{"id": 1, POINT, "resource": "all"}]}',
        '{"asked": [{"id": 1, POINT, "settled": {}}]}',
        '{"asked": [{"id": 1, POINT, "settled": [{"split": 3}]}]}',
        '{"asked": [{"id": 1, "point": []}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": 0.5}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": 0.5, "kernel": "rbf"}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": 0.5, "kernel": {"choice": 2}}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": 0.5, "kernel": {"choice": -1}}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": 0.5, "kernel": {"choice": true}}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": 0.5, "kernel": {"choice": 1, "x": 1}}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": "0.5", "kernel": {"choice": 1}}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": {"choice": 0}, "kernel": {"choice": 1}}}}]}',
        '{"asked": [{"id": 1, "point": {"branch": 1, "params": {"C": 0.5, "kernel": {"choice": 1}}}}]}',
        '{"finished": 1, "n_folds": 1}',
        '{"finished": 0, "n_folds": 3}',
        '{"finished": 0}',
        '{"scored": 0, "split": 0, "test": 1.0}\0',
        "\udcff",
    ],
    ids=lambda line: line[:80],
)
def test_invalid_lines_are_refused_with_their_number(path, line):
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked(candidates(1))
    data, line = path.read_bytes(), line.replace("POINT", POINT).replace("RUNG", RUNG)
    lines = line.encode("utf-8", "surrogateescape") + b"\n" + SCORED.encode() + b"\n"
    check_refused(path, as_format_1(data) + lines, "line 3: ")
    if line.endswith("}"):  # with checksums, which other lines cannot have
        path.write_bytes(data)
        append_lines(path, [line, SCORED])
        check_refused(path, path.read_bytes(), "line 3: ")
