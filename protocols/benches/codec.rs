//! Decoding and encoding one request and one reply.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use interlock_protocols::modbus::{Reply, Request};

fn codec(c: &mut Criterion) {
    let read = [0x03, 0x00, 0x64, 0x00, 0x0a];
    let mut write = vec![0x10, 0x00, 0x64, 0x00, 0x7b, 0xf6];
    write.resize(6 + 246, 0x55);
    let mut reply = vec![0x03, 20];
    reply.resize(2 + 20, 0x55);
    c.bench_function("decode + encode FC 3 request", |b| {
        b.iter(|| Request::decode(black_box(&read)).map(|request| request.encode()));
    });
    c.bench_function("decode + encode FC 16 request of 123 registers", |b| {
        b.iter(|| Request::decode(black_box(&write)).map(|request| request.encode()));
    });
    let request = Request::decode(&read);
    c.bench_function("decode FC 3 reply against its request", |b| {
        b.iter(|| {
            request
                .as_ref()
                .map(|request| Reply::decode(request, black_box(&reply)).is_ok())
        });
    });
}

criterion_group!(benches, codec);
criterion_main!(benches);
