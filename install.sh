#!/bin/sh
# Fetches kolk for this machine, compares its checksum, and puts it into ~/.local/bin:
#   curl -fsSL https://github.com/kolk-rs/kolk/releases/latest/download/install.sh | sh
# KOLK_BIN names another folder, KOLK_VERSION another version (v0.2.0), KOLK_URL another place.
set -eu

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

case $(uname -s) in
Linux) system=unknown-linux-musl ;;
Darwin) system=apple-darwin ;;
*) fail "there is no kolk for $(uname -s): it runs on Linux and macOS" ;;
esac
case $(uname -m) in
x86_64 | amd64) machine=x86_64 ;;
aarch64 | arm64) machine=aarch64 ;;
*) fail "there is no kolk for $(uname -m): build it, cargo install --git https://github.com/kolk-rs/kolk kolk" ;;
esac

name=kolk-$machine-$system
folder=${KOLK_BIN:-$HOME/.local/bin}
releases=https://github.com/kolk-rs/kolk/releases
if [ -n "${KOLK_VERSION:-}" ]; then
  url=${KOLK_URL:-$releases/download/$KOLK_VERSION}
else
  url=${KOLK_URL:-$releases/latest/download}
fi

fetch() {
  if command -v curl >/dev/null; then
    curl -fsSL -o "$2" "$1"
  elif command -v wget >/dev/null; then
    wget -qO "$2" "$1"
  else
    fail "neither curl nor wget is here"
  fi || fail "cannot fetch $1"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fetch "$url/$name.tar.gz" "$name.tar.gz"
fetch "$url/$name.tar.gz.sha256" "$name.tar.gz.sha256"
if command -v sha256sum >/dev/null; then
  sha256sum -c "$name.tar.gz.sha256" >/dev/null || fail "$name.tar.gz is not what was released"
else
  shasum -a 256 -c "$name.tar.gz.sha256" >/dev/null || fail "$name.tar.gz is not what was released"
fi
tar -xzf "$name.tar.gz"
mkdir -p "$folder"
# A program that runs is replaced, not written over.
mv "$name/kolk" "$folder/kolk"
"$folder/kolk" --version
echo "kolk is in $folder"
case :$PATH: in
*:"$folder":*) ;;
*) echo "which is not on your path: export PATH=\"$folder:\$PATH\"" ;;
esac
