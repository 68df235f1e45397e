//! heatsplat over HTTP: layers as tiles, maps, legends and values, and a viewer that shows them.
//!
//! [`router`] makes an axum router from a [`Server`]. Tests call it without a socket, and programs
//! can nest it among their own routes. A [`BoundServer`] listens on a port of its own and has its
//! own async runtime:
//!
//! ```no_run
//! use heatsplat_points::Points;
//! use heatsplat_render::{Layer, Style};
//! use heatsplat_server::{BoundServer, Registry, ServerConfig};
//!
//! let layers = Registry::default();
//! let id = layers.announce("Quakes");
//! let bound = BoundServer::new(layers.clone(), ServerConfig::default())?;
//! println!("map at {}", bound.url());
//!
//! // Layers can also be put by another thread, while the server listens:
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
mod shutdown;
mod state;
mod style;
mod sync;

pub use config::{Basemap, PageCounts, ParseBasemapError, ServerConfig, TlsFiles};
#[doc(hidden)]
pub use cost::estimate;
pub use cost::{OwnStyleError, check_own_style};
pub use http::origin::{ParseProxyError, TrustedProxy};
pub use layers::archived::{ArchiveInfo, ArchiveReadError, TileArchive};
pub use layers::backend_race::BackendRace;
pub use layers::derived::{Derivation, DeriveError, ParseDerivationError};
pub use layers::layer_id::LayerId;
pub use layers::live::{
    FetchedPoints, LiveLayer, RowRequest, RowSource, SourceError, SourceFuture,
};
pub use layers::point_posting::{PointPosting, PublicQuota};
pub use layers::posting::{BearerToken, OpenedQuery, PostError, PostedQuery, Posting, QuerySource};
pub use layers::registry::{NewLayer, Registry};
pub use listen::{BoundServer, ServeError};
pub use routes::router::router;
pub use routes::viewer::land_geojson;
pub use shutdown::StopHandle;
pub use state::Server;
