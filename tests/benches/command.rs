//! One command end to end: a Modbus client, `interlock connect`, the edge, a PLC, each a process
//! of its own on loopback, the journal on the disk of the target directory.
#![allow(missing_docs, reason = "a bench has no users but its reader")]

use criterion::{Criterion, criterion_group, criterion_main};
use interlock_tests::harness::{Bench, Modbus};

fn command(c: &mut Criterion) {
    let bench = Bench::start_with(|gateway| {
        // What the sample rests between requests would be all that is seen here.
        gateway.edit("plant.toml", "pause_ms = 5 ", "pause_ms = 0 ");
    });
    let mut direct = Modbus::connect(bench.press.address());
    c.bench_function("read of two registers, straight from the PLC", |b| {
        b.iter(|| direct.read_holding(255, 100, 2));
    });
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    c.bench_function("read of two registers, through client and edge", |b| {
        b.iter(|| tool.read_holding(1, 100, 2));
    });
    c.bench_function("write of a register, through client and edge", |b| {
        b.iter(|| tool.write_holding(1, 100, 9_000));
    });
}

criterion_group!(benches, command);
criterion_main!(benches);
