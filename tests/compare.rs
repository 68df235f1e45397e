//! The comparison of pictures, and tests of the comparison itself.

use image::RgbaImage;

/// Describes the differences between two pictures. Returns `None` if all their pixels are equal.
pub fn difference(a: &RgbaImage, b: &RgbaImage) -> Option<String> {
    if a.dimensions() != b.dimensions() {
        return Some(format!(
            "sizes {:?} and {:?}",
            a.dimensions(),
            b.dimensions()
        ));
    }
    let differing: Vec<_> = a
        .enumerate_pixels()
        .zip(b.pixels())
        .filter(|((_, _, p), q)| p != q)
        .collect();
    let ((x, y, p), q) = differing.first()?;
    Some(format!(
        "{} pixels, the first at {x},{y}: {p:?} and {q:?}",
        differing.len()
    ))
}

/// Decodes the pixels of a PNG file.
pub fn decode_png(bytes: &[u8]) -> RgbaImage {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    RgbaImage::from_raw(
        info.width,
        info.height,
        pixels[..info.buffer_size()].to_vec(),
    )
    .unwrap()
}

/// Writes two square pictures side by side on a dark ground: one of another heat map on the left,
/// one of heatsplat on the right. The file is for the page of docs/coming-from that is called
/// `name`. Does nothing unless `HEATSPLAT_BLESS` is set.
#[cfg(feature = "program")]
pub fn side_by_side(name: &str, theirs: &[[u8; 4]], ours: &[[u8; 4]]) {
    if std::env::var_os("HEATSPLAT_BLESS").is_none() {
        return;
    }
    const GAP: usize = 8;
    let side = theirs.len().isqrt();
    assert_eq!((side * side, ours.len()), (theirs.len(), theirs.len()));
    let over = |[r, g, b, a]: [u8; 4]| {
        [r, g, b].map(|c| ((u32::from(c) * u32::from(a) + 32 * (255 - u32::from(a))) / 255) as u8)
    };
    let mut pixels = Vec::new();
    for (theirs, ours) in theirs.chunks(side).zip(ours.chunks(side)) {
        pixels.extend(theirs.iter().copied().flat_map(over));
        pixels.extend([255; 3 * GAP]);
        pixels.extend(ours.iter().copied().flat_map(over));
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("docs/coming-from/{name}.png"));
    let file = std::fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, (2 * side + GAP) as u32, side as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
}

#[test]
fn one_changed_pixel_is_seen() {
    let a = RgbaImage::from_fn(40, 30, |x, y| image::Rgba([x as u8, y as u8, 7, 255]));
    assert_eq!(difference(&a, &a.clone()), None);
    for (x, y, channel) in [(0, 0, 0), (39, 29, 3), (17, 12, 1)] {
        let mut b = a.clone();
        b.get_pixel_mut(x, y).0[channel] ^= 1;
        let said = difference(&a, &b).expect("a difference");
        assert!(
            said.contains("1 pixels") && said.contains(&format!("{x},{y}")),
            "{said}"
        );
    }
    assert!(difference(&a, &RgbaImage::new(40, 31)).is_some());
}
