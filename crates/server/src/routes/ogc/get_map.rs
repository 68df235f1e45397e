//! `GetMap` of WMS: a picture of a box, in one of several coordinate systems. OGC API draws its
//! maps by the same functions.

use super::error::OgcError;
use super::kvp::Kvp;
use super::map_crs::{CrsBox, MapCrs};
use crate::http::error::{ApiError, shown};
use crate::http::etag::Fingerprint;
use crate::http::query::Query;
use crate::layers::entry::{LayerRequest, ServedLayer};
use crate::render::map_target::MapTarget;
use crate::render::warp::Warp;
use crate::routes::map::{self, MAX_PIXELS, MAX_SIDE};
use crate::state::Server;
use axum::http::HeaderMap;
use axum::response::Response;
use heatsplat_points::Window;
use heatsplat_points::mercator::WORLD;
use heatsplat_render::encode::ImageFormat;
use heatsplat_render::ramp::css_color;
use heatsplat_render::{Shape, View};
use std::sync::Arc;

/// The largest number of pixels that are drawn for each pixel of the answer, on average. At the
/// edge of the Mercator square a degree of latitude is 11.6 times as long as one of longitude, so a
/// map in degrees needs up to 11.6 drawn pixels for each of its own. Large maps are drawn with
/// fewer: with [`MAX_PIXELS`] in all.
const MOST_DRAWN: f64 = 12.0;

/// The formats in which pictures can be requested, each with its media type.
pub(super) const FORMATS: [(&str, ImageFormat); 4] = [
    ("image/png", ImageFormat::Png),
    ("image/png8", ImageFormat::Png),
    ("image/png; mode=8bit", ImageFormat::Png),
    ("image/png; mode=32bit", ImageFormat::PngRgba),
];

/// The grid of pixels that a request asks for: its box and its size in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct MapGrid {
    pub(super) bounds: CrsBox,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl MapGrid {
    /// Reads the parameters `CRS` (`SRS` in WMS 1.1.1), `BBOX`, `WIDTH` and `HEIGHT`.
    pub(super) fn from_kvp(kvp: &Kvp, is_111: bool) -> Result<Self, OgcError> {
        let (name, code) = match is_111 {
            true => ("SRS", "InvalidSRS"),
            false => ("CRS", "InvalidCRS"),
        };
        let text = kvp.need(name)?;
        let crs = MapCrs::find(text, is_111).ok_or_else(|| {
            let names = match is_111 {
                true => MapCrs::NAMES_111,
                false => MapCrs::NAMES_130,
            };
            let message = format!(
                "{name} can't be `{}`: expected {}",
                shown(text),
                names.join(", ")
            );
            OgcError::new(code, name, message)
        })?;
        let bounds = crs.parse_box(kvp.need("BBOX")?)?;
        let side = |name: &'static str| {
            let side = kvp.whole(name)?;
            if (1..=MAX_SIDE).contains(&side) {
                return Ok(side);
            }
            let message = format!("{name} can't be {side}: expected 1 to {MAX_SIDE}");
            Err(OgcError::invalid(name, message))
        };
        let (width, height) = (side("WIDTH")?, side("HEIGHT")?);
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            let message = format!("WIDTH × HEIGHT is over {MAX_PIXELS} pixels");
            return Err(OgcError::invalid("WIDTH", message));
        }
        Ok(Self {
            bounds,
            width,
            height,
        })
    }

    /// Reads the parameters `bbox`, `width` and `height` of a map. The map is in the coordinate
    /// system `crs`, and the numbers of `bbox` are in the coordinate system `given`. Without `bbox`
    /// the map shows all points. A side that isn't stated follows from the shape of the box.
    /// `width` and `height` count CSS pixels, of which each has `ratio` × `ratio` pixels of the
    /// map.
    pub(super) fn from_query(
        served: &ServedLayer,
        query: &Query,
        (given, crs): (MapCrs, MapCrs),
        ratio: u32,
    ) -> Result<Self, ApiError> {
        let bounds = match query.get("bbox") {
            Some(text) => given.parse_box(text).map_err(OgcError::into_api)?,
            None => CrsBox::around(served.frame()),
        };
        let beyond = "bbox lies outside the map, beyond 85.0511° of latitude";
        let bounds = bounds.in_crs(crs).ok_or(ApiError::bad_request(beyond))?;
        let aspect = (bounds.north - bounds.south) / (bounds.east - bounds.west);
        let (width, height) = map::size(query, ratio, || Ok(aspect), None)?;
        let (width, height) = (width * ratio, height * ratio);
        Ok(Self {
            bounds,
            width,
            height,
        })
    }

    /// The window in which the heat is drawn, and the warp that maps the window's pixels to the
    /// pixels of this grid; `None` in place of the warp if the pixels are the same. If the box lies
    /// outside the Mercator square, the window is one row of pixels, and the warp shows nothing of
    /// it.
    pub(super) fn drawn(&self) -> (Window, Option<Warp>) {
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        let (left, right) = (
            self.bounds.world_x(self.bounds.west),
            self.bounds.world_x(self.bounds.east),
        );
        let (top, bottom) = self.bounds.world_rows();
        // The edges of a very narrow box may be the same number, but a pixel has a size.
        let across = (right - left).max(width * WORLD * f64::EPSILON);
        let down = bottom - top;
        let pixel = across / width;
        let exact = down / height;
        let is_whole = self.bounds.world_y(self.bounds.north).is_some()
            && self.bounds.world_y(self.bounds.south).is_some();
        if self.bounds.crs == MapCrs::Mercator
            && is_whole
            && (pixel / exact - 1.0).abs() * height.max(width) < 1e-3
        {
            let window = Window::new(left, top, pixel, self.width, self.height);
            return (window, None);
        }
        // Pixels are as small as those of the answer, but not many times more, and the window is no
        // larger than a window may be.
        let most = (width * height * MOST_DRAWN).min(MAX_PIXELS as f64);
        let least = (across * down.max(pixel) / most).sqrt();
        let longest = across.max(down) / f64::from(Window::MAX_SIDE);
        let pixel = pixel.min(exact.max(pixel / 4.0)).max(least).max(longest);
        let count = |length: f64| {
            (length / pixel)
                .ceil()
                .clamp(1.0, f64::from(Window::MAX_SIDE))
        };
        let (columns, rows) = (count(across) as u32, count(down) as u32);
        let window = Window::new(left, top, pixel, columns, rows);
        let x: Vec<f64> = (0..self.width)
            .map(|i| {
                let (x, _) = self.place(f64::from(i), 0.0);
                (self.bounds.world_x(x) - left) / pixel
            })
            .collect();
        let y: Vec<f64> = (0..self.height)
            .map(|j| {
                let (_, y) = self.place(0.0, f64::from(j));
                let y = self.bounds.world_y(y).filter(|_| down > 0.0);
                y.map_or(f64::NAN, |y| (y - top) / pixel)
            })
            .collect();
        (window, Some(Warp::new(&x, &y, (columns, rows))))
    }

    /// The coordinates, in the system of the box, of the centre of a pixel. The pixel is in column
    /// `i` and row `j`, counted from 0 at the left and at the top.
    pub(super) fn place(&self, i: f64, j: f64) -> (f64, f64) {
        self.bounds.place((i, j), (self.width, self.height))
    }
}

