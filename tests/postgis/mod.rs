//! PostGIS: a real database of the tests' own, and everything that can happen to it.
//!
//! Without PostgreSQL and PostGIS these tests say that they are left out; under
//! `HEATSPLAT_REQUIRE_ALL=1` they fail.

/// A PostgreSQL in a temporary folder.
mod cluster;
/// HTTP as an odd client speaks it.
mod http;
/// A connection with a mind of its own.
mod proxy;

/// Clients that go away.
mod aborts;
/// A database that dies, hangs, drips and comes back.
mod faults;
/// GDAL and Mapnik draw what we serve and what we write.
mod gdal;
/// Rows of every kind.
mod geometries;
/// Queries that mean harm.
mod hostile;
/// Layers that are made by posting a query.
mod posted;
/// Layers that are read again, and tables that become layers.
mod reload;
/// Roles that may do more than they should, and what is asked of a database beforehand.
mod roles;
/// Reference systems of all kinds, and longitudes beyond ±180°.
mod systems;
/// One set of points, read in every way.
mod tiles;
