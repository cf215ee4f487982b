"""`geoplan seed`: the tiles of a pack as one PMTiles archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.console import progress_bar


def seed(
    pack: Annotated[Path, typer.Argument(help="Folder of a pack.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Archive to write (.pmtiles).")],
    min_zoom: Annotated[int, typer.Option(help="First zoom.")] = 0,
    max_zoom: Annotated[int, typer.Option(help="Last zoom.")] = 14,
    workers: Annotated[int, typer.Option(help="Processes that encode; 0: one a core.")] = 0,
) -> None:
    """Write all vector tiles of a pack into one PMTiles archive, which any static file server can serve."""
    from geoplan.tiles.seed import seed as write_archive

    with progress_bar("Seeding") as progress:
        count = write_archive(pack, output, min_zoom=min_zoom, max_zoom=max_zoom, workers=workers, progress=progress)
    print(f"{output}: {count} tiles of zoom {min_zoom} to {max_zoom} ({output.stat().st_size / 1e6:.1f} MB).")
