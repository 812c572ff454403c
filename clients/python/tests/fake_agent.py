"""An agent of few words, for tests: `fake_agent.py MODE STATE_FILE agent --robot=…`. The state file counts its lives."""

import json
import os
import sys
import time


def say(message):
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
    sys.stdout.buffer.flush()


def garble():
    """What no agent should write: the client passes over each of these lines."""
    out = sys.stdout.buffer
    for line in (
        b"plain text",
        b"\xff\xfe\x00\x01",
        b"[1, 2",
        b"[" * 100_000,
        b'{"error": ' + b"[" * 3_000 + b"]" * 3_000 + b', "id": 999999}',
        b"1" * 10_000,
        b"x" * (1024 * 1024 + 1),
        b"null",
        b'{"event": "dance"}',
        b'{"event": ["safeStop"]}',
        b'{"id": true, "result": 1}',
        b'{"id": 1.0, "result": 1}',
        b'{"id": [1], "result": 1}',
        b'{"id": 123456789, "result": null}',
        b'{"id": null, "error": "a line was wrong"}',
    ):
        out.write(line + b"\n")
    out.flush()


GARBLED = 15


def answer(line, mode):
    does = line["do"]
    if does == "beginEpisode":
        return "01EPISODE"
    if does == "endEpisode":
        return True
    if does == "status":
        return {"isConnected": True, "installedVersion": "1.0.0", "waitingBytes": 5, "skewMs": "late", "new": 1}
    if does == "decide":
        return {
            "noPolicy": None,
            "lies": {"version": "1.0.0", "action": ["2"], "latencyMs": 1},
            "nan": {"version": "1.0.0", "action": [float("nan")], "latencyMs": 1},
            "nested": {"version": [[[]]], "action": [2], "latencyMs": 1},
        }.get(mode, {"version": "1.0.0", "action": [2], "latencyMs": 0.25, "decodingMs": 0.125})
    return None


def main():
    mode, state = sys.argv[1:3]
    with open(state, "a", encoding="utf-8") as file:
        file.write("life\n")
    with open(state + ".started", "w", encoding="utf-8") as file:
        json.dump({"arguments": sys.argv[3:], "token": os.environ.get("FLYWHEEL_ROBOT_TOKEN")}, file)
    with open(state, encoding="utf-8") as file:
        life = len(file.readlines())
    record = open(state + ".heard", "a", buffering=1, encoding="utf-8")
    if mode == "refusesToStart" or (mode == "diesTwice" and life == 2):
        sys.stderr.write("\x1b[31mexpected a token, got none\nand " + "more" * 1000 + "\nno line end")
        sys.exit(2)
    if mode == "silent":
        time.sleep(60)
    say({"event": "ready", "version": None})
    frames = 0
    for text in sys.stdin:
        line = json.loads(text)
        record.write(text)
        does = line["do"]
        if mode == "hostile":
            garble()
        if does in ("record", "correct"):
            frames += 1
        if does == "decide" and mode == "mute":
            continue
        if does == "busy" and mode == "stuck":
            time.sleep(60)
        if does == "busy" and mode == "stops":
            say({"event": "safeStop"})
        if mode in ("dies", "diesTwice") and life == 1 and frames == 3:
            sys.stderr.write("about to fall over\n")
            sys.stderr.flush()
            os.kill(os.getpid(), 9)
        if does == "busy" and mode == "closesItsOutput":
            os.close(1)
            time.sleep(60)
        if does == "busy" and mode == "leavesAChild":
            if os.fork() == 0:
                time.sleep(5)
            os._exit(3)
        if does == "recordImage" and mode == "mute":
            continue
        if does == "recordImage" and mode == "dies" and life == 1:
            os.kill(os.getpid(), 9)
        if does == "recordImage" and line["camera"] == "unknown":
            say({"id": line["id"], "error": "expected a camera of the robot type"})
            continue
        if does in ("record", "correct") and len(line["observation"]) != 2:
            say({"id": line["id"], "error": "expected observation of 2 numbers"})
        elif does == "safetyEvent" and line["kind"] == "unexplained":
            say({"id": line["id"], "error": {"deep": [[]]}})
        else:
            say({"id": line["id"], "result": answer(line, mode)})


if __name__ == "__main__":
    main()
