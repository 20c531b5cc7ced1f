#!/usr/bin/env bash
#
# Sets up what tabraft needs, and skips what is there. `make` calls it; it can
# be interrupted and run again at any time.
#
#   web/setup.sh rust     Rust with the wasm32 library, clippy, rustfmt
#   web/setup.sh build    that, and what `trunk serve` and `trunk build` need
#   web/setup.sh test     that, browsers with their WebDriver servers, axe-core, and etcd
#   web/setup.sh bench    that, and what tabraft is measured beside: Dexie
#
# Tools go where `cargo install` puts them, so that plain `trunk serve` and
# `cargo test` work afterwards without make.

set -euo pipefail

TRUNK_VERSION=0.21.14
BINARYEN_VERSION=132.0.0
GECKODRIVER_VERSION=0.37.1
DEXIE_VERSION=4.4.7
AXE_VERSION=4.14.1

TOOLCHAIN=tabraft # the name rustup gets for Debian's toolchain
TARGET=wasm32-unknown-unknown
DEBIAN_RUST=(rustc-web cargo-web rust-web-src rust-web-llvm lld-22 rust-web-clippy rustfmt-web)
DEBIAN_BROWSERS=(chromium chromium-driver firefox-esr)
DEBIAN_WEBKIT=(webkit2gtk-driver xvfb)

top=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$top"
RUST_MIN_MINOR=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' Cargo.toml)
cargo_home=${CARGO_HOME:-$HOME/.cargo}
share=${XDG_DATA_HOME:-$HOME/.local/share}/tabraft
# Half-built tools stay here until they are installed, so that a second run
# goes on where the first was interrupted.
build_dir=${XDG_CACHE_HOME:-$HOME/.cache}/tabraft/tools
case ":$PATH:" in *":$cargo_home/bin:"*) path_has_cargo=yes ;; *) path_has_cargo=no ;; esac
export PATH="$cargo_home/bin:$PATH" RUST_BACKTRACE=0

part=${1:-build}
case $part in
  rust) steps=1 ;;
  build) steps=4 ;;
  test) steps=8 ;;
  bench) steps=9 ;;
  *) echo "setup: unknown part '$part': use rust, build, test or bench" >&2; exit 2 ;;
esac

# --- saying what happens ---------------------------------------------------

step=0
name=
step_started=0

# begin NAME: the next numbered step.
begin() { step=$((step + 1)); name=$1; step_started=$SECONDS; }
say() { printf '[%d/%d] %s: %s\n' "$step" "$steps" "$name" "$1"; }
there() { say "there${1:+ ($1)}"; }
finished() { say "done in $((SECONDS - step_started)) s${1:+ ($1)}"; }
die() { printf 'setup: %s\n' "$1" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
# Long commands show their own progress, indented under their step.
indented() {
  local line
  while IFS= read -r line; do printf '      %s\n' "$line"; done
}
version_of() { "$@" --version 2>/dev/null | head -n 1 | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1 || true; }

# --- packages of the system ------------------------------------------------

have_apt() { have apt-get && have dpkg-query; }

# as_root COMMAND...: says so when it needs sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  have sudo || die "this needs root: run '$*' as root, then start again."
  sudo "$@"
}

# Asks for the password before the output of several commands mixes.
ask_for_root() {
  [ "$(id -u)" = 0 ] && return
  have sudo || die "$name needs root and there is no sudo: run 'web/setup.sh $part' as root once."
  say "needs root, asking sudo"
  sudo -v || die "$name needs root: install it by hand or allow sudo, then start again."
}

# True if every package is wholly installed; an interrupted install is not.
packages_there() {
  local status
  status=$(dpkg-query -W -f='${db:Status-Status}\n' "$@" 2>/dev/null) || return 1
  ! grep -qv '^installed$' <<<"$status"
}

apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0)
apt_updated=no
apt_update() {
  if [ $apt_updated = no ]; then as_root "${apt[@]}" update -q && apt_updated=yes; fi
}
apt_install() {
  apt_update || return 1
  # Finishes what an interrupted run left half-way.
  [ -z "$(dpkg --audit 2>/dev/null)" ] || as_root dpkg --configure -a || true
  as_root "${apt[@]}" install -y -q --no-install-recommends "$@"
}

# --- 1: Rust ---------------------------------------------------------------

