//! The functions that a broker knows how to judge; V1.1b3 §5.1.

use core::fmt;

/// A public function code whose structure we know exactly. Any other code is refused with
/// exception 01. Code 43 stands for its MEI type 14 alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FunctionCode {
    /// 1: read coils.
    ReadCoils,
    /// 2: read discrete inputs.
    ReadDiscreteInputs,
    /// 3: read holding registers.
    ReadHoldingRegisters,
    /// 4: read input registers.
    ReadInputRegisters,
    /// 5: write single coil.
    WriteSingleCoil,
    /// 6: write single register.
    WriteSingleRegister,
    /// 7: read exception status.
    ReadExceptionStatus,
    /// 8: diagnostics.
    Diagnostics,
    /// 11: comm event counter.
    CommEventCounter,
    /// 12: comm event log.
    CommEventLog,
    /// 15: write multiple coils.
    WriteMultipleCoils,
    /// 16: write multiple registers.
    WriteMultipleRegisters,
    /// 17: report server id.
    ReportServerId,
    /// 20: read file record.
    ReadFileRecord,
    /// 21: write file record.
    WriteFileRecord,
    /// 22: mask write register.
    MaskWriteRegister,
    /// 23: read write multiple registers.
    ReadWriteMultipleRegisters,
    /// 24: read fifo queue.
    ReadFifoQueue,
    /// 43: read device identification.
    ReadDeviceIdentification,
}

impl FunctionCode {
    /// All of them, in the order of their codes.
    pub const ALL: [FunctionCode; 19] = [
        FunctionCode::ReadCoils,
        FunctionCode::ReadDiscreteInputs,
        FunctionCode::ReadHoldingRegisters,
        FunctionCode::ReadInputRegisters,
        FunctionCode::WriteSingleCoil,
        FunctionCode::WriteSingleRegister,
        FunctionCode::ReadExceptionStatus,
        FunctionCode::Diagnostics,
        FunctionCode::CommEventCounter,
        FunctionCode::CommEventLog,
        FunctionCode::WriteMultipleCoils,
        FunctionCode::WriteMultipleRegisters,
        FunctionCode::ReportServerId,
        FunctionCode::ReadFileRecord,
        FunctionCode::WriteFileRecord,
        FunctionCode::MaskWriteRegister,
        FunctionCode::ReadWriteMultipleRegisters,
        FunctionCode::ReadFifoQueue,
        FunctionCode::ReadDeviceIdentification,
    ];

    /// The byte on the wire.
    pub const fn code(self) -> u8 {
        match self {
            FunctionCode::ReadCoils => 1,
            FunctionCode::ReadDiscreteInputs => 2,
            FunctionCode::ReadHoldingRegisters => 3,
            FunctionCode::ReadInputRegisters => 4,
            FunctionCode::WriteSingleCoil => 5,
            FunctionCode::WriteSingleRegister => 6,
            FunctionCode::ReadExceptionStatus => 7,
            FunctionCode::Diagnostics => 8,
            FunctionCode::CommEventCounter => 11,
            FunctionCode::CommEventLog => 12,
            FunctionCode::WriteMultipleCoils => 15,
            FunctionCode::WriteMultipleRegisters => 16,
            FunctionCode::ReportServerId => 17,
            FunctionCode::ReadFileRecord => 20,
            FunctionCode::WriteFileRecord => 21,
            FunctionCode::MaskWriteRegister => 22,
            FunctionCode::ReadWriteMultipleRegisters => 23,
            FunctionCode::ReadFifoQueue => 24,
            FunctionCode::ReadDeviceIdentification => 43,
        }
    }

    /// `None` for a code that we do not judge.
    pub const fn from_code(code: u8) -> Option<FunctionCode> {
        match code {
            1 => Some(FunctionCode::ReadCoils),
            2 => Some(FunctionCode::ReadDiscreteInputs),
            3 => Some(FunctionCode::ReadHoldingRegisters),
            4 => Some(FunctionCode::ReadInputRegisters),
            5 => Some(FunctionCode::WriteSingleCoil),
            6 => Some(FunctionCode::WriteSingleRegister),
            7 => Some(FunctionCode::ReadExceptionStatus),
            8 => Some(FunctionCode::Diagnostics),
            11 => Some(FunctionCode::CommEventCounter),
            12 => Some(FunctionCode::CommEventLog),
            15 => Some(FunctionCode::WriteMultipleCoils),
            16 => Some(FunctionCode::WriteMultipleRegisters),
            17 => Some(FunctionCode::ReportServerId),
            20 => Some(FunctionCode::ReadFileRecord),
            21 => Some(FunctionCode::WriteFileRecord),
            22 => Some(FunctionCode::MaskWriteRegister),
            23 => Some(FunctionCode::ReadWriteMultipleRegisters),
            24 => Some(FunctionCode::ReadFifoQueue),
            43 => Some(FunctionCode::ReadDeviceIdentification),
            _ => None,
        }
    }

    /// The name in policy, logs and screens.
    pub const fn name(self) -> &'static str {
        match self {
            FunctionCode::ReadCoils => "read-coils",
            FunctionCode::ReadDiscreteInputs => "read-discrete-inputs",
            FunctionCode::ReadHoldingRegisters => "read-holding-registers",
            FunctionCode::ReadInputRegisters => "read-input-registers",
            FunctionCode::WriteSingleCoil => "write-single-coil",
            FunctionCode::WriteSingleRegister => "write-single-register",
            FunctionCode::ReadExceptionStatus => "read-exception-status",
            FunctionCode::Diagnostics => "diagnostics",
            FunctionCode::CommEventCounter => "comm-event-counter",
            FunctionCode::CommEventLog => "comm-event-log",
            FunctionCode::WriteMultipleCoils => "write-multiple-coils",
            FunctionCode::WriteMultipleRegisters => "write-multiple-registers",
            FunctionCode::ReportServerId => "report-server-id",
            FunctionCode::ReadFileRecord => "read-file-record",
            FunctionCode::WriteFileRecord => "write-file-record",
            FunctionCode::MaskWriteRegister => "mask-write-register",
            FunctionCode::ReadWriteMultipleRegisters => "read-write-multiple-registers",
            FunctionCode::ReadFifoQueue => "read-fifo-queue",
            FunctionCode::ReadDeviceIdentification => "read-device-identification",
        }
    }
}

impl fmt::Display for FunctionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
