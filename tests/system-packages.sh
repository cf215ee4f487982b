#!/usr/bin/env bash
# What the tests use of the system: Chromium (the web page in a real browser), PostgreSQL with PostGIS (the tests start
# and end a server of their own), GDAL's tools and QGIS (real clients of the service). Installed with apt where that is
# allowed; with --report: say what could not be tested.
set -uo pipefail
missing=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
# The metapackage: the names of what it brings have the version of the release's PostgreSQL.
compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null && compgen -G "/usr/share/postgresql/*/extension/postgis.control" >/dev/null ||
  missing+=(postgresql-postgis)
command -v ogr2ogr >/dev/null || missing+=(gdal-bin)
[ -d /usr/lib/python3/dist-packages/qgis ] || missing+=(python3-qgis)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "${1:-}" = "--report" ]; then
  echo "Not tested, because it is not installed: ${missing[*]}"
  exit 0
fi
sudo=""
[ "$(id -u)" -eq 0 ] || sudo="sudo -n"
if command -v apt-get >/dev/null && $sudo true 2>/dev/null; then
  echo "Installing ${missing[*]} for the tests ..."
  $sudo apt-get update -qq >/dev/null 2>&1
  # One by one where not all can be had: a package that a release lacks does not keep the others away.
  install() { DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1; }
  install "${missing[@]}" || for package in "${missing[@]}"; do
    install "$package" || echo "apt could not install $package; its tests are left out."
  done
fi
exit 0