# wasm_works RUSTC...: compiles and links a test program, which is the only
# check that also notices a library of another version or without `test`.
wasm_works() {
  echo 'fn main() {}' |
    "$@" --test --crate-name probe --target $TARGET -o "$scratch/probe.wasm" - >"$scratch/probe.log" 2>&1
}
tools_work() { cargo "$@" clippy --version >/dev/null 2>&1 && cargo "$@" fmt --version >/dev/null 2>&1; }

# Debian's Rust, for machines that cannot download from Rust's own servers. It
# is whole but for the compiled wasm32 library, which is built from its source.
debian_has_rust() {
  have_apt || return 1
  packages_there "${DEBIAN_RUST[@]}" && return
  local minor
  if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
    ask_for_root
    apt_update 2>&1 | indented
  fi
  minor=$(apt-cache policy rustc-web 2>/dev/null | sed -n 's/.*Candidate: 1\.\([0-9]*\).*/\1/p')
  [ "${minor:-0}" -ge "$RUST_MIN_MINOR" ]
}

debian_rust() {
  ask_for_root
  if ! packages_there "${DEBIAN_RUST[@]}"; then
    say "installing Debian's Rust, about 1 minute"
    apt_install "${DEBIAN_RUST[@]}" 2>&1 | indented || die "apt-get could not install ${DEBIAN_RUST[*]}: see above."
  fi
  local sysroot lib
  sysroot=$(/usr/bin/rustc --print sysroot)
  lib=$sysroot/lib/rustlib/$TARGET/lib
  if ! wasm_works /usr/bin/rustc; then
    say "building the wasm32 standard library, about 1 minute"
    local crate=$scratch/std
    mkdir -p "$crate/src"
    : >"$crate/src/lib.rs"
    printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n' >"$crate/Cargo.toml"
    # The library's own crates are all -Zbuild-std needs the bootstrap flag
    # for. Without embedded bitcode every `lto` but `false` fails later.
    (cd "$crate" && PATH="/usr/bin:$PATH" RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes CARGO_TARGET_DIR=target \
      /usr/bin/cargo build -Zbuild-std=std,panic_abort,proc_macro,test --target $TARGET --release) 2>&1 | indented ||
      die "the wasm32 standard library did not build: see above."
    rm -f "$crate/target/$TARGET/release/deps/"libempty-*
    # Copied beside its place first: an interrupted copy must not look whole.
    as_root rm -rf "$lib" "$lib.new"
    as_root mkdir -p "$lib.new"
    as_root cp "$crate/target/$TARGET/release/deps/"lib*.rlib "$lib.new/"
    as_root mv "$lib.new" "$lib"
    # What was built against another library does not link with this one.
    rm -rf "${CARGO_TARGET_DIR:-target}/$TARGET"
  fi
  if have rustup; then
    rustup toolchain link $TOOLCHAIN /usr
    rustup override set $TOOLCHAIN --path "$top" 2>&1 | indented
  fi
}

uses_debian_rust() { rustup show active-toolchain 2>/dev/null | grep -q "^$TOOLCHAIN "; }

# rustup can reach its server. Only asked where there is another way, because
# a blocked network should cost seconds.
rustup_reaches_server() {
  local code=0
  timeout 15 rustup check >/dev/null 2>&1 || code=$?
  [ $code = 0 ] || [ $code = 100 ] # 100: there are updates
}

setup_rust() {
  begin "Rust with $TARGET"
  if have rustc && have cargo; then
    if wasm_works rustc && tools_work; then there "$(version_of rustc)"; check_rust_version; return; fi
    # A clone in another directory set Debian's toolchain up already.
    if have rustup && wasm_works rustc +$TOOLCHAIN && tools_work +$TOOLCHAIN; then
      say "using the linked toolchain '$TOOLCHAIN' in this checkout"
      rustup override set $TOOLCHAIN --path "$top" 2>&1 | indented
      return
    fi
  fi
  if have rustup && ! uses_debian_rust; then
    if ! debian_has_rust || rustup_reaches_server; then
      say "asking rustup"
      if rustup target add $TARGET 2>&1 | indented && rustup component add clippy rustfmt 2>&1 | indented &&
        wasm_works rustc && tools_work; then
        check_rust_version
        finished "$(version_of rustc)"
        return
      fi
    fi
    debian_has_rust || die "rustup could not add the target $TARGET: see above; check the network, then start again."
    say "rustup cannot download here, taking Debian's packages"
  elif ! debian_has_rust; then
    die "this needs Rust with the target $TARGET: install rustup from https://rustup.rs, then start again."
  fi
  debian_rust
  if ! wasm_works rustc || ! tools_work; then
    indented <"$scratch/probe.log"
    die "Debian's Rust is installed but $(command -v rustc) does not use it: see above."
  fi
  finished "$(version_of rustc)"
}

