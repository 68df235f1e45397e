//! The flags of a source of points: about its format, its columns and its rows.

use super::error::BoxError;
use super::packed::{self, PackedSource};
use super::postgis::{self, DatabaseFlags};
use super::shard::{Shard, ShardSource};
use super::units::metres;
use clap::Args;
use heatsplat::import;
use heatsplat::points::{LonLatBox, LonLatBoxError};
use heatsplat_loader::{
    AreaRule, AxisOrder, DecimalMark, Encoding, Filter, InputFormat, LineRule, LoadError,
    LoadOptions, Parameter, Quote, RasterExtent, ShapeRules, Source, TimeFormat, open,
    open_command, shown_source,
};
use heatsplat_time::{Step, Zone};

/// Flags that choose how to read a source.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "How to read the source")]
pub(super) struct SourceFlags {
    /// The column of longitudes [default: found by its name]
    #[arg(long, value_name = "COLUMN")]
    pub(super) lon: Option<String>,
    /// The column of latitudes [default: found by its name]
    #[arg(long, value_name = "COLUMN")]
    pub(super) lat: Option<String>,
    /// The pair of columns to read, if there are several: `pickup` for pickup_longitude and
    /// pickup_latitude
    #[arg(long, value_name = "NAME")]
    pub(super) pair: Option<String>,
    /// The column of weights, or `none` to count every row once [default: found by its name]
    #[arg(long, value_name = "COLUMN|none")]
    pub(super) weight: Option<String>,
    /// The unit of the weights, for example people, which legends and values name; not of layers
    /// that are read live [default: the name of the weights' column, or rows]
    #[arg(long, value_name = "TEXT")]
    pub(super) unit: Option<String>,
    /// A column with a radius in pixels for each point; where it is empty or 0, the point has the
    /// style's radius
    #[arg(long, value_name = "COLUMN")]
    pub(super) radius_column: Option<String>,
    /// csv, tsv, geojson, geojsonl, json (rows that are not GeoJSON), shapefile, geopackage,
    /// flatgeobuf, parquet, arrow, gpx, kml, tcx, fit, nmea, xlsx, geotiff, npy or zip [default:
    /// found by name and content]
    #[arg(long)]
    pub(super) format: Option<InputFormat>,
    /// The file to read in a zip archive [default: its only data set]
    #[arg(long, value_name = "NAME")]
    pub(super) member: Option<String>,
    /// The table to read: a table of a database, a sheet of an Excel workbook, or one of several
    /// tables of points in a GeoPackage
    #[arg(long, value_name = "TABLE")]
    pub(super) table: Vec<String>,
    /// Only rows that fulfil a condition: "kind = 'theft' and time >= 2010-03-01". The values of a
    /// text column are read as numbers to compare them with a number, as dates to compare them with
    /// a date (quoted or not), and as texts to compare them with other text in quotes. Rows whose
    /// value can't be read so are left out and counted; docs/filters.md
    #[arg(long, value_name = "CONDITION")]
    pub(super) filter: Option<Filter>,
    /// Format of dates whose year doesn't come first: %m/%d/%Y, %d.%m.%Y %H:%M (strptime), or the
    /// unit of numbers since 1970: seconds, milliseconds, microseconds, nanoseconds. May be given
    /// several times, for --filter and --keep [default: no order of day and month is guessed]
    #[arg(long, value_name = "FORMAT")]
    pub(super) time_format: Vec<TimeFormat>,
    /// Columns to keep for each point, to filter tiles by: ?filter=kind = 'theft' in their
    /// addresses. Costs 8 bytes a point for numbers and times, 1 to 4 for texts
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub(super) keep: Vec<String>,
    /// The column of times, of which windows can be drawn: ?time=2019-06 in addresses of tiles, or
    /// `render --window 2019-06`. Costs 16 bytes a point; docs/time.md [default: the only column of
    /// times among those of --keep, unless this is `none`]
    #[arg(long, value_name = "COLUMN|none")]
    pub(super) time: Option<String>,
    /// The step in which times are counted, like 1h, 15min, 1d or PT1H [default: the finest step of
    /// which the range of times has at most 65536]
    #[arg(long, value_name = "STEP")]
    pub(super) time_step: Option<Step>,
    /// The time zone in which days begin: UTC, an offset like +02:00, or a name like Europe/Berlin
    /// [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub(super) time_zone: Option<Zone>,
    /// A column whose values have colours of their own, mixed where points of several values meet:
    /// the ten most frequent values, and grey for all others
    #[arg(long, value_name = "COLUMN")]
    pub(super) by: Option<String>,
    /// Only rows in this box, in degrees; of files with an index, only this part is read
    #[arg(long, value_name = "W,S,E,N", allow_hyphen_values = true, value_parser = within)]
    pub(super) within: Option<LonLatBox>,
    /// Separator of the fields of a CSV file: one character, or `tab` [default: found]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub(super) delimiter: Option<u8>,
    /// Quote around fields of a CSV file: one character, or `none` [default: `"`, but read as text
    /// if several rows would become one field; in text separated by tabs only around whole fields]
    #[arg(long, value_name = "CHARACTER|none")]
    pub(super) quote: Option<Quote>,
    /// Decimal mark of numbers in a CSV file: a comma or a point. With it, marks between thousands
    /// are read too [default: found]
    #[arg(long, value_name = "MARK")]
    pub(super) decimal: Option<DecimalMark>,
    /// Order of coordinates without names in JSON, as in [48.1, 11.5]: `lat,lon` or `lon,lat`
    /// [default: by convention and by values beyond ±90]
    #[arg(long, value_name = "ORDER")]
    pub(super) order: Option<AxisOrder>,
    /// Path of the rows in JSON that is not GeoJSON, like data.rows; `$` is the whole document
    /// [default: the array whose elements have positions]
    #[arg(long, value_name = "PATH")]
    pub(super) rows: Option<String>,
    /// Encoding of text: utf-8, windows-1252, utf-16, shift_jis … [default: UTF-8 or UTF-16, or
    /// what XML declares; values that are no UTF-8 are windows-1252]
    #[arg(long, value_name = "NAME")]
    pub(super) encoding: Option<Encoding>,
    /// The reference system of positions or geometries that state none: its EPSG
    /// number, as 25832 or EPSG:25832
    #[arg(long, visible_alias = "crs", value_name = "EPSG", value_parser = epsg)]
    pub(super) srid: Option<u32>,
    /// The box that a raster covers, in degrees or in the system of --srid: west, south, east,
    /// north. For arrays of NumPy, and other rasters that state no place; the first row is the
    /// northern one
    #[arg(long, value_name = "W,S,E,N", allow_hyphen_values = true)]
    pub(super) extent: Option<RasterExtent>,
    /// Largest error of positions to accept, like 50m, if a file's datum can't be shifted to WGS 84
    /// more exactly without a grid, which is not read here [default: 5m]
    #[arg(long, value_name = "METRES", value_parser = metres)]
    pub(super) datum_error: Option<f64>,
    /// Points for Polygons and MultiPolygons: `centroid` (of all polygons of a row, in the data's
    /// own coordinates, as PostGIS has it), `surface` (a point inside), `vertices` (each vertex
    /// with the row's weight), or `skip`, which counts them as skipped; docs/areas.md [default:
    /// skip]
    #[arg(long, value_name = "RULE")]
    pub(super) areas: Option<AreaRule>,
    /// Points for LineStrings and MultiLineStrings: `vertices` (each vertex with the row's weight),
    /// or `skip`; positions of GPX, TCX and FIT tracks are always points [default: skip]
    #[arg(long, value_name = "RULE")]
    pub(super) lines: Option<LineRule>,
    /// Stop at the first row that gives no point, instead of skipping and counting it
    #[arg(long)]
    pub(super) strict: bool,
    /// The column with the geometries or whole positions, if several could be it [default: a file's
    /// primary column, a table's only one; columns of texts are found by their values]
    #[arg(long, value_name = "COLUMN")]
    pub(super) geom: Option<String>,
    /// Limit of the temporary file into which a member of an archive, or a file at an address, is
    /// copied if its format or its server allows no other reading, like 500M or 20G [default: 4G]
    #[arg(long, value_name = "SIZE", value_parser = super::units::bytes)]
    pub(super) download_limit: Option<u64>,
    #[command(flatten)]
    pub(super) database: DatabaseFlags,
    /// True if `lon` and `lat` were not set by the user but by a heat map's configuration, which
    /// may have been made for another kind of source.
    #[arg(skip)]
    pub(super) has_suggested_axes: bool,
    /// True to keep all columns of a packed file whose rows are read, if --keep names none.
    #[arg(skip)]
    pub(super) keeps_all: bool,
    /// The part of the rows that is read; `None` for all. Only `pack` sets it.
    #[arg(skip)]
    pub(super) shard: Option<Shard>,
    /// The command whose output is read in place of a file; `None` for all other sources.
    #[arg(skip)]
    pub(super) command: Option<String>,
}

