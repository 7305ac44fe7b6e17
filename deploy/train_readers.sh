#!/usr/bin/env bash
# Trains the readers in one call on a machine with a GPU and without network.
#
#   make detector-bundle readers-bundle                          here: collects what that machine lacks
#   deploy/train_readers.sh build/bundle OUT reader:1 reader:2 reader:3     there: trains, leaves weights in OUT
#   .venv/bin/python -m digitrec.tools.ship --trained OUT reader            here again: makes the model's files
#
# It needs Python 3.11 or newer with NumPy, SciPy, OpenCV, Pillow and JAX or PyTorch for the GPU (KERAS_BACKEND).
# A second call with the same OUT leaves out what is done and goes on where the first one was ended.
set -euo pipefail
bundle=$1 out=$2
shift 2
cd "$(dirname "$0")/.."
export KERAS_BACKEND=${KERAS_BACKEND:-jax} DIGITREC_HOME=$bundle/home PYTHONUNBUFFERED=1
export PYTHONPATH=/tmp/digitrec-site${PYTHONPATH:+:$PYTHONPATH}
python3 -m pip install --quiet --no-index --no-deps --upgrade --target /tmp/digitrec-site "$bundle"/wheels/*.whl
mkdir -p "$out"
python3 -m digitrec.training.portable_training --folder "$out" "$@" 2>&1 | tee -a "$out/log.txt"