# minor_of [+TOOLCHAIN]: 95 for Rust 1.95, 0 if there is none.
minor_of() {
  local minor
  minor=$(rustc "$@" --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p')
  echo "${minor:-0}"
}

check_rust_version() {
  local minor
  minor=$(minor_of)
  [ "$minor" -ge "$RUST_MIN_MINOR" ] || die "Rust 1.$minor is too old, 1.$RUST_MIN_MINOR is needed: run 'rustup update stable', then start again."
}

# The `raft` crate runs protoc when it is built and brings its own, but none for
# Apple silicon, and takes 3.x only.
check_protoc() {
  if [ "$(uname -sm)" != "Darwin arm64" ]; then return 0; fi
  case $("${PROTOC:-protoc}" --version 2>/dev/null) in
    "libprotoc 3."*) ;;
    *) die "the raft crate needs protoc 3.x on Apple silicon: run 'brew install protobuf@21 && brew link --force protobuf@21', then start again." ;;
  esac
}

# --- 3, 4, 6: tools from crates.io -----------------------------------------

# Which compiler builds the tools: Debian's takes twice as long as rustup's own,
# so the default toolchain is taken where it is new enough.
tools_toolchain() {
  local default
  have rustup || return 0
  default=$(rustup default 2>/dev/null | awk '{ print $1 }')
  if [ -n "$default" ] && [ "$(minor_of "+$default")" -ge "$RUST_MIN_MINOR" ]; then echo "$default"; fi
}

# install_crate CRATE VERSION OPT_LEVEL HOW_LONG [FLAGS...]. These tools run for
# seconds at a time: less optimisation than their authors chose halves the wait.
built=no
install_crate() {
  local crate=$1 version=$2 opt_level=$3 how_long=$4 toolchain
  shift 4
  say "building, $how_long"
  built=yes
  toolchain=$(tools_toolchain)
  env ${toolchain:+RUSTUP_TOOLCHAIN="$toolchain"} CARGO_TARGET_DIR="$build_dir" CARGO_INCREMENTAL=0 \
    CARGO_PROFILE_RELEASE_OPT_LEVEL="$opt_level" CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=false CARGO_PROFILE_RELEASE_STRIP=true \
    cargo install --force "$crate@$version" "$@" 2>&1 | indented
}

setup_wasm_bindgen() {
  # The tool and the crate must be of the same version.
  local wanted found
  wanted=$(awk '$0 == "name = \"wasm-bindgen\"" { getline; gsub(/[^0-9.]/, ""); print; exit }' Cargo.lock)
  [ -n "$wanted" ] || die "Cargo.lock names no wasm-bindgen: run 'git checkout Cargo.lock', then start again."
  begin "wasm-bindgen $wanted"
  found=$(version_of wasm-bindgen)
  if [ "$found" = "$wanted" ] && [ "$(version_of wasm-bindgen-test-runner)" = "$wanted" ]; then there; return; fi
  if [ -n "$found" ]; then say "replacing $found, which does not fit Cargo.lock"; fi
  install_crate wasm-bindgen-cli "$wanted" 1 "about 2 minutes" --locked ||
    install_crate wasm-bindgen-cli "$wanted" 1 "once more, with newer dependencies" ||
    die "wasm-bindgen-cli $wanted did not build: see above."
  finished
}

setup_trunk() {
  begin "trunk $TRUNK_VERSION"
  local found
  found=$(version_of trunk)
  case $found in
    0.2[1-9].* | 0.[3-9][0-9].*) there "$found"; return ;;
  esac
  install_crate trunk $TRUNK_VERSION 0 "about 3 minutes" --locked --no-default-features --features rustls ||
    die "trunk $TRUNK_VERSION did not build: see above."
  finished
}