impl SourceFlags {
    /// Opens a source. This finds out its format and its columns; its rows are not read yet.
    pub(super) fn open(&self, source: &str) -> Result<Box<dyn Source>, BoxError> {
        let opened = self.open_all(source)?;
        Ok(match self.shard {
            Some(shard) => Box::new(ShardSource::new(opened, shard)),
            None => opened,
        })
    }

    fn open_all(&self, source: &str) -> Result<Box<dyn Source>, BoxError> {
        if let Some(command) = &self.command {
            self.database.check_unused()?;
            return open_command(command, &self.options()).map_err(|error| self.blamed(error));
        }
        if let Some(opened) = postgis::open(source, self) {
            return opened;
        }
        self.database.check_unused()?;
        if packed::is_packed(source) {
            return self.open_packed_rows(source);
        }
        open(source, &self.options()).map_err(|error| self.blamed(error))
    }

    /// Opens a packed file as a source of rows.
    fn open_packed_rows(&self, source: &str) -> Result<Box<dyn Source>, BoxError> {
        self.check_packed(source)?;
        let keep_all = self.keeps_all && self.keep.is_empty() && self.radius_column.is_none();
        let of_columns = [
            ("--filter", self.filter.is_some()),
            ("--keep", !self.keep.is_empty()),
            ("--by", self.by.is_some()),
            ("--radius-column", self.radius_column.is_some()),
            ("--time", self.time_column().is_some()),
        ];
        let flag = of_columns.into_iter().find(|(_, is_given)| *is_given);
        let flag = flag.map(|(flag, _)| flag);
        let opened = PackedSource::open_rows(source, self.options(), keep_all, flag);
        opened.map_err(|error| match error.downcast::<LoadError>() {
            Ok(error) => self.blamed(*error),
            Err(error) => error,
        })
    }

