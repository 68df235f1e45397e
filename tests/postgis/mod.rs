//! PostGIS: a real database that the tests start, and everything that can happen to it.
//!
//! Without PostgreSQL and PostGIS these tests are left out with a message. With
//! `HEATSPLAT_REQUIRE_ALL=1` they fail.

/// A PostgreSQL server in a temporary folder.
mod cluster;
/// Requests over HTTP, with any headers.
mod http;
/// A proxy before the database that can disturb the connection.
mod proxy;

/// Clients that disconnect before they get an answer.
mod aborts;
/// Areas that become points.
mod areas;
/// A database that dies, hangs, sends slowly, or comes back.
mod faults;
/// GDAL and Mapnik read what heatsplat serves and writes.
mod gdal;
/// Rows with geometries of every kind.
mod geometries;
/// Queries that try to do harm.
mod hostile;
/// Layers that are made by posting a query.
mod posted;
/// Layers that are read again, and tables that are published as layers.
mod reload;
/// Roles that may do more than read, and checks of a database before it is used.
mod roles;
/// Snapshots that are posted: their limits.
mod snapshots;
/// Reference systems of all kinds, and longitudes beyond ±180°.
mod systems;
/// The tiles of one set of points, which is read in every way.
mod tiles;
