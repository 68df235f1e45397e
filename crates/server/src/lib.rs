//! heatsplat over HTTP: layers, tiles, legends, values and a viewer.
//!
//! The router is a value: [`router`] makes it of a [`Server`], tests call it
//! without a socket, and programs can put it beside routes of their own.
//! [`Bound`] is the whole server for those who have no async runtime:
//!
//! ```no_run
//! use heatsplat_points::Points;
//! use heatsplat_render::{Layer, Style};
//! use heatsplat_server::{Bound, Layers, Options};
//!
//! let layers = Layers::default();
//! let id = layers.announce("Quakes");
//! let bound = Bound::new(layers.clone(), Options::default())?;
//! println!("map at {}", bound.url());
//!
//! // Now, or from another thread while the server already listens:
//! let points = Points::from_lon_lat([(142.37, 38.32, 9.1)])?;
//! layers.put(&id, Layer::on_cpu("Quakes", points, Style::default()));
//! bound.run()?; // until Ctrl-C
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod cache;
mod config;
mod cost;
mod http;
mod layers;
mod listen;
mod render;
mod render_queue;
mod routes;
mod sync;

pub use config::Options;
#[doc(hidden)]
pub use cost::estimate;
pub use http::router::{Server, router};
pub use layers::archived::{Stored, StoredAbout};
pub use layers::derived::{DeriveError, Derived};
pub use layers::live::{Answer, Fetched, Live, Rows, Trouble, Want};
pub use layers::registry::{Arrived, LayerId, Layers};
pub use listen::{Bound, ServeError, Stop};
pub use routes::post_layer::{Opened, Post, PostTrouble, Posting, Posts, Token};