setup_geckodriver() {
  begin "geckodriver $GECKODRIVER_VERSION"
  local found
  found=$(version_of geckodriver)
  if [ -n "$found" ]; then there "$found"; return; fi
  install_crate geckodriver $GECKODRIVER_VERSION 0 "about 1 minute" --locked ||
    die "geckodriver $GECKODRIVER_VERSION did not build: see above."
  finished
}

# --- 5: wasm-opt -----------------------------------------------------------

get_npm() {
  if have npm || ! have_apt; then return; fi
  ask_for_root
  say "installing Node.js, which it comes with"
  apt_install nodejs npm 2>&1 | indented || die "apt-get could not install nodejs and npm: see above."
}

setup_wasm_opt() {
  begin "wasm-opt ${BINARYEN_VERSION%%.*}"
  local found dir=$share/binaryen-$BINARYEN_VERSION
  found=$(wasm-opt --version 2>/dev/null | grep -oE '[0-9]+' | head -n 1 || true)
  # Older ones do not know what rustc emits by now; a newer one is fine.
  if [ "${found:-0}" -ge "${BINARYEN_VERSION%%.*}" ]; then there "$found"; return; fi
  get_npm
  have npm || die "wasm-opt ${BINARYEN_VERSION%%.*} is missing: install binaryen (or npm, which has it), then start again."
  say "installing binaryen from npm"
  mkdir -p "$dir" "$cargo_home/bin"
  npm install --prefix "$dir" --no-audit --no-fund --loglevel=error "binaryen@$BINARYEN_VERSION" 2>&1 | indented ||
    die "npm could not install binaryen $BINARYEN_VERSION: see above."
  ln -sfn "$dir/node_modules/.bin/wasm-opt" "$cargo_home/bin/wasm-opt"
  wasm-opt --version >/dev/null || die "wasm-opt does not run: is Node.js 18 or newer installed?"
  finished
}

# --- 2: browsers -----------------------------------------------------------

first_of() {
  local candidate
  for candidate in "$@"; do
    if [ -n "$candidate" ] && have "$candidate"; then command -v "$candidate"; return; fi
  done
  return 1
}
find_chromium() {
  first_of "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium
}
find_firefox() { first_of "${FIREFOX:-}" firefox-esr firefox /Applications/Firefox.app/Contents/MacOS/firefox; }
find_chromedriver() { first_of "${CHROMEDRIVER:-}" chromedriver; }

browsers_there() {
  find_chromium >/dev/null && find_chromedriver >/dev/null && find_firefox >/dev/null || return 1
  # An interrupted apt-get leaves programs that are there but not set up.
  if have_apt && [ "$(find_chromium)" = /usr/bin/chromium ]; then packages_there chromium; fi
}

# WebKit is tested where it can be had; without it its cases are left out, by name.
webkit_there() { have "${WEBKITDRIVER:-WebKitWebDriver}" && have "${XVFB:-Xvfb}"; }
webkit_can_be_had() { have_apt && { [ "$(id -u)" = 0 ] || have sudo; } && apt-cache show "${DEBIAN_WEBKIT[@]}" >/dev/null 2>&1; }

