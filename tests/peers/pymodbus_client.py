"""A client on pymodbus, for comparison.

    pymodbus_client.py HOST PORT UNIT OPERATION...

Operations and output are those of libmodbus_client.c beside it, and also:

    fifo:ADDRESS   identify:CODE:OBJECT   read-file:FILE:RECORD:WORDS   restart
"""

import sys

from pymodbus import ModbusException
from pymodbus.client import ModbusTcpClient
from pymodbus.pdu.file_message import FileRecord


def numbers(text):
    return [int(one, 0) for one in text.split(",")]


def bits(text):
    return [one != 0 for one in numbers(text)]


def operate(client, unit, operation):
    """The answer and how to take values out of it."""
    name, *parts = operation.split(":")
    at = {"device_id": unit}
    none, registers = (lambda answer: []), (lambda answer: answer.registers)
    if name in ("read-coils", "read-discrete"):
        call = client.read_coils if name == "read-coils" else client.read_discrete_inputs
        count = int(parts[1], 0)
        # The answer is padded to whole bytes.
        return call(int(parts[0], 0), count=count, **at), lambda answer: answer.bits[:count]
    if name in ("read-holding", "read-input"):
        call = client.read_holding_registers if name == "read-holding" else client.read_input_registers
        return call(int(parts[0], 0), count=int(parts[1], 0), **at), registers
    if name == "write-coil":
        return client.write_coil(int(parts[0], 0), parts[1] != "0", **at), none
    if name == "write-coils":
        return client.write_coils(int(parts[0], 0), bits(parts[1]), **at), none
    if name == "write-register":
        return client.write_register(int(parts[0], 0), int(parts[1], 0), **at), none
    if name == "write-registers":
        return client.write_registers(int(parts[0], 0), numbers(parts[1]), **at), none
    if name == "mask":
        masks = {"and_mask": int(parts[1], 0), "or_mask": int(parts[2], 0)}
        return client.mask_write_register(address=int(parts[0], 0), **masks, **at), none
    if name == "read-write":
        read = {"read_address": int(parts[0], 0), "read_count": int(parts[1], 0)}
        write = {"write_address": int(parts[2], 0), "values": numbers(parts[3])}
        return client.readwrite_registers(**read, **write, **at), registers
    if name == "fifo":
        return client.read_fifo_queue(address=int(parts[0], 0), **at), lambda answer: answer.values
    if name == "server-id":
        return client.report_device_id(**at), lambda answer: answer.identifier
    if name == "identify":
        codes = {"read_code": int(parts[0], 0), "object_id": int(parts[1], 0)}
        return client.read_device_information(**codes, **at), lambda answer: [
            value.decode().replace(" ", "-") for value in answer.information.values()
        ]
    if name == "read-file":
        file, record, words = (int(part, 0) for part in parts)
        wanted = FileRecord(file_number=file, record_number=record, record_length=2 * words)
        return client.read_file_record([wanted], **at), lambda answer: answer.records[0].record_data
    if name == "restart":
        return client.diag_restart_communication(False, **at), none
    sys.exit(f"not an operation: {name}")


def line(answer, values):
    if answer.isError():
        return f"exception {answer.exception_code}"
    return " ".join(["ok", *(str(int(v)) if isinstance(v, (bool, int)) else v for v in values(answer))])


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    host, port, unit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # One try: what is asked once is to arrive once.
    client = ModbusTcpClient(host, port=port, timeout=10, retries=0)
    if not client.connect():
        print("error not connected")
        return 1
    unanswered = 0
    for operation in sys.argv[4:]:
        try:
            print(line(*operate(client, unit, operation)), flush=True)
        except ModbusException as why:
            print(f"error {why}", flush=True)
            unanswered = 1
    client.close()
    return unanswered


if __name__ == "__main__":
    sys.exit(main())