    /// Returns true if only some rows of a source are wanted.
    pub(super) fn choose_rows(&self) -> bool {
        self.filter.is_some() || self.within.is_some() || self.shard.is_some()
    }

    /// Returns true if the flags need the rows of a packed file in memory: to choose some of them,
    /// or for what a picture of the file can't show page by page.
    pub(super) fn need_rows(&self) -> bool {
        self.choose_rows()
            || self.by.is_some()
            || self.radius_column.is_some()
            || self.time_flag().is_some()
    }

    /// Rewords an error about a missing column, so that it names the flag that asked for the
    /// column. The loader's message names `keep` also for the columns of `--by` and
    /// `--radius-column`.
    fn blamed(&self, error: LoadError) -> BoxError {
        let LoadError::NoSuchColumn {
            parameter: Parameter::Keep,
            name,
            ..
        } = &error
        else {
            return error.into();
        };
        let is = |flag: &Option<String>| flag.as_ref() == Some(name);
        let flag = match () {
            () if is(&self.time) => "`time`",
            () if self.keep.contains(name) => return error.into(),
            () if is(&self.by) => "`by`",
            () if is(&self.radius_column) => "`radius_column`",
            () => return error.into(),
        };
        error.to_string().replacen("`keep`", flag, 1).into()
    }

    /// Opens a packed file, whose points stay in the file.
    ///
    /// # Errors
    /// The file can't be read, is damaged, or a flag is given that has no use for it.
    pub(super) fn open_packed(&self, source: &str) -> Result<PackedSource, BoxError> {
        self.check_packed(source)?;
        if !self.keep.is_empty() {
            return Err(format!(
                "{}: --keep is for rows that are read into memory, as those that --filter or --within \
                 choose; the columns of a packed file are there without it",
                shown_source(source)
            )
            .into());
        }
        PackedSource::open(source)
    }

