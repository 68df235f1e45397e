//! The operations of all routes.

use super::operations::{Operation, OperationKind, Port, Post};

const PNG: &[(&str, &str)] = &[("image/png", "")];
const NPY: &[(&str, &str)] = &[("application/x-npy", "")];
const TIFF: &[(&str, &str)] = &[("image/tiff", "")];
const SVG: &[(&str, &str)] = &[("image/svg+xml", "")];
const XML: &[(&str, &str)] = &[("application/xml", "")];

/// The media type of HTML pages.
const HTML: &str = "text/html; charset=utf-8";

/// The media types of the answers of WMS and WMTS, each with the name of its schema.
const SERVICE: &[(&str, &str)] = &[
    ("text/xml", ""),
    ("application/xml", ""),
    ("application/vnd.ogc.wms_xml", ""),
    ("image/png", ""),
    ("image/svg+xml", ""),
    ("application/json", "PixelValue"),
    ("text/plain; charset=utf-8", ""),
    ("text/html; charset=utf-8", ""),
];

/// The path of the route that answers tiles of all formats. The next constant is the path of the
/// route for all other files of a layer.
const TILE: &str = "/{layer}/{z}/{x}/{y}";
const FILE: &str = "/{layer}/{file}";

/// The names in `components.json` of the parameters that choose the points that are shown. The
/// constants after this one have such names too.
const SHOWN: &[&str] = &["filter", "time", "datetime", "time_scale"];

/// The parameters of a tile besides [`SHOWN`], the layer, and the range of values that a `.dem.png`
/// encodes.
const TILE_OWN: &[&str] = &["tile_z", "tile_x", "tile_y", "size", "tms", "format"];

/// The parameters of a map besides [`SHOWN`], the layer, and the range of values that a `.dem.png`
/// encodes.
const MAP: &[&str] = &[
    "bbox",
    "crs",
    "bbox_crs",
    "bbox_crs_too",
    "width",
    "height",
    "format",
];

/// The parameters of a legend besides [`SHOWN`] and the layer.
const LEGEND: &[&str] = &["any_z", "theme", "bbox", "width", "height"];

/// The parameters of a map of OGC API besides [`SHOWN`], the collection and the style.
const API_MAP: &[&str] = &[
    "f_png",
    "api_bbox",
    "api_bbox_crs",
    "api_crs",
    "width",
    "height",
    "api_transparent",
    "api_bgcolor",
];

/// The parameters in the path that name a tile of a grid.
const IN_GRID: &[&str] = &["path_set", "path_matrix", "path_row", "path_column"];

/// The parameters that say how rows of posted points are read, and the layer's name.
const ROWS: &[&str] = &["row_name", "row_weight", "row_lon", "row_lat", "row_order"];

