//! Opens, reads and verifies any bytes as a `.heat` file. Checksums are passed while fuzzing.
#![no_main]

use heatsplat_heat::{HeatFile, PageCache};
use heatsplat_points::cancel::CancelToken;
use heatsplat_points::paged::{POINTS_LEVEL, PagedIndex as _};
use heatsplat_points::{Quad, Window};
use std::sync::Arc;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let cache = Arc::new(PageCache::new(1 << 20));
    let Ok(file) = HeatFile::from_source(Box::new(bytes.to_vec()), &cache) else {
        return;
    };
    // A hostile file may have much to read: a deadline in units of work ends that.
    let _ = CancelToken::new(None, 1 << 28).run(|| {
        for level in [0, 9, 20, POINTS_LEVEL] {
            for window in [Window::at_level(8, -20, 0, 300, 256), Window::at_level(20, 9, 9, 70, 70)] {
                let _ = file.search(level, &window);
                let _ = file.count(level, &window);
            }
        }
        let _ = file.quad_range(Quad::WORLD.child(3).child(1));
        let _ = file.read(100..1000);
        file.verify(&mut |_| {});
    });
});