/// Answers `GetMap` with a picture of the layer. `is_111` is true for WMS 1.1.1. `style` is the
/// query string of the style, beginning with `?` or empty.
pub(super) async fn answer(
    server: &Server,
    served: Arc<ServedLayer>,
    kvp: &Kvp,
    (is_111, style): (bool, &str),
    request: &HeaderMap,
) -> Result<Response, OgcError> {
    let grid = MapGrid::from_kvp(kvp, is_111)?;
    let asked = kvp.need("FORMAT")?;
    // Some clients leave out the blank, or send it as a plus.
    let plain = |text: &str| text.replace([' ', '+'], "").to_ascii_lowercase();
    let format = FORMATS.iter().find(|(name, _)| plain(name) == plain(asked));
    let (_, format) = format.ok_or_else(|| {
        let message = format!("FORMAT can't be `{}`: expected image/png", shown(asked));
        OgcError::new("InvalidFormat", "FORMAT", message)
    })?;
    let ground = ground(kvp)?;
    let query = Query::parse(style.strip_prefix('?'), &["filter", "time", "time_scale"])?;
    let wanted = served.prepare(query)?;
    Ok(draw(server, wanted, (grid, 1), (*format, ground), request).await?)
}

/// Answers with the picture of the grid of pixels `grid`, in the file format `format`. `ground` is
/// the opaque colour on which the picture is laid; `None` for a transparent picture. `ratio` is the
/// number of pixels for each CSS pixel, along a side.
pub(super) async fn draw(
    server: &Server,
    wanted: LayerRequest,
    (grid, ratio): (MapGrid, u32),
    (format, ground): (ImageFormat, Option<[u8; 3]>),
    request: &HeaderMap,
) -> Result<Response, ApiError> {
    let (window, warp) = grid.drawn();
    if format.is_density() && warp.is_some() {
        return Err(ApiError::bad_request(
            "numbers have square pixels in EPSG:3857: another crs, or a box of another shape than \
             width and height, is for .png",
        ));
    }
    let is_plain = warp.is_none() && ground.is_none();
    // The same picture has the same tag as a map, whatever its request was.
    let mut named = Fingerprint::new().text("map");
    if !is_plain {
        let CrsBox {
            west,
            south,
            east,
            north,
            ..
        } = grid.bounds;
        let numbers = [west, south, east, north].map(f64::to_bits);
        let sizes = [grid.width, grid.height].map(u64::from);
        named = numbers
            .into_iter()
            .chain(sizes)
            .fold(named.text("wms"), Fingerprint::number)
            .text(&format!("{:?} {ground:?}", grid.bounds.crs));
    }
    // `kernel=pixel` draws counts, between which nothing lies.
    let is_sharp = wanted.style.style.shape() == Shape::Pixel;
    let warp = warp.map(|warp| if is_sharp { warp.nearest() } else { warp });
    let target = MapTarget {
        format,
        warp: warp.map(Arc::new),
        ground,
    };
    let view = View::new(window, ratio);
    map::answer(server, wanted, view, target, named, request).await
}

