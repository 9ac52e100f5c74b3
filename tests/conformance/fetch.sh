#!/usr/bin/env bash
# Puts CPython's own tests, of the guest's version, into FOLDER/usr/lib/python3.14/test: Debian's package of them.
# The packages come from the next Debian, by an apt-get whose lists and settings are kept in FOLDER.
set -euo pipefail
folder=$(realpath -m "${1:?the folder to put them in}")
suite=forky
missing() { echo "make: $1; or run: make conformance TESTS=FOLDER, the folder test of any CPython 3.14's library" >&2; exit 1; }
command -v apt-get >/dev/null || missing "fetching CPython's tests needs Debian's apt-get"
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Label: Debian" | head -n 1)
[ -n "$mirror" ] || missing "apt-get knows no mirror of Debian yet (apt-get update)"
mkdir -p "$folder"/{lists/partial,archives/partial,parts}
: >"$folder/status"
cat >"$folder/parts/next.sources" <<EOF
Types: deb
URIs: $mirror
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
EOF
options=(-qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$folder/parts" -o Dir::State::Lists="$folder/lists")
options+=(-o Dir::State::Status="$folder/status" -o Dir::Cache="$folder" -o APT::Sandbox::User=)
apt-get "${options[@]}" update
cd "$folder"
apt-get "${options[@]}" download libpython3.14-testsuite libpython3.14-stdlib
for package in *.deb; do dpkg-deb --extract "$package" "$folder"; done
dpkg-deb --field libpython3.14-testsuite_*.deb Version >"$folder/version"
rm -r "$folder"/*.deb "$folder/lists" "$folder/archives"
