"""Times one read of ten registers over several ways to the same PLC, the ways taking turns."""

import socket
import statistics
import struct
import sys
import time

PATIENCE_S = 10.0
REQUEST = bytes([0x03, 0x00, 0x64, 0x00, 0x0A])


def connect(address):
    host, port = address.rsplit(":", 1)
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            link = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            read(link, 0)
            return link
        except (ConnectionError, OSError):
            # A tunnel may accept before its far end is there.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def read(link, transaction):
    begin = time.perf_counter_ns()
    link.sendall(struct.pack(">HHHB", transaction, 0, 1 + len(REQUEST), 1) + REQUEST)
    reply = b""
    while len(reply) < 29:
        more = link.recv(260)
        if not more:
            raise ConnectionError("closed")
        reply += more
    took = time.perf_counter_ns() - begin
    if reply[:2] != struct.pack(">H", transaction) or reply[7] != 0x03:
        raise SystemExit(f"a wrong reply: {reply.hex()}")
    return took / 1000.0


def main():
    rounds, reads = int(sys.argv[1]), int(sys.argv[2])
    ways = dict(argument.split("=", 1) for argument in sys.argv[3:])
    links = {name: connect(address) for name, address in ways.items()}
    medians = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, link in links.items():
            times = [read(link, number & 0xFFFF) for number in range(reads)]
            if turn > 0:  # the first round warms up
                medians[name].append(statistics.median(times))
    for name, values in medians.items():
        print(
            f"{name:10} p50 {statistics.median(values):7.1f} us"
            f"   (rounds {min(values):.1f} to {max(values):.1f})"
        )
    if {"interlock", "stunnel"} <= medians.keys():
        pairs = zip(medians["interlock"], medians["stunnel"])
        ratios = [ours / theirs for ours, theirs in pairs]
        print(
            f"interlock / stunnel: median {statistics.median(ratios):.2f}"
            f"   ({min(ratios):.2f} to {max(ratios):.2f}, {rounds} rounds of {reads} reads)"
        )


if __name__ == "__main__":
    main()
