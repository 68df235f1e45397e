"""Data of all libraries become the same points; what can't be used is refused in plain words."""

import datetime as dt

import numpy as np
import pytest

import heatsplat as hs

duckdb = pytest.importorskip("duckdb")
gpd = pytest.importorskip("geopandas")
pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
xr = pytest.importorskip("xarray")


@pytest.fixture(scope="module")
def frame(columns):
    lon, lat, weight = columns
    kind = np.where(np.arange(len(lon)) % 3 == 0, "fraud", "theft")
    hours = np.arange(len(lon)).astype("timedelta64[h]")
    time = np.datetime64("2024-01-01T00:00:00") + hours
    return pd.DataFrame({"lon": lon, "lat": lat, "weight": weight, "kind": kind, "time": time})


@pytest.fixture(scope="module")
def wanted(columns):
    lon, lat, weight = columns
    return hs.Layer(lon=lon, lat=lat, weight=weight).tile(1, 1, 0)


def forms(frame):
    """The same rows in the types of all libraries."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    points = gpd.points_from_xy(frame["lon"], frame["lat"], crs=4326)
    geo = gpd.GeoDataFrame(frame[["weight", "kind"]], geometry=points)
    yield "pandas", frame, {}
    yield "pandas of arrow", frame.convert_dtypes(dtype_backend="pyarrow"), {}
    yield "pyarrow", table, {}
    yield "batches", table.to_reader(max_chunksize=777), {}
    yield "polars", pl.from_pandas(frame), {}
    yield "duckdb", duckdb.sql("select * from frame"), {}
    yield "rows", frame[["lon", "lat", "weight"]].to_numpy(), {}
    yield "tuples", list(frame[["lon", "lat", "weight"]].itertuples(index=False, name=None)), {}
    yield "geopandas", geo, {}
    yield (
        "geopandas, degrees",
        geo.assign(lon=frame["lon"], lat=frame["lat"]),
        {
            "lon": "lon",
            "lat": "lat",
        },
    )
    yield "series of pandas", None, {name: frame[name] for name in ("lon", "lat", "weight")}
    yield (
        "series of polars",
        None,
        {name: pl.from_pandas(frame)[name] for name in ("lon", "lat", "weight")},
    )
    yield "xarray", xr.Dataset.from_dataframe(frame[["lon", "lat", "weight"]]), {"weight": "weight"}


def test_all_libraries_give_the_same_tile(frame, wanted):
    for name, data, arguments in forms(frame):
        assert hs.Layer(data, **arguments).tile(1, 1, 0) == wanted, name


def test_frames_of_pandas_have_an_accessor(frame, wanted):
    import heatsplat.pandas

    assert frame.heat.layer().tile(1, 1, 0) == wanted
    styled = frame.heat.layer("lon", "lat", "weight", time="time", ramp="magma")
    assert styled.style["ramp"] == "magma" and 0 < len(styled.between(None, "2024-02-01"))
    points = gpd.points_from_xy(frame["lon"], frame["lat"], crs=4326)
    geo = gpd.GeoDataFrame(frame[["weight"]], geometry=points)
    assert geo.heat.layer().tile(1, 1, 0) == wanted
    assert heatsplat.pandas.HeatAccessor


def test_types_of_arrow(frame):
    lon, lat = [1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]
    wanted = hs.Layer(lon=lon, lat=lat, weight=[1, 2, 3, np.nan], radius=9).tile(0, 0, 0)
    weights = [1, 2, 3, None]
    for kind in [
        pa.int8(),
        pa.uint16(),
        pa.int64(),
        pa.float16(),
        pa.float32(),
        pa.float64(),
        pa.decimal128(9, 2),
    ]:
        values = [None if w is None else np.float16(w) for w in weights]
        column = pa.array(values if kind == pa.float16() else weights, kind)
        for degrees in (pa.float64(), pa.float32()):
            table = pa.table(
                {"lon": pa.array(lon, degrees), "lat": pa.array(lat, degrees), "weight": column}
            )
            assert hs.Layer(table, radius=9).tile(0, 0, 0) == wanted, (kind, degrees)
            table = table.set_column(2, "weight", column.dictionary_encode())
            assert hs.Layer(table, radius=9).tile(0, 0, 0) == wanted, (kind, "dictionary")


def test_types_of_numpy():
    lon, lat = [1, 2, 3], [10, 20, 30]
    wanted = hs.Layer(lon=lon, lat=lat, radius=9).tile(0, 0, 0)
    for kind in ("i1", "u2", "i8", "f4", "f8", ">f8", "O"):
        of_kind = hs.Layer(lon=np.array(lon, kind), lat=np.array(lat, kind), radius=9)
        assert of_kind.tile(0, 0, 0) == wanted, kind
    every_other = np.array([1, 0, 2, 0, 3], "f8")[::2]
    assert hs.Layer(lon=every_other, lat=lat, radius=9).tile(0, 0, 0) == wanted
    masked = np.ma.masked_array([1.0, 2, 3, 99], mask=[0, 0, 0, 1])
    layer = hs.Layer(lon=masked, lat=[*lat, 5], radius=9)
    assert layer.tile(0, 0, 0) == wanted
    assert layer.report.skipped == {"no position": 1}


def test_columns_are_told_apart_by_their_names():
    same = pa.table({"lon": [1.0, 2.0], "lat": [1.0, 2.0]})
    assert len(hs.Layer(same)) == 2
    twice = pa.table([pa.array([1.0])] * 3, names=["lon", "lat", "lat"])
    with pytest.raises(hs.DataError, match="'lat'"):
        hs.Layer(twice)


def test_masked_rows_and_nulls_are_missing():
    rows = np.ma.array([[1, 2, 3], [99, 3, 1], [5, 6, 6]], mask=[[0, 0, 0], [1, 0, 0], [0, 0, 1]])
    layer = hs.Layer(rows)
    assert (len(layer), layer.total) == (2, 3.0)
    nulls = hs.Layer(lon=pa.array([1.0, None]), lat=pa.array([1, 2]))
    assert (len(nulls), nulls.report.skipped) == (1, {"no position": 1})


def test_coordinates_of_other_systems(frame):
    points = gpd.points_from_xy(frame["lon"], frame["lat"], crs=4326)
    geo = gpd.GeoDataFrame(frame[["weight"]], geometry=points)
    near = geo[(geo.geometry.x.between(-10, 30)) & (geo.geometry.y.between(35, 70))]
    assert len(near) > 100
    wanted = hs.Layer(near, radius="20px").values((-10, 35, 30, 70), 300)[0]
    for crs in (3857, 3035, 32632):
        found = hs.Layer(near.to_crs(crs), radius="20px").values((-10, 35, 30, 70), 300)[0]
        assert np.abs(found - wanted).max() < wanted.max() / 500, crs
    series = near.geometry.to_crs(3857)
    assert len(hs.Layer(series)) == len(near)
    metres = pd.DataFrame({"x": series.x, "y": series.y})
    assert len(hs.Layer(metres, lon="x", lat="y", srid=3857)) == len(near)
    with pytest.raises(hs.DataError, match=r"has no CRS.*set_crs"):
        hs.Layer(near.set_crs(None, allow_override=True))


def test_bad_rows_are_counted():
    lon = [0.0, 1, 2, np.nan, 4, 5]
    lat = [0.0, 95, 86, 3, np.inf, 5]
    weight = [1, 1, 1, 1, 1, 1e300]
    report = hs.Layer(lon=lon, lat=lat, weight=weight).report
    assert report.skipped == {"no position": 1, "bad position": 2, "outside": 1, "bad weight": 1}
    assert (report.rows, report.kept, report.at_null_island) == (6, 1, 1)
    assert [row.row for row in report.examples] == [1, 2, 3, 4, 5]
    assert "row 1: bad position: latitude 95" in str(report)
    table = pd.DataFrame({"lon": lon, "lat": lat, "weight": [1, None, 3, 4, 5, 6]})
    of_table = hs.Layer(table).report
    assert of_table.kept == 2
    assert [row.row for row in of_table.examples] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("data", "arguments", "words"),
    [
        (None, {}, "no data"),
        (None, {"lon": [1.0]}, "lon= and lat="),
        (None, {"lon": [1.0], "lat": [1.0, 2.0]}, "lat: 2 values for 1 longitudes"),
        (None, {"lon": ["a"], "lat": [1.0]}, "lon= has the dtype .*: expected numbers"),
        (None, {"lon": [[1.0]], "lat": [[1.0]]}, "lon= has 2 dimensions"),
        (
            None,
            {"lon": np.array([object()]), "lat": [1.0]},
            "lon= holds values that are no numbers",
        ),
        (None, {"lon": [1.0], "lat": [1.0], "keep": ["a"]}, "keep= needs a table"),
        (None, {"lon": [], "lat": []}, "no rows"),
        ([], {}, "no rows"),
        ([(1, 2, 3, 4)], {}, "these have the shape"),
        ([("a", "b")], {}, "rows are tuples"),
        (42, {}, "a int is no table"),
        (pd.DataFrame({"lon": [1.0], "lat": [2.0]}), {"weight": "wight"}, "wight.*lon.*lat"),
        (pd.DataFrame({"lon": [1.0], "lat": [2.0]}), {"keep": ["kind"]}, "kind.*lon.*lat"),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), {}, "lon="),
        (pd.DataFrame({"lon": [1.0], "lat": [2.0]}).iloc[:0], {}, "no rows"),
        (pd.DataFrame([[1.0, 2.0, 3.0]], columns=["lon", "lat", "lat"]), {}, "the name .lat."),
        (pd.DataFrame({"lon": [1.0], "lat": [2.0]}), {"filter": "lon >"}, "filter="),
        (pd.DataFrame({"lon": [1.0], "lat": [2.0]}), {"options": {"colour": 1}}, "colour="),
        (pd.DataFrame({"lon": [48.0] * 9, "lat": [120.0] * 9}), {}, "lon=.?lat. lat=.?lon"),
        (pd.DataFrame({"lon": [1.0], "lat": [2.0]}), {"within": (1, 2)}, "within= has four"),
    ],
)
def test_messages_say_what_to_do(data, arguments, words):
    with pytest.raises(hs.DataError, match=f"(?s){words}"):
        hs.Layer(data, **arguments)


def test_areas_become_points_where_an_option_asks_for_them(tmp_path):
    path = tmp_path / "a.geojson"
    path.write_text(
        '{"type":"Polygon","coordinates":[[[5,50],[9,50],[9,54],[5,54],[5,50]]]}', encoding="utf-8"
    )
    layer = hs.Layer(str(path), options={"areas": "centroid"}, radius="9px")
    assert layer.report.kept == 1
    with pytest.raises(hs.DataError, match="areas"):
        hs.Layer(str(path), options={"areas": "middle"}, radius="9px")


def test_files_that_are_not_there():
    with pytest.raises(FileNotFoundError, match=r"nowhere\.csv"):
        hs.Layer("nowhere.csv")


def test_filters_and_times(frame):
    layer = hs.Layer(frame, keep=["kind"], time="time", radius="9px")
    theft = layer.filter("kind = 'theft'")
    direct = hs.Layer(frame[frame["kind"] == "theft"], radius="9px")
    assert len(theft) == len(direct) < len(layer)
    assert theft.tile(0, 0, 0) == direct.tile(0, 0, 0)
    start, end = dt.datetime(2024, 2, 1), dt.datetime(2024, 3, 1)
    month = theft.between(start, end)
    of_month = (frame["time"] >= start) & (frame["time"] < end) & (frame["kind"] == "theft")
    assert len(month) == of_month.sum() > 0
    assert len(layer.between(None, np.datetime64("2024-01-01T05:00"))) == 5
    assert layer.between(None, None) is layer
    with pytest.raises(hs.DataError, match="time=NAME"):
        direct.between(start, end)
    with pytest.raises(hs.DataError, match="keep="):
        direct.filter("kind = 'theft'")
    with pytest.raises(hs.DataError, match="kind"):
        layer.filter("colour = 'red'")


def test_values_of_a_grid_are_weights():
    grid = xr.DataArray(
        [[1.0, 2.0], [3.0, np.nan]],
        coords={"lat": [10.0, 20.0], "lon": [5.0, 6.0]},
        dims=("lat", "lon"),
    )
    layer = hs.Layer(grid)
    assert (len(layer), layer.total, layer.report.weights_missing) == (4, 6.0, 1)
