//! What Zeek calls the codes of Modbus, those of vendors included.

/// Zeek's name of a function code.
pub(super) fn function_name(code: u8) -> String {
    let name = match code {
        1 => "READ_COILS",
        2 => "READ_DISCRETE_INPUTS",
        3 => "READ_HOLDING_REGISTERS",
        4 => "READ_INPUT_REGISTERS",
        5 => "WRITE_SINGLE_COIL",
        6 => "WRITE_SINGLE_REGISTER",
        7 => "READ_EXCEPTION_STATUS",
        8 => "DIAGNOSTICS",
        9 => "PROGRAM_484",
        10 => "POLL_484",
        11 => "GET_COMM_EVENT_COUNTER",
        12 => "GET_COMM_EVENT_LOG",
        13 => "PROGRAM_584_984",
        14 => "POLL_584_984",
        15 => "WRITE_MULTIPLE_COILS",
        16 => "WRITE_MULTIPLE_REGISTERS",
        17 => "REPORT_SLAVE_ID",
        18 => "PROGRAM_884_U84",
        19 => "RESET_COMM_LINK_884_U84",
        20 => "READ_FILE_RECORD",
        21 => "WRITE_FILE_RECORD",
        22 => "MASK_WRITE_REGISTER",
        23 => "READ_WRITE_MULTIPLE_REGISTERS",
        24 => "READ_FIFO_QUEUE",
        40 => "PROGRAM_CONCEPT",
        41 => "MULTIPLE_FUNCTION_CODES",
        43 => "ENCAP_INTERFACE_TRANSPORT",
        90 => "PROGRAM_UNITY",
        91 => "OBJECT_MESSAGING",
        125 => "FIRMWARE_REPLACEMENT",
        126 => "PROGRAM_584_984_2",
        127 => "REPORT_LOCAL_ADDRESS",
        _ => return format!("unknown-{code}"),
    };
    name.to_owned()
}

/// Zeek's name of an exception code.
pub(super) fn exception_name(code: u8) -> String {
    let name = match code {
        1 => "ILLEGAL_FUNCTION",
        2 => "ILLEGAL_DATA_ADDRESS",
        3 => "ILLEGAL_DATA_VALUE",
        4 => "SLAVE_DEVICE_FAILURE",
        5 => "ACKNOWLEDGE",
        6 => "SLAVE_DEVICE_BUSY",
        8 => "MEMORY_PARITY_ERROR",
        10 => "GATEWAY_PATH_UNAVAILABLE",
        11 => "GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND",
        _ => return format!("unknown-{code}"),
    };
    name.to_owned()
}

/// The standard's name of a sub-function of function 8.
pub(super) fn sub_function_name(code: u16) -> String {
    let name = match code {
        0 => "Return Query Data",
        1 => "Restart Communications Option",
        2 => "Return Diagnostic Register",
        3 => "Change ASCII Input Delimiter",
        4 => "Force Listen Only Mode",
        10 => "Clear Counters and Diagnostic Register",
        11 => "Return Bus Message Count",
        12 => "Return Bus Communication Error Count",
        13 => "Return Bus Exception Error Count",
        14 => "Return Server Message Count",
        15 => "Return Server No Response Count",
        16 => "Return Server NAK Count",
        17 => "Return Server Busy Count",
        18 => "Return Bus Character Overrun Count",
        20 => "Clear Overrun Counter and Flag",
        _ => return format!("unknown-{code}"),
    };
    name.to_owned()
}
