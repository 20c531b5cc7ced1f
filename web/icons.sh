#!/usr/bin/env bash
#
# Draws the icons of the installed page from www/icons/tabraft.svg. By hand,
# when that has changed: what comes of it is kept beside it.

set -euo pipefail

cd "$(dirname "$0")/../www/icons"
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# draw NAME SIZE SHARE RADIUS: a dark tile with rounded corners, a share of it the drawing.
draw() {
  {
    printf '<!doctype html><style>body{margin:0}div{width:%spx;height:%spx;' "$2" "$2"
    printf 'display:grid;place-content:center;background:#0e1215;border-radius:%s}' "$4"
    printf 'html:root{--ink:#6cb0ff;--rest:#98a3ae}svg{width:%spx}</style><div>' "$(($2 * $3 / 100))"
    cat tabraft.svg
  } >"$folder/icon.html"
  "$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1 \
    --default-background-color=00000000 --user-data-dir="$folder/profile" \
    --window-size="$2,$2" --screenshot="$PWD/$1" "file://$folder/icon.html" 2>/dev/null
}

draw tabraft-192.png 192 76 18%
draw tabraft-512.png 512 76 18%
# Launchers cut it to their own shape, within a circle of 80%.
draw tabraft-maskable-512.png 512 56 0
