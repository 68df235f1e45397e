//! From a `Vec` of longitude, latitude and weight to an `image::RgbaImage`.
//!
//!     cargo run --release --example embed_image            # writes map.png

use heatsplat::points::LonLatBox;
use heatsplat::{Layer, Points, Style, Window};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let quakes = vec![
        (142.37, 38.32, 9.1),
        (143.91, 41.82, 8.3),
        (140.9, 36.1, 7.9),
    ];
    let layer = Layer::on_cpu("quakes", Points::from_lon_lat(quakes)?, Style::default());

    let japan = Window::around(LonLatBox::new(128.0, 30.0, 148.0, 46.0)?, 600, 600)?;
    let map = layer.map(japan).picture();
    let image: image::RgbaImage = heatsplat::image::rgba(&map, layer.style().ramp());

    // The image can go to any code that takes one; here it is written to a file.
    let file = std::env::args().nth(1).unwrap_or("map.png".to_owned());
    let png = heatsplat::render::encode::png_rgba(
        image.as_raw(),
        image.width(),
        image.height(),
        heatsplat::render::encode::Effort::Small,
    )?;
    std::fs::write(&file, png)?;
    println!("{file}: {} × {} pixels", image.width(), image.height());
    Ok(())
}
