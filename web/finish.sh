#!/bin/sh
#
# Makes an app of a build: gives it a number, writes that into index.html, and
# lists its files with their digests in sw.js.
#
#   web/finish.sh           called by Trunk, in whose environment the folder is:
#                           only a release build, and not while it serves
#   web/finish.sh FOLDER    this build, whether it has a number already or not

set -eu
export LC_ALL=C

if [ $# -gt 0 ]; then
  folder=$1
else
  folder=$TRUNK_STAGING_DIR
  [ "$TRUNK_PROFILE" = release ] || exit 0
  # What is rebuilt at every change must not be kept by browsers.
  case " $(ps -o args= -p "$PPID" 2>/dev/null || true) " in *" serve "*) exit 0 ;; esac
fi
cd "$folder"

die() { printf 'finish.sh: %s\n' "$1" >&2; exit 1; }

# digests FILE...: a line each, the digest first.
if command -v sha256sum >/dev/null 2>&1; then digests() { sha256sum "$@"; }
elif command -v shasum >/dev/null 2>&1; then digests() { shasum -a 256 "$@"; }
else die "there is neither sha256sum nor shasum"
fi

# edited FILE PROGRAM: edits it in place with sed.
edited() {
  sed "$2" "$1" >"$1.new"
  mv "$1.new" "$1"
}

# number NUMBER: into index.html, and into the addresses by which the experiments are loaded,
# whose names have no hash.
number() {
  query=${1:+?build=$1}
  edited index.html "s/\(<meta name=\"build\" content=\)\"[0-9a-f]*\"/\1\"$1\"/
    s|\(src=\"experiments/index.js\)[^\"]*\"|\1$query\"|"
  for script in experiments/*.js; do
    edited "$script" "s|\( from \"\./[a-z0-9]*\.js\)[^\"]*\"|\1$query\"|"
  done
}

number ""
grep -q '<meta name="build" content=""' index.html || die "index.html has no place for the number"
edited sw.js 's/^const BUILD = .*/const BUILD = "";/; s/^const FILES = .*/const FILES = {};/'

files=$(find . -type f ! -name '.*' ! -name sw.js | sed 's|^\./||' | sort)
if printf '%s\n' "$files" | grep '[^A-Za-z0-9._/-]' >&2; then die "cannot list this name"; fi
build=$(digests $files sw.js | digests - | cut -c 1-16)

number "$build"
# The page is asked for by its folder: servers may redirect its name there.
list=$(digests $files | sed 's|^\([0-9a-f]*\)  *\*\{0,1\}\(.*\)$|"\2":"\1"|; s|^"index.html"|"./"|' | tr '\n' ',')
edited sw.js "s|^const BUILD = .*|const BUILD = \"$build\";|; s|^const FILES = .*|const FILES = {${list%,}};|"
grep -q "^const BUILD = \"$build\";" sw.js || die "sw.js has no place for the number"
