"""The build: from sources, records and layer files to a version that services can read."""

from geoplan.pipeline.build import BuildResult, run_build
from geoplan.pipeline.check import check_project
from geoplan.pipeline.progress import Progress, silent

__all__ = ["BuildResult", "Progress", "check_project", "run_build", "silent"]
