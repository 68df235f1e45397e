//! Points that are not in memory, drawn by the GPU: their cells are sent with each picture.

#[path = "../../crates/render/tests/double/mod.rs"]
mod double;

use super::*;
use double::PagedDouble;
use heatsplat::points::cancel::{CancelToken, Cancelled};

#[test]
fn paged_points_are_drawn_like_points_on_the_device() {
    let Some(gpu) = device(AdapterChoice::Any) else {
        return;
    };
    let gpu = Arc::new(gpu);
    let (memory, windows) = cities();
    let copy = || Points::from_slice(memory.points().as_slice().unwrap());
    let double = PagedDouble::new(copy(), 300);
    let paged = Points::from_paged(Arc::clone(&double) as _);
    let layer = |points: Points, style: &Style| {
        Layer::new("a", points, style.clone(), Arc::clone(&gpu) as _)
    };
    let paged = Arc::new(paged);
    for kernel in SMOOTH {
        for radius in ["1.5px", "8px", "40px"] {
            let style = scenes::style(&[("kernel", kernel), ("radius", radius)]);
            let resident = layer(copy(), &style);
            let sent = Layer::new(
                "a",
                Arc::clone(&paged),
                style.clone(),
                Arc::clone(&gpu) as _,
            );
            for window in &windows {
                let before = gpu.report();
                let expected = resident.map(*window).density().values;
                let drawn = CancelToken::default().run(|| sent.map(*window).density().values);
                assert!(drawn == Ok(expected), "{kernel} {radius} {window:?}");
                assert_drew_all(&gpu, before.drawn);
            }
        }
    }
    double.fail_after(0);
    let style = scenes::style(&[("domain", "0,9")]);
    let sent = Layer::new("a", paged, style, Arc::clone(&gpu) as _);
    let drawn = CancelToken::default().run(|| sent.map(windows[0]).density().values);
    assert!(matches!(drawn, Err(Cancelled::Unreadable(_))), "{drawn:?}");
}
