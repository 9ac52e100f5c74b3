#!/usr/bin/env bash
# Builds dist/*.wasm from the sources, the same bytes anywhere: Debian 12's compiler and its packaged crates, no network.
# Their hashes go into dist/manifest.toml.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
needed="rustc cargo lld libstd-rust-dev-wasm32 librust-regex+default-dev librust-serde-json-dev librust-serde+derive-dev librust-smallvec-dev"
if [ "${1:-}" = --needs ]; then
    echo "$needed"
    exit
fi
registry=/usr/share/cargo/registry
rust=/usr/bin/rustc
if ! [[ "$("$rust" --version 2>/dev/null)" == "rustc 1.63.0"* && -d "$registry/regex-1.7.1" && -d "$registry/serde_derive-1.0.152" ]]; then
    echo "build.sh: needs Debian 12 with: apt-get install --no-install-recommends $needed" >&2
    exit 3
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# One workspace of all, in a folder whose name must not be in what is built.
cp -r "$here" "$scratch/modules"
cp -r "$here/../guest_sdk/rust" "$scratch/modules/sdk"
mkdir "$scratch/modules/.cargo"
cat > "$scratch/modules/.cargo/config.toml" <<END
[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "$registry"
END
cd "$scratch/modules"
env -i PATH=/usr/bin:/bin HOME="$scratch" RUSTC="$rust" \
    RUSTFLAGS="-C target-feature=+simd128,+bulk-memory,+nontrapping-fptoint --remap-path-prefix=$scratch/modules=/modules --remap-path-prefix=$registry=/crates" \
    /usr/bin/cargo build --quiet --offline --release --target wasm32-unknown-unknown
for module in regex csv json text; do
    install -m 644 "target/wasm32-unknown-unknown/release/$module.wasm" "$here/dist/$module.wasm"
    sum=$(sha256sum "$here/dist/$module.wasm" | cut -d' ' -f1)
    sed -i "/^file = \"$module.wasm\"/{n;s/\"[0-9a-f]*\"/\"$sum\"/}" "$here/dist/manifest.toml"
    echo "$sum $(wc -c < "$here/dist/$module.wasm") $module.wasm"
done
