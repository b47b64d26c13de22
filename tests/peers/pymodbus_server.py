"""A PLC on pymodbus' server, for comparison.

    pymodbus_server.py [PORT]

Unit 1 (and every other) has 1000 addresses in each of the four tables: input registers hold their
own address, discrete inputs are on at even addresses, the rest is zero. Prints
`listening HOST:PORT`, then `received HEX` for every packet, and ends with its standard input.
"""

import asyncio
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

COUNT = 1000


def say(text):
    print(text, flush=True)


def packet(sending, data):
    if not sending and data:
        say(f"received {data.hex()}")
    return data


def plant():
    zero_bits = [SimData(0, count=COUNT, values=False, datatype=DataType.BITS)]
    even = [SimData(0, values=[at % 2 == 0 for at in range(COUNT)], datatype=DataType.BITS)]
    zero = [SimData(0, count=COUNT, values=0, datatype=DataType.REGISTERS)]
    own = [SimData(0, values=list(range(COUNT)), datatype=DataType.REGISTERS)]
    return SimDevice(0, simdata=(zero_bits, even, zero, own))


async def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    server = ModbusTcpServer(plant(), address=("127.0.0.1", port), trace_packet=packet)
    await server.serve_forever(background=True)
    # The port is chosen by the system; the server keeps its listener to itself.
    host, port = server.transport.sockets[0].getsockname()
    say(f"listening {host}:{port}")
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.shutdown()


asyncio.run(main())
