#!/usr/bin/env bash
# Chromium (the web page is tested in a real browser). Installed with apt where that is allowed;
# with --report: say what could not be tested.
set -uo pipefail
missing=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
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
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
    echo "apt could not install ${missing[*]}; its tests are left out."
fi
exit 0