    /// Returns an error if a flag is given that states how to read the columns of a source: a
    /// packed file is read as it was packed.
    fn check_packed(&self, source: &str) -> Result<(), BoxError> {
        let axes = !self.has_suggested_axes && (self.lon.is_some() || self.lat.is_some());
        let given = [
            ("--areas", self.areas.is_some()),
            ("--lines", self.lines.is_some()),
            ("--weight", self.weight.is_some()),
            ("--lon and --lat", axes),
            ("--pair", self.pair.is_some()),
            ("--table", !self.table.is_empty()),
            ("--member", self.member.is_some()),
            ("--format", self.format.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((flag, _)) => Err(format!(
                "{}: {flag} is for sources that are no packed file, which is read as it was packed: \
                 give it to `heatsplat pack`, or read the original source",
                shown_source(source)
            )
            .into()),
            None => self.database.check_unused().map_err(BoxError::from),
        }
    }

    /// Checks that a file has a supported format, and columns with positions. Its rows are not
    /// read.
    pub(super) fn can_open(&self, file: &str) -> Result<(), BoxError> {
        match packed::is_packed(file) {
            true if self.need_rows() => drop(self.open_packed_rows(file)?),
            true => drop(self.open_packed(file)?),
            false => drop(open(file, &self.options())?),
        }
        Ok(())
    }

    /// Sets the flags of columns to the columns that a heat map's configuration names, except flags
    /// that the user has set.
    pub(super) fn suggest(&mut self, columns: &import::ColumnNames) {
        let is_free = self.lon.is_none() && self.lat.is_none();
        self.has_suggested_axes |= is_free && (columns.lon.is_some() || columns.lat.is_some());
        for (flag, column) in [
            (&mut self.lon, &columns.lon),
            (&mut self.lat, &columns.lat),
            (&mut self.weight, &columns.weight),
            (&mut self.radius_column, &columns.radius),
        ] {
            if flag.is_none() {
                flag.clone_from(column);
            }
        }
    }

    /// Sets the flag of the separator to the one that a Mapnik map states for its CSV file, unless
    /// the user has set it.
    pub(super) fn suggest_delimiter(&mut self, separator: Option<&str>) {
        let byte = separator.and_then(|text| delimiter(text).ok());
        self.delimiter = self.delimiter.or(byte);
    }

    /// A flag that the user has given of those that put points on a timeline; `None` if there is
    /// none. Messages about sources without times name it.
    pub(super) fn time_flag(&self) -> Option<&'static str> {
        let given = [
            ("--time", self.time_column().is_some()),
            ("--time-step", self.time_step.is_some()),
            ("--time-zone", self.time_zone.is_some()),
        ];
        let mut given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.next().map(|(flag, _)| flag)
    }

    /// The name of the column in `--time`. `None` without this flag, and for `--time none`.
    pub(super) fn time_column(&self) -> Option<&str> {
        let named = self.time.as_deref();
        named.filter(|name| !name.eq_ignore_ascii_case("none"))
    }

    /// A text that changes if one of the flags changes on which the points of a file depend. An
    /// unfinished pack stores it, so that it is resumed with the same flags only.
    pub(super) fn for_log(&self) -> String {
        let shard = self.shard.map(|shard| format!(" {shard}"));
        format!("{:?}{}", self.options(), shard.unwrap_or_default())
    }

    /// The rules by which lines and areas become points.
    pub(super) fn shapes(&self) -> ShapeRules {
        ShapeRules {
            areas: self.areas.unwrap_or_default(),
            lines: self.lines.unwrap_or_default(),
        }
    }

    fn options(&self) -> LoadOptions {
        LoadOptions {
            format: self.format,
            lon: self.lon.clone(),
            lat: self.lat.clone(),
            pair: self.pair.clone(),
            weight: self.weight.clone(),
            delimiter: self.delimiter,
            quote: self.quote,
            decimal: self.decimal,
            order: self.order,
            rows: self.rows.clone(),
            encoding: self.encoding,
            member: self.member.clone(),
            table: self.table.first().cloned(),
            geom: self.geom.clone(),
            filter: self.filter.clone(),
            time_formats: self.time_format.clone(),
            keep: {
                let columns = self.keep.iter().chain(&self.by).chain(&self.radius_column);
                let times = self.time_column().map(str::to_owned);
                columns.cloned().chain(times).collect()
            },
            within: self.within,
            srid: self.srid,
            extent: self.extent,
            shapes: self.shapes(),
            strict: self.strict,
            datum_error: self.datum_error,
            download_limit: self.download_limit,
        }
    }
}

/// Parses the EPSG number of a coordinate reference system: `25832` or `EPSG:25832`.
fn epsg(text: &str) -> Result<u32, &'static str> {
    let name = text.trim();
    let number = match name.get(..5) {
        Some(prefix) if prefix.eq_ignore_ascii_case("EPSG:") => name.get(5..).unwrap_or_default(),
        _ => name,
    };
    match number.parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err("expected an EPSG number, such as 25832 or EPSG:25832"),
    }
}

/// Parses a box in degrees, `west,south,east,north`, that is at most as wide as the world.
fn within(text: &str) -> Result<LonLatBox, LonLatBoxError> {
    text.parse::<LonLatBox>()?.at_most_one_turn()
}

/// Parses a separator of fields: one ASCII character, or `tab`.
fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] => Ok(*byte),
        _ => Err("expected one character, or tab"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters() {
        assert_eq!(
            (delimiter(";"), delimiter("tab"), delimiter("\\t")),
            (Ok(b';'), Ok(9), Ok(9))
        );
        assert!(delimiter("").is_err() && delimiter(";;").is_err() && delimiter("é").is_err());
    }
}