/// The opaque colour on which the picture is laid, by the parameters `TRANSPARENT` and `BGCOLOR`;
/// `None` for a transparent picture. As the standard demands, pictures are opaque and white unless
/// a request has these parameters.
fn ground(kvp: &Kvp) -> Result<Option<[u8; 3]>, OgcError> {
    match kvp.get("TRANSPARENT") {
        Some(text) if text.eq_ignore_ascii_case("true") => return Ok(None),
        Some(text) if !text.eq_ignore_ascii_case("false") => {
            let message = format!(
                "TRANSPARENT can't be `{}`: expected TRUE or FALSE",
                shown(text)
            );
            return Err(OgcError::invalid("TRANSPARENT", message));
        }
        _ => {}
    }
    let Some(text) = kvp.get("BGCOLOR") else {
        return Ok(Some([255; 3]));
    };
    let color = hexadecimal(text).ok_or_else(|| {
        let message = format!("BGCOLOR can't be `{}`: expected 0xRRGGBB", shown(text));
        OgcError::invalid("BGCOLOR", message)
    })?;
    Ok(Some(color))
}

/// Parses `0xRRGGBB`.
fn hexadecimal(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix("0x").or(text.strip_prefix("0X"))?;
    let is_hex = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let color = is_hex.then(|| u32::from_str_radix(digits, 16).ok())??;
    let [_, red, green, blue] = color.to_be_bytes();
    Some([red, green, blue])
}

/// Parses a colour of OGC API: `0xRRGGBB`, or the name of a colour in CSS. `None` for other texts.
pub(super) fn color(text: &str) -> Option<[u8; 3]> {
    let is_name = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic());
    let named = || {
        let [red, green, blue, _] = css_color(text).ok().filter(|_| is_name)?;
        Some([red, green, blue].map(|channel| (channel * 255.0).round() as u8))
    };
    hexadecimal(text).or_else(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(crs: MapCrs, bbox: &str, width: u32, height: u32) -> MapGrid {
        MapGrid {
            bounds: crs.parse_box(bbox).unwrap(),
            width,
            height,
        }
    }

    #[test]
    fn colors_are_numbers_or_names() {
        assert_eq!(color("0x0080fF"), Some([0, 128, 255]));
        assert_eq!(color("Navy"), Some([0, 0, 128]));
        for bad in ["", "0x123", "#123456", "rgb(1,2,3)", "nocolor"] {
            assert_eq!(color(bad), None, "{bad}");
        }
    }

    #[test]
    fn square_pixels_in_metres_are_drawn_as_they_are() {
        let (window, warp) = grid(MapCrs::Mercator, "0,0,4000,2000", 400, 200).drawn();
        assert!(warp.is_none());
        assert_eq!((window.width(), window.height()), (400, 200));
        assert_eq!(window.left(), WORLD / 2.0);
        let (_, warp) = grid(MapCrs::Mercator, "0,0,4000,1000", 400, 200).drawn();
        assert_eq!(warp.unwrap().size(), (400, 200));
    }

    #[test]
    fn other_grids_draw_at_most_some_pixels_for_each_of_theirs() {
        for (crs, bbox) in [
            (MapCrs::LonLat, "-180,-90,180,90"),
            (MapCrs::LonLat, "5,45,15,55"),
            (MapCrs::LatLon, "70,0,85,5"),
            (MapCrs::LonLat, "0,80,0.001,89"),
            (MapCrs::LonLat, "-200,0,300,0.01"),
            (MapCrs::Mercator, "-30000000,-30000000,30000000,30000000"),
            (MapCrs::LonLat, "0,86,1,90"),
            (MapCrs::LonLat, "2,-80,2.001,80"),
            (MapCrs::LonLat, "0,0,1e-300,1e-300"),
            (MapCrs::LonLat, "0,0,1e-300,1"),
        ] {
            let asked = grid(crs, bbox, 300, 200);
            let (window, warp) = asked.drawn();
            let (_, bottom) = asked.bounds.world_rows();
            assert!(window.bottom() >= bottom - 1e-3, "{bbox}");
            assert!(window.pixel() > 0.0 && window.width() > 0, "{bbox}");
            let drawn = f64::from(window.width()) * f64::from(window.height());
            assert!(
                drawn <= 60_000.0 * MOST_DRAWN * 1.05 + 33_000.0,
                "{bbox}: {drawn}"
            );
            assert_eq!(warp.unwrap().size(), (300, 200), "{bbox}");
        }
    }
}