/// The operations of all routes, by their paths in the tables of `router.rs`.
pub(in crate::routes) static OPERATIONS: &[Operation] = &[
    Operation::plain(
        "/",
        OperationKind::Api,
        (
            "ogc.getLandingPage",
            "The viewer, or the landing page of OGC API as JSON",
        ),
        &[&["f"]],
        &[(HTML, ""), ("application/json", "LandingPage")],
    ),
    Operation::plain(
        "/viewer/{*path}",
        OperationKind::Server,
        ("viewerFile", "A file of the viewer"),
        &[&["viewer_file"]],
        &[("*/*", "")],
    ),
    Operation::plain(
        "/openapi.json",
        OperationKind::Server,
        ("openapi", "This description"),
        &[],
        &[(super::MEDIA_TYPE, "Document")],
    )
    .on(Port::Both),
    Operation::plain(
        "/catalog",
        OperationKind::Server,
        ("catalog", "All layers, and the legal values of styles"),
        &[],
        &[("application/json", "Catalog")],
    ),
    Operation::drawn(
        ("/{layer}", ""),
        ("tilejson", "The TileJSON of a layer"),
        &[&["layer"], SHOWN, &["size", "tms"]],
        &[("application/json", "TileJson")],
    ),
    Operation::drawn(
        (TILE, "/{layer}/{z}/{x}/{y}.png"),
        ("tile", "A tile"),
        &[&["layer"], TILE_OWN, SHOWN, &["range"]],
        PNG,
    ),
    Operation::drawn(
        (TILE, "/{layer}/{z}/{x}/{y}@2x.png"),
        ("tile2x", "A tile with twice the pixels"),
        &[&["drawn_layer"], TILE_OWN, SHOWN, &["range"]],
        PNG,
    ),
    Operation::drawn(
        (TILE, "/{layer}/{z}/{x}/{y}.npy"),
        ("tileNpy", "The numbers of a tile, for NumPy"),
        &[&["drawn_layer"], TILE_OWN, SHOWN, &["range"]],
        NPY,
    ),
    Operation::drawn(
        (TILE, "/{layer}/{z}/{x}/{y}.tif"),
        ("tileTiff", "The numbers of a tile, as a TIFF"),
        &[&["drawn_layer"], TILE_OWN, SHOWN, &["range"]],
        TIFF,
    ),
    Operation::drawn(
        (TILE, "/{layer}/{z}/{x}/{y}.dem.png"),
        ("tileDem", "The numbers of a tile, as colours"),
        &[&["drawn_layer"], TILE_OWN, SHOWN, &["needed_range"]],
        PNG,
    ),
    Operation::drawn(
        (FILE, "/{layer}/tilejson.json"),
        (
            "tilejsonFile",
            "The TileJSON of a layer, at another address",
        ),
        &[&["layer"], SHOWN, &["size", "tms"]],
        &[("application/json", "TileJson")],
    ),
    Operation::drawn(
        (FILE, "/{layer}/map.png"),
        ("map", "A map of any box"),
        &[&["drawn_layer"], MAP, SHOWN, &["range"]],
        PNG,
    ),
    Operation::drawn(
        (FILE, "/{layer}/map@2x.png"),
        ("map2x", "A map with twice the pixels"),
        &[&["drawn_layer"], MAP, SHOWN, &["range"]],
        PNG,
    ),
    Operation::drawn(
        (FILE, "/{layer}/map.npy"),
        ("mapNpy", "The numbers of a map, for NumPy"),
        &[&["drawn_layer"], MAP, SHOWN, &["range"]],
        NPY,
    ),
    Operation::drawn(
        (FILE, "/{layer}/map.tif"),
        ("mapTiff", "The numbers of a map, as a TIFF"),
        &[&["drawn_layer"], MAP, SHOWN, &["range"]],
        TIFF,
    ),
    Operation::drawn(
        (FILE, "/{layer}/map.dem.png"),
        ("mapDem", "The numbers of a map, as colours"),
        &[&["drawn_layer"], MAP, SHOWN, &["needed_range"]],
        PNG,
    ),
    Operation::drawn(
        (FILE, "/{layer}/legend.json"),
        ("legend", "The legend as numbers"),
        &[&["drawn_layer"], LEGEND, SHOWN],
        &[("application/json", "Legend")],
    ),
    Operation::drawn(
        (FILE, "/{layer}/legend.svg"),
        ("legendSvg", "The legend as a drawing"),
        &[&["drawn_layer"], LEGEND, SHOWN],
        SVG,
    ),
    Operation::drawn(
        (FILE, "/{layer}/legend.png"),
        ("legendPng", "The legend as a picture"),
        &[&["drawn_layer"], LEGEND, SHOWN],
        PNG,
    ),
    Operation::drawn(
        (FILE, "/{layer}/legend@2x.png"),
        ("legendPng2x", "The legend with twice the pixels"),
        &[&["drawn_layer"], LEGEND, SHOWN],
        PNG,
    ),
    Operation::drawn(
        (FILE, "/{layer}/dem.json"),
        ("dem", "The TileJSON of tiles of numbers, for MapLibre"),
        &[&["drawn_layer"], SHOWN, &["range"]],
        &[("application/json", "DemJson")],
    ),
    Operation::plain(
        FILE,
        OperationKind::Layer,
        ("times", "The times of a layer"),
        &[&["drawn_layer"]],
        &[("application/json", "TimeDocument")],
    )
    .at("/{layer}/time.json"),
    Operation::drawn(
        ("/{layer}/value", ""),
        (
            "value",
            "The value at a coordinate, and the points around it",
        ),
        &[&["drawn_layer", "lon", "lat", "whole_z", "rows"], SHOWN],
        &[("application/json", "Value")],
    ),
    Operation::drawn(
        ("/{layer}/gdal.xml", ""),
        ("gdalXml", "A document by which GDAL reads the tiles"),
        &[&["drawn_layer", "data", "filter"]],
        XML,
    ),
    Operation::drawn(
        ("/{layer}/gdal.vrt", ""),
        ("gdalVrt", "The same, as a virtual raster"),
        &[&["drawn_layer", "data", "filter"]],
        XML,
    ),
    Operation::document(
        "/conformance",
        (
            "ogc.getConformanceClasses",
            "The classes of standards to which the server conforms",
        ),
        &[&["f"]],
        &[("application/json", "Conformance"), (HTML, "")],
    ),
    Operation::document(
        "/collections",
        (
            "ogc.getCollectionsList",
            "The layers, as collections of OGC API",
        ),
        &[&["f"]],
        &[("application/json", "Collections"), (HTML, "")],
    ),
    Operation::document(
        "/collections/{layer}",
        ("ogc.describeCollection", "One collection"),
        &[&["layer", "f"]],
        &[("application/json", "Collection"), (HTML, "")],
    ),
    Operation::document(
        "/collections/{layer}/styles",
        ("ogc.getStyles", "The styles of a collection"),
        &[&["layer", "f"]],
        &[("application/json", "Styles"), (HTML, "")],
    ),
    Operation::plain(
        "/collections/{layer}/map",
        OperationKind::Api,
        ("ogc.collection.getMap", "A map of a collection"),
        &[&["drawn_layer"], API_MAP, SHOWN],
        PNG,
    )
    .with_style(),
    Operation::document(
        "/collections/{layer}/map/tiles",
        (
            "ogc.collection.map.getTileSetsList",
            "The sets of tiles of a collection",
        ),
        &[&["layer", "f"]],
        &[("application/json", "TileSets"), (HTML, "")],
    ),
    Operation::document(
        "/collections/{layer}/map/tiles/{set}",
        ("ogc.collection.map.getTileSet", "A set of tiles"),
        &[&["layer", "path_set", "f"], SHOWN],
        &[("application/json", "TileSet"), (HTML, "")],
    )
    .with_style(),
    Operation::plain(
        "/collections/{layer}/map/tiles/{set}/{matrix}/{row}/{column}",
        OperationKind::Api,
        ("ogc.collection.map.getTile", "A tile of a set"),
        &[&["layer"], IN_GRID, &["f_png"], SHOWN],
        PNG,
    )
    .with_style(),
    Operation::plain(
        "/collections/{layer}/styles/{style}/map",
        OperationKind::Api,
        (
            "ogc.collection.style.getMap",
            "A map of a collection, in a style",
        ),
        &[&["drawn_layer", "path_style"], API_MAP, SHOWN],
        PNG,
    )
    .with_style(),
    Operation::document(
        "/collections/{layer}/styles/{style}/map/tiles",
        (
            "ogc.collection.style.map.getTileSetsList",
            "The sets of tiles of a collection, in a style",
        ),
        &[&["drawn_layer", "path_style", "f"]],
        &[("application/json", "TileSets"), (HTML, "")],
    ),
    Operation::document(
        "/collections/{layer}/styles/{style}/map/tiles/{set}",
        (
            "ogc.collection.style.map.getTileSet",
            "A set of tiles, in a style",
        ),
        &[&["drawn_layer", "path_style", "path_set", "f"], SHOWN],
        &[("application/json", "TileSet"), (HTML, "")],
    )
    .with_style(),
    Operation::plain(
        "/collections/{layer}/styles/{style}/map/tiles/{set}/{matrix}/{row}/{column}",
        OperationKind::Api,
        (
            "ogc.collection.style.map.getTile",
            "A tile of a set, in a style",
        ),
        &[&["drawn_layer", "path_style"], IN_GRID, &["f_png"], SHOWN],
        PNG,
    )
    .with_style(),
    Operation::document(
        "/tileMatrixSets",
        ("ogc.getTileMatrixSetsList", "The grids of tiles"),
        &[&["f"]],
        &[("application/json", "TileMatrixSets"), (HTML, "")],
    ),
    Operation::document(
        "/tileMatrixSets/{set}",
        ("ogc.getTileMatrixSet", "One grid of tiles"),
        &[&["path_set", "f"]],
        &[("application/json", "TileMatrixSet"), (HTML, "")],
    ),
    Operation::plain(
        "/wms",
        OperationKind::Service,
        ("wms", "Web Map Service 1.1.1 and 1.3.0"),
        &[&[
            "wms_request",
            "ogc_service",
            "ogc_version",
            "wms_layers",
            "wms_query_layers",
            "ogc_layer",
            "wms_styles",
            "ogc_style",
            "wms_crs",
            "wms_srs",
            "wms_bbox",
            "wms_width",
            "wms_height",
            "ogc_format",
            "wms_transparent",
            "wms_bgcolor",
            "ogc_time",
            "wms_info_format",
            "ogc_i",
            "ogc_j",
        ]],
        SERVICE,
    ),
    Operation::plain(
        "/wmts",
        OperationKind::Service,
        ("wmts", "Web Map Tile Service 1.0.0"),
        &[&[
            "wmts_request",
            "ogc_service",
            "ogc_version",
            "ogc_layer",
            "ogc_style",
            "wmts_set",
            "wmts_matrix",
            "wmts_row",
            "wmts_column",
            "ogc_format",
            "ogc_time",
            "wmts_info_format",
            "ogc_i",
            "ogc_j",
        ]],
        SERVICE,
    ),
    Operation::plain(
        "/wmts/1.0.0/WMTSCapabilities.xml",
        OperationKind::Service,
        (
            "wmtsCapabilities",
            "The capabilities of the Web Map Tile Service",
        ),
        &[],
        XML,
    ),
    Operation::plain(
        "/wmts/{layer}/{style}/{set}/{matrix}/{row}/{column}",
        OperationKind::Service,
        ("wmtsTile", "A tile of the Web Map Tile Service"),
        &[&["drawn_layer", "path_style"], IN_GRID],
        PNG,
    )
    .at("/wmts/{layer}/{style}/{set}/{matrix}/{row}/{column}.png"),
    Operation::plain(
        "/wmts/{layer}/{style}/{set}/{matrix}/{row}/{column}/{j}/{i}",
        OperationKind::Service,
        ("wmtsValue", "The value at a pixel of a tile"),
        &[
            &["drawn_layer", "path_style"],
            IN_GRID,
            &["path_j", "path_i"],
        ],
        &[("application/json", "PixelValue")],
    )
    .at("/wmts/{layer}/{style}/{set}/{matrix}/{row}/{column}/{j}/{i}.json"),
    Operation::plain(
        "/health",
        OperationKind::Probe,
        ("health", "Whether the server runs"),
        &[],
        &[("application/json", "State")],
    ),
    Operation::plain(
        "/ready",
        OperationKind::Probe,
        ("ready", "Whether every layer is loaded"),
        &[],
        &[("application/json", "State")],
    ),
    Operation::plain(
        "/metrics",
        OperationKind::Probe,
        ("metrics", "Counts and times for Prometheus"),
        &[],
        &[("text/plain; version=0.0.4; charset=utf-8", "")],
    ),
    Operation::plain(
        "/layers",
        OperationKind::Posting(Post::Make),
        ("postLayer", "A layer of a query or of points is made"),
        &[ROWS],
        &[("application/json", "PostedLayer")],
    )
    .with_style(),
    Operation::plain(
        "/layers/{id}",
        OperationKind::Posting(Post::Replace),
        (
            "replacePoints",
            "Other points take the place of those of a layer",
        ),
        &[&["posted_layer"], ROWS],
        &[("application/json", "PostedLayer")],
    )
    .with_style(),
    Operation::plain(
        "/layers/{id}",
        OperationKind::Posting(Post::Remove),
        ("deleteLayer", "A posted layer is removed"),
        &[&["posted_layer"]],
        &[],
    ),
];