# Debian's browsers come while the tools are being built: start_browsers, then
# finish_browsers.
browsers_job=
browsers_log=
start_browsers() {
  begin "Chromium, Firefox, WebKit"
  if browsers_there && { webkit_there || ! webkit_can_be_had; }; then
    if webkit_there; then there; else there "without WebKit"; fi
    return
  fi
  if [ "$(uname)" = Darwin ]; then
    die "the browser tests need Chrome, its driver and Firefox: run 'brew install --cask google-chrome chromedriver firefox', then start again."
  fi
  local hint="the browser tests need Chromium or Chrome, the chromedriver of the same version, and Firefox on PATH: install them, then start again."
  have_apt || die "$hint"
  ask_for_root
  apt_update 2>&1 | indented
  local wanted=()
  if ! browsers_there; then
    apt-cache show "${DEBIAN_BROWSERS[@]}" >/dev/null 2>&1 || die "$hint"
    wanted+=("${DEBIAN_BROWSERS[@]}")
  fi
  local optional=()
  if ! webkit_there && webkit_can_be_had; then optional=("${DEBIAN_WEBKIT[@]}"); fi
  say "installing in the background: ${wanted[*]} ${optional[*]}"
  browsers_log=$scratch/browsers.log
  # One after the other: a WebKit that cannot be installed takes no other browser with it.
  {
    [ ${#wanted[@]} = 0 ] || apt_install "${wanted[@]}"
    [ ${#optional[@]} = 0 ] || apt_install "${optional[@]}"
  } >"$browsers_log" 2>&1 &
  browsers_job=$!
  browsers_step=$step browsers_name=$name browsers_started=$SECONDS
}

finish_browsers() {
  [ -n "$browsers_job" ] || return 0
  step=$browsers_step name=$browsers_name step_started=$browsers_started
  local code=0
  if kill -0 "$browsers_job" 2>/dev/null; then say "waiting for apt-get"; fi
  wait "$browsers_job" || code=$?
  browsers_job=
  if [ $code != 0 ]; then tail -n 20 "$browsers_log" | indented; fi
  browsers_there || die "apt-get could not install ${DEBIAN_BROWSERS[*]}: see above."
  if webkit_there; then finished; else finished "without WebKit"; fi
}

# --- 7: what judges the page's accessibility -------------------------------

setup_axe() {
  begin "axe-core $AXE_VERSION"
  local dir=$share/axe-core
  if grep -q "\"version\": \"$AXE_VERSION\"" "$dir/node_modules/axe-core/package.json" 2>/dev/null; then there; return; fi
  get_npm
  have npm || die "the browser tests need axe-core, which npm has: install npm, then start again."
  mkdir -p "$dir"
  npm install --prefix "$dir" --no-audit --no-fund --loglevel=error "axe-core@$AXE_VERSION" 2>&1 | indented ||
    die "npm could not install axe-core $AXE_VERSION: see above."
  finished
}

# --- 8: the engine for several machines ------------------------------------

# Without it the tests that need it fail and say so, and the bench leaves its
# column empty. Debian's package would start it as a service, too, which nobody
# asked for here.
setup_etcd() {
  begin "etcd"
  local found
  found=$(version_of etcd)
  if [ -n "$found" ] && have etcdctl; then there "$found"; return; fi
  if ! have_apt; then say "etcd and etcdctl are not there, and there is no apt: left out"; return; fi
  ask_for_root
  if ! apt_install etcd-server etcd-client 2>&1 | indented; then
    say "apt-get could not install etcd-server and etcd-client: left out"
    return
  fi
  if have systemctl; then as_root systemctl disable --now --quiet etcd 2>/dev/null || true; fi
  finished "$(version_of etcd)"
}

# --- 9: what tabraft is measured beside ------------------------------------

setup_dexie() {
  begin "Dexie $DEXIE_VERSION"
  local dir=$share/dexie
  if grep -q "\"version\": \"$DEXIE_VERSION\"" "$dir/node_modules/dexie/package.json" 2>/dev/null; then there; return; fi
  if ! have npm; then say "not there and there is no npm: Dexie is left out"; return; fi
  mkdir -p "$dir"
  npm install --prefix "$dir" --no-audit --no-fund --loglevel=error "dexie@$DEXIE_VERSION" 2>&1 | indented ||
    die "npm could not install dexie $DEXIE_VERSION: see above."
  finished
}

# --- all of it -------------------------------------------------------------

scratch=$(mktemp -d "${TMPDIR:-/tmp}/tabraft-setup.XXXXXX")
clean_up() {
  if [ -n "$browsers_job" ]; then
    echo "setup: waiting for apt-get, which must not be cut off"
    wait "$browsers_job" || true
  fi
  rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

setup_rust
check_protoc
if [ "$part" = test ] || [ "$part" = bench ]; then start_browsers; fi
if [ "$part" != rust ]; then
  setup_wasm_bindgen
  setup_trunk
  setup_wasm_opt
fi
if [ "$part" = test ] || [ "$part" = bench ]; then
  setup_geckodriver
  finish_browsers
  setup_axe
  setup_etcd
fi
if [ "$part" = bench ]; then
  setup_dexie
fi
if [ $built = yes ]; then rm -rf "$build_dir"; fi
if [ $path_has_cargo = no ] && [ "$part" != rust ]; then
  echo "setup: make finds the tools; to run trunk yourself, put $cargo_home/bin on your PATH."
fi
