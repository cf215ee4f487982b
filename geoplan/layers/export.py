"""A layer as a file for other programs."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Literal

from geoplan.layers.build import LIST_COLUMNS

if TYPE_CHECKING:
    import geopandas as gpd

ExportFormat = Literal["geojson", "parquet", "csv"]


def export_layer(frame: gpd.GeoDataFrame, metadata: dict[str, Any], format_: ExportFormat) -> bytes:
    """Bytes of a layer's frame (EPSG:4490) in a file format; the same frame gives the same bytes.

    GeoJSON keeps lists as lists; GeoParquet and CSV hold them as JSON text. CSV has no geometry and starts with a
    byte order mark, so that a spreadsheet reads its Chinese.
    """
    if format_ == "geojson":
        from geoplan.layers.geojson import geojson_features

        collection = {
            "type": "FeatureCollection",
            "name": metadata["id"],
            "title": metadata["title"],
            "sources": metadata["sources"],
            "features": geojson_features(frame),
        }
        return (json.dumps(collection, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
    flat = frame.copy()
    for name in LIST_COLUMNS:
        if name in flat:
            flat[name] = [json.dumps(value, ensure_ascii=False) for value in flat[name]]
    if format_ == "csv":
        table = flat.drop(columns=flat.geometry.name)
        text: str = table.to_csv(index=False, lineterminator="\r\n")
        return text.encode("utf-8-sig")
    stream = io.BytesIO()
    flat.to_parquet(stream, compression="zstd", index=False)
    data: bytes = stream.getvalue()
    return data
